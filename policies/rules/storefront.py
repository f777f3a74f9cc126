"""Limits and choices of what buyers meet."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class StorefrontRules(Rules):
    """Public pages and checkout."""

    key: ClassVar[str] = "storefront"

    front_page: int = Field(default=24, ge=1, le=200, description=_("Products on one page of a site's front."))
    coupons_shown: int = Field(
        default=6,
        ge=1,
        le=50,
        description=_("Coupons that a product’s page and a site’s front offer at most, the largest first."),
    )
    quotes_survive_stop: bool = Field(
        default=True,
        description=_("Whether a quote is honoured for its life although its campaign was paused or cancelled since."),
    )
    quote_kept_days: int = Field(default=30, ge=1, description=_("Days until a quote that expired unused is deleted."))
