"""The panel beside the form: what the coupon costs at most, what it leaves of an order, what it does to stock (R59–R63, R76)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from core import display
from core.errors import Text
from coupons import margins
from coupons.checking import Checked
from coupons.goods import Goods
from coupons.inputs import CouponWarning
from policies.rules import CouponRules

_ICONS = {"run": "check-circle", "paused": "alert", "cancel": "alert-octagon"}


@dataclass(frozen=True, slots=True)
class Line:
    """A figure: its name, its value in words, the limit beside it, and a chip where it is judged."""

    label: Text
    value: str
    note: str = ""
    tone: str = ""
    word: str = ""

    @property
    def icon(self) -> str:
        """The glyph of the chip."""
        return _ICONS.get(self.tone, "minus")


@dataclass(frozen=True, slots=True)
class Figures:
    """What the panel shows. `missing` says what the calculator waits for."""

    pool: tuple[Line, ...] = ()
    sums: tuple[Line, ...] = ()
    missing: str = ""
    warnings: tuple[CouponWarning, ...] = ()
    meter: dict[str, Any] = field(default_factory=dict)


def _percent(value: Decimal | None) -> str:
    return "—" if value is None else f"{value:.1f}%".replace("-", "−")


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def of(
    checked: Checked, currency: str, rules: CouponRules, *, order: Decimal | None, freight: Decimal | None
) -> Figures:
    """The panel for a coupon that was looked at; `order` and `freight` are the reader's own figures, None where the usual ones serve."""
    found, values = checked.goods, checked.values
    face: Decimal | None = values.get("face_value")
    pool = _pool_lines(found, currency, rules, values.get("quota"))
    if face is None:
        return Figures(pool, (), _("Write the face value, and the calculator begins."), ())
    lines = [*_most(face, values, currency), *_band(face, found, rules)]
    meter = _meter(face, found, rules)
    if found.margin_percent is None:
        missing = _("Choose products whose cost is known, and margins are reckoned.")
        return Figures(pool, tuple(lines), missing, checked.warnings, meter)
    value = order or max(values.get("min_order") or Decimal(0), found.average or Decimal(0))
    cost = value * (100 - found.margin_percent) / 100
    click, away = values.get("cpc_cost") or margins.ZERO, rules.freight if freight is None else freight
    sums = margins.Sums(value, cost, face, away, click)
    lines += _margin_lines(sums, currency, rules, restricted=values.get("logistics") != [])
    return Figures(pool, tuple(lines), "", checked.warnings, meter)


def _most(face: Decimal, values: dict[str, Any], currency: str) -> list[Line]:
    """What it can cost at most: the face value is the only cost (R58)."""
    quota, budget = values.get("quota"), values.get("budget")
    if quota is None:
        return []
    most = face * quota if budget is None else min(face * quota, budget)
    return [Line(_("Costs at most"), display.money(most, currency), _("no platform fee"))]


def _band(face: Decimal, found: Goods, rules: CouponRules) -> list[Line]:
    if not found.average:
        return []
    verdict = margins.band(face, found.average, rules)
    word = _("best band") if verdict.tone == "run" else _("outside the best band")
    limits = {"low": _plain(rules.best_face_from_percent), "high": _plain(rules.best_face_to_percent)}
    note = _("best: %(low)s–%(high)s%%") % limits
    return [Line(_("Face value of the average price"), _percent(verdict.figure), note, verdict.tone, word)]


def _meter(face: Decimal, found: Goods, rules: CouponRules) -> dict[str, Any]:
    if not found.average:
        return {}
    low, high = rules.best_face_from_percent, rules.best_face_to_percent
    share = margins.share(face, found.average)
    return {"low": low, "high": high, "best": (low + high) / 2, "max": rules.max_face_percent, "value": f"{share:.1f}"}


def _pool_lines(found: Goods, currency: str, rules: CouponRules, quota: int | None) -> tuple[Line, ...]:
    if not found.skus or found.cheapest is None or found.average is None:
        return ()
    size = _("%(listings)s listings, %(skus)s SKUs")
    lines = [
        Line(_("Products"), size % {"listings": display.number(found.listings), "skus": display.number(found.skus)}),
        Line(_("Cheapest item"), display.money(found.cheapest, currency), ", ".join(found.some_cheapest[:1])),
        Line(_("Average price"), display.money(found.average, currency)),
    ]
    if quota and found.in_stock_percent_after is not None:
        after = found.in_stock_percent_after
        kept = after >= rules.in_stock_percent
        note = _("%(now)s now; wanted: %(least)s%%") % {
            "now": _percent(found.in_stock_percent),
            "least": _plain(rules.in_stock_percent),
        }
        word = _("kept") if kept else _("below the line")
        lines.append(
            Line(
                _("In-stock rate while its stock is held back"),
                _percent(after),
                note,
                "run" if kept else "paused",
                word,
            )
        )
    return tuple(lines)


def _margin_lines(sums: margins.Sums, currency: str, rules: CouponRules, *, restricted: bool) -> list[Line]:
    """What is left of an order. Where only Worry-free logistics counts, the freight of another way is shown, and kept out of the sum."""
    share, net, freight = margins.verdicts(sums, rules)
    if restricted:
        net = margins.verdicts(replace(sums, freight=margins.ZERO), rules)[1]

    def worth(amount: Decimal) -> str:
        return display.money(amount, currency).replace("-", "−")

    net_words = {"run": _("kept"), "paused": _("below the advised line"), "cancel": _("below the healthy line")}
    limits = {"healthy": _plain(rules.healthy_margin_percent), "advised": _plain(rules.advised_margin_percent)}
    parts = {"gross": worth(sums.gross), "face": worth(sums.face), "freight": worth(sums.freight)}
    inverted = freight.tone == "cancel"
    freight_word = _("freight inverted") if inverted else _("no inversion")
    if inverted and restricted:
        freight_word = _("kept out by the restriction")
    most = _("at most %(most)s%%") % {"most": _plain(rules.margin_share_percent)}
    lines = _("healthy from %(healthy)s%%, advised %(advised)s%%") % limits
    return [
        Line(_("Gross margin of an order"), worth(sums.gross), _("of %(order)s") % {"order": worth(sums.order)}),
        Line(
            _("Coupon cost of the gross margin"),
            _percent(share.figure),
            most,
            share.tone,
            _("kept") if share.tone == "run" else _("too much"),
        ),
        Line(_("Net margin"), _percent(net.figure), lines, net.tone, net_words[net.tone]),
        Line(
            _("Margin − coupon − freight"),
            worth(sums.after_freight),
            _("%(gross)s − %(face)s − %(freight)s") % parts,
            "run" if restricted else freight.tone,
            freight_word,
        ),
    ]
