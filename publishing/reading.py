"""What a public page says to a machine: tags, prices, availability, stamp. Read with a parser, whatever the page is made of.

A page may be anything: another shop's, half a page, an error page, noise. What can be read is read; what is wrong is said in `problem`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from html.parser import HTMLParser
from typing import Any, NamedTuple

import orjson
from django.utils.translation import gettext_lazy as _

from core import money
from core.faults import Fault, declare

declare(
    {
        "page_markup": _("the markup of the page cannot be read (%(what)s)"),
        "page_cut_tag": _("the page ends in the middle of a tag"),
        "page_stamp": _("the stamp is no RFC 3339 time"),
        "page_stamp_zone": _("the stamp has no zone"),
        "page_stamp_range": _("the stamp lies outside the calendar"),
        "page_cut_data": _("the page ends in the middle of its data"),
        "page_json": _("the page's data is no JSON"),
        "page_no_product": _("no product data"),
        "page_price": _("an offer has no readable price"),
        "page_no_offers": _("the product has no offers"),
    }
)

_DEPTH = 8
#: At the end of a page the parser tries what is left of an open tag again from each sign on: with the square of its length, so hours for a
#: page of two megabytes. As long as more may come it waits, which costs nothing; no tag that is worth an end is longer than this.
_REST = 4096
_PIECE = 1 << 16
#: Decimal places of a price, and zeros that an exponent stands for, at most: no database holds what a page may write.
_PLACES = 12
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)


class OfferReading(NamedTuple):
    """One schema.org Offer: what a buyer pays, and whether it can be had (`InStock`, `OutOfStock` …)."""

    sku: str
    price: Decimal
    currency: str
    availability: str


@dataclass(frozen=True, slots=True)
class PageContent:
    """What was read. `tags` are the campaign codes that the page wears; `seen` is the evidence in words of the page; `problem` is what was
    wrong with it, the first three things."""

    stamp: datetime | None
    offers: tuple[OfferReading, ...]
    tags: frozenset[str]
    seen: str
    problem: tuple[Fault, ...] = ()


def read_page(body: bytes, *, longest: int) -> PageContent:
    """Read a page. `longest` bounds the evidence, in characters."""
    # No text of the database holds a NUL, and what a page shows is kept as evidence.
    text = body.decode("utf-8", "replace").replace("\x00", "\ufffd")
    parser = _Parser()
    try:
        parser.read(text)
    except (AssertionError, ValueError, RecursionError) as error:  # the parser gives up on some markup
        parser.problems.append(Fault("page_markup", {"what": type(error).__name__}))
    offers = parser.offers()
    seen = "; ".join([*parser.evidence, *(f"{o.sku} {o.price} {o.currency} {o.availability}" for o in offers)])
    return PageContent(
        stamp=parser.stamp,
        offers=offers,
        tags=frozenset(parser.tags),
        seen=seen[:longest],
        problem=tuple(parser.problems[:3]),
    )


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stamp: datetime | None = None
        self.tags: list[str] = []
        self.evidence: list[str] = []
        self.problems: list[Fault] = []
        self._data: list[str] | None = None
        self._blocks: list[str] = []
        self._tagged = False

    def read(self, text: str) -> None:
        """Read a whole page, in a time that grows with its length."""
        for start in range(0, len(text), _PIECE):
            self.feed(text[start : start + _PIECE])
        if len(self.rawdata) <= _REST:
            self.close()
        elif self.cdata_elem is None:
            self.problems.append(Fault("page_cut_tag"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note stamps, campaign tags and the beginning of data."""
        self._tagged = False
        if not attrs:
            return
        known = dict(attrs)
        code = known.get("data-campaign")
        if code:
            self.tags.append(code.strip())
            self.evidence.append((self.get_starttag_text() or "")[:200])
            self._tagged = tag not in _VOID
        if tag == "meta" and (known.get("name") or "").lower() == "listing-stamp":
            self.stamp = self._moment(known.get("content") or "")
        elif tag == "script" and (known.get("type") or "").strip().lower() == "application/ld+json":
            self._data = []

    def handle_endtag(self, tag: str) -> None:
        """Note the end of data."""
        self._tagged = False
        if tag == "script" and self._data is not None:
            self._blocks.append("".join(self._data))
            self._data = None

    def handle_data(self, data: str) -> None:
        """Collect data; keep a tag's words as evidence."""
        if self._data is not None:
            self._data.append(data)
        elif self._tagged and self.evidence:
            self.evidence[-1] += data.strip()[:100]
            self._tagged = False

    def _moment(self, text: str) -> datetime | None:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            self.problems.append(Fault("page_stamp"))
            return None
        if moment.tzinfo is None:
            self.problems.append(Fault("page_stamp_zone"))
            return None
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            self.problems.append(Fault("page_stamp_range"))
            return None

    def offers(self) -> tuple[OfferReading, ...]:
        """The offers of all products in the page's data, in their order."""
        if self._data is not None:
            self.problems.append(Fault("page_cut_data"))
        products = []
        for block in self._blocks:
            try:
                products += list(_products(orjson.loads(block), _DEPTH))
            except orjson.JSONDecodeError:
                self.problems.append(Fault("page_json"))
        if not products:
            self.problems.append(Fault("page_no_product"))
        found: list[OfferReading] = []
        for product in products:
            for offer in _offers(product.get("offers"), _DEPTH):
                reading = _reading(offer)
                if reading is None:
                    self.problems.append(Fault("page_price"))
                else:
                    found.append(reading)
        if products and not found and not self.problems:
            self.problems.append(Fault("page_no_offers"))
        return tuple(found)


def _is(node: Mapping[str, Any], kind: str) -> bool:
    kinds = node.get("@type")
    return kind in (kinds if isinstance(kinds, list) else [kinds])


def _products(node: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth <= 0:
        return
    if isinstance(node, list):
        for part in node:
            yield from _products(part, depth - 1)
    elif isinstance(node, dict):
        if _is(node, "Product"):
            yield node
        else:
            yield from _products(node.get("@graph"), depth - 1)


def _offers(node: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth <= 0:
        return
    if isinstance(node, list):
        for part in node:
            yield from _offers(part, depth - 1)
    elif isinstance(node, dict):
        if _is(node, "AggregateOffer"):
            yield from _offers(node.get("offers"), depth - 1)
        else:
            yield node


def _reading(offer: Mapping[str, Any]) -> OfferReading | None:
    try:
        price = Decimal(str(offer.get("price")).strip())
    except InvalidOperation:
        return None
    exponent = price.as_tuple().exponent
    if not isinstance(exponent, int) or not -_PLACES <= exponent <= _PLACES or not 0 <= price <= money.LARGEST:
        return None
    return OfferReading(
        sku=_text(offer, "sku")[:64],
        price=price,
        currency=_text(offer, "priceCurrency")[:3],
        availability=_text(offer, "availability").rpartition("/")[2][:32],
    )


def _text(offer: Mapping[str, Any], name: str) -> str:
    return str(offer.get(name, "")).replace("\x00", "\ufffd")  # JSON may write a NUL as an escape
