"""Overlap groups as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts.models import Store
from api.fields import write_moment
from campaigns import ways_out
from campaigns.conflicts import Group, Party
from core import display, money


def groups(found: Sequence[Group], store: Store, now: datetime) -> list[dict[str, Any]]:
    """A page of groups with their ways out; no query."""
    zone, url = display.zone(store.time_zone), f"/s/{store.slug}/campaigns/conflicts/resolve/"
    return [
        {
            "sku": group.sku,
            "currency": group.currency,
            "campaigns": [_party(party, group.currency) for party in group.parties],
            "more": group.more,
            "ways_out": [_way(way, url) for way in ways_out.of_group(group, now=now, zone=zone)],
        }
        for group in found
    ]


def _party(party: Party, currency: str) -> dict[str, Any]:
    return {
        "code": party.campaign.code,
        "price": None if party.price is None else money.text(party.price, currency),
        "starts_at": write_moment(party.campaign.starts_at),
        "ends_at": write_moment(party.campaign.ends_at),
    }


def _way(way: ways_out.WayOut, url: str) -> dict[str, Any]:
    shown = way.as_dict(url)
    for name in ("starts_at", "ends_at"):
        if name in shown["change"]:
            shown["change"][name] = write_moment(shown["change"][name])
    return shown
