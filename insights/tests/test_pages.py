"""历史活动, 营销分析 and the figures of a campaign, as a browser gets them."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from python_calamine import CalamineWorkbook

import policies
from accounts.models import User
from campaigns import stopping, subitems, sweeps
from campaigns.models import Campaign
from campaigns.tests.conftest import NOON, days
from core import keyset
from core.errors import Conflict
from insights import export, failures, history, stale
from insights.history import HistoryFilter
from insights.models import AdSpend, EventCount
from listings.models import Sku
from orders.recording import LineDraft
from policies.rules import InsightRules
from tests import factories as make


@pytest.fixture
def owner(client, shop):
    client.force_login(make.owner_of(shop.store))
    return client


def visitor(client, shop, *rights):
    client.force_login(make.make_member(shop.store, rights=rights))
    return client


def page(client, shop, path, status=200):
    if "_auth_user_id" in client.session:  # the clock may have moved past the session's end
        client.force_login(User.objects.get(pk=client.session["_auth_user_id"]))
    answer = client.get(f"/s/{shop.store.slug}/{path}")
    assert answer.status_code == status, answer.status_code
    return answer.content.decode()


def past(shop, name, closed, state="ended", **extra):
    return Campaign.objects.create(
        store=shop.store, code=make.new_code("C"), kind="limited_time_discount", name=name, state=state,
        starts_at=closed - days(3), ends_at=closed, closed_at=closed, **extra,
    )  # fmt: skip


def sell(shop, campaign, quantity=1, **extra):
    sku = shop.skus[0]
    line = LineDraft(sku.pk, quantity, sku.sale_price, Decimal("18.90"), campaign_code=campaign.code)
    return make.make_order(shop.store, [sku], lines=[line], **extra)


def test_the_history_shows_what_is_over_and_nothing_else(owner, shop):
    over = past(shop, "Over", NOON - days(1))
    sell(shop, over, 2)
    past(shop, "Called off", NOON - days(2), state="cancelled")
    make.make_campaign(shop.store, shop.skus, name="Still on")
    text = page(owner, shop, "campaigns/past/")
    assert "Over" in text
    assert "Called off" in text
    assert "Still on" not in text
    assert "$37.80" in text
    assert "delay about 2 hours" in text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?state=cancelled", {"B"}),
        ("?q=A", {"A"}),
        ("?from=2026-11-26", {"A"}),
        ("?to=2026-11-25", {"B"}),
        ("?from=2026-11-25&to=2026-11-26&state=ended", {"A"}),
        ("?from=nonsense", {"A", "B"}),
        ("?state=running", {"A", "B"}),
        ("?cursor=garbage", {"A", "B"}),
    ],
)
def test_filters_are_the_address_and_the_export_follows_them(owner, shop, query, names):
    past(shop, "A", NOON - days(1))
    past(shop, "B", NOON - days(2), state="cancelled")
    text = page(owner, shop, f"campaigns/past/{query}")
    assert {name for name in "AB" if f">{name}</a>" in text} == names
    answer = owner.get(f"/s/{shop.store.slug}/campaigns/past/history.xlsx{query}")
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(answer.streaming_content)))
    assert {row[1] for row in book.get_sheet_by_name("Past campaigns").to_python()[1:]} == names


def test_the_export_speaks_the_language_of_its_reader_in_every_chunk(owner, shop):
    for n in range(3):
        past(shop, f"Week {n}", NOON - days(n + 1), name_zh=f"第{n}周")
    with translation.override("zh-hans"):
        rules = policies.active(InsightRules, NOON).model_copy(update={"export_chunk": 2})
        rows = list(export.rows_of(shop.store, HistoryFilter(), rules, now=NOON))
    assert [list(row.values())[1] for row in rows] == ["第0周", "第1周", "第2周"]


def closed_in_all_orders(shop):
    """Names of 115 past campaigns, the latest closed first: seventy by one sweep, the others made in the order of their closes."""
    others = [past(shop, f"H-{n:03}", NOON - days(80 - n)).name for n in range(45)]
    swept = [past(shop, f"H-{n:03}", NOON - days(40)).name for n in range(45, 115)]
    return [*others[41:][::-1], *swept[::-1], *others[:41][::-1]]


def test_the_history_and_its_export_come_in_the_order_of_the_closes(owner, shop):
    names = closed_in_all_orders(shop)
    seen, query = [], ""
    while True:
        text = page(owner, shop, f"campaigns/past/{query}")
        seen.append(re.findall(r">(H-\d+)</a>", text))
        after = re.search(r'rel="next" href="(\?[^"]+)"', text)
        if after is None:
            break
        query = after[1]
    assert [len(one) for one in seen] == [50, 50, 15]
    assert sum(seen, []) == names
    before = re.search(r'rel="prev" href="(\?[^"]+)"', text)
    assert before is not None
    assert re.findall(r">(H-\d+)</a>", page(owner, shop, f"campaigns/past/{before[1]}")) == seen[1]
    rules = policies.active(InsightRules, NOON).model_copy(update={"export_chunk": 40})
    rows = list(export.rows_of(shop.store, HistoryFilter(), rules, now=NOON))
    assert [row["Campaign name"] for row in rows] == names


@pytest.mark.parametrize("cursor", ["", keyset.encode_moment("n", NOON, 7), keyset.encode_moment("p", NOON, 7)])
def test_a_page_of_the_history_reads_the_index_of_closes_in_its_order(shop, cursor):
    with CaptureQueriesContext(connection) as captured:
        keyset.page_by(history.past(shop.store.pk, HistoryFilter()), history.CLOSED, cursor=cursor, size=50)
    (query,) = captured.captured_queries
    with connection.cursor() as database:
        database.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
        )
        database.execute(f"EXPLAIN {query['sql']}")
        plan = "\n".join(line for (line,) in database.fetchall())
    assert "campaign_closed" in plan
    assert "Sort" not in plan
    if cursor:
        assert "ROW(closed_at, id)" in plan.partition("Index Cond")[2].partition("\n")[0]


def test_the_history_pages_by_key_with_as_many_queries_for_many_as_for_few(owner, shop):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert owner.get(f"/s/{shop.store.slug}/campaigns/past/").status_code == 200
        return len(captured)

    for n in range(2):
        past(shop, f"C{n}", NOON - days(1))
    queries()
    few = queries()
    for n in range(60):
        past(shop, f"D{n}", NOON - days(1))
    assert queries() == few <= 12
    text = page(owner, shop, "campaigns/past/")
    assert text.count("/insights/campaigns/") == 50
    assert 'rel="next"' in text


def test_who_may_not_see_figures_sees_the_history_without_them(client, shop):
    sell(shop, past(shop, "Over", NOON - days(1)))
    visitor(client, shop, "campaigns.view")
    text = page(client, shop, "campaigns/past/")
    assert "Over" in text
    assert "$18.90" not in text
    assert "history.xlsx" not in text


def test_the_figures_of_a_campaign_with_chart_and_table(owner, shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    EventCount.objects.create(
        store=shop.store, campaign=campaign, hour=NOON - days(2), last_at=NOON, impressions=1000, clicks=40
    )
    sell(shop, campaign, 2, buyer="buyer-9")
    text = page(owner, shop, f"insights/campaigns/{campaign.code}/")
    assert "4.00%" in text
    assert "$37.80" in text
    assert text.count("bo-chart-bar") == 2 * 3  # three days, two charts; the day between is a gap
    assert "2026-11-26" in text
    assert "style=" not in text
    assert "buyer-9" not in text
    assert "Figures" in page(owner, shop, f"campaigns/{campaign.code}/")


def test_ad_spend_by_hand(owner, shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    address = f"/s/{shop.store.slug}/insights/campaigns/{campaign.code}/spend/"
    assert owner.post(address, {"day": "2026-11-27", "amount": "7.5"}).status_code == 302
    assert AdSpend.objects.get().amount == Decimal("7.50")
    wrong = owner.post(address, {"day": "2020-01-01", "amount": "x"})
    assert wrong.status_code == 422
    assert "Write a day of the campaign" in wrong.content.decode()
    assert owner.post(address, {"day": "2026-11-28", "amount": "1"}).status_code == 422, "tomorrow has not begun"
    assert AdSpend.objects.count() == 1


def test_no_ad_spend_on_the_day_after_an_end_at_midnight(owner, shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + timedelta(hours=4))
    frozen.tick(days(1))
    address = f"/s/{shop.store.slug}/insights/campaigns/{campaign.code}/spend/"
    owner.force_login(make.owner_of(shop.store))
    assert owner.post(address, {"day": "2026-11-28", "amount": "1"}).status_code == 422
    assert owner.post(address, {"day": "2026-11-27", "amount": "1"}).status_code == 302


def test_stale_campaigns_and_why(owner, shop, frozen):
    quiet = make.make_campaign(shop.store, shop.skus[:1], name="Quiet", ends_at=NOON + days(60))
    selling = make.make_campaign(shop.store, shop.skus[1:2], name="Selling", ends_at=NOON + days(60))
    paused = make.make_campaign(shop.store, shop.skus[1:2], name="Resting", state="paused", ends_at=NOON + days(60))
    frozen.tick(days(6))
    sell(shop, selling)
    assert "No stale campaigns" in page(owner, shop, "insights/")
    frozen.tick(days(1))
    text = page(owner, shop, "insights/")
    assert "Quiet" in text
    assert "Selling" not in text
    assert "Resting" not in text
    frozen.tick(days(7))
    AdSpend.objects.create(store=shop.store, campaign=selling, day=NOON.date(), amount=Decimal("500"))
    shop.skus[1].stock = 0
    shop.skus[1].save()
    text = page(owner, shop, "insights/")
    for words in (
        "Paused for a long time",
        "Every SKU is sold out",
        "Costs more than it brings in",
        "No orders for a long time",
    ):
        assert words in text
    assert text.index("Selling") < text.index("Quiet")  # three reasons come before one
    assert {quiet.state, paused.state} == {"running", "paused"}
    assert "2 campaigns run without orders" in page(owner, shop, "")


def test_an_item_that_left_alone_puts_nothing_at_risk(shop):
    end, venue = NOON + days(60), {"venue": "Main venue"}
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=end, kind="platform_promotion", rules=venue)
    gone, kept = [sku.code for sku in shop.skus[:-1]], shop.skus[-1]
    whole = stale.stock_of([campaign.pk])[campaign.pk]
    assert whole.skus == len(shop.skus)
    Sku.objects.filter(pk=shop.skus[1].pk).update(currency="JPY", sale_price=Decimal("9999"))
    other = stale.stock_of([campaign.pk])[campaign.pk]
    assert (other.units, other.given_away < whole.given_away) == (whole.units, True), "yen are no dollars"
    subitems.release_items(shop.store, campaign.code, gone, reason="Stock", actor=make.actor_for(make.make_staff()))
    left = stale.stock_of([campaign.pk])[campaign.pk]
    assert (left.skus, left.units) == (1, kept.stock)


def test_why_closes_are_refused_by_cause_with_the_sources_shares(owner, shop):
    made = [make.make_campaign(shop.store, shop.skus, state="draft") for _n in range(2)]
    for campaign in made:
        with pytest.raises(Conflict):
            stopping.pause(shop.store, campaign.code, actor=shop.owner)
    text = page(owner, shop, "insights/")
    assert "2 of 2 attempts" in text
    assert "ERR_STATE" in text
    assert "Other causes" in text
    assert "9.3%" in text


def test_the_bucket_other_counts_attempts_once_and_named_causes_stand_without_it(shop):
    make.make_campaign(shop.store, shop.skus)
    named = make.make_campaign(shop.store, shop.skus)
    drafts = [make.make_campaign(shop.store, shop.skus, state="draft") for _n in range(3)]
    for campaign, act in ((named, "cancel"), *((draft, "pause") for draft in drafts)):
        more = {"confirm_code": campaign.code} if act == "cancel" else {}
        with pytest.raises(Conflict):
            getattr(stopping, act)(shop.store, campaign.code, actor=shop.owner, **more)
    found = failures.of(shop.store.pk, since=None, until=None, now=NOON)
    rows = {row.code: row for row in found.rows}
    assert (rows["ERR_CLOSE_PRICE_CONFLICT"].attempts, rows["ERR_CLOSE_PRICE_CONFLICT"].share) == (1, 25.0)
    assert rows["ERR_CLOSE_AFFILIATE_ACTIVE"].attempts == rows["ERR_CLOSE_DEPOSIT_ARREARS"].attempts == 0
    assert (rows[""].attempts, rows[""].share, rows[""].source_share) == (3, 75.0, 9.3)
    assert [row.code for row in found.rows if row.within] == ["ERR_STATE"]


def test_what_waits_for_its_archive_is_shown_and_late_when_it_is(owner, shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, name="Just over", ends_at=NOON + timedelta(hours=1))
    frozen.move_to(campaign.ends_at + timedelta(seconds=900))
    sweeps.run()
    frozen.tick(60)
    for _turn in range(2):
        sweeps.run()
    assert "Just over" in page(owner, shop, "insights/")
    assert "archive is late" not in page(owner, shop, "insights/")
    frozen.tick(7200 + 901)
    assert "archive is late" in page(owner, shop, "insights/")
    sweeps.run()
    assert "Everything closed is archived" in page(owner, shop, "insights/")


def test_the_pages_in_chinese(owner, shop):
    past(shop, "Over", NOON - days(1))
    owner.cookies["django_language"] = "zh-hans"
    text = page(owner, shop, "campaigns/past/")
    for word in ("历史活动", "导出 Excel", "曝光量", "数据截至", "延迟约2小时"):
        assert word in text
    assert "营销分析" in page(owner, shop, "insights/")
