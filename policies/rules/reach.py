"""What coupons do beyond the platforms: what they cost, single-use codes, segments, tests of two coupons, sending."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class ReachRules(Rules):
    """Costs, figures, codes, segments, tests and sending of coupons."""

    key: ClassVar[str] = "coupon_reach"

    repurchase_days: int = Field(default=7, ge=1, description=_("R80: a further order within this many days counts."))
    chart_days: int = Field(default=92, ge=1, description=_("Days of the cost chart; a coupon lives 90 at most."))
    clicks_per_entry: int = Field(default=10_000_000, ge=1, description=_("Clicks of one entry of the cost ledger."))
    max_codes: int = Field(default=1_000_000, ge=1, description=_("R81: single-use codes of one coupon."))
    code_length: int = Field(
        default=20,
        ge=16,
        le=40,
        description=_("Characters of a single-use code, five random bits each; 16 are 80 bits."),
    )
    codes_per_batch: int = Field(default=50_000, ge=1, description=_("Codes written per transaction."))
    name_length: int = Field(default=80, ge=1, le=80, description=_("Characters of the name of a batch or test."))
    segment_rules: int = Field(default=10, ge=1, description=_("Rules of one segment."))
    segment_buyers: int = Field(default=5000, ge=1, description=_("Buyers that a segment may name one by one."))
    segment_days: int = Field(default=730, ge=1, description=_("Days that a rule of a segment may look back."))
    issue_most: int = Field(default=100_000, ge=1, description=_("Claims issued to a segment in one job."))
    test_significance: Decimal = Field(
        default=Decimal("0.05"), gt=0, lt=1, description=_("R67: a difference less likely than this by chance counts.")
    )
    test_min_claims: int = Field(default=100, ge=1, description=_("R67: an arm with fewer claims says nothing yet."))
    test_min_redemptions: int = Field(
        default=5, ge=1, description=_("R67: the approximation needs this many redeemed and unredeemed claims per arm.")
    )
    page_size: int = Field(default=25, ge=1, description=_("Rows on one page."))
