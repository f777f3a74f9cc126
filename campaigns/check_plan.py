"""When the public pages are read after a pause or a close: rows written with the act itself, so that no check is ever lost (R40-R50)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from campaigns.models import Campaign, CampaignItem, Check, CheckState, Leftover, Occasion
from campaigns.nudges import wake_checks
from core.database import arrays
from policies import timing

OPEN = (CheckState.PENDING, CheckState.RUNNING)

_INSERT = """
    INSERT INTO campaigns_check (store_id, campaign_id, closing_id, occasion, number, due_at, state,
        pages_done, pages_total, leftover_count, results, scope)
    SELECT c.store_id, c.id, {closing}, %(occasion)s, d.number - %(early)s, %(now)s + d.delay, 'pending', 0, 0, 0, '[]',
        %(scope)s::jsonb
    FROM campaigns_campaign c {join} CROSS JOIN unnest(%(delays)s::interval[]) WITH ORDINALITY AS d(delay, number)
    WHERE c.id = ANY(%(ids)s::bigint[])
    ORDER BY c.id, d.number
"""
_FREE = _INSERT.format(closing="NULL::bigint", join="")
_OF_CLOSING = _INSERT.format(
    closing="k.id", join="JOIN campaigns_closing k ON k.campaign_id = c.id AND k.id = ANY(%(closings)s::bigint[])"
)


def plan(
    campaigns: Sequence[Campaign],
    occasion: str,
    *,
    now: datetime,
    closings: Sequence[int] = (),
    at_once: bool = False,
    skus: Sequence[int] = (),
) -> None:
    """Plan the checks of these campaigns by `POST_CLOSE_CHECK_DELAYS`, with a first one now when `at_once`; one statement.

    With `skus` only the pages of these items are looked at, for what they alone may not show any more (R4).

    `closings` are the ids of the closes that the checks belong to. A worker is woken on commit for a check that is due at once; it has
    the number 0, which goes before all others, because somebody waits for it.
    """
    delays = list(timing.post_close_check_delays())
    if at_once:
        delays.insert(0, timedelta(0))
    given: dict[str, Any] = {
        "ids": arrays.numbers(campaign.id for campaign in campaigns),
        "closings": arrays.numbers(closings),
        "occasion": str(occasion),
        "now": now,
        "delays": delays,
        "early": 1 if at_once else 0,
        "scope": _json({"skus": list(skus), "since": now.isoformat()}) if skus else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OF_CLOSING if closings else _FREE, given)
    if at_once:
        transaction.on_commit(wake_checks, robust=True)


_EACH = """
    INSERT INTO campaigns_check (store_id, campaign_id, closing_id, occasion, number, due_at, state,
        pages_done, pages_total, leftover_count, results, scope)
    SELECT c.store_id, c.id, v.closing, %(occasion)s,
        CASE WHEN v.wait > 0 THEN (SELECT coalesce(max(k.number), 0) + 1 FROM campaigns_check k WHERE k.campaign_id = c.id) ELSE 0 END,
        %(now)s + make_interval(secs => v.wait), 'pending', 0, 0, 0, '[]', v.scope::jsonb
    FROM unnest(%(ids)s::bigint[], %(closings)s::bigint[], %(waits)s::double precision[], %(scopes)s::text[]) AS v(id, closing, wait, scope)
    JOIN campaigns_campaign c ON c.id = v.id
    ORDER BY c.id
"""


@dataclass(frozen=True, slots=True)
class Look:
    """One more check of a campaign: the close it belongs to, if any, the seconds to wait, its `Check.scope`."""

    campaign_id: int
    closing_id: int | None
    wait: float
    scope: dict[str, Any] | None = None


def of_pages(pages: Iterable[tuple[int, int]]) -> dict[str, Any]:
    """The scope of a check of these pages, as (site, listing)."""
    return {"pages": sorted(set(pages))}


def plan_each(looks: Sequence[Look], *, occasion: str, now: datetime) -> None:
    """Plan one more check each; one statement. Each is numbered after those of its campaign, or goes first when it need not wait."""
    if not looks:
        return
    given: dict[str, Any] = {
        "ids": [look.campaign_id for look in looks],
        "closings": [look.closing_id for look in looks],
        "waits": [float(look.wait) for look in looks],
        "scopes": [None if look.scope is None else _json(look.scope) for look in looks],
        "occasion": str(occasion),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_EACH, given)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def plan_one(campaign: Campaign, *, occasion: str, closing_id: int | None, now: datetime, wait: timedelta) -> Check:
    """Plan one more check (a look after a clean-up), numbered after those of the campaign."""
    last = Check.objects.filter(campaign=campaign).order_by("-id").values_list("number", flat=True).first()
    check = Check.objects.create(
        store_id=campaign.store_id,
        campaign=campaign,
        closing_id=closing_id,
        occasion=occasion,
        number=0 if not wait else (last or 0) + 1,
        due_at=now + wait,
    )
    if not wait:
        transaction.on_commit(wake_checks, robust=True)
    return check


def drop(ids: Sequence[int], *, now: datetime, items_too: bool = True) -> None:
    """Drop what is still planned for these campaigns: the promotion is wanted again, or another act plans its own checks.

    Items that ended alone do not come back with their campaign: without `items_too` their checks stay.
    """
    planned = Check.objects.filter(campaign_id__in=ids, state__in=OPEN)
    if not items_too:
        planned = planned.exclude(scope__has_key="skus")
    planned.update(state=CheckState.DROPPED, finished_at=now, lease_until=None)


def forgive(ids: Sequence[int], *, now: datetime, listings: Sequence[int] | None = None) -> None:
    """What was a leftover is an offer again: the promotion of these campaigns (on these `listings`, where named) was brought back, but for
    items that ended alone."""
    taking_part = CampaignItem.objects.filter(
        campaign_id=OuterRef("campaign_id"), listing_id=OuterRef("listing_id"), ended_at=None
    )
    rows = Leftover.objects.filter(Exists(taking_part), campaign_id__in=ids, cleared_at=None)
    if listings is not None:
        rows = rows.filter(listing_id__in=listings)
    rows.update(cleared_at=now)


__all__ = ["OPEN", "Look", "Occasion", "drop", "forgive", "of_pages", "plan", "plan_each", "plan_one"]
