"""What is due in a store: one list, the most pressing first. "Nothing to do" is a success, and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.requests import StoreRequest
from campaigns import page_copy
from campaigns.labels import POINTS, campaign_name
from campaigns.models import Campaign, CampaignState, Closing, Leftover, ParkedClose, ParkedState
from campaigns.prices import stores_prices_to_review
from core import clock, display
from coupons.watch_todo import open_reports
from coupons.watch_words import signal_label
from inbox.models import Message, Severity
from insights import stale
from policies import active
from policies.rules.web import DashboardRules
from publishing.models import Publication

Text = str | Promise
S = CampaignState


@dataclass(frozen=True)
class Todo:
    """One line of work. `tone` is a tone of chips, `due` when it stops being possible or begins to be late."""

    icon: str
    tone: str
    word: Text
    title: Text
    text: Text
    url: str
    action: Text
    due: datetime | None = None
    post: bool = False


def worklist(request: StoreRequest) -> list[Todo]:
    """Everything due for this person in this store; a kind of work without the right to see it is left out."""
    found: list[Todo] = []
    for source, right in SOURCES:
        if right in request.rights:
            found += source(request, clock.now())
    return found


def _to(request: StoreRequest, name: str, **kwargs: Any) -> str:
    return reverse(name, kwargs={"store": request.store.slug, **kwargs})


def _held_cancels(request: StoreRequest, now: datetime) -> list[Todo]:
    held = Campaign.objects.filter(
        store_id=request.store.pk, state=S.CANCELLING, cancel_final_at__gt=now, ends_at__gt=now
    )
    rows = held.order_by("cancel_final_at")
    return [
        Todo(
            icon="clock-filled",
            tone="cancel",
            word=_("Cancel held"),
            title=campaign_name(row),
            text=_("Off for buyers already; final when the hold is over."),
            url=_to(request, "campaigns:take_back", code=row.code),
            action=_("Take back the cancel"),
            due=row.cancel_final_at,
            post="campaigns.cancel" in request.rights,
        )
        for row in rows[: active(DashboardRules, now).rows]
    ]


def _parked(request: StoreRequest, now: datetime) -> list[Todo]:
    """Stops that waited for their checks and for a person, whose turn it is now."""
    rows = ParkedClose.objects.filter(store_id=request.store.pk, state=ParkedState.CLEAR).select_related("campaign")
    return [
        Todo(
            icon="bell",
            tone="paused",
            word=_("Nothing in its way"),
            title=campaign_name(row.campaign),
            text=_("A stop of this campaign waited for its checks; they all pass now."),
            url=_to(request, "campaigns:stop", code=row.campaign.code),
            action=_("Look and decide"),
        )
        for row in rows.order_by("clear_since")[: active(DashboardRules, now).rows]
    ]


def _leftovers(request: StoreRequest, now: datetime) -> list[Todo]:
    rows = Leftover.objects.filter(store_id=request.store.pk, cleared_at=None)
    rows = rows.order_by("campaign_id", "first_seen_at").distinct("campaign_id").select_related("campaign")
    return [
        Todo(
            icon="alert-octagon",
            tone="cancel",
            word=_("Leftover"),
            title=campaign_name(row.campaign),
            text=_("Buyers still see something of this stopped campaign, since %(since)s.")
            % {"since": display.sentence(row.first_seen_at, display.zone(request.store.time_zone))},
            url=_to(request, "campaigns:leftovers") + f"?q={row.campaign.code}",
            action=_("Look"),
        )
        for row in rows[: active(DashboardRules, now).rows]
    ]


def _prices(request: StoreRequest, now: datetime) -> list[Todo]:
    return [
        Todo(
            icon="coin",
            tone="paused",
            word=_("Price to decide"),
            title=campaign_name(campaign),
            text=ngettext(
                "%(n)s SKU sells at a price that the campaign left behind: restore it?",
                "%(n)s SKUs sell at prices that the campaign left behind: restore them?",
                count,
            )
            % {"n": display.number(count)},
            url=_to(request, "campaigns:closing", code=campaign.code) + "#prices",
            action=_("Decide"),
        )
        for campaign, count in stores_prices_to_review(
            request.store.pk, now=now, limit=active(DashboardRules, now).rows
        )
    ]


def _page_texts(request: StoreRequest, now: datetime) -> list[Todo]:
    """R48: campaigns that items left, whose own page may still name them."""
    rows = page_copy.open_ones(request.store.pk).order_by("campaign_id", "id").distinct("campaign_id")
    return [
        Todo(
            icon="pencil",
            tone="sched",
            word=_("Page text"),
            title=campaign_name(row.campaign),
            text=_("Items left; the text of the campaign page may still name them."),
            url=_to(request, "campaigns:detail", code=row.campaign.code) + "#page-text",
            action=_("Rewrite"),
        )
        for row in rows.select_related("campaign")[: active(DashboardRules, now).rows]
    ]


def _closes(request: StoreRequest, now: datetime) -> list[Todo]:
    """Closes that stay open: those with an overdue point one by one, all others in one line (R43)."""
    most = active(DashboardRules, now).rows
    still = Closing.objects.filter(store_id=request.store.pk, completed_at=None, taken_back_at=None)
    late = list(still.exclude(overdue=[]).select_related("campaign").order_by("id")[:most])
    found = [
        Todo(
            icon="hourglass",
            tone="cancel",
            word=_("Overdue"),
            title=campaign_name(row.campaign),
            text=_("This close is not verified in time: %(points)s.")
            % {"points": display.series(str(POINTS[key]) for key in row.overdue if key in POINTS)},
            url=_to(request, "campaigns:closing", code=row.campaign.code),
            action=_("Look"),
        )
        for row in late
    ]
    count = still.filter(overdue=[])[: active(DashboardRules, now).count_limit].count()
    if count:
        found.append(
            Todo(
                icon="list-check",
                tone="sched",
                word=_("Close checklists"),
                title=ngettext("%(n)s close is being verified", "%(n)s closes are being verified", count)
                % {"n": display.number(count)},
                text=_(
                    "Each stays open until display, coupons and archive are verified; nothing to do unless one becomes overdue."
                ),
                url=_to(request, "campaigns:closings"),
                action=_("Look"),
            )
        )
    return found


def _stale(request: StoreRequest, now: datetime) -> list[Todo]:
    """R11: campaigns that run on without selling."""
    limit = active(DashboardRules, now).count_limit
    count = stale.quiet(request.store.pk, now=now, limit=limit + 1)
    if not count:
        return []
    words = {"n": display.number(min(count, limit)) + ("+" if count > limit else "")}
    return [
        Todo(
            icon="hourglass",
            tone="paused",
            word=_("Stale campaigns"),
            title=ngettext("%(n)s campaign runs without orders", "%(n)s campaigns run without orders", count) % words,
            text=_("Closing them in time saves advertising and keeps stock and prices right."),
            url=_to(request, "insights:overview") + "#stale",
            action=_("Look"),
        )
    ]


def _ending_soon(request: StoreRequest, now: datetime) -> list[Todo]:
    soon = now + timedelta(seconds=active(DashboardRules, now).ending_soon_seconds)
    rows = Campaign.objects.filter(
        store_id=request.store.pk, state__in=(S.RUNNING, S.PAUSED), ends_at__gt=now, ends_at__lte=soon
    ).order_by("ends_at")
    return [
        Todo(
            icon="clock",
            tone="sched",
            word=_("Ends soon"),
            title=campaign_name(row),
            text=_("Ends by itself; nothing to do unless it shall go on."),
            url=_to(request, "campaigns:detail", code=row.code),
            action=_("Look"),
            due=row.ends_at,
        )
        for row in rows[: active(DashboardRules, now).rows]
    ]


def _sites_behind(request: StoreRequest, now: datetime) -> list[Todo]:
    late = now - timedelta(seconds=active(DashboardRules, now).publish_slack_seconds)
    behind = Publication.objects.filter(
        store_id=request.store.pk, desired_version__gt=F("published_version"), wanted_at__lt=late
    )[: active(DashboardRules, now).count_limit].count()
    if not behind:
        return []
    return [
        Todo(
            icon="world",
            tone="paused",
            word=_("Sites behind"),
            title=_("Language sites"),
            text=ngettext("%(n)s page waits to be published.", "%(n)s pages wait to be published.", behind)
            % {"n": display.number(behind)},
            url=_to(request, "publishing:sites"),
            action=_("Look"),
        )
    ]


def _messages(request: StoreRequest, now: datetime) -> list[Todo]:
    unread = Message.objects.filter(store_id=request.store.pk, read_at=None, severity=Severity.ERROR)[
        : active(DashboardRules, now).count_limit
    ].count()
    if not unread:
        return []
    return [
        Todo(
            icon="bell",
            tone="cancel",
            word=_("Messages"),
            title=ngettext("%(n)s unread error message", "%(n)s unread error messages", unread)
            % {"n": display.number(unread)},
            text=_("Each names its cause and how to mend it."),
            url=_to(request, "inbox:list"),
            action=_("Read"),
        )
    ]


def _effect_warnings(request: StoreRequest, now: datetime) -> list[Todo]:
    """R68, R142: coupons that the effect watch stopped, until somebody decides."""
    return [
        Todo(
            icon="alert",
            tone="paused",
            word=_("Effect warning"),
            title=f"{row.coupon.label or row.coupon.code} ({row.coupon.code})",
            text=_("Issuing stopped by itself: %(why)s. The report says what would help.")
            % {"why": signal_label(row.signal)},
            url=_to(request, "coupons:diagnosis", code=row.coupon.code, report=row.pk),
            action=_("Diagnosis report"),
        )
        for row in open_reports(request.store.pk, limit=active(DashboardRules, now).rows)
    ]


SOURCES: tuple[tuple[Callable[[StoreRequest, datetime], list[Todo]], str], ...] = (
    (_held_cancels, "campaigns.view"),
    (_parked, "campaigns.pause"),
    (_leftovers, "campaigns.view"),
    (_messages, "campaigns.view"),
    (_effect_warnings, "coupons.view"),
    (_prices, "campaigns.view"),
    (_page_texts, "campaigns.view"),
    (_stale, "insights.view"),
    (_closes, "campaigns.view"),
    (_sites_behind, "listings.view"),
    (_ending_soon, "campaigns.view"),
)
