"""What the effect watch says to people: a report's rule, figures, reasons, and what would help, in the page's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

import policies
from core import display
from coupons import explaining, mirror, risk
from coupons.mirror import Change
from coupons.models import Coupon, Diagnosis
from inbox.catalogue import fill, lookup
from listings.models import Category, Listing
from policies.rules import CouponRules, EffectWatchRules

REASONS: dict[str, str | Promise] = {
    "nothing_of_pool": gettext_lazy("Ordered goods that the coupon is not for"),
    "below_min_order": gettext_lazy("Goods of the pool came to less than the minimum order"),
    "logistics": gettext_lazy("Chose a way of shipping that the coupon is not for"),
    "region": gettext_lazy("Ordered to a country outside the regions"),
    "not_entered": gettext_lazy("Could have used it and did not enter it"),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What would help: in words, how many it is about, and the change that a draft can be opened with."""

    text: str
    detail: str
    change: Change | None = None


def percent(part: int, whole: int) -> str:
    """`11.2%`; a dash of nothing."""
    return f"{display.number(round(Decimal(part) * 100 / whole, 1))}%" if whole else "—"


def share(value: float | None) -> str:
    """A share of one as percent."""
    return "—" if value is None else f"{display.number(round(Decimal(str(value)) * 100, 1))}%"


def signal_label(key: str) -> str:
    """The signal's name; its key when it is not installed any more."""
    known = risk.signal_of(key)
    return str(known.label) if known else key


def rule_of(row: Diagnosis) -> str:
    """What the signal judged, with the figures of that moment."""
    known = risk.signal_of(row.signal)
    return fill(known.rule, row.report) if known else ""


def policy_of(row: Diagnosis) -> str:
    """The rule set by its name, and the version that judged."""
    key, _blank, version = row.policy.partition(" ")
    known = next((rules for rules in (EffectWatchRules, CouponRules) if rules.key == key), None)
    if known is None:
        return row.policy
    return f"{policies.active(known, row.at).provenance.name} {version}".strip()


def code_title(code: str) -> str:
    """What the catalogue calls a refusal code."""
    known = lookup(code)
    return fill(known.title, {}) if known else code


def names_of(store_id: int, changes: Iterable[Change]) -> tuple[dict[int, str], dict[str, str]]:
    """Titles of the listings and labels of the categories that changes speak of; at most two queries."""
    listings, categories = mirror.named(list(changes))
    titles = (
        {one.pk: one.label for one in Listing.objects.filter(store_id=store_id, pk__in=listings)} if listings else {}
    )
    labels = {one.code: one.label for one in Category.objects.filter(code__in=categories)} if categories else {}
    return titles, labels


def advice_of(row: Diagnosis, coupon: Coupon) -> list[Advice]:
    """What would help, as the report keeps it, in words; the most first."""
    told: Sequence[Mapping[str, Any]] = row.report.get("help", ())
    changes = [Change(**one["change"]) for one in told if one["kind"] == "mirror"]
    titles, labels = names_of(row.store_id, changes)
    return _merged(_advice(one, coupon, titles, labels) for one in told)


def _merged(advice: Iterable[Advice]) -> list[Advice]:
    """One line for what orders and refusals speak for alike."""
    by_text: dict[str, Advice] = {}
    for one in advice:
        known = by_text.get(one.text)
        by_text[one.text] = replace(known, detail=f"{known.detail} {one.detail}") if known else one
    return list(by_text.values())


def _advice(one: Mapping[str, Any], coupon: Coupon, titles: Mapping[int, str], labels: Mapping[str, str]) -> Advice:
    if one["kind"] == "min_order":
        change = Change("min_order", one["value"])
        n = one["orders"]
        detail = ngettext(
            "%(n)s order placed without the coupon would have reached it.",
            "%(n)s orders placed without the coupon would have reached it.",
            n,
        )
        return Advice(mirror.words(change, coupon, titles, labels), detail % {"n": display.number(n)}, change)
    if one["kind"] == "remind":
        n = one["orders"]
        detail = ngettext(
            "%(n)s buyer ordered goods that qualified and did not enter the coupon.",
            "%(n)s buyers ordered goods that qualified and did not enter the coupon.",
            n,
        )
        return Advice(_("Remind holders, and show the coupon in the basket"), detail % {"n": display.number(n)})
    if one["kind"] == "channel":
        given = {
            "channel": explaining.channel(one["value"]),
            "claims": display.number(one["claims"]),
            "redeemed": display.number(one["redeemed"]),
            "rate": display.number(Decimal(str(one["rate"]))),
        }
        return Advice(
            _("Hand it out elsewhere than on: %(channel)s") % given,
            _(
                "%(redeemed)s of %(claims)s claimed there were redeemed; without them the rate would have been %(rate)s%%."
            )
            % given,
        )
    change, n = Change(**one["change"]), one["buyers"]
    detail = ngettext(
        "%(n)s buyer who was refused (%(code)s) would have been let in.",
        "%(n)s buyers who were refused (%(code)s) would have been let in.",
        n,
    )
    return Advice(
        mirror.words(change, coupon, titles, labels), detail % {"n": display.number(n), "code": one["code"]}, change
    )
