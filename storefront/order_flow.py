"""Dry quotes for campaigns that were closed (R47): the checkout's own pricing, without writing a quote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from accounts.models import Store
from campaigns.order_flow import CLEAN, LEFTOVER, UNSOLD, Reading, Sample, joined
from core import money
from storefront.quoting import DryQuote, dry_quotes


@joined
def ask(samples: Sequence[Sample], now: datetime) -> Mapping[int, Sequence[Reading]]:
    """Quote one unit of every sampled SKU; two queries per store, however many closes."""
    by_store: dict[int, list[Sample]] = {}
    for sample in samples:
        by_store.setdefault(sample.store_id, []).append(sample)
    stores = Store.objects.in_bulk(by_store)
    found: dict[int, list[Reading]] = {}
    for store_id, own in by_store.items():
        quotes = dry_quotes(stores[store_id], {sku for sample in own for sku in sample.skus}, now=now)
        for sample in own:
            found[sample.closing_id] = [_reading(sample, sku, quotes.get(sku)) for sku in sample.skus]
    return found


def _reading(sample: Sample, sku: str, quote: DryQuote | None) -> Reading:
    if quote is None or quote.refusal:
        return Reading(sku, UNSOLD, detail=quote.refusal if quote else "ERR_SKU_UNKNOWN")
    outcome = LEFTOVER if sample.campaign in quote.campaigns else CLEAN
    price = money.text(quote.unit_price, quote.currency)
    return Reading(sku, outcome, price, quote.currency, tuple(sorted(quote.campaigns)))
