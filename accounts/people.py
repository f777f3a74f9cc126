"""People: found or made by e-mail; platform staff."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, User
from accounts.requests import label_for_record
from accounts.rights import check_staff
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core.errors import FieldError, InvalidInput, NotFound

#: No letters or digits that look alike: people read it from a screen once.
_READABLE = "23456789abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"


def clean_email(typed: str, field: str = "email") -> str:
    """An e-mail address in its stored form: trimmed and lower case. Raises InvalidInput for anything else."""
    email = typed.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        email = ""
    if not email or len(email) > 254:
        message = _("This is no e-mail address.")
        raise InvalidInput(message, [FieldError(field, "ERR_EMAIL", message)], code="ERR_EMAIL")
    return email


def find(email: str) -> User | None:
    """The person with this e-mail, whatever its letter case."""
    return User.objects.filter(email__iexact=email.strip()).first()


def find_or_make(email: str, *, actor: Actor, now: datetime, name: str = "") -> tuple[User, bool]:
    """The person with this e-mail, made without a password if unknown; answers (user, made). For verbs, in their transaction."""
    address = clean_email(email)
    people = User.objects.select_for_update(no_key=True).filter(email__iexact=address)
    known = people.first()
    if known is not None and known.erased_at is not None:  # the number that stands in for an erased address
        message = _("This person was erased: there is nobody to add.")
        raise InvalidInput(message, [FieldError("email", "ERR_PERSON_ERASED", message)])
    if known is not None:
        return known, False
    try:
        with transaction.atomic():
            user = User.objects.create_user(address, name=name.strip()[:80])
    except IntegrityError:  # somebody made the same person since we looked
        return people.get(), False
    entry = Entry(action="user.create", target=target_of(user))
    record(entry, actor=actor, now=now, personal={"email": address})
    return user, True


def target_of(user: User) -> Target:
    """A person as the object of an event."""
    return Target("user", str(user.pk), label_for_record(user))


def new_password() -> str:
    """A strong password to be handed over once: 24 readable characters, 138 bits."""
    return "".join(secrets.choice(_READABLE) for _ in range(24))


@verb("user.make_staff")
def make_staff(email: str, *, name: str = "", password: str | None = None, actor: Actor, now: datetime) -> User:
    """Make a person platform staff, and known if unknown. `password` is set when given, and must obey the rules.

    By platform staff, or the system (a command on the server). Raises InvalidInput for a weak password.
    """
    check_staff(actor)
    user, _made = find_or_make(email, actor=actor, now=now, name=name)
    about(target_of(user))
    if password is not None:
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise InvalidInput(" ".join(error.messages), code="ERR_PASSWORD_WEAK") from None
        user.set_password(password)
    before = user.is_platform_staff
    user.is_platform_staff = True
    user.is_active = True
    user.switched_off_in = None
    if name.strip():
        user.name = name.strip()[:80]
    user.save()
    entry = Entry(
        action="user.make_staff",
        target=target_of(user),
        before={"platform_staff": before},
        after={"platform_staff": True, "password_set": password is not None},
    )
    record(entry, actor=actor, now=now)
    return user


@verb("user.end_staff")
def end_staff(email: str, *, actor: Actor, now: datetime) -> User:
    """End somebody's role as platform staff: the sessions and staff tokens end at once; memberships of stores stay as they are.

    By platform staff, or the system (a command on the server). Raises NotFound for somebody who is none.
    """
    check_staff(actor)
    user = (
        User.objects.select_for_update(no_key=True).filter(email__iexact=email.strip(), is_platform_staff=True).first()
    )
    if user is None:
        raise NotFound(_("There is no such platform staff."))
    about(target_of(user))
    user.is_platform_staff = False
    user.sessions_epoch = F("sessions_epoch") + 1
    user.save(update_fields=["is_platform_staff", "sessions_epoch"])
    user.refresh_from_db(fields=["sessions_epoch"])
    ended = ApiToken.objects.filter(user=user, store=None, revoked_at=None).update(revoked_at=now)
    entry = Entry(
        action="user.end_staff",
        target=target_of(user),
        before={"platform_staff": True},
        after={"platform_staff": False, "tokens_revoked": ended},
    )
    record(entry, actor=actor, now=now)
    return user
