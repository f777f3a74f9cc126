"""What a buyer pays for a SKU that is in several campaigns, stretch by stretch of time, by the precedence of `campaigns.pricing` (R30)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from campaigns.conflicts import Group, Party
from campaigns.models import CampaignState
from campaigns.pricing import ItemOffer, item_price

PAUSED = CampaignState.PAUSED


@dataclass(frozen=True, slots=True)
class Link:
    """A campaign in a stretch. `role`: `sets` the price, `yields` to a lower one, `order` (discounts the order after), or `paused`."""

    party: Party
    role: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A half-open piece of time in which the same campaigns are on, and the unit price that then counts."""

    since: datetime
    until: datetime
    unit_price: Decimal
    links: tuple[Link, ...]

    @property
    def contested(self) -> bool:
        """Whether two of its campaigns conflict."""
        parties = [link.party.campaign for link in self.links]
        return any(one.conflicts(two) for at, one in enumerate(parties) for two in parties[at + 1 :])


def price_chain(group: Group, now: datetime) -> tuple[Stretch, ...]:
    """The stretches from `now` on in which one of the group's campaigns is on, in order."""
    moments = {now}
    for party in group.parties:
        moments |= {moment for moment in (party.campaign.starts_at, party.campaign.ends_at) if moment > now}
    found: list[Stretch] = []
    for since, until in pairwise(sorted(moments)):
        inside = [party for party in group.parties if party.campaign.starts_at <= since < party.campaign.ends_at]
        if not inside:
            continue
        price, links = _links(group, inside)
        found.append(Stretch(since, until, price, links))
    return tuple(found)


def _links(group: Group, inside: Sequence[Party]) -> tuple[Decimal, tuple[Link, ...]]:
    """The price, and who sets it, who yields, who comes after; in this order."""
    offers = [_offer(party) for party in inside if party.campaign.state != PAUSED]
    priced = item_price(group.sale_price, offers, group.currency)
    winners = {offer.campaign for offer in priced.winner.offers} if priced.winner else set()
    ranked = {"sets": 0, "yields": 1, "order": 2, "paused": 3}
    links = [Link(party, _role(party, winners)) for party in inside]
    links.sort(key=lambda link: (ranked[link.role], link.party.price or 0, link.party.campaign.starts_at))
    return priced.unit_price, tuple(links)


def _role(party: Party, winners: set[str]) -> str:
    if party.campaign.state == PAUSED:
        return "paused"
    if party.price is None:
        return "order"
    return "sets" if party.campaign.code in winners else "yields"


def _offer(party: Party) -> ItemOffer:
    one = party.campaign
    return ItemOffer(one.code, one.name, one.kind, party.price, one.starts_at, one.ends_at, one.stacks)
