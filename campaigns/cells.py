"""Cells of lists of campaigns, drawn by Python: a list has fifty of each, and a template for each took most of its time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from html import escape
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from campaigns.listed import Listed
from campaigns.models import CampaignState
from campaigns.views.common import PLAIN, RowActions, can_take_back
from core import display
from core.templatetags.bo import button_html, chip, csrf_field, menu_html, state_chip, when_inline_html, zone_of

# Stand for the code and the name while the buttons of one kind of row are drawn; no word and no slug of ours has them.
_CODE, _NAME = "0CODE0", "0NAME0"


class CampaignCells:
    """The cells of one list, made for one reader: what many rows have in common is worked out once."""

    def __init__(
        self, address: Callable[[Listed], str], actions: Callable[[Listed], RowActions], now: datetime
    ) -> None:
        """`address` answers where the page of a campaign is, `actions` what the reader may do with it at the moment `now`."""
        self._address, self._actions, self._now = address, actions, now
        self._kinds: dict[str, str] = {}
        self._states: dict[str, SafeString] = {}
        self._sizes: dict[int, str] = {}
        self._buttons: dict[tuple[str, str, bool, bool], str] = {}

    def name(self, campaign: Listed) -> SafeString:
        """The name as link; below it code, kind and size."""
        if campaign.kind not in self._kinds:
            self._kinds[campaign.kind] = escape(campaign.get_kind_display())
        if campaign.item_count not in self._sizes:
            self._sizes[campaign.item_count] = escape(_size(campaign.item_count))
        return mark_safe(  # noqa: S308  # every part is escaped
            f'<a href="{escape(self._address(campaign))}">{escape(campaign.label)}</a><span class="bo-sub">'
            f"<code>{escape(campaign.code)}</code> · {self._kinds[campaign.kind]} · {self._sizes[campaign.item_count]}</span>"
        )

    def state(self, campaign: Listed, context: Any) -> SafeString:
        """The chip of the state, with the time left to take back a cancel, the start to come, and whether the platform enforces it."""
        state = campaign.state
        if state == CampaignState.CANCELLING:
            shown = state_chip("campaign", state, until=campaign.cancel_final_at)
        else:
            if state not in self._states:
                self._states[state] = state_chip("campaign", state)
            shown = self._states[state]
        if state == CampaignState.SCHEDULED:
            starts = when_inline_html(campaign.starts_at, zone_of(context))
            shown = format_html('<span>{}<span class="bo-sub">{} {}</span></span>', shown, gettext("Starts"), starts)
        if campaign.platform_enforced:
            shown = format_html("<span>{} {}</span>", shown, chip("block", "lock", gettext("Enforced by platform")))
        return shown

    def actions(self, campaign: Listed, context: Any) -> SafeString:
        """The buttons in sight and the menu. Rows of one kind differ in code and name alone, so each kind is drawn once."""
        if not PLAIN.match(campaign.code):
            return mark_safe(self._draw(campaign, csrf_field(context)))  # noqa: S308  # put together from safe parts
        kind = campaign.state, campaign.kind, campaign.platform_enforced, can_take_back(campaign, self._now)
        drawn = self._buttons.get(kind)
        if drawn is None:
            drawn = self._buttons[kind] = self._draw(
                replace(campaign, code=_CODE, name=_NAME, name_zh=""), csrf_field(context)
            )
        return mark_safe(drawn.replace(_CODE, escape(campaign.code)).replace(_NAME, escape(campaign.label)))  # noqa: S308  # escaped

    def _draw(self, campaign: Listed, csrf: str) -> str:
        actions = self._actions(campaign)
        shown = "".join([button_html(item, small=True, csrf=csrf) for item in actions.main])
        if actions.items or actions.final:
            shown += menu_html(
                actions.items, actions.final, about=campaign.label, css="bo-btn-sm", csrf=csrf, words=self._words
            )
        return shown

    @cached_property
    def _words(self) -> tuple[str, str]:
        return gettext("More"), gettext("Cannot be undone")


def _size(count: int) -> str:
    words = ngettext("%(shown)s SKU", "%(shown)s SKUs", count) % {"shown": display.number(count)}
    return words.replace(" ", "\N{NO-BREAK SPACE}")
