"""Listings as readers see them: filters, and the API's documents in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import Store
from core import display, money
from core.errors import NotFound
from listings.hooks import public_urls
from listings.models import Category, Listing, LiveOffer, Sku
from listings.search import matching


@dataclass(frozen=True, slots=True)
class Tag:
    """A campaign that a listing shows now (营销信息栏, R40)."""

    campaign: str
    label: str
    label_zh: str = ""

    @property
    def text(self) -> str:
        """The label in the page's language."""
        return self.label_zh if self.label_zh and (get_language() or "").startswith("zh") else self.label

    def as_dict(self) -> dict[str, str]:
        """The API's form."""
        return {"campaign": self.campaign, "label": self.label}


def find(store: Store, *, q: str = "", state: str = "", management: str = "", category: str = "") -> QuerySet[Listing]:
    """Listings of a store that match the filters; a category stands for its children too. Unknown values match nothing."""
    rows = Listing.objects.filter(store=store)
    if state:
        rows = rows.filter(state=state)
    if management:
        rows = rows.filter(management=management)
    if category:
        rows = rows.filter(category__in=Category.objects.filter(Q(code=category) | Q(parent__code=category)))
    return matching(rows, q)


def get(store: Store, listing_id: int) -> Listing:
    """One listing with its category and brand. Raises NotFound when unknown or another store's."""
    row = Listing.objects.filter(store=store, pk=listing_id).select_related("category", "brand").first()
    if row is None:
        raise NotFound(_("This store has no such listing."))
    return row


def tags_of(listing_ids: Sequence[int], now: datetime) -> dict[int, list[Tag]]:
    """The campaign tags that each listing shows at `now`; one query."""
    offers = LiveOffer.objects.filter(
        listing_id__in=listing_ids, active=True, starts_at__lte=now, ends_at__gt=now
    ).order_by("starts_at", "campaign_code")
    found: dict[int, dict[str, Tag]] = {}
    rows = offers.values_list("listing_id", "campaign_code", "label", "label_zh").distinct()
    for listing_id, code, label, label_zh in rows:
        found.setdefault(listing_id, {}).setdefault(code, Tag(code, label_in_words(label, label_zh)))
    return {listing_id: list(tags.values()) for listing_id, tags in found.items()}


def label_in_words(label: str, label_zh: str) -> str:
    """What a campaign is called in the reader's language."""
    return label_zh if label_zh and display.is_chinese() else label


def skus_of(listing_ids: Sequence[int]) -> dict[int, list[Sku]]:
    """The SKUs of each listing, in their order; one query."""
    found: dict[int, list[Sku]] = {}
    for row in Sku.objects.filter(listing_id__in=listing_ids).order_by("listing_id", "position", "id"):
        found.setdefault(row.listing_id, []).append(row)
    return found


def documents(listings: Sequence[Listing], *, now: datetime) -> list[dict[str, Any]]:
    """The API's documents of listings of one store (with `category` and `brand` selected): two queries, and the public addresses."""
    ids = [row.pk for row in listings]
    skus, tags = skus_of(ids), tags_of(ids, now)
    urls = public_urls(listings[0].store_id, ids) if listings else {}
    return [
        {
            "id": row.pk,
            "title": row.title,
            "titles": row.titles,
            "category": row.category.code,
            "brand": row.brand.name if row.brand else "",
            "state": row.state,
            "management": row.management,
            "fulfilment": row.fulfilment,
            "logistics_template": row.logistics_template,
            "main_image": row.main_image,
            "tags": [tag.as_dict() for tag in tags.get(row.pk, [])],
            "public_urls": dict(urls.get(row.pk, {})),
            "skus": [sku_document(sku) for sku in skus.get(row.pk, [])],
            "version": row.version,
        }
        for row in listings
    ]


def document(listing: Listing, *, now: datetime) -> dict[str, Any]:
    """The API's document of one listing."""
    return documents([listing], now=now)[0]


def sku_document(sku: Sku) -> dict[str, Any]:
    """One SKU as the API shows it."""
    return {
        "sku": sku.code,
        "sale_price": money.text(sku.sale_price, sku.currency),
        "currency": sku.currency,
        "cost": None if sku.cost is None else money.text(sku.cost, sku.currency),
        "stock": sku.stock,
        "reserved": sku.reserved,
        "available": sku.available,
    }
