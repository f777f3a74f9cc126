"""Real data for tests, where it lies beside the project; a test that needs it says so when it is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
UCI_MAPPING = ["StockCode=sku", "Description=title", "UnitPrice=sale_price"]
UCI_ORDERS = [
    "InvoiceNo=order", "StockCode=sku", "Quantity=quantity", "InvoiceDate=placed_at", "UnitPrice=unit_price", "CustomerID=buyer",
    "Country=country",
]  # fmt: skip


def real(name: str) -> Path:
    """A file of the real data; the test is skipped, and says so, when it is absent."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"real data not at hand: ../shared/data/{name}")
    return path


def small_uci() -> Path:
    """One day of the gift shop: 3,108 rows."""
    return real("uci-online-retail/sample_2010-12-01.csv")


def uci() -> Path:
    """All of it: 541,909 rows."""
    return real("uci-online-retail/online_retail.csv.gz")
