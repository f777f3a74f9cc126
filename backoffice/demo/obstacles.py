"""What stands in the way of a close, in the demo: each guard of the business on a campaign of its own (glossary §2.1, §2.4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts import penalties, stores
from accounts.models import PenaltyKind
from accounts.signals import SiteDraft
from backoffice.demo.film import Film
from backoffice.demo.scenes import Stage
from backoffice.demo.stage import OPERATOR_A, OPERATOR_B, OWNER, STAFF, acting
from campaigns import affiliates
from core import clock
from core.scopes import in_store
from finance import deposits
from listings.decorating import decorate
from orders.editing import patch_order
from storefront.checkout import place_order

ARREARS = "2000.00"


def riverlamp(stage: Stage, at: datetime) -> None:
    """Price protection, logistics guarantee, an affiliate plan and arrears, on the three discounts of the store; and a penalty."""

    def window(since: float, until: float) -> tuple[datetime, datetime]:
        return at - timedelta(days=since), at + timedelta(days=until)

    stage.at(lambda: _deposit(stage), days=25)
    stage.at(lambda: _arrears(stage), days=12)
    stage.at(lambda: _points(stage), days=20)
    stage.at(lambda: _sold(stage, "RL-EBD-100-BK", "27.50"), days=9)
    stage.at(
        lambda: stage.campaign(
            "Earbuds Price-Protected Offer",
            "耳机价保承诺活动",
            stage.prices("RL-EBD-100-BK"),
            window(5, 5),
            price_protected=True,
        ),
        days=5,
        hours=1,
    )
    stage.at(
        lambda: stage.campaign(
            "Dash-Cam Worry-Free Shipping",
            "记录仪无忧物流专场",
            stage.prices("RL-CAM-210"),
            window(5, 5),
            logistics_guarantee=True,
        ),
        days=5,
        hours=1,
    )
    stage.launch("Speaker Affiliate Discount", "联盟推广音箱折扣", ("RL-SPK-120",), window(2, 6), days=2, hours=1)
    stage.at(lambda: _partners(stage), days=1, hours=22)
    ordered: list[str] = []
    for age in (4.5, 3.5, 1.5):
        stage.at(lambda: _order_dash_cam(stage, ordered), days=age)
        stage.at(lambda: _fulfil(stage, ordered), days=age - 0.4)


def _deposit(stage: Stage) -> None:
    deposits.charge(
        stage.store,
        amount="5000.00",
        currency="CNY",
        reason="年度营销保证金 Marketing deposit for the year",
        actor=acting(STAFF),
    )
    deposits.pay(stage.store, amount="5000.00", note="TT-20417", actor=acting(OWNER))


def _arrears(stage: Stage) -> None:
    reason = "大促资源位补缴 Top-up for the main venue slot"
    deposits.charge(stage.store, amount=ARREARS, currency="CNY", reason=reason, actor=acting(STAFF))


def _points(stage: Stage) -> None:
    reason = "上次大促终止参与的商品超过30% Over 30% of the items left the last promotion"
    penalties.issue(stage.store.slug, kind=PenaltyKind.POINTS, points=2, reason=reason, actor=acting(STAFF))


def _sold(stage: Stage, sku: str, price: str) -> None:
    """A sale through another channel, above what the campaign will ask."""
    stage.orders += 1
    lines = [{"sku": sku, "quantity": 1, "unit_price": price}]
    told = {"order": f"DEMO-{stage.orders}", "buyer": "buyer-7007", "country": "US", "lines": lines}
    place_order(stage.store, told, actor=acting(OWNER))


def _partners(stage: Stage) -> None:
    promoted = [stage.codes["Speaker Affiliate Discount"]]
    affiliates.create_plan(
        stage.store, name="音箱达人推广 Speaker partners", campaigns=promoted, actor=acting(OPERATOR_A)
    )


def _order_dash_cam(stage: Stage, ordered: list[str]) -> None:
    stage.order(("RL-CAM-210", 1))
    ordered.append(f"DEMO-{stage.orders}")


def _fulfil(stage: Stage, ordered: list[str]) -> None:
    """The warehouse hands the latest order over: it has a fulfilment number from now on."""
    changes = {"state": "paid", "fulfilment_number": f"LP00986{len(ordered):03d}CN"}
    patch_order(stage.store, ordered[-1], changes, actor=acting(OWNER))


def newleaf(film: Film) -> None:
    """A store that opened lately and has no banner yet: campaigns are closed to it (R27)."""
    film.at(_open_newleaf, days=18)


def _open_newleaf() -> None:
    staff = acting(STAFF)
    store = stores.create_store(
        slug="newleaf18", name="Newleaf Corner (Demo)", name_zh="新叶小店（演示）", owner_email=OPERATOR_B,
        sites=[SiteDraft("en", "en", "USD")], actor=staff, now=clock.now(),
    )  # fmt: skip
    stores.edit_store_state(store.slug, {"kyc": "verified"}, actor=staff)
    with in_store(store.pk):
        decorate(
            store, {"logo": "/static/demo/pinecone-logo.svg", "main_category": "stationery"}, actor=acting(OPERATOR_B)
        )
