"""Ways out of a conflict: each names a verb of this room, what it changes, and nothing that the campaign's state forbids (R30).

`withdraw` takes the item out of a campaign, `move` moves an end or a start so that one campaign follows the other, `stack` declares that
they are meant together. Withdrawing and moving change one campaign, stacking all that do not declare it yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from campaigns.conflicts import Group, Rival
from campaigns.kinds import spec
from campaigns.models import Campaign, CampaignState
from core import display

S = CampaignState
WAYS = ("withdraw", "move", "stack")
NOT_STARTED = (S.DRAFT, S.SCHEDULED)
STARTED = (S.RUNNING, S.PAUSED)


@dataclass(frozen=True, slots=True)
class WayOut:
    """One way. `campaigns`: the codes that change. What is withdrawn is one `sku`, or all that are shared with the campaign `other`."""

    way: str
    campaigns: tuple[str, ...]
    label: str
    sku: str = ""
    other: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def query(self) -> str:
        """The query string of the page that shows what the way would do, and does it."""
        given: list[tuple[str, str]] = [("way", self.way), *(("campaign", code) for code in self.campaigns)]
        for name in ("sku", "other"):
            if value := getattr(self, name):
                given.append((name, value))
        for name in ("starts_at", "ends_at"):
            if moment := getattr(self, name):
                given.append((name, moment.isoformat()))
        return urlencode(given)

    def as_dict(self, url: str) -> dict[str, Any]:
        """The shape of an entry of the API's `ways_out`; `url` is the page that acts."""
        change: dict[str, Any] = {}
        if self.sku:
            change["skus"] = [self.sku]
        if self.other:
            change["shared_with"] = self.other
        if self.starts_at:
            change["starts_at"] = self.starts_at
        if self.ends_at:
            change["ends_at"] = self.ends_at
        if self.way == "stack":
            change["stacks"] = True
        return {
            "way": self.way,
            "campaigns": list(self.campaigns),
            "change": change,
            "label": self.label,
            "url": f"{url}?{self.query}",
        }


def rival_of(campaign: Campaign) -> Rival:
    """A campaign as a party."""
    one = campaign
    return Rival(
        one.pk, one.code, one.kind, one.name, one.name_zh, one.state, one.starts_at, one.ends_at, one.stacks,
        one.platform_enforced, one.version
    )  # fmt: skip


def of_group(group: Group, *, now: datetime, zone: Any) -> tuple[WayOut, ...]:
    """Every way out of the conflict on one SKU; `zone` is the one that moments are said in."""
    parties = [party.campaign for party in group.parties]
    found = [_withdraw(one, sku=group.sku) for one in parties]
    for one, two in combinations(parties, 2):
        if one.conflicts(two):
            found += _moves(one, two, now, zone)
    found.append(_stack(parties))
    unique = {way.query: way for way in found if way is not None}
    return tuple(unique.values())


def between(one: Rival, two: Rival, *, now: datetime, zone: Any) -> tuple[WayOut, ...]:
    """The ways out of everything that two campaigns have against each other."""
    found = [
        _withdraw(one, other=two.code),
        _withdraw(two, other=one.code),
        *_moves(one, two, now, zone),
        _stack([one, two]),
    ]
    return tuple(way for way in found if way is not None)


def may_change(one: Rival) -> bool:
    """Whether its settings are the store's: not handed in to the platform, in a state that can be edited."""
    handed_in = spec(one.kind).by_platform and one.state not in (S.DRAFT, S.REJECTED)
    return not handed_in and not one.enforced and one.state in (*NOT_STARTED, *STARTED)


def _withdraw(one: Rival, *, sku: str = "", other: str = "") -> WayOut | None:
    if not may_change(one):
        return None
    if one.state in STARTED and other:
        label = _("End the participation of the shared items in %(code)s") % {"code": one.code}
    elif one.state in STARTED:
        label = _("End the participation of %(sku)s in %(code)s") % {"sku": sku, "code": one.code}
    elif other:
        label = _("Remove the shared items from %(code)s") % {"code": one.code}
    else:
        label = _("Remove %(sku)s from %(code)s") % {"sku": sku, "code": one.code}
    return WayOut("withdraw", (one.code,), label, sku=sku, other=other)


def _moves(one: Rival, two: Rival, now: datetime, zone: Any) -> list[WayOut | None]:
    first, second = sorted((one, two), key=lambda rival: (rival.starts_at, rival.ends_at))
    return [_end_earlier(first, second.starts_at, now, zone), _start_later(second, first.ends_at, zone),
            _start_later(first, second.ends_at, zone) if first.starts_at == second.starts_at else None]  # fmt: skip


def _end_earlier(one: Rival, moment: datetime, now: datetime, zone: Any) -> WayOut | None:
    if not may_change(one) or moment <= max(now, one.starts_at):
        return None
    label = _("Let %(code)s end earlier: %(moment)s") % {"code": one.code, "moment": display.sentence(moment, zone)}
    return WayOut("move", (one.code,), label, ends_at=moment)


def _start_later(one: Rival, moment: datetime, zone: Any) -> WayOut | None:
    if not may_change(one) or one.state not in NOT_STARTED or moment >= one.ends_at:
        return None
    label = _("Let %(code)s start later: %(moment)s") % {"code": one.code, "moment": display.sentence(moment, zone)}
    return WayOut("move", (one.code,), label, starts_at=moment)


def _stack(parties: Sequence[Rival]) -> WayOut | None:
    silent = [one for one in parties if not one.stacks]
    if not silent or not all(may_change(one) for one in silent):
        return None
    codes = tuple(one.code for one in silent)
    return WayOut("stack", codes, _("Declare that these stack: %(codes)s") % {"codes": display.series(codes)})
