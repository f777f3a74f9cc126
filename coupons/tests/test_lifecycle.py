"""The verbs of one coupon, and the pages that ask first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from audit.models import AuditEvent
from core import clock
from core.errors import Conflict, InvalidInput, NotFound, PermissionRefused, VersionConflict
from core.scopes import in_store
from coupons import lifecycle, links
from coupons.models import Claim, Coupon, CouponTally
from inbox.models import Message
from listings.models import Sku
from tests import factories as make

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.fixture
def store():
    with clock.freeze(NOON):
        store = make.make_store()
        with in_store(store.pk):
            yield store


def _actor(store):
    return make.actor_for(make.owner_of(store))


def _claimed(coupon: Coupon, n: int = 2) -> None:
    Claim.objects.bulk_create(
        Claim(store_id=coupon.store_id, coupon=coupon, code=f"{coupon.code}-{at}", buyer=f"b-{at}", claimed_at=NOON)
        for at in range(n)
    )
    CouponTally.objects.filter(coupon=coupon).update(claimed=n)


def test_a_stop_is_lifted_and_says_what_stock_is_short(store):
    listing = make.make_listing(store, ["CUP-1", "CUP-2"], stock=20)
    coupon = make.make_coupon(store, [listing], quota=15)
    stopped = lifecycle.pause(store, coupon.code, reason="Wrong face value", actor=_actor(store)).coupon
    assert (stopped.state, stopped.paused_by, stopped.is_usable, stopped.version) == ("paused", "operator", True, 2)
    Sku.objects.filter(code="CUP-2").update(stock=4)
    acted = lifecycle.resume(store, coupon.code, actor=_actor(store))
    assert (acted.coupon.state, acted.coupon.reason, acted.units) == ("active", "", 19)
    assert (acted.shortage.skus, acted.shortage.short, acted.shortage.units, acted.shortage.codes) == (
        2,
        1,
        11,
        ("CUP-2",),
    )


def test_what_stands_in_the_way_is_said_and_recorded(store):
    coupon = make.make_coupon(store)
    actor = _actor(store)
    with pytest.raises(Conflict) as refused:
        lifecycle.resume(store, coupon.code, actor=actor)
    assert refused.value.code == "ERR_STATE"
    assert AuditEvent.objects.filter(action="coupon.resume", result="refused", code="ERR_STATE").exists()
    with pytest.raises(VersionConflict):
        lifecycle.pause(store, coupon.code, version=9, actor=actor)
    lifecycle.pause(store, coupon.code, actor=actor)
    with clock.freeze(coupon.ends_at), pytest.raises(Conflict) as late:
        lifecycle.resume(store, coupon.code, actor=actor, now=coupon.ends_at)
    assert late.value.code == "ERR_COUPON_WINDOW"
    with pytest.raises(InvalidInput) as typed:
        lifecycle.void(store, coupon.code, confirm_code="OTHER", actor=actor)
    assert typed.value.code == "ERR_CONFIRM_CODE"
    draft = make.make_coupon(store, state="draft")
    with pytest.raises(Conflict):
        lifecycle.void(store, draft.code, actor=actor)


def test_a_coupon_whose_campaign_stands_still_goes_on_with_it_only(store, monkeypatch):
    coupon = make.make_coupon(store, state="paused", bond="bound")
    standing = links.Linked(code="C-7F3KQ", label="Sale", state="paused", running=False)
    monkeypatch.setattr(links, "of", lambda store_id, ids: {coupon.pk: standing})
    with pytest.raises(Conflict) as refused:
        lifecycle.resume(store, coupon.code, actor=_actor(store))
    assert (refused.value.code, refused.value.extra["campaign"]) == ("ERR_COUPON_CAMPAIGN", "C-7F3KQ")


def test_others_may_not_and_find_nothing(store):
    coupon = make.make_coupon(store)
    viewer = make.actor_for(make.make_member(store, rights=["coupons.view"]))
    for verb in (lifecycle.pause, lifecycle.resume, lifecycle.void):
        with pytest.raises(PermissionRefused):
            verb(store, coupon.code, actor=viewer)
    other = make.make_store()
    with in_store(other.pk), pytest.raises(NotFound):
        lifecycle.pause(other, coupon.code, actor=_actor(other))
    assert Coupon.objects.get(pk=coupon.pk).state == "active"


def test_the_pages_ask_first_then_stop_resume_and_void(store, client):
    coupon = make.make_coupon(store, [make.make_listing(store, stock=30)], quota=50)
    _claimed(coupon)
    client.force_login(make.owner_of(store))
    place = f"/s/{store.slug}/coupons/{coupon.code}/"
    asked = client.get(f"{place}pause/").content.decode()
    assert 'name="freeze_claimed"' in asked
    assert "checked" not in asked.split('name="freeze_claimed"')[1].split(">")[0]
    client.post(f"{place}pause/", {"reason": "", "freeze_claimed": "on", "version": coupon.version})
    assert (Coupon.objects.get().state, Coupon.objects.get().freeze_claimed) == ("paused", True)
    answer = client.post(f"{place}resume/", follow=True)
    assert "less stock could be reserved" in answer.content.decode()
    assert Coupon.objects.get().state == "active"
    page = client.get(f"{place}void/").content.decode()
    assert "Claimed coupons not used yet" in page
    assert client.post(f"{place}void/", {"reason": "Wrong price", "confirm_code": "nonsense"}).status_code == 422
    assert client.post(f"{place}void/", {"reason": "", "confirm_code": coupon.code}).status_code == 422
    assert Coupon.objects.get().state == "active"
    gone = client.post(f"{place}void/", {"reason": "Wrong price", "confirm_code": coupon.code.lower()}, follow=True)
    assert "2 claimed ones" in gone.content.decode()
    assert Coupon.objects.get().state == "voided"
    assert list(Claim.objects.values_list("void_reason", flat=True)) == ["by_hand", "by_hand"]
    assert Message.objects.get().code == "NOTE_COUPON_VOIDED"


def test_a_stale_form_stops_nothing(store, client):
    coupon = make.make_coupon(store)
    client.force_login(make.owner_of(store))
    Coupon.objects.filter(pk=coupon.pk).update(version=7)
    answer = client.post(f"/s/{store.slug}/coupons/{coupon.code}/pause/", {"version": 1})
    assert answer.status_code == 409
    assert Coupon.objects.get().state == "active"
    assert 'name="version" value="7"' in answer.content.decode(), (
        "the page shows it as it is now: the next submit means that"
    )
