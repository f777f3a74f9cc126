"""Who works in a store, and what they may do there (R132, R133).

Only the owner lends rights, and has them all, so nobody lends what they lack. `staff.manage` adds and removes people and takes rights
back. The last owner cannot go. Every change holds locks on the store's owners and the member, in id order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import people, tokens
from accounts.models import Grant, Membership, Store, User
from accounts.requests import label_for_record
from accounts.rights import ALL_RIGHTS, MAX_LISTINGS, MAX_PERCENT_OFF, check, check_owner, check_staff
from accounts.signals import main_account_named, member_removed
from accounts.switching import checked_reason
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core import outbox
from core.errors import Conflict, FieldError, InvalidInput, NotFound, Text, VersionConflict


@dataclass(frozen=True, slots=True)
class Loan:
    """A right to lend: until `expires_at` (None: without end), up to the caps (None: without bound)."""

    right: str
    expires_at: datetime | None = None
    max_listings: int | None = None
    max_percent_off: int | None = None


def members_of(store: Store) -> QuerySet[Membership]:
    """Active members with their grants, owners first: two queries whatever their number."""
    grants = Prefetch("grants", queryset=Grant.objects.select_related("granted_by").order_by("right"))
    return (
        Membership.objects.filter(store=store, is_active=True)
        .select_related("user")
        .prefetch_related(grants)
        .order_by("-is_owner", "id")
    )


def _target(store: Store, user: User) -> Target:
    return Target("member", str(user.pk), label_for_record(user), store.pk, store.name)


def _locked(store: Store, user_id: int) -> tuple[Membership, list[Membership]]:
    """The active membership and the store's active owners, locked in id order. Raises NotFound."""
    rows = list(
        Membership.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user")
        .filter(Q(user_id=user_id) | Q(is_owner=True), store=store, is_active=True)
        .order_by("id")
    )
    found = next((row for row in rows if row.user_id == user_id), None)
    if found is None:
        raise NotFound(_("No such member of this store."))
    return found, [row for row in rows if row.is_owner and row.user.is_active]


@verb("member.add", right="staff.manage")
def add_member(store: Store, email: str, *, name: str = "", actor: Actor, now: datetime) -> Membership:
    """Make a person a member without any right, and known if unknown; they are invited by e-mail to set a password.

    Right `staff.manage`. Somebody who was removed comes back without the old rights. Raises InvalidInput (e-mail) and Conflict
    ERR_MEMBER_ALREADY.
    """
    about(Target("store", store.slug, store.name, store.pk, store.name))
    check(actor, store, "staff.manage", now=now)
    user, _made = people.find_or_make(email, actor=actor, now=now, name=name)
    about(_target(store, user))
    membership, created = Membership.objects.select_for_update(of=("self",), no_key=True).get_or_create(
        store=store, user=user, defaults={"created_at": now}
    )
    if not created and membership.is_active:
        raise Conflict("ERR_MEMBER_ALREADY", _("This person is a member of the store already."))
    if not created:
        membership.is_active, membership.is_owner = True, False
        membership.save(update_fields=["is_active", "is_owner"])
        membership.grants.all().delete()
    entry = Entry(action="member.add", target=_target(store, user), right="staff.manage")
    record(entry, actor=actor, now=now, personal={"email": user.email})
    invited = {"store": store.pk, "user": user.pk, "language": get_language() or ""}
    outbox.put("accounts.invitation", invited, store_id=store.pk)
    return membership


@verb("member.remove", right="staff.manage")
def remove_member(store: Store, user_id: int, *, actor: Actor, now: datetime) -> Membership:
    """End a membership: its rights and API tokens die at once. Right `staff.manage`; an owner only by an owner.

    Raises NotFound and Conflict ERR_LAST_OWNER.
    """
    membership, owners = _locked(store, user_id)
    about(_target(store, membership.user))
    check(actor, store, "staff.manage", now=now)
    if membership.is_owner:
        check_owner(actor, store)
        _keep_one(owners, membership)
    before = {"owner": membership.is_owner, "rights": sorted(membership.grants.values_list("right", flat=True))}
    membership.grants.all().delete()
    membership.is_active = membership.is_owner = False
    membership.save(update_fields=["is_active", "is_owner"])
    ended = tokens.revoke_all(store, membership.user, now=now)
    member_removed.send(Membership, store=store, user=membership.user, actor=actor, now=now)
    entry = Entry(
        action="member.remove",
        target=_target(store, membership.user),
        before=before,
        after={"tokens_revoked": ended},
        right="staff.manage",
    )
    record(entry, actor=actor, now=now)
    return membership


def _keep_one(owners: Sequence[Membership], leaving: Membership) -> None:
    if not [owner for owner in owners if owner.pk != leaving.pk]:
        raise Conflict(
            "ERR_LAST_OWNER", _("This is the only main account of the store. Make somebody else a main account first.")
        )


@verb("member.set_owner", right="owner")
def set_owner(
    store: Store, user_id: int, is_owner: bool, *, reason: str = "", actor: Actor, now: datetime
) -> Membership:
    """Make a member a main account, or end that. By an owner; platform staff name one only where the store has none left.

    Platform staff give a reason, name nobody who is switched off and never themselves; the store is told. Raises NotFound,
    PermissionRefused, InvalidInput without that reason, Conflict ERR_LAST_OWNER, ERR_OWNER_OFF or ERR_OWNER_SELF. Who is no owner any
    more keeps no right.
    """
    membership, owners = _locked(store, user_id)
    about(_target(store, membership.user), reason=reason)
    by_staff = actor.staff and is_owner and not owners
    if by_staff:
        check_staff(actor)
        reason = checked_reason(reason)
        _check_named(membership.user, actor)
    else:
        check_owner(actor, store)
    if membership.is_owner == is_owner:
        return membership
    if not is_owner:
        _keep_one(owners, membership)
    membership.is_owner = is_owner
    membership.save(update_fields=["is_owner"])
    membership.grants.all().delete()
    entry = Entry(
        action="member.set_owner",
        target=_target(store, membership.user),
        before={"owner": not is_owner},
        after={"owner": is_owner},
        reason=reason,
        right="platform_staff" if by_staff else "owner",
    )
    record(entry, actor=actor, now=now)
    if by_staff:
        main_account_named.send(Membership, store=store, user=membership.user, reason=reason, now=now)
    return membership


def _check_named(user: User, actor: Actor) -> None:
    if not user.is_active:
        raise Conflict("ERR_OWNER_OFF", _("This account is switched off. Switch it on first, or name somebody else."))
    if user.pk == actor.id:
        raise Conflict("ERR_OWNER_SELF", _("Platform staff name nobody but others. A colleague has to do this."))


def in_need(store: Store) -> bool:
    """Whether a store has no main account that is switched on, so that platform staff may name one (one query)."""
    working = Membership.objects.filter(store=store, is_active=True, is_owner=True, user__is_active=True)
    return not working.exists()


def _terms(grant: Grant | Loan | None) -> dict[str, Any]:
    """A grant as the record shows it; empty for none."""
    if grant is None:
        return {}
    caps = {MAX_LISTINGS: grant.max_listings, MAX_PERCENT_OFF: grant.max_percent_off}
    return {
        "right": grant.right,
        "expires_at": grant.expires_at,
        **{key: cap for key, cap in caps.items() if cap is not None},
    }


def _lapsed(grant: Grant, now: datetime) -> bool:
    return grant.expires_at is not None and grant.expires_at <= now


def _check_terms(loan: Loan, now: datetime) -> None:
    right = ALL_RIGHTS.get(loan.right)
    errors: list[FieldError] = []

    def wrong(field: str, code: str, message: Text) -> None:
        errors.append(FieldError(field, code, message))

    if right is None:
        wrong("right", "ERR_RIGHT_UNKNOWN", _("There is no such right."))
    if loan.expires_at is not None and loan.expires_at <= now:
        wrong("expires_at", "ERR_GRANT_EXPIRY", _("A right can be lent only until a moment in the future."))
    limits = ((MAX_LISTINGS, loan.max_listings, 10_000_000), (MAX_PERCENT_OFF, loan.max_percent_off, 100))
    for name, cap, top in limits:
        if cap is None:
            continue
        if right is not None and name not in right.caps:
            wrong(name, "ERR_GRANT_CAP_UNUSED", _("This right knows no such upper limit."))
        elif not 1 <= cap <= top:
            wrong(name, "ERR_GRANT_CAP_RANGE", _("An upper limit from 1 to %(top)s.") % {"top": top})
    if errors:
        raise InvalidInput(_("The right was not lent: please put right what is marked."), errors)


@verb("right.lend", right="owner")
def lend_right(
    store: Store,
    user_id: int,
    right: str,
    *,
    expires_at: datetime | None = None,
    max_listings: int | None = None,
    max_percent_off: int | None = None,
    actor: Actor,
    now: datetime,
) -> Grant:
    """Lend a right to a member until `expires_at` (None: without end) and up to the caps; lending again changes the terms.

    Only by an owner. Raises NotFound, PermissionRefused, InvalidInput, and Conflict ERR_MEMBER_OWNER for a main account, which has
    every right already.
    """
    membership, _owners = _locked(store, user_id)
    about(_target(store, membership.user))
    check_owner(actor, store)
    loan = Loan(right, expires_at, max_listings, max_percent_off)
    _check_terms(loan, now)
    if membership.is_owner:
        raise Conflict("ERR_MEMBER_OWNER", _("A main account has every right already."))
    known = (
        Grant.objects.select_for_update(of=("self",), no_key=True).filter(membership=membership, right=right).first()
    )
    before = _terms(known)
    if before == _terms(loan) and known is not None:
        return known
    values = {
        "expires_at": expires_at,
        "max_listings": max_listings,
        "max_percent_off": max_percent_off,
        "granted_by_id": actor.id,
        "created_at": now,
    }
    grant, _made = Grant.objects.update_or_create(membership=membership, right=right, defaults=values)
    entry = Entry(
        action="right.lend", target=_target(store, membership.user), before=before, after=_terms(grant), right="owner"
    )
    record(entry, actor=actor, now=now)
    return grant


@verb("right.revoke", right="staff.manage")
def revoke_right(store: Store, user_id: int, right: str, *, actor: Actor, now: datetime) -> bool:
    """Take a lent right back: it is refused from the next request on. Right `staff.manage`. Answers False when there was none."""
    membership, _owners = _locked(store, user_id)
    about(_target(store, membership.user))
    check(actor, store, "staff.manage", now=now)
    grant = (
        Grant.objects.select_for_update(of=("self",), no_key=True).filter(membership=membership, right=right).first()
    )
    if grant is None:
        return False
    before = _terms(grant)
    grant.delete()
    entry = Entry(action="right.revoke", target=_target(store, membership.user), before=before, right="staff.manage")
    record(entry, actor=actor, now=now)
    return True


def mark_of(grants: Iterable[Grant]) -> str:
    """A digest of what a person holds, to notice that somebody else changed it meanwhile."""
    terms = sorted((g.right, str(g.expires_at), g.max_listings, g.max_percent_off) for g in grants)
    return hashlib.sha256(repr(terms).encode()).hexdigest()[:16]


@verb("right.set", right="owner")
def set_rights(
    store: Store, user_id: int, loans: Sequence[Loan], *, seen: str | None = None, actor: Actor, now: datetime
) -> tuple[int, int]:
    """Make a member's live rights exactly `loans`: lends, changes terms and takes back, all or nothing; answers (lent, taken back).

    Who only has `staff.manage` may take back, not lend. `seen` is `mark_of` the live rights that the actor looked at: when they are
    others by now, VersionConflict, so that a right taken back meanwhile is not lent anew by accident.
    """
    membership, _owners = _locked(store, user_id)
    about(_target(store, membership.user))
    if membership.is_owner:
        raise Conflict("ERR_MEMBER_OWNER", _("A main account has every right already."))
    held = {grant.right: grant for grant in membership.grants.all()}
    live = [grant for grant in held.values() if not _lapsed(grant, now)]
    if seen is not None and seen != mark_of(live):
        words = _("Somebody else changed these rights meanwhile. Look again before you save.")
        raise VersionConflict(words, {"rights": sorted(grant.right for grant in live)})
    wanted = {loan.right: loan for loan in loans}
    lent = [loan for loan in wanted.values() if _terms(held.get(loan.right)) != _terms(loan)]
    gone = [right for right, grant in held.items() if right not in wanted and not _lapsed(grant, now)]
    for loan in lent:
        lend_right(
            store,
            user_id,
            loan.right,
            expires_at=loan.expires_at,
            max_listings=loan.max_listings,
            max_percent_off=loan.max_percent_off,
            actor=actor,
            now=now,
        )
    for right in gone:
        revoke_right(store, user_id, right, actor=actor, now=now)
    return len(lent), len(gone)
