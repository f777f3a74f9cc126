"""Stores: opened by platform staff, their account state set by platform staff, their settings by the store (R24, R136, R171)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.translation import gettext_lazy as _

from accounts import people
from accounts.models import AccountState, Entity, Kyc, Membership, Store
from accounts.rights import check, check_staff
from accounts.signals import SiteDraft, facts, store_created
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core import money, zones
from core.errors import FieldError, InvalidInput, NotFound, VersionConflict
from core.scopes import in_store

_SLUG = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")
_CHOICES: dict[str, tuple[str, ...]] = {
    "account_state": tuple(AccountState.values),
    "kyc": tuple(Kyc.values),
    "entity": tuple(Entity.values),
}


def target_of(store: Store) -> Target:
    """A store as the object of an event."""
    return Target("store", store.slug, store.name, store.pk, store.name)


def find(slug: str) -> Store:
    """A store by its slug. Raises NotFound."""
    store = Store.objects.filter(slug=slug).first()
    if store is None:
        raise NotFound(_("No such store."))
    return store


def stores_of(user_id: int) -> QuerySet[Store]:
    """The stores a person is an active member of, by name."""
    return Store.objects.filter(memberships__user_id=user_id, memberships__is_active=True).order_by("name", "id")


def owners_of(store: Store) -> list[str]:
    """E-mails of the store's owners, for platform staff."""
    rows = Membership.objects.filter(store=store, is_owner=True, is_active=True).order_by("id")
    return list(rows.values_list("user__email", flat=True))


def state_of(store: Store) -> dict[str, Any]:
    """What platform staff see and set: account state, KYC, entity, and the facts of upper rooms (decoration_waived …)."""
    own = {"account_state": str(store.account_state), "kyc": str(store.kyc), "entity": str(store.entity)}
    with in_store(store.pk):
        return own | {key: fact.read(store) for key, fact in facts().items()}


@verb("store.create")
def create_store(
    *,
    slug: str,
    name: str,
    owner_email: str,
    entity: str = Entity.COMPANY,
    sites: Sequence[SiteDraft] = (),
    name_zh: str = "",
    owner_name: str = "",
    currency: str = "",
    time_zone: str = "Asia/Shanghai",
    actor: Actor,
    now: datetime,
) -> Store:
    """Open a store with its owner and its language sites; KYC starts as not done, the account as normal.

    The owner is made without a password if unknown, and is a member at once. `currency` defaults to the first site's, else USD.
    By platform staff. Raises InvalidInput with every broken field: slug (2-40 lower-case letters, digits, hyphens; free), name, entity,
    owner_email, currency, time_zone, sites.
    """
    check_staff(actor)
    wanted = {
        "slug": slug.strip().lower(),
        "name": name.strip(),
        "name_zh": name_zh.strip(),
        "entity": str(entity),
        "currency": (currency or (sites[0].currency if sites else "USD")).upper(),
        "time_zone": time_zone,
    }
    errors = _broken(wanted)
    if _is_shadowed(wanted["slug"]):
        errors.append(FieldError("slug", "ERR_SLUG_TAKEN", _("A page of the platform has this name.")))
    elif Store.objects.filter(slug=wanted["slug"]).exists():
        errors.append(FieldError("slug", "ERR_SLUG_TAKEN", _("Another store has this short name.")))
    try:
        owner, made = people.find_or_make(owner_email, actor=actor, now=now, name=owner_name)
    except InvalidInput as error:
        errors += [FieldError("owner_email", item.code, item.message) for item in error.errors]
    if errors:
        raise InvalidInput(_("The store was not opened: please put right what is marked."), errors)
    try:
        with transaction.atomic():
            store = Store.objects.create(**wanted, opened_at=now)
    except IntegrityError:  # somebody took it since we looked
        taken = FieldError("slug", "ERR_SLUG_TAKEN", _("Another store has this short name."))
        raise InvalidInput(_("The store was not opened: please put right what is marked."), [taken]) from None
    Membership.objects.create(store=store, user=owner, is_owner=True)
    with in_store(store.pk):
        store_created.send(Store, store=store, sites=list(sites), actor=actor, now=now)
    after = wanted | {
        "owner": people.target_of(owner).object_label,
        "owner_made": made,
        "sites": [site.code for site in sites],
    }
    record(Entry(action="store.create", target=target_of(store), after=after), actor=actor, now=now)
    return store


def _broken(wanted: Mapping[str, str]) -> list[FieldError]:
    """Every broken one of a store's own fields; fields that are not there are not looked at."""
    errors: list[FieldError] = []

    def wrong(name: str, message: Any) -> None:
        errors.append(FieldError(name, "ERR_INVALID", message))

    if "slug" in wanted and not (_SLUG.match(wanted["slug"]) and len(wanted["slug"]) > 1):
        wrong("slug", _("2 to 40 lower-case letters, digits and hyphens."))
    if "name" in wanted and not 1 <= len(wanted["name"]) <= 80:
        wrong("name", _("A name of 1 to 80 characters."))
    if len(wanted.get("name_zh", "")) > 80:
        wrong("name_zh", _("At most 80 characters."))
    if "currency" in wanted and wanted["currency"] not in money.currencies():
        wrong("currency", _("A currency code of ISO 4217, such as USD."))
    if "time_zone" in wanted and wanted["time_zone"] not in zones.known():
        wrong("time_zone", _("A time zone such as Asia/Shanghai."))
    for name, choices in _CHOICES.items():
        if name in wanted and wanted[name] not in choices:
            wrong(name, _("One of: %(choices)s.") % {"choices": ", ".join(choices)})
    return errors


def _is_shadowed(slug: str) -> bool:
    """Whether the platform's page of such a store would be another page: nobody could ever set its state there."""
    try:
        return resolve(reverse("platform_store", kwargs={"slug": slug})).url_name != "platform_store"
    except NoReverseMatch:  # no slug at all, which is a fault of its own; or an installation without these pages
        return False


@verb("store.set_state")
def edit_store_state(
    slug: str, changes: Mapping[str, Any], *, version: int | None = None, reason: str = "", actor: Actor, now: datetime
) -> Store:
    """Set account_state, kyc, entity or a fact of an upper room (decoration_waived). By platform staff.

    Raises NotFound, InvalidInput (unknown field or value), VersionConflict. What does not change is not recorded.
    """
    check_staff(actor)
    store = Store.objects.select_for_update(no_key=True).filter(slug=slug).first()
    if store is None:
        raise NotFound(_("No such store."))
    about(target_of(store), reason=reason)
    kept = facts()
    unknown = [key for key in changes if key not in _CHOICES and key not in kept]
    if unknown:
        errors = [FieldError(key, "ERR_INVALID", _("This field is unknown.")) for key in unknown]
        raise InvalidInput(_("Nothing was changed: please put right what is marked."), errors)
    own = {key: str(value) for key, value in changes.items() if key in _CHOICES}
    if errors := _broken(own):
        raise InvalidInput(_("Nothing was changed: please put right what is marked."), errors)
    _check_version(store, version)
    before = state_of(store)
    for key, value in own.items():
        setattr(store, key, value)
    with in_store(store.pk):
        for key, value in changes.items():
            if key in kept:
                kept[key].write(store, value, now)
    _save(
        store, before, state_of(store), "store.set_state", reason=reason, right="platform_staff", actor=actor, now=now
    )
    return store


@verb("store.edit", right="settings.manage")
def edit_store(
    store: Store, changes: Mapping[str, str], *, version: int | None = None, actor: Actor, now: datetime
) -> Store:
    """Set name, name_zh or time_zone. Right `settings.manage`. Raises InvalidInput, VersionConflict."""
    about(target_of(store))
    check(actor, store, "settings.manage", now=now)
    fresh = Store.objects.select_for_update(no_key=True).get(pk=store.pk)
    fields = ("name", "name_zh", "time_zone")
    wanted = {key: str(value).strip() for key, value in changes.items()}
    errors = [FieldError(key, "ERR_INVALID", _("This field is unknown.")) for key in wanted if key not in fields]
    if errors := errors + _broken(wanted):
        raise InvalidInput(_("Nothing was changed: please put right what is marked."), errors)
    _check_version(fresh, version)
    before = {key: getattr(fresh, key) for key in fields}
    for key, value in wanted.items():
        setattr(fresh, key, value)
    after = {key: getattr(fresh, key) for key in fields}
    _save(fresh, before, after, "store.edit", right="settings.manage", actor=actor, now=now)
    return fresh


def _check_version(store: Store, version: int | None) -> None:
    if version is not None and version != store.version:
        current = {"slug": store.slug, "version": store.version} | state_of(store)
        raise VersionConflict(_("The store was changed meanwhile; look at it again."), current)


def _save(
    store: Store,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    action: str,
    *,
    right: str,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    changed = [key for key in after if before.get(key) != after[key]]
    if not changed:
        return
    store.version += 1
    store.save()
    entry = Entry(
        action=action,
        target=target_of(store),
        before={key: before.get(key) for key in changed},
        after={key: after[key] for key in changed},
        reason=reason,
        right=right,
    )
    record(entry, actor=actor, now=now)
