"""Everything that can be wrong with a campaign, found at once and set-based: all errors, then all warnings (R30, R54)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

import policies
from accounts.models import Store
from campaigns import conflicts
from campaigns.conflicts import Summary
from campaigns.inputs import ItemInput
from campaigns.kinds import KindSpec
from campaigns.models import Campaign
from campaigns.outcomes import CampaignWarning
from core import display, money
from core.errors import FieldError
from listings.models import ListingState, Management
from policies.rules import CampaignRules

_SKUS = """
    SELECT s.code, s.id, s.listing_id, s.sale_price, s.cost, s.currency, l.state, l.management
    FROM listings_sku s JOIN listings_listing l ON l.id = s.listing_id
    WHERE s.store_id = %s AND s.code = ANY(%s)
"""
_SAVED = "SELECT sku_id, price FROM campaigns_campaignitem WHERE campaign_id = %(campaign)s AND ended_at IS NULL"
_PROPOSED = "SELECT sku_id, price FROM unnest(%(skus)s::bigint[], %(prices)s::numeric[]) AS v(sku_id, price)"
_PRICES = """
    SELECT s.code, mine.price, s.sale_price, s.cost, l.state
    FROM ({mine}) mine JOIN listings_sku s ON s.id = mine.sku_id JOIN listings_listing l ON l.id = s.listing_id
    WHERE mine.price >= s.sale_price OR mine.price < s.cost OR l.state <> 'on_sale'
    ORDER BY s.code
"""


@dataclass(frozen=True, slots=True)
class GoodItem:
    """An item that may go in: where it stood in the request, ids, the price as the currency has it, its discount rounded up."""

    where: str
    sku: str
    sku_id: int
    listing_id: int
    price: Decimal | None
    percent_off: int


def check_text(values: Mapping[str, Any], now: datetime) -> list[FieldError]:
    """Names and the least number of items; only what is in `values` is looked at."""
    limit = policies.active(CampaignRules, now).name_max
    errors = []
    if "name" in values and not str(values["name"]).strip():
        errors.append(FieldError("name", "ERR_REQUIRED", _("Give the campaign a name.")))
    for name in ("name", "name_zh"):
        if len(str(values.get(name, ""))) > limit:
            errors.append(FieldError(name, "ERR_LENGTH", _("At most %(n)s characters.") % {"n": limit}))
    if values.get("min_items", 0) < 0:
        errors.append(FieldError("min_items", "ERR_RANGE", _("It cannot be negative.")))
    return errors


def check_window(starts_at: datetime, ends_at: datetime, now: datetime) -> list[FieldError]:
    """A half-open window that ends after it starts and after now, and lies within what people plan."""
    rules = policies.active(CampaignRules, now)
    latest, earliest = now + timedelta(days=rules.latest_end_days), now - timedelta(days=rules.earliest_start_days)
    errors = []
    if starts_at < earliest:
        errors.append(FieldError("starts_at", "ERR_DATE_ABSURD", _("The start lies too far in the past.")))
    if starts_at > latest:
        errors.append(FieldError("starts_at", "ERR_DATE_ABSURD", _("The start lies too far ahead.")))
    if ends_at > latest:
        errors.append(FieldError("ends_at", "ERR_DATE_ABSURD", _("The end lies too far ahead.")))
    if ends_at <= starts_at:
        errors.append(FieldError("ends_at", "ERR_WINDOW", _("The end must come after the start.")))
    elif ends_at <= now:
        errors.append(FieldError("ends_at", "ERR_WINDOW_PAST", _("The end has passed already.")))
    return errors


def check_items(
    store: Store, items: Sequence[ItemInput], found: KindSpec, now: datetime, *, present: int = 0
) -> tuple[list[GoodItem], list[FieldError]]:
    """Look up every SKU in one query; answers the good items, and an error for each that is not.

    `present` is how many items the campaign has already.
    """
    rules = policies.active(CampaignRules, now)
    if len(items) > rules.items_per_call or len(items) + present > rules.max_items:
        limit = min(rules.items_per_call, rules.max_items - present)
        message = _("At most %(n)s items here; this holds %(given)s.") % {"n": limit, "given": len(items)}
        return [], [FieldError("items", "ERR_TOO_MANY_ITEMS", message)]
    seen = Counter(item.sku for item in items)
    with connection.cursor() as cursor:
        # PostgreSQL takes no NUL in text, and no SKU has one: such a line is unknown like any other.
        cursor.execute(_SKUS, [store.pk, [sku for sku in seen if "\x00" not in sku]])
        known = {row[0]: row[1:] for row in cursor.fetchall()}
    good: list[GoodItem] = []
    errors: list[FieldError] = []
    for index, item in enumerate(items):
        answer = _check_item(index, item, known.get(item.sku), found, seen)
        if isinstance(answer, FieldError):
            errors.append(answer)
        else:
            good.append(answer)
    return good, errors


def _check_item(
    index: int, item: ItemInput, row: tuple[Any, ...] | None, found: KindSpec, seen: Mapping[str, int]
) -> GoodItem | FieldError:
    where = f"items.{index}"
    if row is None:
        return FieldError(
            f"{where}.sku", "ERR_SKU_UNKNOWN", _("This store has no SKU “%(sku)s”.") % {"sku": item.sku[:64]}
        )
    if seen[item.sku] > 1:
        return FieldError(
            f"{where}.sku", "ERR_SKU_REPEATED", _("%(sku)s is listed more than once.") % {"sku": item.sku}
        )
    sku_id, listing_id, sale_price, _cost, currency, state, management = row
    if management == Management.FULLY_MANAGED:
        message = _("%(sku)s is fully managed: the platform does its marketing.") % {"sku": item.sku}
        return FieldError(f"{where}.sku", "ERR_FULLY_MANAGED", message)
    if state in (ListingState.DELISTED, ListingState.TAKEN_DOWN, ListingState.DELISTING):
        message = _("%(sku)s is not on sale: its listing is “%(state)s”.")
        label = ListingState(state).label
        return FieldError(f"{where}.sku", "ERR_NOT_ON_SALE", message % {"sku": item.sku, "state": label})
    if not found.item_prices:
        if item.price in (None, ""):
            return GoodItem(where, item.sku, sku_id, listing_id, None, 0)
        return FieldError(f"{where}.price", "ERR_ITEM_PRICE", _("This kind has no item prices."))
    if item.price in (None, ""):
        return FieldError(f"{where}.price", "ERR_REQUIRED", _("%(sku)s needs a campaign price.") % {"sku": item.sku})
    price = money.parse(item.price, currency, f"{where}.price", positive=True)
    if isinstance(price, FieldError):
        return price
    if price > sale_price:
        message = _("The campaign price %(price)s of %(sku)s is above its sale price %(sale)s.")
        words = {"price": money.text(price, currency), "sku": item.sku, "sale": money.text(sale_price, currency)}
        return FieldError(f"{where}.price", "ERR_PRICE_ABOVE_SALE", message % words)
    percent = ((sale_price - price) * 100 / sale_price).to_integral_value(rounding=ROUND_CEILING)
    return GoodItem(where, item.sku, sku_id, listing_id, price, int(percent))


def managed_items(campaign: Campaign, now: datetime) -> list[FieldError]:
    """Items that became fully managed since they were picked: the platform does their marketing (R127). One query."""
    sample = policies.active(CampaignRules, now).warning_sample
    found = campaign.items.filter(listing__management=Management.FULLY_MANAGED).order_by("sku__code")
    message = _("%(sku)s is fully managed: the platform does its marketing.")
    return [
        FieldError("items", "ERR_FULLY_MANAGED", message % {"sku": sku})
        for sku in found.values_list("sku__code", flat=True)[:sample]
    ]


def warnings_of(campaign: Campaign, now: datetime) -> tuple[CampaignWarning, ...]:
    """What deserves a look and refuses nothing: overlaps with the campaigns named, below cost, no discount, not on sale; two queries."""
    sample = policies.active(CampaignRules, now).warning_sample
    rivals = conflicts.summaries(campaign.store_id, [campaign], now=now, sample=sample).get(campaign.pk)
    return _warnings(_SAVED, {"campaign": campaign.pk}, rivals, sample)


def warnings_before(
    store: Store,
    good: Sequence[GoodItem],
    window: tuple[datetime, datetime],
    stacks: bool,
    now: datetime,
    *,
    campaign: Campaign | None = None,
) -> tuple[CampaignWarning, ...]:
    """The same for items that are not saved yet, in the window `[starts_at, ends_at)`; `campaign` is the one they are meant for."""
    sample = policies.active(CampaignRules, now).warning_sample
    skus = [item.sku_id for item in good]
    rivals = conflicts.of_proposed(
        store.pk, skus, max(window[0], now), window[1], stacks=stacks, besides=campaign, now=now, sample=sample
    )
    return _warnings(_PROPOSED, {"skus": skus, "prices": [item.price for item in good]}, rivals, sample)


def _warnings(mine: str, given: Mapping[str, Any], rivals: Summary | None, sample: int) -> tuple[CampaignWarning, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_PRICES.format(mine=mine), given)
        prices = cursor.fetchall()
    found = [
        _overlapping(rivals),
        _about_skus(
            "WARN_BELOW_COST",
            [code for code, price, _sale, cost, _state in prices if price is not None and cost and price < cost],
            lambda n: ngettext("%(n)s item sells below its cost.", "%(n)s items sell below their cost.", n) % {"n": n},
            sample,
        ),
        _about_skus(
            "WARN_NO_DISCOUNT",
            [code for code, price, sale, _cost, _state in prices if price is not None and price >= sale],
            lambda n: ngettext("%(n)s item has no discount.", "%(n)s items have no discount.", n) % {"n": n},
            sample,
        ),
        _about_skus(
            "WARN_NOT_ON_SALE",
            [code for code, _price, _sale, _cost, state in prices if state != ListingState.ON_SALE],
            lambda n: ngettext("%(n)s item is not on sale.", "%(n)s items are not on sale.", n) % {"n": n},
            sample,
        ),
    ]
    return tuple(warning for warning in found if warning is not None)


def _overlapping(found: Summary | None) -> CampaignWarning | None:
    if not found:
        return None
    codes = tuple(rival.code for rival in found.rivals)
    message = ngettext(
        "%(n)s item is in another campaign at the same time: %(campaigns)s.",
        "%(n)s items are in other campaigns at the same time: %(campaigns)s.",
        found.skus,
    ) % {"n": found.skus, "campaigns": display.series(codes)}
    return CampaignWarning("WARN_OVERLAP", message, found.skus, found.some_skus, codes)


def _about_skus(code: str, skus: Sequence[str], words: Any, sample: int) -> CampaignWarning | None:
    return CampaignWarning(code, words(len(skus)), len(skus), tuple(skus[:sample])) if skus else None
