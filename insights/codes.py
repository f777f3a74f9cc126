"""The error codes of events, figures and exports (R140)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

ERROR, WARNING = Severity.ERROR, Severity.WARNING

declare(
    Code(
        "ERR_EVENT_KIND", ERROR, _("Unknown kind of event"),
        cause=_("An event is an impression, a click or an add_to_cart."), fix=_("Send one of the three."),
    ),
    Code(
        "ERR_EVENT_CAMPAIGN", ERROR, _("Unknown campaign in an event"),
        cause=_("The code is no campaign of this store."), fix=_("Send the code that the public page carries in data-campaign."),
    ),
    Code(
        "ERR_EVENT_SKU", ERROR, _("Unknown SKU in an event"),
        cause=_("The SKU is not this store’s, or not in the campaign."),
        fix=_("Send a SKU of the campaign, or leave it out to count the campaign as a whole."),
    ),
    Code(
        "ERR_EVENT_COUPON", ERROR, _("Unknown coupon in an event"),
        cause=_("The code is no coupon of this store, or the event names a campaign as well."),
        fix=_("Send the coupon’s code in place of the campaign’s."),
    ),
    Code(
        "ERR_EVENT_CHANNEL", ERROR, _("Not a channel"),
        cause=_("A channel is told in at most 20 small letters, digits and dashes."), fix=_("Send push, email, product_page or the like."),
    ),
    Code(
        "ERR_EVENT_TIME", ERROR, _("The time of an event is wrong"),
        cause=_("It is no moment, or lies too far ahead."), fix=_("Send RFC 3339 in UTC; check the clock of the storefront."),
    ),
    Code(
        "ERR_EVENT_COUNT", ERROR, _("The count of an event is wrong"),
        cause=_("It is not a whole number above zero, or absurdly large."), fix=_("Send how often it happened."),
    ),
    Code(
        "ERR_EVENT_WINDOW", WARNING, _("The campaign or coupon was not in force"),
        cause=_("The event lies before the start or after the end of its campaign or coupon; it cannot be theirs."),
        fix=(_("Take the tag off pages when it ends."), _("Check the clock of the storefront.")),
    ),
    Code(
        "ERR_EVENT_SEALED", WARNING, _("The figures are archived"),
        cause=_("About two hours after the close the figures are archived and never change again."),
        fix=_("Send events within two hours."),
    ),
    Code(
        "ERR_FIGURES_SEALED", ERROR, _("The figures are archived and final"),
        cause=_("About two hours after the close the figures are archived and never change again."),
        fix=_("Record ad spend while the campaign runs or within two hours of its close."),
    ),
    Code(
        "ERR_SPEND_DAY", ERROR, _("Not a day of the campaign"),
        cause=_("Ad spend belongs to a day between the campaign’s start and end that has begun."),
        fix=_("Write the day as 2026-11-27, in the store’s calendar."),
    ),
    Code(
        "ERR_SPEND_REPEATED", ERROR, _("A day is given twice"),
        cause=_("One call names a day more than once; only one of the amounts could count."),
        fix=_("Add the amounts of a day up, and send one row for it."),
    ),
    Code(
        "ERR_SPAN", ERROR, _("The span of time cannot be read"),
        cause=_("From and to are days, or moments in UTC, and from lies before to."),
        fix=_("Write them as 2026-11-27 or 2026-11-27T08:00:00Z."),
    ),
    Code(
        "ERR_EXPORT_SIZE", ERROR, _("Too many campaigns for one file"),
        cause=_("A sheet holds a limited number of rows."), fix=_("Narrow the span of time and export in parts."),
    ),
)  # fmt: skip
