"""The door of every page: who may pass, for which store, in which scope (R132).

Deny by default: a view that declares no access answers 403. Store pages carry the store's slug as the URL keyword `store`; somebody who
is no member of it gets the same 404 as for a store that does not exist.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _

from accounts import sessions
from accounts.access_map import access_of, dotted_name
from accounts.models import Store, User
from accounts.problems import render_problem
from accounts.requests import actor_of, client_ip
from accounts.rights import Access, owner_refusal, refusal
from accounts.visitors import membership_of
from core import clock
from core.errors import DomainError, PermissionRefused
from core.scopes import in_store

security = logging.getLogger("accounts.security")


class StoreMiddleware:
    """Lets a request through to its view, or not. Sets `actor`, and on store pages `store`, `membership` and `rights`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Keep the store's scope open until the response is rendered."""
        request.store = request.membership = request.actor = None  # type: ignore[attr-defined]  # a StoreRequest from here on
        request.rights = frozenset()  # type: ignore[attr-defined]  # as above
        with ExitStack() as scopes:
            request.store_scopes = scopes  # type: ignore[attr-defined]  # as above
            response = self.get_response(request)
        if request.actor is not None:  # type: ignore[attr-defined]  # as above
            # Whoever uses the machine next must not find it by the Back button (ASVS 14.3.2).
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Answer None to let the view run."""
        access = access_of(view)
        if access is None:
            security.error("closed: %s declares no access", dotted_name(view))
            return render_problem(request, PermissionRefused(_("This page declares no right, so it is closed."), ""))
        if access.kind == "api":
            return None
        if any(isinstance(value, str) and "\x00" in value for value in kwargs.values()):
            raise Http404("no database holds a NUL, and nothing is called by one")
        if access.kind == "anonymous":
            return None
        user = request.user
        if isinstance(user, User) and sessions.is_over(request, clock.now()):
            user = request.user
        if isinstance(user, User):
            request.actor = actor_of(user, ip=client_ip(request))  # type: ignore[attr-defined]  # as above
        if access.kind == "public":
            return None
        if not isinstance(user, User):
            return to_sign_in(request)
        if access.kind == "staff":
            return None if user.is_platform_staff else _refuse_staff(request)
        return self._enter_store(request, user, access, kwargs) if access.kind in {"store", "owner"} else None

    def _enter_store(
        self, request: HttpRequest, user: User, access: Access, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        membership, held = membership_of(user, str(kwargs.get("store", "")))
        store = membership.store
        if access.right and access.right not in held:
            security.warning("refused: user %s, store %s, right %s", user.pk, store.slug, access.right)
            return render_problem(request, refusal(access.right, store))
        if access.kind == "owner" and not membership.is_owner:
            security.warning("refused: user %s is no main account of store %s", user.pk, store.slug)
            return render_problem(request, owner_refusal(store))
        request.store, request.membership, request.rights = store, membership, held  # type: ignore[attr-defined]  # as above
        cast(ExitStack, request.store_scopes).enter_context(in_store(store.pk))  # type: ignore[attr-defined]  # as above
        _remember(request, user, store)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A domain error that a page did not catch becomes its problem page."""
        return render_problem(request, exception) if isinstance(exception, DomainError) else None


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send a stranger to the sign-in page and back afterwards; a form that was sent goes back to the page it was on."""
    target = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
    htmx = getattr(request, "htmx", None)
    if htmx or not target:
        came_from = (htmx.current_url_abs_path if htmx else None) or request.headers.get("Referer", "")
        safe = url_has_allowed_host_and_scheme(
            came_from, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
        target = came_from if safe else "/"
    address = f"{resolve_url('account_login')}?{urlencode({'next': target})}"
    if htmx:
        response = HttpResponse(status=401)
        response["HX-Redirect"] = address
        return response
    return HttpResponseRedirect(address)


def _refuse_staff(request: HttpRequest) -> HttpResponse:
    security.warning("refused: user %s is no platform staff", request.user.pk)
    return render_problem(request, PermissionRefused(_("This is for platform staff."), "platform_staff"))


def _remember(request: HttpRequest, user: User, store: Store) -> None:
    """The store whose page was opened last is where `/` leads."""
    if request.method == "GET" and user.last_store_id != store.pk and not getattr(request, "htmx", False):
        User.objects.filter(pk=user.pk).update(last_store=store)
