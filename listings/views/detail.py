"""One listing: SKUs, prices, the campaigns it shows now, where buyers find it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

import policies
from accounts.requests import StoreRequest
from accounts.rights import requires
from core import clock
from listings import hooks, reading
from listings.models import ListingState, LiveOffer, PriceHistory
from listings.views.common import address, find
from policies.rules import ListingRules


@requires("listings.view")
def detail(request: StoreRequest, store: str, pk: int) -> HttpResponse:
    """A listing as it stands. Parts that other rooms fill (sites, conflicts …) come from `listings.hooks`."""
    listing = find(request, pk)
    now = clock.now()
    rules = policies.active(ListingRules, now)
    skus = reading.skus_of([listing.pk]).get(listing.pk, [])
    offers = LiveOffer.objects.filter(listing=listing, active=True, ends_at__gt=now).order_by("starts_at", "id")
    prices: dict[int, list[LiveOffer]] = {}
    for offer in offers:
        offer.label = reading.label_in_words(offer.label, offer.label_zh)  # shown, never saved
        prices.setdefault(offer.sku_id, []).append(offer)
    rights = request.rights
    context = {
        "listing": listing,
        "skus": [(sku, prices.get(sku.pk, [])) for sku in skus],
        "tags": reading.tags_of([listing.pk], now).get(listing.pk, []),
        "history": PriceHistory.objects.filter(sku__listing=listing)
        .select_related("sku")
        .order_by("-at", "-id")[: rules.history_rows],
        "history_rows": rules.history_rows,
        "panels": [
            (panel.title, render_to_string(panel.template, dict(panel.context), request=request))
            for panel in hooks.panels(request.store.pk, listing.pk, rights, now)
        ],
        "now": now,
        "can_edit": "listings.edit" in rights,
        "can_price": "listings.price" in rights,
        "can_delist": "listings.delist" in rights and listing.state in (ListingState.ON_SALE, ListingState.DELISTING),
        "can_sell": "listings.edit" in rights
        and listing.state in (ListingState.DRAFT, ListingState.DELISTING, ListingState.DELISTED),
        "edit_url": address(request, "edit", pk=listing.pk),
        "price_url": address(request, "prices", pk=listing.pk),
    }
    return render(request, "listings/detail.html", context)
