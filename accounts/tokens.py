"""API tokens: `bo_` + 30 random characters + `_` + checksum; only the SHA-256 is stored, the token is shown once.

The checksum (CRC32, base 62) lets a scanner or a server tell a mistyped token from a real one without asking the database. A token's
rights are those of the person it belongs to, read at each use; it dies with the membership.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, Membership, Store, User
from accounts.requests import actor_of, label_for_record
from accounts.rights import check, check_staff
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core import clock
from core.errors import DomainError, InvalidInput, NotFound, Text
from policies import active
from policies.rules import ApiRules

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM = 30  # 178 bits; 131 are left when the 8 characters of the shown prefix are known
_SHOWN = 11
_FORM = re.compile(r"^(bo_[0-9A-Za-z]{30})_([0-9A-Za-z]{6})$")


class TokenRefused(DomainError):
    """401: no token, or none that works. What is wrong with it is told only when that helps no thief."""

    def __init__(self, detail: Text) -> None:
        super().__init__(code="ERR_TOKEN", detail=detail, status=401)


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a token stands for. `store` is None for a staff token."""

    token: ApiToken
    user: User
    store: Store | None
    actor: Actor


def _base62(number: int, width: int) -> str:
    digits = ""
    for _place in range(width):
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return digits


def checksum(body: str) -> str:
    """Six base-62 characters of the CRC32 of `bo_<random>`."""
    return _base62(zlib.crc32(body.encode()), 6)


def new_raw() -> str:
    """A fresh token as its holder will write it."""
    body = "bo_" + "".join(secrets.choice(_BASE62) for _ in range(_RANDOM))
    return f"{body}_{checksum(body)}"


def well_formed(raw: str) -> bool:
    """Whether form and checksum are right; asks no database."""
    found = _FORM.match(raw)
    return found is not None and secrets.compare_digest(checksum(found[1]), found[2])


def digest_of(raw: str) -> str:
    """SHA-256 in hex: the token has 178 random bits, so a slow hash would protect nothing more."""
    return hashlib.sha256(raw.encode()).hexdigest()


def _write(
    user: User, store: Store | None, name: str, days: int | None, actor: Actor, now: datetime
) -> tuple[ApiToken, str]:
    raw = new_raw()
    longest = active(ApiRules, now).token_days
    if days is not None and not 1 <= days <= longest:
        raise InvalidInput(_("A token works for 1 to %(days)s days.") % {"days": longest})
    token = ApiToken.objects.create(
        user=user,
        store=store,
        name=name.strip()[:80],
        prefix=raw[:_SHOWN],
        digest=digest_of(raw),
        created_at=now,
        expires_at=now + timedelta(days=longest if days is None else days),
    )
    after = {
        "prefix": token.prefix,
        "name": token.name,
        "expires_at": token.expires_at,
        "member": label_for_record(user),
    }
    record(Entry(action="token.issue", target=_target(token), after=after, right="api.manage"), actor=actor, now=now)
    return token, raw


def _target(token: ApiToken) -> Target:
    store = token.store
    return Target(
        "token",
        str(token.pk),
        f"{token.prefix}… {token.name}".strip(),
        store.pk if store else None,
        store.name if store else "",
    )


@verb("token.issue", right="api.manage")
def issue(
    store: Store, user: User, *, name: str = "", days: int | None = None, actor: Actor, now: datetime
) -> tuple[ApiToken, str]:
    """Make a token of a member of a store for `days` days (default and longest: policy); answers the row and the raw token.

    People make tokens for themselves only (right `api.manage`); the system, that is a command on the server, for any member.
    Raises NotFound when the person is no active member.
    """
    about(Target("store", store.slug, store.name, store.pk, store.name))
    check(actor, store, "api.manage", now=now)
    member = Membership.objects.select_for_update(no_key=True).filter(
        store=store, user=user, is_active=True, user__is_active=True
    )
    if not member.exists() or not (actor.is_system or actor.id == user.pk):
        raise NotFound(_("No such active member of this store."))
    return _write(user, store, name, days, actor, now)


@verb("token.issue_staff")
def issue_staff(
    user: User, *, name: str = "", days: int | None = None, actor: Actor, now: datetime
) -> tuple[ApiToken, str]:
    """Make a staff token, which has no store; people for themselves, the system for any platform staff."""
    check_staff(actor)
    if not (user.is_active and user.is_platform_staff) or not (actor.is_system or actor.id == user.pk):
        raise NotFound(_("No such active platform staff."))
    return _write(user, None, name, days, actor, now)


@verb("token.revoke", right="api.manage")
def revoke(store: Store, token_id: int, *, actor: Actor, now: datetime) -> ApiToken:
    """End a token at once: one's own with `api.manage`, anybody's with `staff.manage`. Ending it twice changes nothing."""
    token = (
        ApiToken.objects.select_for_update(of=("self",), no_key=True)
        .select_related("store", "user")
        .filter(pk=token_id, store=store)
        .first()
    )
    if token is None:
        raise NotFound(_("No such token."))
    about(_target(token))
    check(actor, store, "api.manage" if token.user_id == actor.id else "staff.manage", now=now)
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        record(Entry(action="token.revoke", target=_target(token), after={"revoked_at": now}), actor=actor, now=now)
    return token


def revoke_all(store: Store, user: User, *, now: datetime) -> int:
    """End every token of a person in a store, when the membership ends; answers how many. For verbs, inside their transaction."""
    return ApiToken.objects.filter(store=store, user=user, revoked_at=None).update(revoked_at=now)


def authenticate(raw: str, *, ip: str = "", now: datetime | None = None) -> Bearer:
    """Who a raw token stands for; one query, and a write at most once in `token_touch_seconds` for the time of last use.

    Raises TokenRefused (401) when it is malformed, unknown, revoked, expired, or its person lost the place it speaks for.
    """
    moment = now or clock.now()
    if not well_formed(raw):
        raise TokenRefused(_("This is no API token of this server: check for missing or extra characters."))
    members = Membership.objects.filter(store=OuterRef("store"), user=OuterRef("user"), is_active=True)
    in_place = Q(store=None, user__is_platform_staff=True) | (Q(store__isnull=False) & Exists(members))
    token = (
        ApiToken.objects.select_related("user", "store")
        .filter(in_place, digest=digest_of(raw), user__is_active=True, revoked_at=None)
        .filter(Q(expires_at=None) | Q(expires_at__gt=moment))
        .first()
    )
    if token is None:
        raise TokenRefused(_("This API token is unknown, revoked or expired."))
    _touch(token, moment)
    return Bearer(token, token.user, token.store, actor_of(token.user, ip=ip, token_id=token.pk))


def _touch(token: ApiToken, now: datetime) -> None:
    stale = now - timedelta(seconds=active(ApiRules, now).token_touch_seconds)
    if token.last_used_at is None or token.last_used_at <= stale:
        unseen = Q(last_used_at=None) | Q(last_used_at__lte=stale)
        ApiToken.objects.filter(unseen, pk=token.pk).update(last_used_at=now)
