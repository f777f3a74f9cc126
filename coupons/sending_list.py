"""The list of a sending: buyers and their addresses, as a file or from the ERP; cleaned, and hidden where they are shown (R81, R193)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext as _

from core import display
from core.errors import FieldError
from coupons.models import Channel
from policies.rules import SendingRules

CODE = "ERR_SENDING_LIST"
BAD_ADDRESS, TWICE = "ERR_SENDING_ADDRESS", "ERR_SENDING_TWICE"
_BUYER = 80
_HEADS = {
    "buyer": {"buyer", "买家", "买家id"},
    "address": {"address", "email", "e-mail", "phone", "地址", "邮箱", "手机", "手机号"},
}
_BREAKS = re.compile(r"[\s()\-.\u2010-\u2015]+")
_PHONE = re.compile(r"\+?[0-9]{6,15}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_check_email = EmailValidator()


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list: `code` says why it gets nothing, and then there is no address."""

    buyer: str
    address: str
    code: str = ""


def read_file(raw: bytes, rules: SendingRules) -> tuple[list[tuple[str, str]], list[FieldError]]:
    """The pairs of a CSV file: buyer, address; with a line of headings or without, in UTF-8 or GB 18030, by comma, semicolon or tab."""
    if len(raw) > rules.list_bytes:
        words = _("The file has %(size)s bytes; at most %(most)s are taken here. Split it.")
        return [], [FieldError("recipients", CODE, words % {"size": len(raw), "most": rules.list_bytes})]
    text = _decoded(raw)
    if text is None or "\x00" in text:
        return [], [FieldError("recipients", CODE, _("This is not a CSV file in UTF-8 or GB 18030."))]
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    pairs: list[tuple[str, str]] = []
    places = (0, 1)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if not any(cell.strip() for cell in row):
                continue
            if not pairs and (found := _headings(row)):
                places = found
                continue
            if len(row) <= max(places):
                words = _("A line has no second column: each holds the buyer and the address.")
                return [], [FieldError("recipients", CODE, words)]
            pairs.append((row[places[0]], row[places[1]]))
            if len(pairs) > rules.recipients:
                break
    except csv.Error:
        return [], [FieldError("recipients", CODE, _("This is not a CSV file in UTF-8 or GB 18030."))]
    return pairs, []


def _decoded(raw: bytes) -> str | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _headings(row: Sequence[str]) -> tuple[int, int] | None:
    names = [cell.strip().lower() for cell in row]
    found = [next((n for n, name in enumerate(names) if name in _HEADS[kind]), None) for kind in ("buyer", "address")]
    buyer, address = found
    return None if buyer is None or address is None else (buyer, address)


def entries(
    pairs: Iterable[tuple[str, str]], channel: str, rules: SendingRules
) -> tuple[list[Entry], list[FieldError]]:
    """The lines, each buyer and each address once; a wrong address is left out with its code, a wrong list refused as a whole."""
    found: list[Entry] = []
    buyers: set[str] = set()
    addresses: set[str] = set()
    for n, (raw_buyer, raw_address) in enumerate(pairs):
        if n >= rules.recipients:
            words = _("At most %(most)s recipients in one sending. Split the list.")
            return [], [FieldError("recipients", CODE, words % {"most": display.number(rules.recipients)})]
        buyer = raw_buyer.strip()
        if not buyer or len(buyer) > _BUYER or _CONTROL.search(buyer):
            words = _("Line %(n)s names no buyer: 1 to %(most)s characters are needed.")
            return [], [FieldError("recipients", CODE, words % {"n": display.number(n + 1), "most": _BUYER})]
        if buyer in buyers:
            continue
        buyers.add(buyer)
        address = clean(raw_address, channel)
        if not address:
            found.append(Entry(buyer, "", BAD_ADDRESS))
        elif address.lower() in addresses:
            found.append(Entry(buyer, "", TWICE))
        else:
            addresses.add(address.lower())
            found.append(Entry(buyer, address))
    if not found:
        return [], [FieldError("recipients", CODE, _("The list is empty."))]
    return found, []


def clean(raw: str, channel: str) -> str:
    """An address as it is used; empty for what cannot be one. Control characters make it none: no header can be smuggled in by it."""
    text = raw.strip()
    if _CONTROL.search(text):
        return ""
    if channel == Channel.SMS:
        digits = _BREAKS.sub("", text.removeprefix("'"))  # spreadsheets keep a plus sign by an apostrophe
        digits = f"+{digits[2:]}" if digits.startswith("00") else digits
        return digits if _PHONE.fullmatch(digits) else ""
    try:
        _check_email(text)
    except ValidationError:
        return ""
    return text if text.isascii() and len(text) <= 254 else ""


def masked(address: str) -> str:
    """An address as pages show it: `a•••@example.com`, `+86•••1234`."""
    if "@" in address:
        name, domain = address.rsplit("@", 1)
        return f"{name[:1]}•••@{domain}"
    return f"{address[:3] if address.startswith('+') else ''}•••{address[-4:] if len(address) > 8 else address[-2:]}"
