"""历史活动: ended and cancelled campaigns, kept for ever, found by name, kind, state and the time of their close (R37)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from campaigns.querysets import PAST, CampaignFilter, matching
from core import clock
from core.errors import FieldError, InvalidInput

#: What the history is ordered by.
CLOSED = "closed_at"
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """What the history may be asked for; empty members do not filter. The close lies in `[since, until)`."""

    q: str = ""
    kind: str = ""
    state: str = ""
    since: datetime | None = None
    until: datetime | None = None


def past(store_id: int, wanted: HistoryFilter) -> QuerySet[Campaign]:
    """The store's past campaigns that match, the latest closed first, and of those closed at one moment the newest.

    None of them is without the moment of its close: what ends a campaign writes it, and so does what holds its cancel.
    """
    state = wanted.state if wanted.state in PAST else ""
    rows = matching(store_id, CampaignFilter(state=state, kind=wanted.kind, q=wanted.q, states=tuple(PAST)))
    rows = rows.filter(closed_at__isnull=False)  # said, so that the index of closed campaigns may serve
    if wanted.since:
        rows = rows.filter(closed_at__gte=wanted.since)
    if wanted.until:
        rows = rows.filter(closed_at__lt=wanted.until)
    return rows.order_by(f"-{CLOSED}", "-pk")


def span(since: str, until: str, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """Read `from` and `to`: days of the store's calendar (the last one included) or moments. Raises InvalidInput."""
    faults: list[FieldError] = []
    found: list[datetime | None] = []
    for name, text, last in (("from", since, False), ("to", until, True)):
        try:
            found.append(_moment(text.strip(), zone, last=last))
        except (ValueError, OverflowError):
            words = _("Write a day such as 2026-11-27, or a moment such as 2026-11-27T08:00:00Z.")
            faults.append(FieldError(name, "ERR_SPAN", words))
    if not faults and found[0] and found[1] and found[0] >= found[1]:
        faults.append(FieldError("to", "ERR_SPAN", _("The end must lie after the beginning.")))
    if faults:
        raise InvalidInput(_("The span of time cannot be read."), faults)
    return found[0], found[1]


def _moment(text: str, zone: tzinfo, *, last: bool) -> datetime | None:
    if not text:
        return None
    if _DAY.fullmatch(text):
        day = date.fromisoformat(text) + timedelta(days=1 if last else 0)
        moment = datetime.combine(day, time(), tzinfo=zone)
    else:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no zone")
    return clock.utc(moment)
