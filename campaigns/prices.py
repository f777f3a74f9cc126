"""Sale prices after a close: nothing rolls back by itself, so what did not return is listed and can be put back (R44-R46).

Putting a price back is part of the close, so a sole trader may do it (R187e).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.verbs import about, verb
from campaigns import finding
from campaigns.edges import CLOSED
from campaigns.models import Campaign, CampaignState, Closing
from campaigns.selection import PRICES_TO_REVIEW, parameters
from core import money
from core.errors import Conflict, FieldError, InvalidInput
from listings.models import ChangeSource
from listings.outcome import Outcome
from listings.prices import lock, set_prices
from policies.rules import ClosingRules, ListingRules

_REVIEW = f"""
    SELECT s.id, s.code, s.listing_id, s.currency, i.price_before, s.sale_price, i.price {PRICES_TO_REVIEW}
    ORDER BY s.code LIMIT %(limit)s
"""
# The latest restoring of a campaign's prices, and what of it still stands as it was written. One that put other prices than those before
# this campaign was another campaign's.
_RESTORED = """
    WITH last AS (
        SELECT max(h.at) AS at FROM listings_pricehistory h JOIN campaigns_campaignitem i ON i.sku_id = h.sku_id
        WHERE i.campaign_id = %(id)s AND h.store_id = %(store)s AND h.source = 'restore' AND h.at >= %(since)s
            AND h.after = i.price_before)
    SELECT last.at, s.code, s.currency, h.before
    FROM last JOIN listings_pricehistory h ON h.store_id = %(store)s AND h.at = last.at AND h.source = 'restore'
    JOIN campaigns_campaignitem i ON i.campaign_id = %(id)s AND i.sku_id = h.sku_id AND i.price_before = h.after
    JOIN listings_sku s ON s.id = h.sku_id AND s.sale_price = h.after
    WHERE NOT EXISTS (
        SELECT FROM listings_pricehistory n WHERE n.store_id = h.store_id AND n.sku_id = h.sku_id AND (n.at, n.id) > (h.at, h.id))
    ORDER BY s.code
"""
_COUNT = f"SELECT i.campaign_id, count(*) {PRICES_TO_REVIEW} GROUP BY 1"


@dataclass(frozen=True, slots=True)
class PriceToReview:
    """A SKU whose sale price is not what it was before the campaign, or equals the campaign price."""

    sku_id: int
    sku: str
    listing_id: int
    currency: str
    before: Decimal
    now: Decimal
    campaign: Decimal | None

    def as_dict(self) -> dict[str, str | None]:
        """The shape of the API's `prices_to_review`."""
        return {
            "sku": self.sku,
            "currency": self.currency,
            "before": money.text(self.before, self.currency),
            "now": money.text(self.now, self.currency),
            "campaign": None if self.campaign is None else money.text(self.campaign, self.currency),
        }


def prices_to_review(campaign: Campaign, *, limit: int | None = None) -> list[PriceToReview]:
    """The SKUs of a campaign whose sale price somebody has to decide on; one query, by SKU code."""
    most = limit or policies.active(ClosingRules, campaign.updated_at).review_shown
    with connection.cursor() as cursor:
        cursor.execute(_REVIEW, {**parameters([campaign]), "limit": most})
        return [PriceToReview(*row) for row in cursor.fetchall()]


def count_to_review(campaign: Campaign) -> int:
    """How many SKUs of a campaign wait for a decision; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, parameters([campaign]))
        return sum(int(count) for _pk, count in cursor.fetchall())


@dataclass(frozen=True, slots=True)
class Restored:
    """The latest restoring of a campaign's prices: when, and the SKUs that nobody has changed since, with the prices before it."""

    at: datetime
    rows: tuple[tuple[str, str, Decimal], ...]


def last_restored(campaign: Campaign) -> Restored | None:
    """What could be undone of the latest restoring; None when there was none or everything was changed since. One query."""
    given: dict[str, Any] = {
        "id": campaign.pk,
        "store": campaign.store_id,
        "since": campaign.closed_at or campaign.ends_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RESTORED, given)
        rows = cursor.fetchall()
    if not rows:
        return None
    return Restored(rows[0][0], tuple((sku, currency, before) for _at, sku, currency, before in rows))


@verb("campaign.undo_restore", right="listings.price")
def undo_restore(store: Store, code: str, *, actor: Actor, now: datetime) -> Outcome:
    """Take the latest restoring of a campaign's prices back, where nobody has changed a price since; they wait for a decision again.

    Raises NotFound, PermissionRefused, Conflict ERR_STATE when there is nothing to undo.
    """
    check(actor, store, "listings.price", now=now)
    campaign = finding.lock(store, code)
    if (standing := last_restored(campaign)) is not None:
        lock(store, [sku for sku, _currency, _before in standing.rows])
    last = last_restored(campaign)  # again under the lock: somebody may have set a price until then
    if last is None:
        raise Conflict(
            "ERR_STATE", _("There is no restoring to undo, or every price was changed since."), state=campaign.state
        )
    rows = [{"sku": sku, "sale_price": money.text(before, currency)} for sku, currency, before in last.rows]
    return _set(store, campaign, rows, ChangeSource.UNDO, actor, now)


def stores_prices_to_review(store_id: int, *, now: datetime, limit: int) -> list[tuple[Campaign, int]]:
    """The latest closed campaigns of a store that have prices to decide, with how many each; two queries (R46)."""
    closings = (
        Closing.objects.filter(store_id=store_id, taken_back_at=None, campaign__state__in=sorted(CLOSED))
        .filter(result__prices_to_review__gt=0)
        .select_related("campaign")
        .order_by("-closed_at")[:limit]
    )
    campaigns = {closing.campaign_id: closing.campaign for closing in closings}
    if not campaigns:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, parameters(list(campaigns.values())))
        counts: dict[int, int] = dict(cursor.fetchall())
    return [(campaign, counts[pk]) for pk, campaign in campaigns.items() if counts.get(pk)]


@verb("campaign.restore_prices", right="listings.price")
def restore_prices(store: Store, code: str, skus: Sequence[str], *, actor: Actor, now: datetime) -> Outcome:
    """Put the sale prices of these SKUs (all to review when none is named) back to what they were when the campaign started (恢复销售价).

    Raises Conflict ERR_STATE before the close, InvalidInput for a SKU that is not in the campaign or never started with it.
    """
    check(actor, store, "listings.price", now=now)
    campaign = finding.lock(store, code)
    about(finding.target(campaign, store))
    if campaign.state not in (*CLOSED, CampaignState.CANCELLING):
        raise Conflict(
            "ERR_STATE",
            _("Sale prices are put back after the close; this campaign is “%(state)s”.")
            % {"state": campaign.get_state_display()},
            state=campaign.state,
        )
    rows = _rows(campaign, skus) if skus else _all(store, campaign)
    return _set(store, campaign, rows, ChangeSource.RESTORE, actor, now)


def _set(
    store: Store, campaign: Campaign, rows: Sequence[dict[str, str]], source: ChangeSource, actor: Actor, now: datetime
) -> Outcome:
    """Set these prices, as many at a time as one call may hold; the limits of a lent right count all of them together."""
    most, whole = policies.active(ListingRules, now).rows_per_call, Outcome()
    for start in range(0, len(rows), most):
        done = set_prices(
            store, rows[start : start + most], source=source, reason=campaign.code, actor=actor, now=now
        )  # fmt: skip
        whole.applied, whole.unchanged = whole.applied + done.applied, whole.unchanged + done.unchanged
        whole.rejected += done.rejected
        whole.listing_ids = sorted({*whole.listing_ids, *done.listing_ids})
    if len(rows) > most:
        check(actor, store, "listings.price", now=now, listings=len(whole.listing_ids))
    return whole


def _all(store: Store, campaign: Campaign) -> list[dict[str, str]]:
    """Every price that waits for a decision, read under the lock: one that somebody sets until then is decided."""
    most = max(1, campaign.item_count)
    lock(store, [row.sku for row in prices_to_review(campaign, limit=most)])
    waiting = prices_to_review(campaign, limit=most)
    return [{"sku": row.sku, "sale_price": money.text(row.before, row.currency)} for row in waiting]


def _rows(campaign: Campaign, skus: Sequence[str]) -> list[dict[str, str]]:
    wanted = list(dict.fromkeys(skus))
    items = campaign.items.filter(sku__code__in=wanted, price_before__isnull=False)
    known = {
        code: money.text(before, currency)
        for code, before, currency in items.values_list("sku__code", "price_before", "sku__currency")
        if before is not None
    }
    wrong = [
        FieldError(
            f"skus.{index}", "ERR_SKU_UNKNOWN", _("%(sku)s did not take part in this campaign.") % {"sku": sku[:64]}
        )
        for index, sku in enumerate(wanted)
        if sku not in known
    ]
    if wrong:
        raise InvalidInput(str(wrong[0].message), wrong)
    return [{"sku": sku, "sale_price": known[sku]} for sku in wanted]
