"""The twelve metrics: every formula, every boundary, and what the archive keeps of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

import policies
from campaigns import archive, sweeps
from campaigns.models import Campaign, CampaignArchive
from campaigns.tests.conftest import NOON, days
from insights import export, measuring
from insights.formulas import KEYS, METRICS, Figures
from insights.history import HistoryFilter
from insights.models import AdSpend, CampaignFigures, EventCount
from insights.sealing import document
from orders.models import Order
from orders.recording import LineDraft
from policies.rules import InsightRules
from tests import factories as make


def counted(campaign, sku=None, *, hour=NOON, **figures):
    EventCount.objects.create(
        store=campaign.store, campaign=campaign, sku=sku, hour=hour, last_at=hour + timedelta(minutes=9), **figures
    )


def line(sku, campaign, quantity=1, unit="18.90", off="0"):
    return LineDraft(sku.pk, quantity, sku.sale_price, Decimal(unit), Decimal(off), campaign.code if campaign else "")


def ordered(shop, lines, *, buyer="b1", **extra):
    return make.make_order(shop.store, shop.skus[:1], lines=lines, buyer=buyer, **extra)


def figures_of(campaign) -> Figures:
    return measuring.of([Campaign.objects.select_related("store").get(pk=campaign.pk)])[campaign.pk]


def test_the_twelve_by_their_formulas(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    counted(campaign, shop.skus[0], impressions=800, clicks=30)
    counted(campaign, shop.skus[1], hour=NOON - timedelta(hours=1), impressions=200, clicks=10, add_to_cart=7)
    counted(campaign, impressions=0, clicks=0, add_to_cart=1)
    ordered(shop, [line(shop.skus[0], campaign, 2), line(shop.skus[1], None, 5, "24.90")])
    ordered(shop, [line(shop.skus[1], campaign, 1, off="0.90")], buyer="b2")
    ordered(shop, [line(shop.skus[2], campaign)], buyer="b2")
    AdSpend.objects.create(store=shop.store, campaign=campaign, day=NOON.date(), amount=Decimal("4.20"))
    assert figures_of(campaign).document() == {
        "impressions": 1000,
        "clicks": 40,
        "click_rate": 0.04,
        "add_to_cart": 8,
        "orders": 3,
        "buyers": 2,
        "units": 4,
        "sales_amount": "74.70",  # 4 × 18.90 − 0.90
        "conversion_rate": 0.075,
        "average_order_value": "24.90",
        "discount_cost": "24.00",  # 4 × (24.90 − 18.90)
        "roi": 2.6489,  # 74.70 / (24.00 + 4.20)
    }


def test_nothing_counted_is_unknown_and_not_zero(shop):
    figures = figures_of(make.make_campaign(shop.store, shop.skus))
    assert [key for key, value in figures.twelve().items() if value is None] == [
        "click_rate", "conversion_rate", "average_order_value", "roi",
    ]  # fmt: skip
    assert set(figures.twelve()) == set(KEYS)


def test_called_off_orders_do_not_count_and_buyers_without_a_name_count_each(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    ordered(shop, [line(shop.skus[0], campaign)], state="cancelled")
    for _n in range(2):
        ordered(shop, [line(shop.skus[0], campaign)], buyer="")
    figures = figures_of(campaign)
    assert (figures.orders, figures.buyers, figures.units) == (2, 2, 2)


def test_an_order_discount_counts_for_the_campaign_that_the_terms_name(shop):
    campaign = make.make_campaign(shop.store, shop.skus[:2], kind="spend_and_save", price="0")
    terms = {
        "campaigns": {campaign.code: {}},
        "discounts": [{"campaign": campaign.code, "kind": "order", "amount": "8.00"}],
    }
    both = [line(shop.skus[0], None, 2, "24.90", "5.34"), line(shop.skus[1], None, 1, "24.90", "2.66")]
    ordered(shop, [*both, line(shop.skus[2], None, 1, "24.90")], snapshot=terms)
    ordered(shop, [line(shop.skus[0], None, 1, "24.90")], snapshot={"campaigns": {"C-OTHER": {}}, "discounts": []})
    figures = figures_of(campaign)
    assert (figures.orders, figures.units) == (1, 3)  # the third SKU is not in the campaign
    assert (figures.sales_amount, figures.discount_cost) == (Decimal("66.70"), Decimal("8.00"))


def test_amounts_of_two_currencies_never_mix(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    ordered(shop, [line(shop.skus[0], campaign)])
    for buyer in ("b1", "b2"):
        ordered(shop, [line(shop.skus[0], campaign, 1, "17.00")], buyer=buyer, currency="EUR")
    figures = figures_of(campaign)
    assert (figures.currency, figures.orders, figures.sales_amount) == ("USD", 1, Decimal("18.90"))
    assert [(row["currency"], row["orders"], row["sales_amount"]) for row in figures.others] == [("EUR", 2, "34.00")]


def test_ad_spend_is_not_divided_into_sales_of_another_currency(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    ordered(shop, [line(shop.skus[0], campaign, 1, "17.00")], currency="EUR")
    assert (figures_of(campaign).currency, figures_of(campaign).sales_amount) == ("EUR", Decimal("17.00"))
    AdSpend.objects.create(store=shop.store, campaign=campaign, day=NOON.date(), amount=Decimal("10.00"))
    figures = figures_of(campaign)
    assert (figures.currency, figures.ad_spend) == ("USD", Decimal("10.00"))
    assert (figures.sales_amount, figures.roi) == (Decimal(0), Decimal(0))
    assert [(row["currency"], row["sales_amount"]) for row in figures.others] == [("EUR", "17.00")]


def test_the_number_of_queries_does_not_grow_with_the_campaigns(shop):
    made = [make.make_campaign(shop.store, shop.skus) for _n in range(6)]
    rows = list(Campaign.objects.select_related("store").filter(pk__in=[one.pk for one in made]))

    def queries(wanted) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert len(measuring.of(wanted)) == len(wanted)
        return len(captured)

    assert queries(rows) == queries(rows[:1]) == 4


def close(frozen, campaign) -> None:
    frozen.move_to(campaign.ends_at + timedelta(seconds=900))
    for _turn in range(3):
        sweeps.run()


def test_the_archive_holds_the_twelve_two_hours_after_the_close(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + days(1))
    counted(campaign, shop.skus[0], impressions=50, clicks=5)
    ordered(shop, [line(shop.skus[0], campaign, 2)])
    close(frozen, campaign)
    live = figures_of(campaign)
    frozen.tick(7199)
    sweeps.run()
    assert not CampaignArchive.objects.exists()
    frozen.tick(1)
    sweeps.run()
    kept = CampaignArchive.objects.get(campaign=campaign)
    assert kept.document["metrics"] == document(live, frozen_now := kept.archived_at)
    assert (kept.document["metrics"]["sales_amount"], kept.document["metrics"]["click_rate"]) == ("37.80", "0.100000")
    assert archive.intact(kept)
    sealed = figures_of(campaign)
    assert (sealed.sealed_at, sealed.twelve()) == (frozen_now, live.twelve())
    Order.objects.update(state="cancelled")
    EventCount.objects.all().delete()
    assert figures_of(campaign).twelve() == live.twelve()


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_the_export_works_out_sealed_figures_as_the_pages_do(shop, currency):
    """Halves rounded up, thirds, nothing divided by nothing, and places of the currency: the database and `Figures` agree."""
    cases = [
        (0, 0, 0, 0, "0", "0", "0"), (3, 1, 2, 3, "10", "3", "0"), (7, 0, 0, 1, "0.005", "0.001", "0.002"),
        (2_000_000, 1, 1, 8, "1.005", "0", "8"), (6, 4, 3, 7, "99999.999", "0.333", "0.001"), (0, 9, 0, 0, "0", "5", "0"),
    ]  # fmt: skip
    for n, (impressions, clicks, carts, orders, paid, saved, spent) in enumerate(cases):
        campaign = Campaign.objects.create(
            store=shop.store, code=f"C-SEAL{n}", kind="limited_time_discount", name=f"Sealed {n}", state="ended",
            starts_at=NOON - days(3), ends_at=NOON - days(1), closed_at=NOON - days(1),
        )  # fmt: skip
        CampaignFigures.objects.create(
            campaign=campaign, store=shop.store, sealed_at=NOON, currency=currency, impressions=impressions, clicks=clicks,
            add_to_cart=carts, orders=orders, buyers=orders, units=orders, sales_amount=Decimal(paid), discount_cost=Decimal(saved),
            ad_spend=Decimal(spent),
        )  # fmt: skip
    rows = list(export.rows_of(shop.store, HistoryFilter(), policies.active(InsightRules, NOON), now=NOON))
    kept = measuring.of(Campaign.objects.select_related("store").filter(code__startswith="C-SEAL"))
    twelve = {one.pk: one.code for one in Campaign.objects.filter(pk__in=kept)}
    told = {row["Campaign code"]: [row[str(metric.label)] for metric in METRICS] for row in rows}
    assert told == {twelve[pk]: list(figures.twelve().values()) for pk, figures in kept.items()}
    assert {row["Figures final"] for row in rows} == {"Yes"}


def test_sealed_figures_cannot_change(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + days(1))
    close(frozen, campaign)
    frozen.tick(7200)
    sweeps.run()
    for change in (
        lambda: CampaignFigures.objects.update(orders=99),
        lambda: CampaignFigures.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(IntegrityError, match="are sealed"), transaction.atomic():
            change()


def test_older_archives_get_their_figures_from_the_orders(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    ordered(shop, [line(shop.skus[0], campaign, 2)])
    ordered(shop, [line(shop.skus[0], campaign)], placed_at=NOON + days(2))
    CampaignArchive.objects.create(
        campaign=campaign, store=shop.store, archived_at=NOON + days(1), document={"format": 1}, sha256=""
    )
    backfill = import_module("insights.migrations.0002_sealed").BACKFILL
    with connection.cursor() as cursor:
        cursor.execute(backfill)
        cursor.execute(backfill)
    row = CampaignFigures.objects.get()
    assert (row.orders, row.buyers, row.units, row.sales_amount) == (1, 1, 2, Decimal("37.80"))
    assert row.discount_cost == Decimal("12.00")
