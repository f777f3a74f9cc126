"""Writing one batch of a catalogue file: compare with what is there, write the difference set-based (R45, R86, R87)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection

from accounts.models import Store
from audit.actors import Actor
from audit.record import Entry, Target, record
from listings import prices
from listings.catalogue_rows import Defaults
from listings.gates import ensure_may
from listings.models import Brand, Category, ChangeSource, Listing, ListingState, Management, Sku
from listings.outcome import spelt_out
from listings.prices import PriceChange
from listings.search import listing_terms
from listings.signals import listings_changed
from policies.rules import ListingRules


@dataclass(frozen=True, slots=True)
class Winner:
    """The last word of a file on one SKU; None where the file says nothing. `leads`: it also speaks for its listing."""

    row: int
    sku: str
    sale_price: Decimal
    title: str | None
    title_zh: str | None
    title_en: str | None
    currency: str
    cost: Decimal | None
    stock: int | None
    category: str | None
    brand: str | None
    leads: bool

    @property
    def titles(self) -> dict[str, str]:
        """The titles by language that the file gives."""
        return {code: title for code, title in (("zh", self.title_zh), ("en", self.title_en)) if title}


@dataclass(slots=True)
class _Plan:
    """What a batch will do."""

    create: list[Winner] = field(default_factory=list)
    prices: list[PriceChange] = field(default_factory=list)
    skus: list[tuple[int, Decimal | None, int]] = field(default_factory=list)
    listings: dict[int, Listing] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    updated: int = 0


class Batch:
    """One batch inside a transaction that the caller holds open."""

    def __init__(
        self,
        store: Store,
        defaults: Defaults,
        tree: Mapping[str, Category],
        rules: ListingRules,
        *,
        actor: Actor,
        now: datetime,
    ) -> None:
        self.store, self.defaults, self.tree, self.rules = store, defaults, tree, rules
        self.actor, self.now = actor, now
        self.brands: dict[str, int] = {}
        self.foreign: list[Winner] = []

    def write(self, winners: Sequence[Winner], *, file: str) -> dict[str, int]:
        """Write the batch; answers rows by outcome: created, updated, unchanged. Raises what the gates raise.

        `foreign` holds those that are none of these: somebody has made their SKU in another currency since the file was settled.
        """
        held = self._lock([winner.sku for winner in winners])
        self.foreign = [row for row in winners if row.sku in held and held[row.sku].currency != row.currency]
        if self.foreign:
            winners = [row for row in winners if row not in self.foreign]
        self.brands = self._brands(winners)
        plan = self._plan(winners, held)
        self._ensure_allowed(plan)
        made = self._create(plan.create)
        self._update(plan)
        changed = sorted({*plan.touched, *made})
        if changed:
            listings_changed.send(Listing, store_id=self.store.pk, listing_ids=changed, now=self.now)
            self._record(plan, winners, file)
        return {
            "created": len(plan.create),
            "updated": plan.updated,
            "unchanged": len(winners) - len(plan.create) - plan.updated,
        }

    def _lock(self, codes: list[str]) -> dict[str, Sku]:
        """The SKUs of these codes with their listings, locked: listings first, each in id order, as every writer does."""
        found = Sku.objects.filter(store=self.store, code__in=codes)
        prices.lock_listings(sorted(set(found.values_list("listing_id", flat=True))))
        rows = found.select_for_update(of=("self",), no_key=True).order_by("id").select_related("listing")
        return {sku.code: sku for sku in rows}

    def _brands(self, winners: Sequence[Winner]) -> dict[str, int]:
        """Brands by name; those that are new are made."""
        names = sorted({winner.brand for winner in winners if winner.brand})
        if not names:
            return {}
        rows = Brand.objects.filter(store=self.store, name__in=names)
        known = dict(rows.values_list("name", "id"))
        if new := [name for name in names if name not in known]:
            Brand.objects.bulk_create([Brand(store=self.store, name=name) for name in new], ignore_conflicts=True)
            known = dict(rows.values_list("name", "id"))
        return known

    def _plan(self, winners: Sequence[Winner], held: Mapping[str, Sku]) -> _Plan:
        plan = _Plan()
        for winner in winners:
            sku = held.get(winner.sku)
            if sku is None:
                plan.create.append(winner)
                continue
            differs = False
            if winner.sale_price != sku.sale_price:
                change = PriceChange(sku.pk, sku.listing_id, sku.code, sku.sale_price, winner.sale_price)
                plan.prices.append(change)
                differs = True
            cost = sku.cost if winner.cost is None else winner.cost
            stock = sku.stock if winner.stock is None else winner.stock
            if (cost, stock) != (sku.cost, sku.stock):
                plan.skus.append((sku.pk, cost, stock))
                differs = True
            if winner.leads and self._retitle(sku.listing, winner):
                plan.listings[sku.listing_id] = sku.listing
                differs = True
            if differs:
                plan.updated += 1
                plan.touched.add(sku.listing_id)
        return plan

    def _retitle(self, listing: Listing, winner: Winner) -> bool:
        """Put the file's words on the listing; answers whether any is new."""
        titles = {**listing.titles, **winner.titles}
        category = self.tree[winner.category].pk if winner.category else listing.category_id
        brand = self.brands[winner.brand] if winner.brand else listing.brand_id
        wanted = (winner.title or listing.title, titles, category, brand)
        if wanted == (listing.title, listing.titles, listing.category_id, listing.brand_id):
            return False
        listing.title, listing.titles, listing.category_id, listing.brand_id = wanted
        return True

    def _ensure_allowed(self, plan: _Plan) -> None:
        """Rights are asked again in each batch: a right that was taken away stops the import."""
        if plan.prices:
            deepest = max(change.percent_off for change in plan.prices)
            ids = {change.listing_id for change in plan.prices}
            ensure_may(self.store, "price", actor=self.actor, now=self.now, listings=len(ids), percent_off=deepest)
        if plan.listings or plan.skus:
            ensure_may(self.store, "edit", actor=self.actor, now=self.now, listings=len(plan.touched))
        if plan.create:
            ensure_may(self.store, "create", actor=self.actor, now=self.now, listings=len(plan.create))

    def _create(self, winners: Sequence[Winner]) -> list[int]:
        """Make a listing of one SKU for each; answers the listings' ids."""
        if not winners:
            return []
        # A COPY raises what the driver raises; only as an IntegrityError is a SKU that somebody makes at this moment looked at again.
        with connection.wrap_database_errors, connection.cursor() as cursor:
            ids = {}
            for table in ("listings_listing", "listings_sku"):
                cursor.execute(_NEXT_IDS, [table, len(winners)])
                ids[table] = [row[0] for row in cursor.fetchall()]
            with cursor.copy(_COPY_LISTINGS) as copy:
                for listing_id, winner in zip(ids["listings_listing"], winners, strict=True):
                    copy.write_row(self._listing_row(listing_id, winner))
            with cursor.copy(_COPY_SKUS) as copy:
                rows = zip(ids["listings_sku"], ids["listings_listing"], winners, strict=True)
                # By code: two files that bring the same new goods in different orders wait for each other at the first they share.
                for sku_id, listing_id, winner in sorted(rows, key=lambda row: row[2].sku):
                    stock = self.defaults.stock if winner.stock is None else winner.stock
                    copy.write_row((
                        sku_id, self.store.pk, listing_id, winner.sku, 0, winner.sale_price, winner.currency, winner.cost, stock, 0,
                        self.now,
                    ))  # fmt: skip
        first = [
            PriceChange(sku_id, 0, winner.sku, None, winner.sale_price)
            for sku_id, winner in zip(ids["listings_sku"], winners, strict=True)
        ]
        prices.write(self.store, first, source=ChangeSource.IMPORT, actor=self.actor, now=self.now, new=True)
        return ids["listings_listing"]

    def _listing_row(self, listing_id: int, winner: Winner) -> tuple[Any, ...]:
        category = self.tree[winner.category or self.defaults.category]
        title = winner.title or ""
        terms = listing_terms([title, *winner.titles.values()], [winner.sku], winner.brand or "")
        brand = self.brands[winner.brand] if winner.brand else None
        return (
            listing_id, self.store.pk, title, orjson.dumps(winner.titles).decode(), category.pk, brand,
            ListingState.ON_SALE.value, Management.SELF.value, "", "", terms, 1, self.now, self.now,
        )  # fmt: skip

    def _update(self, plan: _Plan) -> None:
        if plan.prices:
            prices.write(self.store, plan.prices, source=ChangeSource.IMPORT, actor=self.actor, now=self.now)
        with connection.cursor() as cursor:
            if plan.skus:
                columns = [list(column) for column in zip(*plan.skus, strict=True)]
                cursor.execute(_UPDATE_SKUS, [self.now, *columns])
            if plan.listings:
                cursor.execute(_UPDATE_LISTINGS, self._listing_columns(plan.listings))
        if plan.touched:
            prices.bump_versions(sorted(plan.touched), self.now)

    def _listing_columns(self, listings: Mapping[int, Listing]) -> list[Any]:
        codes: dict[int, list[str]] = {}
        for listing_id, code in Sku.objects.filter(listing_id__in=list(listings)).values_list("listing_id", "code"):
            codes.setdefault(listing_id, []).append(code)
        names = dict(Brand.objects.filter(pk__in={row.brand_id for row in listings.values()}).values_list("id", "name"))
        rows = [
            (
                row.pk,
                row.title,
                orjson.dumps(row.titles).decode(),
                row.category_id,
                row.brand_id,
                # An array of arrays must be rectangular: the terms travel as JSON.
                orjson.dumps(
                    listing_terms(
                        [row.title, *row.titles.values()], codes.get(row.pk, []), names.get(row.brand_id or 0, "")
                    )
                ).decode(),
            )
            for row in listings.values()
        ]
        return [list(column) for column in zip(*rows, strict=True)]

    def _record(self, plan: _Plan, winners: Sequence[Winner], file: str) -> None:
        pairs = [(change.code, change.before, change.after) for change in plan.prices]
        pairs += [(winner.sku, None, winner.sale_price) for winner in plan.create]
        before, after = spelt_out(pairs, self.rules.audit_rows)
        after |= {
            "file": file, "first_row": winners[0].row, "last_row": winners[-1].row, "created": len(plan.create),
            "updated": plan.updated, "source": ChangeSource.IMPORT.value,
        }  # fmt: skip
        entry = Entry(
            action="catalogue.write",
            target=Target("store", self.store.slug, self.store.name, self.store.pk, self.store.name),
            before=before,
            after=after,
            right="listings.edit",
        )
        record(entry, actor=self.actor, now=self.now)


_NEXT_IDS = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
_COPY_LISTINGS = """
    COPY listings_listing (id, store_id, title, titles, category_id, brand_id, state, management, logistics_template, main_image,
        search_terms, version, created_at, updated_at) FROM STDIN
"""
_COPY_SKUS = """
    COPY listings_sku (id, store_id, listing_id, code, position, sale_price, currency, cost, stock, reserved, stock_as_of) FROM STDIN
"""
_UPDATE_SKUS = """
    UPDATE listings_sku AS s SET cost = v.cost, stock = v.stock, stock_as_of = %s, stock_synced_at = NULL
    FROM unnest(%s::bigint[], %s::numeric[], %s::integer[]) AS v(id, cost, stock) WHERE s.id = v.id
"""
_UPDATE_LISTINGS = """
    UPDATE listings_listing AS l SET title = v.title, titles = v.titles, category_id = v.category, brand_id = v.brand,
        search_terms = ARRAY(SELECT jsonb_array_elements_text(v.terms))
    FROM unnest(%s::bigint[], %s::text[], %s::jsonb[], %s::bigint[], %s::bigint[], %s::jsonb[])
        AS v(id, title, titles, category, brand, terms) WHERE l.id = v.id
"""
