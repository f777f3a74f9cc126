"""Codes of this room."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

declare(
    Code(
        "ERR_DEPOSIT_DUE", Severity.WARNING, _("Marketing deposit of %(amount)s is due"),
        cause=_("Platform staff charged it: %(reason)s. While it is unpaid, no campaign can be cancelled permanently."),
        fix=(_("Open the marketing deposit."), _("Pay it, and record the payment.")),
        page="finance:deposit", page_label=_("Marketing deposit"), money=("amount",),
    ),
    Code(
        "ERR_DEPOSIT_NOTHING_DUE", Severity.ERROR, _("No marketing deposit is owed"),
        cause=_("Everything that was charged is paid."), fix=_("Nothing to mend."), page="finance:deposit",
        page_label=_("Marketing deposit"),
    ),
    Code(
        "ERR_DEPOSIT_OVERPAID", Severity.ERROR, _("More than is owed"),
        cause=_("A payment can be at most what is in arrears."), fix=_("Enter the amount in arrears, or less."),
        page="finance:deposit", page_label=_("Marketing deposit"),
    ),
    Code(
        "ERR_DEPOSIT_CURRENCY", Severity.ERROR, _("Which currency?"),
        cause=_("The store owes in several currencies, or none in the one named."),
        fix=_("Name the currency of the arrears that are paid."), page="finance:deposit", page_label=_("Marketing deposit"),
    ),
)  # fmt: skip
