"""What a violation costs (R28, R34)."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class PenaltyRules(Rules):
    """Length of the enrolment block, points of a serious violation."""

    key: ClassVar[str] = "penalties"

    block_days: int = Field(
        default=7, ge=1, description=_("R28: days without the right to enrol, unless staff say otherwise.")
    )
    block_days_max: int = Field(default=365, ge=1, description=_("Longest block that one penalty can set."))
    serious_points: int = Field(default=6, ge=1, description=_("R28: points that make a serious violation."))
    points_max: int = Field(default=48, ge=1, description=_("Most points that one penalty can set."))
    page_size: int = Field(default=50, ge=1, description=_("Penalties on one page."))
