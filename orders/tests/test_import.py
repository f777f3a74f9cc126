"""An order file into orders (R14, R23): every row a line of an order or refused with a reason, sums to the last decimal."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

import policies
from accounts.models import Store
from audit.actors import Actor, system
from audit.models import AuditEvent
from core import clock
from core.errors import PermissionRefused
from listings import catalogue_import
from listings.tabular import inspect, read_mapping
from orders.countries import country_code
from orders.importing import Report, Request, import_orders
from orders.models import Order, OrderLine
from policies.rules import ImportRules
from tests.data import UCI_MAPPING, UCI_ORDERS, small_uci
from tests.factories import actor_for, make_listing, make_member

LONDON = ZoneInfo("Europe/London")
HEADER = "order,sku,quantity,placed_at,unit_price,buyer,country\n"


def bring(store: Store, path: Path, actor: Actor | None = None, **options: object) -> Report:
    source = inspect(path, policies.active(ImportRules, clock.now()))
    given: dict[str, object] = {"zone": LONDON, "errors": path.with_name("errors.csv")} | options
    return import_orders(store, Request(source, **given), actor=actor or system("test"))  # type: ignore[arg-type]  # passed on as given


def put(folder: Path, rows: str) -> Path:
    path = folder / "orders.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    return path


def refused_rows(path: Path) -> dict[int, str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {int(row["row"]): row["code"] for row in csv.DictReader(file)}


@pytest.fixture
def goods(store: Store) -> None:
    make_listing(store, ["A", "B"])
    make_listing(store, ["J"], price="1000", currency="JPY")


ROWS = """536365,A,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536366,B,1,2010-12-01 08:28,7.65,,EIRE
536365,B,2,2010-12-01 08:27:00,3.39,17850.0,United Kingdom
536365,A,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
C536379,A,-1,2010-12-01 09:41,27.50,14527.0,United Kingdom
A563185,B,1,2011-08-12 14:50,11062.06,,United Kingdom
536368,A,-10,2010-12-01 10:00,0.0,,
536368,A,1,2010-12-01 10:00,0,,
536368,A,1,2010-12-01 10:00,0.001,,
536368,a,1,2010-12-01 10:00,1.00,,
536368,BANK CHARGES,1,2010-12-01 10:00,1.00,,
536368,J,1,2010-12-01 10:00,1.00,,
536369,A,1,2011-03-27 01:30,1.00,,
536369,A,1,2011-10-30 01:30,1.00,,
536369,A,1,1066-10-14 09:00,1.00,,
536369,A,1,9999-12-31 23:59,1.00,,
536369,A,1,2010-02-30 09:00,1.00,,
536369,A,one,2010-12-01 10:00,1.00,,
536369,A,1,2010-12-01 10:00,cheap,,
,A,1,2010-12-01 10:00,1.00,,
536370,A,1,2010-12-01 10:00,1.00,,Channel Islands,more
"""


def test_each_row_is_a_line_or_refused_and_the_sums_agree(store, goods, tmp_path) -> None:
    report = bring(store, put(tmp_path, ROWS))
    assert report.reconciles
    assert report.figures.done == {"imported": 5, "unchanged": 0}
    assert refused_rows(tmp_path / "errors.csv") == {
        6: "ERR_ORDER_CANCELLATION", 7: "ERR_ORDER_ADJUSTMENT", 8: "ERR_ORDER_QUANTITY", 9: "ERR_MONEY_RANGE",
        10: "ERR_MONEY_PLACES", 11: "ERR_SKU_UNKNOWN", 12: "ERR_SKU_CHARACTER", 13: "ERR_ORDER_CURRENCY", 14: "ERR_ORDER_TIME",
        16: "ERR_ORDER_TIME", 17: "ERR_ORDER_TIME", 18: "ERR_ORDER_TIME", 19: "ERR_ORDER_QUANTITY", 20: "ERR_MONEY_FORMAT",
        21: "ERR_ORDER_CODE", 22: "ERR_ROW_COLUMNS",
    }  # fmt: skip
    sums = report.sums
    assert (sums.imported, sums.unread) == (Decimal("46.03"), 2)
    assert sums.total == sums.imported + sums.rejected == Decimal("46.03") + Decimal("11043.561")


def test_the_lines_of_an_order_stand_together_repeated_ones_too(store, goods, tmp_path) -> None:
    bring(store, put(tmp_path, ROWS))
    order = Order.objects.get(code="536365")
    assert [(line.sku.code, line.quantity) for line in order.lines.order_by("position")] == [
        ("A", 6),
        ("B", 2),
        ("A", 6),
    ]
    assert (order.buyer, order.country, order.state, order.currency) == ("17850", "GB", "completed", "USD")
    assert order.placed_at == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert order.total == Decimal("37.38")
    assert order.snapshot["source"] == "import"
    assert Order.objects.get(code="536366").country == "IE"
    twice = Order.objects.get(code="536369")
    assert twice.placed_at == datetime(2011, 10, 30, 0, 30, tzinfo=UTC)
    assert twice.snapshot["rows_left_out"] == 6


def test_the_same_file_twice_changes_nothing(store, goods, tmp_path) -> None:
    path = put(tmp_path, ROWS)
    first = bring(store, path)
    again = bring(store, path)
    assert again.figures.done == {"imported": 0, "unchanged": 5}
    assert (again.sums.imported, again.sums.unchanged) == (Decimal(0), first.sums.imported)
    assert again.reconciles
    assert (Order.objects.count(), OrderLine.objects.count()) == (3, 5)
    events = Counter(AuditEvent.objects.values_list("action", flat=True))
    assert events == {"order.record": 1, "orders.import": 2}


def test_an_order_that_is_here_with_other_content_stays_as_it_was(store, goods, tmp_path) -> None:
    bring(store, put(tmp_path, "1,A,1,2010-12-01 10:00,1.00,,\n"))
    report = bring(store, put(tmp_path, "1,A,2,2010-12-01 10:00,1.00,,\n2,A,1,2010-12-01 10:00,1.00,,\n"))
    assert (report.figures.done["imported"], report.figures.rejected) == (1, {"ERR_ORDER_FROZEN": 1})
    assert report.reconciles
    assert OrderLine.objects.get(order__code="1").quantity == 1


def test_an_order_in_two_currencies_is_refused_whole(store, goods, tmp_path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "order,sku,quantity,placed_at,unit_price,currency\n1,A,1,2010-12-01,1.00,USD\n1,J,1,2010-12-01,1000,JPY\n"
    )
    report = bring(store, path)
    assert report.figures.rejected == {"ERR_ORDER_CURRENCY": 2}
    assert not Order.objects.exists()


def test_a_broken_run_goes_on_and_counts_once(store, goods, tmp_path, monkeypatch) -> None:
    real = policies.active
    limits = ImportRules(batch=1)
    monkeypatch.setattr(policies, "active", lambda model, now: limits if model is ImportRules else real(model, now))
    path = put(tmp_path, "".join(f"{n},A,1,2010-12-01 10:00,1.00,,\n" for n in range(20)))
    request = Request(inspect(path, limits), zone=LONDON)
    seen: list[tuple[int, dict[str, int], Decimal]] = []

    class KilledError(Exception):
        pass

    def stop(report: Report, batch: int) -> None:
        if batch == 2:
            raise KilledError
        seen.append((batch, dict(report.figures.done), report.sums.imported))

    with pytest.raises(KilledError):
        import_orders(store, request, actor=system("test"), on_batch=stop)
    batch, done, imported = seen[-1]
    assert Order.objects.count() == done["imported"] < 20
    before = Report()
    before.figures.done, before.sums.imported = done, imported
    rest = import_orders(store, request, actor=system("test"), after_batch=batch, before=before)
    assert rest.figures.done == {"imported": 20, "unchanged": 0}
    assert rest.reconciles


def test_the_right_is_asked(store, goods, tmp_path) -> None:
    with pytest.raises(PermissionRefused):
        bring(store, put(tmp_path, ROWS), actor_for(make_member(store, rights=["orders.view"])))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("United Kingdom", "GB"), ("EIRE", "IE"), ("RSA", "ZA"), ("USA", "US"), ("gb", "GB"), ("Czech Republic", "CZ"),
        ("Hong Kong", "HK"), ("Saudi Arabia", "SA"), ("United Arab Emirates", "AE"), ("德国", "DE"), ("Germany", "DE"),
        ("Channel Islands", ""), ("European Community", ""), ("Unspecified", ""), ("", ""), ("EU", ""), ("x" * 5000, ""),
    ],
)  # fmt: skip
def test_countries_are_recognised_only_where_they_are_one(name: str, code: str) -> None:
    assert country_code(name) == code


def run(path: Path, store: Store, *arguments: str) -> str:
    out = StringIO()
    call_command("import_orders", str(path), "--store", store.slug, *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_rows_sums_and_countries(store, goods, tmp_path) -> None:
    rows = ROWS.replace(",Channel Islands,more", ",Channel Islands")
    said = run(put(tmp_path, rows), store, "--time-zone", "Europe/London")
    assert "rows 21 = imported 6 + unchanged 0 + rejected 15" in said
    assert "orders 4; quantity × price 11089.591 = imported 47.03 + unchanged 0 + rejected 11042.561" in said
    assert "country left empty: “Channel Islands” 1 rows" in said
    assert "worth nothing in the sums: 2" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--time-zone", "Mars/Olympus"], "not a time zone"),
        (["--currency", "QQQ"], "ISO 4217"),
        (["--map", "x"], "MAPPING"),
    ],
)
def test_the_command_refuses_in_one_line(store, goods, tmp_path, arguments, words) -> None:
    with pytest.raises(CommandError, match=words):
        run(put(tmp_path, ROWS), store, *arguments)


def catalogue(store: Store, path: Path) -> None:
    source = inspect(path, ImportRules())
    request = catalogue_import.Request(source, read_mapping(UCI_MAPPING), "GBP", "home", 100)
    catalogue_import.import_catalogue(store, request, actor=system("test"))


def test_a_day_of_a_real_shop(store, tmp_path) -> None:
    day = small_uci()
    catalogue(store, day)
    options = {"mapping": read_mapping(UCI_ORDERS), "currency": "GBP", "errors": tmp_path / "errors.csv"}
    report = bring(store, day, **options)
    assert report.reconciles
    assert report.figures.done == {"imported": 3072, "unchanged": 0}
    assert report.figures.rejected == {"ERR_ORDER_CANCELLATION": 26, "ERR_MONEY_RANGE": 9, "ERR_ORDER_QUANTITY": 1}
    assert (report.orders, report.sums.total) == (127, Decimal("58635.56"))
    assert bring(store, day, **options).figures.done == {"imported": 0, "unchanged": 3072}
