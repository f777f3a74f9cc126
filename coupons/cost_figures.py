"""What a coupon costs and what it brings: figures from ledger, claims and orders, each with its definition beside it (R58, R61, R80, R153).

Nothing here changes anything. Every figure is one statement over rows, whatever their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

import policies
from coupons.models import CostEntry, CostKind, Coupon
from policies.rules import CouponRules, ReachRules

ZERO = Decimal(0)
_TENTH = Decimal("0.1")
_SIGN: dict[str, int] = {CostKind.REDEMPTION.value: 1, CostKind.REVERSAL.value: -1}

#: Of buyers who hold the coupon: how many, and how many of them ordered between their claim and its end.
_CONVERSION = """
    SELECT count(*), count(*) FILTER (WHERE EXISTS (
        SELECT FROM orders_order o
        WHERE o.store_id = c.store_id AND o.buyer = c.buyer AND o.placed_at >= c.claimed_at AND o.placed_at < %(ends)s
            AND o.state <> 'cancelled'))
    FROM coupons_claim c WHERE c.coupon_id = %(coupon)s
"""
#: Of buyers whose first order in the coupon's time is old enough to judge: how many came again, with the coupon and without.
_REPURCHASE = """
    WITH used AS (
        SELECT c.buyer, o.placed_at AS at FROM coupons_claim c
        JOIN orders_order o ON o.store_id = c.store_id AND o.code = c.order_code
        WHERE c.coupon_id = %(coupon)s AND c.state = 'redeemed' AND o.state <> 'cancelled' AND o.placed_at < %(judged)s
    ), others AS (
        SELECT o.buyer, min(o.placed_at) AS at FROM orders_order o
        WHERE o.store_id = %(store)s AND o.placed_at >= %(starts)s AND o.placed_at < least(%(ends)s, %(judged)s)
            AND o.state <> 'cancelled' AND o.buyer <> ''
            AND NOT EXISTS (SELECT FROM coupons_claim c WHERE c.coupon_id = %(coupon)s AND c.buyer = o.buyer AND c.state = 'redeemed')
        GROUP BY o.buyer
    ), firsts AS (SELECT true AS mine, buyer, at FROM used UNION ALL SELECT false, buyer, at FROM others)
    SELECT mine, count(*), count(*) FILTER (WHERE EXISTS (
        SELECT FROM orders_order o
        WHERE o.store_id = %(store)s AND o.buyer = firsts.buyer AND o.placed_at > firsts.at
            AND o.placed_at < firsts.at + %(span)s AND o.state <> 'cancelled'))
    FROM firsts GROUP BY mine
"""
#: Sales of the store in the coupon's time, of orders with this coupon, and of orders with any.
_SHARE = """
    SELECT coalesce(sum(o.total), 0), coalesce(sum(o.total) FILTER (WHERE EXISTS (
            SELECT FROM coupons_claim c WHERE c.store_id = o.store_id AND c.order_code = o.code AND c.state = 'redeemed'
                AND c.order_code <> '' AND c.coupon_id = %(coupon)s)), 0),
        coalesce(sum(o.total) FILTER (WHERE EXISTS (
            SELECT FROM coupons_claim c WHERE c.store_id = o.store_id AND c.order_code = o.code AND c.state = 'redeemed'
                AND c.order_code <> '')), 0)
    FROM orders_order o
    WHERE o.store_id = %(store)s AND o.placed_at >= %(starts)s AND o.placed_at < %(ends)s AND o.state <> 'cancelled'
        AND o.currency = %(currency)s
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """The ledger of one coupon added up; amounts in its currency. Goods are those whose cost is known."""

    given: Decimal = ZERO
    clicks_cost: Decimal = ZERO
    clicks: int = 0
    redemptions: int = 0
    sales: Decimal = ZERO
    margin: Decimal = ZERO
    unknown_lines: int = 0

    @property
    def cost(self) -> Decimal:
        """All that the coupon cost."""
        return self.given + self.clicks_cost

    @property
    def per_redemption(self) -> Decimal | None:
        """Cost of one redemption."""
        return self.cost / self.redemptions if self.redemptions else None

    @property
    def margin_share(self) -> Decimal | None:
        """Cost in percent of the goods' gross margin; None while none is known or it is not above zero."""
        return percent(self.cost, self.margin) if self.margin > 0 else None

    @property
    def net_margin(self) -> Decimal | None:
        """What stays of the goods' sales after their cost and the coupon's, in percent."""
        return percent(self.margin - self.cost, self.sales) if self.sales else None


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with what it is a share of, and its definition in words. `beside` is what it is compared with."""

    key: str
    label: str | Promise
    definition: str | Promise
    part: Decimal | int
    whole: Decimal | int
    beside: Decimal | None = None
    beside_label: str | Promise = ""

    @property
    def percent(self) -> Decimal | None:
        """In percent, one place; None of nothing."""
        return percent(self.part, self.whole) if self.whole else None


def percent(part: Decimal | int, whole: Decimal | int) -> Decimal:
    """A share in percent, to one place."""
    return (Decimal(part) * 100 / Decimal(whole)).quantize(_TENTH, ROUND_HALF_UP)


def totals(coupon: Coupon) -> Totals:
    """The ledger of a coupon added up; one query."""
    rows = CostEntry.objects.filter(coupon=coupon).order_by().values("kind")
    found: dict[str, dict[str, Any]] = {
        row["kind"]: dict(row)
        for row in rows.annotate(
            n=Count("id"),
            worth=Sum("amount"),
            sales=Sum("goods_sales"),
            margin=Sum("goods_margin"),
            unknown=Sum("lines_without_cost"),
            clicked=Sum("units"),
        )
    }
    goods = [found[kind] for kind in (CostKind.REDEMPTION, CostKind.REVERSAL) if kind in found]
    nothing: dict[str, Any] = {"worth": ZERO, "clicked": 0, "n": 0}
    clicks = found.get(CostKind.CLICKS, nothing)
    taken_back = found.get(CostKind.REVERSAL, nothing)["n"]
    return Totals(
        given=sum((row["worth"] for row in goods), ZERO),
        clicks_cost=clicks["worth"],
        clicks=clicks["clicked"],
        redemptions=found.get(CostKind.REDEMPTION, nothing)["n"] - taken_back,
        sales=sum((row["sales"] for row in goods), ZERO),
        margin=sum((row["margin"] for row in goods), ZERO),
        unknown_lines=sum(row["unknown"] for row in goods),
    )


def days(coupon: Coupon, zone: tzinfo) -> dict[date, dict[str, Any]]:
    """Cost and redemptions by day of the store's calendar; one query."""
    rows = (
        CostEntry.objects.filter(coupon=coupon)
        .annotate(day=TruncDate("at", tzinfo=zone))
        .order_by("day")
        .values("day", "kind")
    )
    found: dict[date, dict[str, Any]] = {}
    for row in rows.annotate(n=Count("id"), worth=Sum("amount")):
        day = found.setdefault(row["day"], {"cost": ZERO, "redemptions": 0})
        day["cost"] += row["worth"]
        day["redemptions"] += row["n"] * _SIGN.get(row["kind"], 0)
    return found


def entries(coupon: Coupon) -> QuerySet[CostEntry]:
    """The ledger's entries."""
    return CostEntry.objects.filter(coupon=coupon).select_related("claim")


def effects(coupon: Coupon, *, now: datetime) -> list[Rate]:
    """Redemption rate, conversion, repurchase, and the share of sales that the coupon drives (R80, R153); three queries."""
    rules = policies.active(ReachRules, now)
    ends = min(coupon.ends_at, now)
    asked: dict[str, Any] = {
        "coupon": coupon.pk,
        "store": coupon.store_id,
        "currency": coupon.currency,
        "starts": coupon.starts_at,
        "ends": ends,
        "judged": now - timedelta(days=rules.repurchase_days),
        "span": timedelta(days=rules.repurchase_days),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CONVERSION, asked)
        holders, ordered = cursor.fetchone()
        cursor.execute(_REPURCHASE, asked)
        came_again = {mine: (judged, again) for mine, judged, again in cursor.fetchall()}
        cursor.execute(_SHARE, asked)
        sales, with_this, with_any = cursor.fetchone()
    tally = coupon.tally
    judged, again = came_again.get(True, (0, 0))
    others, others_again = came_again.get(False, (0, 0))
    return [
        Rate(
            "redemption", _("Redemption rate"),
            _("Redeemed claims among all claims of this coupon."), tally.redeemed, tally.claimed,
        ),
        Rate(
            "conversion", _("Conversion"),
            _("Buyers who ordered from the store, with the coupon or without, between their claim and its end, among all who claimed."),
            ordered, holders,
        ),
        Rate(
            "repurchase", _("7-day repurchase") if rules.repurchase_days == 7 else _("Repurchase"),
            _("Buyers who ordered again in time after the order with the coupon, among those whose order is that old. Beside it: the same of buyers without this coupon, from their first order in its time."),  # noqa: E501 - one sentence for the translators
            again, judged, percent(others_again, others) if others else None, _("without this coupon"),
        ),
        Rate(
            "share", _("Share of sales by coupon"),
            _("Totals of orders that used this coupon among all orders of the store in its time and currency; called-off ones are left out. Beside it: orders with any coupon."),  # noqa: E501 - one sentence for the translators
            with_this, sales, percent(with_any, sales) if sales else None, _("with any coupon"),
        ),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure against its limit: `good` is None while there is nothing to judge."""

    label: str | Promise
    value: Decimal | None
    limit: Decimal
    at_most: bool

    @property
    def good(self) -> bool | None:
        """Whether the limit is kept."""
        if self.value is None:
            return None
        return self.value <= self.limit if self.at_most else self.value >= self.limit


def verdicts(sums: Totals, *, now: datetime) -> list[Verdict]:
    """Cost against margin, and what is left, against the limits of the guide (R61, R62)."""
    rules = policies.active(CouponRules, now)
    return [
        Verdict(_("Cost in gross margin"), sums.margin_share, rules.margin_share_percent, at_most=True),
        Verdict(_("Net margin after the coupon"), sums.net_margin, rules.healthy_margin_percent, at_most=False),
    ]
