"""A campaign that is its coupon: 领券满30减5, which FIRST30-5 lives and dies with (glossary §2.4)."""

from __future__ import annotations

from datetime import timedelta

from accounts.models import Store
from backoffice.demo.film import Film
from backoffice.demo.stage import OPERATOR_A, OWNER, acting
from campaigns import coupon_links, lifecycle
from campaigns.inputs import CampaignInput
from campaigns.models import Kind
from core.scopes import in_store

COUPON = "FIRST30-5"


def plan(film: Film, store: Store) -> None:
    """The drive begins a moment after its coupon was made."""
    film.at(lambda: _drive(store, film), days=2, hours=23, minutes=55)


def _drive(store: Store, film: Film) -> None:
    given = CampaignInput(
        kind=Kind.COUPON_DRIVE, name="Claim a Coupon: 30 Save 5", name_zh="领券满30减5",
        starts_at=film.premiere - timedelta(days=3), ends_at=film.premiere + timedelta(days=20),
    )  # fmt: skip
    with in_store(store.pk):
        code = lifecycle.create_campaign(store, given, actor=acting(OPERATOR_A)).campaign.code
        coupon_links.link_coupon(store, code, COUPON, actor=acting(OWNER))
        lifecycle.submit(store, code, actor=acting(OPERATOR_A))
