"""Events leave through the outbox, at least once, each with a stable key; a receiver that fails gets them again."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns import stopping
from campaigns.events import TOPIC
from campaigns.signals import campaign_event
from core import outbox
from core.models import OutboxMessage
from tests import factories as make


@pytest.fixture
def heard():
    """What arrived at a receiver; it fails while `broken` is in it."""
    arrived: list[dict[str, Any]] = []

    def receive(sender: object, **event: Any) -> None:
        arrived.append(event)
        if len(arrived) == 1:
            raise ConnectionError("nobody is listening yet")

    campaign_event.connect(receive, weak=False)
    yield arrived
    campaign_event.disconnect(receive)


def test_an_event_comes_again_until_it_was_taken(shop, frozen, heard):
    campaign = make.make_campaign(shop.store, shop.skus)
    OutboxMessage.objects.all().delete()
    stopping.pause(shop.store, campaign.code, actor=shop.owner)
    outbox.deliver_due(topics=[TOPIC])
    assert OutboxMessage.objects.filter(topic=TOPIC).count() == 1
    frozen.tick(60)
    outbox.deliver_due(topics=[TOPIC])
    assert not OutboxMessage.objects.filter(topic=TOPIC).exists()
    first, second = heard
    assert first == second
    assert (second["event"], second["code"], second["store_id"]) == ("campaign.paused", campaign.code, shop.store.pk)
    assert second["key"] == f"campaign.paused:{campaign.code}:{campaign.version + 1}"


def test_a_bulk_act_tells_of_each_campaign_once(shop):
    campaigns = [make.make_campaign(shop.store, shop.skus) for _ in range(5)]
    OutboxMessage.objects.all().delete()
    stopping.act(stopping.command_of(shop.store, "pause", shop.owner, None), [row.code for row in campaigns])
    rows = OutboxMessage.objects.filter(topic=TOPIC)
    assert rows.count() == 5
    assert {row.payload["code"] for row in rows} == {row.code for row in campaigns}
