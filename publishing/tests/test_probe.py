"""Probes: what a page says is read whatever it is made of, as three clients, and a failure is never taken for a clean page (R40, R50)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core import clock, faults
from core.faults import Fault
from core.http import OutboundError, Reply
from core.scopes import in_store
from policies.rules import ProbeRules
from publishing import delivery, probe
from publishing.addresses import PageAddress, pages_of, public_urls
from publishing.desire import want
from publishing.models import Site
from publishing.probe import HttpTransport, visit
from publishing.reading import OfferReading, read_page
from publishing.tests.goods import NOON, make_goods, put_offers, stop_offers
from tests.factories import make_site, make_store

PAGE = """<!doctype html><html><head><meta name="listing-stamp" content="2026-11-27T12:00:00Z">
<script type="application/ld+json">{"@type":"Product","name":"Tea \\u003C/script> & more","offers":[
{"@type":"Offer","sku":"A-1","price":"15.00","priceCurrency":"USD","availability":"https://schema.org/InStock"}]}</script></head>
<body><span class="x" data-campaign="C-7F3KQ">Deal</span></body></html>"""
ONE = OfferReading("A-1", Decimal("15.00"), "USD", "InStock")


def read(html: str | bytes):
    return read_page(html if isinstance(html, bytes) else html.encode(), longest=400)


def test_a_whole_page() -> None:
    page = read(PAGE)
    assert (page.stamp, page.offers, page.tags, page.problem) == (
        datetime(2026, 11, 27, 12, tzinfo=UTC),
        (ONE,),
        {"C-7F3KQ"},
        (),
    )
    assert page.seen == '<span class="x" data-campaign="C-7F3KQ">Deal; A-1 15.00 USD InStock'


@pytest.mark.parametrize(
    "data",
    [
        '[{"@type":"WebSite"},%s]',
        '{"@graph":[{"@type":"BreadcrumbList"},%s]}',
        '{"@context":"https://schema.org","@graph":[[%s]]}',
    ],
)
def test_products_are_found_where_others_put_them(data: str) -> None:
    product = (
        '{"@type":["Product","Thing"],"offers":{"@type":"AggregateOffer","lowPrice":1,"offers":[{"@type":"Offer","sku":"A-1",'
        '"price":15.00,"priceCurrency":"USD","availability":"InStock"}]}}'
    )
    page = read(f'<SCRIPT TYPE="Application/LD+JSON">{data % product}</SCRIPT>')
    assert [(o.sku, o.price, o.availability) for o in page.offers] == [("A-1", Decimal("15.0"), "InStock")]
    assert page.problem == ()


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ("", "no product data"),
        ("<html>", "no product data"),
        (b"\x00\xff\xfe\x80" * 50, "no product data"),
        ('<script type="application/ld+json">{"@type":"Product"', "in the middle"),
        ('<script type="application/ld+json">{not json}</script>', "no JSON"),
        ('<script type="application/ld+json">{"@type":"Product"}</script>', "no offers"),
        ('<script type="application/ld+json">{"@type":"Product","offers":[{"sku":"A"}]}</script>', "no readable price"),
        (
            '<script type="application/ld+json">{"@type":"Product","offers":[{"price":"NaN"}]}</script>',
            "no readable price",
        ),
        (
            '<script type="application/ld+json">{"@type":"Product","offers":[{"price":"-1"}]}</script>',
            "no readable price",
        ),
        *(
            (
                f'<script type="application/ld+json">{{"@type":"Product","offers":[{{"price":"{price}"}}]}}</script>',
                "no readable price",
            )
            for price in (
                "1e999999",
                "1e-999999",
                "0e999999",
                "1." + "0" * 20000,
                "99999999999",
            )  # no database holds these
        ),
        (PAGE.replace("2026-11-27T12:00:00Z", "yesterday"), "no RFC 3339"),
        (PAGE.replace("2026-11-27T12:00:00Z", "2026-11-27T12:00:00"), "no zone"),
        (PAGE.replace("2026-11-27T12:00:00Z", "0001-01-01T00:00:00+14:00"), "outside the calendar"),
        ('<script type="application/ld+json">' + "[" * 5000 + "</script>", "no JSON"),
        ("<div " * 3000, "no product data"),
        ("<![bogus[" + PAGE[:200], "no product data"),
        (PAGE + "<a '" * 2000, "in the middle of a tag"),
    ],
)
def test_a_malformed_page_says_what_is_wrong(html, problem: str) -> None:
    assert problem in faults.say(read(html).problem)


def test_tags_are_read_even_where_data_are_broken() -> None:
    page = read(
        '<p data-campaign=" C-7F3KQ ">Deal<script type="application/ld+json">{</script><img data-campaign="C-2">'
    )
    assert page.tags == {"C-7F3KQ", "C-2"}
    assert page.problem


def test_what_is_kept_of_a_page_holds_no_nul() -> None:
    hostile = PAGE.replace("C-7F3KQ", "C-\x007").replace("Deal", "De\x00al").replace("A-1", "A\\u0000")
    page = read(hostile.replace('"USD"', '"U\\u0000D"').replace("InStock", "In\\u0000"))
    assert "\x00" not in page.seen + "".join(page.tags) + "".join(
        "".join((o.sku, o.currency, o.availability)) for o in page.offers
    )
    assert len(page.offers) == 1


def test_words_that_look_like_a_tag_are_none() -> None:
    page = read(
        PAGE.replace(
            '<span class="x" data-campaign="C-7F3KQ">', "<!-- data-campaign=C-7F3KQ --><span title='data-campaign'>"
        )
    )
    assert page.tags == frozenset()


# -- visits in this process --------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(db):
    store = make_store("pine")
    with clock.freeze(NOON), in_store(store.id):
        make_site(store, "en")
        make_site(store, "zh")
        listings = make_goods(store, 3, skus=1)
        put_offers(listings)
        want(store.id, [x.id for x in listings], now=clock.now())
        for site in Site.objects.all():
            delivery.publish_site(site.id)
        yield store, listings


def test_every_page_is_seen_by_every_client_and_each_once_before_any_twice(shop) -> None:
    store, listings = shop
    pages = pages_of(store.id, [x.id for x in listings])
    readings = visit(pages)
    assert len(readings) == 18
    assert len({(r.url, r.client) for r in readings}) == 18
    assert len({r.url for r in readings[:6]}) == 6
    assert {r.client for r in readings[:6]} == {"desktop", "phone", "private"}
    assert {(r.status, r.error, r.tags, r.stamp) for r in readings} == {(200, (), frozenset({"C-7F3KQ"}), NOON)}
    assert {o.price for r in readings for o in r.offers} == {Decimal("15.00")}
    assert len({r.sha256 for r in readings}) == 6


def test_after_a_stop_no_client_sees_tag_or_price(shop) -> None:
    store, listings = shop
    stop_offers()
    batches: list[int] = []
    readings = visit(pages_of(store.id, [x.id for x in listings]), on_batch=lambda batch: batches.append(len(batch)))
    assert {(r.tags, tuple(o.price for o in r.offers)) for r in readings} == {(frozenset(), (Decimal("20.00"),))}
    assert sum(batches) == 18


def test_batches_come_as_they_are_read(shop, monkeypatch) -> None:
    store, listings = shop
    monkeypatch.setattr(probe.policies, "active", lambda model, now: ProbeRules(batch=4))
    batches: list[int] = []
    visit(pages_of(store.id, [x.id for x in listings]), clients=["private"], on_batch=lambda b: batches.append(len(b)))
    assert batches == [4, 2]


def test_a_page_that_is_gone_is_no_error_and_shows_nothing(shop) -> None:
    store, listings = shop
    pages = pages_of(store.id, [listings[0].id])
    type(listings[0]).objects.filter(id=listings[0].id).update(state="delisted")
    assert {(r.status, r.error, r.tags, r.offers) for r in visit(pages)} == {(410, (), frozenset(), ())}


def test_addresses_of_active_sites_and_of_published_pages_only(shop) -> None:
    store, listings = shop
    (fresh,) = make_goods(store)
    assert pages_of(store.id, [fresh.id]) == []
    Site.objects.filter(code="zh").update(publisher="http", page_url="https://shop.example/p/{listing}?l=zh")
    assert public_urls(store.id, [7]) == {
        7: {"en": "http://127.0.0.1:8000/shop/pine/en/7/", "zh": "https://shop.example/p/7?l=zh"}
    }
    Site.objects.filter(code="en").update(is_active=False)
    assert {page.site for page in pages_of(store.id, [x.id for x in listings])} == {"zh"}


# -- visits over the network -------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        status, body = 200, PAGE.encode()
        if self.path.startswith("/moved"):
            status = 302
        elif self.path.startswith("/broken"):
            status = 503
        elif self.path.startswith("/huge"):
            body = b"x" * 50_000
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "visitor=42; Path=/; HttpOnly")
        self.send_header("Set-Cookie", "bucket=b; Expires=Wed, 09 Jun 2027 10:18:14 GMT")
        self.send_header("Set-Cookie", "lang=en")
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def server(db, settings):
    Handler.seen = []
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    settings.PROBE_TRANSPORT = "http"
    settings.PUBLIC_URL = settings.PROBE_URL = f"http://127.0.0.1:{httpd.server_port}"
    yield settings.PUBLIC_URL
    httpd.shutdown()
    httpd.server_close()
    thread.join(5)


def page(base: str, path: str) -> PageAddress:
    return PageAddress(1, 1, "en", f"{base}{path}")


def test_clients_differ_as_buyers_do(server) -> None:
    visit([page(server, f"/{n}") for n in range(30)])
    by_client: dict[str, list[dict[str, str]]] = {"Windows": [], "Android": [], "X11": []}
    for _, headers in Handler.seen:
        by_client[next(name for name in by_client if name in headers["user-agent"])].append(headers)
    assert {name: len(found) for name, found in by_client.items()} == {"Windows": 30, "Android": 30, "X11": 30}
    assert any(headers.get("cookie") == "bucket=b; lang=en; visitor=42" for headers in by_client["Windows"])
    assert not any("cookie" in headers for headers in by_client["X11"])
    assert {headers["cache-control"] for headers in by_client["X11"]} == {"no-cache"}


@pytest.mark.parametrize(("path", "error"), [("/moved", 302), ("/broken", 503)])
def test_another_answer_than_a_page_is_an_error_and_is_not_followed(server, path, error) -> None:
    readings = visit([page(server, path)])
    assert [reading.error for reading in readings] == [(Fault("status", {"status": error}),)] * 3
    assert {seen for seen, _ in Handler.seen} == {path}


def test_a_page_past_the_cap_is_an_error(server, monkeypatch) -> None:
    monkeypatch.setattr(probe.policies, "active", lambda model, now: ProbeRules(max_page_bytes=10_000))
    (reading,) = visit([page(server, "/huge")], clients=["phone"])
    assert (reading.status, reading.error, reading.sha256) == (0, (Fault("too_large", {"bytes": 10_000}),), "")


def test_a_private_page_that_is_not_ours_is_refused(server) -> None:
    (reading,) = visit([page("http://127.0.0.1:1", "/x")], clients=["phone"])
    assert reading.error == (Fault("refused"),)


def test_our_own_pages_may_lie_at_a_private_address(server, settings) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    (reading,) = visit([page("https://shop.example", "/shop/x/")], clients=["phone"])
    assert (reading.status, reading.offers, reading.url) == (200, (ONE,), "https://shop.example/shop/x/")
    ((path, headers),) = Handler.seen
    assert (path, headers["host"], headers["x-forwarded-proto"]) == ("/shop/x/", "shop.example", "https")


def test_a_connection_that_was_closed_meanwhile_is_tried_once_more() -> None:
    class Flaky:
        threads = False
        calls = 0

        def get(self, url, headers):
            self.calls += 1
            if self.calls == 1:
                raise OutboundError("failed", "closed")
            return Reply(200, {}, PAGE.encode(), 0.0)

    flaky = Flaky()
    reading = probe._Visits(flaky, ProbeRules()).read((page("https://x.example", "/"), "desktop"))
    assert (reading.error, flaky.calls) == ((), 2)


def test_the_transport_trusts_its_two_origins_only(settings) -> None:
    limits = probe.Limits(1, 1, 1, 1000)
    transport = HttpTransport(limits, connections=1, public="http://127.0.0.1:8000", own="http://127.0.0.1:8000")
    with pytest.raises(OutboundError) as refused:
        transport.get("http://127.0.0.1:9/x", {})
    assert refused.value.kind == "refused"
