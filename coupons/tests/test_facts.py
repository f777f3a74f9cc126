"""What refusals keep comes back as it was, and what does not fit breaks nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import pytest

from coupons import facts
from coupons.models import PausedBy


@pytest.mark.parametrize(
    "told",
    [
        facts.RegionFacts(regions=("RU",)),
        facts.StockFacts(reason="stale", sku="HH-STL-007", as_of=datetime(2026, 11, 1, tzinfo=UTC)),
        facts.DisputeFacts(disputes=2, days=30),
        facts.LimitFacts(used=True, claim="K-1"),
        facts.ExhaustedFacts(limit="budget", budget=Decimal("10.00"), left=Decimal("0.50"), needed=Decimal("3.00")),
        facts.LogisticsFacts(logistics="epacket", allowed=("standard",), also=("ERR_COUPON_REGION",)),
        facts.MinOrderFacts(eligible=Decimal("18.50"), min_order=Decimal(20), outside={7: Decimal("4.10")}),
        facts.StateFacts(state="paused", paused_by=PausedBy.EFFECT_WATCH),
        facts.VelocityFacts(claims=5, seconds=3600),
    ],
    ids=lambda told: told.code,
)
def test_facts_come_back_as_they_were(told: facts.Facts) -> None:
    assert facts.of(told.code, told.stored()) == told


def test_facts_that_do_not_fit_are_no_facts() -> None:
    assert facts.of("ERR_COUPON_REGION", {"regions": 5}) is None
    assert facts.of("ERR_COUPON_REGION", {}) is None
    assert facts.of("ERR_NOBODY_KNOWS", {}) == facts.Facts()


def test_a_code_has_one_kind_of_facts() -> None:
    class Mine(facts.Facts):
        code: ClassVar[str] = "ERR_COUPON_REGION"

    with pytest.raises(ValueError, match="no code of its own"):
        facts.declare(Mine)
