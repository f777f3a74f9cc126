"""Two small stores of one person: a sole trader, and a fully-managed one (glossary §2.1, §2.4)."""

from __future__ import annotations

from datetime import timedelta

from accounts import stores
from accounts.models import Entity, Store
from accounts.signals import SiteDraft
from backoffice.demo import catalogue
from backoffice.demo.catalogue import Good
from backoffice.demo.film import Film
from backoffice.demo.stage import OPERATOR_B, STAFF, acting
from campaigns import lifecycle
from campaigns.inputs import CampaignInput, ItemInput
from campaigns.models import Kind
from core import clock
from core.scopes import in_store
from listings.decorating import decorate
from listings.editing import create_listing
from listings.models import ChangeSource

SITES = [SiteDraft("en", "en", "USD"), SiteDraft("zh", "zh", "USD")]


def riceboat(film: Film) -> None:
    """A sole trader with a running discount: it may be paused and cancelled, documents and coupons are closed to it (R178)."""
    film.at(_open_riceboat, days=25)
    film.at(lambda: _weekend(film), days=1)


def kitebutton(film: Film) -> None:
    """Toys that the platform sells for the store: no campaign of its own holds them (R127)."""
    film.at(_open_kitebutton, days=25)


def _open_riceboat() -> None:
    _open("riceboat", "Riceboat Corner (Demo)", "米船小铺（演示）", Entity.SOLE_TRADER, "home", catalogue.RICEBOAT)


def _open_kitebutton() -> None:
    name, name_zh = "Kite & Button Toys (Demo)", "线扣玩具（演示）"
    _open("kitebutton", name, name_zh, Entity.COMPANY, "toys", catalogue.KITEBUTTON)


def _open(slug: str, name: str, name_zh: str, entity: Entity, category: str, goods: tuple[Good, ...]) -> None:
    staff, owner = acting(STAFF), acting(OPERATOR_B)
    store = stores.create_store(
        slug=slug,
        name=name,
        name_zh=name_zh,
        owner_email=OPERATOR_B,
        entity=entity,
        sites=SITES,
        actor=staff,
        now=clock.now(),
    )
    stores.edit_store_state(slug, {"kyc": "verified"}, actor=staff)
    with in_store(store.pk):
        pictures = {"logo": f"/static/demo/{slug}-logo.svg", "banner": f"/static/demo/{slug}-banner.svg"}
        decorate(store, {**pictures, "main_category": category}, actor=owner)
        for good in goods:
            create_listing(store, good.listing(), source=ChangeSource.MANUAL, actor=owner)


def _weekend(film: Film) -> None:
    store, owner = Store.objects.get(slug="riceboat"), acting(OPERATOR_B)
    window = (film.premiere - timedelta(days=1), film.premiere + timedelta(days=2))
    items = [ItemInput(sku=good.sku, price=good.campaign) for good in catalogue.RICEBOAT]
    given = CampaignInput(
        kind=Kind.LIMITED_TIME_DISCOUNT, name="Corner Weekend Discount", name_zh="小店周末折扣",
        starts_at=window[0], ends_at=window[1], items=items,
    )  # fmt: skip
    with in_store(store.pk):
        code = lifecycle.create_campaign(store, given, actor=owner).campaign.code
        lifecycle.submit(store, code, actor=owner)
