"""What segments, sites and tests add to a claim: rules hold, the site fits, a test's code leads to the buyer's arm (R67, R78, R81)."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext as _

from core import display
from coupons import arms, claiming, segments
from coupons.claiming import ClaimAsk
from coupons.facts import Facts, declare
from coupons.models import Coupon
from coupons.refusing import explains
from coupons.segments import Asked, SegmentFacts


@explains(SegmentFacts)
def _words(told: SegmentFacts) -> str:
    return _("This coupon is for other buyers.")


def within(ask: ClaimAsk) -> Facts | None:
    """A condition of a claim: one query where the coupon has a segment, none where it has none."""
    if not ask.segment:
        return None
    return segments.judge(ask.segment, Asked(ask.store.pk, ask.buyer, ask.country), now=ask.now)


@declare
class SiteFacts(Facts):
    """The coupon was for `sites` only."""

    code: ClassVar[str] = "ERR_COUPON_SITE"

    sites: tuple[str, ...]


@explains(SiteFacts)
def _site(told: SiteFacts) -> str:
    return _("This coupon is for these sites: %(sites)s.") % {"sites": display.series(told.sites)}


def on_site(ask: ClaimAsk) -> Facts | None:
    """A condition of a claim (R81): asked only where the storefront says which site the buyer is on; one query then."""
    if not ask.site:
        return None
    sites = Coupon.objects.filter(pk=ask.coupon_id).values_list("sites", flat=True).get()
    return SiteFacts(sites=tuple(sites)) if sites and ask.site not in sites else None


claiming.conditions.append(within)
claiming.conditions.append(on_site)
claiming.readers.append(arms.resolve)
