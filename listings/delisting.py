"""Taking listings off sale (下架): at once, or gradually: stock to zero now, delisted a day later (R113, R114, R164)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

import policies
from accounts.models import Store
from audit.actors import Actor, system
from audit.record import Entry, Target, record_many
from audit.verbs import about, verb
from core.errors import FieldError, InvalidInput
from listings import fields
from listings.gates import ensure_may
from listings.models import Listing, ListingState, Sku
from listings.outcome import Outcome, Refused
from listings.signals import listings_changed
from listings.states import sources
from policies.rules import ListingRules


class DelistReason(models.TextChoices):
    """Why goods are taken off (R114)."""

    STOCK = "stock", gettext_lazy("Stock short")
    SLOW = "slow", gettext_lazy("Slow seller")
    POLICY = "policy", gettext_lazy("Policy change")
    SEASON = "season", pgettext_lazy("delisting", "Season")


class DelistMode(models.TextChoices):
    """How fast (R164)."""

    NOW = "now", gettext_lazy("At once")
    GRADUAL = "gradual", gettext_lazy("Set stock to zero, delist later")


@verb("listing.delist", right="listings.delist")
def delist(store: Store, ids: Sequence[int], *, reason: str, mode: str, actor: Actor, now: datetime) -> Outcome:
    """Take up to `delist_per_call` listings off sale. `reason`: stock, slow, policy, season; `mode`: now, gradual.

    Gradual sets the stock of their SKUs to zero now and delists them `gradual_delist_hours` later, by the sweep. A listing that is not on
    sale is refused and stops no other; one that is off already is applied and changes nothing. Raises InvalidInput for a wrong reason,
    mode or list.
    """
    about(Target("store", store.slug, store.name, store.pk, store.name), reason=str(reason)[:40])
    ensure_may(store, "delist", actor=actor, now=now)
    rules = policies.active(ListingRules, now)
    wanted = _checked(ids, reason, mode, rules)
    rows = Listing.objects.filter(store=store, pk__in=wanted).select_for_update(of=("self",), no_key=True)
    found = {row.pk: row for row in rows.order_by("id").only("id", "store_id", "state", "title")}
    target = ListingState.DELISTED if mode == DelistMode.NOW else ListingState.DELISTING
    outcome = Outcome()
    moving: list[Listing] = []
    for listing_id in wanted:
        row = found.get(listing_id)
        if row is None:
            words = _("This store has no such listing.")
            outcome.rejected.append(Refused("id", listing_id, "ERR_LISTING_UNKNOWN", words))
        elif row.state in (target, ListingState.DELISTED):
            outcome.applied += 1
            outcome.unchanged += 1
        elif row.state in sources(Listing, target):
            outcome.applied += 1
            moving.append(row)
        else:
            words = _("Only a listing that is on sale can be taken off; this one is: %(state)s.")
            words = words % {"state": row.get_state_display()}
            outcome.rejected.append(Refused("id", listing_id, "ERR_LISTING_STATE", words))
    outcome.listing_ids = [row.pk for row in moving]
    ensure_may(store, "delist", actor=actor, now=now, listings=len(moving))
    if moving:
        due = now + timedelta(hours=rules.gradual_delist_hours) if target == ListingState.DELISTING else None
        units = _empty_shelves(outcome.listing_ids, now) if due else {}
        _move(outcome.listing_ids, target, due, now)
        listings_changed.send(Listing, store_id=store.pk, listing_ids=outcome.listing_ids, now=now)
        entries = [
            Entry(
                action="listing.delist",
                target=Target("listing", str(row.pk), row.title, store.pk, store.name),
                before={"state": row.state} | ({"stock": units.get(row.pk, 0)} if due else {}),
                after={"state": str(target)} | ({"stock": 0, "delist_at": due} if due else {}),
                reason=reason,
                right="listings.delist",
            )
            for row in moving
        ]
        record_many(entries, actor=actor, now=now)
    return outcome


def _checked(ids: object, reason: str, mode: str, rules: ListingRules) -> list[int]:
    errors = [
        found
        for found in (
            fields.choice(reason, "reason", DelistReason.values, "ERR_DELIST_REASON"),
            fields.choice(mode, "mode", DelistMode.values, "ERR_DELIST_MODE"),
        )
        if isinstance(found, FieldError)
    ]
    wanted: dict[int, None] = {}
    if not isinstance(ids, Sequence) or isinstance(ids, str) or not ids:
        errors.append(FieldError("ids", "ERR_TYPE", _("This must be a list of listing ids.")))
    elif len(ids) > rules.delist_per_call:
        most = {"most": rules.delist_per_call}
        errors.append(FieldError("ids", "ERR_ROWS_LIMIT", _("At most %(most)s listings in one call.") % most))
    else:
        for index, value in enumerate(ids):
            if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
                errors.append(FieldError(f"ids.{index}", "ERR_TYPE", _("This must be the id of a listing.")))
            else:
                wanted[value] = None
    if errors:
        raise InvalidInput(_("The listings cannot be taken off."), errors)
    return list(wanted)


def _empty_shelves(listing_ids: Sequence[int], now: datetime) -> dict[int, int]:
    """Set the stock of these listings to zero; answers the units each had."""
    units: dict[int, int] = {}
    skus = Sku.objects.filter(listing_id__in=listing_ids).select_for_update(of=("self",), no_key=True).order_by("id")
    for listing_id, stock in skus.values_list("listing_id", "stock"):
        units[listing_id] = units.get(listing_id, 0) + stock
    Sku.objects.filter(listing_id__in=listing_ids).update(stock=0, stock_as_of=now, stock_synced_at=None)
    return units


def _move(listing_ids: Sequence[int], target: str, due: datetime | None, now: datetime) -> None:
    Listing.objects.filter(pk__in=listing_ids, state__in=sources(Listing, target)).update(
        state=target, delist_at=due, version=models.F("version") + 1, updated_at=now
    )


_DUE = """
    WITH due AS (
        SELECT id, state FROM listings_listing WHERE state = 'delisting' AND delist_at <= %(now)s
        ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE listings_listing AS l SET state = 'delisted', delist_at = NULL, version = l.version + 1, updated_at = %(now)s
    FROM due, accounts_store AS s WHERE l.id = due.id AND s.id = l.store_id
    RETURNING l.id, l.title, l.store_id, s.name
"""


def finish_due(*, limit: int, now: datetime) -> int:
    """Delist what was emptied long enough ago, over all stores; the caller opens the transaction and the scope. Answers how many.

    Rows that another sweep holds are skipped; two sweeps at once do nothing twice.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"now": now, "limit": limit})
        rows = cursor.fetchall()
    by_store: dict[int, list[int]] = {}
    entries = []
    for listing_id, title, store_id, label in rows:
        by_store.setdefault(store_id, []).append(listing_id)
        entries.append(
            Entry(
                action="listing.delist",
                target=Target("listing", str(listing_id), title, store_id, label),
                before={"state": ListingState.DELISTING.value},
                after={"state": ListingState.DELISTED.value},
            )
        )
    record_many(entries, actor=system("system:delisting"), now=now)
    for store_id, ids in by_store.items():
        listings_changed.send(Listing, store_id=store_id, listing_ids=sorted(ids), now=now)
    return len(rows)
