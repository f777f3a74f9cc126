"""Codes of this room."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

ERROR, WARNING = Severity.ERROR, Severity.WARNING

declare(
    Code(
        "ERR_ORDER_STATE", ERROR, _("The order cannot go there"),
        cause=_("An order only moves forward: unpaid, paid, shipped, completed; or it is called off before completion."),
        fix=_("Read the order again and choose a later state."), page="orders:list",
    ),
    Code(
        "ERR_ORDER_DISPUTE", ERROR, _("No such state of a dispute"),
        cause=_("A dispute is none, open, in arbitration or closed."),
        fix=_("Write none, open, arbitration or closed."),
    ),
    Code(
        "ERR_ORDER_FROZEN", ERROR, _("The order is here already, with other content"),
        cause=_("What was sold, when and under which terms never changes once it is recorded."),
        fix=(_("Compare the order with the file."), _("Give a new order a code of its own.")), page="orders:list",
    ),
    Code(
        "ERR_ORDER_CODE", ERROR, _("Not a possible order code"),
        cause=_("An order's code is missing, too long, or holds a control character."),
        fix=_("Give each order a code of at most 64 characters."),
    ),
    Code(
        "ERR_ORDER_CANCELLATION", WARNING, _("A cancellation, not an order"),
        cause=_("The row takes back an earlier order; recorded orders are never changed by a later file."),
        fix=_("Nothing to mend. Set the order's state by hand if it should be called off."),
    ),
    Code(
        "ERR_ORDER_ADJUSTMENT", WARNING, _("A book entry, not an order"),
        cause=_("The row adjusts accounts, such as bad debt; nobody bought anything."), fix=_("Nothing to mend."),
    ),
    Code(
        "ERR_ORDER_QUANTITY", ERROR, _("Not a possible quantity of an order"),
        cause=_("The quantity of a line is a whole number above zero; a negative one is a return or a correction of stock."),
        fix=_("Leave returns out, or write a whole number above zero."),
    ),
    Code(
        "ERR_ORDER_TIME", ERROR, _("Not a possible time of an order"),
        cause=_("The time is malformed, absurdly early, in the future, or skipped by the clocks of its zone."),
        fix=_("Write it as 2026-11-27 16:00 or 2026-11-27T08:00:00Z."),
    ),
    Code(
        "ERR_ORDER_CURRENCY", ERROR, _("Two currencies in one order"),
        cause=_("All lines of an order are in one currency, that of the SKUs."), fix=_("Split the order."),
    ),
    Code(
        "ERR_ORDER_BUYER", ERROR, _("Not a possible buyer"),
        cause=_("The buyer's name is too long or holds a control character."), fix=_("Use your own short id of the buyer."),
    ),
)  # fmt: skip
