"""What happens in the demo, moment by moment (glossary §2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Store
from audit.actors import Actor
from backoffice.demo import catalogue, drives
from backoffice.demo.catalogue import Good
from backoffice.demo.film import Film, Scene
from backoffice.demo.stage import OPERATOR_A, OPERATOR_B, OWNER, STAFF, acting
from campaigns import lifecycle, reviewing, stopping
from campaigns.inputs import CampaignInput, ItemInput
from campaigns.models import Campaign, Kind
from core.scopes import in_store
from listings.editing import create_listing
from listings.models import ChangeSource
from listings.prices import set_prices
from storefront.checkout import place_order
from storefront.quoting import make_quote

CLEAR_OUT_SKUS = 1000
BUYERS = ("buyer-1041", "buyer-2077", "buyer-3115", "buyer-4402", "buyer-5068", "buyer-6190")


class Stage:
    """One store with its goods, and shorthand for what happens in it."""

    def __init__(self, store: Store, film: Film, goods: Sequence[Good]) -> None:
        self.store, self.film = store, film
        self.goods = {good.sku: good for good in goods}
        self.codes: dict[str, str] = {}
        self.orders = 1000

    def in_scope(self, scene: Scene) -> Scene:
        """The scene, run in the store's scope."""

        def run() -> None:
            with in_store(self.store.pk):
                scene()

        return run

    def at(self, scene: Scene, **before: float) -> None:
        """A scene in this store."""
        self.film.at(self.in_scope(scene), **before)

    def stock(self) -> None:
        """Put the goods on sale."""
        for good in self.goods.values():
            create_listing(self.store, good.listing(), source=ChangeSource.MANUAL, actor=acting(OWNER))

    def campaign(
        self,
        name: str,
        name_zh: str,
        items: Sequence[ItemInput],
        window: tuple[datetime, datetime],
        *,
        submit: bool = True,
        kind: str = Kind.LIMITED_TIME_DISCOUNT,
        **terms: Any,
    ) -> None:
        """Make a campaign, by default a limited-time discount, and submit it; `terms` are further fields of its input."""
        given = CampaignInput(
            kind=kind,
            name=name,
            name_zh=name_zh,
            starts_at=window[0],
            ends_at=window[1],
            items=items,
            **terms,
        )
        code = lifecycle.create_campaign(self.store, given, actor=acting(OPERATOR_A)).campaign.code
        self.codes[name] = code
        if submit:
            lifecycle.submit(self.store, code, actor=acting(OPERATOR_A))

    def launch(
        self, name: str, name_zh: str, skus: Sequence[str], window: tuple[datetime, datetime], **before: float
    ) -> None:
        """A scene in which a campaign over these goods is made and submitted."""
        self.at(lambda: self.campaign(name, name_zh, self.prices(*skus), window), **before)

    def prices(self, *skus: str) -> list[ItemInput]:
        """The demo's campaign prices of these goods."""
        return [ItemInput(sku=sku, price=self.goods[sku].campaign) for sku in skus]

    def order(self, *lines: tuple[str, int], state: str = "paid") -> None:
        """A buyer takes a quote and orders."""
        self.orders += 1
        buyer, owner = BUYERS[self.orders % len(BUYERS)], acting(OWNER)
        quote = make_quote(
            self.store,
            {"buyer": buyer, "country": "US", "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]},
            actor=owner,
        )
        place_order(self.store, {"order": f"DEMO-{self.orders}", "quote": quote.code}, actor=owner)


def stop(stage: Stage, name: str, reason: str, note: str, *, who: str = OPERATOR_A, for_good: bool = False) -> Campaign:
    """Pause a campaign of the stage, or cancel it for good."""
    code, actor = stage.codes[name], acting(who)
    if for_good:
        return stopping.cancel(stage.store, code, confirm_code=code, reason=reason, note=note, actor=actor)
    return stopping.pause(stage.store, code, reason=reason, note=note, actor=actor)


def pinecone(store: Store, film: Film) -> None:
    """Everything in order; most campaigns."""
    stage, at = Stage(store, film, catalogue.PINECONE), film.premiere

    def window(since: float, until: float) -> tuple[datetime, datetime]:
        return at + timedelta(days=since), at + timedelta(days=until)

    def stopped(name: str, reason: str, note: str, **how: Any) -> Scene:
        return lambda: stop(stage, name, reason, note, **how)

    stage.at(stage.stock, days=29)
    stage.launch(
        "Members' Day Discount",
        "会员日限时折扣",
        ("PC-DRS-001-S", "PC-TOT-005", "PC-SNK-031-38"),
        window(-20, -6),
        days=21,
    )
    for age in (18.0, 15.0, 12.0, 9.0, 7.0):
        stage.at(lambda: stage.order(("PC-DRS-001-S", 1), ("PC-TOT-005", 2)), days=age)
    first_week = (at - timedelta(days=7), at - timedelta(minutes=5))
    stage.launch("Autumn New-In First Week", "秋冬新品首周折扣", ("PC-KNT-014-M", "PC-JKT-022-L"), first_week, days=8)
    stage.launch(
        "Main Image Test, Arm B", "主图A/B测试组B", ("PC-PJS-008-M", "PC-WIG-012"), window(-6, 8), days=6, hours=1
    )
    stage.launch("Scarf Traffic Price", "围巾引流款低价", ("PC-SCF-003", "PC-EAR-040"), window(-4, 3), days=4, hours=1)
    stage.at(lambda: _clear_out(stage, window(-3, 4)), days=3, hours=2)
    stage.at(lambda: _copy_campaign_prices(stage, "PC-SCF-003", "PC-EAR-040"), days=3)
    for age in (3.2, 2.6, 2.2):
        stage.at(lambda: stage.order(("PC-SCF-003", 2)), days=age)
    stage.at(stopped("Scarf Traffic Price", "supply_chain", "Mill stopped deliveries", for_good=True), days=2)
    for age in (2.5, 1.5, 0.5):
        stage.at(lambda: stage.order(("PC-KNT-014-M", 1), ("PC-JKT-022-L", 1)), days=age)
        stage.at(lambda: stage.order(*_from_clear_out()), days=age)
    stage.at(stopped("Main Image Test, Arm B", "ab_test", "Clicks below arm A", who=OPERATOR_B), days=1)
    stage.launch("Winter Warm-Up Discount", "暖冬预热折扣", ("PC-KNT-014-M", "PC-SCF-003"), window(2, 9), hours=20)
    stage.at(lambda: _spend_and_save(stage, window(-2, 12)), days=2, hours=1)
    wrong_price = (at - timedelta(hours=1), at + timedelta(hours=2))
    stage.launch("Wrong-Price Emergency Stop", "错价紧急停止演示", ("PC-DRS-001-S",), wrong_price, hours=1, minutes=5)
    stage.at(
        stopped("Wrong-Price Emergency Stop", "other", "Price typed without its first digit", for_good=True), seconds=1
    )


def _clear_out(stage: Stage, window: tuple[datetime, datetime]) -> None:
    owner: Actor = acting(OWNER)
    items: list[ItemInput] = []
    for listing, prices in catalogue.clear_out(CLEAR_OUT_SKUS):
        create_listing(stage.store, listing, source=ChangeSource.MANUAL, actor=owner)
        items += [ItemInput(sku=sku, price=price) for sku, price in prices]
    stage.campaign("End-of-Season Clear-Out", "换季清仓限时折扣", items, window)


def _spend_and_save(stage: Stage, window: tuple[datetime, datetime]) -> None:
    """Two steps and a gift over goods of no other campaign, and three SKUs of the clear-out: their conflict stands until it is resolved."""
    rules = {
        "threshold": "60.00",
        "discount": "8.00",
        "steps": [{"threshold": "120.00", "discount": "20.00"}],
        "free_shipping_threshold": "30.00",
        "gifts": ["Gift tote 赠品袋"],
    }
    alone = ("PC-JKT-022-L", "PC-SNK-031-38", "PC-TOT-005")
    items = [ItemInput(sku=sku) for sku in (*alone, *(sku for sku, _ in _from_clear_out()))]
    stage.campaign("Spend US$60 Save US$8", "全店满60减8", items, window, kind=Kind.SPEND_AND_SAVE, rules=rules)


def _from_clear_out() -> list[tuple[str, int]]:
    """The first SKU in stock of three listings of the clear-out."""
    found: list[tuple[str, int]] = []
    for listing, _prices in catalogue.clear_out(CLEAR_OUT_SKUS):
        found += [(str(sku.sku), 1) for sku in listing.skus if int(str(sku.stock)) > 20][:1]
        if len(found) == 3:
            break
    return found


def _copy_campaign_prices(stage: Stage, *skus: str) -> None:
    """Somebody wrote the campaign price over the sale price: the report will ask whether to restore it (R44, R45)."""
    rows = [{"sku": sku, "sale_price": stage.goods[sku].campaign} for sku in skus]
    set_prices(stage.store, rows, source=ChangeSource.MANUAL, actor=acting(OPERATOR_B))


def riverlamp(store: Store, film: Film) -> Stage:
    """Electronics: a discount that runs, and two promotions of the platform, one enforced, one in review. `obstacles` adds the rest."""
    stage, at = Stage(store, film, catalogue.RIVERLAMP), film.premiere
    stage.orders = 2000
    stage.at(stage.stock, days=29)
    stage.launch(
        "Quiet Keyboard Offer",
        "静音键盘优惠",
        ("RL-KBD-061",),
        (at - timedelta(days=12), at + timedelta(days=10)),
        days=12,
        hours=1,
    )
    stage.at(lambda: _double_11(stage, (at - timedelta(days=1), at + timedelta(days=1))), days=9)
    stage.at(lambda: _let_in(stage, "Double 11 Main Venue Slot"), days=8)
    stage.at(
        lambda: reviewing.set_enforced(
            store,
            stage.codes["Double 11 Main Venue Slot"],
            True,
            reason="双11主会场资源位 Double 11 main venue slot",
            actor=acting(STAFF),
        ),
        hours=23,
    )
    black_friday = (at + timedelta(days=6), at + timedelta(days=9))
    stage.at(
        lambda: stage.campaign(
            "Black Friday Main Venue",
            "黑五主会场提报",
            stage.prices("RL-EBD-100-BK", "RL-CAM-210", "RL-PWR-020"),
            black_friday,
            kind=Kind.PLATFORM_PROMOTION,
            rules={"venue": "黑五主会场 Black Friday main venue"},
        ),
        days=1,
        hours=4,
    )
    return stage


def _double_11(stage: Stage, window: tuple[datetime, datetime]) -> None:
    stage.campaign(
        "Double 11 Main Venue Slot",
        "双11主会场资源位",
        stage.prices("RL-PWR-020", "RL-KBD-061", "RL-WCH-009"),
        window,
        kind=Kind.PLATFORM_PROMOTION,
        rules={"venue": "双11主会场 Double 11 main venue"},
    )


def _let_in(stage: Stage, name: str) -> None:
    reviewing.approve(stage.store, stage.codes[name], note="资源位已确认 Slot confirmed", actor=acting(STAFF))


def halfhill(store: Store, film: Film) -> None:
    """A home store: a festival that runs, spend-and-save that has not begun, a draft, an enrolment that was refused."""
    stage, at = Stage(store, film, (*catalogue.HALFHILL, *catalogue.lamps())), film.premiere
    stage.orders = 3000

    def window(since: float, until: float) -> tuple[datetime, datetime]:
        return at + timedelta(days=since), at + timedelta(days=until)

    lamps = [good.sku for good in catalogue.lamps()]
    stage.at(stage.stock, days=20)
    stage.at(
        lambda: stage.campaign(
            "Mid-Autumn Lights", "中秋灯饰专场", stage.prices(*lamps), window(-1, 6), kind=Kind.FESTIVAL, min_items=8
        ),
        days=3,
    )
    for age in (0.8, 0.4):
        stage.at(lambda: stage.order((lamps[0], 2), (lamps[5], 1)), days=age)
    stage.at(lambda: _warm_winter(stage, window(2, 16)), days=1)
    stage.at(
        lambda: stage.campaign(
            "Spring Renewal Venue",
            "春季焕新会场",
            stage.prices("HH-STL-007", "HH-DRL-002"),
            window(20, 27),
            kind=Kind.PLATFORM_PROMOTION,
            rules={"venue": "焕新会场 Renewal venue"},
        ),
        hours=30,
    )
    stage.at(
        lambda: reviewing.reject(
            store,
            stage.codes["Spring Renewal Venue"],
            reason="price",
            note="换鞋凳的活动价高于近30天成交价 The bench sold below this price within 30 days.",
            actor=acting(STAFF),
        ),
        hours=6,
    )
    stage.at(
        lambda: stage.campaign(
            "Weekend Flash Draft", "周末闪购草稿", stage.prices("HH-PLT-033"), window(5, 7), submit=False
        ),
        hours=5,
    )
    drives.plan(film, store)


def _warm_winter(stage: Stage, window: tuple[datetime, datetime]) -> None:
    rules = {"threshold": "50.00", "discount": "6.00", "free_shipping_threshold": "40.00"}
    items = [ItemInput(sku=good.sku) for good in catalogue.HALFHILL]
    stage.campaign("Warm Winter Home Savings", "暖冬家居满减", items, window, kind=Kind.SPEND_AND_SAVE, rules=rules)
