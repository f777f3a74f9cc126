"""A catalogue file into listings (R83, R90): every row has an outcome, the same file twice changes nothing."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

import policies
from accounts.models import Entity, Store
from audit.actors import Actor, system
from audit.models import AuditEvent
from core import clock
from core.errors import Conflict, PermissionRefused
from core.scopes import in_store
from listings.catalogue_import import Request, import_catalogue
from listings.models import Brand, Listing, PriceHistory, Sku
from listings.search import matching
from listings.staging import Figures, Silent
from listings.tabular import FileRefused, inspect, read_mapping
from policies.rules import ImportRules
from tests.data import UCI_MAPPING, small_uci
from tests.factories import actor_for, make_listing, make_member, make_store, owner_of


def bring(store: Store, path: Path, actor: Actor | None = None, **options: object) -> Figures:
    source = inspect(path, policies.active(ImportRules, clock.now()))
    given: dict[str, object] = {"category": "home", "errors": path.with_name("errors.csv")} | options
    return import_catalogue(store, Request(source, **given), actor=actor or system("test"))  # type: ignore[arg-type]  # passed on as given


def put(folder: Path, content: str, name: str = "goods.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def refused_rows(path: Path) -> dict[int, str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {int(row["row"]): row["code"] for row in csv.DictReader(file)}


GOODS = """sku,title,title_zh,sale_price,currency,cost,stock,category,brand
A-1,Old name,,9.99,,,,,
A-2,Planter,花盆,15.90,USD,6.10,600,家居园艺,Halfhill
A-1,Night Light,小夜灯,13.80,,5.20,720,lighting,Halfhill
B&2,Drill,,49.90,,,,,
A-3,,,5.00,,,,,
A-4,Bench,,0,,,,,
A-5,Bench,,1.005,,,,,
A-6,Bench,,5,QQQ,,,,
A-7,Bench,,5,,,,hats,
A-8,Bench,,5,,,-1,,
A-9,Bench,,5,,x,,,
A-10,Bench,,,,,,,
A-11,Bench
"""


def test_each_row_is_imported_superseded_or_refused_with_a_reason(store, owner, news, tmp_path) -> None:
    figures = bring(store, put(tmp_path, GOODS))
    assert figures.reconciles
    assert figures.done == {"created": 2, "updated": 0, "unchanged": 0, "superseded": 1}
    assert refused_rows(tmp_path / "errors.csv") == {
        5: "ERR_SKU_CHARACTER", 6: "ERR_TITLE_MISSING", 7: "ERR_MONEY_RANGE", 8: "ERR_MONEY_PLACES", 9: "ERR_CURRENCY_UNKNOWN",
        10: "ERR_CATEGORY_UNKNOWN", 11: "ERR_QUANTITY", 12: "ERR_MONEY_FORMAT", 13: "ERR_MONEY_FORMAT", 14: "ERR_ROW_COLUMNS",
    }  # fmt: skip
    light = Sku.objects.select_related("listing__category", "listing__brand").get(code="A-1")
    assert (light.sale_price, light.cost, light.stock, light.currency) == (Decimal("13.8"), Decimal("5.2"), 720, "USD")
    assert (light.listing.title, light.listing.titles) == ("Night Light", {"zh": "小夜灯"})
    assert (light.listing.category.code, str(light.listing.brand), light.listing.state) == (
        "lighting",
        "Halfhill",
        "on_sale",
    )
    assert matching(Listing.objects.all(), "夜灯 halfhill").get() == light.listing
    assert sorted(news.ids) == sorted(Listing.objects.values_list("id", flat=True))
    assert Brand.objects.count() == 1
    history = {(row.sku.code, row.before, row.after, row.source) for row in PriceHistory.objects.select_related("sku")}
    assert history == {("A-1", None, Decimal("13.8"), "import"), ("A-2", None, Decimal("15.9"), "import")}
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == [
        "catalogue.write",
        "catalogue.import",
    ]


def test_the_same_file_twice_changes_nothing(store, owner, news, tmp_path) -> None:
    path = put(tmp_path, GOODS)
    bring(store, path)
    before = list(Listing.objects.order_by("id").values()), list(Sku.objects.order_by("id").values())
    told = len(news.calls)
    again = bring(store, path)
    assert again.done == {"created": 0, "updated": 0, "unchanged": 2, "superseded": 1}
    assert (list(Listing.objects.order_by("id").values()), list(Sku.objects.order_by("id").values())) == before
    assert len(news.calls) == told
    assert PriceHistory.objects.count() == 2
    assert AuditEvent.objects.filter(action="catalogue.write").count() == 1
    assert AuditEvent.objects.filter(action="catalogue.import").count() == 2


def test_what_a_file_says_nothing_about_stays(store, owner, tmp_path) -> None:
    listing = make_listing(store, ["A-1", "A-2"], title="Dress", price="10.00", cost="4.00", stock=7)
    figures = bring(store, put(tmp_path, "sku,sale_price\nA-1,12.00\nA-2,10.00\n"))
    assert figures.done == {"created": 0, "updated": 1, "unchanged": 1, "superseded": 0}
    listing.refresh_from_db()
    assert (listing.title, listing.version, Sku.objects.get(code="A-1").stock) == ("Dress", 2, 7)


def test_several_skus_of_a_listing_speak_for_it_in_the_order_of_the_file(store, owner, tmp_path, monkeypatch) -> None:
    make_listing(store, ["A-1", "A-2"], title="Dress", price="10.00")
    monkeypatch.setattr(policies, "active", _with(batch=1))
    path = put(tmp_path, "sku,title,sale_price\nA-1,First,10\nA-2,Second,10\n")
    assert bring(store, path).done["updated"] == 1
    assert Listing.objects.get().title == "Second"
    assert bring(store, path).done["updated"] == 0
    assert set(Listing.objects.get().search_terms) >= {"second", "1", "2"}


def _with(**values: Any):
    real = policies.active

    def active(model, now):
        return ImportRules(**values) if model is ImportRules else real(model, now)

    return active


def test_batches_are_written_one_by_one_and_a_broken_run_goes_on(store, owner, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(policies, "active", _with(batch=2))
    path = put(tmp_path, "sku,title,sale_price\n" + "".join(f"A-{n},Thing,{n}\n" for n in range(1, 8)) + "A-8,,1\n")
    source = inspect(path, ImportRules())
    request = Request(source, category="home")
    seen: list[tuple[int, dict[str, int]]] = []

    class KilledError(Exception):
        pass

    def stop_after_two(figures: Figures, row: int) -> None:
        if len(seen) == 2:
            raise KilledError
        seen.append((row, dict(figures.done)))

    with pytest.raises(KilledError):
        import_catalogue(store, request, actor=system("test"), on_batch=stop_after_two)
    assert Sku.objects.count() == 4
    row, done = seen[-1]
    rest = import_catalogue(store, request, actor=system("test"), after_row=row, before=Figures(done=done))
    assert rest.done == {"created": 7, "updated": 0, "unchanged": 0, "superseded": 0}
    assert rest.reconciles
    assert rest.rejected == {"ERR_TITLE_MISSING": 1}
    assert Sku.objects.count() == PriceHistory.objects.count() == 7


def test_a_sku_of_another_currency_is_refused(store, owner, tmp_path) -> None:
    make_listing(store, ["J-1"], price="1000", currency="JPY")
    figures = bring(store, put(tmp_path, "sku,title,sale_price,currency\nJ-1,Tea,12.50,USD\n"))
    assert figures.rejected == {"ERR_CURRENCY_FIXED": 1}
    assert bring(store, put(tmp_path, "sku,title,sale_price,currency\nJ-1,Tea,1200,JPY\n")).done["updated"] == 1


def test_a_sku_that_appears_in_another_currency_meanwhile_keeps_its_price(store, owner, tmp_path) -> None:
    class Meanwhile(Silent):
        def start(self, phase: str, total: int) -> None:
            if phase == "writing":
                make_listing(store, ["A-1"], price="1000", currency="JPY")

    source = inspect(put(tmp_path, "sku,title,sale_price\nA-1,Old,9\nA-1,Tea,12.50\nA-2,Tea,3\n"), ImportRules())
    request = Request(source, category="home", errors=tmp_path / "errors.csv")
    figures = import_catalogue(store, request, actor=system("test"), progress=Meanwhile())
    assert figures.reconciles
    assert (figures.done["created"], figures.rejected) == (1, {"ERR_CURRENCY_FIXED": 1})
    assert Sku.objects.get(code="A-1").sale_price == 1000
    assert refused_rows(tmp_path / "errors.csv") == {3: "ERR_CURRENCY_FIXED"}


def test_a_cost_in_the_currency_of_an_earlier_row_is_not_taken_for_one_in_the_last(store, owner, tmp_path) -> None:
    rows = "A,Tea,1,KWD,1.234\nA,Tea,5,USD,\nB,Tea,5,USD,2\nB,Tea,6,USD,\n"
    bring(store, put(tmp_path, f"sku,title,sale_price,currency,cost\n{rows}"))
    held = {sku.code: (sku.currency, sku.sale_price, sku.cost) for sku in Sku.objects.all()}
    assert held == {"A": ("USD", Decimal(5), None), "B": ("USD", Decimal(6), Decimal(2))}


def test_a_currency_of_more_places_than_we_hold_is_refused(store, owner, tmp_path) -> None:
    figures = bring(store, put(tmp_path, "sku,title,sale_price,currency\nA,Tea,1.2345,CLF\n"))
    assert figures.rejected == {"ERR_CURRENCY_UNKNOWN": 1}


def test_without_a_category_new_goods_have_no_place(store, owner, tmp_path) -> None:
    figures = bring(store, put(tmp_path, "sku,title,sale_price,category\nA,One,1,\nB,Two,1,toys\n"), category="")
    assert (figures.done["created"], figures.rejected) == (1, {"ERR_CATEGORY_UNKNOWN": 1})
    with pytest.raises(FileRefused, match="ERR_CATEGORY_UNKNOWN"):
        bring(store, put(tmp_path, "sku,title,sale_price\nA,One,1\n"), category="hats")


def test_rights_caps_and_the_sole_trader(store, owner, tmp_path) -> None:
    path = put(tmp_path, "sku,title,sale_price\nA,One,1.00\n")
    with pytest.raises(PermissionRefused):
        bring(store, path, actor_for(make_member(store, rights=["listings.view"])))
    editor = actor_for(make_member(store, rights=["listings.edit"]))
    assert bring(store, path, editor).done["created"] == 1
    with pytest.raises(PermissionRefused):
        bring(store, put(tmp_path, "sku,title,sale_price\nA,One,2.00\n"), editor)
    assert Sku.objects.get().sale_price == 1
    trader_store = make_store(entity=Entity.SOLE_TRADER)
    trader = actor_for(owner_of(trader_store))
    with in_store(trader_store.pk):
        assert bring(trader_store, path, trader).done["created"] == 1
        with pytest.raises(Conflict, match="ERR_ENTITY_VIEW_ONLY"):
            bring(trader_store, put(tmp_path, "sku,title,sale_price\nA,One,3.00\n"), trader)


def run(path: Path, store: Store, *arguments: str) -> str:
    out = StringIO()
    call_command("import_catalogue", str(path), "--store", store.slug, *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_figures_and_keeps_refused_rows_beside_the_file(store, tmp_path) -> None:
    path = tmp_path / "goods.csv.gz"
    path.write_bytes(gzip.compress(GOODS.encode("gb18030")))
    said = run(path, store, "--category", "home", "--stock", "7")
    assert "rows 13 = created 2 + updated 0 + unchanged 0 + superseded 1 + rejected 10" in said
    assert "ERR_MONEY_FORMAT 2" in said
    assert (tmp_path / "goods.csv.gz.errors.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--store", "nowhere"], "there is no store"),
        (["--map", "Colour=title"], "ERR_FILE_MAPPING"),
        (["--currency", "XQX"], "ISO 4217"),
        (["--category", "hats"], "ERR_CATEGORY_UNKNOWN"),
        (["--encoding", "cp437"], "ERR_FILE_ENCODING"),
        (["--stock", "-1"], "must not be negative"),
    ],
)
def test_the_command_refuses_in_one_line(store, tmp_path, arguments, words) -> None:
    with pytest.raises(CommandError, match=words):
        run(put(tmp_path, GOODS), store, *arguments)
    assert not Listing.objects.exists()


def test_a_day_of_a_real_shop(store, owner, tmp_path) -> None:
    day = small_uci()
    options = {"mapping": read_mapping(UCI_MAPPING), "currency": "GBP", "stock": 100, "errors": tmp_path / "errors.csv"}
    figures = bring(store, day, **options)
    assert figures.reconciles
    assert (figures.rows, figures.refused) == (3108, 10)
    assert set(figures.rejected) == {"ERR_MONEY_RANGE"}
    assert Sku.objects.count() == figures.done["created"] > 1300
    assert Sku.objects.filter(code="85123A").exists()
    assert bring(store, day, **options).done | {"superseded": 0} == {
        "created": 0, "updated": 0, "unchanged": figures.done["created"], "superseded": 0,
    }  # fmt: skip
