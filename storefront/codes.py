"""Codes of this room."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

ERROR, WARNING = Severity.ERROR, Severity.WARNING

declare(
    Code(
        "ERR_BASKET_EMPTY", ERROR, _("Nothing in the basket"),
        cause=_("The request holds no lines."), fix=_("Send at least one line with a SKU and a quantity."),
    ),
    Code(
        "ERR_BASKET_SIZE", ERROR, _("Too much in the basket"),
        cause=_("There are more lines or coupons than one order may hold."), fix=_("Split the order."),
    ),
    Code(
        "ERR_COUNTRY", ERROR, _("Not a country"),
        cause=_("The country is not two letters of ISO 3166."), fix=_("Write it as US, RU or CN."),
    ),
    Code(
        "ERR_UNIT_PRICE", ERROR, _("A price is missing"),
        cause=_("An order without a quote must say what was paid for each line."),
        fix=(_("Ask for a quote and order by it."), _("Or give each line its unit price.")),
    ),
    Code(
        "ERR_SKU_NOT_ON_SALE", ERROR, _("Not on sale"),
        cause=_("The listing of this SKU is a draft, in review, delisted or taken down."),
        fix=_("Take the line out of the basket, or put the listing on sale."),
    ),
    Code(
        "ERR_STOCK", ERROR, _("Not enough in stock"),
        cause=_("Fewer units can be had than were asked for."), fix=_("Lower the quantity, or wait for new stock."),
    ),
    Code(
        "ERR_QUOTE_UNKNOWN", ERROR, _("No such quote"),
        cause=_("This store has made no quote with this code, or it is long gone."), fix=_("Ask for a new quote."),
    ),
    Code(
        "ERR_QUOTE_EXPIRED", ERROR, _("The quote has expired"),
        cause=_("A quote is honoured for a limited time only."),
        fix=(_("Ask for a new quote."), _("Show the buyer its prices before ordering.")),
    ),
    Code(
        "ERR_QUOTE_USED", ERROR, _("The quote was used already"),
        cause=_("One quote makes one order."), fix=_("Ask for a new quote for another order."),
    ),
    Code(
        "ERR_QUOTE_STOPPED", ERROR, _("The promotion of this quote was stopped"),
        cause=_("It was paused or cancelled after the quote, and the rules do not honour such quotes."),
        fix=_("Ask for a new quote."),
    ),
)  # fmt: skip
