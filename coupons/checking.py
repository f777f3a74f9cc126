"""Everything that can be wrong with a coupon, found at once: all errors, then what deserves a look (R54–R57, R76, R82)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

import policies
from accounts.models import Store
from core import display
from core.errors import FieldError
from coupons import audience, eligibility, fields, finding, goods, links
from coupons.goods import Goods
from coupons.inputs import CouponInput, CouponWarning
from coupons.models import Coupon, CouponTest
from coupons.pool import Pool
from policies.rules import CouponRules
from publishing.models import Site


@dataclass(frozen=True, slots=True)
class Checked:
    """A coupon that was looked at: the columns that are right, its pool, what the pool holds, every fault, every warning."""

    values: dict[str, Any]
    pool: Pool
    goods: Goods
    errors: tuple[FieldError, ...]
    warnings: tuple[CouponWarning, ...]

    @property
    def percent_off(self) -> int | None:
        """The face value of the cheapest item's price, rounded up: what a capped loan of the right is measured by."""
        face, price = self.values.get("face_value"), self.goods.cheapest
        if face is None or not price:
            return None
        return int((face * 100 / price).to_integral_value(rounding=ROUND_CEILING))


def check(store: Store, data: CouponInput, *, now: datetime, coupon: Coupon | None = None) -> Checked:
    """Look at everything; `coupon` is the draft that it replaces. A constant number of queries, whatever the pool holds."""
    rules = policies.active(CouponRules, now)
    read = fields.read(data, store.currency, lambda: _sites(store), rules, now)
    values, errors = read.good, read.errors
    segment, faults = audience.read(store, data.segment)
    values["segment"] = segment
    pool, wrong = goods.read(store, data.pool, rules)
    currency = values.get("currency") or data.currency or store.currency
    found = goods.measure(store, pool, currency, rules, face=values.get("face_value"), quota=values.get("quota"))
    errors += [*faults, *wrong, *_about_goods(values, data, found, rules, bool(wrong))]
    errors += [*_about_code(store, values, coupon), *_about_campaign(store, values, data, now)]
    told = {head_of(error) for error in data.unread}
    errors = [*data.unread, *(error for error in errors if head_of(error) not in told)]
    warnings = warnings_of(store, values, found, rules, now)
    return Checked(values, pool, found, tuple(errors), warnings)


def head_of(error: FieldError) -> str:
    """The field of the body that a fault is about: `pool` for `pool.skus.3`."""
    return error.field.partition(".")[0]


def _sites(store: Store) -> list[str]:
    return list(Site.objects.filter(store=store).values_list("code", flat=True))


def _about_code(store: Store, values: dict[str, Any], coupon: Coupon | None) -> list[FieldError]:
    code = values.get("code")
    if not code or (coupon is not None and coupon.code == code):
        return []
    if Coupon.objects.filter(store=store, code=code).exists():
        words = _("This store has a coupon %(code)s already.")
    elif CouponTest.objects.filter(store=store, code=code).exists():
        words = _("A test of this store has the code %(code)s: whoever enters it would get this coupon instead.")
    else:
        return []
    return [FieldError("code", "ERR_COUPON_CODE_TAKEN", words % {"code": code})]


def _about_campaign(store: Store, values: dict[str, Any], data: CouponInput, now: datetime) -> list[FieldError]:
    room, code = links.room(), data.campaign.strip()
    if not code:
        return []
    if room is None:
        return [FieldError("campaign", "ERR_INVALID", _("Coupons cannot be linked to campaigns here."))]
    starts_at, ends_at = values.get("starts_at"), values.get("ends_at")
    if starts_at is None or ends_at is None:
        return []
    refusal = room.refusal(store, code, starts_at, ends_at)
    return [refusal] if refusal is not None else []


def _about_goods(
    values: dict[str, Any], data: CouponInput, found: Goods, rules: CouponRules, wrong: bool
) -> list[FieldError]:
    """The pool has goods that count (R127), and none is so cheap that the face value takes too much of it (R56)."""
    if not found.skus:
        return [] if wrong or not data.pool else [_empty(found)]
    if not found.too_cheap:
        return []
    face, price, sku = values["face_value"], found.cheapest, found.some_cheapest[0]
    words = {
        "face": display.money(face, values["currency"]) if "currency" in values else face,
        "sku": sku,
        "price": display.money(price, values["currency"]) if "currency" in values and price else price,
        "share": _percent(face * 100 / price) if price else "",
        "most": _percent(rules.max_face_percent),
        "shown": display.number(found.too_cheap - 1),
    }
    message = _("%(face)s is %(share)s%% of the price of %(sku)s (%(price)s); at most %(most)s%% of any item's price.")
    more = ngettext(
        "%(shown)s further item is too cheap for it.",
        "%(shown)s further items are too cheap for it.",
        found.too_cheap - 1,
    )
    text = message % words if found.too_cheap == 1 else f"{message % words} {more % words}"
    return [FieldError("face_value", "ERR_COUPON_FACE_TOO_HIGH", text)]


def _empty(found: Goods) -> FieldError:
    if found.managed:
        return FieldError(
            "pool",
            "ERR_FULLY_MANAGED",
            _("All goods of this pool are fully managed: the platform does their marketing."),
        )
    if found.foreign:
        return FieldError(
            "pool", "ERR_COUPON_CURRENCY", _("No product of this pool is priced in the coupon's currency.")
        )
    return FieldError("pool", "ERR_COUPON_POOL_EMPTY", _("This pool holds no product that can be sold."))


def _percent(value: Decimal) -> str:
    """Whole percent, and a tenth where it would read as the limit itself."""
    return f"{value:.1f}".removesuffix(".0")


def warnings_of(
    store: Store, values: dict[str, Any], found: Goods, rules: CouponRules, now: datetime
) -> tuple[CouponWarning, ...]:
    """What deserves a look and refuses nothing; no query."""
    every = (
        _logistics_open(values, found, rules),
        _about(found.low_margin, found.some_low_margin, "WARN_LOW_MARGIN", _low_margin_words),
        _about(found.below_cost, found.some_below_cost, "WARN_BELOW_COST", _below_cost_words),
        _about(found.managed, (), "WARN_FULLY_MANAGED", _managed_words),
        _about(found.foreign, (), "WARN_OTHER_CURRENCY", _foreign_words),
        _new_store(store, rules, now),
    )
    return tuple(warning for warning in every if warning is not None)


def _logistics_open(values: dict[str, Any], found: Goods, rules: CouponRules) -> CouponWarning | None:
    """Without the restriction an order may go by a way whose freight the coupon turns into a loss (R75, R76)."""
    if values.get("logistics") != []:
        return None
    text = _("Without the logistics restriction, an order that goes another way can cost more than it earns.")
    face, margin, currency = values.get("face_value"), found.least_margin, values.get("currency")
    if face is not None and margin is not None and currency is not None:
        left = margin - face - rules.freight
        shown = {"margin": margin, "face": face, "freight": rules.freight, "left": left}
        sums = {name: display.amount(amount, currency).replace("-", "−") for name, amount in shown.items()}
        text += " " + _("Margin %(margin)s − face value %(face)s − freight %(freight)s = %(left)s.") % sums
    return CouponWarning("WARN_LOGISTICS_OPEN", text)


def _about(count: int, skus: Sequence[str], code: str, words: Any) -> CouponWarning | None:
    return CouponWarning(code, words(count), count, tuple(skus)) if count else None


def _low_margin_words(n: int) -> str:
    return ngettext(
        "%(n)s item leaves too little margin for coupons.", "%(n)s items leave too little margin for coupons.", n
    ) % {"n": display.number(n)}


def _below_cost_words(n: int) -> str:
    return ngettext(
        "Bought alone, %(n)s item would sell below its cost.",
        "Bought alone, %(n)s items would sell below their cost.",
        n,
    ) % {"n": display.number(n)}


def _managed_words(n: int) -> str:
    return ngettext(
        "%(n)s SKU of the pool is fully managed and left out.",
        "%(n)s SKUs of the pool are fully managed and left out.",
        n,
    ) % {"n": display.number(n)}


def _foreign_words(n: int) -> str:
    return ngettext(
        "%(n)s SKU of the pool has another currency and is left out.",
        "%(n)s SKUs of the pool have another currency and are left out.",
        n,
    ) % {"n": display.number(n)}


def _new_store(store: Store, rules: CouponRules, now: datetime) -> CouponWarning | None:
    if not eligibility.is_new(store, rules, now):
        return None
    return CouponWarning("WARN_NEW_STORE", eligibility.new_store_words(store, now))


def current_of(coupon: Coupon) -> CouponInput:
    """A saved coupon as it would be asked for; its campaign is left out, for links are kept elsewhere. Three queries."""
    names = (
        "kind", "face_value", "starts_at", "ends_at", "quota", "min_order", "currency", "code", "name", "name_zh", "per_buyer",
        "regions", "logistics", "channels", "sites", "segment", "first_order_only", "stacks_with_platform", "stacks_from",
        "stacks_until", "budget", "cpc_cost",
    )  # fmt: skip
    given = {name: getattr(coupon, name) for name in names}
    return CouponInput(**given, pool=finding.pool_input(coupon), confirm_face_value=coupon.face_value)
