"""Making and changing one listing (R83, R90, R96)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

import policies
from accounts.models import Entity, Store
from accounts.rights import can
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core.errors import Conflict, FieldError, InvalidInput, NotFound, VersionConflict
from listings import drafts, prices, reading
from listings.changes import Changes, read_changes, taken
from listings.drafts import CleanListing, ListingData
from listings.gates import ensure_may
from listings.models import Brand, Category, ChangeSource, Listing, ListingState, Management, Sku
from listings.search import listing_terms
from listings.signals import listings_changed
from policies.rules import ListingRules

#: States that count towards the quota (R96).
COUNTED = (ListingState.ON_SALE, ListingState.IN_REVIEW)


def categories() -> dict[str, Category]:
    """The category tree by code; one query."""
    return {row.code: row for row in Category.objects.all()}


@verb("listing.create", right="listings.edit")
def create_listing(
    store: Store, data: ListingData, *, source: ChangeSource = ChangeSource.API, actor: Actor, now: datetime
) -> Listing:
    """Make a listing with its SKUs; it is on sale at once unless its state says draft. No picture is needed.

    A brand is made on first use. Raises InvalidInput with every broken field, Conflict ERR_LISTING_QUOTA when a fully-managed store is
    full (R96), and what `gates.ensure_may` raises.
    """
    about(Target("store", store.slug, store.name, store.pk, store.name))
    ensure_may(store, "create", actor=actor, now=now, listings=1)
    rules = policies.active(ListingRules, now)
    clean, errors = drafts.prove(data, currency=store.currency, categories=categories(), rules=rules)
    errors += _taken(store, clean)
    if clean.management == Management.FULLY_MANAGED and store.entity == Entity.SOLE_TRADER:
        # R176
        errors.append(FieldError("management", "ERR_MANAGEMENT", _("Fully-managed goods are for companies.")))
    if errors or clean.category is None:
        raise InvalidInput(_("The listing has mistakes; nothing was saved."), errors)
    if clean.management == Management.FULLY_MANAGED and clean.state in COUNTED:
        ensure_quota(store, rules, more=1)
    try:
        with transaction.atomic():
            listing = _insert(store, clean, clean.category, now)
    except IntegrityError as error:
        raise InvalidInput(
            _("The listing has mistakes; nothing was saved."), _taken(store, clean) or [_taken_error(0, "")]
        ) from error
    skus = reading.skus_of([listing.pk])[listing.pk]
    first = [prices.PriceChange(sku.pk, listing.pk, sku.code, None, sku.sale_price) for sku in skus]
    prices.write(store, first, source=source, actor=actor, now=now, new=True)
    listings_changed.send(Listing, store_id=store.pk, listing_ids=[listing.pk], now=now)
    entry = Entry(
        action="listing.create",
        target=target_of(store, listing),
        after={
            "title": listing.title, "category": clean.category.code, "brand": clean.brand, "state": listing.state,
            "management": listing.management, "source": str(source),
            "skus": [reading.sku_document(sku) for sku in skus[: rules.audit_rows]],
        },
        right="listings.edit",
    )  # fmt: skip
    record(entry, actor=actor, now=now)
    return listing


def target_of(store: Store, listing: Listing) -> Target:
    """A listing in the audit log."""
    return Target("listing", str(listing.pk), listing.title, store.pk, store.name)


def _taken(store: Store, clean: CleanListing) -> list[FieldError]:
    codes = {row.code: index for index, row in reversed(list(enumerate(clean.skus))) if row.code}
    held = Sku.objects.filter(store=store, code__in=list(codes)).values_list("code", flat=True)
    return [_taken_error(codes[code], code) for code in sorted(held)]


def _taken_error(index: int, code: str) -> FieldError:
    return FieldError(
        f"skus.{index}.sku", "ERR_SKU_TAKEN", _("The SKU code “%(code)s” is in use in this store.") % {"code": code}
    )


def ensure_quota(store: Store, rules: ListingRules, *, more: int) -> None:
    """Refuse when `more` fully-managed listings would pass the quota (R96). Writers of a store wait for each other here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('listings.quota'), %s)", [store.pk % 2**31])
    counted = Listing.objects.filter(store=store, management=Management.FULLY_MANAGED, state__in=COUNTED).count()
    if counted + more > rules.quota:
        raise Conflict(
            "ERR_LISTING_QUOTA",
            _("A store has at most %(quota)s fully-managed products on sale or in review; it has %(count)s.")
            % {"quota": rules.quota, "count": counted},
            quota=rules.quota,
            count=counted,
        )


def brand_of(store: Store, name: str) -> Brand | None:
    """The brand of that name, made on first use; None for an empty name."""
    if not name:
        return None
    brand = Brand.objects.filter(store=store, name=name).first()
    if brand is None:
        Brand.objects.bulk_create([Brand(store=store, name=name)], ignore_conflicts=True)
        brand = Brand.objects.get(store=store, name=name)
    return brand


def _insert(store: Store, clean: CleanListing, category: Category, now: datetime) -> Listing:
    listing = Listing.objects.create(
        store=store,
        title=clean.title,
        titles=clean.titles,
        category=category,
        brand=brand_of(store, clean.brand),
        state=clean.state,
        management=clean.management,
        fulfilment=clean.fulfilment,
        logistics_template=clean.logistics_template,
        main_image=clean.main_image,
        search_terms=listing_terms(
            [clean.title, *clean.titles.values()], [row.code for row in clean.skus], clean.brand
        ),
        created_at=now,
        updated_at=now,
    )
    Sku.objects.bulk_create(
        Sku(
            store=store, listing=listing, code=row.code, position=position, sale_price=row.sale_price,
            currency=row.currency, cost=row.cost, stock=row.stock, stock_as_of=now,
        )
        for position, row in enumerate(clean.skus)
    )  # fmt: skip
    return listing


@dataclass(slots=True)
class _Ledger:
    """What one edit changed."""

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    prices: list[prices.PriceChange] = field(default_factory=list)

    def note(self, name: str, before: Any, after: Any) -> bool:
        """Remember a difference; answers whether there is one."""
        if before == after:
            return False
        self.before[name], self.after[name] = before, after
        return True


@verb("listing.edit", right="listings.edit")
def edit_listing(
    store: Store,
    listing_id: int,
    changes: Mapping[str, Any],
    *,
    version: int | None = None,
    source: ChangeSource = ChangeSource.API,
    actor: Actor,
    now: datetime,
) -> Listing:
    """Change what is named in `changes` and nothing else; names are those of the REST API. Answers the listing as it stands.

    `skus` changes the SKUs it names and adds those that are new; none is removed. Sale prices need the right `listings.price`, all else
    `listings.edit`. `state` may become `on_sale` (from draft, delisting, delisted). With `version` given, a stale one raises
    VersionConflict with the current document. Nothing different: nothing written. Raises InvalidInput with every broken field,
    NotFound, and what the gates raise.
    """
    listing = Listing.objects.filter(store=store, pk=listing_id).select_for_update(of=("self",), no_key=True).first()
    if listing is None:
        raise NotFound(_("This store has no such listing."))
    about(target_of(store, listing))
    rules = policies.active(ListingRules, now)
    held = Sku.objects.filter(listing=listing).select_for_update(of=("self",), no_key=True).order_by("id")
    skus = {sku.code: sku for sku in held}
    read, errors = read_changes(changes, listing, skus, store=store, categories=categories(), rules=rules)
    _ensure_allowed(store, read, actor=actor, now=now)
    if version is not None and version != listing.version:
        current = reading.document(reading.get(store, listing.pk), now=now)
        raise VersionConflict(_("Somebody has changed this listing since you opened it."), current)
    if errors:
        raise InvalidInput(_("The listing has mistakes; nothing was saved."), errors)
    ledger = _Ledger()
    _apply_fields(store, listing, read, ledger, rules)
    _apply_skus(store, listing, read, skus, ledger, now)
    if ledger.after:
        _finish(store, listing, list(skus), read, ledger, source=source, actor=actor, now=now)
    return reading.get(store, listing.pk)


def _ensure_allowed(store: Store, read: Changes, *, actor: Actor, now: datetime) -> None:
    """Prices that differ need the one right, all else the other; prices that are named and do not differ need either."""
    if read.prices:
        deepest = max(change.percent_off for change in read.prices)
        ensure_may(store, "price", actor=actor, now=now, listings=1, percent_off=deepest)
    elif read.names_prices and not read.edits and can(actor, store, "listings.price", now):
        ensure_may(store, "price", actor=actor, now=now, listings=1)
        return
    if read.edits or not read.prices:
        ensure_may(store, "edit", actor=actor, now=now, listings=1)


def _apply_fields(store: Store, listing: Listing, read: Changes, ledger: _Ledger, rules: ListingRules) -> None:
    for name, value in read.plain.items():
        if ledger.note(name, getattr(listing, name), value):
            setattr(listing, name, value)
    if read.category is not None and read.category.pk != listing.category_id:
        ledger.note("category", listing.category.code, read.category.code)
        listing.category = read.category
    if read.brand is not None and ledger.note("brand", listing.brand.name if listing.brand else "", read.brand):
        listing.brand = brand_of(store, read.brand)
    if read.put_on_sale and ledger.note("state", listing.state, ListingState.ON_SALE.value):
        if listing.management == Management.FULLY_MANAGED and listing.state not in COUNTED:
            ensure_quota(store, rules, more=1)
        listing.put_on_sale()
        listing.delist_at = None


def _apply_skus(
    store: Store, listing: Listing, read: Changes, skus: dict[str, Sku], ledger: _Ledger, now: datetime
) -> None:
    for change in read.prices:
        ledger.note(f"{change.code}.sale_price", change.before, change.after)
    ledger.prices += read.prices
    touched: list[Sku] = []
    for code, cost, stock in read.sku_edits:
        sku = skus[code]
        new_cost = not isinstance(cost, drafts.Unsaid) and ledger.note(f"{code}.cost", sku.cost, cost)
        new_stock = stock is not None and ledger.note(f"{code}.stock", sku.stock, stock)
        if new_cost and not isinstance(cost, drafts.Unsaid):
            sku.cost = cost
        if stock is not None and new_stock:
            sku.stock, sku.stock_as_of, sku.stock_synced_at = stock, now, None
        if new_cost or new_stock:
            touched.append(sku)
    if touched:
        Sku.objects.bulk_update(touched, ["cost", "stock", "stock_as_of", "stock_synced_at"])
    if not read.new_skus:
        return
    last = max((sku.position for sku in skus.values()), default=-1)
    made = [
        Sku(
            store=store, listing=listing, code=row.code, position=last + 1 + index, sale_price=row.sale_price,
            currency=row.currency, cost=row.cost, stock=row.stock, stock_as_of=now,
        )
        for index, row in enumerate(read.new_skus)
    ]  # fmt: skip
    try:
        with transaction.atomic():
            Sku.objects.bulk_create(made)
    except IntegrityError as error:
        raise InvalidInput(_("The listing has mistakes; nothing was saved."), taken(store, read)) from error
    for sku in made:
        skus[sku.code] = sku
        ledger.note(f"{sku.code}.sale_price", None, sku.sale_price)
    first = [prices.PriceChange(sku.pk, listing.pk, sku.code, None, sku.sale_price) for sku in made]
    ledger.prices += first


def _finish(
    store: Store,
    listing: Listing,
    codes: list[str],
    read: Changes,
    ledger: _Ledger,
    *,
    source: ChangeSource,
    actor: Actor,
    now: datetime,
) -> None:
    changed = [change for change in ledger.prices if change.before is not None]
    if changed:
        prices.write(store, changed, source=source, actor=actor, now=now)
    added = [change for change in ledger.prices if change.before is None]
    if added:
        prices.write(store, added, source=source, actor=actor, now=now, new=True)
    listing.version += 1
    listing.updated_at = now
    listing.search_terms = listing_terms(
        [listing.title, *listing.titles.values()], codes, listing.brand.name if listing.brand else ""
    )
    listing.save()
    listings_changed.send(Listing, store_id=store.pk, listing_ids=[listing.pk], now=now)
    entry = Entry(
        action="listing.edit",
        target=target_of(store, listing),
        before=ledger.before,
        after=ledger.after | {"source": str(source)},
        right="listings.edit" if read.edits else "listings.price",
    )
    record(entry, actor=actor, now=now)
