"""Why a coupon was refused, in a sentence, and what would have mended it (R74, R141): for usage rows, the API, exports and reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import display
from coupons import facts, refusing
from coupons.facts import Facts
from coupons.fields import country_words
from coupons.judging import SiteFacts
from coupons.labels import CHANNELS, LOGISTICS
from coupons.models import Coupon, PausedBy
from coupons.usage import UsageRow
from inbox.catalogue import fill, lookup


@dataclass(frozen=True, slots=True)
class Explained:
    """What was in the way, and what would mend it."""

    why: str
    mend: str


@dataclass(frozen=True, slots=True)
class _Case:
    coupon: Coupon
    row: UsageRow
    zone: tzinfo

    def money(self, amount: Any) -> str:
        return display.money(amount, self.coupon.currency)


def countries(codes: Iterable[str]) -> str:
    """Names in a row."""
    return display.series(country_words(code) for code in codes)


def way(code: str) -> str:
    """A way of shipping."""
    return str(LOGISTICS.get(code, code))


def channel(code: str) -> str:
    """A channel; one that nobody named is said to be."""
    return str(CHANNELS.get(code, code)) if code else _("Not told")


def refusal(row: UsageRow, coupon: Coupon, zone: tzinfo) -> Explained:
    """The plain explanation of a refusal; of a code that has no words here, what the buyer was told. Facts that are missing leave the
    catalogue's general words.
    """
    told = facts.of(row.code, row.facts)
    words = _WORDS.get(row.code)
    if told is None or type(told) is Facts:
        return general(row.code)
    if words is None:
        return Explained(refusing.explain(row.code, row.facts), general(row.code).mend)
    return words(told, _Case(coupon, row, zone))


def general(code: str) -> Explained:
    """What the catalogue of error codes says (R140)."""
    known = lookup(code)
    if known is None:
        return Explained(code, "")
    return Explained(fill(known.cause, {}), " ".join(fill(step, {}) for step in known.steps))


def _region(told: facts.RegionFacts, case: _Case) -> Explained:
    names = {"country": country_words(case.row.country), "regions": countries(told.regions)}
    if not case.row.country:
        return Explained(
            _("The buyer’s country was not told; the coupon is for %(regions)s only.") % names,
            _("Let the storefront tell the country, or create a coupon without regions."),
        )
    return Explained(
        _("The buyer is in %(country)s; the coupon is for %(regions)s only.") % names,
        _("Create a coupon whose regions include %(country)s.") % names,
    )


def _stock(told: facts.StockFacts, case: _Case) -> Explained:
    words = {"sku": told.sku or "—", "at": display.sentence(told.as_of, case.zone) if told.as_of else ""}
    if told.reason == "delisted":
        return Explained(
            _("No product of the pool was on sale (%(sku)s is delisted).") % words,
            _("Put a product of the pool on sale again."),
        )
    if told.reason == "stale":
        why = (
            _("The stock of %(sku)s was counted too long ago: %(at)s.")
            if told.as_of
            else _("The stock of %(sku)s was never counted.")
        )
        return Explained(why % words, _("Send the stock more often: a count older than the limit is not trusted."))
    return Explained(
        _("Every product of the pool was sold out or held back (%(sku)s among them).") % words,
        _("Bring the stock up to date, or add goods in stock to the pool."),
    )


def _disputes(told: facts.DisputeFacts, case: _Case) -> Explained:
    words = {"n": display.number(told.disputes), "days": told.days}
    why = ngettext(
        "The buyer has %(n)s order in arbitration within the last %(days)s days.",
        "The buyer has %(n)s orders in arbitration within the last %(days)s days.",
        told.disputes,
    )
    return Explained(why % words, _("Nothing on the seller’s side: it ends with the disputes."))


def _limit(told: facts.LimitFacts, case: _Case) -> Explained:
    why = _("The buyer has used this coupon already.") if told.used else _("The buyer holds this coupon already.")
    return Explained(why, _("Nothing to mend: the limit of one per buyer is compulsory."))


def _exhausted(told: facts.ExhaustedFacts, case: _Case) -> Explained:
    if told.limit == "budget":
        why = _("The budget was used up.")
        if told.left is not None and told.needed is not None:
            words = {"left": case.money(told.left), "needed": case.money(told.needed)}
            why = _("The budget had %(left)s left, and this use would have taken %(needed)s.") % words
        return Explained(why, _("Create a further coupon with a budget of its own."))
    why = _("Every one of the quota had been claimed.")
    if told.quota is not None:
        why = _("All %(quota)s of the quota had been claimed.") % {"quota": display.number(told.quota)}
    return Explained(why, _("Create a further coupon with a quota of its own."))


def _window(told: facts.WindowFacts, case: _Case) -> Explained:
    if case.row.at < told.starts_at:
        words = {"start": display.sentence(told.starts_at, case.zone)}
        return Explained(
            _("The coupon was not valid yet: it begins %(start)s.") % words, _("Begin the next coupon earlier.")
        )
    words = {"end": display.sentence(told.ends_at, case.zone)}
    return Explained(_("The coupon was over: it ended %(end)s.") % words, _("Create a coupon that is valid longer."))


def _logistics(told: facts.LogisticsFacts, case: _Case) -> Explained:
    words = {"way": way(told.logistics), "allowed": display.series(way(code) for code in told.allowed)}
    mend = _("The buyer may choose %(allowed)s. The restriction keeps freight from eating the margin.") % words
    if not told.logistics:
        return Explained(_("The order named no way of shipping; the coupon is for %(allowed)s only.") % words, mend)
    return Explained(_("The order went by %(way)s; the coupon is for %(allowed)s only.") % words, mend)


def _site(told: SiteFacts, case: _Case) -> Explained:
    words = {"site": told.site, "sites": display.series(told.sites)}
    if not told.site:
        return Explained(_("The coupon is for these sites only: %(sites)s.") % words, general(told.code).mend)
    return Explained(
        _("The buyer was on the site %(site)s; the coupon is for %(sites)s only.") % words,
        _("Create a coupon whose sites include %(site)s.") % words,
    )


def _min_order(told: facts.MinOrderFacts, case: _Case) -> Explained:
    words = {
        "eligible": case.money(told.eligible),
        "least": case.money(told.min_order),
        "gap": case.money(told.min_order - told.eligible),
    }
    if not told.eligible:
        return Explained(
            _("Nothing in the basket belongs to the coupon’s pool."),
            _("Widen the pool in a new coupon, or show buyers which goods it is for."),
        )
    return Explained(
        _("The goods of the pool came to %(eligible)s, the coupon begins at %(least)s.") % words,
        _("%(gap)s more in the basket, or a coupon with a lower minimum order.") % words,
    )


def _first_order(told: facts.FirstOrderFacts, case: _Case) -> Explained:
    return Explained(
        _("The buyer has ordered from this store before."), _("Nothing to mend: the coupon is for first orders only.")
    )


def _state(told: facts.StateFacts, case: _Case) -> Explained:
    if told.frozen:
        return Explained(
            _("The use of claimed coupons was frozen."),
            _("Resume the issuing; claimed coupons can be used again then."),
        )
    if told.state == "voided":
        return Explained(_("The coupon was void."), _("Create a new coupon: a void one never comes back."))
    if told.state == "draft":
        return Explained(_("The coupon was a draft."), _("Start issuing it."))
    if told.paused_by == PausedBy.CAMPAIGN or told.campaign:
        words = {"campaign": told.campaign or "—"}
        return Explained(
            _("Its campaign %(campaign)s did not run.") % words, _("Resume the campaign: the coupon follows it.")
        )
    if told.paused_by == PausedBy.EFFECT_WATCH:
        return Explained(
            _("An effect warning had stopped the issuing."), _("Read the diagnosis report, then resume issuing.")
        )
    if told.paused_by == PausedBy.BUDGET:
        return Explained(
            _("The budget was used up, so issuing had stopped."), _("Raise or lift the budget: issuing then goes on.")
        )
    return Explained(_("Issuing was stopped by an operator."), _("Resume issuing."))


def _velocity(told: facts.VelocityFacts, case: _Case) -> Explained:
    words = {"n": display.number(told.claims), "minutes": display.number(told.seconds // 60)}
    why = ngettext(
        "One address had claimed %(n)s within %(minutes)s minutes; this one more was refused.",
        "One address had claimed %(n)s within %(minutes)s minutes; this one more was refused.",
        told.claims,
    )
    return Explained(why % words, _("Nothing to mend for honest buyers: other addresses are not touched."))


_WORDS: dict[str, Callable[[Any, _Case], Explained]] = {
    facts.RegionFacts.code: _region,
    facts.StockFacts.code: _stock,
    facts.DisputeFacts.code: _disputes,
    facts.LimitFacts.code: _limit,
    facts.ExhaustedFacts.code: _exhausted,
    facts.WindowFacts.code: _window,
    facts.LogisticsFacts.code: _logistics,
    SiteFacts.code: _site,
    facts.MinOrderFacts.code: _min_order,
    facts.FirstOrderFacts.code: _first_order,
    facts.StateFacts.code: _state,
    facts.VelocityFacts.code: _velocity,
}
