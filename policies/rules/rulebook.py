"""How rule sets themselves may change (R192)."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class RulebookRules(Rules):
    """Limits of publishing and withdrawing versions."""

    key: ClassVar[str] = "rulebook"

    lead_seconds: int = Field(
        default=60,
        ge=10,
        description=_("Least time between publishing a version and its effect, so that every process knows it."),
    )
    latest_days: int = Field(default=3660, ge=1, description=_("How far ahead a version may take effect."))
    items_max: int = Field(default=200, ge=1, description=_("Entries of one list inside a rule set."))
    text_max: int = Field(default=500, ge=1, description=_("Characters of one text inside a rule set."))
