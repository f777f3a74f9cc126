"""Stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.models import Store
from accounts.stores import owners_of, state_of
from api.fields import write_moment
from audit.actors import Actor
from campaigns.entry import obstacles
from campaigns.guards import Finding
from core import clock
from core.errors import Conflict
from core.scopes import in_store
from listings.gates import RIGHT_OF, Act, ensure_store_may
from listings.models import StoreProfile
from publishing.models import Site


def own_store(store: Store, actor: Actor) -> dict[str, Any]:
    """The store of the token, inside its scope: four queries."""
    profile = StoreProfile.objects.filter(store_id=store.pk).select_related("main_category").first() or StoreProfile()
    closed = obstacles(store, now=clock.now())
    return {
        "slug": store.slug,
        "name": store.name,
        "name_zh": store.name_zh,
        "entity": store.entity,
        "kyc": store.kyc,
        "account_state": store.account_state,
        "decoration": {
            "logo": bool(profile.logo),
            "banner": bool(profile.banner),
            "main_category": profile.main_category.code if profile.main_category else None,
            "waived": profile.decoration_waived,
            "complete": "ERR_STORE_UNDECORATED" not in closed,
        },
        "currency": store.currency,
        "time_zone": store.time_zone,
        "opened_at": write_moment(store.opened_at),
        "sites": _sites(store),
        "capabilities": _capabilities(store, closed, actor),
        "version": store.version,
    }


def staff_store(store: Store) -> dict[str, Any]:
    """A store for platform staff, opening its scope."""
    with in_store(store.pk):
        sites = _sites(store)
    return {
        "slug": store.slug,
        "name": store.name,
        "name_zh": store.name_zh,
        **state_of(store),
        "owners": owners_of(store),
        "currency": store.currency,
        "time_zone": store.time_zone,
        "sites": sites,
        "version": store.version,
    }


def _sites(store: Store) -> list[dict[str, str]]:
    rows = Site.objects.filter(store_id=store.pk, is_active=True).order_by("id")
    return [{"code": site.code, "language": site.language, "currency": site.currency} for site in rows]


def _capabilities(store: Store, closed: Mapping[str, Finding], actor: Actor) -> list[dict[str, Any]]:
    """Whether campaigns and listings are open to the store, or why not."""
    reasons = [{"code": code, "detail": str(finding.detail)} for code, finding in closed.items()]
    rows = [{"capability": "campaigns", "allowed": not reasons, "reasons": reasons}]
    for act in RIGHT_OF:
        why = _closed(store, act, actor)
        rows.append({"capability": f"listings.{act}", "allowed": not why, "reasons": why})
    return rows


def _closed(store: Store, act: Act, actor: Actor) -> list[dict[str, str]]:
    try:
        ensure_store_may(store, act, actor=actor, now=clock.now())
    except Conflict as refusal:
        return [{"code": refusal.code, "detail": str(refusal.detail)}]
    return []
