"""What segments and tests add to a claim: the rules hold, a test's code leads to the buyer's arm (R67, R78)."""

from __future__ import annotations

from django.utils.translation import gettext as _

from coupons import arms, claiming, segments
from coupons.claiming import ClaimAsk
from coupons.facts import Facts
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


claiming.conditions.append(within)
claiming.readers.append(arms.resolve)
