"""Looking at a campaign that is being written, before anything is saved: what is wrong line by line, and what deserves a look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Store
from campaigns.checking import check_items, warnings_before
from campaigns.kinds import KindSpec
from campaigns.models import Campaign
from campaigns.outcomes import CampaignWarning
from campaigns.picking import Line, Wrong, blamed
from core.errors import FieldError


@dataclass(frozen=True, slots=True)
class Examined:
    """A list of items as it would be saved: how many are good, which lines are not, faults of the list as a whole, warnings.

    `deepest` is the largest discount in percent, rounded up; `windowed` says whether overlaps could be looked for.
    """

    good: int
    wrong: Sequence[Wrong]
    faults: Sequence[FieldError]
    warnings: Sequence[CampaignWarning]
    deepest: int
    windowed: bool

    @property
    def more(self) -> int:
        """Wrong lines beyond those that are shown."""
        return max(0, len(self.wrong) - SHOWN)

    @property
    def shown(self) -> Sequence[Wrong]:
        """The first wrong lines."""
        return self.wrong[:SHOWN]


SHOWN = 50
"""A matter of layout."""


def examine(
    store: Store,
    kind: KindSpec,
    lines: Sequence[Line],
    *,
    window: tuple[datetime, datetime] | None,
    stacks: bool,
    now: datetime,
    campaign: Campaign | None = None,
) -> Examined:
    """Check a list of items as the verbs would, in three queries whatever its length. `campaign` is the one it is meant for, if any."""
    good, errors = check_items(store, [line.item for line in lines], kind, now)
    wrong, faults = blamed(lines, errors)
    usable = window is not None and window[0] < window[1]
    span = window if window is not None and usable else (now, now)
    warnings = warnings_before(store, good, span, stacks, now, campaign=campaign) if good else ()
    deepest = max((item.percent_off for item in good), default=0)
    return Examined(len(good), wrong, faults, warnings, deepest, usable)
