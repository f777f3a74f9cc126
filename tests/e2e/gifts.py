"""The shop of the main job: a store with real goods on two language sites, worked through commands and the REST API."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backoffice.demo import DEMO_PASSWORD
from tests.e2e.product import Product

UCI = Path(__file__).resolve().parents[3] / "shared" / "data" / "uci-online-retail" / "online_retail.csv.gz"
MAPPING = ("StockCode=sku", "Description=title", "UnitPrice=sale_price")
OWNER = "keeper@gifts.test"
SKUS = 1000


def write_stand_in(path: Path) -> None:
    """A catalogue of the same shape for machines without the real one."""
    with gzip.open(path, "wt", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
        )
        for number in range(SKUS + 200):
            rows.writerow(
                [
                    536365,
                    f"{20000 + number}A",
                    f"GIFT NO. {number}",
                    6,
                    "2010-12-01 08:26:00",
                    "2.55",
                    "",
                    "United Kingdom",
                ]
            )


@dataclass(frozen=True)
class Good:
    """A SKU of the shop: its code, sale price and public pages."""

    sku: str
    price: str
    pages: tuple[str, ...]


class GiftShop:
    """The store of the test: real goods, two language sites."""

    def __init__(self, product: Product, folder: Path) -> None:
        self.product = product
        staff = product.command("issue_token", "--staff", "--user", "admin@demo.test")
        status, body = product.call(
            "POST", "/staff/stores", staff,
            {"slug": "gifts", "name": "Gifts", "entity": "company", "owner_email": OWNER,
             "sites": [{"code": "en", "language": "en", "currency": "GBP"}, {"code": "zh", "language": "zh", "currency": "GBP"}]},
        )  # fmt: skip
        assert status == 201, body
        status, body = product.call(
            "PATCH", "/staff/stores/gifts", staff, {"kyc": "verified", "decoration_waived": True}
        )
        assert status == 200, body
        product.command(
            "shell", "-c",
            f"from accounts.models import User; u = User.objects.get(email='{OWNER}'); u.set_password('{DEMO_PASSWORD}'); u.save()",
        )  # fmt: skip
        self.token = product.command("issue_token", "--store", "gifts", "--user", OWNER)
        source = UCI
        if not UCI.exists():
            source = folder / "stand_in.csv.gz"
            write_stand_in(source)
        mapping = [word for pair in MAPPING for word in ("--map", pair)]
        self.report = product.command(
            "import_catalogue", str(source), "--store", "gifts", *mapping, "--currency", "GBP", "--category", "home",
            "--stock", "100", "--errors", str(folder / "errors.csv"),
        )  # fmt: skip

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A call that succeeds."""
        status, answer = self.product.call(method, path, self.token, body)
        assert status < 300, (method, path, answer)
        return answer

    def goods(self, wanted: int) -> list[Good]:
        """This many goods above one pound, one SKU a listing."""
        found: list[Good] = []
        cursor = ""
        while len(found) < wanted:
            answer = self.call("GET", f"/listings?limit=200&state=on_sale&cursor={cursor}")
            for listing in answer["items"]:
                found += [
                    Good(sku["sku"], sku["sale_price"], tuple(listing["public_urls"].values()))
                    for sku in listing["skus"]
                    if float(sku["sale_price"]) > 1
                ]
            cursor = answer["next_cursor"] or ""
            if not cursor:
                break
        return found[:wanted]

    def campaign(self, name: str, goods: Sequence[Good], lasts: timedelta) -> str:
        """A running discount over these SKUs, 20 % off."""
        now = datetime.now(UTC)
        code = self.call(
            "POST", "/campaigns",
            {"kind": "limited_time_discount", "name": name, "starts_at": stamp(now - timedelta(minutes=1)), "ends_at": stamp(now + lasts),
             "items": [{"sku": good.sku, "price": f"{float(good.price) * 0.8:.2f}"} for good in goods]},
        )["code"]  # fmt: skip
        self.call("POST", f"/campaigns/{code}/submit", {})
        return str(code)


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
