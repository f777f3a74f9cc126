"""Public pages: removing is instant, adding is published."""

from __future__ import annotations

import json
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from core import clock
from core.scopes import in_store
from listings.models import Listing, LiveOffer, Sku
from publishing import delivery
from publishing.desire import want
from publishing.models import PublishedPage, Site
from publishing.tests.goods import NOON, make_goods, put_offers, stop_offers
from tests.factories import make_site, make_store


class Read(HTMLParser):
    """What a machine reads of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.stamp = ""
        self.lang = ""
        self.data: dict = {}
        self.elements: list[str] = []
        self._script = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.elements.append(tag)
        if "data-campaign" in known:
            self.tags.append(known["data-campaign"])
        if tag == "meta" and known.get("name") == "listing-stamp":
            self.stamp = known["content"]
        if tag == "html":
            self.lang = known["lang"]
        self._script = tag == "script" and known.get("type") == "application/ld+json"

    def handle_data(self, data):
        if self._script:
            self.data = json.loads(data)
            self._script = False

    @property
    def prices(self):
        return [offer["price"] for offer in self.data["offers"]]


@pytest.fixture
def shop(db):
    """A published listing with an offer on two sites, at noon."""
    store = make_store("pine", name="Pine & Co", name_zh="松果")
    with clock.freeze(NOON) as frozen, in_store(store.id):
        make_site(store, "en")
        make_site(store, "zh")
        (listing,) = make_goods(store, logistics_template="Worry-free standard")
        put_offers([listing])
        publish(store, [listing])
        yield store, listing, frozen


def publish(store, listings):
    want(store.id, [listing.id for listing in listings], now=clock.now())
    for site in Site.objects.filter(store=store):
        delivery.publish_site(site.id)


def read(client, listing, site="en", **headers):
    response = client.get(f"/shop/pine/{site}/{listing.id}/", headers=headers)
    assert response.status_code == 200
    return Read(response.content.decode())


def test_a_machine_finds_price_availability_shipping_stamp_and_tag(client, shop) -> None:
    _, listing, _ = shop
    page = read(client, listing)
    first, second = Sku.objects.filter(listing=listing)
    assert page.data["@type"] == "Product"
    assert page.data["name"] == listing.title
    assert [(o["sku"], o["price"], o["priceCurrency"], o["availability"]) for o in page.data["offers"]] == [
        (first.code, "15.00", "USD", "https://schema.org/InStock"),
        (second.code, "15.00", "USD", "https://schema.org/InStock"),
    ]
    assert page.data["offers"][0]["shippingDetails"]["shippingLabel"] == "Worry-free standard"
    assert (page.stamp, page.tags, page.lang) == ("2026-11-27T12:00:00Z", ["C-7F3KQ"], "en")


def test_each_site_speaks_its_language(client, shop) -> None:
    _, listing, _ = shop
    page = client.get(f"/shop/pine/zh/{listing.id}/")
    text = page.content.decode()
    assert page["Content-Language"] == "zh-Hans"
    for word in (listing.titles["zh"], "松果", "家居园艺", "有货", "US$15.00"):
        assert word in text


@pytest.mark.parametrize("language", ["en", "ru", "es", "pt", "fr"])
def test_every_language_renders(client, shop, language) -> None:
    store, listing, _ = shop
    make_site(store, f"x-{language}", language=language)
    publish(store, [listing])
    page = client.get(f"/shop/pine/x-{language}/{listing.id}/")
    assert page.status_code == 200
    assert page["Content-Language"] == ("en" if language == "fr" else language)


def test_removing_is_instant(client, shop) -> None:
    _, listing, _ = shop
    assert read(client, listing).tags == ["C-7F3KQ"]
    stop_offers()
    page = read(client, listing)
    assert (page.tags, page.prices) == ([], ["20.00", "21.00"])
    assert "15.00" not in client.get(f"/shop/pine/en/{listing.id}/").content.decode()


def test_adding_is_published(client, shop) -> None:
    store, listing, _ = shop
    put_offers([listing], "C-NEW01", price="9.00")
    assert read(client, listing).prices == ["15.00", "15.00"]
    publish(store, [listing])
    assert read(client, listing).prices == ["9.00", "9.00"]


def test_what_came_back_shows_again_without_publishing(client, shop) -> None:
    _, listing, _ = shop
    stop_offers()
    LiveOffer.objects.update(active=True)
    assert read(client, listing).tags == ["C-7F3KQ"]


def test_the_window_is_half_open_to_the_microsecond(client, shop) -> None:
    store, listing, frozen = shop
    starts, ends = NOON + timedelta(hours=2), NOON + timedelta(hours=3)
    LiveOffer.objects.update(starts_at=starts, ends_at=ends)
    publish(store, [listing])
    tick = timedelta(microseconds=1)
    for moment, shown in [(starts - tick, False), (starts, True), (ends - tick, True), (ends, False)]:
        frozen.move_to(moment)
        page = read(client, listing)
        assert (page.tags == ["C-7F3KQ"], page.prices == ["15.00", "15.00"]) == (shown, shown), moment


def test_with_every_worker_stopped_the_promotion_is_over_at_its_end(client, shop) -> None:
    _, listing, frozen = shop
    frozen.move_to(NOON + timedelta(days=1))
    assert LiveOffer.objects.filter(active=True).exists()
    page = read(client, listing)
    assert (page.tags, page.prices) == ([], ["20.00", "21.00"])
    front = client.get("/shop/pine/en/").content.decode()
    assert "C-7F3KQ" not in front
    assert "15.00" not in front


def test_the_lowest_price_is_shown_and_both_tags(client, shop) -> None:
    store, listing, _ = shop
    put_offers([listing], "C-OTHER", price="14.00")
    put_offers([listing], "C-SAVE1", price=None, label="Spend 60 save 8")
    publish(store, [listing])
    page = read(client, listing)
    assert (page.prices, sorted(page.tags)) == (["14.00", "14.00"], ["C-7F3KQ", "C-OTHER", "C-SAVE1"])


def test_etag_answers_304_until_anything_changes(client, shop) -> None:
    store, listing, frozen = shop
    url = f"/shop/pine/en/{listing.id}/"
    first = client.get(url)
    assert first["Cache-Control"] == "no-cache"
    assert first["ETag"].startswith('"')
    same = client.get(url, headers={"if-none-match": first["ETag"]})
    assert (same.status_code, same.content, same["ETag"], same["Cache-Control"]) == (
        304,
        b"",
        first["ETag"],
        "no-cache",
    )
    stop_offers()
    stopped = client.get(url, headers={"if-none-match": first["ETag"]})
    assert stopped.status_code == 200
    assert stopped["ETag"] != first["ETag"]
    frozen.tick(5)
    publish(store, [listing])
    published = client.get(url, headers={"if-none-match": stopped["ETag"]})
    assert published.status_code == 200
    assert Read(published.content.decode()).stamp == "2026-11-27T12:00:05Z"


def test_no_cookie_no_session_no_visitor(client, shop) -> None:
    _, listing, _ = shop
    client.cookies["sessionid"] = "stolen"
    for url in (f"/shop/pine/en/{listing.id}/", "/shop/pine/en/"):
        response = client.get(url, headers={"accept-language": "zh"})
        assert "Set-Cookie" not in response.headers
        assert "Cookie" not in response.get("Vary", "")
        assert Read(response.content.decode()).lang == "en"


def test_a_page_takes_two_queries_at_most(client, shop, django_assert_max_num_queries) -> None:
    _, listing, _ = shop
    with django_assert_max_num_queries(2):
        client.get(f"/shop/pine/en/{listing.id}/")
    with django_assert_max_num_queries(1):
        client.get(f"/shop/pine/zh/{listing.id}/")


HOSTILE = [
    "</script><script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "<!--<script>",
    "{{ 7*7 }} {% debug %}",
    "\u2028\u2029 & ' \" \\ </title>",
    "]]> &lt;b&gt; \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(client, shop, text) -> None:
    store, listing, _ = shop
    Listing.objects.update(title=text, titles={}, logistics_template=text[:80])
    listing.brand.name = text[:80]
    listing.brand.save()
    LiveOffer.objects.update(label=text)
    store.name = text[:80]
    store.save()
    publish(store, [listing])
    for url in (f"/shop/pine/en/{listing.id}/", "/shop/pine/en/"):
        html = client.get(url).content.decode()
        page = Read(html)
        assert page.elements.count("script") == html.count("<script") == (1 if url.endswith(f"{listing.id}/") else 0)
        assert "img" not in page.elements
        assert "onerror=" not in html.replace("onerror=&quot;", "").replace('onerror=\\"', "")
        if page.data:
            assert page.data["name"] == text
            assert page.data["offers"][0]["shippingDetails"]["shippingLabel"] == text[:80]
    assert "49" not in page.tags


@pytest.mark.parametrize(("state", "status"), [("delisting", 200), ("delisted", 410), ("taken_down", 410)])
def test_what_is_not_on_sale_is_gone_at_once(client, shop, state, status) -> None:
    _, listing, _ = shop
    Listing.objects.update(state=state)
    response = client.get(f"/shop/pine/en/{listing.id}/")
    assert (response.status_code, response["Cache-Control"]) == (status, "no-cache")
    assert (b"data-campaign" in response.content, b"15.00" in response.content) == (status == 200, status == 200)


@pytest.mark.parametrize(
    "path",
    ["pine/en/999999999/", "pine/en/99999999999999999999999/", "pine/fr/1/", "nobody/en/1/", "nobody/en/", "pine/fr/"],
)
def test_what_never_was_is_not_found(client, shop, path) -> None:
    assert client.get(f"/shop/{path}").status_code == 404


def test_a_site_that_others_publish_or_that_is_off_is_not_here(client, shop) -> None:
    _, listing, _ = shop
    Site.objects.filter(code="en").update(publisher="http")
    Site.objects.filter(code="zh").update(is_active=False)
    assert client.get(f"/shop/pine/en/{listing.id}/").status_code == 404
    assert client.get(f"/shop/pine/zh/{listing.id}/").status_code == 404


def test_nothing_but_reading(client, shop) -> None:
    _, listing, _ = shop
    assert client.post(f"/shop/pine/en/{listing.id}/").status_code == 405
    assert client.head(f"/shop/pine/en/{listing.id}/").status_code == 200


def test_a_listing_that_waits_for_its_first_publication_has_no_page(client, shop) -> None:
    store, *_ = shop
    (fresh,) = make_goods(store)
    want(store.id, [fresh.id], now=clock.now())
    assert not PublishedPage.objects.filter(publication__listing=fresh).exists()
    assert client.get(f"/shop/pine/en/{fresh.id}/").status_code == 404


def test_the_front_page_goes_on_by_cursor_and_counts_no_more_queries(client, shop, django_assert_num_queries) -> None:
    store, listing, _ = shop
    more = make_goods(store, 30)
    publish(store, more)
    client.get("/shop/pine/en/")
    with django_assert_num_queries(1):
        first = client.get("/shop/pine/en/").content.decode()
    newest, seen = more[-1].id, []
    assert first.index(f"/shop/pine/en/{newest}/") > 0
    url = "/shop/pine/en/"
    while url:
        html = client.get(url).content.decode()
        seen += [part.split("/")[0] for part in html.split('href="/shop/pine/en/')[1:] if part.split("/")[0].isdigit()]
        url = "/shop/pine/en/?after=" + html.split("?after=")[1].split('"')[0] if "?after=" in html else ""
    assert seen == [str(number) for number in sorted([listing.id, *(x.id for x in more)], reverse=True)]


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30, "", "１", "1.5", "0"])
def test_the_front_page_bears_any_cursor(client, shop, after) -> None:
    assert client.get("/shop/pine/en/", {"after": after}).status_code == 200


def test_another_store_with_the_same_site_code_shows_nothing_of_this_one(client, shop) -> None:
    _, listing, _ = shop
    other = make_store("oak")
    with in_store(other.id):
        make_site(other, "en")
    assert client.get(f"/shop/oak/en/{listing.id}/").status_code == 404
    assert str(listing.title) not in client.get("/shop/oak/en/").content.decode()
