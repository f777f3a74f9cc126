"""What several campaign pages share: finding the campaign, problems as boxes, buttons by state and right."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.requests import StoreRequest
from campaigns.kinds import spec
from campaigns.labels import campaign_name
from campaigns.lifecycle import is_own
from campaigns.listed import Listed
from campaigns.models import Campaign, CampaignState
from core import clock, codes, display
from core.errors import DomainError
from core.returning import back_of

S = CampaignState
STOPPABLE = (S.SCHEDULED, S.RUNNING, S.PAUSED)


@dataclass
class RowActions:
    """Buttons of a row or a page: `main` in sight, `items` and `final` under More."""

    main: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    final: list[dict[str, Any]] = field(default_factory=list)


def find(request: StoreRequest, code: str) -> Campaign:
    """The store's campaign of that code, or 404."""
    campaign = Campaign.objects.filter(store_id=request.store.pk, code=codes.normalise(code)).first()
    if campaign is None:
        raise Http404("no such campaign in this store")
    return campaign


def address(request: StoreRequest, name: str, campaign: Campaign | None = None, **kwargs: Any) -> str:
    """The address of a campaign page of this store."""
    parts: dict[str, Any] = {"store": request.store.slug, **kwargs}
    if campaign is not None:
        parts["code"] = campaign.code
    return reverse(f"campaigns:{name}", kwargs=parts)


def can_take_back(campaign: Campaign | Listed, now: datetime) -> bool:
    """Whether a held cancel can still be taken back: by the clock, whether or not a sweep has come."""
    final = campaign.cancel_final_at
    return campaign.state == S.CANCELLING and final is not None and now < final and now < campaign.ends_at


#: The words of the buttons, to be gathered for translation.
_BUTTONS = (
    gettext_noop("Add products"),
    gettext_noop("Cancel campaign permanently…"),
    gettext_noop("Close report"),
    gettext_noop("Copy as new draft"),
    gettext_noop("Delete this draft"),
    gettext_noop("Edit"),
    gettext_noop("Pause (can resume)"),
    gettext_noop("Preview prices"),
    gettext_noop("Resume"),
    gettext_noop("Revise"),
    gettext_noop("See why it goes on"),
    gettext_noop("Submit"),
    gettext_noop("Submit for review"),
    gettext_noop("Take back the cancel"),
)


#: Codes that stand in an address as they are; all that we make do.
PLAIN = re.compile(r"[0-9A-Za-z-]+\Z")


class Rows:
    """What the buttons of a list's rows have in common: each address is looked up, and each word translated, once a list."""

    _MARK = "0CODE0"  # no slug of a store has capital letters

    def __init__(self, request: StoreRequest) -> None:
        self._request = request
        self._known: dict[str, tuple[str, str]] = {}
        self._words: dict[str, str] = {}

    def word(self, text: str) -> str:
        """One of the buttons' words in the reader's language."""
        if text not in self._words:
            self._words[text] = _(text)
        return self._words[text]

    def of(self, name: str, campaign: Campaign | Listed) -> str:
        """The same as `address`."""
        code = campaign.code
        if not PLAIN.match(code):
            return address(self._request, name, code=code)
        if name not in self._known:
            pattern = address(self._request, name, code=self._MARK)
            before, _mark, behind = pattern.rpartition(self._MARK)
            self._known[name] = before, behind
        before, behind = self._known[name]
        return f"{before}{code}{behind}"


def actions_for(request: StoreRequest, campaign: Campaign | Listed, rows: Rows | None = None) -> RowActions:
    """What this person may do with this campaign now. Pause first, everything final last and behind pages (R1, R8)."""
    rights, state = request.rights, campaign.state
    found = RowActions()
    places = rows or Rows(request)

    word = places.word

    def to(name: str) -> str:
        return places.of(name, campaign)

    if state == S.RUNNING and "campaigns.pause" in rights and not is_own(campaign):
        found.main.append({"label": word("See why it goes on"), "url": to("stop"), "icon": "lock"})
    elif state == S.RUNNING and "campaigns.pause" in rights:
        found.main.append(
            {"label": word("Pause (can resume)"), "url": to("stop"), "icon": "pause", "tone": "pause", "key": "p"}
        )
        found.items.append({"label": word("Pause (can resume)"), "url": to("stop"), "icon": "pause", "tone": "pause"})
    if state == S.PAUSED and "campaigns.pause" in rights:
        found.main.append({"label": word("Resume"), "url": to("resume"), "icon": "play", "post": True})
    if can_take_back(campaign, clock.now()) and "campaigns.cancel" in rights:
        found.main.append(
            {
                "label": word("Take back the cancel"),
                "url": to("take_back"),
                "icon": "undo",
                "post": True,
                "primary": True,
            }
        )
    if state == S.DRAFT and "campaigns.edit" in rights:
        sent = word("Submit for review") if spec(campaign.kind).reviewed else word("Submit")
        found.main.append({"label": sent, "url": to("submit"), "icon": "send", "post": True})
    if state == S.REJECTED and "campaigns.edit" in rights:
        found.main.append({"label": word("Revise"), "url": to("revise"), "icon": "edit", "post": True})
    if state in (S.DRAFT, S.IN_REVIEW, S.SCHEDULED, S.RUNNING, S.PAUSED):
        found.items.append({"label": word("Preview prices"), "url": to("prices"), "icon": "eye"})
    if "campaigns.edit" in rights:
        if is_own(campaign) and state in (S.DRAFT, S.SCHEDULED, S.RUNNING, S.PAUSED):
            found.items.append({"label": word("Edit"), "url": to("edit"), "icon": "edit"})
        if state in (S.RUNNING, S.PAUSED) and takes_more(campaign):
            found.items.append({"label": word("Add products"), "url": to("add"), "icon": "plus"})
        found.items.append({"label": word("Copy as new draft"), "url": to("copy"), "icon": "copy", "post": True})
        if state == S.DRAFT:
            found.items.append({"label": word("Delete this draft"), "url": to("delete"), "icon": "trash"})
    if state in (S.ENDED, S.CANCELLED, S.CANCELLING):
        found.items.append({"label": word("Close report"), "url": to("closing"), "icon": "list-check"})
    if state in STOPPABLE and "campaigns.cancel" in rights:
        found.final.append({"label": word("Cancel campaign permanently…"), "url": to("stop") + "#for-good"})
    return found


def problem_of(error: DomainError, request: StoreRequest) -> dict[str, Any]:
    """A refusal as the problem box shows it."""
    details: dict[str, Any] = {
        "code": error.code,
        "detail": error.detail,
        "errors": [item.as_dict() for item in error.errors],
        "request_id": request.request_id,
    }
    if granted := error.extra.get("granted_by"):
        details["fix"] = _("It can be granted by: %(people)s") % {"people": display.series(granted)}
    return details


def page(
    request: StoreRequest,
    template: str,
    campaign: Campaign,
    context: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """A page about one campaign."""
    full = {
        "campaign": campaign,
        "name": campaign_name(campaign),
        "actions": actions_for(request, campaign),
        "back": back_of(request, f"/s/{request.store.slug}/"),
        **(context or {}),
    }
    return render(request, template, full, status=status)


def takes_more(campaign: Campaign | Listed) -> bool:
    """Whether products may still be added after the start."""
    return is_own(campaign) and spec(campaign.kind).items_while_running


def track_of(campaign: Campaign) -> Sequence[dict[str, Any]]:
    """The life of a campaign from left to right."""
    order = [S.DRAFT, S.SCHEDULED, S.RUNNING, S.ENDING, S.ENDED]
    words = {
        S.DRAFT: _("Draft"),
        S.SCHEDULED: _("Not started"),
        S.RUNNING: _("Running"),
        S.ENDING: _("Ending"),
        S.ENDED: _("Ended"),
    }
    if spec(campaign.kind).reviewed and campaign.state not in (S.IN_REVIEW, S.REJECTED):
        order.insert(1, S.IN_REVIEW)
        words[S.IN_REVIEW] = _("In review")
    if campaign.state in (S.IN_REVIEW, S.REJECTED):
        order.insert(1, S(campaign.state))
        words[S(campaign.state)] = _("In review") if campaign.state == S.IN_REVIEW else _("Rejected")
    if campaign.state == S.PAUSED:
        order[order.index(S.RUNNING) + 1 : order.index(S.RUNNING) + 1] = [S.PAUSED]
        words[S.PAUSED] = _("Paused")
    if campaign.state in (S.CANCELLING, S.CANCELLED):
        cut = order.index(S.ENDING)
        order[cut:] = [S.CANCELLING, S.CANCELLED]
        words |= {S.CANCELLING: _("Cancel held (can be taken back)"), S.CANCELLED: _("Cancelled")}
        if campaign.started_at is None:
            order.remove(S.RUNNING)
    here = order.index(S(campaign.state))
    return [
        {"label": words[state], "done": at < here, "current": at == here, "note": ""} for at, state in enumerate(order)
    ]
