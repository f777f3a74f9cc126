"""What storefronts count: impressions, clicks, units put into a cart, up to ten thousand events a call, into hourly counters.

A wrong event is rejected with its reason and stops no other. All counters of a call are raised by one statement that takes them in one
order (campaign, hour, SKU), so that callers who count the same campaigns wait for each other and never in a ring. Events about a coupon
go down to the coupon room, which keeps their counters (R52).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Target
from audit.verbs import about, verb
from campaigns.models import Campaign, CampaignItem, CampaignState
from core import clock, codes
from coupons import exposure, finding
from insights.models import CampaignFigures
from listings.models import Sku
from listings.outcome import rows_of
from policies.rules import InsightRules

KINDS = ("impression", "click", "add_to_cart")
_CODE_MAX, _SKU_MAX = 40, 200
_NOT_IN_FORCE = (CampaignState.DRAFT, CampaignState.IN_REVIEW, CampaignState.REJECTED)
_RAISE = """
    INSERT INTO insights_eventcount AS e (store_id, campaign_id, sku_id, hour, impressions, clicks, add_to_cart, last_at)
    SELECT %s, campaign, sku, hour, impressions, clicks, carts, last
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[])
        AS v(campaign, hour, sku, impressions, clicks, carts, last)
    ORDER BY campaign, hour, sku NULLS FIRST
    ON CONFLICT (store_id, campaign_id, hour, sku_id) DO UPDATE SET impressions = e.impressions + EXCLUDED.impressions,
        clicks = e.clicks + EXCLUDED.clicks, add_to_cart = e.add_to_cart + EXCLUDED.add_to_cart,
        last_at = greatest(e.last_at, EXCLUDED.last_at)
"""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that was not counted: its place in the call, the field at fault, and why."""

    index: int
    field: str
    code: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        """As the API answers it."""
        return {"index": self.index, "field": self.field, "code": self.code, "message": self.message}


@dataclass(slots=True)
class Taken:
    """What became of a call: how many events were counted, and those that were not."""

    accepted: int = 0
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Event:
    index: int
    kind: str
    campaign: str
    sku: str
    coupon: str
    channel: str
    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class _Window:
    """A campaign that may be counted, and when."""

    pk: int
    state: str
    since: datetime
    until: datetime
    sealed: bool


class _Fault(Exception):
    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field, self.code, self.message = field, code, message


@verb("event.take", right="checkout.use")
def take_events(store: Store, rows: object, *, actor: Actor, now: datetime) -> Taken:
    """Count events: `[{"kind", "campaign", "sku", "at", "count"}]`; without `sku` of the campaign as a whole, without `at` now, `count` 1.

    `{"kind", "coupon", "channel", "at", "count"}` is about a coupon, and where buyers met it. Nine statements for any number of events.

    An event is counted when its campaign is the store's and in force at that time (give or take
    `window_slack`), its SKU is the campaign's, and no archive has sealed the figures. Raises PermissionRefused, and InvalidInput when
    the rows are no list or too many. Counters are measurements, not changes: the audit log keeps refusals only.
    """
    about(Target("store", store.slug, store.name, store.pk, store.name))
    check(actor, store, "checkout.use", now=now)
    rules = policies.active(InsightRules, now)
    taken = Taken()
    told = _read(rows_of(rows, "events", rules.events_per_call), rules, taken, now)
    _count_coupons(store, [event for event in told if event.coupon], rules, taken)
    events = [event for event in told if not event.coupon]
    known = _campaigns(store, events, rules)
    skus, members = _goods(store, events, known)
    counters: dict[tuple[int, datetime, int | None], list[Any]] = {}
    for event in events:
        try:
            key = _place(event, known, skus, members)
        except _Fault as fault:
            taken.rejected.append(Rejected(event.index, fault.field, fault.code, fault.message))
            continue
        row = counters.setdefault(key, [0, 0, 0, event.at])
        row[KINDS.index(event.kind)] += event.count
        row[3] = max(row[3], event.at)
        taken.accepted += 1
    if counters:
        _raise(store, counters)
    taken.rejected.sort(key=lambda one: one.index)
    return taken


def _count_coupons(store: Store, events: Sequence[_Event], rules: InsightRules, taken: Taken) -> None:
    """Hand the events about coupons down."""
    seen = [exposure.Seen(one.index, one.kind, one.coupon, one.channel, one.at, one.count) for one in events]
    refused = exposure.count(store, seen, slack=timedelta(seconds=rules.window_slack)) if seen else []
    taken.rejected += [Rejected(one.index, one.field, one.code, one.message) for one in refused]
    taken.accepted += len(seen) - len(refused)


def _raise(store: Store, counters: Mapping[tuple[int, datetime, int | None], Sequence[Any]]) -> None:
    columns = [list(column) for column in zip(*((*key, *row) for key, row in counters.items()), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_RAISE, [store.pk, *columns])


# -- reading -----------------------------------------------------------------------------------------------------------------


def _read(rows: Sequence[Mapping[str, Any]], rules: InsightRules, taken: Taken, now: datetime) -> list[_Event]:
    events = []
    latest = now + timedelta(seconds=rules.future_seconds)
    for index, row in enumerate(rows):
        try:
            events.append(_event(index, row, rules, now, latest))
        except _Fault as fault:
            taken.rejected.append(Rejected(index, fault.field, fault.code, fault.message))
    return events


def _event(index: int, row: Mapping[str, Any], rules: InsightRules, now: datetime, latest: datetime) -> _Event:
    kind = row.get("kind")
    if kind not in KINDS:
        raise _Fault("kind", "ERR_EVENT_KIND", _("It must be one of: %(kinds)s.") % {"kinds": ", ".join(KINDS)})
    campaign, sku, coupon = row.get("campaign"), row.get("sku"), row.get("coupon")
    channel = _channel(row, coupon, campaign)
    if coupon is None and not _is_code(campaign):
        raise _Fault("campaign", "ERR_EVENT_CAMPAIGN", _("Name the campaign by its code, such as C-7F3KQ."))
    if sku is not None and (not isinstance(sku, str) or len(sku) > _SKU_MAX or not sku.isprintable()):
        raise _Fault("sku", "ERR_EVENT_SKU", _("Name the product by its SKU, or leave it out."))
    at = _moment(row["at"]) if row.get("at") is not None else now
    if at > latest:
        words = {"minutes": rules.future_seconds // 60}
        raise _Fault("at", "ERR_EVENT_TIME", _("At most %(minutes)s minutes ahead are accepted.") % words)
    count = row.get("count", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= rules.event_count_max:
        most = {"most": rules.event_count_max}
        raise _Fault("count", "ERR_EVENT_COUNT", _("It must be a whole number from 1 to %(most)s.") % most)
    about = str(campaign or "")
    return _Event(
        index,
        str(kind),
        codes.normalise(about) or about,
        sku or "",
        finding.normalise(coupon or ""),
        channel,
        at,
        count,
    )


def _is_code(told: object) -> bool:
    return isinstance(told, str) and 0 < len(told) <= _CODE_MAX and told.isprintable()


def _channel(row: Mapping[str, Any], coupon: object, campaign: object) -> str:
    """The channel of an event about a coupon. Raises _Fault, also for an event that is about both or about something that is no code."""
    if coupon is None:
        return ""
    if campaign is not None:
        raise _Fault("coupon", "ERR_EVENT_COUPON", _("Name a campaign or a coupon, not both."))
    if not _is_code(coupon):
        raise _Fault("coupon", "ERR_EVENT_COUPON", _("Name the coupon by its code."))
    channel = exposure.tidy_channel(row.get("channel"))
    if channel is None:
        raise _Fault(
            "channel", "ERR_EVENT_CHANNEL", _("Write the channel in at most 20 small letters, digits and dashes.")
        )
    return channel


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            raise ValueError
        return clock.utc(moment)
    except (ValueError, OverflowError):
        raise _Fault("at", "ERR_EVENT_TIME", _("Write the time in UTC, such as 2026-11-27T08:00:00Z.")) from None


# -- finding what they speak of ----------------------------------------------------------------------------------------------


def _campaigns(store: Store, events: Sequence[_Event], rules: InsightRules) -> dict[str, _Window]:
    slack = timedelta(seconds=rules.window_slack)
    wanted = {event.campaign for event in events}
    found = Campaign.objects.filter(store=store, code__in=wanted).values_list(
        "code", "pk", "state", "starts_at", "ends_at", "closed_at"
    )
    rows = list(found)
    sealed = set(
        CampaignFigures.objects.filter(store=store, campaign_id__in=[row[1] for row in rows]).values_list(
            "campaign_id", flat=True
        )
    )
    return {
        code: _Window(pk, str(state), starts - slack, min(ends, closed or ends) + slack, pk in sealed)
        for code, pk, state, starts, ends, closed in rows
    }


def _goods(
    store: Store, events: Sequence[_Event], known: Mapping[str, _Window]
) -> tuple[dict[str, int], dict[int, set[int]]]:
    """SKUs by code, and by campaign those of them that are in it."""
    wanted = {event.sku for event in events if event.sku and event.campaign in known}
    if not wanted:
        return {}, {}
    skus = dict(Sku.objects.filter(store=store, code__in=wanted).values_list("code", "pk"))
    members: dict[int, set[int]] = {}
    items = CampaignItem.objects.filter(
        campaign_id__in={known[event.campaign].pk for event in events if event.sku and event.campaign in known},
        sku_id__in=list(skus.values()),
    )
    for campaign_id, sku_id in items.values_list("campaign_id", "sku_id"):
        members.setdefault(campaign_id, set()).add(sku_id)
    return skus, members


def _place(
    event: _Event, known: Mapping[str, _Window], skus: Mapping[str, int], members: Mapping[int, set[int]]
) -> tuple[int, datetime, int | None]:
    """The counter that an event raises. Raises _Fault."""
    found = known.get(event.campaign)
    if found is None:
        raise _Fault("campaign", "ERR_EVENT_CAMPAIGN", _("There is no such campaign in this store."))
    if found.sealed:
        raise _Fault("campaign", "ERR_EVENT_SEALED", _("The figures of this campaign are archived and final."))
    if found.state in _NOT_IN_FORCE or not found.since <= event.at < found.until:
        raise _Fault("at", "ERR_EVENT_WINDOW", _("The campaign was not in force at that time."))
    hour = event.at.replace(minute=0, second=0, microsecond=0)
    if not event.sku:
        return found.pk, hour, None
    sku = skus.get(event.sku)
    if sku is None:
        raise _Fault("sku", "ERR_EVENT_SKU", _("This store has no such SKU."))
    if sku not in members.get(found.pk, ()):
        raise _Fault("sku", "ERR_EVENT_SKU", _("This SKU is not in the campaign."))
    return found.pk, hour, sku
