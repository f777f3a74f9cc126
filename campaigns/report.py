"""Reading a close: the latest one, and forecast beside result with every difference explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.models import Campaign, Closing
from core import display


def latest(campaign: Campaign) -> Closing | None:
    """The latest close of a campaign that was not taken back; None when there is none."""
    return Closing.objects.filter(campaign=campaign, taken_back_at=None).order_by("-id").first()


def differences_of(closing: Closing) -> list[dict[str, Any]]:
    """Forecast beside result where they differ, each with its reason in words and figures."""
    return [{**row, "facts": row.get("facts", {}), "why": why_text(row)} for row in closing.differences]


def why_text(row: Mapping[str, Any]) -> str:
    """Why a figure came out otherwise than forecast: what happened in between, counted."""
    facts = row.get("facts") or {}
    match row["key"]:
        case "open_orders":
            return _orders(row["forecast"], row["result"], facts)
        case "prices_to_review":
            return _prices(row["forecast"], row["result"], facts)
        case "coupons" | "claimed_unused" | "reserved_units":
            return _coupons(facts)
        case "tags":
            return _("Items were added, or taken off, between the forecast and the stop.")
        case "sites":
            return _("A site was added or switched off in between.")
        case "listings":
            return _("Items were added or removed in between.")
    return _("It changed between the forecast and the close.")


def _coupons(facts: Mapping[str, Any]) -> str:
    """Coupons and claims that went another way while the cancel was held."""
    said = []
    if n := int(facts.get("by_hand", 0)):
        words = ngettext(
            "%(n)s coupon was voided by hand in between.", "%(n)s coupons were voided by hand in between.", n
        )
        said.append(words % {"n": display.number(n)})
    if n := int(facts.get("expired", 0)):
        words = ngettext("%(n)s coupon expired in between.", "%(n)s coupons expired in between.", n)
        said.append(words % {"n": display.number(n)})
    if n := int(facts.get("redeemed", 0)):
        words = ngettext(
            "%(n)s claimed one was used by an order in between.",
            "%(n)s claimed ones were used by orders in between.",
            n,
        )
        said.append(words % {"n": display.number(n)})
    return " ".join(said) or _("Coupons were changed, or taken out of the campaign, in between.")


def _orders(forecast: int, result: int, facts: Mapping[str, Any]) -> str:
    placed = int(facts.get("placed_open", max(0, result - forecast)))
    finished = max(0, forecast + placed - result)
    said = []
    if placed:
        words = ngettext(
            "%(n)s order was placed in between, at a price quoted before the stop; it keeps its terms.",
            "%(n)s orders were placed in between, at prices quoted before the stop; they keep their terms.",
            placed,
        )
        said.append(words % {"n": display.number(placed)})
    if finished:
        words = ngettext(
            "%(n)s order was completed or cancelled in between.",
            "%(n)s orders were completed or cancelled in between.",
            finished,
        )
        said.append(words % {"n": display.number(finished)})
    return " ".join(said) or _("It changed between the forecast and the close.")


def _prices(forecast: int, result: int, facts: Mapping[str, Any]) -> str:
    changed = int(facts.get("changed", 0))
    if (
        result > forecast
    ):  # a price that somebody set after the stop counts as decided, so these were changed by other ways
        return _("Sale prices were changed in between.")
    if not changed:
        return _("Sale prices were put back in between.")
    words = ngettext(
        "%(n)s sale price was set in between (%(skus)s); a price set after the stop counts as decided.",
        "%(n)s sale prices were set in between (%(skus)s); a price set after the stop counts as decided.",
        changed,
    )
    skus = display.series(facts.get("skus", []))
    return words % {
        "n": display.number(changed),
        "skus": skus if changed <= len(facts.get("skus", [])) else f"{skus} …",
    }
