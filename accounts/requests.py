"""What the middleware puts on a request, typed; and who acts from where."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from django.conf import settings
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import Membership, Store, User
from audit.actors import Actor, ActorKind


class SignedInRequest(HttpRequest):
    """A request of somebody signed in."""

    user: User
    actor: Actor
    htmx: HtmxDetails
    request_id: str


class StoreRequest(SignedInRequest):
    """A request to a page of one store, by a member of it. `rights` are those held at this moment."""

    store: Store
    membership: Membership
    rights: frozenset[str]


def client_ip(request: HttpRequest) -> str:
    """The address of the client: what the nearest of our own proxies saw, never what the client claims (ASVS 1.1, R134).

    With `TRUSTED_PROXIES` = n the n-th address from the right of X-Forwarded-For counts; with 0 the header is ignored.
    Answers an empty string when there is none or it is malformed (a request over a local socket).
    """
    found = str(request.META.get("REMOTE_ADDR", ""))
    depth = int(settings.TRUSTED_PROXIES)
    if depth:
        hops = [hop.strip() for hop in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",") if hop.strip()]
        if len(hops) >= depth:
            found = hops[-depth]
    try:
        return str(ipaddress.ip_address(found))
    except ValueError:
        return ""


def label_for_record(user: User) -> str:
    """What the audit log calls a person: the name, else the e-mail shortened, which is a personal value (`o…@shop.test`).

    An address typed where a name belongs is no name: it could never be erased from the log.
    """
    local, _, domain = user.email.partition("@")
    return user.name if user.name and "@" not in user.name else f"{local[:1]}…@{domain}"


def names_of(ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """The names, and the names in Chinese, of those among these people who have one; one query."""
    known = User.objects.filter(pk__in=ids).exclude(name_zh="").values_list("pk", "name", "name_zh")
    return {pk: (name, name_zh) for pk, name, name_zh in known}


def actor_of(user: User, *, ip: str = "", token_id: int | None = None) -> Actor:
    """The audit actor of a person, or of the person's API token. The label is frozen: it never follows the page's language."""
    return Actor(
        kind=ActorKind.TOKEN if token_id else ActorKind.USER,
        id=user.pk,
        label=label_for_record(user),
        token_id=token_id,
        staff=user.is_platform_staff,
        ip=ip,
    )
