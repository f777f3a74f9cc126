"""Goods for tests: listings with SKUs and live offers, made many at a time. To be called in the store's scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from accounts.models import Store
from listings.models import Brand, Category, Listing, LiveOffer, Sku

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def make_goods(
    store: Store, count: int = 1, *, skus: int = 2, price: str = "20.00", stock: int = 50, **extra
) -> list[Listing]:
    """`count` listings of `skus` SKUs each: codes `G<listing>-<n>`, prices `price`, `price` + 1, …"""
    category, _ = Category.objects.get_or_create(code="home", defaults={"name": "Home & Garden", "name_zh": "家居园艺"})
    brand, _ = Brand.objects.get_or_create(store=store, name="Pine")
    listings = Listing.objects.bulk_create(
        Listing(
            **{
                "store": store,
                "title": f"Thing {n}",
                "titles": {"zh": f"物件{n}"},
                "category": category,
                "brand": brand,
            }
            | extra
        )
        for n in range(count)
    )
    Sku.objects.bulk_create(
        Sku(
            store=store,
            listing=listing,
            code=f"G{listing.id}-{n + 1}",
            position=n,
            sale_price=Decimal(price) + n,
            currency=store.currency,
            stock=stock,
        )
        for listing in listings
        for n in range(skus)
    )
    return listings


def put_offers(
    listings: Sequence[Listing],
    code: str = "C-7F3KQ",
    *,
    price: str | None = "15.00",
    starts_at: datetime = NOON - timedelta(days=1),
    ends_at: datetime = NOON + timedelta(days=1),
    **extra,
) -> None:
    """A live offer of campaign `code` on every SKU of the listings."""
    LiveOffer.objects.bulk_create(
        LiveOffer(
            **{
                "store_id": sku.store_id,
                "sku": sku,
                "listing_id": sku.listing_id,
                "campaign_code": code,
                "kind": "limited_time_discount",
                "label": "Limited-time discount",
                "price": None if price is None else Decimal(price),
                "starts_at": starts_at,
                "ends_at": ends_at,
            }
            | extra
        )
        for sku in Sku.objects.filter(listing__in=listings)
    )


def stop_offers(code: str = "C-7F3KQ") -> int:
    """What a pause does to the offers, and nothing else."""
    return LiveOffer.objects.filter(campaign_code=code).update(active=False)
