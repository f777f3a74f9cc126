"""django-oscar's half of `coupons`: run by the Python of an environment of its own, it knows nothing of this project.

It sets up a stock django-oscar with products and offers as `benchmarks.coupons` has them. Then each line `LINES` on stdin makes it apply
all its offers to a basket of so many lines; it answers with a line of JSON.
"""

from __future__ import annotations

import importlib
import itertools
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.core.management import call_command
from django.db import connection


def fill(goods: int, offers: int, each: int) -> list[Any]:
    """`goods` products in stock and `offers` offers over `each` of them; answers the products."""
    call_command("migrate", verbosity=0)
    catalogue: Any = importlib.import_module("oscar.apps.catalogue.models")
    partner: Any = importlib.import_module("oscar.apps.partner.models")
    offer: Any = importlib.import_module("oscar.apps.offer.models")
    kind = catalogue.ProductClass.objects.create(name="Thing", track_stock=True)
    seller = partner.Partner.objects.create(name="Seller")
    products = [
        catalogue.Product.objects.create(title=f"Thing {n}", upc=f"T-{n}", product_class=kind) for n in range(goods)
    ]
    for product in products:
        partner.StockRecord.objects.create(
            product=product, partner=seller, partner_sku=product.upc, price="20.00", price_currency="USD", num_in_stock=10_000
        )  # fmt: skip
    now = datetime.now(UTC)
    for number in range(offers):
        mine = offer.Range.objects.create(name=f"Range {number}")
        for step in range(each):
            mine.add_product(products[(number * each + step) % goods])
        offer.ConditionalOffer.objects.create(
            name=f"Offer {number}", slug=f"offer-{number}", status="Open",
            condition=offer.Condition.objects.create(range=mine, type="Count", value=1),
            benefit=offer.Benefit.objects.create(range=mine, type="Percentage", value=10),
            start_datetime=now - timedelta(days=1), end_datetime=now + timedelta(days=7),
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return products


def counted(queries: Iterator[int], execute: Any, *arguments: Any) -> Any:
    """Run a query and count it."""
    next(queries)
    return execute(*arguments)


def main() -> None:
    """Serve until stdin ends."""
    importlib.import_module(
        "oscar_side"
    ).configure()  # it lies beside this file, in an environment that has no package of ours
    products = fill(*(int(word) for word in sys.argv[1:4]))
    baskets: Any = importlib.import_module("oscar.apps.basket.models").Basket.objects
    selector: Any = importlib.import_module("oscar.apps.partner.strategy").Selector()
    applicator: Any = importlib.import_module("oscar.apps.offer.applicator").Applicator()
    print(json.dumps({"offers": int(sys.argv[2])}), flush=True)
    for line in sys.stdin:
        made = baskets.create()
        made.strategy = selector.strategy()
        for product in products[: int(line)]:
            made.add_product(product, quantity=1)
        basket = baskets.get(pk=made.pk)
        basket.strategy = selector.strategy()
        queries = itertools.count()
        began = time.perf_counter()
        with connection.execute_wrapper(partial(counted, queries)):  # a log of them would cost time and hold 9,000
            applicator.apply(basket)
            total = basket.total_incl_tax
        took = time.perf_counter() - began
        print(json.dumps({"seconds": took, "queries": next(queries), "total": str(total)}), flush=True)


if __name__ == "__main__":
    main()
