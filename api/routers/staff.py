"""Stores, for platform staff."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Router

from accounts import stores
from accounts.signals import SiteDraft
from api.access import staff_only
from api.frame import reply
from api.present import stores as present
from api.requests import ApiRequest
from api.schemas.stores import StaffStore, StoreIn, StorePatch

router = Router(tags=["staff"])


@router.post(
    "/staff/stores",
    response={201: StaffStore},
    summary=_("Open a store"),
    description=_(
        "Makes the store, its sites and, if unknown, its owner without a password: a token can be issued at once."
    ),
)
@staff_only
def create_store(request: ApiRequest, body: StoreIn) -> HttpResponse:
    """`POST /staff/stores`."""
    store = stores.create_store(
        slug=body.slug,
        name=body.name,
        name_zh=body.name_zh,
        owner_email=body.owner_email,
        entity=body.entity,
        sites=[SiteDraft(site.code, site.language, site.currency) for site in body.sites],
        currency=body.currency,
        time_zone=body.time_zone,
        actor=request.actor,
    )
    return reply(present.staff_store(store), 201)


@router.get(
    "/staff/stores/{slug}",
    response=StaffStore,
    summary=_("One store"),
    description=_("Account state, KYC, legal form, owners and sites."),
)
@staff_only
def get_staff_store(request: ApiRequest, slug: str) -> HttpResponse:
    """`GET /staff/stores/{slug}`."""
    return reply(present.staff_store(stores.find(slug)))


@router.patch(
    "/staff/stores/{slug}",
    response=StaffStore,
    summary=_("Set a store's state"),
    description=_("Account state, KYC, legal form, or the waiver of the decoration."),
)
@staff_only
def patch_staff_store(request: ApiRequest, slug: str, body: StorePatch) -> HttpResponse:
    """`PATCH /staff/stores/{slug}`."""
    changes = body.model_dump(exclude_unset=True, exclude={"version", "reason"})
    store = stores.edit_store_state(slug, changes, version=body.version, reason=body.reason, actor=request.actor)
    return reply(present.staff_store(store))
