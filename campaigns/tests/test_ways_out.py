"""Ways out of a conflict act through the verbs that own the change, are audited, and end the conflict; and what buyers pay when (R30)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from audit.models import AuditEvent
from campaigns import conflicts, resolving, stacking, ways_out
from campaigns.conflicts import Wanted
from campaigns.models import Campaign
from campaigns.price_chain import price_chain
from campaigns.tests.conftest import NOON, days
from campaigns.timeline import WIDTH, picture
from core import display
from core.errors import Conflict, InvalidInput, NotFound, PermissionRefused, VersionConflict
from listings.models import LiveOffer
from tests import factories as make

ZONE = display.zone("Asia/Shanghai")


@pytest.fixture
def two(shop):
    """A running campaign and one to come over the same two SKUs; the windows share a day."""
    running = make.make_campaign(shop.store, shop.skus[:2], ends_at=NOON + days(2), price="18.90")
    coming = make.make_campaign(
        shop.store, shop.skus[:2], state="scheduled", starts_at=NOON + days(1), ends_at=NOON + days(4), price="17.50"
    )
    return running, coming


def group_of(shop, now=NOON):
    return conflicts.page(Wanted(shop.store.pk, now), size=10).groups[0]


def left(shop):
    return conflicts.page(Wanted(shop.store.pk, NOON), size=10).groups


def test_every_way_out_that_is_offered_can_be_taken_and_helps(shop, two):
    offered = ways_out.of_group(group_of(shop), now=NOON, zone=ZONE)
    assert {(way.way, *way.campaigns) for way in offered} >= {
        ("withdraw", two[0].code), ("withdraw", two[1].code), ("move", two[0].code), ("move", two[1].code),
        ("stack", two[0].code, two[1].code),
    }  # fmt: skip
    for way in offered:
        foreseen = resolving.effects(shop.store, way, now=NOON)
        assert all(effect.after.skus < effect.before.skus for effect in foreseen), way
        assert left(shop)
    assert AuditEvent.objects.exclude(action="campaign.start").count() == 0, "looking changes nothing"


def test_withdraw_takes_one_sku_or_all_that_are_shared(shop, two):
    running, coming = two
    one = ways_out.WayOut("withdraw", (coming.code,), "", sku=shop.skus[0].code)
    resolving.take(shop.store, one, versions={coming.code: coming.version}, actor=shop.owner)
    assert [group.sku for group in left(shop)] == [shop.skus[1].code]
    assert AuditEvent.objects.get(action="campaign.remove_items").object_id == coming.code
    make.put_items(coming, [make.GoodItem("", s.code, s.pk, s.listing_id, Decimal(9), 0) for s in shop.skus])
    everything = ways_out.WayOut("withdraw", (coming.code,), "", other=running.code)
    (effect,) = resolving.effects(shop.store, everything, now=NOON)
    assert (len(effect.leaving), effect.left, effect.after.skus) == (2, 1, 0)
    resolving.take(shop.store, everything, versions={}, actor=shop.owner)
    assert left(shop) == ()
    assert [item.sku.code for item in coming.items.select_related("sku")] == [shop.skus[2].code]


def test_an_item_of_a_started_campaign_ends_its_participation_and_buyers_see_it(shop, two):
    running, _coming = two
    way = ways_out.WayOut("withdraw", (running.code,), "", sku=shop.skus[0].code)
    resolving.take(shop.store, way, versions={running.code: running.version}, actor=shop.owner)
    assert [group.sku for group in left(shop)] == [shop.skus[1].code]
    assert running.items.get(sku=shop.skus[0]).ended_at == NOON
    offers = LiveOffer.objects.filter(campaign_code=running.code).values_list("sku__code", "active")
    assert dict(offers) == {shop.skus[0].code: False, shop.skus[1].code: True}
    assert AuditEvent.objects.get(action="campaign.withdraw_items").after["removed"] == [shop.skus[0].code]
    last = ways_out.WayOut("withdraw", (running.code,), "", sku=shop.skus[1].code)
    (effect,) = resolving.effects(shop.store, last, now=NOON)
    assert (effect.items, effect.left) == (1, 0), "what left before is no item that stays"
    with pytest.raises(InvalidInput, match="at least|At least"):
        resolving.take(shop.store, last, versions={}, actor=shop.owner)


@pytest.mark.parametrize("which", ["end", "start"])
def test_moving_the_window_lets_one_follow_the_other(shop, two, which):
    running, coming = two
    way = (
        ways_out.WayOut("move", (running.code,), "", ends_at=coming.starts_at)
        if which == "end"
        else ways_out.WayOut("move", (coming.code,), "", starts_at=running.ends_at)
    )
    assert way.query in {one.query for one in ways_out.of_group(group_of(shop), now=NOON, zone=ZONE)}
    resolving.take(shop.store, way, versions={one.code: one.version for one in two}, actor=shop.owner)
    assert left(shop) == ()
    assert AuditEvent.objects.filter(action="campaign.edit").count() == 1


def test_stacking_is_declared_by_all_or_none_and_reaches_the_offers(shop, two):
    codes = [one.code for one in two]
    way = ways_out.WayOut("stack", tuple(codes), "")
    resolving.take(shop.store, way, versions={}, actor=shop.owner)
    assert left(shop) == ()
    assert set(Campaign.objects.values_list("stacks", flat=True)) == {True}
    assert set(LiveOffer.objects.values_list("stacks", flat=True)) == {True}
    events = AuditEvent.objects.filter(action="campaign.declare_stacking")
    assert {(event.object_id, event.before["stacks"], event.after["stacks"]) for event in events} == {
        (code, False, True) for code in codes
    }
    assert stacking.declare_stacking(shop.store, codes, actor=shop.owner) == [], "again changes nothing"
    assert events.count() == 2


def test_a_stale_reader_or_one_without_the_right_changes_nothing(shop, two):
    codes = [one.code for one in two]
    with pytest.raises(VersionConflict):
        stacking.declare_stacking(shop.store, codes, versions={codes[1]: 99}, actor=shop.owner)
    viewer = make.actor_for(make.make_member(shop.store, rights=["campaigns.view"]))
    with pytest.raises(PermissionRefused):
        stacking.declare_stacking(shop.store, codes, actor=viewer)
    with pytest.raises(NotFound):
        stacking.declare_stacking(shop.store, [codes[0], "C-00000"], actor=shop.owner)
    assert set(Campaign.objects.values_list("stacks", flat=True)) == {False}
    assert AuditEvent.objects.filter(action="campaign.declare_stacking", result="refused").count() == 2


def test_what_is_the_platforms_is_not_offered_and_not_done(shop, two):
    Campaign.objects.filter(pk=two[0].pk).update(platform_enforced=True)
    offered = ways_out.of_group(group_of(shop), now=NOON, zone=ZONE)
    assert {way.campaigns for way in offered} == {(two[1].code,)}
    with pytest.raises(Conflict) as refusal:
        stacking.declare_stacking(shop.store, [two[0].code], actor=shop.owner)
    assert refusal.value.code == "ERR_CLOSE_PLATFORM_ENFORCED"


def test_no_way_leads_into_the_past_or_to_an_empty_window(shop):
    make.make_campaign(shop.store, shop.skus[:1], ends_at=NOON + days(2))
    make.make_campaign(shop.store, shop.skus[:1], ends_at=NOON + days(3))
    offered = ways_out.of_group(group_of(shop), now=NOON, zone=ZONE)
    assert [way.way for way in offered if way.way == "move"] == [], "both run: neither can end before the other began"


def test_the_price_chain_says_who_sets_the_price_when(shop, two):
    order = make.make_campaign(shop.store, shop.skus[:1], kind="spend_and_save", ends_at=NOON + days(1))
    order.items.update(price=None)
    chain = price_chain(group_of(shop), NOON)
    told = [
        (stretch.since - NOON, str(stretch.unit_price), {link.party.campaign.code: link.role for link in stretch.links})
        for stretch in chain
    ]
    running, coming = two
    assert told == [
        (days(0), "18.900", {running.code: "sets", order.code: "order"}),
        (days(1), "17.500", {coming.code: "sets", running.code: "yields"}),
        (days(2), "17.500", {coming.code: "sets"}),
    ]
    assert [stretch.contested for stretch in chain] == [True, True, False]


def test_a_paused_campaign_sets_no_price(shop):
    make.make_campaign(shop.store, shop.skus[:1], price="10.00", state="paused")
    make.make_campaign(shop.store, shop.skus[:1], price="20.00")
    (stretch,) = price_chain(group_of(shop), NOON)
    assert (str(stretch.unit_price), [link.role for link in stretch.links]) == ("20.000", ["sets", "paused"])


def test_the_picture_stays_inside_and_marks_the_clash(shop, two):
    rivals = [party.campaign for party in group_of(shop).parties]
    drawn = picture(rivals, now=NOON, zone=ZONE)
    assert drawn is not None
    for bar in drawn.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH
    assert drawn.bars[0].x < drawn.now < drawn.bars[1].x
    ((left_edge, width),) = drawn.clashes
    assert (left_edge, round(left_edge + width)) == (drawn.bars[1].x, round(drawn.bars[0].x + drawn.bars[0].width))
    assert 1 <= len(drawn.ticks) <= 8
    assert picture(rivals, now=NOON + days(9), zone=ZONE) is None


def test_what_began_long_ago_does_not_squeeze_the_picture(shop):
    old = make.make_campaign(shop.store, shop.skus[:1], starts_at=NOON - days(900), ends_at=NOON + days(2))
    drawn = picture([ways_out.rival_of(old)], now=NOON, zone=ZONE)
    assert drawn is not None
    assert drawn.bars[0].open_left
    assert drawn.now < WIDTH / 2
    assert NOON - timedelta(days=900) == old.starts_at
