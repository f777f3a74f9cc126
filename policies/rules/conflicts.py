"""Limits of the conflict diagnosis (R30)."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class ConflictRules(Rules):
    """How much of the overlaps is looked through and shown at once."""

    key: ClassVar[str] = "conflicts"

    page_size: int = Field(default=50, ge=1, le=1000, description=_("Overlap groups on one page."))
    parties_shown: int = Field(default=20, ge=2, description=_("Campaigns named in one overlap group."))
    matrix: int = Field(default=8, ge=3, description=_("Campaigns in the matrix of a page."))
    sample: int = Field(default=20, ge=1, description=_("SKUs and campaigns named in one finding."))
    met_first: int = Field(
        default=500, ge=1, description=_("Meetings with other campaigns that a check before a close looks through.")
    )
    met_on_one: int = Field(default=50, ge=1, description=_("Of these, meetings on one and the same SKU."))
    items_first: int = Field(
        default=20_000, ge=1, description=_("Items looked through before the rest of the store is read for one page.")
    )
    batch: int = Field(
        default=1000, ge=1, description=_("Overlap groups read at once by a diagnosis of the whole store.")
    )
