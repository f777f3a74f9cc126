"""The database holds exactly the edges that the model declares."""

from __future__ import annotations

from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction

from campaigns.edges import declared, pairs, set_state_of, sources
from campaigns.models import Campaign, CampaignArchive, CampaignState
from core import clock
from tests import factories as make

STATES = [str(state) for state in CampaignState]


def _raw(campaign: Campaign, before: str, after: str) -> bool:
    """Whether PostgreSQL lets a raw UPDATE go from one state to the other."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE campaigns_campaign SET state = %s WHERE id = %s", [before, campaign.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
        try:
            with transaction.atomic():
                cursor.execute("UPDATE campaigns_campaign SET state = %s WHERE id = %s", [after, campaign.pk])
        except IntegrityError:
            return False
    return True


def test_the_trigger_allows_exactly_the_declared_edges(shop):
    campaign = make.make_campaign(shop.store, state="draft")
    moves = {(a, b) for a, b in product(STATES, STATES) if a != b}
    allowed = {(a, b) for a, b in moves if _raw(campaign, a, b)}
    assert allowed == pairs()
    assert len(allowed) == 20


def test_staying_where_it_is_needs_no_edge(shop):
    campaign = make.make_campaign(shop.store, state="draft")
    for state in STATES:
        assert _raw(campaign, state, state)


def test_terminal_states_have_no_way_out():
    assert not {pair for pair in pairs() if pair[0] in ("ended", "cancelled")}


@pytest.mark.parametrize("transition", sorted(declared()))
@pytest.mark.parametrize("state", STATES)
def test_set_state_moves_only_rows_in_a_source(shop, transition, state):
    campaign = make.make_campaign(shop.store, state="draft", state_before_cancel="paused")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE campaigns_campaign SET state = %s WHERE id = %s", [state, campaign.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    moved = set_state_of([campaign.pk], transition=transition, now=clock.now())
    fresh = Campaign.objects.get(pk=campaign.pk)
    assert moved == (1 if state in sources(transition) else 0)
    if moved:
        assert fresh.state in declared()[transition].targets
        assert fresh.version == campaign.version + 1
    else:
        assert fresh.state == state
        assert fresh.version == campaign.version


def test_history_cannot_be_deleted(shop):
    campaign = make.make_campaign(shop.store, state="scheduled")
    with pytest.raises(IntegrityError, match="only a draft"), transaction.atomic():
        campaign.delete()
    make.make_campaign(shop.store, state="draft").delete()


def test_an_archive_never_changes(shop):
    campaign = make.make_campaign(shop.store, state="scheduled")
    archive = CampaignArchive.objects.create(
        campaign=campaign, store=shop.store, archived_at=clock.now(), document={"a": 1}, sha256="x"
    )
    for act in (lambda: archive.delete(), lambda: CampaignArchive.objects.update(sha256="y")):
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            act()


def test_the_state_cannot_be_assigned():
    with pytest.raises(AttributeError):
        Campaign(state="draft").state = "ended"
