"""Redis is away while people work (bench 6): every action is accepted as ever, and the sweeps alone carry out what follows from it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from audit.actors import system
from backoffice import nudges
from backoffice.celery import app
from backoffice.tasks import deliver_outbox
from campaigns import bulk
from campaigns import tasks as campaign_tasks
from campaigns.models import BulkJob, Campaign
from campaigns.tests.conftest import open_shop
from core import clock
from core.models import OutboxMessage
from core.scopes import across_stores, in_store
from tests.api.client import Api, member_api
from tests.factories import owner_of
from tests.faults.ledger import Ledger
from tests.faults.material import lay_out, report, size
from tests.servers.test_broker_down import forget_connections

BODIES = {"cancel": lambda code: {"reason": "other", "confirm_code": code}, "pause": lambda code: {"reason": "season"}}


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[None]:
    """The broker's address leads nowhere."""
    before = app.conf.broker_url
    app.conf.broker_url = f"redis+socket://{tmp_path}/away.sock"
    forget_connections()
    monkeypatch.setattr(nudges, "_broken_until", 0.0)
    monkeypatch.setattr(nudges, "PATIENCE", 0.0)
    yield
    app.conf.broker_url = before
    forget_connections()


def _some_requests(api: Api, codes: list[str], number: int, ledger: Ledger) -> None:
    dice = random.Random(6)
    for _ in range(number):
        action, code = dice.choice(("pause", "pause", "resume", "cancel", "take-back")), dice.choice(codes)
        body = BODIES.get(action, lambda _code: {})(code)
        answer = api.post(f"/campaigns/{code}/{action}", body)
        ledger.note(action.replace("-", "_"), code, answer.status_code)


@pytest.mark.django_db(transaction=True)
def test_people_work_on_while_redis_is_away(no_broker):
    shop = open_shop(skus=2)
    now = clock.read()
    rows = lay_out(shop, 12, ends=[now + timedelta(days=1)], now=now)
    codes = [row.code for row in rows]
    api, ledger = member_api(shop.store, owner_of(shop.store)), Ledger()
    _some_requests(api, codes, size(40, 500), ledger)
    assert ledger.failed == [], "no answer of the 5xx kind"
    assert ledger.accepted
    ledger.reconcile(outbox_kept=True)
    with in_store(shop.store.pk):
        running = list(Campaign.objects.filter(state="running").values_list("code", flat=True))
        draft = bulk.choose(shop.store, "pause", running or codes, actor=shop.owner)
        bulk.confirm(shop.store, draft.pk, action="pause", reason="season", actor=shop.owner)
    # Redis is back; no message about any of it was ever queued. These are what the schedule starts.
    campaign_tasks.sweep()
    campaign_tasks.run_bulk()
    while deliver_outbox():
        pass
    with across_stores("the test looks at everything"):
        assert BulkJob.objects.get(pk=draft.pk).state == "done"
        assert not OutboxMessage.objects.filter(topic="campaign.event").exists()
        assert not Campaign.objects.filter(code__in=codes, state="running").exists()
    report("6", requests=size(40, 500), accepted=len(ledger.accepted), refused=len(ledger.refused), answers_5xx=0)
    assert system().is_system
