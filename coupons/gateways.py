"""The merchant's own SMS gateway (R81): connected by the store, called as JSON over HTTPS, each message at most once.

    POST <url>    <header>: <secret>    Idempotency-Key: <id>
    {"to": "+8613800001234", "text": "…", "id": "<id>"}

A 2xx is a yes, a redirect is not followed and is a no. Where nobody knows whether the gateway took a message, it is not called again.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import orjson
from django.conf import settings
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core import clock, sealed
from core.errors import Conflict, FieldError, InvalidInput
from core.http import Client, Limits, OutboundError, check_target, in_words
from coupons import sending_list
from coupons.models import Channel, RecipientState, SmsGateway
from policies.rules import SendingRules

RIGHT = "settings.manage"
MISSING, BROKEN = "ERR_SENDING_GATEWAY", "ERR_SENDING_SEAL"
REFUSED, UNREACHABLE, ANSWER, UNKNOWN = (
    "ERR_TARGET_REFUSED", "ERR_SENDING_UNREACHABLE", "ERR_SENDING_ANSWER", "ERR_SENDING_UNKNOWN",
)  # fmt: skip
_PURPOSE = "coupons.gateway"
_URL, _SECRET = 2000, 500
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,59}", re.ASCII)
_VISIBLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", re.ASCII)
#: What the call itself says; a merchant's header must not change it.
_OURS = frozenset(
    {
        "accept-encoding", "connection", "content-length", "content-type", "expect", "host", "idempotency-key", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip
#: Busy, or not taking any: the gateway says itself that it has done nothing.
_NOT_TAKEN = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Door:
    """A gateway as it is called. Never logged: it holds the secret."""

    url: str
    header: str
    secret: str

    def __repr__(self) -> str:
        return "Door(…)"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one message: `state`, and where it was not sent the code that says why and what was answered."""

    state: RecipientState
    code: str = ""
    answer: int | None = None


SENT = Result(RecipientState.SENT)


def of(store: Store) -> SmsGateway | None:
    """The store's gateway, if one is connected."""
    return SmsGateway.objects.filter(store=store).first()


def door(gateway: SmsGateway) -> Door:
    """The gateway, ready to be called. Raises SealBrokenError after a change of the installation's key."""
    return Door(gateway.url, gateway.header, sealed.unseal(_purpose(gateway.store_id), gateway.secret))


def _purpose(store_id: int) -> str:
    return f"{_PURPOSE}.{store_id}"


@verb("sms_gateway.connect", right=RIGHT)
def connect(store: Store, *, url: str, header: str, secret: str, actor: Actor, now: datetime) -> SmsGateway:
    """Connect a gateway, or change it; an empty `secret` keeps the one that is there, for the same address only. Needs `settings.manage`.

    Raises PermissionRefused, InvalidInput (an address that we would not call, a header that is none).
    """
    check(actor, store, RIGHT, now=now)
    about(_target(store))
    kept = SmsGateway.objects.select_for_update(of=("self",), no_key=True).filter(store=store).first()
    url, header = url.strip(), header.strip()
    errors = [error for error in (_wrong_url(url), _wrong_header(header), _wrong_secret(url, secret, kept)) if error]
    if errors:
        raise InvalidInput(_("The gateway was not connected: please put right what is marked."), errors)
    values = {"url": url, "header": header, "changed_at": now, "changed_by": actor.label[:160]}
    if secret:
        values["secret"] = sealed.seal(_purpose(store.pk), secret)
    gateway, _made = SmsGateway.objects.update_or_create(store=store, defaults=values)
    before = {"endpoint": kept.url, "header": kept.header} if kept else {}
    after = {"endpoint": url, "header": header, "new_secret": bool(secret)}
    record(Entry("sms_gateway.connect", _target(store), before=before, after=after, right=RIGHT), actor=actor, now=now)
    return gateway


@verb("sms_gateway.disconnect", right=RIGHT)
def disconnect(store: Store, *, actor: Actor, now: datetime) -> None:
    """Forget the gateway and its secret; sendings by SMS that are going on pause. Needs `settings.manage`."""
    check(actor, store, RIGHT, now=now)
    about(_target(store))
    gateway = SmsGateway.objects.select_for_update(of=("self",), no_key=True).filter(store=store).first()
    if gateway is None:
        raise Conflict(MISSING, _("No SMS gateway is connected."))
    gateway.delete()
    before = {"endpoint": gateway.url, "header": gateway.header}
    record(Entry("sms_gateway.disconnect", _target(store), before=before, right=RIGHT), actor=actor, now=now)


def try_out(store: Store, *, to: str, text: str, actor: Actor, now: datetime | None = None) -> Result:
    """Send one SMS to one number through the gateway, and answer what came of it. Needs `settings.manage`.

    Raises PermissionRefused, Conflict ERR_SENDING_GATEWAY, InvalidInput (not a phone number). The call is made outside any transaction.
    """
    number = sending_list.clean(to, Channel.SMS)
    target = _trial(store, number, actor=actor, now=now or clock.now())
    return call(target, number, text, f"test-{secrets.token_hex(12)}", limits(clock.now()))


@verb("sms_gateway.test", right=RIGHT)
def _trial(store: Store, number: str, *, actor: Actor, now: datetime) -> Door:
    check(actor, store, RIGHT, now=now)
    about(_target(store))
    if not number:
        error = FieldError(
            "to", sending_list.BAD_ADDRESS, _("A phone number has 6 to 15 digits, such as +8613800001234.")
        )
        raise InvalidInput(_("Nothing was sent: please put right what is marked."), [error])
    gateway = of(store)
    if gateway is None:
        raise Conflict(MISSING, _("No SMS gateway is connected."))
    try:
        found = door(gateway)
    except sealed.SealBrokenError:
        raise Conflict(
            BROKEN, _("The installation's key was changed since: enter the gateway's secret anew.")
        ) from None
    record(Entry("sms_gateway.test", _target(store), right=RIGHT), actor=actor, now=now)
    return found


def limits(now: datetime) -> Limits:
    """The caps of one call."""
    rules = policies.active(SendingRules, now)
    return Limits(rules.connect_timeout, rules.read_timeout, rules.total_timeout, rules.max_bytes)


def call(target: Door, to: str, text: str, key: str, caps: Limits) -> Result:
    """Hand one message to a gateway; `key` is the same whenever the same message is meant. Outside any transaction."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, target.header: target.secret}
    body = orjson.dumps({"to": to, "text": text, "id": key})
    try:
        _ensure_https(target.url)
        reply = _client(caps).request("POST", target.url, headers=headers, body=body)
    except OutboundError as error:
        if error.kind == "refused":
            return Result(RecipientState.FAILED, REFUSED)
        if error.asked:
            return Result(RecipientState.UNKNOWN, UNKNOWN)
        return Result(RecipientState.FAILED, UNREACHABLE)
    if 200 <= reply.status < 300:
        return SENT
    if reply.status >= 500 and reply.status not in _NOT_TAKEN:
        return Result(RecipientState.UNKNOWN, UNKNOWN, reply.status)
    return Result(RecipientState.FAILED, ANSWER, reply.status)


@lru_cache(maxsize=4)
def _client(caps: Limits) -> Client:
    return Client(caps)


def _ensure_https(url: str) -> None:
    """Plain http only where private targets are allowed, which is for trying things out on one machine."""
    if not url.lower().startswith("https://") and not settings.ALLOW_PRIVATE_TARGETS:
        raise OutboundError("refused", _("it must begin with https://"))


def _wrong_url(url: str) -> FieldError | None:
    why = ""
    try:
        _ensure_https(url)
    except OutboundError as error:
        why = str(error)
    else:
        try:
            check_target(url)
        except OutboundError as error:
            why = in_words(error)
    return FieldError("url", REFUSED, _("We do not call this address: %(why)s.") % {"why": why}) if why else None


def _wrong_header(header: str) -> FieldError | None:
    if _HEADER.fullmatch(header) and header.lower() not in _OURS:
        return None
    words = _("The name of a header, such as Authorization or X-Api-Key: letters, digits and hyphens.")
    return FieldError("header", "ERR_FORMAT", words)


def _wrong_secret(url: str, secret: str, kept: SmsGateway | None) -> FieldError | None:
    if not secret:
        # Whoever may change the address must not learn the secret by having it sent somewhere else.
        if kept is not None and kept.url == url:
            return None
        return FieldError("secret", "ERR_REQUIRED", _("Enter the value of the header; for a new address also anew."))
    if len(secret) > _SECRET or not _VISIBLE.fullmatch(secret):
        words = _("At most %(most)s characters of plain ASCII, without a blank at either end.")
        return FieldError("secret", "ERR_FORMAT", words % {"most": _SECRET})
    return None


def _target(store: Store) -> Target:
    return Target("sms_gateway", store.slug, store.name, store_id=store.pk, store_label=store.name)
