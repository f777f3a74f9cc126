"""A year of a real shop, 541,909 rows, into catalogue and orders, twice: nothing vanishes or happens twice, memory stays flat."""

from __future__ import annotations

import csv
import resource
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Store
from audit.actors import system
from audit.models import AuditEvent
from listings.catalogue_import import Request as CatalogueRequest
from listings.catalogue_import import import_catalogue
from listings.models import PriceHistory, Sku
from listings.tabular import inspect, read_mapping
from orders.importing import Request as OrderRequest
from orders.importing import import_orders
from orders.models import Order, OrderLine
from policies.rules import ImportRules
from tests.data import UCI_MAPPING, UCI_ORDERS, uci


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)  # as in life: a transaction a batch
def test_the_whole_shop_goes_in(store: Store, tmp_path: Path) -> None:
    source = inspect(uci(), ImportRules())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    goods = CatalogueRequest(source, read_mapping(UCI_MAPPING), "GBP", "home", 100, errors=tmp_path / "goods.csv")
    first = import_catalogue(store, goods, actor=system("test"))
    assert first.reconciles
    assert (first.rows, first.blank) == (541_909, 0)
    assert first.rejected == {"ERR_MONEY_RANGE": 2514, "ERR_SKU_CHARACTER": 71, "ERR_MONEY_PLACES": 3}
    assert first.done == {"created": 3931, "updated": 0, "unchanged": 0, "superseded": 535_390}
    codes = set(Sku.objects.values_list("code", flat=True))
    assert {"85123A", "85123a"} <= codes
    again = import_catalogue(store, goods, actor=system("test"))
    assert again.done == {"created": 0, "updated": 0, "unchanged": 3931, "superseded": 535_390}
    assert PriceHistory.objects.count() == 3931
    assert AuditEvent.objects.filter(action="catalogue.write").count() == 1

    lines = OrderRequest(
        source, read_mapping(UCI_ORDERS), "GBP", ZoneInfo("Europe/London"), errors=tmp_path / "orders.csv"
    )
    report = import_orders(store, lines, actor=system("test"))
    assert report.reconciles
    assert report.figures.done == {"imported": 530_057, "unchanged": 0}
    assert report.figures.rejected == {
        "ERR_ORDER_CANCELLATION": 9288, "ERR_ORDER_QUANTITY": 1336, "ERR_MONEY_RANGE": 1179, "ERR_SKU_CHARACTER": 42,
        "ERR_MONEY_PLACES": 4, "ERR_ORDER_ADJUSTMENT": 3,
    }  # fmt: skip
    assert report.sums.total == Decimal("9747747.934")
    assert report.unknown_countries == {"Channel Islands": 748, "European Community": 60, "Unspecified": 446}
    assert (Order.objects.count(), OrderLine.objects.count()) == (report.orders, 530_057)
    for name, rows in (("goods.csv", 2588), ("orders.csv", 11_852)):
        with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
            assert sum(1 for _ in csv.reader(file)) == rows + 1
    assert import_orders(store, lines, actor=system("test")).figures.done == {"imported": 0, "unchanged": 530_057}
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    assert grown < 150_000, f"the imports took {grown} KiB more"
