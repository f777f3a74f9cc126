"""Making and changing a listing: every broken rule comes back at once, nothing is half done (R83, R90, R96, R178)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

import policies
from accounts.models import AccountState, Entity
from audit.actors import system
from audit.models import AuditEvent
from core import clock
from core.errors import Conflict, InvalidInput, NotFound, PermissionRefused, VersionConflict
from core.scopes import across_stores, in_store
from listings import reading
from listings.drafts import ListingData, SkuData
from listings.editing import create_listing, edit_listing
from listings.models import Brand, Category, Listing, ListingState, Management, PriceHistory, Sku
from listings.states import pairs
from policies.rules import ListingRules
from tests.factories import actor_for, make_listing, make_member, make_store, owner_of


def draft(*codes: str, **fields: object) -> ListingData:
    skus = [SkuData(sku=code, sale_price="24.90", stock=5) for code in codes or ("PC-1",)]
    given: dict[str, Any] = {"title": "Floral Waist Dress", "category": "apparel", "skus": skus}
    return ListingData(**given | fields)


def codes_of(error: pytest.ExceptionInfo[InvalidInput]) -> dict[str, str]:
    return {found.field: found.code for found in error.value.errors}


def test_the_category_tree_is_the_glossarys(db) -> None:
    first = Category.objects.filter(parent=None)
    assert first.count() == 22
    assert {"home", "apparel", "electronics", "toys"} <= set(first.values_list("code", flat=True))
    assert Category.objects.get(code="pets", parent__code="home").name_zh == "宠物用品"
    assert Category.objects.get(code="apparel").name_zh == "服饰"


def test_a_listing_is_on_sale_at_once_with_history_audit_and_news(store, owner, news) -> None:
    with clock.unit_of_work():
        listing = create_listing(
            store, draft("PC-1", "PC-2", titles={"zh": "碎花连衣裙"}, brand="Pinecone"), actor=owner
        )
    document = reading.document(reading.get(store, listing.pk), now=clock.now())
    assert document["state"] == "on_sale"
    assert document["brand"] == "Pinecone"
    assert document["skus"][0] == {
        "sku": "PC-1", "sale_price": "24.90", "currency": "USD", "cost": None, "stock": 5, "reserved": 0, "available": 5,
    }  # fmt: skip
    assert document["version"] == 1
    assert news.calls == [(store.pk, [listing.pk])]
    assert [row.after for row in PriceHistory.objects.all()] == [Decimal("24.900")] * 2
    event = AuditEvent.objects.get(action="listing.create")
    assert (event.object_id, event.after["source"]) == (str(listing.pk), "api")


def test_a_brand_is_made_once(store, owner) -> None:
    create_listing(store, draft("A-1", brand="Pinecone"), actor=owner)
    create_listing(store, draft("A-2", brand="Pinecone"), actor=owner)
    assert Brand.objects.count() == 1


def test_all_mistakes_come_back_at_once_and_nothing_is_saved(store, owner, news) -> None:
    data = ListingData(
        title=" ",
        category="hats",
        state="delisted",
        management="both",
        fulfilment="jit",
        main_image="javascript:alert(1)",
        titles={"en": "x" * 300, "not a language": "x"},
        skus=[
            SkuData(sku="PC&1", sale_price="0", stock=-1),
            SkuData(sku="PC-2", sale_price="1.999", cost="x", currency="XYZ"),
            SkuData(sku="PC-3", sale_price=1.5, currency="JPY"),
            SkuData(sku="PC-3", sale_price="5", stock=True),
        ],
    )
    with pytest.raises(InvalidInput) as refused:
        create_listing(store, data, actor=owner)
    assert refused.value.status == 422
    assert codes_of(refused) == {
        "title": "ERR_TITLE_MISSING",
        "category": "ERR_CATEGORY_UNKNOWN",
        "state": "ERR_LISTING_STATE",
        "management": "ERR_MANAGEMENT",
        "fulfilment": "ERR_FULFILMENT_MODE",
        "main_image": "ERR_IMAGE_ADDRESS",
        "titles.en": "ERR_LENGTH",
        "titles": "ERR_LANGUAGE",
        "skus.0.sku": "ERR_SKU_CHARACTER",
        "skus.0.sale_price": "ERR_MONEY_RANGE",
        "skus.0.stock": "ERR_QUANTITY",
        "skus.1.sale_price": "ERR_MONEY_PLACES",
        "skus.1.cost": "ERR_MONEY_FORMAT",
        "skus.1.currency": "ERR_CURRENCY_UNKNOWN",
        "skus.2.sale_price": "ERR_MONEY_FORMAT",
        "skus.2.currency": "ERR_CURRENCY_MIXED",
        "skus.3.sku": "ERR_SKU_REPEATED",
        "skus.3.stock": "ERR_QUANTITY",
    }
    assert not Listing.objects.exists()
    assert not AuditEvent.objects.exists()
    assert news.calls == []


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"titel": "x"}, "titel", "ERR_FIELD_UNKNOWN"),
        ({"skus": "PC-1"}, "skus", "ERR_TYPE"),
        ({"skus": [7]}, "skus.0", "ERR_TYPE"),
        ({"skus": [{"sku": "A", "prize": "1"}]}, "skus.0.prize", "ERR_FIELD_UNKNOWN"),
    ],
)
def test_a_body_of_the_wrong_shape_is_refused_by_name(body: dict, field: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ListingData.of(body)
    assert codes_of(refused) == {field: code}


def test_currencies_have_their_own_places(store, owner) -> None:
    yen = ListingData(title="Tea", category="home", skus=[SkuData(sku="J-1", sale_price="1200", currency="JPY")])
    assert (
        reading.document(reading.get(store, create_listing(store, yen, actor=owner).pk), now=clock.now())["skus"][0][
            "sale_price"
        ]
        == "1200"
    )
    with pytest.raises(InvalidInput):
        create_listing(
            store, ListingData(title="Tea", category="home", skus=[SkuData("J-2", "12.5", "JPY")]), actor=owner
        )


def test_codes_are_taken_in_the_store_only_and_differ_by_case(store, owner) -> None:
    create_listing(store, draft("85123A"), actor=owner)
    create_listing(store, draft("85123a"), actor=owner)
    with pytest.raises(InvalidInput) as refused:
        create_listing(store, draft("NEW-1", "85123A"), actor=owner)
    assert codes_of(refused) == {"skus.1.sku": "ERR_SKU_TAKEN"}
    other = make_store()
    with in_store(other.pk):
        create_listing(other, draft("85123A"), actor=actor_for(owner_of(other)))


def test_the_quota_counts_fully_managed_goods_on_sale(store, owner, monkeypatch) -> None:
    monkeypatch.setattr(policies, "active", lambda model, now: ListingRules(quota=2))
    managed = {"management": "fully_managed", "fulfilment": "jit"}
    first = create_listing(store, draft("M-1", **managed), actor=owner)
    create_listing(store, draft("M-2", **managed), actor=owner)
    create_listing(store, draft("S-1"), actor=owner)
    create_listing(store, draft("M-3", state="draft", **managed), actor=owner)
    with pytest.raises(Conflict) as refused:
        create_listing(store, draft("M-4", **managed), actor=owner)
    assert refused.value.code == "ERR_LISTING_QUOTA"
    waiting = Listing.objects.get(state="draft")
    with pytest.raises(Conflict):
        edit_listing(store, waiting.pk, {"state": "on_sale"}, actor=owner)
    Listing.objects.filter(pk=first.pk).update(state="delisted")
    assert edit_listing(store, waiting.pk, {"state": "on_sale"}, actor=owner).state == "on_sale"


def test_rights_are_asked_one_by_one(store) -> None:
    listing = make_listing(store, ["PC-1"])
    viewer = actor_for(make_member(store, rights=["listings.view"]))
    editor = actor_for(make_member(store, rights=["listings.edit"]))
    pricer = actor_for(make_member(store, rights=["listings.price"]))
    with pytest.raises(PermissionRefused):
        create_listing(store, draft("N-1"), actor=viewer)
    for actor, changes in (
        (viewer, {"title": "x"}),
        (viewer, {}),
        (editor, {"skus": [{"sku": "PC-1", "sale_price": "1.00"}]}),
        (pricer, {"title": "x"}),
        (pricer, {"skus": [{"sku": "PC-1", "stock": 1}]}),
        (pricer, {"title": "x", "skus": [{"sku": "PC-1", "sale_price": "1.00"}]}),
    ):
        with pytest.raises(PermissionRefused):
            edit_listing(store, listing.pk, changes, actor=actor)
    assert AuditEvent.objects.filter(result="refused", code="ERR_PERMISSION").count() == 7
    edit_listing(store, listing.pk, {"title": "x"}, actor=editor)
    for actor in (pricer, pricer, editor):  # the second time it is so already
        edit_listing(store, listing.pk, {"skus": [{"sku": "PC-1", "sale_price": "1.00"}]}, actor=actor)
    with pytest.raises(PermissionRefused):
        edit_listing(store, listing.pk, {"skus": [{"sku": "PC-1", "sale_price": "1.00"}]}, actor=viewer)


def test_a_lent_right_holds_its_cap_on_discounts(store) -> None:
    listing = make_listing(store, ["PC-1"], price="10.00")
    capped = actor_for(make_member(store, rights=["listings.price"], max_percent_off=20))
    with pytest.raises(Conflict) as refused:
        edit_listing(store, listing.pk, {"skus": [{"sku": "PC-1", "sale_price": "7.99"}]}, actor=capped)
    assert refused.value.code == "ERR_GRANT_CAP"
    edit_listing(store, listing.pk, {"skus": [{"sku": "PC-1", "sale_price": "8.00"}]}, actor=capped)


def test_a_patch_changes_what_it_names_and_only_that(store, owner, news) -> None:
    listing = make_listing(store, ["PC-1", "PC-2"], title="Old", price="10.00", cost="4.00")
    changes = {
        "title": "New Dress",
        "category": "apparel",
        "brand": "Pine",
        "skus": [
            {"sku": "PC-1", "sale_price": "12.50"},
            {"sku": "PC-2", "stock": "7", "cost": None},
            {"sku": "PC-3", "sale_price": "9.00"},
        ],
    }
    answer = edit_listing(store, listing.pk, changes, version=1, actor=owner)
    assert (answer.title, answer.category.code, str(answer.brand), answer.version) == (
        "New Dress",
        "apparel",
        "Pine",
        2,
    )
    assert set(answer.search_terms) >= {"new", "dress", "pine", "3"}
    rows = {sku.code: (sku.sale_price, sku.cost, sku.stock) for sku in Sku.objects.all()}
    assert rows == {
        "PC-1": (Decimal("12.500"), Decimal("4.000"), 100),
        "PC-2": (Decimal("10.000"), None, 7),
        "PC-3": (Decimal("9.000"), None, 0),
    }
    assert news.ids == [listing.pk]
    history = {(row.sku.code, row.before, row.after) for row in PriceHistory.objects.select_related("sku")}
    assert history == {("PC-1", Decimal(10), Decimal("12.5")), ("PC-3", None, Decimal(9))}
    event = AuditEvent.objects.get(action="listing.edit")
    assert event.before["title"] == "Old"
    assert event.after["PC-1.sale_price"] == "12.50"
    assert "PC-2.sale_price" not in event.after


def test_a_patch_that_changes_nothing_writes_nothing(store, owner, news) -> None:
    listing = make_listing(store, ["PC-1"], title="Same", price="10.00", stock=3)
    same = {"title": " Same ", "skus": [{"sku": "PC-1", "sale_price": "10", "stock": 3}], "state": "on_sale"}
    assert edit_listing(store, listing.pk, same, actor=owner).version == 1
    assert not AuditEvent.objects.exists()
    assert news.calls == []


def test_a_stale_version_gets_the_current_document(store, owner) -> None:
    listing = make_listing(store, ["PC-1"])
    edit_listing(store, listing.pk, {"title": "Theirs"}, version=1, actor=owner)
    with pytest.raises(VersionConflict) as refused:
        edit_listing(store, listing.pk, {"title": "Mine"}, version=1, actor=owner)
    current = refused.value.extra["current"]
    assert (current["title"], current["version"]) == ("Theirs", 2)
    assert Listing.objects.get().title == "Theirs"


def test_mistakes_in_a_patch_come_back_at_once(store, owner) -> None:
    listing = make_listing(store, ["PC-1"])
    make_listing(store, ["TAKEN"])
    changes = {
        "name": "x",
        "title": "",
        "category": None,
        "management": "fully_managed",
        "state": "delisted",
        "skus": [
            {"sku": "PC-1", "sale_price": "-1", "currency": "EUR", "stock": "many"},
            {"sku": "TAKEN", "sale_price": "1"},
            {"sku": "PC-1", "stock": 1},
            {"sku": "B/D", "sale_price": "1", "size": "L"},
            "PC-9",
        ],
    }
    with pytest.raises(InvalidInput) as refused:
        edit_listing(store, listing.pk, changes, actor=owner)
    assert codes_of(refused) == {
        "name": "ERR_FIELD_UNKNOWN",
        "title": "ERR_TITLE_MISSING",
        "category": "ERR_CATEGORY_UNKNOWN",
        "management": "ERR_MANAGEMENT",
        "state": "ERR_LISTING_STATE",
        "skus.0.sale_price": "ERR_MONEY_RANGE",
        "skus.0.currency": "ERR_CURRENCY_FIXED",
        "skus.0.stock": "ERR_QUANTITY",
        "skus.1.sku": "ERR_SKU_TAKEN",
        "skus.2.sku": "ERR_SKU_REPEATED",
        "skus.3.sku": "ERR_SKU_CHARACTER",
        "skus.3.size": "ERR_FIELD_UNKNOWN",
        "skus.4": "ERR_TYPE",
    }
    assert Listing.objects.get(pk=listing.pk).version == 1


def test_another_stores_listing_is_not_found(store, owner) -> None:
    other = make_store()
    with in_store(other.pk):
        theirs = make_listing(other)
    with pytest.raises(NotFound):
        edit_listing(store, theirs.pk, {"title": "x"}, actor=owner)
    assert not AuditEvent.objects.exists()


def test_a_sole_trader_may_put_goods_on_the_shelf_but_only_look_at_them_after(db) -> None:
    store = make_store(entity=Entity.SOLE_TRADER)
    trader = actor_for(owner_of(store))
    with in_store(store.pk):
        listing = create_listing(store, draft("R-1"), actor=trader)
        for changes in ({"title": "x"}, {"skus": [{"sku": "R-1", "sale_price": "1.00"}]}):
            with pytest.raises(Conflict) as refused:
                edit_listing(store, listing.pk, changes, actor=trader)
            assert refused.value.code == "ERR_ENTITY_VIEW_ONLY"
        with pytest.raises(InvalidInput) as managed:
            create_listing(store, draft("R-2", management=Management.FULLY_MANAGED), actor=trader)
        assert codes_of(managed) == {"management": "ERR_MANAGEMENT"}


@pytest.mark.parametrize("state", [AccountState.FROZEN, AccountState.SERIOUS_VIOLATION])
def test_an_account_out_of_order_changes_nothing(db, state: str) -> None:
    store = make_store(account_state=state)
    with in_store(store.pk):
        listing = make_listing(store)
        for act in (
            lambda actor: create_listing(store, draft("R-1"), actor=actor),
            lambda actor: edit_listing(store, listing.pk, {"title": "x"}, actor=actor),
        ):
            for actor in (actor_for(owner_of(store)), system()):
                with pytest.raises(Conflict) as refused:
                    act(actor)
                assert refused.value.code == "ERR_ACCOUNT_STATE"


def test_relisting_clears_the_date_of_delisting(store, owner) -> None:
    listing = make_listing(store, state="delisting", delist_at=clock.now())
    assert edit_listing(store, listing.pk, {"state": "on_sale"}, actor=owner).delist_at is None
    held = make_listing(store, state="taken_down")
    with pytest.raises(InvalidInput):
        edit_listing(store, held.pk, {"state": "on_sale"}, actor=owner)


def test_the_databases_edges_are_the_models(store) -> None:
    declared, held = pairs(Listing), set()
    for source in ListingState.values:
        for target in ListingState.values:
            listing = make_listing(store, state=source)
            try:
                with transaction.atomic():
                    Listing.objects.filter(pk=listing.pk).update(state=target)
            except IntegrityError:
                continue
            if source != target:
                held.add((source, target))
    assert held == declared


def test_documents_cost_the_same_for_one_and_for_fifty(store, owner) -> None:
    for number in range(50):
        make_listing(store, [f"A-{number}", f"B-{number}"])
    rows = list(Listing.objects.select_related("category", "brand").order_by("id"))
    costs = []
    for sample in (rows[:1], rows):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(reading.documents(sample, now=clock.now())) == len(sample)
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 4


def test_many_new_skus_cost_no_query_each_and_those_taken_are_named(store, owner) -> None:
    make_listing(store, ["T-7", "T-31"])
    listing = make_listing(store, ["A-1"])
    rows = [{"sku": f"T-{n}", "sale_price": "1"} for n in range(40)]
    with CaptureQueriesContext(connection) as few, pytest.raises(InvalidInput) as refused:
        edit_listing(store, listing.pk, {"skus": rows}, actor=owner)
    assert {error.field for error in refused.value.errors} == {"skus.7.sku", "skus.31.sku"}
    assert len(few) < 25
    with pytest.raises(InvalidInput) as twice:
        edit_listing(
            store,
            listing.pk,
            {"skus": [{"sku": "N", "sale_price": "1"}, {"sku": " N", "sale_price": "2"}]},
            actor=owner,
        )
    assert [(error.field, error.code) for error in twice.value.errors] == [("skus.1.sku", "ERR_SKU_REPEATED")]


def test_a_query_outside_a_store_raises(db) -> None:
    store = make_store()
    with across_stores("a test looks at two stores"):
        make_listing(store)
    with pytest.raises(Exception, match="scope"):
        Listing.objects.count()
