"""Language sites: made with their store, seen, tried again, handed to the merchant's own server and back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import translation

from accounts import stores
from accounts.signals import SiteDraft
from audit.models import AuditEvent
from core import clock, outbox
from core.errors import InvalidInput
from core.models import OutboxMessage
from core.scopes import in_store
from listings.hooks import panels, public_urls
from publishing import sites
from publishing.desire import TOPIC, key_of, want
from publishing.models import Publication, Publisher, Site
from publishing.tests.goods import NOON, make_goods
from tests.factories import actor_for, make_member, make_site, make_staff, make_store, owner_of


@pytest.fixture
def shop(db):
    store = make_store("pine")
    with clock.freeze(NOON) as frozen, in_store(store.id):
        en, zh = make_site(store, "en"), make_site(store, "zh")
        listings = make_goods(store, 3)
        want(store.id, [x.id for x in listings], now=clock.now())
        yield store, en, zh, frozen


def test_a_store_is_made_with_its_sites(db) -> None:
    staff = actor_for(make_staff())
    drafts = [SiteDraft("en", "en", "USD"), SiteDraft("zh", "zh", "usd")]
    store = stores.create_store(slug="oak", name="Oak", owner_email="oak@shop.test", sites=drafts, actor=staff)
    with in_store(store.id):
        assert list(Site.objects.values_list("code", "language", "currency", "publisher", "is_active")) == [
            ("en", "en", "USD", "builtin", True),
            ("zh", "zh", "USD", "builtin", True),
        ]


def test_wrong_sites_are_named_and_nothing_is_made(db) -> None:
    store = make_store()
    drafts = [
        SiteDraft("en", "en", "USD"),
        SiteDraft("en", "en", "USD"),
        SiteDraft("E N", "english!", "ABC"),
        SiteDraft("", "", ""),
    ]
    with pytest.raises(InvalidInput) as refused:
        sites.make_sites(store, drafts, now=clock.now())
    assert [error.field for error in refused.value.errors] == [
        "sites.1.code", "sites.2.code", "sites.2.language", "sites.2.currency",
        "sites.3.code", "sites.3.language", "sites.3.currency",
    ]  # fmt: skip
    with in_store(store.id):
        assert not Site.objects.exists()


def test_a_site_that_comes_late_is_owed_everything(shop) -> None:
    store, *_ = shop
    sites.make_sites(store, [SiteDraft("ru", "ru", "USD")], now=clock.now())
    assert Publication.objects.filter(site__code="ru").count() == 3


def test_statuses_count_what_is_behind_in_two_queries(shop, django_assert_num_queries) -> None:
    store, en, zh, frozen = shop
    outbox.deliver_due()
    frozen.tick(60)
    want(store.id, [Publication.objects.values_list("listing_id", flat=True)[0]], now=clock.now())
    OutboxMessage.objects.filter(key=key_of(zh.id)).update(parked_at=NOON, last_error="NotTaken: zh: 503")
    with django_assert_num_queries(2):
        first, second = sites.statuses(store)
    assert (first.pages, first.current, first.behind, first.percent, first.parked) == (3, 2, 1, 66, 0)
    assert (second.oldest, second.parked, second.error) == (NOON + timedelta(seconds=60), 1, "NotTaken: zh: 503")
    OutboxMessage.objects.update(parked_at=None)
    outbox.deliver_due()
    assert [status.percent for status in sites.statuses(store)] == [100, 100]


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ('{"code":"unreachable","what":"ECONNREFUSED","site":"zh"}', "zh: 无法连接服务器（ECONNREFUSED）"),
        ('{"code":"timeout","site":"zh"}', "zh: 服务器未及时答复"),
        (
            "NotTaken: zh: the server answered 503",
            "NotTaken: zh: the server answered 503",
        ),  # as rows from before hold it
        ('{"code":"of a later version"}', "of a later version"),
    ],
)
def test_the_last_answer_is_said_in_the_readers_language(shop, kept: str, said: str) -> None:
    store, _, zh, _ = shop
    OutboxMessage.objects.filter(key=key_of(zh.id)).update(last_error=kept)
    with translation.override("zh-hans"):
        assert sites.statuses(store)[1].error == said


def test_percent_is_never_rounded_up_to_done() -> None:
    status = sites.SiteStatus(site=Site(code="en"), pages=10_000, current=9_999, oldest=NOON, parked=0, error="")
    assert status.percent == 99


def test_retrying_calls_a_publisher_at_once_and_is_recorded(shop) -> None:
    store, en, _, frozen = shop
    OutboxMessage.objects.filter(key=key_of(en.id)).update(parked_at=NOON, attempts=10)
    sites.retry(store, "en", actor=actor_for(owner_of(store)))
    row = OutboxMessage.objects.get(topic=TOPIC, key=key_of(en.id))
    assert (row.parked_at, row.attempts, row.available_at) == (None, 0, NOON)
    assert AuditEvent.objects.get(action="site.retry").after == {"behind": 3, "failed_calls": 1}
    outbox.deliver_due()
    assert sites.statuses(store)[0].behind == 0


def test_the_page_shows_each_site_and_hides_what_one_may_not(client, shop) -> None:
    store, *_ = shop
    url = reverse("publishing:sites", kwargs={"store": "pine"})
    client.force_login(owner_of(store))
    html = client.get(url, headers={"accept-language": "en"}).content.decode()
    assert "3 pages are behind" in html
    assert reverse("publishing:retry", kwargs={"store": "pine", "site": "en"}) in html
    client.force_login(make_member(store, rights=["listings.view"]))
    html = client.get(url).content.decode()
    assert "/retry/" not in html
    assert "/connect/" not in html


def test_the_page_takes_as_many_queries_for_one_site_as_for_ten(client, shop, django_assert_max_num_queries) -> None:
    store, *_ = shop
    for n in range(8):
        make_site(store, f"s{n}", language="en")
    client.force_login(owner_of(store))
    client.get("/s/pine/sites/")
    with django_assert_max_num_queries(10):
        client.get("/s/pine/sites/")


def test_retry_by_form(client, shop) -> None:
    store, en, *_ = shop
    OutboxMessage.objects.all().delete()
    client.force_login(owner_of(store))
    assert client.post("/s/pine/sites/en/retry/").status_code == 302
    assert OutboxMessage.objects.get().key == key_of(en.id)
    assert client.post("/s/pine/sites/nn/retry/").status_code == 404
    assert client.get("/s/pine/sites/en/retry/").status_code == 405


def test_connecting_an_own_server_shows_the_secret_once(client, shop, settings) -> None:
    store, *_ = shop
    settings.ALLOW_PRIVATE_TARGETS = True
    client.force_login(owner_of(store))
    data = {"endpoint": "http://127.0.0.1:9/hook", "page_url": "http://127.0.0.1:9/p/{listing}"}
    response = client.post("/s/pine/sites/zh/connect/", data)
    site = Site.objects.get(code="zh")
    assert (site.publisher, site.endpoint, site.page_url) == (Publisher.HTTP, data["endpoint"], data["page_url"])
    assert site.secret.startswith("whsec_")
    assert site.secret in response.content.decode()
    assert response["Cache-Control"] == "no-store"
    assert site.secret not in client.get("/s/pine/sites/").content.decode()
    assert site.secret not in str(list(AuditEvent.objects.values()))
    assert set(Publication.objects.filter(site=site).values_list("desired_version", flat=True)) == {2}
    assert client.post("/s/pine/sites/zh/disconnect/").status_code == 302
    site.refresh_from_db()
    assert (site.publisher, site.secret, site.endpoint) == (Publisher.BUILTIN, "", "")


@pytest.mark.parametrize(
    ("endpoint", "page_url", "field"),
    [
        ("http://127.0.0.1:9/hook", "https://93.184.216.34/{listing}", "endpoint"),
        ("https://user@93.184.216.34/", "https://93.184.216.34/{listing}", "endpoint"),
        ("ftp://93.184.216.34/", "https://93.184.216.34/{listing}", "endpoint"),
        ("https://93.184.216.34/", "https://93.184.216.34/", "page_url"),
        ("https://93.184.216.34/", "http://10.0.0.1/{listing}", "page_url"),
        ("https://93.184.216.34/", "javascript:alert({listing})", "page_url"),
    ],
)
def test_addresses_that_we_would_not_call_are_refused(client, shop, endpoint, page_url, field) -> None:
    store, *_ = shop
    client.force_login(owner_of(store))
    response = client.post("/s/pine/sites/zh/connect/", {"endpoint": endpoint, "page_url": page_url})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert Site.objects.get(code="zh").publisher == Publisher.BUILTIN


def test_a_refused_address_is_explained_in_the_readers_language_without_what_it_resolves_to(shop, monkeypatch) -> None:
    store, *_ = shop
    monkeypatch.setattr("core.http.resolve", lambda host, port: [(2, ("10.1.2.3", port))])
    with translation.override("zh-hans"), pytest.raises(InvalidInput) as refused:
        sites.connect(
            store, "zh", endpoint="https://inside.example/", page_url="https://inside.example/{listing}",
            actor=actor_for(owner_of(store)),
        )  # fmt: skip
    for error in refused.value.errors:
        assert "10.1.2.3" not in str(error.message)
        assert not re.search("[a-z]{6,}", str(error.message).replace("https://", ""))


def test_a_listing_shows_where_buyers_find_it(shop) -> None:
    store, _, zh, frozen = shop
    listing_id = Publication.objects.values_list("listing_id", flat=True)[0]
    assert public_urls(store.id, [listing_id])[listing_id]["zh"] == f"http://127.0.0.1:8000/shop/pine/zh/{listing_id}/"
    outbox.deliver_due()
    frozen.tick(30)
    want(store.id, [listing_id], now=clock.now())
    rows = next(panel for panel in panels(store.id, listing_id, frozenset(), clock.now())).context["rows"]
    assert [(row["site"], row["stamp"], row["wanted"], row["current"]) for row in rows] == [
        (code, NOON, NOON + timedelta(seconds=30), False) for code in ("en", "zh")
    ]
