"""Picking a campaign's items: from pasted lines, from a file, by filter. Nothing that somebody typed is ever lost: what is no item
stays a line of text, with its number and what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from campaigns.inputs import ItemInput
from core import money
from core.errors import FieldError
from listings import reading, uploads
from listings.models import ListingState, Management, Sku
from listings.tabular import Column, columns_of, open_table
from policies.rules import CampaignRules, ImportRules

COLUMNS = (
    Column("sku", ("SKU code", "SKU编码", "商品编码", "货号"), required=True),
    Column("price", ("campaign price", "活动价", "促销价")),
)
#: A remark on a line, such as the one that is put behind a line that was set aside.
REMARK = "  # "
_SIGNS = re.compile(r"\s*[\t,;，；]\s*")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list of items: its number from 1, the text as given, what it says; `price` is empty where it names none."""

    number: int
    text: str
    sku: str
    price: str = ""

    @property
    def item(self) -> ItemInput:
        """What the verbs take."""
        return ItemInput(self.sku, self.price or None)

    def shown(self) -> str:
        """The line in its plain form."""
        return f"{self.sku} {self.price}".strip() if self.sku else self.text


def read_lines(text: str) -> list[Line]:
    """Read pasted text, one item a line: SKU, then the campaign price if there is one, parted by a tab, a comma or a blank.

    Empty lines are skipped, remarks behind `  # ` cut off. A SKU may hold blanks: only a last word that is an amount is a price.
    """
    lines = []
    for number, raw in enumerate(text.splitlines(), start=1):
        plain = raw.split(REMARK)[0].strip()
        if plain and not plain.startswith("# "):
            lines.append(_read(number, plain))
    return lines


def _read(number: int, text: str) -> Line:
    parts = [part for part in _SIGNS.split(text) if part]
    if len(parts) == 1:
        head, _blank, last = text.rpartition(_BLANKS.findall(text)[-1]) if _BLANKS.search(text) else ("", "", text)
        parts = [head.strip(), last] if head and _is_amount(last) else [text]
    if len(parts) > 2:
        return Line(number, text, text[:200], "")
    sku, price = (parts[0], parts[1]) if len(parts) == 2 else (parts[0] if parts else text, "")
    return Line(number, text, sku[:200], price[:40])


def _is_amount(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def read_file(store: Store, upload: uploads.Upload, now: datetime) -> list[Line]:
    """Read a csv or xlsx file with a column for the SKU and one for the campaign price; the file is not kept.

    A row that is none becomes a line that says so. Raises FileRefused when nothing of it can be read, or when it has more rows than a
    campaign takes at once.
    """
    rules = policies.active(ImportRules, now)
    most = policies.active(CampaignRules, now).items_per_call
    name = uploads.receive(store, upload, rules)
    try:
        source = uploads.look(name, rules)
        with open_table(source, rules, most_rows=most) as table:
            places = columns_of(table.header, COLUMNS, {})
            lines = []
            for number, cells, problem in table:
                if problem is not None:
                    text = " ".join(cells).replace("\x00", "")[:200].strip()
                    lines.append(Line(number, text or _("Row %(n)s") % {"n": number}, ""))
                    continue
                sku = cells[places["sku"]].strip()
                price = cells[places["price"]].strip() if "price" in places else ""
                lines.append(Line(number, f"{sku} {price}".strip(), sku[:200], price[:40]))
            return lines
    finally:
        uploads.path_of(name).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which goods to pick: those on sale that match, at `percent_off` their sale price (None: without a price), at most `most`."""

    q: str = ""
    category: str = ""
    percent_off: int | None = None
    most: int | None = None


def pick(store: Store, wanted: Filter, now: datetime, *, known: Sequence[str] = ()) -> list[Line]:
    """The SKUs on sale that match, without those in `known`; one query. Goods that the platform manages are never among them (R127)."""
    limit = policies.active(CampaignRules, now).items_per_call
    listings = reading.find(
        store, q=wanted.q, category=wanted.category, state=ListingState.ON_SALE, management=Management.SELF
    )
    named = [code for code in known if "\x00" not in code]  # PostgreSQL takes none, and no SKU has one
    skus = Sku.objects.filter(store=store, listing__in=listings).exclude(code__in=named).order_by("id")
    rows = skus.values_list("code", "sale_price", "currency")[: min(wanted.most or limit, limit)]
    factor = None if wanted.percent_off is None else (100 - Decimal(wanted.percent_off)) / 100
    return [
        Line(0, "", sku, "" if factor is None else money.text(price * factor, currency))
        for sku, price, currency in rows
    ]


def joined(*parts: Sequence[Line]) -> list[Line]:
    """Several lists as one, numbered anew."""
    return [
        replace(line, number=number) for number, line in enumerate((one for part in parts for one in part), start=1)
    ]


def text_of(lines: Sequence[Line]) -> str:
    """The lines as they stand in the form."""
    return "\n".join(line.shown() for line in lines)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that cannot become an item, with everything that is wrong with it."""

    line: Line
    code: str
    message: str


def blamed(lines: Sequence[Line], errors: Sequence[FieldError]) -> tuple[list[Wrong], list[FieldError]]:
    """Match the faults `items.N.…` of a verb with their lines; answers them, and the faults of other fields."""
    wrong, rest = [], []
    for error in errors:
        head, _dot, tail = error.field.partition(".")
        place = tail.split(".")[0]
        if head == "items" and place.isdigit() and int(place) < len(lines):
            wrong.append(Wrong(lines[int(place)], error.code, str(error.message)))
        else:
            rest.append(error)
    return wrong, rest


def set_aside(lines: Sequence[Line], wrong: Sequence[Wrong]) -> tuple[str, str]:
    """Part the good lines from the wrong ones; answers both as text, each wrong line with what is wrong behind it."""
    reasons = {one.line.number: one.message for one in wrong}
    good = [line for line in lines if line.number not in reasons]
    bad = [f"{line.shown()}{REMARK}{reasons[line.number]}" for line in lines if line.number in reasons]
    return text_of(good), "\n".join(bad)
