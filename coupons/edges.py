"""The one set-based door to a coupon's state: along the edges declared on `Coupon`; a database trigger holds the same ones."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import F, QuerySet

from coupons.models import Coupon


@cache
def declared() -> dict[str, tuple[frozenset[str], str]]:
    """The sources and the target of every transition, by name."""
    field = Coupon._meta.get_field("state")
    found: dict[str, tuple[frozenset[str], str]] = {}
    for one in field.get_all_transitions(Coupon):
        sources, target = found.get(one.name, (frozenset(), str(one.target)))
        found[one.name] = (sources | {str(one.source)}, target)
    return found


def pairs() -> frozenset[tuple[str, str]]:
    """Every (from, to) that some transition allows."""
    return frozenset((source, target) for sources, target in declared().values() for source in sources)


def set_state(rows: QuerySet[Coupon], *, transition: str, now: datetime, **changes: Any) -> int:
    """Move every row of `rows` that stands in a source of `transition`; answers how many moved. `changes` are further columns."""
    sources, target = declared()[transition]
    return rows.filter(state__in=sorted(sources)).update(
        state=target, version=F("version") + 1, updated_at=now, **changes
    )
