"""What this room lends to the campaign pages: a campaign's figures, and the way to the history."""

from __future__ import annotations

from typing import Any

from accounts.requests import StoreRequest
from campaigns.models import Campaign, CampaignState
from campaigns.neighbours import Section, lend_page, lend_section
from core import clock
from insights import measuring
from insights.words import tiles
from policies import active
from policies.rules import InsightRules

_NEVER_IN_FORCE = (CampaignState.DRAFT, CampaignState.IN_REVIEW, CampaignState.REJECTED)
_SHOWN = ("impressions", "click_rate", "orders", "sales_amount", "discount_cost", "roi")


def _figures(request: StoreRequest, campaign: Campaign) -> dict[str, Any] | None:
    if campaign.state in _NEVER_IN_FORCE:
        return None
    campaign.store = request.store
    now = clock.now()
    figures = measuring.of([campaign])[campaign.pk]
    return {
        "tiles": tiles(figures, _SHOWN),
        "figures": figures,
        "as_of": measuring.as_of(figures, now),
        "delay_hours": active(InsightRules, now).delay_hours,
    }


lend_section(Section("insights/_summary.html", "insights.view", _figures))
lend_page("past", "insights:history")
