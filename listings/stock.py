"""Stock figures: set many at once, by the moment they were counted (R65, R66, R86, R186)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core.errors import FieldError
from listings import fields, hooks
from listings.gates import ensure_may
from listings.models import ListingState, Sku
from listings.outcome import Outcome, Refused, rows_of, spelt_out
from listings.prices import last_of_each, unknown_sku
from listings.signals import listings_changed
from policies.rules import ListingRules


@dataclass(frozen=True, slots=True)
class _Figure:
    """One SKU's stock as it was and as it was counted."""

    sku_id: int
    listing_id: int
    code: str
    before: int
    after: int
    as_of: datetime


@verb("stock.set", right="listings.edit")
def set_stock(
    store: Store, rows: Sequence[Mapping[str, Any]], *, reason: str = "", actor: Actor, now: datetime
) -> Outcome:
    """Set the stock of up to `rows_per_call` SKUs: `[{"sku", "quantity", "as_of"}]`.

    `as_of` (RFC 3339; now when left out) is when the figure was counted: one that is older than the figure we hold is refused, so that
    late news never overwrites fresh news. What a token tells is a sync, after which the next one is awaited (R65, R183); what a person
    sets is not. Orders that were placed, or called off, after a figure was counted are taken off it, or put back, once more: it does not
    know of them. A wrong row stops no other. An unchanged figure only moves its `as_of`. The listing's version
    stays: counting goods does not make an open form stale. One audit event for the call. Raises InvalidInput for too many rows.
    """
    target = Target("store", store.slug, store.name, store.pk, store.name)
    about(target, reason=reason)
    ensure_may(store, "stock", actor=actor, now=now)
    rules = policies.active(ListingRules, now)
    wanted, outcome = last_of_each(rows_of(rows, "stock", rules.rows_per_call), rules)
    known = _lock(store, list(wanted))
    figures: list[_Figure] = []
    for code, row in wanted.items():
        sku = known.get(code)
        if sku is None:
            outcome.rejected.append(unknown_sku(code))
            continue
        found = _read(row, sku, rules, now)
        if isinstance(found, FieldError):
            outcome.rejected.append(Refused("sku", code, found.code, str(found.message)))
            continue
        figures.append(found)
    figures = _with_orders_since(store, figures, rules, now)
    changed = [figure for figure in figures if figure.before != figure.after]
    outcome.applied, outcome.unchanged = len(figures), len(figures) - len(changed)
    outcome.listing_ids = sorted({figure.listing_id for figure in changed})
    ensure_may(store, "stock", actor=actor, now=now, listings=len(outcome.listing_ids))
    _write(figures, now if actor.token_id is not None else None)
    if changed:
        listings_changed.send(Sku, store_id=store.pk, listing_ids=outcome.listing_ids, now=now)
        before, after = spelt_out(((f.code, f.before, f.after) for f in changed), rules.audit_rows)
        after |= {"unchanged": outcome.unchanged, "rejected": len(outcome.rejected)}
        entry = Entry(
            action="stock.set", target=target, before=before, after=after, reason=reason, right="listings.edit"
        )
        record(entry, actor=actor, now=now)
    return outcome


def _with_orders_since(store: Store, figures: list[_Figure], rules: ListingRules, now: datetime) -> list[_Figure]:
    """A count knows nothing of what came after it. The SKUs are locked, so every order is either in what is read here or still to come."""
    moves = hooks.stock_moves(store.pk, {figure.sku_id: figure.as_of for figure in figures if figure.as_of < now})
    return [
        replace(figure, after=min(rules.max_stock, max(0, figure.after + moves[figure.sku_id])))
        if figure.sku_id in moves
        else figure
        for figure in figures
    ]


def put_back(store_id: int, units: Mapping[int, int], *, now: datetime) -> dict[int, int]:
    """Put units (by SKU id) of an order that was called off back into stock, in the caller's transaction; answers those that went back.

    A listing that is being taken off sale keeps the zero that was set for it. Sites are told of what can be had again.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [sorted(units)])
        cursor.execute(_PUT_BACK, [list(units), list(units.values()), ListingState.DELISTING.value])
        rows = cursor.fetchall()
    again = sorted({listing_id for sku_id, listing_id, left in rows if 0 < left <= units[sku_id]})
    if again:
        listings_changed.send(Sku, store_id=store_id, listing_ids=again, now=now)
    return {sku_id: units[sku_id] for sku_id, _listing_id, _left in rows}


def _lock(store: Store, codes: Sequence[str]) -> dict[str, Sku]:
    rows = Sku.objects.filter(store=store, code__in=codes).select_for_update(of=("self",), no_key=True).order_by("id")
    return {sku.code: sku for sku in rows.only("id", "code", "listing_id", "store_id", "stock", "stock_as_of")}


def _read(row: Mapping[str, Any], sku: Sku, rules: ListingRules, now: datetime) -> _Figure | FieldError:
    quantity = fields.whole_number(row.get("quantity"), "quantity", least=0, most=rules.max_stock)
    if isinstance(quantity, FieldError):
        return quantity
    as_of = counted_at(row.get("as_of"), rules, now)
    if isinstance(as_of, FieldError):
        return as_of
    if sku.stock_as_of is not None and as_of < sku.stock_as_of:
        return FieldError(
            "as_of",
            "ERR_STOCK_STALE",
            _("A figure counted at %(held)s is already here; this one is older.")
            % {"held": f"{sku.stock_as_of.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"},
        )
    return _Figure(sku.pk, sku.listing_id, sku.code, sku.stock, quantity, as_of)


def counted_at(value: object, rules: ListingRules, now: datetime) -> datetime | FieldError:
    """When a figure was counted; `now` when nothing is said."""
    if value in (None, ""):
        return now
    moment = value
    if isinstance(moment, str):
        try:
            moment = parse_datetime(moment[:64])
        except ValueError:
            moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        return FieldError("as_of", "ERR_STOCK_TIME", _("Write the time in UTC, such as 2026-11-27T08:00:00Z."))
    if moment > now + timedelta(seconds=rules.stock_future_seconds):
        return FieldError("as_of", "ERR_STOCK_TIME", _("This time lies in the future."))
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FieldError("as_of", "ERR_STOCK_TIME", _("This time is out of range."))


def _write(figures: Sequence[_Figure], synced_at: datetime | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _UPDATE,
            [synced_at, [f.sku_id for f in figures], [f.after for f in figures], [f.as_of for f in figures]],
        )


# In the order of their ids, as orders and counts take them.
_LOCK = "SELECT id FROM listings_sku WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_PUT_BACK = """
    UPDATE listings_sku AS s SET stock = s.stock + v.units
    FROM unnest(%s::bigint[], %s::integer[]) AS v(id, units), listings_listing AS l
    WHERE s.id = v.id AND l.id = s.listing_id AND l.state <> %s
    RETURNING s.id, s.listing_id, s.stock - s.reserved
"""
_UPDATE = """
    UPDATE listings_sku AS s SET stock = v.quantity, stock_as_of = v.as_of, stock_synced_at = %s
    FROM unnest(%s::bigint[], %s::integer[], %s::timestamptz[]) AS v(id, quantity, as_of) WHERE s.id = v.id
"""
