"""Checks read what a buyer's client reads, clear what is left, and tell what stays (R40-R50). Pages are fetched through WSGI."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.db import connection
from django.utils import translation

from campaigns import checks, cleaning, stopping, sweeps
from campaigns.evidence import evidence_of
from campaigns.models import Check, Closing, Leftover
from core import clock, faults, outbox
from core.errors import Conflict, PermissionRefused
from core.http import OutboundError
from inbox.models import Message
from listings.models import LiveOffer, Sku
from publishing.desire import want
from tests import factories as make


def _publish() -> None:
    while outbox.deliver_due(topics=["publish.site"]):
        pass


@pytest.fixture
def running(shop):
    """A campaign over three listings, published on two sites."""
    campaign = make.make_campaign(shop.store, shop.skus)
    _publish()
    return campaign


def _plant(campaign, price: str = "18.90") -> None:
    """A leftover: the offer is on again behind the campaign's back, as a fault would leave it."""
    LiveOffer.objects.filter(campaign_code=campaign.code).update(active=True, price=Decimal(price))


def test_after_a_pause_every_page_is_read_by_three_clients(shop, running):
    stopping.pause(shop.store, running.code, actor=shop.owner)
    assert checks.run_due() == 1
    first = Check.objects.get(number=0)
    assert (first.state, first.pages_done, first.pages_total, first.leftover_count) == ("passed", 6, 6, 0)
    lines = {(line["site"], line["client"]): line for line in first.results}
    assert set(lines) == {(site, client) for site in ("en", "zh") for client in ("desktop", "phone", "private")}
    assert all(line["pages"] == line["total"] == 3 and line["state"] == "passed" for line in lines.values())
    assert all(line["hash"] and not line["failed"] for line in lines.values())


def test_pages_not_yet_published_again_are_clean_already_and_counted_as_stale(shop, running, frozen):
    frozen.tick(60)
    stopping.pause(shop.store, running.code, actor=shop.owner)
    checks.run_due()
    assert {line["stale"] for line in Check.objects.get(number=0).results} == {3}
    _publish()
    frozen.tick(30)
    checks.run_due()
    second = Check.objects.get(number=1)
    assert (second.state, {line["stale"] for line in second.results}) == ("passed", {0})


def test_a_leftover_is_cleared_published_again_and_looked_at_again(shop, running, frozen):
    stopping.pause(shop.store, running.code, actor=shop.owner)
    _publish()
    _plant(running)
    want(shop.store.pk, [sku.listing_id for sku in shop.skus], now=clock.now())
    _publish()
    checks.run_due()
    found = Check.objects.get(number=0)
    assert (found.state, found.leftover_count) == ("leftover", 18)
    assert Leftover.objects.filter(cleared_at=None).count() == 6 * 3 * 2
    assert set(Leftover.objects.values_list("what", flat=True)) == {"tag", "price"}
    assert not LiveOffer.objects.filter(active=True).exists()
    again = Check.objects.get(occasion="cleanup")
    assert found.finished_at is not None
    assert again.due_at - found.finished_at == timedelta(seconds=5)
    assert not Message.objects.exists()
    _publish()
    frozen.tick(5)
    checks.run_due()
    again.refresh_from_db()
    assert (again.state, again.leftover_count) == ("passed", 0)
    assert not Leftover.objects.filter(cleared_at=None).exists()


def test_what_stays_after_clearing_is_told_once_per_site(shop, running, frozen):
    stopping.pause(shop.store, running.code, actor=shop.owner)
    for _round in range(4):
        _plant(running)
        want(shop.store.pk, [sku.listing_id for sku in shop.skus], now=clock.now())
        _publish()
        checks.run_due()
        frozen.tick(20)
    messages = list(Message.objects.filter(code="ERR_LEFTOVER").order_by("id"))
    assert [message.params["site"] for message in messages] == ["en", "zh"]
    assert messages[0].params["campaign"] == running.code
    assert messages[0].params["page"].startswith("http")
    assert Leftover.objects.filter(cleared_at=None).values_list("republished_at", flat=True)[0] is not None


def test_a_sale_price_equal_to_the_campaign_price_is_no_leftover(shop, running):
    stopping.pause(shop.store, running.code, actor=shop.owner)
    Sku.objects.filter(pk=shop.skus[0].pk).update(sale_price=Decimal("18.90"))
    want(shop.store.pk, [shop.skus[0].listing_id], now=clock.now())
    _publish()
    checks.run_due()
    assert Check.objects.get(number=0).state == "passed"


def test_another_campaign_at_the_same_price_is_no_leftover(shop, running):
    make.make_campaign(shop.store, shop.skus)
    _publish()
    stopping.pause(shop.store, running.code, actor=shop.owner)
    _publish()
    checks.run_due()
    assert Check.objects.get(number=0, campaign=running).state == "passed"


def test_a_resume_drops_checks_and_forgives_leftovers(shop, running):
    stopping.pause(shop.store, running.code, actor=shop.owner)
    _plant(running)
    want(shop.store.pk, [sku.listing_id for sku in shop.skus], now=clock.now())
    _publish()
    checks.run_due()
    assert Leftover.objects.filter(cleared_at=None).exists()
    stopping.resume(shop.store, running.code, actor=shop.owner)
    assert not Leftover.objects.filter(cleared_at=None).exists()
    assert not Check.objects.filter(state__in=["pending", "running"]).exists()


def test_pages_that_cannot_be_read_fail_the_check_and_are_tried_again(shop, running, settings):
    stopping.pause(shop.store, running.code, actor=shop.owner)
    settings.PUBLIC_URL = "http://elsewhere.test"
    with mock.patch("publishing.probe.WsgiTransport.get", side_effect=_broken):
        checks.run_due()
    assert Check.objects.get(number=0).state == "failed"
    assert Check.objects.filter(occasion="cleanup", state="pending").count() == 1
    running.refresh_from_db()
    with translation.override("zh-hans"):
        assert {row["error"] for row in evidence_of(running).rows} == {"访问失败"}
        assert {faults.say(told) for told in Check.objects.get(number=0).unread.values()} == {"访问失败"}
    Check.objects.filter(number=0).update(
        results=[{"site": "en", "client": "phone", "failed": 1, "error": "timeout: as before"}]
    )
    assert [row["error"] for row in evidence_of(running).rows] == ["timeout: as before"]


def _broken(url, headers):
    raise OutboundError("failed", "nobody answers")


def _in_fives(seen: list[Any], dies_after: int = 99) -> Any:
    """Visits in batches of five, each noted in `seen`; the worker dies before the batch after `dies_after`."""
    real = checks.visit_each

    def visiting(visits, *, on_batch):
        jobs = list(visits)
        for number, start in enumerate(range(0, len(jobs), 5)):
            if number == dies_after:
                raise KeyboardInterrupt
            chunk = jobs[start : start + 5]
            seen.extend((page.site, page.listing_id, client) for page, client in chunk)
            real(chunk, on_batch=on_batch)

    return mock.patch("campaigns.checks.visit_each", visiting)


def test_a_killed_check_goes_on_where_it_stopped(shop, running, frozen):
    stopping.pause(shop.store, running.code, actor=shop.owner)
    Check.objects.filter(number__gt=0).delete()
    seen: list[Any] = []
    with _in_fives(seen, dies_after=2), pytest.raises(KeyboardInterrupt):
        checks.run_due()
    half = Check.objects.get(number=0)
    assert (half.state, half.pages_done, sum(line["pages"] for line in half.results)) == ("running", 6, 10)
    assert checks.run_due() == 0, "the lease still holds"
    frozen.tick(301)
    with _in_fives(seen):
        checks.run_due()
    done = Check.objects.get(number=0)
    assert (done.state, done.pages_done) == ("passed", 6)
    assert len(seen) == len(set(seen)) == 18, "no page is read twice by one client"


def test_every_page_is_read_once_before_any_is_read_again(shop, running):
    stopping.pause(shop.store, running.code, actor=shop.owner)
    seen: list[Any] = []
    with _in_fives(seen):
        checks.run_due()
    first = [(site, listing) for site, listing, _client in seen[:6]]
    assert len(set(first)) == 6
    assert {client for _site, _listing, client in seen[:6]} == {"desktop", "phone", "private"}


def test_many_small_checks_share_their_pages(shop, running):
    others = [make.make_campaign(shop.store, shop.skus) for _ in range(5)]
    _publish()
    for campaign in (running, *others):
        stopping.pause(shop.store, campaign.code, actor=shop.owner)
    seen: list[Any] = []
    with _in_fives(seen):
        assert checks.run_due() == 6
    assert len(seen) == len(set(seen)) == 18
    assert set(Check.objects.filter(number=0).values_list("state", "pages_done")) == {("passed", 6)}


def test_clean_up_by_hand(shop, running, frozen):
    with pytest.raises(Conflict):
        cleaning.clean_up(shop.store, running.code, actor=shop.owner)
    viewer = make.actor_for(make.make_member(shop.store, rights=["campaigns.view"]))
    with pytest.raises(PermissionRefused):
        cleaning.clean_up(shop.store, running.code, actor=viewer)
    frozen.move_to(running.ends_at + timedelta(days=1))
    sweeps.run()
    checks.run_due()
    _plant(running)
    check = cleaning.clean_up(shop.store, running.code, actor=shop.owner)
    assert (check.occasion, check.due_at) == ("cleanup", clock.now())
    assert not LiveOffer.objects.filter(campaign_code=running.code, active=True).exists()
    checks.run_due()
    check.refresh_from_db()
    assert check.state == "passed"


def test_many_looks_at_single_pages_do_not_hide_the_look_at_all(shop, running, frozen):
    stopping.pause(shop.store, running.code, actor=shop.owner)
    _publish()
    checks.run_due()
    running.refresh_from_db()
    assert evidence_of(running).verified
    frozen.tick(60)
    Check.objects.bulk_create(
        Check(
            store=shop.store, campaign=running, occasion="cleanup", number=9, due_at=clock.now(), state="passed",
            started_at=clock.now(), finished_at=clock.now(), scope={"pages": [[1, 1]]},
        )
        for _ in range(12)
    )  # fmt: skip
    assert evidence_of(running).verified, "not: no check has looked"


def test_a_clean_check_completes_the_close_report(shop, running, frozen):
    stopping.cancel(shop.store, running.code, confirm_code=running.code, actor=shop.owner)
    _publish()
    checks.run_due()
    sweeps.run()
    steps = {step["key"]: step for step in Closing.objects.get().steps}
    assert steps["verify"]["state"] == steps["publish_sites"]["state"] == "done"
    assert (steps["verify"]["done"], steps["verify"]["total"]) == (6, 6)
    assert Closing.objects.get().verified_at is not None
    for seconds in (30, 600, 900, 7800):
        frozen.tick(seconds)
        checks.run_due()
        sweeps.run()
    closing = Closing.objects.get()
    assert {step["key"]: step["state"] for step in closing.steps} == dict.fromkeys(steps, "done")
    assert closing.next_due_at is None
    assert closing.archived_at is not None


def test_one_reader_at_a_time_and_the_others_make_room(shop, running):
    stopping.pause(shop.store, running.code, actor=shop.owner)
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"], port=settings["PORT"] or None, user=settings["USER"], dbname=settings["NAME"],
        password=settings["PASSWORD"] or None,
    ) as other:  # fmt: skip
        other.execute("SELECT pg_advisory_lock(%s, 0)", [checks.SEATS])
        assert checks.run_due() == 0
        other.execute("SELECT pg_advisory_unlock_all()")
    assert checks.run_due() == 1


def test_a_first_look_goes_before_everything_else(shop, running, frozen):
    """Routine checks of another campaign are under way when somebody pauses: they make room, and lose nothing."""
    other = make.make_campaign(shop.store, shop.skus)
    _publish()
    stopping.pause(shop.store, running.code, actor=shop.owner)
    checks.run_due()
    frozen.tick(30)
    seen: list[Any] = []
    real = checks._note

    def pauses_meanwhile(works, readings, clients, now):
        real(works, readings, clients, now)
        seen.append((works[0].check.campaign_id, works[0].check.number))
        if len(seen) == 1:
            stopping.pause(shop.store, other.code, actor=shop.owner)

    with mock.patch("campaigns.checks._note", pauses_meanwhile):
        checks.run_due()
    assert seen == [(running.pk, 1), (other.pk, 0)]
    states = dict(Check.objects.filter(number__lte=1).values_list("campaign__code", "state"))
    assert set(Check.objects.filter(number=0).values_list("state", flat=True)) == {"passed"}
    assert Check.objects.get(campaign=running, number=1).state == "passed", states
