"""What the campaign room lends to coupons: it keeps the links, coupons ask through this door. It joins in `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from accounts.models import Store
from audit.actors import Actor
from core.errors import FieldError
from coupons.models import Coupon


@dataclass(frozen=True, slots=True)
class Linked:
    """The campaign that a coupon lives and dies with."""

    code: str
    label: str
    state: str
    running: bool


class CampaignLinks(Protocol):
    """The campaign room's side of the links."""

    def choices(self, store: Store, *, now: datetime) -> list[tuple[str, str]]:
        """(code, label) of the campaigns that a new coupon may be linked to."""

    def refusal(self, store: Store, code: str, starts_at: datetime, ends_at: datetime) -> FieldError | None:
        """Why a coupon with this window cannot be linked to this campaign; None when it can."""

    def link(self, coupon: Coupon, code: str, *, actor: Actor, now: datetime) -> None:
        """Link a coupon, within the transaction that made it."""

    def own_window(self, coupon: Coupon) -> tuple[datetime, datetime] | None:
        """The window that the coupon was given, of which its campaign may leave a part; None without a campaign."""

    def moved(self, coupon: Coupon, *, actor: Actor, now: datetime) -> None:
        """A linked draft was given another window: keep it, and hold it within its campaign's."""

    def of(self, store_id: int, coupon_ids: Collection[int]) -> dict[int, Linked]:
        """The campaigns of these coupons, by coupon; one query."""


_joined: list[CampaignLinks] = []


def join(room: CampaignLinks) -> None:
    """The campaign room says where the links are."""
    _joined[:] = [room]


def room() -> CampaignLinks | None:
    """The links, or None where nobody keeps any."""
    return _joined[0] if _joined else None


def show_own_window(coupon: Coupon) -> None:
    """Put the window that a linked draft was given on the instance, for checks and forms: its campaign may have clipped it."""
    own = _joined[0].own_window(coupon) if _joined and coupon.bond else None
    if own is not None:
        coupon.starts_at, coupon.ends_at = own


def moved(coupon: Coupon, *, actor: Actor, now: datetime) -> None:
    """A draft was written anew; where it is linked, its campaign's window holds it."""
    if _joined and coupon.bond:
        _joined[0].moved(coupon, actor=actor, now=now)


def of(store_id: int, coupon_ids: Collection[int]) -> dict[int, Linked]:
    """The campaigns of these coupons, by coupon; at most one query."""
    return _joined[0].of(store_id, coupon_ids) if _joined and coupon_ids else {}
