"""Reading a close: the latest one, and forecast beside result with every difference explained."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from campaigns.models import Campaign, Closing


def latest(campaign: Campaign) -> Closing | None:
    """The latest close of a campaign that was not taken back; None when there is none."""
    return Closing.objects.filter(campaign=campaign, taken_back_at=None).order_by("-id").first()


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
