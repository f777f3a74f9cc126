"""The hunter lists what is left with its age, clears it, and the patrol finds what came back long after the close (R43, R145)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from unittest import mock

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

import policies
from audit.models import AuditEvent
from campaigns import checks, hunting, patrol, stopping, sweeps
from campaigns.hunting import LeftoverFilter
from campaigns.models import Check, Closing, Leftover
from core import clock, outbox
from core.errors import InvalidInput, PermissionRefused
from core.models import Heartbeat
from listings.models import LiveOffer
from policies.rules import CampaignRules
from publishing.desire import want
from publishing.probe import PageReading
from tests import factories as make


def _publish(shop=None) -> None:
    if shop is not None:
        want(shop.store.pk, [sku.listing_id for sku in shop.skus], now=clock.now())
    while outbox.deliver_due(topics=["publish.site"]):
        pass


def _closed(shop, frozen, age: timedelta = timedelta(days=40)):
    """A campaign that was cancelled long ago, verified and archived."""
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=clock.now() + timedelta(days=90))
    _publish()
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    for seconds in (0, 600, 7000, 1000):
        frozen.tick(seconds)
        _publish()
        checks.run_due()
        sweeps.run()
    assert Closing.objects.get(campaign=campaign).completed_at is not None
    frozen.tick(age)
    return campaign


def _come_back(shop, campaign, price: str | None = "18.90") -> None:
    """The promotion is on again behind everybody's back, as a restored backup would leave it."""
    LiveOffer.objects.bulk_create(
        LiveOffer(
            store=shop.store, sku=sku, listing_id=sku.listing_id, campaign_code=campaign.code, kind=campaign.kind, label=campaign.name,
            price=None if price is None else Decimal(price), starts_at=campaign.starts_at, ends_at=campaign.ends_at, active=True,
        )
        for sku in shop.skus
    )  # fmt: skip
    _publish(shop)


def test_the_patrol_finds_what_came_back_long_after_the_close(shop, frozen):
    campaign = _closed(shop, frozen)
    frozen.tick(60)
    assert patrol.run() == 6
    assert Heartbeat.objects.get(name=patrol.HEARTBEAT).detail["found"] == 0
    _come_back(shop, campaign)
    frozen.tick(59)
    assert patrol.run() == 0, "not before its time"
    frozen.tick(1)
    assert patrol.run() == 6
    rows = Leftover.objects.filter(campaign=campaign, cleared_at=None)
    assert rows.filter(what="tag").count() == 6
    assert len(set(rows.values_list("client", flat=True))) == 3
    assert not LiveOffer.objects.filter(active=True).exists(), "cleared at once"
    again = Check.objects.get(campaign=campaign, state="pending")
    assert again.occasion == "cleanup"
    sweeps.run()
    assert Closing.objects.get(campaign=campaign).completed_at is None, "the close is open again"
    _publish()
    frozen.tick(5)
    checks.run_due()
    assert not Leftover.objects.filter(cleared_at=None).exists()


def test_a_price_that_only_a_closed_campaign_asked_is_found_without_a_tag(shop, frozen):
    campaign = _closed(shop, frozen)
    other = make.make_campaign(shop.store, shop.skus, price="18.90")
    _publish(shop)
    frozen.tick(60)
    patrol.run()
    assert not Leftover.objects.exists(), "another campaign asks that price now"
    stopping.pause(shop.store, other.code, actor=shop.owner)
    Check.objects.all().delete()
    LiveOffer.objects.all().delete()
    _come_back(shop, campaign)
    LiveOffer.objects.update(campaign_code="C-GHOST")
    _publish(shop)
    frozen.tick(60)
    assert patrol.run() == 6
    assert not Leftover.objects.exists(), "an offer that is on is asked by somebody"
    readings: list[PageReading] = []
    patrol.visit_each(
        ((page, "desktop") for page in patrol.pages_of(shop.store.pk, [shop.skus[0].listing_id])),
        on_batch=readings.extend,
    )
    LiveOffer.objects.update(active=False)
    found = patrol._suspects(shop.store.pk, readings, clock.now())
    assert {one.what for one in found[campaign.pk]} == {"price"}


def test_clearing_one_leftover_reads_its_page_and_no_other(shop, frozen):
    campaign = _closed(shop, frozen)
    frozen.tick(60)
    _come_back(shop, campaign)
    patrol.run()
    Check.objects.filter(state="pending").delete()
    frozen.tick(1)
    one = Leftover.objects.filter(campaign=campaign, cleared_at=None, site__code="zh", what="tag").order_by("pk")[0]
    hunting.clear_leftovers(shop.store, [one.pk], actor=shop.owner)
    assert set(Leftover.objects.exclude(republished_at=clock.now()).values_list("pk", flat=True)).isdisjoint([one.pk])
    _publish()
    assert checks.run_due() == 1
    look = Check.objects.filter(campaign=campaign).latest("pk")
    assert (look.state, look.pages_total, look.scope) == ("passed", 1, {"pages": [[one.site_id, one.listing_id]]})
    assert {line["site"] for line in look.results} == {"zh"}
    one.refresh_from_db()
    assert one.cleared_at is not None
    sweeps.run()
    verify = next(step for step in Closing.objects.get(campaign=campaign).steps if step["key"] == "verify")
    assert verify["state"] == "running", "others are left: not verified by one page"
    Leftover.objects.filter(campaign=campaign, cleared_at=None).update(cleared_at=clock.now())
    Closing.objects.filter(campaign=campaign).update(next_due_at=clock.now())
    sweeps.run()
    verify = next(step for step in Closing.objects.get(campaign=campaign).steps if step["key"] == "verify")
    assert verify["state"] == "done"


def test_the_patrol_makes_room_for_checks_and_goes_round(shop, frozen, monkeypatch):
    _closed(shop, frozen)
    rules = patrol.policies.active(patrol.ClosingRules, clock.now())
    small = rules.model_copy(update={"patrol_listings": 2})
    monkeypatch.setattr(
        patrol.policies, "active", lambda model, now: small if model is patrol.ClosingRules else _real(model, now)
    )
    seen = []
    for _ in range(4):
        frozen.tick(60)
        patrol.run()
        detail = Heartbeat.objects.get(name=patrol.HEARTBEAT).detail
        seen.append((detail["read"], detail["at"] != 0, detail["round"]))
    assert seen == [(4, True, 0), (2, False, 1), (4, True, 1), (2, False, 2)]
    running = make.make_campaign(shop.store, shop.skus)
    stopping.pause(shop.store, running.code, actor=shop.owner)
    frozen.tick(60)
    assert patrol.run() == 0, "a check is due"


_real = patrol.policies.active


@pytest.fixture
def left(shop, frozen):
    """Two stopped campaigns with leftovers on two sites."""
    campaigns = []
    for price in ("18.90", "17.90"):
        campaign = make.make_campaign(shop.store, shop.skus[:2], price=price)
        campaigns.append(campaign)
    _publish(shop)
    for campaign in campaigns:
        stopping.pause(shop.store, campaign.code, actor=shop.owner)
    LiveOffer.objects.update(active=True)
    _publish(shop)
    checks.run_due()
    Check.objects.filter(state="pending").delete()
    return campaigns


def test_leftovers_are_filtered(shop, left, frozen):
    now = clock.now()

    def count(**wanted):
        return hunting.matching(shop.store.pk, LeftoverFilter(**wanted), now=now).count()

    everything = count()
    assert (
        everything
        == count(state="all")
        == count(site="en") + count(site="zh")
        == count(what="tag") + count(what="price")
    )
    assert count(q=left[0].code.lower()) + count(q=left[1].code) == everything
    assert sum(count(client=client) for client in ("desktop", "phone", "private")) == everything
    assert count(state="cleared") == count(older_than=1) == count(q="C-00000") == 0
    frozen.tick(3600)
    assert hunting.matching(shop.store.pk, LeftoverFilter(older_than=1), now=clock.now()).count() == everything


def test_clearing_is_set_based_audited_and_looked_at_again(shop, left, frozen):
    counts = []
    for codes in (left[:1], left):
        ids = list(Leftover.objects.filter(campaign__in=codes, cleared_at=None).values_list("pk", flat=True))
        Check.objects.filter(state="pending").delete()
        with CaptureQueriesContext(connection) as queries:
            done = hunting.clear_leftovers(shop.store, ids, actor=shop.owner)
        counts.append(len(queries))
        assert (done.leftovers, done.campaigns) == (len(ids), len(codes))
    assert counts[0] == counts[1]
    assert not LiveOffer.objects.filter(active=True).exists()
    assert set(Check.objects.filter(state="pending").values_list("occasion", "due_at")) == {("cleanup", clock.now())}
    assert AuditEvent.objects.filter(action="campaign.clear_leftovers").count() == 3
    _publish()
    frozen.tick(1)
    checks.run_due()
    assert not Leftover.objects.filter(cleared_at=None).exists()


def test_what_may_not_be_cleared(shop, left):
    viewer = make.actor_for(make.make_member(shop.store, rights=["campaigns.view"]))
    ids = list(Leftover.objects.values_list("pk", flat=True))
    with pytest.raises(PermissionRefused):
        hunting.clear_leftovers(shop.store, ids, actor=viewer)
    with pytest.raises(InvalidInput):
        hunting.clear_leftovers(shop.store, [], actor=shop.owner)
    assert hunting.clear_leftovers(make.make_store(), ids, actor=make.system("test")).leftovers == 0


def test_the_bar_promises_what_will_be_cleared(client, shop, left):
    client.force_login(make.owner_of(shop.store))
    url = f"/s/{shop.store.slug}/campaigns/after/leftovers/"
    still = Leftover.objects.filter(cleared_at=None).count()
    rules = policies.active(CampaignRules, clock.now())
    few = rules.model_copy(update={"count_limit": 2, "page_size": 2})
    with mock.patch(
        "campaigns.views.aftercare.active", lambda model, now: few if model is CampaignRules else _real(model, now)
    ):
        assert f"Select all {still} that match" in client.get(url).content.decode(), "beyond what the list counts"
        Leftover.objects.filter(pk=Leftover.objects.order_by("-id")[0].pk).update(cleared_at=clock.now())
        assert f"Select all {still - 1} that match" in client.get(f"{url}?state=all").content.decode()


def test_the_pages(shop, left, frozen):
    client = Client()
    client.force_login(make.owner_of(shop.store))
    base = f"/s/{shop.store.slug}/campaigns"
    page = client.get(f"{base}/after/leftovers/").content.decode()
    assert left[0].code in page
    assert "What the page showed" in page
    with CaptureQueriesContext(connection) as queries:
        client.get(f"{base}/after/leftovers/?site=en")
    assert len(queries) <= 16
    assert "Nothing matches" in client.get(f"{base}/after/leftovers/?site=en&what=tag&older=168").content.decode()
    for odd in ("cursor=x", "site=%00", "older=zz", "q=" + "x" * 400):
        assert client.get(f"{base}/after/leftovers/?{odd}").status_code == 200
    one = Leftover.objects.order_by("id")[0]
    answer = client.post(
        f"{base}/after/leftovers/clear/", {"action": "clear", "pick": [one.pk, "x", "9" * 30], "filter": "site=en"}
    )
    assert (answer.status_code, answer["Location"]) == (302, f"{base}/after/leftovers/?site=en")
    assert client.post(f"{base}/after/leftovers/clear/", {"action": "clear"}).status_code == 302
    assert AuditEvent.objects.filter(action="campaign.clear_leftovers", result="done").count() == 1
    everything = client.post(f"{base}/after/leftovers/clear/", {"action": "clear", "all": "1", "filter": "site=zh"})
    assert everything.status_code == 302
    assert AuditEvent.objects.filter(action="campaign.clear_leftovers", result="done").count() == 3
    other = make.make_campaign(shop.store, shop.skus[2:])
    stopping.cancel(shop.store, other.code, confirm_code=other.code, actor=shop.owner)
    for tab, shown in (("open", True), ("late", False), ("done", False), ("x", True)):
        assert (other.code in client.get(f"{base}/after/?tab={tab}").content.decode()) is shown
    assert "1 close is being verified" in client.get(f"/s/{shop.store.slug}/").content.decode()
    frozen.tick(3000)
    Check.objects.all().delete()
    sweeps.run()
    assert other.code in client.get(f"{base}/after/?tab=late").content.decode()
    assert "not verified in time" in client.get(f"/s/{shop.store.slug}/").content.decode()
