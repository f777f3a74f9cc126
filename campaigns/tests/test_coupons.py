"""Coupons that live and die with a campaign: every act of the campaign, for one, for many, in the herd."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from campaigns import bulk, cleaning, closing, coupon_links, lifecycle, stopping, sweeps
from campaigns.guards import close_check
from campaigns.models import Campaign, CampaignCoupon, Closing
from campaigns.report import differences_of
from campaigns.tests.conftest import NOON
from core import clock
from core.errors import Conflict, InvalidInput, NotFound, PermissionRefused
from core.scopes import in_store
from coupons import lifecycle as coupon_verbs
from coupons import links, reserving
from coupons.models import Claim, Coupon, CouponTally
from inbox.models import Message
from listings.models import Sku
from tests import factories as make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def _coupon(shop, campaign=None, claimed: int = 0, **extra) -> Coupon:
    """A coupon over the shop's goods, holding its stock, linked by the verb."""
    coupon = make.make_coupon(shop.store, [sku.listing for sku in shop.skus], quota=50, **extra)
    Claim.objects.bulk_create(
        Claim(store=shop.store, coupon=coupon, code=f"{coupon.code}-{n}", buyer=f"b-{n}", claimed_at=NOON)
        for n in range(claimed)
    )
    CouponTally.objects.filter(coupon=coupon).update(claimed=claimed)
    if coupon.state == "active":
        reserving.hold([coupon.pk], now=NOON)
    if campaign is not None:
        coupon_links.link_coupon(shop.store, campaign.code, coupon.code, actor=shop.owner)
    return Coupon.objects.get(pk=coupon.pk)


def _now(coupon: Coupon) -> tuple[str, str, bool]:
    found = Coupon.objects.get(pk=coupon.pk)
    return found.state, found.paused_by, found.freeze_claimed


def _issuing(coupon: Coupon) -> bool:
    """What a claim asks under the counters' lock."""
    return CouponTally.objects.get(coupon=coupon).issuing


def _cancel(shop, campaign: Campaign) -> Campaign:
    return stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)


def _steps(campaign: Campaign) -> dict:
    return {step["key"]: step for step in Closing.objects.filter(campaign=campaign).latest("id").steps}


@pytest.mark.parametrize("freeze", [False, True])
def test_a_pause_stops_claims_and_a_resume_lifts_only_it(shop, freeze):
    campaign = make.make_campaign(shop.store, shop.skus)
    coupon, by_hand = _coupon(shop, campaign, claimed=2), _coupon(shop, campaign)
    coupon_verbs.pause(shop.store, by_hand.code, actor=shop.owner)
    stopping.pause(shop.store, campaign.code, freeze_claimed=freeze, actor=shop.owner)
    assert (_now(coupon), _issuing(coupon)) == (("paused", "campaign", freeze), False)
    assert _now(by_hand) == ("paused", "operator", freeze)
    assert Sku.objects.filter(reserved__gt=0).count() == 0
    with pytest.raises(Conflict) as refused:
        coupon_verbs.resume(shop.store, by_hand.code, actor=shop.owner)
    assert refused.value.code == "ERR_COUPON_CAMPAIGN"
    stopping.resume(shop.store, campaign.code, actor=shop.owner)
    assert (_now(coupon), _issuing(coupon)) == (("active", "", False), True)
    assert _now(by_hand) == ("paused", "operator", False)
    assert set(Sku.objects.values_list("reserved", flat=True)) == {50}
    paused = AuditEvent.objects.filter(action="campaign.pause").latest("id")
    assert paused.after["coupons"] == 1


@pytest.mark.parametrize("before", ["running", "paused", "scheduled"])
def test_a_held_cancel_stops_claims_and_use_and_a_take_back_undoes_it(shop, before):
    state = "scheduled" if before == "scheduled" else "running"
    campaign = make.make_campaign(shop.store, shop.skus, state=state)
    coupon = _coupon(shop, campaign, claimed=1)
    assert (coupon.bond, _issuing(coupon)) == (("waits", False) if before == "scheduled" else ("bound", True))
    if before == "paused":
        stopping.pause(shop.store, campaign.code, actor=shop.owner)
    was = _now(coupon)
    _cancel(shop, campaign)
    assert (_now(coupon), _issuing(coupon)) == (("paused", "campaign", True), False)
    stopping.take_back(shop.store, campaign.code, actor=shop.owner)
    assert (_now(coupon), _issuing(coupon)) == (was, before == "running")


def test_a_final_cancel_voids_and_tells_and_the_report_says_what_came(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    coupon, other = _coupon(shop, campaign, claimed=3), _coupon(shop, campaign, claimed=2)
    draft = _coupon(shop, campaign, state="draft")
    impact = close_check(shop.store, campaign, "cancel", actor=shop.owner).impact
    assert (impact.coupons, impact.claimed_unused, impact.reserved_units) == (3, 5, 150 + 150)
    _cancel(shop, campaign)
    assert (_steps(campaign)["void_coupons"]["state"], _steps(campaign)["void_coupons"]["total"]) == ("pending", 3)
    assert _steps(campaign)["release_stock"]["evidence"]["released"] == 300
    coupon_verbs.void(shop.store, other.code, actor=shop.owner)
    frozen.tick(600)
    sweeps.run()
    assert [_now(one)[0] for one in (coupon, other, draft)] == ["voided"] * 3
    reasons = Claim.objects.filter(coupon=coupon).values_list("void_reason", flat=True)
    assert set(reasons) == {"campaign_cancelled"}
    close = Closing.objects.get()
    assert (close.forecast["coupons"], close.forecast["claimed_unused"], close.forecast["reserved_units"]) == (
        3,
        5,
        300,
    )
    assert (close.result["coupons"], close.result["claimed_unused"], close.result["reserved_units"]) == (2, 3, 300)
    why = {row["key"]: row["why"] for row in differences_of(close)}
    assert set(why) == {"coupons", "claimed_unused"}
    assert "1 coupon was voided by hand" in why["coupons"]
    assert (_steps(campaign)["void_coupons"]["done"], _steps(campaign)["release_stock"]["done"]) == (2, 300)
    codes = set(Message.objects.filter(object_id=coupon.code).values_list("code", "params__n"))
    assert codes == {("NOTE_COUPON_CAMPAIGN_CANCELLED", "3")}


def test_the_end_voids_after_the_grace_in_the_close_itself(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + DAY)
    coupon = _coupon(shop, campaign, claimed=2)
    assert coupon.ends_at == campaign.ends_at, "held within its campaign's window"
    frozen.move_to(campaign.ends_at)
    sweeps.run()
    assert (_now(coupon)[0], Claim.objects.filter(state="claimed").count()) == ("active", 2), (
        "quotes are still honoured"
    )
    frozen.tick(900)
    sweeps.run()
    assert _now(coupon)[0] == "voided"
    close = Closing.objects.get()
    assert close.forecast == close.result
    assert (close.result["coupons"], close.result["claimed_unused"]) == (1, 2)
    assert Message.objects.filter(code="NOTE_COUPON_CAMPAIGN_ENDED").count() == 1
    assert set(Claim.objects.values_list("void_reason", flat=True)) == {"campaign_ended"}


def test_a_coupon_that_ends_before_its_campaign_expires_by_itself(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    coupon = _coupon(shop, campaign, ends_at=NOON + DAY)
    frozen.move_to(NOON + DAY)
    assert sweeps.run()["coupons_expired"] == 1
    assert _now(coupon)[0] == "expired"


def test_bulk_and_stop_all_take_the_coupons_along(shop):
    campaigns = [make.make_campaign(shop.store, [sku]) for sku in shop.skus]
    coupons = [_coupon(shop, campaign) for campaign in campaigns]
    bulk.run(shop.store, "pause", [one.code for one in campaigns[:2]], reason="season", actor=shop.owner)
    assert [_now(one)[:2] for one in coupons] == [("paused", "campaign")] * 2 + [("active", "")]
    bulk.run(shop.store, "resume", [campaigns[0].code], actor=shop.owner)
    assert [_now(one)[0] for one in coupons] == ["active", "paused", "active"]
    bulk.stop_all(shop.store, reason="season", confirm_count=2, actor=shop.owner)
    assert [_now(one)[0] for one in coupons] == ["paused"] * 3


def test_a_pause_of_many_freezes_only_when_it_is_chosen_and_the_job_keeps_the_choice(shop):
    campaigns = [make.make_campaign(shop.store, [sku]) for sku in shop.skus]
    coupons = [_coupon(shop, campaign, claimed=2) for campaign in campaigns]
    by_hand = _coupon(shop, campaigns[0], claimed=1)
    coupon_verbs.pause(shop.store, by_hand.code, actor=shop.owner)
    chosen = [one.code for one in campaigns[:2]]
    draft = bulk.choose(shop.store, "pause", chosen, actor=shop.owner)
    job = bulk.confirm(
        shop.store, draft.pk, action="pause", reason="season", freeze_claimed=True, actor=shop.owner
    )  # fmt: skip
    again = bulk.confirm(shop.store, draft.pk, action="pause", reason="season", actor=shop.owner)
    assert again.freeze_claimed, "a second submit changes nothing of the first"
    bulk.work_due()
    assert [_now(one) for one in coupons[:2]] == [("paused", "campaign", True)] * 2
    assert _now(by_hand) == ("paused", "operator", True)
    assert bulk.frozen_of(job) == bulk.Frozen(3, 5)
    rows = {row.code: (row.coupons_frozen, row.claims_frozen) for row in job.rows.all()}
    assert rows == {campaigns[0].code: (2, 3), campaigns[1].code: (1, 2)}
    paused = AuditEvent.objects.filter(action="campaign.pause", object_id=campaigns[0].code).latest("id").after
    assert {"freeze_claimed": True, "coupons": 1, "coupons_frozen": 2, "claims_frozen": 3}.items() <= paused.items()
    bulk.run(shop.store, "resume", chosen, actor=shop.owner)
    assert [_now(one) for one in coupons] == [("active", "", False)] * 3
    assert _now(by_hand) == ("paused", "operator", False)
    stopped = bulk.stop_all(shop.store, reason="season", confirm_count=3, actor=shop.owner)
    assert (bulk.frozen_of(stopped), _now(coupons[0])[2]) == (bulk.Frozen(), False)
    with pytest.raises(InvalidInput) as refused:
        bulk.run(shop.store, "resume", chosen, freeze_claimed=True, actor=shop.owner)
    assert [(one.field, one.code) for one in refused.value.errors] == [("freeze_claimed", "ERR_BULK_FREEZE")]


@pytest.mark.parametrize("everything", [False, True])
def test_the_pages_of_many_offer_the_freeze_where_there_are_coupons(shop, client, everything):
    client.force_login(make.owner_of(shop.store))
    campaign, plain = make.make_campaign(shop.store, shop.skus[:1]), make.make_campaign(shop.store, shop.skus[1:])
    place = f"/s/{shop.store.slug}/campaigns/"

    def asked() -> tuple[str, str]:
        url = f"{place}stop-all/"
        if not everything:
            picks = {"action": "pause", "pick": [campaign.code, plain.code]}
            url = client.post(f"{place}bulk/", picks)["Location"]
        return url, client.get(url).content.decode()

    assert 'name="freeze_claimed"' not in asked()[1], "there is no coupon"
    coupon = _coupon(shop, campaign, claimed=2)
    url, page = asked()
    assert "Nobody can claim their 1 linked coupon any more; claimed and not used yet: 2." in page
    token = page.split('name="form_token" value="')[1].split('"')[0]
    given = {"form_token": token, "reason": "season", "confirm_count": "2"}
    report = client.post(url, given | {"freeze_claimed": "on"})["Location"]
    bulk.work_due()
    assert _now(coupon) == ("paused", "campaign", True)
    assert "1 coupon frozen · 2 claimed and not used yet" in client.get(report).content.decode()


def test_the_herd_voids_in_a_number_of_statements_of_its_own(shop, frozen):
    def herd(size: int, with_coupons: bool) -> int:
        ends_at = clock.now() + DAY
        rows = [make.make_campaign(shop.store, shop.skus[:1], ends_at=ends_at) for _ in range(size)]
        coupons = [_coupon(shop, row, claimed=1) for row in rows] if with_coupons else []
        frozen.move_to(ends_at)
        sweeps.reach_end(frozenset(), False)
        frozen.tick(900)
        with CaptureQueriesContext(connection) as queries:
            assert sweeps.close_due(frozenset(), False) == size
        assert all(_now(one)[0] == "voided" for one in coupons)
        return len(queries)

    assert herd(2, True) == herd(6, True)
    assert herd(2, False) == herd(6, False)


def test_a_start_issues_what_waited(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, state="scheduled", starts_at=NOON + DAY)
    coupon = _coupon(shop, campaign)
    assert (coupon.starts_at, coupon.bond) == (NOON + DAY, "waits")
    frozen.move_to(NOON + DAY)
    sweeps.run()
    assert (Coupon.objects.get(pk=coupon.pk).bond, _issuing(coupon)) == ("bound", True)


def test_a_moved_end_holds_the_windows_and_gives_them_back(shop):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + 20 * DAY)
    own = NOON + 5 * DAY
    coupon, late = _coupon(shop, campaign, ends_at=own), _coupon(shop, campaign, starts_at=NOON + 2 * DAY, ends_at=own)
    early, later = NOON + 3 * DAY, NOON + 9 * DAY
    lifecycle.edit_campaign(shop.store, campaign.code, {"ends_at": early}, actor=shop.owner)
    assert {Coupon.objects.get(pk=one.pk).ends_at for one in (coupon, late)} == {early}
    with pytest.raises(InvalidInput) as refused:
        lifecycle.edit_campaign(shop.store, campaign.code, {"ends_at": NOON + DAY}, actor=shop.owner)
    assert [(one.field, one.code) for one in refused.value.errors] == [("ends_at", "ERR_COUPON_WINDOW")]
    lifecycle.edit_campaign(shop.store, campaign.code, {"ends_at": later}, actor=shop.owner)
    assert {Coupon.objects.get(pk=one.pk).ends_at for one in (coupon, late)} == {own}


def test_linking_and_unlinking(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    coupon = _coupon(shop, campaign)
    other = make.make_campaign(shop.store)
    with pytest.raises(Conflict) as twice:
        coupon_links.link_coupon(shop.store, other.code, coupon.code, actor=shop.owner)
    assert twice.value.code == "ERR_COUPON_LINKED"
    with pytest.raises(NotFound):
        coupon_links.unlink_coupon(shop.store, other.code, coupon.code, actor=shop.owner)
    stopping.pause(shop.store, campaign.code, actor=shop.owner)
    joined = _coupon(shop, campaign)
    assert _now(joined) == ("paused", "campaign", False)
    coupon_links.unlink_coupon(shop.store, campaign.code, coupon.code, actor=shop.owner)
    assert _now(coupon)[:2] == ("paused", "operator")
    assert coupon_verbs.resume(shop.store, coupon.code, actor=shop.owner).coupon.state == "active"
    assert links.of(shop.store.pk, [coupon.pk, joined.pk])[joined.pk].code == campaign.code
    _cancel(shop, campaign)
    with pytest.raises(Conflict):
        coupon_links.unlink_coupon(shop.store, campaign.code, joined.code, actor=shop.owner)
    with pytest.raises(Conflict) as closed:
        coupon_links.link_coupon(shop.store, campaign.code, coupon.code, actor=shop.owner)
    assert closed.value.code == "ERR_CLOSE_ENDED"


def test_what_joins_a_frozen_pause_is_frozen_with_it_and_thawed_with_it(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    stopping.pause(shop.store, campaign.code, freeze_claimed=True, actor=shop.owner)
    by_hand = _coupon(shop, claimed=1)
    coupon_verbs.pause(shop.store, by_hand.code, actor=shop.owner)
    for _time in range(2):
        coupon_links.link_coupon(shop.store, campaign.code, by_hand.code, actor=shop.owner)
        assert _now(by_hand) == ("paused", "operator", True)
    assert _now(_coupon(shop, campaign, claimed=1)) == ("paused", "campaign", True)
    stopping.resume(shop.store, campaign.code, actor=shop.owner)
    assert _now(by_hand) == ("paused", "operator", False)


def test_both_rights_are_needed_and_another_store_has_nothing(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    coupon = _coupon(shop)
    for rights in (["campaigns.edit"], ["coupons.manage"]):
        half = make.actor_for(make.make_member(shop.store, rights=rights))
        with pytest.raises(PermissionRefused):
            coupon_links.link_coupon(shop.store, campaign.code, coupon.code, actor=half)
    strange = make.make_store()
    with in_store(strange.pk), pytest.raises(NotFound):
        coupon_links.link_coupon(strange, campaign.code, coupon.code, actor=make.actor_for(make.owner_of(strange)))
    assert not CampaignCoupon.objects.exists()


def test_a_drive_needs_no_products_and_its_draft_takes_its_coupons_along(shop, frozen):
    drive = make.make_campaign(shop.store, [], kind="coupon_drive", state="draft", starts_at=NOON - DAY)
    coupon = _coupon(shop, drive)
    assert not _issuing(coupon)
    assert lifecycle.submit(shop.store, drive.code, actor=shop.owner).state == "running"
    assert _issuing(coupon)
    draft = make.make_campaign(shop.store, [], kind="coupon_drive", state="draft")
    dies = _coupon(shop, draft, claimed=1)
    lifecycle.delete_draft(shop.store, draft.code, actor=shop.owner)
    assert _now(dies)[0] == "voided"
    assert Message.objects.get().code == "NOTE_COUPON_CAMPAIGN_DELETED"


def test_a_step_that_is_run_again_voids_what_is_left_and_nothing_twice(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    coupon = _coupon(shop, campaign, claimed=1)
    _cancel(shop, campaign)
    frozen.tick(600)
    sweeps.run()
    told = Message.objects.count()
    cleaning.run_step_again(shop.store, campaign.code, "void_coupons", actor=shop.owner)
    assert (_now(coupon)[0], Message.objects.count()) == ("voided", told)
    assert closing.differences(*[Closing.objects.get().forecast] * 2) == []


def test_the_pages_show_link_freeze_and_take_out(shop, client):
    client.force_login(make.owner_of(shop.store))
    campaign = make.make_campaign(shop.store, shop.skus)
    coupon = _coupon(shop, claimed=2)
    place = f"/s/{shop.store.slug}/campaigns/{campaign.code}/"
    assert 'name="freeze_claimed"' not in client.get(f"{place}stop/").content.decode(), "it has no coupon"
    assert f'value="{coupon.code}"' in client.get(place).content.decode()
    linked = client.post(f"{place}coupons/link/", {"coupon": coupon.code}, follow=True).content.decode()
    assert "not used yet 2" in linked
    asked = client.get(f"{place}stop/").content.decode()
    token = asked.split('name="form_token" value="')[1].split('"')[0]
    assert "Nobody can claim its 1 coupon any more" in asked
    client.post(f"{place}stop/", {"form_token": token, "reason": "season", "freeze_claimed": "on"})
    assert _now(coupon) == ("paused", "campaign", True)
    client.post(f"{place}coupons/unlink/", {"coupon": coupon.code})
    assert not CampaignCoupon.objects.exists()
    assert _now(coupon)[:2] == ("paused", "operator")


def test_the_section_takes_as_many_queries_for_six_coupons_as_for_one(shop):
    campaign = make.make_campaign(shop.store, shop.skus)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            coupon_links.coupons_of(campaign)
        return len(seen)

    _coupon(shop, campaign, claimed=1)
    one = queries()
    for _ in range(5):
        _coupon(shop, campaign, claimed=1)
    assert (queries(), len(coupon_links.coupons_of(campaign))) == (one, 6)
