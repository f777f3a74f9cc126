"""The pages of creation: the list, the form with its live checks, picking products, the figures, drafts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Entity, Store
from core import clock, display
from core.scopes import in_store
from coupons.models import Coupon, PoolListing
from listings.models import Listing
from tests.factories import make_coupon, make_listing, make_store, owner_of

pytestmark = pytest.mark.django_db
HERE = "/s/shop/coupons/"


@pytest.fixture
def store() -> Store:
    return make_store("shop")


@pytest.fixture
def page(store: Store) -> Client:
    client = Client()
    client.force_login(owner_of(store))
    return client


@pytest.fixture
def coat(store: Store) -> Listing:
    with in_store(store.pk):
        return make_listing(store, ["COAT-1"], title="Warm coat", price="20.40", cost="12.00", stock=200)


def typed(store: Store, *listings: Listing, **changes: Any) -> dict[str, Any]:
    zone, now = display.zone(store.time_zone), clock.now()
    given = {
        "kind": "spend", "face_value": "2.00", "min_order": "20.00", "quota": "100", "logistics": ["standard", "premium"],
        "starts_at": display.stamp(now.astimezone(zone)), "ends_at": display.stamp((now + timedelta(days=5)).astimezone(zone)),
        "listings": [one.pk for one in listings],
    }  # fmt: skip
    return given | changes


def words_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_the_form_creates_issues_and_keeps_drafts(page: Client, store: Store, coat: Listing) -> None:
    """R53: 创建新券 issues at once; Enter in a field saves a draft, so that no slip reaches buyers."""
    answer = page.post(f"{HERE}new/", typed(store, coat, act="issue", code="coat-2", skus="COAT-1"))
    assert answer.status_code == 302, words_of(answer)
    assert answer["Location"] == f"{HERE}COAT-2/"
    with in_store(store.pk):
        coupon = Coupon.objects.get()
        assert (coupon.state, coupon.logistics) == ("active", ["standard", "premium"])
        assert PoolListing.objects.get(coupon=coupon).listing_id == coat.pk
    shown = words_of(page.get(f"{HERE}COAT-2/"))
    assert "Spend" in shown
    assert "Warm coat" in shown
    page.post(f"{HERE}new/", typed(store, coat, act="draft", code="later"))
    draft = words_of(page.get(f"{HERE}?state=draft"))
    assert "LATER" in draft
    assert "COAT-2" not in draft


def test_every_fault_stands_beside_its_field_and_nothing_typed_is_lost(
    page: Client, store: Store, coat: Listing
) -> None:
    """R54, R56: one answer with all of it, shape and sense together; red and blocked."""
    wrong = typed(
        store, coat, act="issue", face_value="10.21", min_order="9.99", starts_at="some day", quota="many", name="Kept"
    )
    answer = page.post(f"{HERE}new/", wrong)
    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert set(errors) == {"face_value", "min_order", "starts_at", "quota"}
    assert "COAT-1" in " ".join(errors["face_value"])
    text = answer.content.decode()
    assert 'value="Kept"' in text
    assert re.search(rf'name="listings" value="{coat.pk}" checked', text)
    assert re.search(r'id="id_face_value"[^>]*aria-invalid="true"', text) or re.search(
        r'aria-invalid="true"[^>]*id="id_face_value"', text
    )


def test_a_field_is_judged_while_it_is_left_and_the_figures_follow(page: Client, store: Store, coat: Listing) -> None:
    """R54: the region that the field is described by; R61, R76: the calculator beside it."""
    form = page.get(f"{HERE}new/").content.decode()
    assert re.search(r'id="id_face_value"[^>]*aria-describedby="[^"]*live_id_face_value', form) or re.search(
        r'aria-describedby="[^"]*live_id_face_value"[^>]*id="id_face_value"', form
    )
    assert '<div id="live_id_face_value" aria-live="polite">' in form
    answer = page.post(f"{HERE}check/?field=face_value", typed(store, coat, face_value="10.21"))
    text = answer.content.decode()
    assert '<div id="live_id_face_value" aria-live="polite"><ul class="errorlist" id="id_face_value_error">' in text
    figures = words_of(
        page.post(
            f"{HERE}check/?field=figures", typed(store, coat, face_value="5.00", order_value="20.40", logistics=[])
        )
    )
    assert "−$0.80" in figures
    assert "freight inverted" in figures
    pool = page.post(f"{HERE}check/?field=pool", typed(store, coat, skus="NO-SUCH")).content.decode()
    assert '<div id="live_id_pool" aria-live="polite"><ul class="errorlist" id="id_pool_error">' in pool
    with in_store(store.pk):
        assert not Coupon.objects.exists()


def test_products_are_found_and_ticked_with_and_without_javascript(page: Client, store: Store, coat: Listing) -> None:
    with in_store(store.pk):
        hat = make_listing(store, ["HAT-1"], title="Warm hat")
        make_listing(store, ["MANAGED-1"], title="Warm toy", management="fully_managed")
    found = page.post(f"{HERE}goods/", {"q": "warm", "listings": [coat.pk]}).content.decode()
    assert re.findall(r'name="listings" value="(\d+)"( checked)?', found) == [
        (str(coat.pk), " checked"),
        (str(hat.pk), ""),
    ]
    looked = page.post(f"{HERE}new/", typed(store, coat, act="look", q="warm", face_value="2.00"))
    assert looked.status_code == 200
    assert re.findall(r'name="listings" value="(\d+)"( checked)?', looked.content.decode()) == [
        (str(coat.pk), " checked"), (str(hat.pk), ""),
    ]  # fmt: skip
    assert "Gross margin of an order" in words_of(looked)


def test_the_brake_asks_for_a_large_no_threshold_face_value_again(page: Client, store: Store) -> None:
    with in_store(store.pk):
        bed = make_listing(store, ["BED-1"], price="90.00")
    given = typed(store, bed, act="issue", kind="no_threshold", face_value="6.00", min_order="")
    first = page.post(f"{HERE}new/", given)
    assert first.status_code == 422
    assert 'name="confirm_face_value"' in first.content.decode()
    second = page.post(f"{HERE}new/", given | {"confirming": "1", "confirm_face_value": "6.00"})
    assert second.status_code == 302


def test_drafts_are_changed_and_deleted_on_their_pages(page: Client, store: Store, coat: Listing) -> None:
    with in_store(store.pk):
        draft, issued = make_coupon(store, [coat], state="draft"), make_coupon(store, [coat])
    form = page.get(f"{HERE}{draft.code}/edit/")
    assert re.search(rf'name="listings" value="{coat.pk}" checked', form.content.decode())
    page.post(f"{HERE}{draft.code}/edit/", typed(store, coat, quota="7", code=draft.code, version="1"))
    stale = page.post(f"{HERE}{draft.code}/edit/", typed(store, coat, quota="8", version="1"))
    assert stale.status_code == 409
    with in_store(store.pk):
        draft.refresh_from_db()
    assert (draft.quota, draft.version) == (7, 2)
    assert page.get(f"{HERE}{issued.code}/edit/").status_code == 302
    assert page.post(f"{HERE}{issued.code}/delete/").status_code == 409
    assert page.post(f"{HERE}{draft.code}/delete/", {"version": "2"}).status_code == 302
    assert page.get(f"{HERE}{draft.code}/").status_code == 404


def test_a_sole_trader_sees_why_and_no_form(page: Client, store: Store) -> None:
    """R178."""
    Store.objects.filter(pk=store.pk).update(entity=Entity.SOLE_TRADER)
    answer = page.get(f"{HERE}new/")
    assert "ERR_COUPON_COMPANY" in words_of(answer)
    assert 'name="face_value"' not in answer.content.decode()


def test_the_list_is_paged_by_key_with_a_constant_number_of_queries(page: Client, store: Store, coat: Listing) -> None:
    with in_store(store.pk):
        make_coupon(store, [coat])
    page.get(HERE)
    counts = []
    for more in (0, 60):
        with in_store(store.pk):
            for _one in range(more):
                make_coupon(store)
        with CaptureQueriesContext(connection) as counted:
            answer = page.get(HERE)
        counts.append(len(counted))
    assert counts[0] == counts[1]
    assert len(answer.context["table"].rows) == 50
    assert answer.context["total"] == 61
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT * FROM coupons_coupon WHERE store_id = %s AND state = 'active' ORDER BY id DESC LIMIT 51",
            [store.pk],
        )
        plan = " ".join(row[0] for row in cursor.fetchall())
    assert "Index Scan using coupon_list" in plan, plan
