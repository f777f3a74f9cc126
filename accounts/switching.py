"""People switched off and on again (`is_active`): by the main account of the stores they work in, or by platform staff.

Off means: every session is over from the next request on, API tokens are revoked for good, lent rights count for nothing. The loans stay,
and hold again when the person is switched on; sessions and tokens do not come back. A main account decides only about
people who work in its own stores and nowhere else, and takes back only what those did: one merchant never shuts another's colleague out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import people
from accounts.models import ApiToken, Membership, Store, User
from accounts.requests import label_for_record
from accounts.rights import check_owner, check_staff
from accounts.signals import person_switched
from audit.actors import Actor
from audit.record import Entry, Target, record, record_many
from audit.verbs import about, verb
from core.errors import Conflict, FieldError, InvalidInput, NotFound

REASON = 300
"""Characters of a reason; it is told to stores in a message, so it is no essay."""


def checked_reason(reason: str) -> str:
    """A reason in its stored form. Raises InvalidInput when there is none, or too much of it."""
    said = reason.strip()
    if 1 <= len(said) <= REASON:
        return said
    message = _("Say why, in at most %(most)s characters.") % {"most": REASON}
    raise InvalidInput(message, [FieldError("reason", "ERR_INVALID", message)])


def _locked(user_id: int) -> tuple[User, list[User]]:
    """The person and the active platform staff, locked in id order, so that two cannot switch each other off. Raises NotFound."""
    rows = list(
        User.objects.select_for_update(no_key=True)
        .filter(Q(pk=user_id) | Q(is_platform_staff=True, is_active=True))
        .order_by("id")
    )
    found = next((row for row in rows if row.pk == user_id), None)
    if found is None:
        raise NotFound(_("No such person."))
    return found, [row for row in rows if row.is_platform_staff and row.is_active]


def _member(store: Store, user_id: int) -> tuple[User, Membership]:
    """A person and their membership of a store, locked; no query tells whether somebody else's person exists. Raises NotFound."""
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    membership = (
        Membership.objects.select_for_update(of=("self",), no_key=True)
        .filter(store=store, user_id=user_id, is_active=True)
        .first()
    )
    if user is None or membership is None:
        raise NotFound(_("No such member of this store."))
    return user, membership


def is_beyond(user: User, main: int | None) -> bool:
    """Whether the account is used where the person `main` has no say: by platform staff, as a main account, or in a store of which
    `main` is no main account (at most one query)."""
    return user.is_platform_staff or _places(user).exclude(is_owner=False, store__in=_owned_by(main)).exists()


def may_switch_on(user: User, main: int | None) -> bool:
    """Whether a store of which `main` is a main account switched the person off (at most one query)."""
    if user.is_active or user.switched_off_in_id is None:
        return False
    return _owned_by(main).filter(pk=user.switched_off_in_id).exists()


def places_of(user: User) -> list[Store]:
    """The stores a person works in, by name (one query)."""
    return list(Store.objects.filter(pk__in=_places(user).values("store")).order_by("name", "id"))


def _places(user: User) -> QuerySet[Membership]:
    return Membership.objects.filter(user=user, is_active=True)


def _owned_by(person: int | None) -> QuerySet[Store]:
    own = {"memberships__user_id": person or 0, "memberships__is_owner": True, "memberships__is_active": True}
    return Store.objects.filter(**own)


def _at(store: Store, user: User) -> Target:
    return Target("member", str(user.pk), label_for_record(user), store.pk, store.name)


def _not_oneself(user: User, actor: Actor) -> None:
    if actor.id == user.pk:
        raise Conflict("ERR_SWITCH_SELF", _("Nobody switches their own account off. Somebody else has to do it."))


def _off(entry: Entry, user: User, store: Store | None, actor: Actor, now: datetime) -> Entry:
    """Off, by `store` or by the platform: sessions and tokens end with it, and stay ended."""
    before = {"switched_on": user.is_active}
    user.is_active, user.switched_off_in = False, store
    user.sessions_epoch = F("sessions_epoch") + 1
    user.save(update_fields=["is_active", "switched_off_in", "sessions_epoch"])
    user.refresh_from_db(fields=["sessions_epoch"])
    ended = ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=now)
    told = replace(entry, before=before, after={"switched_on": False, "tokens_revoked": ended})
    record(told, actor=actor, now=now)
    return told


def _on(entry: Entry, user: User, actor: Actor, now: datetime) -> Entry:
    user.is_active, user.switched_off_in = True, None
    user.save(update_fields=["is_active", "switched_off_in"])
    told = replace(entry, before={"switched_on": False}, after={"switched_on": True})
    record(told, actor=actor, now=now)
    return told


def _tell_elsewhere(entry: Entry, user: User, actor: Actor, now: datetime) -> None:
    """The same entry in the record of the person's other stores, whose colleague it is too."""
    others = [store for store in places_of(user) if store.pk != entry.target.store_id]
    record_many([replace(entry, target=_at(store, user)) for store in others], actor=actor, now=now)


@verb("member.switch_off", right="owner")
def switch_off_member(store: Store, user_id: int, *, reason: str, actor: Actor, now: datetime) -> User:
    """Switch a sub-account off; ends its sessions and API tokens at once. By the store's main account.

    Raises NotFound, PermissionRefused, InvalidInput without a reason, Conflict ERR_SWITCH_SELF, ERR_SWITCH_OWNER, or ERR_SWITCH_BEYOND
    for somebody who works where the actor is no main account. Somebody who is off already stays as they are.
    """
    user, membership = _member(store, user_id)
    about(_at(store, user), reason=reason)
    check_owner(actor, store)
    said = checked_reason(reason)
    _not_oneself(user, actor)
    if membership.is_owner:
        raise Conflict(
            "ERR_SWITCH_OWNER",
            _("A main account is not switched off by its store. End the main account first, or ask platform staff."),
        )
    if is_beyond(user, actor.id):
        raise Conflict(
            "ERR_SWITCH_BEYOND",
            _(
                "This account is used where you are no main account, so only platform staff switch it off. You can remove it here."
            ),
        )
    if user.is_active:
        entry = Entry("member.switch_off", _at(store, user), reason=said, right="owner")
        _tell_elsewhere(_off(entry, user, store, actor, now), user, actor, now)
    return user


@verb("member.switch_on", right="owner")
def switch_on_member(store: Store, user_id: int, *, reason: str, actor: Actor, now: datetime) -> User:
    """Switch on a sub-account that this store, or another of the actor's, switched off; its loans hold again. By the store's main account.

    Raises NotFound, PermissionRefused, InvalidInput without a reason, and Conflict ERR_SWITCH_FOREIGN for what others switched off.
    """
    user, _membership = _member(store, user_id)
    about(_at(store, user), reason=reason)
    check_owner(actor, store)
    said = checked_reason(reason)
    if user.is_active:
        return user
    if not may_switch_on(user, actor.id):
        raise Conflict(
            "ERR_SWITCH_FOREIGN", _("Your store did not switch this account off. Ask platform staff to switch it on.")
        )
    entry = Entry("member.switch_on", _at(store, user), reason=said, right="owner")
    _tell_elsewhere(_on(entry, user, actor, now), user, actor, now)
    return user


@verb("user.switch_off")
def switch_off(user_id: int, *, reason: str, actor: Actor, now: datetime) -> User:
    """Switch any account off, main accounts and platform staff too; ends its sessions and API tokens at once, and tells its stores.

    By platform staff, or the system (a command on the server). Raises NotFound, PermissionRefused, InvalidInput without a reason,
    Conflict ERR_SWITCH_SELF, or ERR_SWITCH_LAST_STAFF for the last active platform staff. What a store switched off becomes theirs:
    the store cannot switch it on any more.
    """
    user, staff = _locked(user_id)
    about(people.target_of(user), reason=reason)
    check_staff(actor)
    said = checked_reason(reason)
    _not_oneself(user, actor)
    if [person.pk for person in staff] == [user.pk]:
        raise Conflict(
            "ERR_SWITCH_LAST_STAFF",
            _("This is the last active platform staff. Make somebody else platform staff first."),
        )
    if user.is_active or user.switched_off_in_id is not None:
        entry = Entry("user.switch_off", people.target_of(user), reason=said, right="platform_staff")
        _off(entry, user, None, actor, now)
        person_switched.send(User, user=user, on=False, reason=said, now=now)
    return user


@verb("user.switch_on")
def switch_on(user_id: int, *, reason: str, actor: Actor, now: datetime) -> User:
    """Switch any account on; its loans hold again, sessions and API tokens do not come back. By platform staff, or the system.

    Raises NotFound, PermissionRefused, InvalidInput without a reason, and Conflict ERR_PERSON_ERASED for somebody who was erased.
    """
    user, _staff = _locked(user_id)
    about(people.target_of(user), reason=reason)
    check_staff(actor)
    said = checked_reason(reason)
    if user.erased_at is not None:
        raise Conflict("ERR_PERSON_ERASED", _("This person was erased: there is nobody to switch on."))
    if not user.is_active:
        _on(Entry("user.switch_on", people.target_of(user), reason=said, right="platform_staff"), user, actor, now)
        person_switched.send(User, user=user, on=True, reason=said, now=now)
    return user
