"""Sale prices (销售价): set many at once, keep what they were (R45, R86, R92, R93).

A call over n rows costs a fixed number of statements: one lock of listings, one of SKUs, one UPDATE FROM, one INSERT of history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core import money
from core.errors import FieldError
from listings import fields
from listings.gates import ensure_may
from listings.models import ChangeSource, Sku
from listings.outcome import Outcome, Refused, rows_of, spelt_out
from listings.signals import listings_changed
from policies.rules import ListingRules


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One SKU's sale price as it was and as it shall be."""

    sku_id: int
    listing_id: int
    code: str
    before: Decimal | None
    after: Decimal

    @property
    def percent_off(self) -> int:
        """How far the price falls, in whole percent rounded up; 0 when it does not."""
        if not self.before or self.after >= self.before:
            return 0
        return int(((self.before - self.after) * 100 / self.before).to_integral_value(ROUND_CEILING))


@verb("price.set", right="listings.price")
def set_prices(
    store: Store,
    rows: Sequence[Mapping[str, Any]],
    *,
    source: ChangeSource = ChangeSource.API,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> Outcome:
    """Set the sale prices of up to `rows_per_call` SKUs: `[{"sku", "sale_price"}]`, amounts as text in the SKU's currency.

    A wrong row is refused with its code and stops no other; a SKU named twice takes its last row. A price that is already so is applied
    and changes nothing: no history, no version, no publishing. One audit event for the call; each row is in the price history.
    `source=RESTORE` is part of closing a campaign, which a sole trader may do (R187e). Raises InvalidInput for more rows than allowed.
    """
    about(_store_target(store), reason=reason)
    closing = source in (ChangeSource.RESTORE, ChangeSource.UNDO)
    ensure_may(store, "price", actor=actor, now=now, part_of_close=closing)
    rules = policies.active(ListingRules, now)
    asked = rows_of(rows, "prices", rules.rows_per_call)
    wanted, outcome = last_of_each(asked, rules)
    known = lock(store, list(wanted))
    changes: list[PriceChange] = []
    for code, row in wanted.items():
        sku = known.get(code)
        if sku is None:
            outcome.rejected.append(unknown_sku(code))
            continue
        price = _price(row.get("sale_price"), sku.currency)
        if isinstance(price, FieldError):
            outcome.rejected.append(Refused("sku", code, price.code, str(price.message)))
            continue
        outcome.applied += 1
        if price == sku.sale_price:
            outcome.unchanged += 1
        else:
            changes.append(PriceChange(sku.pk, sku.listing_id, code, sku.sale_price, price))
    outcome.listing_ids = sorted({change.listing_id for change in changes})
    deepest = max((change.percent_off for change in changes), default=0)
    ensure_may(
        store, "price", actor=actor, now=now, listings=len(outcome.listing_ids), percent_off=deepest,
        part_of_close=closing,
    )  # fmt: skip
    if changes:
        write(store, changes, source=source, actor=actor, now=now)
        bump_versions(outcome.listing_ids, now)
        listings_changed.send(Sku, store_id=store.pk, listing_ids=outcome.listing_ids, now=now)
        _record(store, changes, outcome, source, reason, rules, actor, now)
    return outcome


def _price(value: object, currency: str) -> Decimal | FieldError:
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | Decimal) or value == "":
        return FieldError("sale_price", "ERR_MONEY_FORMAT", _("Write an amount as text, such as 12.50."))
    return money.parse(value, currency, "sale_price", positive=True)


def _record(
    store: Store,
    changes: Sequence[PriceChange],
    outcome: Outcome,
    source: str,
    reason: str,
    rules: ListingRules,
    actor: Actor,
    now: datetime,
) -> None:
    before, after = spelt_out(((c.code, c.before, c.after) for c in changes), rules.audit_rows)
    after |= {"source": str(source), "unchanged": outcome.unchanged, "rejected": len(outcome.rejected)}
    entry = Entry(
        action="price.set", target=_store_target(store), before=before, after=after, reason=reason,
        right="listings.price",
    )  # fmt: skip
    record(entry, actor=actor, now=now)


def _store_target(store: Store) -> Target:
    return Target("store", store.slug, store.name, store.pk, store.name)


def last_of_each(
    rows: Sequence[Mapping[str, Any]], rules: ListingRules
) -> tuple[dict[str, Mapping[str, Any]], Outcome]:
    """The last row of each SKU, and an outcome with the rows that name no possible SKU or are named again further down."""
    outcome = Outcome()
    wanted: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        code = fields.sku_code(row.get("sku"), "sku", rules)
        if isinstance(code, FieldError):
            shown = fields.printable(str(row.get("sku", "")))
            outcome.rejected.append(Refused("sku", shown, code.code, str(code.message)))
            continue
        if code in wanted:
            words = _("This SKU is named again further down; its last row counts.")
            outcome.rejected.append(Refused("sku", code, "ERR_SKU_REPEATED", words))
        wanted[code] = row
    return wanted, outcome


def unknown_sku(code: str) -> Refused:
    """The refusal of a SKU that the store does not have; another store's looks the same."""
    return Refused("sku", code, "ERR_SKU_UNKNOWN", _("This store has no such SKU."))


def lock(store: Store, codes: Sequence[str]) -> dict[str, Sku]:
    """Lock the SKUs of these codes and their listings: listings first, each in id order, as every writer does. Answers SKUs by code."""
    found = Sku.objects.filter(store=store, code__in=codes)
    owners = sorted(set(found.values_list("listing_id", flat=True)))
    lock_listings(owners)
    rows = found.select_for_update(of=("self",), no_key=True).order_by("id")
    return {sku.code: sku for sku in rows.only("id", "code", "listing_id", "store_id", "sale_price", "currency")}


def lock_listings(ids: Sequence[int]) -> None:
    """Lock listings in id order without reading them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM listings_listing WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [list(ids)])


def write(
    store: Store, changes: Sequence[PriceChange], *, source: str, actor: Actor, now: datetime, new: bool = False
) -> None:
    """Write prices and their history set-based. The caller holds the locks and has checked the right. `new`: only the history."""
    columns: list[list[Any]] = [
        [change.sku_id for change in changes],
        [change.before for change in changes],
        [change.after for change in changes],
    ]
    with connection.cursor() as cursor:
        if not new:
            cursor.execute(_UPDATE, [columns[0], columns[2]])
        cursor.execute(_HISTORY, [store.pk, now, str(source), actor.label[:160], *columns])


_UPDATE = """
    UPDATE listings_sku AS s SET sale_price = v.price
    FROM unnest(%s::bigint[], %s::numeric[]) AS v(id, price) WHERE s.id = v.id
"""
_HISTORY = """
    INSERT INTO listings_pricehistory (store_id, at, source, actor_label, sku_id, before, after)
    SELECT %s, %s, %s, %s, v.id, v.before, v.after
    FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[]) AS v(id, before, after)
"""


def bump_versions(listing_ids: Sequence[int], now: datetime) -> None:
    """Whoever has these listings open is stale now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE listings_listing SET version = version + 1, updated_at = %s WHERE id = ANY(%s)",
            [now, list(listing_ids)],
        )
