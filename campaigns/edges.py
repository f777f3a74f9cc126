"""The edges of the state machine, read from the transitions declared on `Campaign`, and the one set-based door to the state.

`FSMField(protected=True)` keeps everybody from assigning the state; `set_state` is the only code that may `.update()` it, and only
along declared edges. A database trigger (`campaigns/migrations`) holds the same edges; a test proves the two equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.expressions import Combinable

from campaigns.models import Campaign, CampaignState

#: Where the target of a transition is computed per row: the column that holds it.
_COMPUTED_TARGETS = {"take_back": "state_before_cancel"}


@dataclass(frozen=True, slots=True)
class Edges:
    """The sources and targets of one declared transition."""

    sources: frozenset[str]
    targets: frozenset[str]


@cache
def declared() -> dict[str, Edges]:
    """Every transition by name."""
    field = Campaign._meta.get_field("state")
    sources: dict[str, set[str]] = {}
    targets: dict[str, set[str]] = {}
    for transition in field.get_all_transitions(Campaign):
        allowed = getattr(transition.target, "allowed_states", None) or (transition.target,)
        sources.setdefault(transition.name, set()).add(str(transition.source))
        targets.setdefault(transition.name, set()).update(str(state) for state in allowed)
    return {name: Edges(frozenset(sources[name]), frozenset(targets[name])) for name in sources}


@cache
def pairs() -> frozenset[tuple[str, str]]:
    """Every (from, to) that some transition allows."""
    return frozenset(
        (source, target) for edges in declared().values() for source in edges.sources for target in edges.targets
    )


def sources(transition: str) -> frozenset[str]:
    """The states a transition may leave from."""
    return declared()[transition].sources


def set_state(rows: QuerySet[Campaign], *, transition: str, now: datetime, **changes: Any) -> int:
    """Move every row of `rows` that stands in a source of `transition`; answers how many moved.

    The version rises by one and `updated_at` becomes `now`; `changes` are further columns, values or expressions.
    Rows elsewhere in the machine are left alone: callers lock and check first, this is the second look.
    """
    edges = declared()[transition]
    target: str | Combinable
    if transition in _COMPUTED_TARGETS:
        column = _COMPUTED_TARGETS[transition]
        rows, target = rows.filter(**{f"{column}__in": sorted(edges.targets)}), F(column)
    else:
        (target,) = edges.targets
    return rows.filter(state__in=sorted(edges.sources)).update(
        state=target, version=F("version") + 1, updated_at=now, **changes
    )


def set_state_of(ids: Sequence[int], *, transition: str, now: datetime, **changes: Any) -> int:
    """`set_state` for the campaigns with these ids, which the caller has locked."""
    return set_state(Campaign.objects.filter(pk__any=ids), transition=transition, now=now, **changes)


LIVE = frozenset({CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSED})
"""States in which a campaign is or will be before buyers, and can be cancelled."""

CLOSED = frozenset({CampaignState.ENDED, CampaignState.CANCELLED})
"""States without a way out (R37: kept for ever)."""

STOPPED = frozenset({CampaignState.PAUSED, CampaignState.ENDING, *CLOSED, CampaignState.CANCELLING})
"""States in which nothing of a campaign may be before buyers, although it was once."""
