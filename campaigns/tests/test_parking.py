"""Close when clear: a refused stop waits, watches its guards, acts or asks with the rights of that moment, expires with the campaign."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts.models import AccountState, Grant, Store
from audit.models import AuditEvent
from campaigns import parking, stopping, sweeps
from campaigns.models import Campaign, ParkedClose
from campaigns.tests.conftest import NOON
from core import clock
from core.errors import Conflict, DomainError, InvalidInput, NotFound, PermissionRefused
from inbox import reading
from inbox.models import Message
from tests import factories as make


def freeze(shop, state=AccountState.FROZEN):
    """Put something in the way of every stop of the store."""
    Store.objects.filter(pk=shop.store.pk).update(account_state=state)


def clear(shop):
    freeze(shop, AccountState.NORMAL)


def park(shop, campaign, action="pause", then="act", actor=None, **extra):
    if action == "cancel":
        extra.setdefault("confirm_code", campaign.code)
    return parking.park(
        shop.store,
        campaign.code,
        action=action,
        then=then,
        reason="season",
        note="soon",
        actor=actor or shop.owner,
        **extra,
    )


@pytest.fixture
def running(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    freeze(shop)
    return campaign


def look(frozen, seconds=15):
    frozen.tick(seconds)
    sweeps.run()


def test_a_parked_pause_acts_as_soon_as_nothing_stands_in_its_way(shop, frozen, running):
    parked = park(shop, running)
    assert (parked.state, parked.blockers) == ("waiting", ["ERR_ACCOUNT_STATE"])
    look(frozen)
    parked.refresh_from_db()
    running.refresh_from_db()
    assert (parked.state, parked.looked_at, running.state) == ("waiting", NOON + timedelta(seconds=15), "running")
    clear(shop)
    look(frozen)
    parked.refresh_from_db()
    running.refresh_from_db()
    assert (parked.state, running.state, running.stop_reason, running.stop_note) == ("done", "paused", "season", "soon")
    assert running.paused_at == NOON + timedelta(seconds=30)
    event = AuditEvent.objects.get(action="campaign.pause")
    assert (event.actor_id, event.reason, event.after["parked"]) == (shop.owner.id, "season: soon", parked.pk)
    assert Message.objects.get(code="ERR_PARKED_DONE").params["campaign"] == running.name


def test_a_parked_cancel_is_held_and_can_be_taken_back(shop, frozen, running):
    with pytest.raises(InvalidInput) as refusal:
        park(shop, running, "cancel", confirm_code="C-00000")
    assert refusal.value.code == "ERR_CONFIRM_CODE"
    park(shop, running, "cancel")
    clear(shop)
    look(frozen)
    running.refresh_from_db()
    assert (running.state, running.cancel_final_at) == ("cancelling", NOON + timedelta(seconds=15 + 600))
    frozen.tick(599)
    assert stopping.take_back(shop.store, running.code, actor=shop.owner).state == "running"
    look(frozen, 3600)
    assert Campaign.objects.get().state == "running", "it does not act twice"


def test_asking_sends_one_message_and_leaves_the_campaign_alone(shop, frozen, running):
    parked = park(shop, running, then="ask")
    clear(shop)
    for _ in range(3):
        look(frozen)
    parked.refresh_from_db()
    assert (parked.state, Campaign.objects.get().state) == ("clear", "running")
    assert Message.objects.filter(code="ERR_PARKED_CLEAR").count() == 1
    freeze(shop)
    look(frozen)
    parked.refresh_from_db()
    assert parked.state == "waiting", "something came into its way again"
    clear(shop)
    look(frozen)
    assert Message.objects.filter(code="ERR_PARKED_CLEAR").count() == 2
    assert AuditEvent.objects.filter(action="campaign.park_clear").count() == 2
    stopping.pause(shop.store, running.code, actor=shop.owner)
    look(frozen)
    parked.refresh_from_db()
    assert parked.state == "overtaken"


@pytest.mark.parametrize("action", ["pause", "cancel"])
def test_a_right_that_was_revoked_meanwhile_stops_it_and_people_are_told(client, shop, frozen, running, action):
    member = make.make_member(shop.store, rights=[f"campaigns.{action}"])
    parked = park(shop, running, action, actor=make.actor_for(member))
    Grant.objects.filter(membership__user=member).delete()
    clear(shop)
    look(frozen)
    parked.refresh_from_db()
    assert (parked.state, parked.outcome["code"], Campaign.objects.get().state) == (
        "refused",
        "ERR_PERMISSION",
        "running",
    )
    message = Message.objects.get(code="ERR_PARKED_REFUSED")
    assert "can be granted by" in message.params["why"]["said"]
    assert "can be granted by" in reading.present(shop.store, [message])[0].cause
    page = f"/s/{shop.store.slug}/campaigns/parked/?show=all"
    client.force_login(make.owner_of(shop.store))
    assert "can be granted by" in client.get(page).content.decode()
    with translation.override("zh-hans"):
        assert "can be granted by" not in reading.present(shop.store, [message])[0].cause
    assert "can be granted by" not in client.get(page, headers={"accept-language": "zh-hans"}).content.decode()
    assert AuditEvent.objects.get(action="campaign.park_refused").code == "ERR_PERMISSION"


def test_a_cap_that_was_lowered_meanwhile_stops_it(shop, frozen, running):
    member = make.make_member(shop.store, rights=["campaigns.pause"], max_listings=3)
    parked = park(shop, running, actor=make.actor_for(member))
    Grant.objects.filter(membership__user=member).update(max_listings=2)
    clear(shop)
    look(frozen)
    parked.refresh_from_db()
    assert parked.outcome["code"] == "ERR_GRANT_CAP"


def test_it_expires_with_the_campaign_at_its_very_end(shop, frozen, running):
    parked = park(shop, running)
    end = running.ends_at
    frozen.tick(end - timedelta(seconds=1) - clock.now())
    sweeps.run()
    parked.refresh_from_db()
    assert (parked.state, parked.next_look_at) == ("waiting", end)
    frozen.tick(1)
    clear(shop)
    sweeps.run()
    parked.refresh_from_db()
    assert (parked.state, Campaign.objects.get().state) == ("expired", "ending")
    assert Message.objects.filter(code="ERR_PARKED_EXPIRED").count() == 1
    assert AuditEvent.objects.filter(action="campaign.park_expired").count() == 1


def test_somebody_elses_operation_lock_only_delays_it(shop, frozen, running):
    parked = park(shop, running)
    clear(shop)
    other = make.actor_for(make.make_member(shop.store, owner=True))
    frozen.tick(15)
    stopping.pause(shop.store, running.code, actor=other)
    stopping.resume(shop.store, running.code, actor=other)
    sweeps.run()
    parked.refresh_from_db()
    assert parked.state == "waiting"
    look(frozen)
    parked.refresh_from_db()
    assert parked.state == "done"


def test_withdrawn_it_does_nothing_more(shop, frozen, running):
    parked = park(shop, running, "cancel")
    pauser = make.actor_for(make.make_member(shop.store, rights=["campaigns.pause"]))
    with pytest.raises(PermissionRefused):
        parking.withdraw(shop.store, parked.pk, actor=pauser)
    assert parking.withdraw(shop.store, parked.pk, actor=shop.owner).state == "withdrawn"
    with pytest.raises(Conflict):
        parking.withdraw(shop.store, parked.pk, actor=shop.owner)
    with pytest.raises(NotFound):
        parking.withdraw(shop.store, parked.pk + 1, actor=shop.owner)
    clear(shop)
    look(frozen)
    assert Campaign.objects.get().state == "running"
    assert park_again_is_refused(shop, running) == "ERR_PARK_CLEAR"
    assert AuditEvent.objects.filter(action="campaign.unpark", result="done").count() == 1


def park_again_is_refused(shop, campaign, **extra):
    with pytest.raises(DomainError) as refusal:
        park(shop, campaign, **extra)
    return refusal.value.code


def test_what_may_not_wait(shop, frozen, running):
    assert park_again_is_refused(shop, make.make_campaign(shop.store, state="draft")) == "ERR_STATE"
    assert park_again_is_refused(shop, running, then="sometime") == "ERR_INVALID"
    assert park_again_is_refused(shop, running, version=running.version + 1) == "ERR_VERSION_CONFLICT"
    capped = make.actor_for(make.make_member(shop.store, rights=["campaigns.pause"], max_listings=2))
    assert park_again_is_refused(shop, running, actor=capped) == "ERR_GRANT_CAP"
    nobody = make.actor_for(make.make_member(shop.store))
    assert park_again_is_refused(shop, running, actor=nobody) == "ERR_PERMISSION"
    park(shop, running)
    assert park_again_is_refused(shop, running, action="cancel") == "ERR_PARKED_ALREADY"
    frozen.tick(running.ends_at - clock.now())
    over = make.make_campaign(shop.store, starts_at=NOON - timedelta(days=1), ends_at=NOON)
    assert park_again_is_refused(shop, over) == "ERR_CLOSE_ENDED"
    clear(shop)
    assert ParkedClose.objects.count() == 1


def test_a_look_at_many_costs_no_more_queries_than_a_look_at_few(shop, frozen):
    counted = []
    for number in (2, 12):
        clear(shop)
        campaigns = [make.make_campaign(shop.store, shop.skus[:1]) for _ in range(number)]
        freeze(shop)
        for campaign in campaigns:
            park(shop, campaign)
        frozen.tick(15)
        with CaptureQueriesContext(connection) as blocked:
            assert parking.look_due() == number
        clear(shop)
        frozen.tick(15)
        with CaptureQueriesContext(connection) as acting:
            assert parking.look_due() == number
        counted.append((len(blocked), len(acting)))
        assert not ParkedClose.objects.filter(state="waiting").exists()
    assert counted[0] == counted[1]


# -- the pages ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(shop):
    client = Client()
    client.force_login(make.owner_of(shop.store))
    return client


def _token(page):
    return page.partition('name="form_token" value="')[2].partition('"')[0]


def test_a_refused_pause_offers_to_wait_and_an_allowed_one_does_not(shop, frozen, running, browser):
    base = f"/s/{shop.store.slug}/campaigns/"
    stop = f"{base}{running.code}/stop/"
    page = browser.get(stop).content.decode()
    assert "Pause (can resume) when clear" in page
    answer = browser.post(stop, {"form_token": _token(page), "reason": "season", "then": "ask", "park": "1"})
    assert answer.status_code == 302
    detail = browser.get(answer["Location"]).content.decode()
    assert "A pause (can resume) waits until nothing stands in its way" in detail
    assert "when clear" not in browser.get(stop).content.decode()
    listed = browser.get(f"{base}parked/").content.decode()
    assert running.code in listed
    parked = ParkedClose.objects.get()
    assert parked.then == "ask"
    assert browser.post(f"{base}parked/{parked.pk}/withdraw/").status_code == 302
    assert "No stop waits" in browser.get(f"{base}parked/").content.decode()
    assert running.code in browser.get(f"{base}parked/?show=all").content.decode()
    clear(shop)
    assert "when clear" not in browser.get(stop).content.decode()


def test_a_permanent_cancel_waits_only_from_its_own_page_with_its_code_typed(shop, frozen, running, browser):
    base = f"/s/{shop.store.slug}/campaigns/{running.code}/"
    stop = browser.get(f"{base}stop/").content.decode()
    via = stop.partition("/cancel/?via=")[2].partition('"')[0]
    page = browser.get(f"{base}cancel/?via={via}").content.decode()
    assert "Cancel campaign permanently when clear" in page
    given = {"reason": "season", "then": "act", "park": "1"}
    assert (
        browser.post(f"{base}cancel/", given | {"form_token": _token(stop), "confirm_code": running.code}).status_code
        == 409
    )
    assert (
        browser.post(f"{base}cancel/", given | {"form_token": _token(page), "confirm_code": "C-00000"}).status_code
        == 422
    )
    assert not ParkedClose.objects.exists()
    done = browser.post(f"{base}cancel/", given | {"form_token": _token(page), "confirm_code": running.code})
    assert done.status_code == 302
    assert ParkedClose.objects.get().action == "cancel"
    assert "A permanent cancel waits" in browser.get(done["Location"]).content.decode()
