"""The desk: terms by kind, items by line, file and filter with nothing lost, live checks, what buyers will pay."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from campaigns import picking
from campaigns.models import Campaign
from core import clock
from core.scopes import across_stores, in_store
from listings.models import Listing, LiveOffer, Management, Sku
from listings.tests.test_tabular import text_cell, workbook
from tests.factories import decorate, make_campaign, make_listing, make_skus, make_store, owner_of

NEW = "/s/shop/campaigns/new/"
CHECK = "/s/shop/campaigns/check/"
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def store(db: None, settings, tmp_path: Path) -> Iterator[Store]:
    settings.MEDIA_ROOT = tmp_path
    with clock.freeze(NOON):
        store = make_store("shop", time_zone="UTC")
        with in_store(store.pk):
            decorate(store)
        yield store


@pytest.fixture
def skus(store: Store) -> list[Sku]:
    with in_store(store.pk):
        return make_skus(store, 4, prefix="TEA", price="10.00", stock=5)


@pytest.fixture
def owner(store: Store) -> Client:
    client = Client()
    client.force_login(owner_of(store))
    return client


def body(**changes: object) -> dict[str, object]:
    given = {
        "kind": "limited_time_discount", "name": "Tea week", "name_zh": "", "starts_at": "2026-11-28 00:00",
        "ends_at": "2026-12-05 00:00", "items": "",
    }  # fmt: skip
    return {**given, **changes}


def items(store: Store) -> dict[str, str]:
    with in_store(store.pk):
        rows = Campaign.objects.get().items.order_by("id").values_list("sku__code", "price")
    return {sku: "" if price is None else f"{price:.2f}" for sku, price in rows}


def nothing_saved() -> bool:
    with across_stores("nothing may have been made"):
        return not Campaign.objects.exists()


def area(page: str, name: str) -> str:
    found = re.search(rf'<textarea[^>]*name="{name}"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    return html.unescape(found[1]).strip() if found else ""


@pytest.mark.parametrize(
    ("kind", "shows", "hides"),
    [
        ("limited_time_discount", {"price_protected", "percent_off"}, {"venue", "threshold", "min_items"}),
        ("spend_and_save", {"threshold", "steps", "gifts", "free_shipping_threshold"}, {"venue", "percent_off"}),
        ("platform_promotion", {"venue", "percent_off"}, {"threshold", "min_items"}),
        ("festival", {"min_items", "percent_off"}, {"venue", "gifts"}),
    ],
)
def test_each_kind_has_its_own_fields(store, owner, kind, shows, hides):
    page = owner.get(f"{NEW}?kind={kind}").content.decode()
    named = set(re.findall(r'name="(\w+)"', page))
    assert shows <= named
    assert not hides & named
    assert f'name="kind" value="{kind}"' in page


def test_a_kind_that_is_not_offered_is_refused(store, owner):
    assert owner.get(f"{NEW}?kind=auction").status_code == 422
    assert owner.post(NEW, body(kind="nonsense")).status_code == 422


def test_spend_and_save_is_written_saved_and_shown_again(store, owner, skus):
    given = body(
        kind="spend_and_save", threshold="60", discount="8", steps="100 15\n200, 40", free_shipping_threshold="30",
        gifts="Tote\n\nMug", items="TEA-1\nTEA-2", logistics_guarantee="on",
    )  # fmt: skip
    assert owner.post(NEW, given).status_code == 302
    with in_store(store.pk):
        campaign = Campaign.objects.get()
    assert campaign.rules["steps"][1] == {"threshold": "200.00", "discount": "40.00"}
    assert (campaign.rules["gifts"], campaign.logistics_guarantee, items(store)) == (
        ["Tote", "Mug"], True, {"TEA-1": "", "TEA-2": ""},
    )  # fmt: skip
    page = owner.get(f"/s/shop/campaigns/{campaign.code}/edit/").content.decode()
    assert (area(page, "steps"), area(page, "gifts"), area(page, "items")) == (
        "100.00 15.00\n200.00 40.00", "Tote\nMug", "TEA-1\nTEA-2",
    )  # fmt: skip
    detail = owner.get(f"/s/shop/campaigns/{campaign.code}/").content.decode()
    assert "Spend $60.00, save $8.00" in detail


def test_broken_terms_stand_beside_their_fields(store, owner, skus):
    given = body(kind="spend_and_save", threshold="5", discount="8", steps="1 2 3", items="TEA-1")
    answer = owner.post(NEW, given)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "The discount must be below the amount to be spent." in page
    assert 'id="id_steps_error"' in page
    assert nothing_saved()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_items_from_a_file(store, owner, skus, form, tmp_path):
    rows = [["货号", "活动价"], ["TEA-1", "9.00"], ["TEA-2", "8.5"]]
    cells = "".join(
        f'<row r="{n}">{text_cell(f"A{n}", sku)}{text_cell(f"B{n}", price)}</row>'
        for n, (sku, price) in enumerate(rows, 1)
    )
    data = workbook(cells) if form == "xlsx" else "\n".join(",".join(row) for row in rows).encode("gb18030")
    answer = owner.post(NEW, body(items="TEA-3 7", file=SimpleUploadedFile(f"list.{form}", data)))
    assert answer.status_code == 302
    assert items(store) == {"TEA-1": "9.00", "TEA-2": "8.50", "TEA-3": "7.00"}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_of_nothing_says_so_and_keeps_what_was_typed(store, owner, skus):
    answer = owner.post(NEW, body(items="TEA-1 9", file=SimpleUploadedFile("x.csv", b"colour,size\nred,L\n")))
    page = answer.content.decode()
    assert (answer.status_code, area(page, "items")) == (422, "TEA-1 9")
    assert 'id="id_file_error"' in page
    assert nothing_saved()


def test_items_by_filter_leave_out_what_is_listed_managed_or_not_on_sale(store, owner, skus):
    with in_store(store.pk):
        make_listing(store, ["TEA-X"], title="Thing TEA x", management=Management.FULLY_MANAGED)
        Listing.objects.filter(pk=skus[3].listing_id).update(state="delisted")
    answer = owner.post(NEW, body(items="TEA-1 9.99", q="TEA", percent_off="25"))
    assert answer.status_code == 302
    assert items(store) == {"TEA-1": "9.99", "TEA-2": "7.50", "TEA-3": "7.50"}


def test_looking_saves_nothing_and_loses_nothing(store, owner, skus):
    with in_store(store.pk):
        Sku.objects.filter(pk=skus[1].pk).update(cost="9.50")
        other = make_campaign(store, skus[:1])
    given = body(
        act="look", name="", price_protected="on",
        items="TEA-1 9\nTEA-2 9\nTEA-3 99\nNOPE 1\nTEA-1 8", file=SimpleUploadedFile("x.csv", b"sku,price\nTEA-4,5\n"),
    )  # fmt: skip
    answer = owner.post(NEW, given)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert area(page, "items").splitlines() == ["TEA-1 9", "TEA-2 9", "TEA-3 99", "NOPE 1", "TEA-1 8", "TEA-4 5"]
    assert "2 products ready" in page
    assert "4 lines not right" in page
    assert "1 item sells below its cost." in page
    assert re.search(r'name="price_protected"[^>]*checked', page)
    assert not re.search(r'name="stacks"[^>]*checked', page)
    assert f"/campaigns/{other.code}/" not in page  # TEA-1 stands twice, so it is none of the good ones
    with in_store(store.pk):
        assert Campaign.objects.count() == 1


def test_wrong_lines_are_set_aside_with_their_reasons_and_come_back(store, owner, skus):
    given = body(items="TEA-1 9\nTEA-3 99\nNOPE 1", act="aside", aside="OLD 1  # Gone")
    page = owner.post(NEW, given).content.decode()
    assert area(page, "items") == "TEA-1 9"
    first, second, third = area(page, "aside").splitlines()
    assert first == "OLD 1  # Gone"
    assert second.startswith("TEA-3 99  # The campaign price 99.00")
    assert third == "NOPE 1  # This store has no SKU “NOPE”."
    mended = second.replace("TEA-3 99", "TEA-3 9")
    assert owner.post(NEW, body(items=f"TEA-1 9\n{mended}")).status_code == 302
    assert items(store) == {"TEA-1": "9.00", "TEA-3": "9.00"}


def test_ten_thousand_lines_answer_in_a_constant_number_of_queries(store, owner, skus):
    with in_store(store.pk):
        make_skus(store, 600, prefix="BIG", price="10.00")
    counts = []
    for lines in ("BIG-1 9", "\n".join([*(f"BIG-{n} 9" for n in range(1, 601)), *(f"NO-{n} 1" for n in range(9_400))])):
        with CaptureQueriesContext(connection) as queries:
            page = owner.post(NEW, body(act="look", items=lines)).content.decode()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert "600 products ready" in page
    assert "9,400 lines not right" in page
    assert area(page, "items").count("\n") == 9_999


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("A-1 9.90", ("A-1", "9.90")), ("A-1\t9.90", ("A-1", "9.90")), ("A-1，9.90", ("A-1", "9.90")), ("A-1 ; 9", ("A-1", "9")),
        ("BANK CHARGES 5", ("BANK CHARGES", "5")), ("BANK CHARGES", ("BANK CHARGES", "")), ("12345", ("12345", "")),
        ("A,1,2", ("A,1,2", "")), ("A-1,cheap", ("A-1", "cheap")), ("  A-1   9  ", ("A-1", "9")), ("A-1 9  # why", ("A-1", "9")),
    ],
)  # fmt: skip
def test_how_a_line_is_read(text, read):
    (line,) = picking.read_lines(f"\n{text}\n\n")
    assert ((line.sku, line.price), line.number) == (read, 2)


def test_more_products_while_it_runs(store, owner, skus):
    with in_store(store.pk):
        campaign = make_campaign(store, skus[:1], price="8.00")
        other = make_campaign(store, skus[1:2])
    path = f"/s/shop/campaigns/{campaign.code}/items/add/"
    page = owner.get(path).content.decode()
    assert 'name="items"' in page
    assert 'name="ends_at"' not in page
    looked = owner.post(path, {"act": "look", "items": "TEA-2 9", "version": campaign.version}).content.decode()
    assert f"/campaigns/{other.code}/" in looked
    dearer = owner.post(path, {"items": "TEA-1 7\nTEA-2 9", "version": campaign.version})
    assert (dearer.status_code, "TEA-1 is in with another price." in dearer.content.decode()) == (422, True)
    assert owner.post(path, {"items": "TEA-2 9", "version": campaign.version}).status_code == 302
    with in_store(store.pk):
        assert LiveOffer.objects.filter(campaign_code=campaign.code, active=True).count() == 2
        promotion = make_campaign(store, skus[2:], kind="platform_promotion", rules={"venue": "Main"})
    assert owner.get(f"/s/shop/campaigns/{promotion.code}/items/add/").status_code == 302


def test_a_new_end_tells_what_would_stand_against_it(store, owner, skus):
    with in_store(store.pk):
        running = make_campaign(store, skus[:2], ends_at=NOON + timedelta(days=1))
        later = make_campaign(
            store, skus[:1], state="scheduled", starts_at=NOON + timedelta(days=2), ends_at=NOON + timedelta(days=3)
        )
    path = f"{CHECK}?field=ends_at&code={running.code}"
    assert later.code not in owner.post(path, {"ends_at": "2026-11-29 00:00"}).content.decode()
    page = owner.post(path, {"ends_at": "2026-11-30 00:00"}).content.decode()
    assert "1 product is in another campaign at the same time:" in page
    assert later.code in page


# -- live checks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("name", {"name": ""}, "This field is required."),
        ("ends_at", {"ends_at": "2026-11-20 00:00"}, "The end must come after the start."),
        ("ends_at", {"ends_at": "soon"}, "Write the time as 2026-11-27 16:00."),
        ("ends_at", {}, "It runs for 7 days."),
        ("discount", {"kind": "spend_and_save", "threshold": "5", "discount": "8"}, "must be below the amount"),
        ("steps", {"kind": "spend_and_save", "threshold": "9", "discount": "8", "steps": "7 9"}, "higher amount"),
        ("min_items", {"kind": "festival", "min_items": "-1"}, "greater than or equal to 0"),
        ("items", {"items": "TEA-1 9\nNOPE 1"}, "1 line not right"),
    ],
)
def test_a_field_is_checked_when_it_is_left(store, owner, skus, field, typed, says):
    answer = owner.post(f"{CHECK}?field={field}", body(**typed))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'<div id="live_id_{field}" aria-live="polite">' in page
    assert says in html.unescape(page)
    assert nothing_saved()


def test_a_right_field_says_nothing_and_an_unknown_one_does_no_harm(store, owner, skus):
    assert "<li>" not in owner.post(f"{CHECK}?field=name", body()).content.decode()
    assert owner.post(f"{CHECK}?field=zebra", body()).status_code == 200
    assert owner.get(CHECK).status_code == 405
    assert owner.post(f"{CHECK}?field=name&code=C-00000", body()).status_code == 404


def test_the_form_asks_for_the_check_and_announces_it_politely(store, owner):
    page = owner.get(NEW).content.decode()
    assert f'hx-post="{CHECK}?field=ends_at"' in page
    assert 'hx-trigger="blur delay:400ms, change delay:400ms"' in page
    assert '<div id="live_id_ends_at" aria-live="polite">' in page
    assert re.search(r'id="id_ends_at"[^>]*aria-describedby="id_ends_at_helptext live_id_ends_at"', page) or re.search(
        r'aria-describedby="id_ends_at_helptext live_id_ends_at"[^>]*id="id_ends_at"', page
    )


# -- what buyers will pay ----------------------------------------------------------------------------------------------------


def test_prices_at_a_moment_follow_every_campaign_planned_for_then(store, owner, skus):
    with in_store(store.pk):
        mine = make_campaign(store, skus[:2], price="8.00", ends_at=NOON + timedelta(days=4))
        lower = make_campaign(
            store,
            skus[:1],
            state="scheduled",
            price="7.00",
            starts_at=NOON + timedelta(days=1),
            ends_at=NOON + timedelta(days=2),
        )
        make_campaign(store, skus[:1], state="paused", price="1.00")
    path = f"/s/shop/campaigns/{mine.code}/prices/"

    def paid(at: str) -> list[str]:
        page = owner.get(path, {"at": at} if at else {}).content.decode()
        return re.findall(r"<strong>([\d.]+)</strong>", page)

    assert paid("") == ["8.00", "8.00"]
    assert paid("2026-11-28 18:00") == ["7.00", "8.00"]
    assert lower.code in owner.get(path, {"at": "2026-11-28 18:00"}).content.decode()
    assert paid("2026-12-01 12:00") == ["10.00", "10.00"]
    assert owner.get(path, {"at": "some day"}).status_code == 422
