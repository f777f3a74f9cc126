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
    for number, act in enumerate(("", "x", "ISSUE")):
        page.post(f"{HERE}new/", typed(store, coat, act=act, code=f"odd-{number}"))
        with in_store(store.pk):
            assert Coupon.objects.get(code=f"ODD-{number}").state == "draft", "only its own button issues a coupon"
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


def regions_of(answer: Any) -> dict[str, str]:
    """What came along with the figures, by the field that each region speaks of."""
    found = re.findall(
        r'<div id="live_id_(\w+)" aria-live="polite" hx-swap-oob="morph">(.*?)</div>', words_kept(answer)
    )
    return {name: re.sub(r"<[^>]+>", "", said) for name, said in found}


def words_kept(answer: Any) -> str:
    return str(answer.content.decode()).replace("\n", "")


def test_what_depends_on_a_change_is_judged_with_it_and_what_is_still_empty_is_left_alone(
    page: Client, store: Store, coat: Listing
) -> None:
    """R54: the end by the start, the minimum order by the kind, the face value by the products, the subsidy's window by the validity."""
    late = display.stamp((clock.now() + timedelta(days=40)).astimezone(display.zone(store.time_zone)))
    given = typed(
        store, coat, face_value="10.21", min_order="9.99", starts_at=late, stacks_with_platform="on", stacks_until=late,
        quota="", segment_first_order="on", segment_quiet_days="2000",
    )  # fmt: skip
    said = regions_of(page.post(f"{HERE}check/?field=figures", given))
    assert "The end must come after the start" in said["ends_at"]
    assert "COAT-1" in said["face_value"]
    assert "at least $10.00" in said["min_order"]
    assert "inside the coupon's validity" in said["stacks_until"].replace("&#x27;", "'")
    assert "730 days back" in said["segment"]
    assert "quota" not in said
    assert said["pool"] == said["starts_at"] == said["budget"] == ""
    free = regions_of(page.post(f"{HERE}check/?field=figures", given | {"kind": "no_threshold", "min_order": ""}))
    assert free["min_order"] == ""
    fresh = regions_of(page.post(f"{HERE}check/?field=figures", {"kind": "spend"}))
    assert {"face_value", "min_order", "ends_at", "quota", "pool"} & set(fresh) == set()


def test_faults_of_the_pool_stand_in_one_place_which_its_fields_name(page: Client, store: Store, coat: Listing) -> None:
    """What is said when the form was sent is what a check replaces: nothing stays beside a field that was put right."""
    wrong = typed(store, coat, act="issue", skus="\n".join(f"NO-{n}" for n in range(9)))
    text = page.post(f"{HERE}new/", wrong).content.decode()
    region = text.partition('<div id="live_id_pool" aria-live="polite">')[2].partition("</div>")[0]
    assert region.count("<li>") == 6
    assert "4 more are not right" in region
    assert 'id="id_skus_error"' not in text
    assert re.search(r'<textarea name="skus"[^>]*aria-describedby="id_skus_helptext live_id_pool"', text)


def test_a_pool_too_long_for_a_page_stays_in_its_draft(
    page: Client, store: Store, coat: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept beside the form: nothing of it is sent, single listings join and leave, all of them only when asked."""
    monkeypatch.setattr("coupons.views.new.active", lambda rules, now: rules(form_listings=2))
    with in_store(store.pk):
        hats = [make_listing(store, [f"HAT-{n}"], title=f"Warm hat {n}", price="30.00") for n in range(4)]
        draft = make_coupon(store, hats, state="draft", code="LONG")
        # Off the shelf since: it cannot be added, and can be taken out.
        Listing.objects.filter(pk=hats[3].pk).update(state="delisted")
    form = page.get(f"{HERE}LONG/edit/").content.decode()
    assert "4 listings one by one" in form
    assert 'name="listings"' not in form

    def pool_after(**changes: Any) -> set[int]:
        with in_store(store.pk):
            draft.refresh_from_db()
        answer = page.post(f"{HERE}LONG/edit/", typed(store, code="LONG", version=draft.version, **changes))
        assert answer.status_code == 302, words_of(answer)
        with in_store(store.pk):
            return set(PoolListing.objects.filter(coupon=draft).values_list("listing_id", flat=True))

    ids = {hat.pk for hat in hats}
    assert pool_after(quota="7") == ids
    found = page.post(f"{HERE}goods/?code=LONG", {"q": "warm"}).content.decode()
    offered = dict(re.findall(r'name="leave" value="(\d+)"()', found))
    assert offered.keys() == {str(pk) for pk in ids}
    assert re.findall(r'name="listings" value="(\d+)"', found) == [str(coat.pk)]
    assert pool_after(listings=[coat.pk], leave=[hats[3].pk]) == ids - {hats[3].pk} | {coat.pk}
    assert pool_after(leave_all="on", skus="HAT-1") == {hats[1].pk}


def test_a_draft_keeps_rules_that_the_form_cannot_say(page: Client, store: Store, coat: Listing) -> None:
    """R78: two rules of a kind can be asked for through the API only; the page shows them and loses none."""
    rules = [{"kind": "quiet", "days": 30}, {"kind": "quiet", "days": 60}]
    with in_store(store.pk):
        draft = make_coupon(store, [coat], state="draft", code="TWICE", segment={"rules": rules})
    form = words_of(page.get(f"{HERE}TWICE/edit/"))
    assert "more than this form can say" in form
    assert page.post(f"{HERE}TWICE/edit/", typed(store, coat, code="TWICE", quota="9", version="1")).status_code == 302
    with in_store(store.pk):
        draft.refresh_from_db()
    assert (draft.quota, draft.segment) == (9, {"rules": rules})


def test_any_coupon_is_copied_as_a_draft_that_begins_now(page: Client, store: Store, coat: Listing) -> None:
    """Also one that is over; what cannot be made any more is not copied, and says why."""
    with in_store(store.pk):
        over = make_coupon(store, [coat], state="expired", code="OVER", quota=7)
    assert f'action="{HERE}OVER/copy/"' in page.get(f"{HERE}OVER/").content.decode()
    answer = page.post(f"{HERE}OVER/copy/")
    with in_store(store.pk):
        draft = Coupon.objects.get(state="draft")
        Listing.objects.filter(pk=coat.pk).update(state="delisted")
    assert answer["Location"] == f"{HERE}{draft.code}/edit/"
    assert (draft.quota, draft.ends_at - draft.starts_at) == (7, over.ends_at - over.starts_at)
    assert draft.starts_at > over.starts_at
    assert page.post(f"{HERE}OVER/copy/")["Location"] == f"{HERE}OVER/"
    assert "No copy was made. This pool holds no product" in words_of(page.get(f"{HERE}OVER/"))


def test_a_draft_that_cannot_be_issued_any_more_says_why_on_its_page(page: Client, store: Store, coat: Listing) -> None:
    with in_store(store.pk):
        make_coupon(store, [coat], state="draft", code="STALE")
        Listing.objects.filter(pk=coat.pk).update(state="delisted")
    answer = page.post(f"{HERE}STALE/activate/", follow=True)
    assert answer.redirect_chain == [(f"{HERE}STALE/", 302)]
    assert "This pool holds no product that can be sold" in words_of(answer)
    assert 'action="/s/shop/coupons/STALE/activate/"' in page.get(HERE).content.decode()
