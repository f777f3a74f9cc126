"""Tables of the coupon pages."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import display
from core.tables import BaseTable, DrawnColumn, NumberColumn, WhenColumn
from core.templatetags.bo import button_html, csrf_field, menu_html, state_chip
from coupons import labels, reading
from coupons.models import Coupon

_NUMBER = {"th": {"class": "bo-num"}, "td": {"class": "bo-num"}}
_ACTIONS = {"th": {"class": "bo-acts"}, "td": {"class": "bo-acts"}}


class CouponTable(BaseTable):
    """优惠券管理."""

    caption = _("Coupons")
    row_header = "name"

    name = DrawnColumn(verbose_name=_("Coupon"))
    state = DrawnColumn(verbose_name=_("State"))
    ends_at = WhenColumn(verbose_name=_("Ends"), orderable=False)
    claimed = DrawnColumn(accessor="id", verbose_name=_("Claimed"), attrs=_NUMBER)
    redeemed = NumberColumn(accessor="tally__redeemed", verbose_name=_("Redeemed"), orderable=False)
    rate = DrawnColumn(accessor="id", verbose_name=_("Redemption rate"), attrs=_NUMBER)
    actions = DrawnColumn(accessor="code", verbose_name=_("Actions"), attrs=_ACTIONS)

    def __init__(self, *args: Any, address: Callable[[Coupon], str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address = address
        self._states: dict[str, SafeString] = {}
        self._csrf: str | None = None
        self._words = (gettext("More"), gettext("Cannot be undone"))

    def render_name(self, record: Coupon) -> SafeString:
        """The name as link; below it the code and the terms."""
        return mark_safe(  # noqa: S308  # every part is escaped
            f'<a href="{escape(self._address(record))}">{escape(record.label or record.code)}</a><span class="bo-sub">'
            f"<code>{escape(record.code)}</code> · {escape(labels.terms(record))}</span>"
        )

    def render_state(self, record: Coupon) -> SafeString:
        """The chip, and whose stop it is."""
        if record.state not in self._states:
            self._states[record.state] = state_chip("coupon", record.state)
        shown = self._states[record.state]
        if record.paused_by:
            words = gettext("by: %(who)s") % {"who": record.get_paused_by_display()}
            shown = mark_safe(f'<div>{shown}<span class="bo-sub">{escape(words)}</span></div>')  # noqa: S308  # escaped
        return shown

    def render_claimed(self, record: Coupon) -> SafeString:
        """How many of how many."""
        claimed, quota = display.number(record.tally.claimed), display.number(record.quota)
        words = gettext("of %(quota)s") % {"quota": quota}
        return mark_safe(f'<div>{claimed}<span class="bo-sub">{escape(words)}</span></div>')  # noqa: S308  # figures, escaped words

    def render_rate(self, record: Coupon) -> str:
        """In percent; a dash before the first claim."""
        found = reading.rate(record.tally.claimed, record.tally.redeemed)
        return "—" if found is None else f"{display.number(found)}%"

    def render_actions(self, record: Coupon) -> SafeString:
        """The buttons in sight and the menu."""
        if self._csrf is None:
            self._csrf = csrf_field(self.context)
        actions, csrf = record.row_actions, self._csrf  # type: ignore[attr-defined]  # set by the view
        shown = "".join([button_html(item, small=True, csrf=csrf) for item in actions.main])
        if actions.items or actions.final:
            about = record.label or record.code
            shown += menu_html(actions.items, actions.final, about=about, css="bo-btn-sm", csrf=csrf, words=self._words)
        return mark_safe(shown)  # noqa: S308  # put together from safe parts
