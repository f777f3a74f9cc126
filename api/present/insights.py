"""Figures as the API writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from campaigns.models import Campaign
from core import clock, money
from insights import measuring
from insights.formulas import Figures


def metrics(campaign: Campaign, figures: Figures, *, delay_hours: int, now: datetime) -> dict[str, Any]:
    """The document of `GET /campaigns/{code}/metrics`."""
    return {
        "campaign": campaign.code,
        "currency": figures.currency,
        "data_as_of": clock.rfc3339(measuring.as_of(figures, now)),
        "delay_hours": delay_hours,
        "final": figures.sealed_at is not None,
        **figures.document(),
        "ad_spend": money.text(figures.ad_spend, figures.currency),
        "other_currencies": figures.others,
    }
