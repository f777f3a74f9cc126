"""Limits of the deposit pages."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class FinanceRules(Rules):
    """Lists of charges and payments."""

    key: ClassVar[str] = "finance"

    page_size: int = Field(default=50, ge=1, description=_("Charges and payments on one page."))
