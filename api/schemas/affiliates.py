"""Affiliate plans."""

from __future__ import annotations

from typing import Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Answer, Body


class PlanIn(Body):
    """A new affiliate plan."""

    name: str = Field(max_length=400)
    campaigns: list[str] = Field(description=_("Codes of campaigns that are not over."), examples=[["C-7F3KQ"]])


class PlanOut(Answer):
    """An affiliate plan with the codes of its campaigns."""

    id: int
    name: str
    state: Literal["running", "paused"]
    campaigns: list[str]
    version: int
