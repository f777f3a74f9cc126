"""What the verbs answer: plain data for pages, the API and the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from django.utils.functional import Promise

from campaigns.models import Campaign
from core.errors import DomainError

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Fix:
    """Where something can be mended; `url` is a path of this installation, or empty."""

    label: Text
    url: str = ""


@dataclass(frozen=True, slots=True)
class GuardRow:
    """One line of the checklist. `status`: blocked, warning, passed or unknown; `blocks` says whether the action is stopped by it.

    `policy` names the rules to people, `cited` to the record (key and version, of no language).
    """

    code: str
    status: str
    title: Text
    detail: Text
    evidence: Mapping[str, Any] = field(default_factory=dict)
    fix: Fix | None = None
    policy: str = ""
    blocks: bool = False
    cited: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The shape of the API's `guards` and `blockers`."""
        return {
            "code": self.code,
            "status": self.status,
            "title": str(self.title),
            "detail": str(self.detail),
            "evidence": dict(self.evidence),
            "fix": {"label": str(self.fix.label), "url": self.fix.url} if self.fix else None,
            "policy": self.policy,
        }


@dataclass(frozen=True, slots=True)
class Impact:
    """What a close touches, in numbers."""

    listings: int = 0
    tags: int = 0
    sites: int = 0
    coupons: int = 0
    claimed_unused: int = 0
    reserved_units: int = 0
    open_orders: int = 0
    prices_to_review: int = 0

    def as_dict(self) -> dict[str, int]:
        """By key."""
        return {name: getattr(self, name) for name in IMPACT_KEYS}


IMPACT_KEYS = tuple(one.name for one in fields(Impact))


@dataclass(frozen=True, slots=True)
class CloseCheck:
    """All guards of an action at once, and what the action would touch (R33)."""

    action: str
    allowed: bool
    guards: tuple[GuardRow, ...]
    impact: Impact

    @property
    def blockers(self) -> tuple[GuardRow, ...]:
        """The rows that stop the action."""
        return tuple(row for row in self.guards if row.blocks)

    def as_dict(self) -> dict[str, Any]:
        """The shape of `GET …/close-check`."""
        return {
            "allowed": self.allowed,
            "guards": [row.as_dict() for row in self.guards],
            "impact": self.impact.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class CampaignWarning:
    """Something worth a look that refuses nothing. `skus` and `campaigns` are a sample, `count` all of them."""

    code: str
    message: Text
    count: int
    skus: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The shape of a campaign's `warnings`."""
        return {
            "code": self.code,
            "message": str(self.message),
            "count": self.count,
            "skus": list(self.skus),
            "campaigns": list(self.campaigns),
        }


@dataclass(frozen=True, slots=True)
class Saved:
    """A campaign after create, edit or a change of its items, with what deserves a look."""

    campaign: Campaign
    warnings: tuple[CampaignWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one campaign of a command: done, refused (by a rule) or failed (by a fault); and of a pause that froze the use of
    claimed coupons: of how many coupons, and how many claimed ones that is.
    """

    code: str
    result: str
    error: DomainError | None = None
    campaign: Campaign | None = None
    warnings: tuple[GuardRow, ...] = ()
    coupons_frozen: int = 0
    claims_frozen: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The shape of a row of `POST /campaigns/bulk`."""
        error = None
        if self.error is not None:
            error = {"code": self.error.code, "message": str(self.error.detail)}
            if self.error.extra.get("blockers"):
                error["blockers"] = self.error.extra["blockers"]
        return {"code": self.code, "result": self.result, "error": error}
