"""Events, metrics, ad spend, the workbook of past campaigns, over the API."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from audit.models import AuditEvent
from campaigns import stopping, sweeps
from campaigns.models import Campaign
from core import clock
from core.scopes import in_store
from insights.formulas import KEYS
from insights.models import AdSpend, EventCount
from orders.recording import LineDraft
from tests import factories as make
from tests.api.client import member_api, problem

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.fixture
def frozen():
    with clock.freeze(NOON) as moving:
        yield moving


@pytest.fixture
def campaign(frozen, store) -> Campaign:
    with in_store(store.pk):
        make.decorate(store)
        return make.make_campaign(store, make.make_skus(store, 2, prefix="EV"))


def event(about: Campaign, **changes: Any) -> dict[str, Any]:
    return {"kind": "click", "campaign": about.code, "sku": "EV-1", "at": "2026-11-27T11:30:00Z", "count": 2} | changes


def taken(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.content
    return answer.json()


def test_events_are_counted_by_hour_and_sku(owner, campaign, store):
    rows = [
        event(campaign),
        event(campaign, count=3, at="2026-11-27T11:59:59.9Z"),
        event(campaign, kind="impression", count=100, sku=None),
        {"kind": "add_to_cart", "campaign": campaign.code, "sku": "EV-2"},
    ]
    assert taken(owner.post("/events", {"events": rows})) == {"accepted": 4, "rejected": []}
    assert taken(owner.post("/events", {"events": rows[:1]}))["accepted"] == 1
    with in_store(store.pk):
        found = EventCount.objects.order_by("hour", "sku__code").values_list(
            "sku__code", "hour", "impressions", "clicks", "add_to_cart"
        )
        hour = NOON - timedelta(hours=1)
        assert list(found) == [("EV-1", hour, 0, 7, 0), (None, hour, 100, 0, 0), ("EV-2", NOON, 0, 0, 1)]


def test_each_wrong_event_is_rejected_with_its_reason_and_stops_no_other(owner, campaign, store, frozen):
    other = make.make_store()
    with in_store(other.pk):
        make.decorate(other)
        foreign = make.make_campaign(other, make.make_skus(other, 1, prefix="EV"))
    with in_store(store.pk):
        draft = make.make_campaign(store, state="draft")
        make.make_skus(store, 1, prefix="OUT")
    wrong = {
        "ERR_EVENT_KIND": [event(campaign, kind="purchase")],
        "ERR_EVENT_CAMPAIGN": [event(campaign, campaign="C-NONE1"), event(foreign), event(campaign, campaign=7)],
        "ERR_EVENT_SKU": [event(campaign, sku="OUT-1"), event(campaign, sku="NONE"), event(campaign, sku=["x"])],
        "ERR_EVENT_TIME": [event(campaign, at=at) for at in ("2026-11-27T12:06:00Z", "yesterday", "2026-11-27T11:00:00", 5)],
        "ERR_EVENT_COUNT": [event(campaign, count=count) for count in (0, -1, 1.5, True, "2", 10**12)],
        "ERR_EVENT_WINDOW": [event(campaign, at="2026-11-27T10:00:00Z"), event(draft)],
    }  # fmt: skip
    rows = [row for group in wrong.values() for row in group]
    answer = taken(owner.post("/events", {"events": [*rows, event(campaign)]}))
    assert answer["accepted"] == 1
    assert [row["code"] for row in answer["rejected"]] == [code for code, group in wrong.items() for _row in group]
    assert [row["index"] for row in answer["rejected"]] == list(range(len(rows)))


def test_one_key_counts_once(owner, campaign, store):
    for _time in range(3):
        assert taken(owner.post("/events", {"events": [event(campaign)]}, key="once"))["accepted"] == 1
    problem(owner.post("/events", {"events": [event(campaign, count=9)]}, key="once"), 422, "ERR_IDEMPOTENCY_MISMATCH")
    with in_store(store.pk):
        assert EventCount.objects.get().clicks == 2


def test_what_is_no_list_of_events_is_refused_whole(owner, campaign):
    problem(owner.post("/events", {"events": "many"}), 422)
    problem(owner.post("/events", {"events": [event(campaign, extra=1)]}), 422)
    problem(owner.post("/events", {"events": [{}] * 10_001}), 422, "ERR_ROWS_LIMIT")
    problem(owner.post("/events", {}), 422)


def test_ten_thousand_events_take_few_queries(owner, campaign, django_assert_max_num_queries):
    rows = [
        event(campaign, at=f"2026-11-27T11:{n % 60:02}:00Z", sku=("EV-1", "EV-2", None)[n % 3]) for n in range(10_000)
    ]
    with django_assert_max_num_queries(20):
        assert taken(owner.post("/events", {"events": rows}))["accepted"] == 10_000


def test_the_metrics_of_a_campaign(owner, campaign, store):
    taken(owner.post("/events", {"events": [event(campaign, kind="impression", count=50), event(campaign, count=5)]}))
    with in_store(store.pk):
        sku = campaign.items.first().sku
        line = LineDraft(sku.pk, 2, sku.sale_price, Decimal("18.90"), campaign_code=campaign.code)
        make.make_order(store, [sku], lines=[line], buyer="b")
    assert owner.post(f"/campaigns/{campaign.code}/spend", {"spend": [{"day": "2026-11-27", "amount": "3.75"}]}).json()[
        "ad_spend"
    ] == "3.75"  # fmt: skip
    found = owner.get(f"/campaigns/{campaign.code}/metrics").json()
    assert {key: found[key] for key in KEYS} == {
        "impressions": 50, "clicks": 5, "click_rate": 0.1, "add_to_cart": 0, "orders": 1, "buyers": 1, "units": 2,
        "sales_amount": "37.80", "conversion_rate": 0.2, "average_order_value": "37.80", "discount_cost": "12.00", "roi": 2.4,
    }  # fmt: skip
    assert (found["currency"], found["data_as_of"], found["final"]) == ("USD", "2026-11-27T12:00:00Z", False)


def test_ad_spend_is_proven_recorded_and_sealed_with_the_archive(owner, campaign, store, frozen):
    path = f"/campaigns/{campaign.code}/spend"
    rows = [
        {"day": "2026-11-20", "amount": "1.00"},
        {"day": "2026-11-27", "amount": "-1"},
        {"day": "x", "amount": "1.234"},
    ]
    twice = [{"day": "2026-11-27", "amount": "1"}, {"day": "2026-11-27", "amount": "2"}]
    (fault,) = problem(owner.post(path, {"spend": twice}), 422)["errors"]
    assert (fault["field"], fault["code"]) == ("spend.1.day", "ERR_SPEND_REPEATED")
    found = problem(owner.post(path, {"spend": rows}), 422)
    assert [(error["field"], error["code"]) for error in found["errors"]] == [
        ("spend.0.day", "ERR_SPEND_DAY"), ("spend.1.amount", "ERR_MONEY_RANGE"), ("spend.2.day", "ERR_SPEND_DAY"),
        ("spend.2.amount", "ERR_MONEY_PLACES"),
    ]  # fmt: skip
    for amount in ("2.00", "5.00"):
        assert owner.post(path, {"spend": [{"day": "2026-11-27", "amount": amount}]}).status_code == 200
    with in_store(store.pk):
        assert AdSpend.objects.get().amount == Decimal("5.00")
        entry = AuditEvent.objects.filter(action="campaign.spend").latest("id")
        assert (entry.before, entry.after) == ({"2026-11-27": "2.00 USD"}, {"2026-11-27": "5.00 USD"})
        stopping.cancel(store, campaign.code, confirm_code=campaign.code, actor=make.actor_for(make.owner_of(store)))
    frozen.tick(7200)
    for _turn in range(3):
        sweeps.run()
    problem(owner.post(path, {"spend": [{"day": "2026-11-27", "amount": "9.00"}]}), 409, "ERR_FIGURES_SEALED")
    assert taken(owner.post("/events", {"events": [event(campaign)]}))["rejected"][0]["code"] == "ERR_EVENT_SEALED"
    final = owner.get(f"/campaigns/{campaign.code}/metrics").json()
    assert (final["final"], final["ad_spend"], final["data_as_of"]) == (True, "5.00", "2026-11-27T14:00:00Z")


# -- the workbook ------------------------------------------------------------------------------------------------------------


def sheets(answer: Any) -> dict[str, list[list[Any]]]:
    assert answer.status_code == 200
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(answer.streaming_content)))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def past_campaign(store, name: str, *, closed: datetime, state: str = "ended") -> Campaign:
    return Campaign.objects.create(
        store=store, code=make.new_code("C"), kind="limited_time_discount", name=name, state=state,
        starts_at=closed - timedelta(days=3), ends_at=closed, closed_at=closed, stop_reason="season",
    )  # fmt: skip


def test_the_workbook_holds_text_as_text_dates_as_dates_and_no_buyer(owner, store, frozen):
    hostile = ('=HYPERLINK("http://x")', "+1", "-2+3", "@SUM(A1)", "\t=1", "'=1", "=1\n=2", "<b>&amp;", "限时折扣")
    with in_store(store.pk):
        sku = make.make_skus(store, 1)[0]
        rows = [past_campaign(store, name, closed=NOON - timedelta(days=n)) for n, name in enumerate(hostile, 1)]
        line = LineDraft(sku.pk, 2, Decimal("24.90"), Decimal("18.90"), campaign_code=rows[0].code)
        make.make_order(store, [sku], lines=[line], buyer="buyer-4711@mail.test", code="SECRET-ORDER")
        make.make_campaign(store)  # runs: not in the history
    answer = owner.get("/campaigns/history.xlsx")
    content = b"".join(answer.streaming_content)
    names = zipfile.ZipFile(io.BytesIO(content))
    text = "".join(names.read(name).decode() for name in names.namelist())
    assert "<f>" not in text
    assert "<f " not in text
    assert "buyer-4711" not in text
    assert "SECRET-ORDER" not in text
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    head, *body = book.get_sheet_by_name("Past campaigns").to_python()
    assert [row[0] for row in body] == [row.code for row in rows]  # the latest closed first
    assert [row[1] for row in body] == list(hostile)
    last = dict(zip(head, body[0], strict=True))
    assert last["Closed at (UTC)"] == (NOON - timedelta(days=1)).replace(tzinfo=None)
    assert last["Closed at (Beijing time)"] == datetime(2026, 11, 26, 20, 0)
    assert (last["Orders"], last["Sales amount"], last["ROI"], last["Click rate"]) == (1, 37.8, 3.15, "")
    assert len([name for name in head if name in METRIC_WORDS]) == 12
    notes = {row[0]: row[1] for row in book.get_sheet_by_name("Notes").to_python()}
    assert notes["Rows"] == "9"
    assert notes["Filters"] == "none: all past campaigns"
    assert "Beijing time" in str(notes["Time zone"])
    assert "2 hours" in str(notes["Freshness"])
    assert "only the part that it took off itself" in str(notes["Stacked campaigns"])


METRIC_WORDS = {
    "Impressions", "Clicks", "Click rate", "Added to cart", "Orders", "Buyers", "Units sold", "Sales amount", "Conversion rate",
    "Average order value", "Discount cost", "ROI",
}  # fmt: skip


def test_the_span_is_of_closes_in_the_stores_calendar(owner, store, frozen):
    with in_store(store.pk):
        for name, closed in (
            ("before", datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC)),
            ("first", datetime(2026, 10, 31, 16, tzinfo=UTC)),  # midnight in Beijing
            ("last", datetime(2026, 11, 2, 15, 59, 59, tzinfo=UTC)),
            ("after", datetime(2026, 11, 2, 16, tzinfo=UTC)),
        ):
            past_campaign(store, name, closed=closed)
    found = sheets(owner.get("/campaigns/history.xlsx?from=2026-11-01&to=2026-11-02"))
    assert [row[1] for row in found["Past campaigns"][1:]] == ["last", "first"]
    found = sheets(owner.get("/campaigns/history.xlsx?from=2026-11-02T15:59:59Z&to=2026-11-02T16:00:01%2B00:00"))
    assert [row[1] for row in found["Past campaigns"][1:]] == ["after", "last"]
    assert sheets(owner.get("/campaigns/history.xlsx?from=2031-01-01"))["Past campaigns"][0][0] == "Campaign code"
    faults = problem(owner.get("/campaigns/history.xlsx?from=1&to=2026-13-01"), 422)["errors"]
    assert [(fault["field"], fault["code"]) for fault in faults] == [("from", "ERR_SPAN"), ("to", "ERR_SPAN")]
    problem(owner.get("/campaigns/history.xlsx?from=2026-11-02&to=2026-11-01"), 422)
    problem(owner.get("/campaigns/history.xlsx?from=9999-12-31T23:00:00Z"), 422)
    problem(owner.get("/insights/close-failures?from=0001-01-01T00:00:00Z"), 422)


def test_an_export_is_on_record_and_needs_its_right(owner, store, frozen):
    sheets(owner.get("/campaigns/history.xlsx"))
    with in_store(store.pk):
        assert AuditEvent.objects.get(action="history.export").after["rows"] == 0
    viewer = member_api(store, make.make_member(store, rights=["insights.view"]))
    problem(viewer.get("/campaigns/history.xlsx"), 403, "ERR_PERMISSION")


def test_why_closes_fail(owner, store, campaign):
    with in_store(store.pk):
        ended = make.make_campaign(store, state="draft")
    assert owner.post(f"/campaigns/{ended.code}/pause", {}).status_code == 409
    assert owner.post(f"/campaigns/{campaign.code}/pause", {}).status_code == 200
    found = owner.get("/insights/close-failures").json()
    assert (found["attempts"], found["refused"]) == (2, 1)
    assert [(cause["code"], cause["attempts"], cause["share"]) for cause in found["causes"]] == [
        ("ERR_STATE", 1, 100.0)
    ]
    assert found["other"] == {"attempts": 1, "share": 100.0, "source_share": 9.3}
