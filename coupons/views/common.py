"""What several coupon pages share: finding the coupon, addresses, the frame with its tabs, problems as boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.requests import StoreRequest
from core import display
from core.errors import DomainError, NotFound
from core.returning import back_of
from coupons import finding, tabs
from coupons.models import Coupon, CouponState


def find(request: StoreRequest, code: str) -> Coupon:
    """The store's coupon of that code, with its counters, or 404."""
    try:
        return finding.get(request.store, code)
    except NotFound:
        raise Http404("no such coupon in this store") from None


def address(request: StoreRequest, name: str, coupon: Coupon | None = None, **kwargs: Any) -> str:
    """The address of a coupon page of this store."""
    parts: dict[str, Any] = {"store": request.store.slug, **kwargs}
    if coupon is not None:
        parts["code"] = coupon.code
    return reverse(f"coupons:{name}", kwargs=parts)


def own_buttons(request: StoreRequest, coupon: Coupon) -> tabs.Buttons:
    """What this room's pages offer: a copy of any coupon; edit and delete a draft."""
    found = tabs.Buttons()
    if "coupons.manage" not in request.rights:
        return found
    copy = address(request, "copy", coupon)
    found.items.append({"label": _("Copy as a new coupon"), "url": copy, "icon": "copy", "post": True})
    if coupon.state == CouponState.DRAFT:
        edit = address(request, "edit", coupon)
        found.main.append({"label": _("Edit"), "url": edit, "icon": "pencil", "key": "e"})
        found.final.append({"label": _("Delete this draft"), "url": address(request, "delete", coupon)})
    return found


def buttons_for(request: StoreRequest, coupon: Coupon) -> tabs.Buttons:
    """All buttons of a coupon, those of other modules included."""
    return tabs.buttons_for(request, coupon, (own_buttons,))


def page(
    request: StoreRequest,
    template: str,
    coupon: Coupon,
    context: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """A page about one coupon. The template extends `coupons/frame.html`, or `coupons/act.html` for a page without tabs."""
    full = {
        "coupon": coupon,
        "name": coupon.label,
        "tabs": tabs.tabs_for(request, coupon),
        "actions": buttons_for(request, coupon),
        "back": back_of(request, f"/s/{request.store.slug}/"),
        **(context or {}),
    }
    return render(request, template, full, status=status)


def why_not(error: DomainError) -> str:
    """A refusal in one line: everything that is wrong, or what the refusal says itself."""
    told = dict.fromkeys(str(item.message) for item in error.errors) or [str(error.detail)]
    return " ".join(told)


def problem_of(error: DomainError, request: StoreRequest) -> dict[str, Any]:
    """A refusal as the problem box shows it."""
    details: dict[str, Any] = {
        "code": error.code,
        "detail": error.detail,
        "errors": [item.as_dict() for item in error.errors],
        "request_id": request.request_id,
    }
    if granted := error.extra.get("granted_by"):
        details["fix"] = _("It can be granted by: %(people)s") % {"people": display.series(granted)}
    return details
