"""The close report, in the shape of `GET /campaigns/{code}/closing`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from campaigns import finding
from campaigns.models import Campaign, Check, Closing, Leftover
from campaigns.prices import prices_to_review
from core import clock
from core.errors import NotFound
from policies.rules import ClosingRules


def latest(campaign: Campaign) -> Closing | None:
    """The latest close of a campaign, taken back or not; None before any."""
    return Closing.objects.filter(campaign=campaign).order_by("-id").first()


def report(store: Store, code: str) -> dict[str, Any]:
    """The latest close of a campaign. Raises NotFound before any; a pause makes none. A constant number of queries."""
    campaign = finding.get(store, code)
    closing = latest(campaign)
    if closing is None:
        raise NotFound(_("%(code)s has not been closed.") % {"code": campaign.code})
    return {
        "closed_at": closing.closed_at,
        "close_kind": closing.close_kind,
        "closed_by": closing.closed_by,
        "reason": closing.reason,
        "note": closing.note,
        "finalised_at": closing.finalised_at,
        "taken_back_at": closing.taken_back_at,
        "forecast": closing.forecast,
        "result": closing.result,
        "differences": differences_of(closing),
        "steps": [
            {
                key: step[key]
                for key in ("key", "state", "done", "total", "started_at", "finished_at", "evidence", "error")
            }
            for step in closing.steps
        ],
        "checks": checks_of(campaign, closing),
        "prices_to_review": [row.as_dict() for row in prices_to_review(campaign)],
    }


def differences_of(closing: Closing) -> list[dict[str, Any]]:
    """Forecast beside result where they differ, each with its reason in words."""
    return [{**row, "why": why_text(row["key"], row["forecast"], row["result"])} for row in closing.differences]


def why_text(key: str, forecast: int, result: int) -> str:
    """Why a figure came out otherwise than forecast."""
    more = result > forecast
    match key:
        case "open_orders":
            if more:
                return _("Orders were placed in between, at prices quoted before the stop; they keep their terms.")
            return _("Orders were completed or cancelled in between.")
        case "prices_to_review":
            if more:
                return _("Sale prices were changed in between.")
            return _("Sale prices were put back in between.")
        case "tags":
            return _("Items were added, or taken off, between the forecast and the stop.")
        case "sites":
            return _("A site was added or switched off in between.")
        case "listings":
            return _("Items were added or removed in between.")
    return _("It changed between the forecast and the close.")


def checks_of(campaign: Campaign, closing: Closing) -> list[dict[str, Any]]:
    """One line per finished or running look, site and client, with what it found; planned looks have a line each without site."""
    found = Check.objects.filter(closing=closing).order_by("due_at", "id")
    most = policies.active(ClosingRules, clock.now()).leftovers_shown
    leftovers = list(
        Leftover.objects.filter(campaign=campaign).select_related("site").order_by("-first_seen_at", "id")[:most]
    )
    lines: list[dict[str, Any]] = []
    for check in found:
        if not check.results:
            lines.append({"at": check.due_at, "site": None, "client": None, "state": check.state, "leftovers": []})
        lines += [_line(check, row, leftovers) for row in check.results]
    return lines


def _line(check: Check, row: Mapping[str, Any], leftovers: Sequence[Leftover]) -> dict[str, Any]:
    return {
        "at": check.started_at or check.due_at,
        "site": row["site"],
        "client": row["client"],
        "state": row["state"],
        "pages": row["pages"],
        "failed": row["failed"],
        "leftovers": [
            {
                "page": one.page_url,
                "what": one.what,
                "excerpt": one.excerpt,
                "first_seen_at": one.first_seen_at,
                "cleared_at": one.cleared_at,
            }
            for one in leftovers
            if one.site.code == row["site"] and one.client == row["client"] and _during(check, one)
        ],
    }


def _during(check: Check, leftover: Leftover) -> bool:
    since: datetime = check.started_at or check.due_at
    return leftover.last_seen_at >= since and (check.finished_at is None or leftover.first_seen_at <= check.finished_at)
