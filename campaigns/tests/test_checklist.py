"""A close stays open until display, coupons and archive are verified; what is late is told; orders are tried dry (R40-R43, R47)."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from campaigns import advancing, archive, checklist, checks, cleaning, order_flow, stopping, sweeps
from campaigns.models import Check, Closing
from campaigns.tests.conftest import NOON
from core import clock, outbox
from core.http import OutboundError
from inbox.models import Message
from listings.models import LiveOffer, Sku
from tests import factories as make


def _work() -> None:
    while outbox.deliver_due(topics=["publish.site"]):
        pass
    checks.run_due()
    sweeps.run()


@pytest.fixture
def closed(shop, frozen):
    """A campaign that was published and cancelled for good at noon; its hold is over, nothing was looked at yet."""
    campaign = make.make_campaign(shop.store, shop.skus)
    while outbox.deliver_due(topics=["publish.site"]):
        pass
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    frozen.tick(600)
    return campaign


def _closing() -> Closing:
    return Closing.objects.select_related("campaign__store").get()


def _points() -> dict[str, bool]:
    return {point.key: point.verified_at is not None for point in checklist.points_of(_closing())}


def test_open_until_every_point_is_verified_and_every_check_made(shop, closed, frozen):
    _work()
    assert _points() == {"display": True, "coupons": True, "archive": False}
    assert _closing().completed_at is None
    frozen.move_to(NOON + timedelta(seconds=7200))
    for _ in range(3):
        _work()
        frozen.tick(5)
    assert _points() == dict.fromkeys(checklist.POINTS, True)
    assert _closing().completed_at is None, "the look after the archive is still to come"
    frozen.move_to(NOON + timedelta(seconds=7810))
    _work()
    done = _closing()
    assert (done.completed_at, done.next_due_at) == (clock.now(), None)
    assert not Message.objects.exists()


def test_what_was_seen_is_committed_to_the_record(shop, closed, frozen):
    for seconds in (0, 600, 6000, 700):
        frozen.tick(seconds)
        _work()
    done = _closing()
    seen = checklist.document_of(done, checklist.checks_of([done])[done.pk])
    event = AuditEvent.objects.get(action="campaign.close_complete")
    assert event.after["evidence_sha256"] == done.evidence == hashlib.sha256(checklist.canonical(seen)).hexdigest()
    assert event.after["archive_sha256"] == AuditEvent.objects.get(action="campaign.archive").after["archive_sha256"]
    page = seen["checks"][0]["results"][0]["samples"][0]
    assert page["url"].startswith("http")
    assert len(page["sha256"]) == 64
    assert shop.skus[0].code in "".join(
        sample["excerpt"] for line in seen["checks"][0]["results"] for sample in line["samples"]
    )
    assert seen["order_flow"]["state"] == "passed"


def test_what_is_not_verified_in_time_is_told_once(shop, closed, frozen):
    sweeps.run()
    frozen.move_to(NOON + timedelta(seconds=1199))
    sweeps.run()
    assert not Message.objects.exists()
    frozen.tick(1)
    for _ in range(3):
        sweeps.run()
        frozen.tick(60)
    message = Message.objects.get()
    assert (message.code, message.params["campaign"], message.params["minutes"]) == (
        "ERR_CLOSE_UNVERIFIED",
        closed.code,
        "20",
    )
    assert _closing().overdue == ["display"]
    _work()
    assert _points()["display"]
    assert _closing().overdue == []


def test_a_late_archive_is_told(shop, closed, frozen, monkeypatch):
    def broken(closings, *, now):
        raise OSError("disk full")

    _work()
    monkeypatch.setattr(archive, "build", broken)
    frozen.move_to(NOON + timedelta(seconds=7500))
    sweeps.run()
    assert "ERR_CLOSE_ARCHIVE_LATE" in set(Message.objects.values_list("code", flat=True))
    assert _closing().completed_at is None


def test_very_many_late_closes_are_one_message(shop, frozen):
    campaigns = [make.make_campaign(shop.store, shop.skus[:1], stacks=True) for _ in range(21)]
    for campaign in campaigns:
        stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    Check.objects.all().delete()
    frozen.tick(2000)
    sweeps.run()
    assert [message.code for message in Message.objects.all()] == ["ERR_CLOSES_OVERDUE"]
    assert Message.objects.get().params["n"] == "21"


def test_a_dry_quote_that_still_gives_the_price_fails_the_step_and_is_mended(shop, closed, frozen):
    LiveOffer.objects.filter(campaign_code=closed.code, sku=shop.skus[1]).update(active=True, price=Decimal("18.90"))
    checks.run_due()
    LiveOffer.objects.filter(campaign_code=closed.code, sku=shop.skus[1]).update(active=True)
    sweeps.run()
    found = _closing()
    step = next(step for step in found.steps if step["key"] == "verify")
    assert (found.order_flow["state"], step["state"], found.verified_at) == ("leftover", "failed", None)
    assert {row["sku"]: row["outcome"] for row in found.order_flow["readings"]} == {
        sku.code: "leftover" if sku == shop.skus[1] else "clean" for sku in shop.skus
    }
    assert not LiveOffer.objects.filter(active=True).exists(), "what the quote found was switched off"
    frozen.tick(60)
    _work()
    frozen.tick(60)
    _work()
    assert _closing().order_flow["state"] == "passed"
    assert _points()["display"]


def test_goods_that_nobody_can_order_show_no_leftover(shop, closed, frozen):
    Sku.objects.update(stock=0)
    _work()
    assert _closing().order_flow["state"] == "nothing"
    assert {row["detail"] for row in _closing().order_flow["readings"]} == {"ERR_STOCK"}
    assert _points()["display"]


def test_pages_that_cannot_be_read_are_named_with_their_site_and_each_try_counts_once(shop, closed, frozen):
    def broken(transport, url, headers):
        raise OutboundError("timeout", "too late")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("publishing.probe.WsgiTransport.get", broken)
        _work()
    for _ in range(4):
        frozen.tick(1)
        Closing.objects.update(next_due_at=clock.now())
        sweeps.run()
    step = next(step for step in _closing().steps if step["key"] == "verify")
    failed = Check.objects.filter(state="failed").count()
    assert (step["state"], step["attempts"]) == ("failed", failed)
    reader = Client()
    reader.force_login(make.owner_of(shop.store))
    page = reader.get(f"/s/{shop.store.slug}/campaigns/{closed.code}/closing/").content.decode()
    assert re.search(r"<code>\w+</code> the server did not answer in time", page)


def test_a_checkout_that_breaks_is_no_proof(shop, closed, frozen, monkeypatch):
    def broken(samples, now):
        raise RuntimeError("no such table")

    with monkeypatch.context() as patched:
        patched.setattr(order_flow, "_asked", [broken])
        _work()
    step = next(step for step in _closing().steps if step["key"] == "verify")
    assert (step["state"], _closing().order_flow["state"]) == ("failed", "broken")
    assert not _points()["display"]
    frozen.tick(60)
    sweeps.run()
    assert _closing().order_flow["state"] == "passed"
    assert _points()["display"]


def test_a_leftover_after_the_end_opens_the_close_again(shop, closed, frozen):
    for seconds in (0, 600, 6000, 700):
        frozen.tick(seconds)
        _work()
    first = _closing()
    assert first.completed_at is not None
    cleaning.clean_up(shop.store, closed.code, actor=shop.owner)
    Closing.objects.update(next_due_at=clock.now())
    sweeps.run()
    assert _closing().completed_at is None
    frozen.tick(5)
    _work()
    assert _closing().completed_at is not None
    assert AuditEvent.objects.filter(action="campaign.close_complete").count() == 2
    assert _closing().evidence != first.evidence


def test_many_closes_cost_as_many_queries_as_one(shop, frozen):
    """From the last check to completion: order flow, archive, evidence, record."""
    counts = []
    for number in (1, 25):
        campaigns = [make.make_campaign(shop.store, shop.skus[:2], stacks=True) for _ in range(number)]
        for campaign in campaigns:
            stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
        frozen.tick(600)
        sweeps.run()
        frozen.tick(7000)
        while outbox.deliver_due(topics=["publish.site"]):
            pass
        frozen.tick(1000)
        checks.run_due()
        with CaptureQueriesContext(connection) as queries:
            assert advancing.advance_due() == number
        counts.append(len(queries))
        assert Closing.objects.filter(completed_at=None).count() == 0
    assert counts[1] <= counts[0]


def test_finishing_many_checks_costs_as_many_queries_as_one(shop, frozen):
    counts = []
    for number in (1, 20):
        campaigns = [make.make_campaign(shop.store, shop.skus[:1], stacks=True) for _ in range(number)]
        for campaign in campaigns:
            stopping.pause(shop.store, campaign.code, actor=shop.owner)
        rows = list(Check.objects.filter(number=0, state="pending"))
        Check.objects.filter(pk__in=[row.pk for row in rows]).update(state="running")
        with CaptureQueriesContext(connection) as queries:
            checks.check_finish.finish(rows, now=clock.now(), rules=checks.policies.active(checks.ClosingRules, NOON))
        counts.append(len(queries))
        assert {row.state for row in rows} == {"passed"}
    assert counts[0] == counts[1]
