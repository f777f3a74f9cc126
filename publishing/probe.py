"""Reading public pages as buyers do: over HTTP, as a desktop browser, a phone and a private window (R40, R50).

"Saved" is no proof. A page is what a client gets: so every page is fetched for every client, the first pass over all pages before the
second, so that each page has been seen once as early as can be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from io import BytesIO
from itertools import islice
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils import translation

import policies
from core import clock
from core.faults import Fault
from core.http import Client, Limits, OutboundError, Reply, origin_of
from policies.rules import ProbeRules
from publishing.addresses import PageAddress
from publishing.reading import OfferReading, PageContent, read_page

GONE = frozenset((404, 410))
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A kind of client: its headers, and whether it comes back with the cookies it was given."""

    name: str
    headers: Mapping[str, str]
    keeps_cookies: bool


VISITORS: Mapping[str, Visitor] = {
    visitor.name: visitor
    for visitor in (
        Visitor(
            "desktop",
            {
                "User-Agent": f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36",
                "Accept": "text/html,application/xhtml+xml",
                "Cache-Control": "max-age=0",
            },
            keeps_cookies=True,
        ),
        Visitor(
            "phone",
            {
                "User-Agent": f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_CHROME} Mobile Safari/537.36",
                "Accept": "text/html,application/xhtml+xml",
                "Sec-CH-UA-Mobile": "?1",
            },
            keeps_cookies=True,
        ),
        Visitor(
            "private",
            {
                "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Accept": "text/html,application/xhtml+xml",
                "Cache-Control": "no-cache",
                "Pragma": "no-cache",
            },
            keeps_cookies=False,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageReading:
    """One page as one client saw it. `error` says why nothing certain is known (empty: all is); a page that is gone (404, 410) is no error.

    `excerpt` is what was seen of tags and offers, `sha256` that of the whole body: the evidence.
    """

    listing_id: int
    site_id: int
    site: str
    url: str
    client: str
    status: int
    stamp: datetime | None
    offers: tuple[OfferReading, ...]
    tags: frozenset[str]
    excerpt: str
    sha256: str
    error: tuple[Fault, ...]
    seconds: float


class Transport(Protocol):
    """How a page is fetched. `threads` says whether several may be fetched at once."""

    threads: bool

    def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Fetch a page. Raises OutboundError."""


OnBatch = Callable[[Sequence[PageReading]], None]


def visit(
    pages: Iterable[PageAddress],
    *,
    clients: Sequence[str] | None = None,
    on_batch: OnBatch | None = None,
    now: datetime | None = None,
) -> list[PageReading]:
    """Visit every page as every client (names of VISITORS; those of the policy when left out).

    `on_batch` is called in this thread with each batch of readings as they come. Concurrency, times and sizes are policy. To be called
    outside transactions: it waits for other servers.
    """
    names = list(clients or policies.active(ProbeRules, now or clock.now()).clients)
    readings: list[PageReading] = []

    def keep(seen: Sequence[PageReading]) -> None:
        readings.extend(seen)
        if on_batch is not None:
            on_batch(seen)

    visit_each(_in_turn(list(pages), names), on_batch=keep, now=now)
    return readings


def visit_each(visits: Iterable[tuple[PageAddress, str]], *, on_batch: OnBatch, now: datetime | None = None) -> None:
    """Make these visits (page, client) in their order; `on_batch` is called in this thread with the readings, in the order of the visits.

    The next batch is on its way while a batch is being looked at, so `on_batch` may take a moment. Nothing is kept.
    """
    rules = policies.active(ProbeRules, now or clock.now())
    transport = transport_of(rules)
    reader = _Visits(transport, rules)
    jobs = iter(visits)
    with _workers(transport, rules) as pool:
        look = pool.map if pool else map
        coming = look(reader.read, list(islice(jobs, rules.batch)))
        while seen := list(coming):
            coming = look(reader.read, list(islice(jobs, rules.batch)))
            on_batch(seen)


def _in_turn(pages: Sequence[PageAddress], names: Sequence[str]) -> Iterator[tuple[PageAddress, str]]:
    """Each page once, then each once more: the clients take turns, so that the first pass has a bit of all of them."""
    for turn in range(len(names)):
        for position, page in enumerate(pages):
            yield page, names[(position + turn) % len(names)]


def _workers(transport: Transport, rules: ProbeRules) -> AbstractContextManager[ThreadPoolExecutor | None]:
    return ThreadPoolExecutor(rules.concurrency, thread_name_prefix="probe") if transport.threads else nullcontext()


class _Visits:
    """One round of visits: the cookies that returning clients were given, and what equal bodies said."""

    def __init__(self, transport: Transport, rules: ProbeRules) -> None:
        self.transport = transport
        self.rules = rules
        self.cookies: dict[tuple[str, str], dict[str, str]] = {}
        self.known: dict[str, PageContent] = {}

    def read(self, job: tuple[PageAddress, str]) -> PageReading:
        """Visit one page as one client; never raises."""
        page, name = job
        visitor = VISITORS[name]
        try:
            reply = self._get(page.url, visitor)
        except OutboundError as error:
            return self._reading(page, name, error=(error.fault,))
        digest = hashlib.sha256(reply.body).hexdigest()
        content = self.known.get(digest)
        if content is None:
            content = self.known[digest] = read_page(reply.body, longest=self.rules.excerpt_length)
        problem = content.problem
        if reply.status in GONE:
            problem = ()
        elif reply.status != 200:
            problem = (Fault("status", {"status": reply.status}),)
        return self._reading(page, name, reply=reply, content=content, digest=digest, error=problem)

    def _get(self, url: str, visitor: Visitor) -> Reply:
        jar = self.cookies.setdefault((visitor.name, urlsplit(url).netloc), {}) if visitor.keeps_cookies else {}
        headers = dict(visitor.headers)
        if jar:
            headers["Cookie"] = "; ".join(f"{key}={value}" for key, value in sorted(jar.items()))
        try:
            reply = self.transport.get(url, headers)
        except OutboundError as error:
            if error.kind != "failed":
                raise
            reply = self.transport.get(
                url, headers
            )  # a kept connection may have been closed at the other end: once more
        if visitor.keeps_cookies:
            for header in reply.cookies:  # several may be given at once, each in its own header
                jar.update(_given(header))
        return reply

    @staticmethod
    def _reading(
        page: PageAddress,
        name: str,
        *,
        error: tuple[Fault, ...],
        reply: Reply | None = None,
        content: PageContent | None = None,
        digest: str = "",
    ) -> PageReading:
        return PageReading(
            listing_id=page.listing_id,
            site_id=page.site_id,
            site=page.site,
            url=page.url,
            client=name,
            status=reply.status if reply else 0,
            stamp=content.stamp if content else None,
            offers=content.offers if content else (),
            tags=content.tags if content else frozenset(),
            excerpt=content.seen if content else "",
            sha256=digest,
            error=error,
            seconds=reply.seconds if reply else 0.0,
        )


def _given(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


# -- transports --------------------------------------------------------------------------------------------------------------


def transport_of(rules: ProbeRules) -> Transport:
    """The transport that the settings name: `http`, or `wsgi` to stay in this process."""
    if settings.PROBE_TRANSPORT == "wsgi":
        return WsgiTransport()
    limits = Limits(rules.connect_timeout, rules.read_timeout, rules.total_timeout, rules.max_page_bytes)
    return _http(limits, rules.per_host, settings.PUBLIC_URL, settings.PROBE_URL)


@lru_cache(maxsize=4)
def _http(limits: Limits, connections: int, public: str, own: str) -> Transport:
    return HttpTransport(limits, connections=connections, public=public, own=own)


class HttpTransport:
    """Over the network. Pages of this installation may lie at a private address (`own`) and are asked for by their public name."""

    threads = True

    def __init__(self, limits: Limits, *, connections: int, public: str, own: str) -> None:
        self._client = Client(limits, trusted={public, own}, connections=connections)
        self._public, self._own = f"{public}/", f"{own}/"
        scheme, host, port = origin_of(public)
        usual = {"http": 80, "https": 443}[scheme] == port
        self._headers = (
            {"Host": host if usual else f"{host}:{port}", "X-Forwarded-Proto": scheme} if public != own else {}
        )

    def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Fetch a page. Raises OutboundError."""
        if self._headers and url.startswith(self._public):
            return self._client.request(
                "GET", self._own + url[len(self._public) :], headers={**headers, **self._headers}
            )
        return self._client.request("GET", url, headers=headers)


class WsgiTransport:
    """In this process and thread, for tests: no socket, and the rows of the test's own transaction. Only our own pages can be read."""

    threads = False

    def __init__(self) -> None:
        self._handler = WSGIHandler()

    def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Fetch a page. Raises OutboundError."""
        if not url.startswith(f"{settings.PUBLIC_URL}/"):
            raise OutboundError("refused", f"{url} is not a page of this installation")
        language = translation.get_language()
        try:
            # Not through the handler's signals: they would close the connection that holds the test's transaction.
            response = self._handler.get_response(WSGIRequest(_environ(url, headers)))
        finally:
            translation.activate(language or settings.LANGUAGE_CODE)
        given = {name.lower(): value for name, value in response.items()}
        cookies = tuple(cookie.OutputString() for cookie in response.cookies.values())
        return Reply(response.status_code, given, getattr(response, "content", b""), 0.0, cookies)


def _environ(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": parts.netloc,
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": BytesIO(),
        "wsgi.errors": BytesIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
