"""使用明细: the rows of a coupon (claimed, redeemed, void, refused), newest first, by key and not by offset (R74).

A claim stands under the moment that its state is about: claimed, redeemed, voided. Each kind of row has an index of its own in exactly this
order, so that a page costs the same at a thousand rows and at a million; all kinds together are merged from their first pages.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from core.errors import FieldError, InvalidInput
from coupons.models import Coupon

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Status(TextChoices):
    """Kinds of rows; the order is that of equal moments."""

    CLAIMED = "claimed", pgettext_lazy("usage", "Claimed")
    REDEEMED = "redeemed", pgettext_lazy("usage", "Redeemed")
    VOIDED = "voided", pgettext_lazy("usage", "Void")
    REFUSED = "refused", pgettext_lazy("usage", "Refused")


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """What is asked for; empty members do not filter. A refusal `code` means refusals only. `[since, until)`, UTC."""

    status: str = ""
    code: str = ""
    channel: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def statuses(self) -> tuple[str, ...]:
        """The kinds of rows that may match."""
        if self.code:
            return (Status.REFUSED,) if self.status in ("", Status.REFUSED) else ()
        return (self.status,) if self.status else tuple(Status.values)


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One row. `at` is the moment of its kind; `code`, `phase`, `times`, `facts` are a refusal's; amounts in the coupon's currency."""

    status: str
    id: int
    at: datetime
    claim: str
    buyer: str
    country: str
    channel: str
    claimed_at: datetime | None
    order: str
    amount: Decimal | None
    code: str
    phase: str
    times: int
    last_at: datetime | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class UsagePage:
    """Rows of one page, and the cursors of its neighbours ("" when there is none)."""

    rows: list[UsageRow]
    previous: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True)
class _Edge:
    """Where a page begins or ends: the moment, the kind's place in `Status`, the row's id; `back` reads towards newer rows."""

    at: datetime
    rank: int
    id: int
    back: bool = False


_CLAIM = "SELECT {rank} AS rank, id, {moment} AS moment, code, buyer, country, channel, claimed_at, order_code, amount, '', '', 1, NULL::timestamptz, '{{}}'::jsonb FROM coupons_claim WHERE coupon_id = %s AND state = '{state}'"  # noqa: E501 - one arm of a statement, read as one
_REFUSAL = "SELECT {rank} AS rank, id, at AS moment, '', buyer, country, channel, NULL::timestamptz, '', NULL::numeric, code, phase, times, last_at, facts FROM coupons_refusal WHERE coupon_id = %s"  # noqa: E501 - one arm of a statement, read as one
_MOMENT = {"claimed": "claimed_at", "redeemed": "redeemed_at", "voided": "voided_at", "refused": "at"}
_RANK = {status: rank for rank, status in enumerate(Status.values)}


def page(coupon: Coupon, wanted: UsageFilter, *, cursor: str = "", size: int) -> UsagePage:
    """One page, newest first, in one query. Raises InvalidInput for a cursor that is none."""
    edge = _decode(cursor) if cursor else None
    found = _read(coupon, wanted, edge, size + 1)
    more = len(found) > size
    kept = found[:size]
    if edge and edge.back:
        kept.reverse()
        before, after = more, bool(kept)
    else:
        before, after = edge is not None, more
    if not kept:
        return UsagePage([])
    return UsagePage(
        kept,
        previous=_encode(kept[0], back=True) if before else "",
        next=_encode(kept[-1], back=False) if after else "",
    )


def each(coupon: Coupon, wanted: UsageFilter, *, chunk: int) -> Iterator[UsageRow]:
    """Every row that matches, newest first, read `chunk` at a time; a query each."""
    edge: _Edge | None = None
    while True:
        found = _read(coupon, wanted, edge, chunk)
        yield from found
        if len(found) < chunk:
            return
        edge = _edge_of(found[-1])


def counts(coupon: Coupon, wanted: UsageFilter, *, limit: int) -> dict[str, int]:
    """How many rows of each kind match whatever the status asked for, counting no further than `limit`; one query."""
    wanted = replace(wanted, status="")
    parts, params = [], []
    for status in wanted.statuses:
        text, given = _rows(coupon, wanted, status)
        parts.append(f"(SELECT count(*) FROM ({text} LIMIT %s) {status}_rows)")  # noqa: S608  # composed of constants
        params += [*given, limit]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", params)
        found = dict(zip(wanted.statuses, cursor.fetchone(), strict=True))
    return {status: found.get(status, 0) for status in Status.values}


def codes_of(coupon: Coupon) -> list[str]:
    """The codes that this coupon was ever refused with; steps from one code to the next in the index, a millionth row costs nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_CODES, {"coupon": coupon.pk})
        return [code for (code,) in cursor.fetchall()]


_CODES = """
    WITH RECURSIVE step AS (
        (SELECT code FROM coupons_refusal WHERE coupon_id = %(coupon)s ORDER BY code LIMIT 1)
        UNION ALL
        SELECT (SELECT code FROM coupons_refusal r WHERE coupon_id = %(coupon)s AND r.code > step.code ORDER BY code LIMIT 1)
        FROM step WHERE step.code IS NOT NULL
    )
    SELECT code FROM step WHERE code IS NOT NULL
"""


# -- how it is read ----------------------------------------------------------------------------------------------------------


def _rows(coupon: Coupon, wanted: UsageFilter, status: str) -> tuple[str, list[Any]]:
    """The rows of one kind, without an order: text and parameters."""
    moment = _MOMENT[status]
    text = (_REFUSAL if status == Status.REFUSED else _CLAIM).format(rank=_RANK[status], moment=moment, state=status)
    params: list[Any] = [coupon.pk]
    for value, condition in (
        (wanted.channel, "channel = %s"),
        (wanted.code, "code = %s"),
        (wanted.since, f"{moment} >= %s"),
        (wanted.until, f"{moment} < %s"),
    ):
        if value:
            text += f" AND {condition}"
            params.append(value)
    return text, params


def _read(coupon: Coupon, wanted: UsageFilter, edge: _Edge | None, size: int) -> list[UsageRow]:
    """The first `size` rows beyond the edge, in reading order."""
    way = "ASC" if edge and edge.back else "DESC"
    kinds = "DESC" if edge and edge.back else "ASC"
    parts: list[str] = []
    params: list[Any] = []
    for status in wanted.statuses:
        text, given = _rows(coupon, wanted, status)
        if edge:
            beyond, values = _beyond(edge, _RANK[status], _MOMENT[status])
            text, given = f"{text} AND {beyond}", [*given, *values]
        parts.append(f"({text} ORDER BY {_MOMENT[status]} {way}, id {way} LIMIT %s)")
        params += [*given, size]
    if not parts:
        return []
    with connection.cursor() as cursor:
        # Composed of constants: every value is a parameter.
        statement = (
            f"SELECT * FROM ({' UNION ALL '.join(parts)}) u ORDER BY moment {way}, rank {kinds}, id {way} LIMIT %s"  # noqa: S608 - composed of constants
        )
        cursor.execute(statement, [*params, size])
        return [_row(*found) for found in cursor.fetchall()]


def _beyond(edge: _Edge, rank: int, moment: str) -> tuple[str, list[Any]]:
    """What lies beyond the edge, of one kind: of equal moments the kinds follow each other, and ids run down."""
    sign = ">" if edge.back else "<"
    if rank == edge.rank:
        return f"({moment}, id) {sign} (%s, %s)", [edge.at, edge.id]
    behind = rank < edge.rank if edge.back else rank > edge.rank
    return f"{moment} {sign}{'=' if behind else ''} %s", [edge.at]


def _row(rank: int, pk: int, at: datetime, claim: str, *rest: Any) -> UsageRow:
    *columns, facts = rest
    told = json.loads(facts) if isinstance(facts, str) else facts
    return UsageRow(*[Status.values[rank], pk, at, claim, *columns, told])


def _edge_of(row: UsageRow, *, back: bool = False) -> _Edge:
    return _Edge(row.at, _RANK[row.status], row.id, back)


def _encode(row: UsageRow, *, back: bool) -> str:
    edge = _edge_of(row, back=back)
    micros = (edge.at - _EPOCH) // timedelta(microseconds=1)
    text = f"{'p' if back else 'n'}{micros}.{edge.rank}.{edge.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> _Edge:
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
        micros, rank, pk = (int(part) for part in text[1:].split("."))
        if len(cursor) > 80 or text[0] not in "np" or not 0 <= rank < len(_RANK) or not 0 <= pk < 2**63:
            raise ValueError
        return _Edge(_EPOCH + timedelta(microseconds=micros), rank, pk, text[0] == "p")
    except (ValueError, IndexError, OverflowError, UnicodeError, binascii.Error):
        words = _("This is not a cursor of this list; leave it out to begin anew.")
        raise InvalidInput(words, [FieldError("cursor", "ERR_CURSOR", words)], code="ERR_CURSOR") from None


def known_status(text: str) -> str:
    """The status as asked for. Raises InvalidInput for one that there is not."""
    if text and text not in Status.values:
        words = _("It must be one of: %(values)s.") % {"values": ", ".join(Status.values)}
        raise InvalidInput(words, [FieldError("status", "ERR_CHOICE", words)])
    return text
