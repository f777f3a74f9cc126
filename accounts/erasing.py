"""Erasing a person: the account loses name, e-mail and password, the audit log its personal values; the entries stay (R193)."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, Grant, Membership, User
from accounts.rights import check_staff
from accounts.switching import checked_reason
from audit.actors import Actor
from audit.erasure import erase_personal_values
from audit.record import Entry, Target, record, record_many
from audit.verbs import about, verb
from core import display
from core.errors import Conflict, FieldError, InvalidInput, NotFound

_NOWHERE = "erased.invalid"
"""A domain that no mail ever reaches (RFC 2606); the number keeps the address unlike any other."""


@verb("user.erase")
def erase(user_id: int, *, confirm_email: str, reason: str, actor: Actor, now: datetime) -> User:
    """Erase a person for good. By platform staff, or the system; `confirm_email` is the person's e-mail, typed once more.

    Gone are e-mail, names and password of the account, its places in stores with their loans, and every personal value that the audit
    log holds of the person (`audit.erasure`). Entries stay, with the name as it was written, and so do all proofs. Raises NotFound,
    PermissionRefused, InvalidInput (a wrong e-mail, no reason), Conflict ERR_ERASE_ACTIVE, ERR_ERASE_OWNER, ERR_PERSON_ERASED.
    """
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    if user is None:
        raise NotFound(_("No such person."))
    about(Target("user", str(user.pk)), reason=reason)
    check_staff(actor)
    places = list(
        Membership.objects.select_for_update(of=("self",), no_key=True)
        .select_related("store")
        .filter(user=user, is_active=True)
        .order_by("id")
    )
    _check_possible(user, places)
    _check_typed(user, confirm_email)
    said = checked_reason(reason)
    _leave(places, actor, now)
    ended = ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=now)
    _forget(user, now)
    values = erase_personal_values(actor_id=user.pk, actor=actor, reason=said, now=now)
    after = {"values": values, "memberships": len(places), "tokens_revoked": ended}
    entry = Entry("user.erase", Target("user", str(user.pk)), after=after, reason=said, right="platform_staff")
    record(entry, actor=actor, now=now)
    return user


def _check_possible(user: User, places: list[Membership]) -> None:
    if user.erased_at is not None:
        raise Conflict("ERR_PERSON_ERASED", _("This person was erased already."))
    if user.is_active:
        raise Conflict("ERR_ERASE_ACTIVE", _("This account is switched on. Switch it off first."))
    owned = [place.store.label for place in places if place.is_owner]
    if owned:
        words = _("This person is a main account of: %(stores)s. End that first.") % {"stores": display.series(owned)}
        raise Conflict("ERR_ERASE_OWNER", words)


def _check_typed(user: User, typed: str) -> None:
    if not secrets.compare_digest(typed.strip().lower().encode("utf-8", "replace"), user.email.lower().encode()):
        message = _("This is not the e-mail of this person. Nothing was erased.")
        raise InvalidInput(message, [FieldError("confirm_email", "ERR_INVALID", message)])


def _leave(places: list[Membership], actor: Actor, now: datetime) -> None:
    """End the places in stores, with an entry in the record of each that names no one."""
    Grant.objects.filter(membership__in=places).delete()
    Membership.objects.filter(pk__in=[place.pk for place in places]).update(is_active=False)
    entries = [
        Entry(
            "member.remove",
            Target("member", str(place.user_id), "", place.store_id, place.store.name),
            before={"owner": False},
            right="platform_staff",
        )
        for place in places
    ]
    record_many(entries, actor=actor, now=now)


def _forget(user: User, now: datetime) -> None:
    user.email, user.name, user.name_zh = f"erased-{user.pk}@{_NOWHERE}", "", ""
    user.set_unusable_password()
    user.is_platform_staff = False
    user.last_store = user.switched_off_in = user.last_login = None
    user.sessions_epoch = F("sessions_epoch") + 1
    user.erased_at = now
    user.save()
    user.refresh_from_db(fields=["sessions_epoch"])
