"""What upper rooms know of a listing: they join here in `AppConfig.ready`, this room asks (no import upwards)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise

#: Store id and listing ids -> listing id -> site code -> public address.
PublicUrls = Callable[[int, Sequence[int]], Mapping[int, Mapping[str, str]]]
_public_urls: PublicUrls | None = None


def answer_public_urls(source: PublicUrls) -> None:
    """Name who knows the public addresses of listings."""
    global _public_urls
    _public_urls = source


def public_urls(store_id: int, listing_ids: Sequence[int]) -> Mapping[int, Mapping[str, str]]:
    """The public addresses of listings, by id and site code; nothing while no room answers."""
    return _public_urls(store_id, listing_ids) if _public_urls and listing_ids else {}


#: Store id and SKU id -> the moment of a count; answers SKU id -> units that orders put back (or took, below zero) after that moment.
StockMoves = Callable[[int, Mapping[int, datetime]], Mapping[int, int]]
_stock_moves: StockMoves | None = None


def answer_stock_moves(source: StockMoves) -> None:
    """Name who knows what orders took and put back."""
    global _stock_moves
    _stock_moves = source


def stock_moves(store_id: int, counted: Mapping[int, datetime]) -> Mapping[int, int]:
    """What happened to the stock of SKUs after each was counted; nothing while no room answers."""
    return _stock_moves(store_id, counted) if _stock_moves and counted else {}


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the listing's page that an upper room fills: a template and what it needs."""

    title: str | Promise
    template: str
    context: Mapping[str, Any]


#: Store id, listing id, rights of the reader, moment -> a panel, or None when there is nothing to show.
PanelSource = Callable[[int, int, frozenset[str], datetime], Panel | None]
_panels: dict[str, PanelSource] = {}


def add_panel(name: str, source: PanelSource) -> None:
    """Put a panel on the listing's page; panels stand in the order of their names."""
    _panels[name] = source


def panels(store_id: int, listing_id: int, rights: frozenset[str], now: datetime) -> list[Panel]:
    """The panels of one listing."""
    found = (_panels[name](store_id, listing_id, rights, now) for name in sorted(_panels))
    return [panel for panel in found if panel is not None]
