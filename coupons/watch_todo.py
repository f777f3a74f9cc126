"""Open reports of the effect watch, for the list of what is due."""

from __future__ import annotations

from coupons.models import Diagnosis


def open_reports(store_id: int, *, limit: int) -> list[Diagnosis]:
    """Reports whose stop still stands, the latest first, with their coupons; one query."""
    rows = Diagnosis.objects.filter(store_id=store_id, resumed_at=None, closed_at=None)
    return list(rows.select_related("coupon").order_by("-id")[:limit])
