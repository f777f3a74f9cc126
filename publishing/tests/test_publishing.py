"""Publishing: wanted once per change, written once per version, whatever is killed or lost (R86)."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import connection, connections, transaction

from core import clock, outbox
from core.models import OutboxMessage
from core.scopes import across_stores, in_store
from listings.models import Sku
from listings.signals import listings_changed
from publishing import builtin, delivery
from publishing.desire import TOPIC, key_of, want, want_site
from publishing.models import Publication, PublishedPage, Site
from publishing.tests.goods import NOON, make_goods, put_offers
from tests.factories import make_site, make_store


@pytest.fixture
def shop(db):
    """A store with two sites, at noon."""
    store = make_store()
    with clock.freeze(NOON) as frozen, in_store(store.id):
        yield store, make_site(store, "en"), make_site(store, "zh"), frozen


def _ids(listings):
    return [listing.id for listing in listings]


def _pages(site):
    return {
        page.publication.listing_id: page
        for page in PublishedPage.objects.filter(publication__site=site).select_related("publication")
    }


def test_wanting_makes_and_bumps_publications_of_active_sites_only(shop) -> None:
    store, _, _, frozen = shop
    make_site(store, "ru", is_active=False)
    listings = make_goods(store, 3)
    assert want(store.id, _ids(listings), now=clock.now()) == 6
    frozen.tick(60)
    assert want(store.id, _ids(listings[:1]), now=clock.now()) == 2
    assert sorted(Publication.objects.values_list("desired_version", "published_version", "wanted_at")) == sorted(
        [(1, 0, NOON)] * 4 + [(2, 0, NOON + timedelta(seconds=60))] * 2
    )


def test_wanting_takes_no_listing_of_another_store_and_none_at_all(shop) -> None:
    store, *_ = shop
    other = make_store()
    with in_store(other.id):
        foreign = make_goods(other)
    assert want(store.id, _ids(foreign), now=clock.now()) == 0
    assert want(store.id, [], now=clock.now()) == 0
    assert not OutboxMessage.objects.exists()


def test_any_number_of_listings_takes_the_same_statements(shop, django_assert_num_queries) -> None:
    store, *_ = shop
    listings = make_goods(store, 40)
    want(store.id, _ids(listings[:1]), now=clock.now())
    for part in (listings[:1], listings):
        with django_assert_num_queries(4):
            want(store.id, _ids(part), now=clock.now())


def test_calls_do_not_pile_up_while_one_is_waiting(shop) -> None:
    store, en, zh, _ = shop
    listings = make_goods(store, 2)
    for _ in range(5):
        want(store.id, _ids(listings), now=clock.now())
    assert sorted(OutboxMessage.objects.values_list("topic", "key", "store_id")) == [
        (TOPIC, key_of(en.id), store.id),
        (TOPIC, key_of(zh.id), store.id),
    ]


def test_a_call_that_is_being_served_does_not_count_as_waiting(shop) -> None:
    store, en, _, _ = shop
    listings = make_goods(store)
    want(store.id, _ids(listings), now=clock.now())
    OutboxMessage.objects.update(lease_until=NOON + timedelta(minutes=1))
    want(store.id, _ids(listings), now=clock.now())
    assert OutboxMessage.objects.filter(key=key_of(en.id)).count() == 2


def test_a_failing_call_is_brought_forward_when_something_new_is_wanted(shop) -> None:
    store, *_ = shop
    listings = make_goods(store)
    want(store.id, _ids(listings), now=clock.now())
    OutboxMessage.objects.update(available_at=NOON + timedelta(hours=1), attempts=7)
    want(store.id, _ids(listings), now=clock.now())
    assert set(OutboxMessage.objects.values_list("available_at", "attempts")) == {(NOON + timedelta(seconds=30), 7)}


def test_a_changed_listing_is_wanted_in_the_transaction_of_the_change(shop) -> None:
    store, *_ = shop
    listings = make_goods(store)
    listings_changed.send(None, store_id=store.id, listing_ids=_ids(listings), now=clock.now())
    assert Publication.objects.count() == 2


def test_a_published_page_holds_what_buyers_see_in_the_language_of_the_site(shop) -> None:
    store, en, zh, frozen = shop
    (listing,) = make_goods(store, logistics_template="Worry-free standard", main_image="thing.webp")
    put_offers([listing], label="Autumn", label_zh="秋季")
    put_offers([listing], "C-OVER1", ends_at=NOON)
    put_offers([listing], "C-STOP1", active=False)
    put_offers([listing], "C-LATER", starts_at=NOON + timedelta(hours=1), price="14.50")
    Sku.objects.filter(listing=listing, position=1).update(stock=5, reserved=9)
    want(store.id, [listing.id], now=clock.now())
    frozen.tick(3)
    assert delivery.publish_site(zh.id) == 1
    page = _pages(zh)[listing.id]
    first, second = Sku.objects.filter(listing=listing)
    assert (page.version, page.stamp) == (1, NOON)
    document = page.document
    assert document["title"] == listing.titles["zh"]
    assert document["category"] == {"code": "home", "name": "家居园艺"}
    assert (document["brand"], document["shipping"], document["image"]) == ("Pine", "Worry-free standard", "thing.webp")
    assert document["skus"] == [
        {"id": first.id, "sku": first.code, "price": "20.000", "currency": "USD", "stock": 50},
        {"id": second.id, "sku": second.code, "price": "21.000", "currency": "USD", "stock": 0},
    ]
    assert [(offer["sku"], offer["campaign"], offer["price"]) for offer in document["offers"]] == [
        (first.id, "C-7F3KQ", "15.000"),
        (second.id, "C-7F3KQ", "15.000"),
        (first.id, "C-LATER", "14.500"),
        (second.id, "C-LATER", "14.500"),
    ]
    assert delivery.publish_site(en.id) == 1
    assert _pages(en)[listing.id].document["title"] == listing.title
    labels = [[x["label"] for x in _pages(site)[listing.id].document["offers"][:2]] for site in (en, zh)]
    assert labels == [["Autumn"] * 2, ["秋季"] * 2]
    publication = Publication.objects.get(site=zh)
    assert (publication.published_version, publication.published_at) == (1, NOON + timedelta(seconds=3))


def test_publishing_again_changes_nothing(shop) -> None:
    store, en, *_ = shop
    want(store.id, _ids(make_goods(store, 3)), now=clock.now())
    assert delivery.publish_site(en.id) == 3
    assert delivery.publish_site(en.id) == 0


def test_a_dead_transaction_leaves_everything_due(shop) -> None:
    store, en, *_ = shop
    listings = make_goods(store, 3)
    want(store.id, _ids(listings), now=clock.now())

    def dies() -> None:
        with transaction.atomic():
            builtin.publish_batch(en.id, limit=10, now=clock.now())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dies()
    assert not PublishedPage.objects.exists()
    assert delivery.publish_site(en.id) == 3


def test_the_outbox_serves_the_calls_and_forgets_them(shop) -> None:
    store, en, zh, _ = shop
    want(store.id, _ids(make_goods(store, 3)), now=clock.now())
    assert outbox.deliver_due() == 2
    assert len(_pages(en)) == len(_pages(zh)) == 3
    assert not OutboxMessage.objects.exists()


def test_the_sweep_finds_due_pages_when_every_call_was_lost(shop) -> None:
    store, en, zh, _ = shop
    want(store.id, _ids(make_goods(store, 2)), now=clock.now())
    OutboxMessage.objects.all().delete()
    assert delivery.sweep() == 2
    assert delivery.sweep() == 0
    outbox.deliver_due()
    assert len(_pages(en)) == len(_pages(zh)) == 2
    assert delivery.sweep() == 0


def test_the_sweep_leaves_a_site_alone_for_a_while_after_its_tries_were_used_up(shop) -> None:
    store, _, _, frozen = shop
    want(store.id, _ids(make_goods(store)), now=clock.now())
    OutboxMessage.objects.update(parked_at=NOON)
    assert delivery.sweep() == 0
    frozen.tick(301)
    assert delivery.sweep() == 2


def test_a_site_that_is_switched_off_is_not_published(shop) -> None:
    store, en, *_ = shop
    want(store.id, _ids(make_goods(store)), now=clock.now())
    type(en).objects.filter(id=en.id).update(is_active=False)
    assert delivery.publish_site(en.id) == 0


def test_a_site_that_changes_hands_during_a_run_is_left_to_its_new_publisher(shop, monkeypatch) -> None:
    store, en, *_ = shop
    want(store.id, _ids(make_goods(store, 3)), now=clock.now())
    real = delivery._batch

    def batch(site, rules):
        done = real(site, rules)
        if done and Site.objects.filter(id=en.id, publisher="builtin").update(
            publisher="http", endpoint="https://x.example/"
        ):
            want_site(store.id, en.id, now=clock.now())
        return done

    monkeypatch.setattr(delivery, "_batch", batch)
    assert delivery.publish_site(en.id) == 3
    assert set(Publication.objects.filter(site=en).values_list("desired_version", "published_version")) == {(2, 1)}


def test_a_long_run_makes_way_and_calls_the_next_publisher(shop, monkeypatch) -> None:
    store, en, *_ = shop
    want(store.id, _ids(make_goods(store, 3)), now=clock.now())
    OutboxMessage.objects.all().delete()
    ticks = iter([0.0, 1000.0])
    monkeypatch.setattr(delivery, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    monkeypatch.setattr(
        delivery, "_batch", lambda site, rules: builtin.publish_batch(site.id, limit=2, now=clock.now())
    )
    assert delivery.publish_site(en.id) == 2
    assert OutboxMessage.objects.get().key == key_of(en.id)


# -- several workers at once: real connections ---------------------------------------------------------------------------------


def _together(*works):
    """Run each work in a thread of its own, with its own connection; answers what they answered."""
    answers: list[object] = [None] * len(works)
    start = threading.Barrier(len(works))

    def run(position, work):
        try:
            with across_stores("test"):
                start.wait(60)
                answers[position] = work()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n, work)) for n, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


@pytest.mark.django_db(transaction=True)
def test_ten_publishers_write_each_page_once() -> None:
    store = make_store()
    with in_store(store.id):
        site = make_site(store)
        listings = make_goods(store, 300)
        want(store.id, _ids(listings), now=clock.now())
        done = _together(*[lambda: _drain(site.id)] * 10)
        assert sum(done) == 300
        assert not Publication.objects.exclude(published_version=1).exists()
        assert PublishedPage.objects.filter(version=1).count() == 300


def _drain(site_id):
    total = 0
    while done := builtin.publish_batch(site_id, limit=20, now=clock.read()):
        total += done
    return total


@pytest.mark.django_db(transaction=True)
def test_no_change_is_lost_when_prices_change_while_pages_are_published() -> None:
    """Writers bump a price and want it published, publishers publish as fast as they can: at rest every page shows the last price."""
    store = make_store()
    with in_store(store.id):
        site = make_site(store)
        listings = make_goods(store, 10, skus=1)
        want(store.id, _ids(listings), now=clock.now())
        stop = threading.Event()

        def write():
            for n in range(60):
                with transaction.atomic():
                    Sku.objects.filter(listing__in=listings[n % 5 :]).order_by("id").update(sale_price=Decimal(100 + n))
                    want(store.id, _ids(listings[n % 5 :]), now=clock.read())
            stop.set()

        def publish():
            while not stop.is_set():
                delivery.publish_site(site.id)

        _together(write, publish, publish)
        delivery.publish_site(site.id)
        shown = {listing_id: Decimal(page.document["skus"][0]["price"]) for listing_id, page in _pages(site).items()}
        assert shown == dict(Sku.objects.values_list("listing_id", "sale_price"))


@pytest.mark.django_db(transaction=True)
def test_a_waiting_call_cannot_be_served_before_the_change_that_relies_on_it_is_committed() -> None:
    store = make_store()
    with in_store(store.id):
        site = make_site(store)
        listings = make_goods(store, 2)
        want(store.id, _ids(listings[:1]), now=clock.now())
        with transaction.atomic():
            want(store.id, _ids(listings[1:]), now=clock.now())
            (tried,) = _together(outbox.deliver_due)
            assert tried == 0
        (tried,) = _together(outbox.deliver_due)
        assert tried == 1
        assert len(_pages(site)) == 2


@pytest.mark.django_db(transaction=True)
def test_a_publisher_killed_in_the_middle_leaves_nothing_half_done() -> None:
    store = make_store()
    with in_store(store.id):
        site = make_site(store)
        want(store.id, _ids(make_goods(store, 5)), now=clock.now())
        reached, killed = threading.Event(), []

        def dies():
            try:
                with transaction.atomic():
                    builtin.publish_batch(site.id, limit=5, now=clock.read())
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT pg_backend_pid()")
                        killed.append(cursor.fetchone()[0])
                    reached.set()
                    threading.Event().wait(0.3)
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT 1")
            except Exception as error:
                return type(error).__name__
            return "lived"

        def kills():
            reached.wait(60)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", killed)

        fate, _ = _together(dies, kills)
        assert fate == "OperationalError"
        assert not PublishedPage.objects.exists()
        assert delivery.publish_site(site.id) == 5
