"""Times as files write them: ISO, in the zone of the file; absurd ones are refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from django.utils.translation import gettext as _

from core.errors import FieldError
from listings.fields import printable
from policies.rules import ImportRules


@dataclass
class Moments:
    """Reads times of one file. `pattern` is a format of `strptime`; without it ISO 8601 is read."""

    zone: tzinfo
    now: datetime
    limits: ImportRules
    code: str
    pattern: str = ""
    _earliest: datetime = field(init=False)
    _latest: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._earliest = datetime(self.limits.earliest_year, 1, 1, tzinfo=UTC)
        self._latest = self.now + timedelta(days=self.limits.future_days)
        self.read = lru_cache(1 << 16)(self._read)

    def _read(self, raw: str) -> datetime | FieldError:
        """The moment in UTC. An hour that the clocks have twice counts as the first; one that they skip is refused."""
        text = raw.strip()
        try:
            if len(text) > 40:
                raise ValueError
            if self.pattern:
                moment = datetime.strptime(text, self.pattern)  # noqa: DTZ007 - the zone of the file follows
            else:
                moment = datetime.fromisoformat(text)
            local = moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
            found = local.astimezone(UTC)
        except (ValueError, OverflowError):
            words = _("“%(text)s” is not a time; write it as 2026-11-27 16:00.") % {"text": printable(raw, 40)}
            return FieldError("placed_at", self.code, words)
        if not self._earliest <= found <= self._latest:
            words = _("%(text)s lies outside %(first)s to %(last)s.")
            words = words % {"text": text, "first": self._earliest.year, "last": f"{self._latest:%Y-%m-%d}"}
            return FieldError("placed_at", self.code, words)
        if moment.tzinfo is None and found.astimezone(self.zone).replace(tzinfo=None) != moment:
            words = _("The clocks skip %(text)s in this time zone.") % {"text": text}
            return FieldError("placed_at", self.code, words)
        return found
