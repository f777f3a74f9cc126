"""Tables of sendings and their recipients; their rows are drawn by Python."""

from __future__ import annotations

from html import escape
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from core import display
from core.tables import BaseTable, DrawnColumn, NumberColumn, WhenColumn
from core.templatetags.bo import chip
from coupons import sending, sending_list
from coupons.models import Recipient, RecipientState, Sending, SendingState
from inbox.catalogue import lookup

S, R = SendingState, RecipientState
#: Tone and glyph of each state.
_SENDINGS = {
    S.DRAFT: ("draft", "circle-dashed"),
    S.SENDING: ("sched", "loader"),
    S.PAUSED: ("paused", "pause"),
    S.DONE: ("run", "check-circle"),
    S.STOPPED: ("cancel", "ban"),
}
_RECIPIENTS = {
    R.WAITING: ("draft", "circle-dashed"),
    R.TRYING: ("sched", "loader"),
    R.SENT: ("run", "check-circle"),
    R.FAILED: ("cancel", "cross-circle"),
    R.UNKNOWN: ("paused", "question"),
    R.SKIPPED: ("draft", "minus"),
}


def state_of(row: Sending) -> SafeString:
    """The state of a sending as chip."""
    tone, icon = _SENDINGS[SendingState(row.state)]
    return chip(tone, icon, row.get_state_display())


def why_of(code: str) -> str:
    """What a code means, in the page's language; the code itself when nobody declared it."""
    known = lookup(code)
    return str(known.title) if known else code


class SendingTable(BaseTable):
    """The sendings of a coupon, newest first."""

    caption = _("Sendings")
    row_header = "name"

    name = DrawnColumn(accessor="pk", verbose_name=_("Sending"))
    state = DrawnColumn(verbose_name=_("State"))
    total = NumberColumn(verbose_name=_("Recipients"), orderable=False)
    sent = NumberColumn(verbose_name=_("Sent"), orderable=False)
    failed = NumberColumn(verbose_name=_("Failed"), orderable=False)
    unknown = NumberColumn(verbose_name=_("Outcome unknown"), orderable=False)
    skipped = NumberColumn(verbose_name=_("Left out"), orderable=False)
    created_at = WhenColumn(verbose_name=_("Prepared"), orderable=False)

    def __init__(self, *args: Any, store: str, code: str, **extra: Any) -> None:
        super().__init__(*args, **extra)
        self._places = {"store": store, "code": code}

    def render_name(self, record: Sending) -> SafeString:
        """Its number as link, and the way."""
        url = reverse("coupons:sending", kwargs={**self._places, "number": record.pk})
        words = _now("Sending %(n)s") % {"n": record.pk}
        return format_html(
            '<a href="{}">{}</a><span class="bo-sub">{}</span>', url, words, record.get_channel_display()
        )

    def render_state(self, record: Sending) -> SafeString:
        """The chip, and why it stands."""
        why = format_html('<span class="bo-sub">{}</span>', why_of(record.why)) if record.why else ""
        return format_html("{}{}", state_of(record), why)


class RecipientTable(BaseTable):
    """The recipients of a sending. Addresses are masked, and gone once they were dropped."""

    caption = _("Recipients")
    row_header = "buyer"

    buyer = DrawnColumn(verbose_name=_("Buyer"))
    address = DrawnColumn(verbose_name=_("Sent to"))
    state = DrawnColumn(verbose_name=_("State"))
    why = DrawnColumn(accessor="code", verbose_name=_("Why"))
    tried_at = WhenColumn(verbose_name=_("Tried"), orderable=False, seconds=True)

    def render_buyer(self, record: Recipient) -> str:
        """As the storefront names him."""
        return escape(record.buyer)

    def render_address(self, record: Recipient) -> str:
        """Masked; a dash where there is none any more."""
        address = sending.address_of(record)
        return sending_list.masked(address) if address else "—"

    def render_state(self, record: Recipient) -> SafeString:
        """The chip."""
        tone, icon = _RECIPIENTS[RecipientState(record.state)]
        return chip(tone, icon, record.get_state_display())

    def render_why(self, record: Recipient) -> SafeString | str:
        """In words, with the code and what was answered."""
        if not record.code:
            return "—"
        answer = " · " + _now("answer %(status)s") % {"status": display.number(record.answer)} if record.answer else ""
        shown = '<div class="bo-lines">{}<span class="bo-sub"><code>{}</code>{}</span></div>'
        return format_html(shown, why_of(record.code), record.code, answer)
