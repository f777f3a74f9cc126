"""Words of campaigns in templates (`{% load campaigns %}`)."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from campaigns import labels
from campaigns.kind_rules import Terms
from campaigns.models import Campaign
from core.templatetags.bo import zone_of

register = template.Library()


@register.filter
def campaign_name(campaign: Campaign) -> str:
    """The name in the page's language."""
    return labels.campaign_name(campaign)


@register.filter
def close_reason(key: str) -> str:
    """The words of a close reason; an unknown one as it stands (the API takes free text)."""
    return str(labels.CLOSE_REASONS.get(key, key))


@register.filter
def impact_label(key: str) -> str:
    """The words of an impact figure."""
    return str(labels.IMPACT.get(key, key))


@register.filter
def client_label(key: str) -> str:
    """Desktop, phone, private window."""
    return str(labels.CLIENTS.get(key, key))


@register.filter
def terms(campaign: Campaign) -> Terms:
    """What an order gets by the campaign beside its item prices."""
    return Terms.of(campaign.rules)


@register.filter
def review_reason(key: str) -> str:
    """The words of a reason why an enrolment was rejected."""
    return str(labels.REJECT_REASONS.get(key, key))


@register.simple_tag(takes_context=True)
def short_window(context: Context, campaign: Any) -> str:
    """A window in the store's zone without its name, for lists whose page names the zone: `11-19 05:40 – 11-26 05:40`."""
    zone = zone_of(context)
    first, last = (moment.astimezone(zone) for moment in (campaign.starts_at, campaign.ends_at))
    year = "%Y-" if first.year != last.year else ""
    return f"{first:{year}%m-%d %H:%M} – {last:{year}%m-%d %H:%M}"
