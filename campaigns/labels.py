"""Words for campaigns on pages: names, reasons, steps. Reasons are the sources' (R10), steps those of the API."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign

CLOSE_REASONS = {
    "season": _("Season clear-out over"),
    "ab_test": _("A/B arm below expectation"),
    "supply_chain": _("Supply-chain break"),
    "poor_effect": _("Poor effect"),
    "other": _("Other"),
}

#: Why platform staff reject an enrolment (policy `reject_reasons`); `lapsed` is the clock's.
REJECT_REASONS = {
    "price": _("Campaign price not low enough"),
    "stock": _("Too little stock for the venue"),
    "quality": _("Pictures or titles not up to the venue"),
    "venue": _("Products do not fit the venue"),
    "other": _("Other"),
    "lapsed": _("Its end passed while it was in review"),
}

STEPS = {
    "stop_display": _("Stop the display and the discount"),
    "clear_tags": _("Clear the tags"),
    "void_coupons": _("Void linked coupons"),
    "release_stock": _("Release reserved stock"),
    "publish_sites": _("Tell the language sites"),
    "review_prices": _("Review sale prices"),
    "verify": _("Verify what buyers see"),
    "archive": _("Archive the data"),
}

IMPACT = {
    "listings": _("Listings losing the promotion"),
    "tags": _("Campaign tags taken off"),
    "sites": _("Language sites told"),
    "coupons": _("Coupons voided"),
    "claimed_unused": _("Claimed coupons not used yet"),
    "reserved_units": _("Reserved units released"),
    "open_orders": _("Open orders that keep their terms"),
    "prices_to_review": _("Sale prices that will not return by themselves"),
}

BULK_ACTIONS = {
    "pause": _("Pause (can resume)"),
    "resume": _("Resume"),
    "cancel": _("Cancel campaigns permanently"),
}

STOPS = {"pause": _("Pause (can resume)"), "cancel": _("Cancel campaign permanently")}

CLIENTS = {"desktop": _("Desktop"), "phone": _("Phone"), "private": _("Private window")}


WHATS = {"tag": _("Campaign tag"), "price": _("Campaign price")}

POINTS = {
    "display": _("Display: no page and no quote shows it"),
    "coupons": _("Coupons: linked ones are void"),
    "archive": _("Archive: the data are sealed"),
}


def campaign_name(campaign: Campaign) -> str:
    """The name in the page's language."""
    return campaign.label
