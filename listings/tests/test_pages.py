"""The listing pages: what they show, how few queries they need, what they refuse."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from audit.models import AuditEvent
from core import clock
from core.scopes import in_store
from listings import jobs
from listings.models import Job, Listing, LiveOffer, PriceHistory, Sku
from tests.factories import make_listing, make_member, make_site, make_skus, make_store, owner_of

pytestmark = pytest.mark.django_db
LIST_QUERIES = 10
HERE = "/s/shop/listings/"


@pytest.fixture
def store(settings, tmp_path: Path) -> Store:
    """A store in good order; its scope is not open, as in life."""
    settings.MEDIA_ROOT = tmp_path
    return make_store("shop")


@pytest.fixture
def page(store: Store) -> Client:
    """Its owner, signed in."""
    return signed_in(owner_of(store))


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def listing_of(store: Store, *codes: str, **extra: object) -> Listing:
    with in_store(store.pk):
        return make_listing(store, codes, **extra)  # type: ignore[arg-type]  # passed on as given


def offer(store: Store, listing: Listing, **extra: object) -> None:
    now = clock.now()
    with in_store(store.pk):
        given = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(hours=1), "active": True} | extra
        LiveOffer.objects.create(
            store=store, sku=listing.skus.get(position=0), listing=listing, campaign_code="C-7F3KQ", kind="limited_time_discount",
            label="Clear-Out", price="18.90", **given,
        )  # fmt: skip


def text(response, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[:2000]
    return response.content.decode()


def test_the_list_shows_price_range_stock_and_campaign_tags(store, page) -> None:
    listing = listing_of(store, "PC-1", "PC-2", title="Floral Dress", titles={"zh": "碎花连衣裙"}, stock=1500)
    with in_store(store.pk):
        Sku.objects.filter(code="PC-2").update(sale_price="29.90")
    offer(store, listing)
    html = text(page.get(HERE))
    for shown in (
        "Floral Dress",
        "2 SKUs",
        "$24.90",
        "$29.90",
        "3,000",
        "Clear-Out",
        "On sale",
        f"{HERE}{listing.pk}/",
    ):
        assert shown in html, shown
    assert "碎花连衣裙" in text(page.get(HERE, headers={"accept-language": "zh-hans"}))


@pytest.mark.parametrize(
    ("extra", "shown"),
    [
        ({"active": False}, False),
        ({"ends_at": datetime(2026, 1, 2, tzinfo=UTC), "starts_at": datetime(2026, 1, 1, tzinfo=UTC)}, False),
        ({}, True),
    ],
)  # fmt: skip
def test_a_tag_that_no_buyer_sees_is_not_shown(store, page, extra, shown) -> None:
    offer(store, listing_of(store, "PC-1"), **extra)
    assert ("Clear-Out" in text(page.get(HERE))) is shown


def test_filters_are_the_address(store, page) -> None:
    listing_of(store, "A-1", title="Floral Dress", category="apparel")
    listing_of(store, "A-2", title="Canvas Tote", category="pets", state="delisted")
    for query, found in (
        ("q=floral", {"Floral Dress"}),
        ("q=a-2", {"Canvas Tote"}),
        ("state=delisted", {"Canvas Tote"}),
        ("category=home", {"Canvas Tote"}),
        ("category=apparel&state=on_sale", {"Floral Dress"}),
        ("management=fully_managed", set()),
        ("state=nonsense&category=hats", {"Floral Dress", "Canvas Tote"}),
    ):
        html = text(page.get(f"{HERE}?{query}"))
        assert {title for title in ("Floral Dress", "Canvas Tote") if title in html} == found, query


def test_why_a_list_is_empty(store, page) -> None:
    assert "No listings yet" in text(page.get(HERE))
    listing_of(store, "A-1")
    assert "Clear filters" in text(page.get(f"{HERE}?q=nothing"))
    stranger = signed_in(make_member(store, rights=["campaigns.view"]))
    assert "It can be granted by" in text(stranger.get(HERE), 403)


def test_pages_go_by_key_and_cost_the_same_at_any_length(store, page) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            text(page.get(HERE))
        return len(seen)

    with in_store(store.pk):
        make_skus(store, 3)
    queries()
    few = queries()
    with in_store(store.pk):
        make_skus(store, 150)
    assert queries() == few <= LIST_QUERIES
    first = page.get(HERE)
    cursor = first.context["pages"].next
    second = page.get(HERE, {"cursor": cursor})
    shown = [{row.pk for row in answer.context["pages"].rows} for answer in (first, second)]
    assert len(shown[0]) == len(shown[1]) == 50
    assert not shown[0] & shown[1]
    assert text(page.get(HERE, {"cursor": "garbage"}))


def test_a_listing_shows_prices_offers_history_and_where_buyers_find_it(store, page) -> None:
    with in_store(store.pk):
        make_site(store, "en")
    listing = listing_of(store, "PC-1", title="Floral Dress", cost="9.80")
    offer(store, listing)
    page.post(f"{HERE}{listing.pk}/prices/", {"version": 1, f"sku{_sku(store, 'PC-1').pk}-sale_price": "26.00"})
    html = text(page.get(f"{HERE}{listing.pk}/"))
    for shown in (
        "PC-1",
        "$26.00",
        "$18.90",
        "$9.80",
        "C-7F3KQ",
        "Price history",
        "By hand",
        "Shows the change of",
    ):
        assert shown in html, shown


def _sku(store: Store, code: str) -> Sku:
    with in_store(store.pk):
        return Sku.objects.get(code=code)


def test_another_stores_listing_is_not_there(store, page) -> None:
    theirs = listing_of(make_store(), "X")
    for way in ("", "edit/", "prices/"):
        text(page.get(f"{HERE}{theirs.pk}/{way}"), 404)


def new_listing(**changes: str) -> dict[str, str]:
    return {
        "title": "Floral Dress", "title_zh": "碎花连衣裙", "category": "apparel", "brand": "Pinecone", "then": "sale",
        "sku0-sku": "PC-1", "sku0-sale_price": "24.90", "sku0-cost": "9.80", "sku0-stock": "420",
        "sku1-sku": "PC-2", "sku1-sale_price": "25.90", "sku1-cost": "", "sku1-stock": "",
        "sku2-sku": "", "sku2-sale_price": "", "sku2-cost": "", "sku2-stock": "",
    } | changes  # fmt: skip


def test_a_new_listing_by_hand(store, page) -> None:
    response = page.post(f"{HERE}new/", new_listing())
    with in_store(store.pk):
        listing = Listing.objects.get()
        assert response["Location"] == f"{HERE}{listing.pk}/"
        assert (listing.title, listing.titles, listing.state) == ("Floral Dress", {"zh": "碎花连衣裙"}, "on_sale")
        assert list(Sku.objects.values_list("code", "stock")) == [("PC-1", 420), ("PC-2", 0)]
        assert set(PriceHistory.objects.values_list("source", flat=True)) == {"manual"}
    page.post(f"{HERE}new/", new_listing(**{"sku0-sku": "D-1", "sku1-sku": "D-2", "then": "draft"}))
    with in_store(store.pk):
        assert Listing.objects.filter(state="draft").count() == 1


def test_every_mistake_is_shown_beside_its_field(store, page) -> None:
    wrong = {"title": "", "category": "", "sku0-sku": "PC&1", "sku0-sale_price": "0", "sku1-stock": "many"}
    html = text(page.post(f"{HERE}new/", new_listing(**wrong)), 422)
    for shown in ("This must not be empty.", "category tree", "“&amp;”", "above zero", "not a whole number"):
        assert shown in html, shown
    with in_store(store.pk):
        assert not Listing.objects.exists()


def edit_form(listing: Listing, store: Store, **changes: str) -> dict[str, str]:
    sku = _sku(store, "PC-1")
    return {
        "version": str(listing.version), "title": listing.title, "category": "home", f"sku{sku.pk}-sale_price": "24.90",
        f"sku{sku.pk}-cost": "", f"sku{sku.pk}-stock": "100",
    } | {name.replace("SKU", f"sku{sku.pk}"): value for name, value in changes.items()}  # fmt: skip


def test_editing_keeps_titles_that_the_form_does_not_show(store, page) -> None:
    listing = listing_of(store, "PC-1", titles={"ru": "Платье"})
    changes = {
        "title": "New",
        "title_en": "New in English",
        "SKU-sale_price": "20.00",
        "new0-sku": "PC-9",
        "new0-sale_price": "5",
    }
    assert page.post(f"{HERE}{listing.pk}/edit/", edit_form(listing, store, **changes)).status_code == 302
    listing.refresh_from_db()
    assert (listing.title, listing.titles, listing.version) == ("New", {"ru": "Платье", "en": "New in English"}, 2)
    assert [str(_sku(store, code).sale_price) for code in ("PC-1", "PC-9")] == ["20.000", "5.000"]


def test_an_editor_without_the_right_to_price_changes_no_price(store) -> None:
    listing = listing_of(store, "PC-1")
    editor = signed_in(make_member(store, rights=["listings.view", "listings.edit"]))
    assert "disabled" in text(editor.get(f"{HERE}{listing.pk}/edit/"))
    sent = edit_form(listing, store, **{"title": "New", "SKU-sale_price": "1.00"})
    assert editor.post(f"{HERE}{listing.pk}/edit/", sent).status_code == 302
    assert str(_sku(store, "PC-1").sale_price) == "24.900"
    text(editor.get(f"{HERE}{listing.pk}/prices/"), 403)


def test_a_stale_form_shows_theirs_and_mine_and_overwrites_nothing(store, page) -> None:
    listing = listing_of(store, "PC-1", title="Old")
    mine = edit_form(listing, store, title="Mine")
    page.post(f"{HERE}{listing.pk}/edit/", edit_form(listing, store, title="Theirs"))
    html = text(page.post(f"{HERE}{listing.pk}/edit/", mine), 409)
    assert "<del>Theirs</del>" in html
    assert "<ins>Mine</ins>" in html
    assert 'name="version" value="2"' in html
    listing.refresh_from_db()
    assert listing.title == "Theirs"
    assert page.post(f"{HERE}{listing.pk}/edit/", mine | {"version": "2"}).status_code == 302


SEEN = re.compile(r'name="sku\d+-stock_seen" value="(\d+)"')


def test_a_form_refused_for_its_fields_stays_as_stale_as_it_was(store, page) -> None:
    listing = listing_of(store, "PC-1", title="Dress")
    mine = edit_form(listing, store, title="x" * 300)
    page.post(f"{HERE}{listing.pk}/edit/", edit_form(listing, store, title="Theirs"))
    html = text(page.post(f"{HERE}{listing.pk}/edit/", mine), 422)
    assert 'name="version" value="1"' in html
    assert page.post(f"{HERE}{listing.pk}/edit/", mine | {"title": "Mine"}).status_code == 409
    with in_store(store.pk):
        assert Listing.objects.get(pk=listing.pk).title == "Theirs"


def test_a_refused_draft_stays_a_draft(store, page) -> None:
    html = text(page.post(f"{HERE}new/", new_listing(title="", then="draft")), 422)
    assert re.search(r'value="draft"[^>]* checked', html)
    assert not re.search(r'value="sale"[^>]* checked', html)


def test_a_form_about_something_else_leaves_the_stock_that_orders_moved(store, page) -> None:
    """Opened at 100; an order takes one; saving a new title must not put it back on the shelf."""
    listing = listing_of(store, "PC-1", stock=100)
    assert SEEN.findall(text(page.get(f"{HERE}{listing.pk}/edit/"))) == ["100"]
    with in_store(store.pk):
        Sku.objects.update(stock=99)
    sent = edit_form(listing, store, title="New", **{"SKU-stock_seen": "100"})
    assert page.post(f"{HERE}{listing.pk}/edit/", sent).status_code == 302
    listing.refresh_from_db()
    assert (listing.title, _sku(store, "PC-1").stock) == ("New", 99)


def test_a_stock_that_moved_is_shown_before_it_is_overwritten(store, page) -> None:
    listing = listing_of(store, "PC-1", stock=100)
    with in_store(store.pk):
        Sku.objects.update(stock=99)
    sent = edit_form(listing, store, **{"SKU-stock": "150", "SKU-stock_seen": "100"})
    html = text(page.post(f"{HERE}{listing.pk}/edit/", sent), 422)
    assert "It was 100 when you opened the form and is 99 by now." in html
    assert SEEN.findall(html) == ["99"]
    assert _sku(store, "PC-1").stock == 99
    again = edit_form(listing, store, **{"SKU-stock": "150", "SKU-stock_seen": "99"})
    assert page.post(f"{HERE}{listing.pk}/edit/", again).status_code == 302
    assert _sku(store, "PC-1").stock == 150


def test_delisting_asks_for_a_reason_then_tells_each_rows_fate(store, page) -> None:
    first, second = listing_of(store, "A"), listing_of(store, "B", state="draft")
    picked = {"pick": [first.pk, second.pk, "x", "9" * 30]}
    assert "2 listings chosen" in text(page.post(f"{HERE}delist/", picked))
    assert "This field is required" in text(
        page.post(f"{HERE}delist/", picked | {"confirmed": "1", "mode": "now"}), 422
    )
    html = text(page.post(f"{HERE}delist/", picked | {"confirmed": "1", "mode": "now", "reason": "slow"}))
    assert "1 listing could not be taken off" in html
    first.refresh_from_db()
    assert first.state == "delisted"
    assert "No listing was chosen" in text(page.post(f"{HERE}delist/", {}), 422)
    response = page.post(f"{HERE}{first.pk}/on-sale/", {"version": "2"})
    assert response.status_code == 302
    first.refresh_from_db()
    assert first.state == "on_sale"


def test_all_that_match_can_be_taken_off_at_once(store, page) -> None:
    with in_store(store.pk):
        make_skus(store, 120, prefix="OLD")
        make_skus(store, 3, prefix="NEW")
    sent = {"all": "1", "filter": "q=old", "confirmed": "1", "mode": "gradual", "reason": "season"}
    assert page.post(f"{HERE}delist/", sent).status_code == 302
    with in_store(store.pk):
        assert Listing.objects.filter(state="delisting").count() == 120


GOODS = "Code,Name,Price\nA-1,Dress,24.90\nA-2,Tote,0\n"


def test_a_table_is_imported_in_the_browser(store, page) -> None:
    upload = SimpleUploadedFile("goods.csv", GOODS.encode())
    sent = {"file": upload, "category": "home", "stock": "7", "mapping": "Code=sku\nName=title\nPrice=sale_price"}
    response = page.post(f"{HERE}import/", sent)
    with in_store(store.pk):
        job = Job.objects.get()
    assert response["Location"] == f"{HERE}jobs/{job.pk}/"
    waiting = text(page.get(response["Location"]))
    assert "hx-get" in waiting
    assert "Queued" in waiting
    jobs.run_due()
    done = text(page.get(response["Location"]))
    assert "hx-trigger" not in done.partition('id="job"')[2].partition("</main>")[0]
    for shown in ("Done", "goods.csv", "ERR_MONEY_RANGE", "1 refused row"):
        assert shown in done, shown
    live = page.get(f"{response['Location']}?tick=1", headers={"hx-request": "true"})
    assert text(live).startswith('<div class="bo-stack" id="job"')
    refused = page.get(f"{response['Location']}refused.csv")
    assert b"".join(refused.streaming_content).decode("utf-8-sig").splitlines()[1].startswith("3,ERR_MONEY_RANGE")
    assert refused["X-Content-Type-Options"] == "nosniff"
    assert _sku(store, "A-1").stock == 7


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"file": SimpleUploadedFile("a.png", b"\x89PNG" + bytes(99))}, "not a text file"),
        ({"file": SimpleUploadedFile("a.csv", b"x,y\n1,2\n")}, "No column gives"),
        ({}, "This field is required"),
        ({"file": SimpleUploadedFile("a.csv", GOODS.encode()), "mapping": "nonsense"}, "COLUMN=field"),
        ({"file": SimpleUploadedFile("a.csv", b"sku,sale_price\nA,1\n"), "stock": "-5"}, "between 0"),
    ],
)
def test_uploads_that_are_refused_say_why_at_once(store, page, sent, words) -> None:
    assert words in text(page.post(f"{HERE}import/", sent), 422)
    with in_store(store.pk):
        assert not Job.objects.exists()


def test_what_a_person_may_not_do_is_not_offered(store) -> None:
    listing = listing_of(store, "PC-1")
    viewer = signed_in(make_member(store, rights=["listings.view"]))
    html = text(viewer.get(HERE)) + text(viewer.get(f"{HERE}{listing.pk}/"))
    for hidden in ("New listing", "Import a table", "Edit listing", "listings/delist/", "Change prices"):
        assert hidden not in html, hidden
    pricer = signed_in(make_member(store, rights=["listings.view", "listings.price"]))
    assert "Change prices" in text(pricer.get(f"{HERE}{listing.pk}/"))
    sku = _sku(store, "PC-1")
    assert (
        pricer.post(f"{HERE}{listing.pk}/prices/", {"version": "1", f"sku{sku.pk}-sale_price": "19.90"}).status_code
        == 302
    )
    assert str(_sku(store, "PC-1").sale_price) == "19.900"
    assert AuditEvent.objects.get(action="listing.edit").right == "listings.price"
