"""Tables of the usage and effect tabs; their rows are drawn by Python."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import display
from core.looks import look
from core.tables import BaseTable, DrawnColumn, WhenColumn
from core.templatetags.bo import chip
from coupons import explaining
from coupons.fields import country_words
from coupons.models import Coupon, Phase
from coupons.usage import Status, UsageRow

_NUMBER = {"th": {"class": "bo-num"}, "td": {"class": "bo-num"}}


def _lines(first: str, *below: str) -> SafeString:
    """A line, and smaller ones below it; empty ones are left out."""
    subs = "".join(f'<span class="bo-sub">{escape(text)}</span>' for text in below if text)
    return _cell(f"{escape(first)}{subs}")


def _cell(markup: str) -> SafeString:
    """What stands in a cell as one block, also where a phone shows rows as cards; `markup` is escaped by the caller."""
    return mark_safe(f'<div class="bo-lines">{markup}</div>')  # noqa: S308  # as said


class UsageTable(BaseTable):
    """使用明细, newest first."""

    caption = _("Usage details")
    row_header = "status"

    status = DrawnColumn(verbose_name=_("Status"))
    at = WhenColumn(verbose_name=_("When"), seconds=True, orderable=False)
    why = DrawnColumn(accessor="code", verbose_name=pgettext_lazy("usage", "What happened"))
    where = DrawnColumn(accessor="country", verbose_name=_("Where"))
    amount = DrawnColumn(verbose_name=_("Amount"), attrs=_NUMBER)

    def __init__(self, *args: Any, coupon: Coupon, zone: Any, order_url: Callable[[str], str], **extra: Any) -> None:
        super().__init__(*args, **extra)
        self._coupon, self._zone, self._order_url = coupon, zone, order_url
        self._chips: dict[str, SafeString] = {}

    def render_status(self, record: UsageRow) -> SafeString:
        """The chip of its kind."""
        if record.status not in self._chips:
            shown = look("usage", record.status)
            self._chips[record.status] = chip(shown.tone, shown.icon, str(shown.label))
        return self._chips[record.status]

    def render_why(self, record: UsageRow) -> SafeString:
        """A refusal with its code, why, and what would mend it; a claim with its code and its order."""
        if record.status == Status.REFUSED:
            told = explaining.refusal(record, self._coupon, self._zone)
            times = _("%(n)s times within the hour") % {"n": display.number(record.times)} if record.times > 1 else ""
            phase = dict(Phase.choices).get(record.phase, record.phase)
            head = f"<code>{escape(record.code)}</code> · {escape(str(phase))}"
            head += f" · {escape(str(times))}" if times else ""
            return _cell(f'{head}<br>{escape(told.why)}<span class="bo-sub">{escape(told.mend)}</span>')
        claim = f"<code>{escape(record.claim)}</code>"
        if record.order:
            url = self._order_url(record.order)
            order = escape(record.order)
            shown = f'<a href="{escape(url)}">{order}</a>' if url else order
            words = escape(str(_("by order")))
            return _cell(f'{claim}<span class="bo-sub">{words} {shown}</span>')
        return _cell(claim)

    def render_where(self, record: UsageRow) -> SafeString:
        """The country and the channel."""
        place = country_words(record.country) if record.country else "—"
        return _lines(place, explaining.channel(record.channel) if record.channel else "")

    def render_amount(self, record: UsageRow) -> str:
        """What the redemption took off."""
        return "—" if record.amount is None else display.money(record.amount, self._coupon.currency)
