"""The guards of the business, one by one and in every combination (R21-R23, R25, R29-R31, R33)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import product
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from accounts import penalties
from campaigns import affiliates, business_guards, guards, lifecycle, stopping
from campaigns.inputs import CampaignInput
from campaigns.models import AffiliateLink, AffiliatePlan, Campaign, CampaignItem, Kind
from campaigns.tests.conftest import NOON
from core.errors import Conflict
from finance import deposits
from finance.models import DepositAccount
from orders import fulfilment
from orders.recording import LineDraft, OrderDraft, record_orders
from tests import factories as make

BRAKE_WORKS = ("ERR_CLOSE_AFFILIATE_ACTIVE", "ERR_CLOSE_DEPOSIT_ARREARS", "ERR_CLOSE_PRICE_CONFLICT")


def sold(shop, campaign, price, *, sku=None, days=1.0, code="", number=""):
    """An order of one SKU, so many days ago, under the campaign."""
    sku = sku or shop.skus[0]
    line = LineDraft(sku.pk, 1, Decimal("24.90"), Decimal(price), campaign_code=campaign.code)
    draft = OrderDraft(
        code or f"G-{make.serial()}", NOON - timedelta(days=days), "USD", [line], state="paid", fulfilment_number=number
    )
    record_orders(shop.store, [draft], actor=shop.owner, now=NOON)


def change(campaign, **values):
    Campaign.objects.filter(pk=campaign.pk).update(**values)


def plan(shop, *campaigns):
    return affiliates.create_plan(
        shop.store, name="Speaker plan", campaigns=[one.code for one in campaigns], actor=shop.owner
    )


def owe(shop, amount="2000.00", currency="CNY"):
    staff = make.actor_for(make.make_staff())
    deposits.charge(shop.store, amount=amount, currency=currency, reason="Season deposit", actor=staff)


def row_of(shop, campaign, action, code):
    check = guards.close_check(shop.store, Campaign.objects.get(pk=campaign.pk), action, actor=shop.owner)
    return next(row for row in check.guards if row.code == code)


@dataclass(frozen=True)
class Row:
    """One guard: what breaks it, what of it shows in the evidence, where the fix leads, what is asked when it fails technically."""

    code: str
    spoil: Any
    evidence: dict[str, Any]
    fix: str
    breaks: tuple[Any, str] | None


def _enrolled(shop, campaign):
    change(campaign, kind=Kind.PLATFORM_PROMOTION, rules={"venue": "Black Friday"})


def _enforced(shop, campaign):
    change(campaign, platform_enforced=True)


def _fulfilled(shop, campaign):
    change(campaign, logistics_guarantee=True)
    for number in ("LP-1", "LP-2", ""):
        sold(shop, campaign, "18.90", number=number, code=f"ORDER-{number or 'OPEN'}")


def _protected(shop, campaign):
    change(campaign, price_protected=True)
    for sku in shop.skus[1:]:
        sold(shop, campaign, "18.90", sku=sku)
    sold(shop, campaign, "27.50", days=29)


def _promoted(shop, campaign):
    plan(shop, campaign)


def _indebted(shop, campaign):
    owe(shop)


TABLE = (
    Row("ERR_CLOSE_PLATFORM_LOCKED", _enrolled, {"venue": "Black Friday", "state": "running"}, "/campaigns/", None),
    Row("ERR_CLOSE_PLATFORM_ENFORCED", _enforced, {"platform_enforced": True}, "/campaigns/", None),
    Row(
        "ERR_CLOSE_FULFILMENT_STARTED", _fulfilled, {"orders": 2, "sample": ["ORDER-LP-1", "ORDER-LP-2"]}, "/orders/?campaign=C-",
        (fulfilment, "started"),
    ),
    Row(
        "ERR_CLOSE_PRICE_PROTECTED", _protected, {"days": 30, "above": 1, "without_deal": 0, "skus_on_sale": 3}, "/items/",
        (business_guards, "protected_prices"),
    ),
    Row("ERR_CLOSE_AFFILIATE_ACTIVE", _promoted, {"plans": 1}, "/affiliates/", (affiliates, "running")),
    Row(
        "ERR_CLOSE_DEPOSIT_ARREARS", _indebted, {"arrears": [{"currency": "CNY", "amount": "2000.00"}]}, "/deposit/",
        (deposits, "arrears"),
    ),
)  # fmt: skip
EACH = pytest.mark.parametrize("one", TABLE, ids=[row.code for row in TABLE])
#: The others look at the campaign's own row and nothing else: there is nothing that could fail to answer.
ASKING = pytest.mark.parametrize("one", [row for row in TABLE if row.breaks is not None], ids=lambda row: row.code)
BOTH = pytest.mark.parametrize("action", ["pause", "cancel"])


@EACH
@BOTH
def test_a_guard_passes_and_then_refuses_with_numbers_and_a_way_out(shop, one, action):
    campaign = make.make_campaign(shop.store, shop.skus)
    assert row_of(shop, campaign, action, one.code).status == "passed"
    one.spoil(shop, campaign)
    found = row_of(shop, campaign, action, one.code)
    warns = action == "pause" and one.code in BRAKE_WORKS
    assert (found.status, found.blocks) == ("warning" if warns else "blocked", not warns)
    assert {name: found.evidence[name] for name in one.evidence} == one.evidence
    assert one.fix in found.fix.url
    assert found.fix.url.startswith(f"/s/{shop.store.slug}/")
    assert "V5.3.1" in found.policy


@EACH
@BOTH
def test_the_verb_obeys_the_guard(shop, one, action):
    campaign = make.make_campaign(shop.store, shop.skus)
    one.spoil(shop, campaign)
    acts: dict[str, Any] = {"pause": stopping.pause, "cancel": partial(stopping.cancel, confirm_code=campaign.code)}
    if action == "pause" and one.code in BRAKE_WORKS:
        assert acts[action](shop.store, campaign.code, actor=shop.owner).state == "paused"
        return
    with pytest.raises(Conflict) as refusal:
        acts[action](shop.store, campaign.code, actor=shop.owner)
    assert [line["code"] for line in refusal.value.extra["blockers"]] == [one.code]
    assert Campaign.objects.get(pk=campaign.pk).state == "running"


@ASKING
@BOTH
def test_a_guard_that_cannot_be_evaluated_is_unknown(shop, one, action, monkeypatch):
    campaign = make.make_campaign(shop.store, shop.skus)
    one.spoil(shop, campaign)

    def broken(*_args, **_more):
        raise DatabaseError("the disk is on fire")

    monkeypatch.setattr(*one.breaks, broken)
    found = row_of(shop, campaign, action, one.code)
    assert (found.status, found.blocks) == ("unknown", action == "cancel")


@pytest.mark.parametrize(
    ("kind", "state", "locked"),
    [
        (Kind.PLATFORM_PROMOTION, "in_review", True),
        (Kind.PLATFORM_PROMOTION, "scheduled", True),
        (Kind.PLATFORM_PROMOTION, "paused", True),
        (Kind.PLATFORM_PROMOTION, "draft", False),
        (Kind.LIMITED_TIME_DISCOUNT, "in_review", False),
    ],
)
def test_a_platform_promotion_is_locked_from_submit_to_the_end(shop, kind, state, locked):
    campaign = make.make_campaign(shop.store, shop.skus, state=state, kind=kind)
    found = row_of(shop, campaign, "cancel", "ERR_CLOSE_PLATFORM_LOCKED")
    assert found.status == ("blocked" if locked else "passed")


def test_no_promise_no_question(shop):
    """Fulfilment and old prices matter only to campaigns that promised something."""
    campaign = make.make_campaign(shop.store, shop.skus)
    sold(shop, campaign, "27.50", number="LP-1")
    check = guards.close_check(shop.store, campaign, "cancel", actor=shop.owner)
    assert check.allowed


def test_price_protection_names_the_skus_and_asks_only_what_is_on_sale(shop):
    campaign = make.make_campaign(shop.store, shop.skus, price_protected=True)
    for sku, price in zip(shop.skus, ("27.50", "18.90", "30.10"), strict=True):
        sold(shop, campaign, price, sku=sku)
    found = row_of(shop, campaign, "cancel", "ERR_CLOSE_PRICE_PROTECTED")
    assert found.evidence["skus"] == [
        {"sku": shop.skus[2].code, "lowest_deal": "30.10", "campaign_price": "18.90"},
        {"sku": shop.skus[0].code, "lowest_deal": "27.50", "campaign_price": "18.90"},
    ]
    assert f"{shop.skus[0].code} $27.50 > $18.90" in str(found.detail)
    for sku in (shop.skus[0], shop.skus[2]):
        sku.listing.__class__.objects.filter(pk=sku.listing_id).update(state="delisted")
    assert row_of(shop, campaign, "cancel", "ERR_CLOSE_PRICE_PROTECTED").status == "passed"


def test_equal_is_not_above_and_a_sale_at_the_campaign_price_clears_it(shop):
    campaign = make.make_campaign(shop.store, shop.skus[:1], price_protected=True)
    sold(shop, campaign, "27.50", days=10)
    assert row_of(shop, campaign, "pause", "ERR_CLOSE_PRICE_PROTECTED").status == "blocked"
    sold(shop, campaign, "18.90", days=2)
    assert row_of(shop, campaign, "pause", "ERR_CLOSE_PRICE_PROTECTED").status == "passed"


def test_a_sku_that_never_sold_passes_with_a_warning(shop):
    campaign = make.make_campaign(shop.store, shop.skus, price_protected=True)
    sold(shop, campaign, "18.00")
    sold(shop, campaign, "99.00", sku=shop.skus[1], days=31)
    found = row_of(shop, campaign, "cancel", "ERR_CLOSE_PRICE_PROTECTED")
    assert (found.status, found.blocks, found.evidence["without_deal"]) == ("warning", False, 2)


def test_a_window_longer_than_the_memory_is_unknown_rather_than_wrong(shop, monkeypatch):
    campaign = make.make_campaign(shop.store, shop.skus, price_protected=True)
    rules = guards.policies.active(guards.GuardRules, NOON).model_copy(update={"lowest_deal_days": 91})
    original = guards.policies.active
    monkeypatch.setattr(
        guards.policies, "active", lambda model, now: rules if model is guards.GuardRules else original(model, now)
    )
    assert row_of(shop, campaign, "cancel", "ERR_CLOSE_PRICE_PROTECTED").status == "unknown"


def test_a_paused_plan_and_a_paid_deposit_stand_in_nobodys_way(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    running = plan(shop, campaign)
    owe(shop)
    with pytest.raises(Conflict) as refusal:
        stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    assert [line["code"] for line in refusal.value.extra["blockers"]] == [
        "ERR_CLOSE_AFFILIATE_ACTIVE",
        "ERR_CLOSE_DEPOSIT_ARREARS",
    ], "both at once"
    affiliates.pause_plan(shop.store, running.pk, actor=shop.owner)
    deposits.pay(shop.store, amount="2000", actor=shop.owner)
    assert (
        stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner).state == "cancelling"
    )


# -- every combination -------------------------------------------------------------------------------------------------------

#: The business guards that hang on the campaign alone, and how its row, made in bulk, is made to fail each. The deposit is the store's.
PER_CAMPAIGN = (
    "ERR_CLOSE_ENDED",
    "ERR_CLOSE_PLATFORM_LOCKED",
    "ERR_CLOSE_PLATFORM_ENFORCED",
    "ERR_CLOSE_FULFILMENT_STARTED",
    "ERR_CLOSE_PRICE_PROTECTED",
    "ERR_CLOSE_AFFILIATE_ACTIVE",
    "ERR_CLOSE_PRICE_CONFLICT",
)


def _combinations(shop):
    """A campaign for each combination, all made in a few statements; answers the failing codes by campaign id."""
    failing: dict[int, frozenset[str]] = {}
    chosen = list(product([False, True], repeat=len(PER_CAMPAIGN)))
    skus = make.make_skus(shop.store, len(chosen))
    promoting = AffiliatePlan.objects.create(store=shop.store, name="All of them")
    drafts, links, contested = [], [], []
    for sku, flags in zip(skus, chosen, strict=True):
        fails = {code for code, flag in zip(PER_CAMPAIGN, flags, strict=True) if flag}
        protected = "ERR_CLOSE_PRICE_PROTECTED" in fails
        campaign = make.make_campaign(
            shop.store,
            [sku],
            kind=Kind.PLATFORM_PROMOTION if "ERR_CLOSE_PLATFORM_LOCKED" in fails else Kind.LIMITED_TIME_DISCOUNT,
            ends_at=NOON - timedelta(seconds=1) if "ERR_CLOSE_ENDED" in fails else NOON + timedelta(days=1),
            starts_at=NOON - timedelta(days=1),
            platform_enforced="ERR_CLOSE_PLATFORM_ENFORCED" in fails,
            logistics_guarantee=True,
            price_protected=True,
            state="scheduled",
        )
        failing[campaign.pk] = frozenset(fails)
        number = "LP-9" if "ERR_CLOSE_FULFILMENT_STARTED" in fails else ""
        line = LineDraft(
            sku.pk, 1, Decimal(30), Decimal("27.50" if protected else "18.90"), campaign_code=campaign.code
        )
        drafts.append(
            OrderDraft(f"X-{make.serial()}", NOON - timedelta(days=1), "USD", [line], fulfilment_number=number)
        )
        if "ERR_CLOSE_AFFILIATE_ACTIVE" in fails:
            links.append(AffiliateLink(store=shop.store, plan=promoting, campaign=campaign))
        if "ERR_CLOSE_PRICE_CONFLICT" in fails:
            contested.append(sku)
    make.make_campaign(shop.store, contested, starts_at=NOON - timedelta(days=2), ends_at=NOON + timedelta(days=2))
    record_orders(shop.store, drafts, actor=shop.owner, now=NOON)
    AffiliateLink.objects.bulk_create(links)
    return failing


@pytest.mark.parametrize("in_arrears", [False, True], ids=["paid", "in arrears"])
def test_every_combination_of_the_business_guards_gives_the_complete_checklist(shop, in_arrears):
    failing = _combinations(shop)
    if in_arrears:
        owe(shop)
    campaigns = list(Campaign.objects.filter(pk__in=failing).order_by("pk"))
    case = guards.Case(shop.store, campaigns, "pause", shop.owner, NOON)
    for action in ("pause", "cancel"):
        answers = guards.evaluate(replace(case, action=action))
        for campaign in campaigns:
            expected = failing[campaign.pk] | ({"ERR_CLOSE_DEPOSIT_ARREARS"} if in_arrears else set())
            rows = {row.code: row for row in answers[campaign.pk] if row.code not in guards.CHECKED_BY_VERBS}
            business = {row.code: row.status for row in rows.values() if row.code.startswith("ERR_CLOSE_")}
            assert business.keys() >= {*PER_CAMPAIGN, "ERR_CLOSE_DEPOSIT_ARREARS"}, "the checklist is complete"
            assert {code for code, status in business.items() if status != "passed"} == expected
            soft = {"warning"} if action == "pause" else {"blocked"}
            for code in expected:
                assert business[code] in (soft if code in BRAKE_WORKS else {"blocked"}), (code, action)
                assert rows[code].evidence


#: Listings with a SKU each, all of them items of a campaign at 18.90.
_MANY = """
    WITH numbers AS (SELECT n FROM generate_series(1, %(count)s) AS n),
    listed AS (
        INSERT INTO listings_listing (store_id, title, titles, category_id, state, management, fulfilment, logistics_template,
            main_image, search_terms, version)
        SELECT l.store_id, l.title, l.titles, l.category_id, l.state, l.management, l.fulfilment, l.logistics_template, l.main_image,
            l.search_terms, 1
        FROM listings_listing AS l, numbers WHERE l.id = %(like)s RETURNING id
    ), priced AS (
        INSERT INTO listings_sku (store_id, listing_id, code, position, sale_price, currency, stock, reserved)
        SELECT %(store)s, id, 'MANY-' || id, 0, 24.90, 'USD', 5, 0 FROM listed RETURNING id, listing_id
    )
    INSERT INTO campaigns_campaignitem (store_id, campaign_id, sku_id, listing_id, price)
    SELECT %(store)s, %(campaign)s, id, listing_id, 18.90 FROM priced
"""


def test_close_check_asks_the_same_number_of_questions_for_10_items_and_for_10_000(shop):
    counts = []
    for size in (10, 10_000):
        campaign = make.make_campaign(shop.store, price_protected=True, logistics_guarantee=True, state="scheduled")
        given = {"count": size, "like": shop.skus[0].listing_id, "store": shop.store.pk, "campaign": campaign.pk}
        with connection.cursor() as cursor:
            cursor.execute(_MANY, given)
        skus = CampaignItem.objects.filter(campaign=campaign).values_list("sku", flat=True)
        lines = [LineDraft(sku, 1, Decimal(30), Decimal(30), campaign_code=campaign.code) for sku in skus]
        draft = OrderDraft(f"Q-{size}", NOON - timedelta(days=1), "USD", lines, fulfilment_number="LP-1")
        record_orders(shop.store, [draft], actor=shop.owner, now=NOON)
        with CaptureQueriesContext(connection) as queries:
            check = guards.close_check(shop.store, campaign, "cancel", actor=shop.owner)
        counts.append(len(queries))
        protected = next(row for row in check.guards if row.code == "ERR_CLOSE_PRICE_PROTECTED")
        assert protected.evidence["above"] == size
    assert counts[0] == counts[1] <= 45


def test_arrears_never_fall_below_zero(shop):
    owe(shop)
    deposits.pay(shop.store, amount="2000", actor=shop.owner)
    account = DepositAccount.objects.get()
    assert (account.charged, account.paid, account.arrears) == (Decimal(2000), Decimal(2000), Decimal(0))


def test_a_block_of_the_enrolment_right_closes_every_way_in_and_no_way_out(shop, frozen):
    running = make.make_campaign(shop.store, shop.skus)
    draft = make.make_campaign(shop.store, shop.skus, state="draft")
    staff = make.actor_for(make.make_staff())
    penalties.issue(shop.store.slug, kind="enrolment_block", days=1, reason="Excess withdrawal", actor=staff)
    wanted = CampaignInput(Kind.LIMITED_TIME_DISCOUNT, "New", NOON + timedelta(days=3), NOON + timedelta(days=4))
    ways_in = (
        partial(lifecycle.create_campaign, shop.store, wanted),
        partial(lifecycle.submit, shop.store, draft.code),
        partial(lifecycle.copy_as_draft, shop.store, running.code),
    )
    for enter in ways_in:
        with pytest.raises(Conflict) as refusal:
            enter(actor=shop.owner)
        assert refusal.value.code == "ERR_ENROLMENT_BLOCKED"
        assert refusal.value.extra["blockers"][0]["fix"]["url"].endswith("/campaigns/standing/")
    assert stopping.pause(shop.store, running.code, actor=shop.owner).state == "paused"
    assert stopping.cancel(shop.store, running.code, confirm_code=running.code, actor=shop.owner).state == "cancelling"
    frozen.tick(timedelta(days=1))
    for enter in ways_in:
        enter(actor=shop.owner)


def test_a_sole_trader_may_pause_and_cancel(shop):
    """R171, R178: closing is open to sole traders, whatever else is not."""
    shop.store.__class__.objects.filter(pk=shop.store.pk).update(entity="sole_trader")
    campaign = make.make_campaign(shop.store, shop.skus)
    assert stopping.pause(shop.store, campaign.code, actor=shop.owner).state == "paused"
    assert (
        stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner).state == "cancelling"
    )
