"""Overlap groups: SKUs that are in several campaigns at the same time."""

from __future__ import annotations

from typing import Any, Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Answer, Money, Time
from api.lists import ListQuery


class ConflictQuery(ListQuery):
    """Filters of the overlap groups."""

    sku: str = Field("", max_length=64, description=_("The beginning of a SKU code."))


class PartyOut(Answer):
    """A campaign that conflicts on the SKU; `price` is null where it discounts the order."""

    code: str
    price: Money | None
    starts_at: Time
    ends_at: Time


class WayOut(Answer):
    """A way out: the campaigns that it changes, how, and the page that shows and does it."""

    way: Literal["withdraw", "move", "stack"]
    campaigns: list[str]
    change: dict[str, Any] = Field(
        description=_("Of `skus`, `shared_with`, `starts_at`, `ends_at`, `stacks` what changes.")
    )
    label: str
    url: str


class ConflictOut(Answer):
    """A SKU, the campaigns that conflict on it, by start, and the ways out. `more` counts campaigns that are not listed."""

    sku: str
    currency: str
    campaigns: list[PartyOut]
    more: int
    ways_out: list[WayOut]
