"""What the archive of a closed campaign holds of its figures: the twelve metrics, sealed beside it in columns (R36, R146, R147)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from campaigns.archive import archive_part
from campaigns.models import Closing
from core import clock, money
from insights import measuring
from insights.formulas import METRICS, Figures

_COLUMNS = (
    ("campaign_id", "bigint"), ("store_id", "bigint"), ("currency", "text"), ("impressions", "bigint"), ("clicks", "bigint"),
    ("add_to_cart", "bigint"), ("orders", "bigint"), ("buyers", "bigint"), ("units", "bigint"), ("sales_amount", "numeric"),
    ("discount_cost", "numeric"), ("ad_spend", "numeric"), ("others", "jsonb"),
)  # fmt: skip
_NAMES = ", ".join(name for name, _kind in _COLUMNS)
_ARRAYS = ", ".join(f"%s::{kind}[]" for _name, kind in _COLUMNS)
_INSERT = f"""
    INSERT INTO insights_campaignfigures (sealed_at, {_NAMES}) SELECT %s, {_NAMES} FROM unnest({_ARRAYS}) AS v({_NAMES})
    ON CONFLICT (campaign_id) DO NOTHING
"""  # noqa: S608 - column names of our own


@archive_part("metrics")
def seal(closings: Sequence[Closing], now: datetime) -> dict[int, dict[str, Any]]:
    """Count the figures of these closed campaigns (with campaign and store loaded), keep them, and answer what the archive says of them.

    Four statements for any number of campaigns. Runs in the transaction of the archive.
    """
    found = measuring.count(
        {one.campaign_id: one.campaign.store.currency for one in closings}, [one.store_id for one in closings]
    )
    rows = [_row(one, found[one.campaign_id]) for one in closings]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [now, *(list(column) for column in zip(*rows, strict=True))])
    return {pk: document(figures, now) for pk, figures in found.items()}


def _row(closing: Closing, figures: Figures) -> tuple[Any, ...]:
    return (
        closing.campaign_id, closing.store_id, figures.currency, figures.impressions, figures.clicks, figures.add_to_cart,
        figures.orders, figures.buyers, figures.units, figures.sales_amount, figures.discount_cost, figures.ad_spend,
        Jsonb(figures.others),
    )  # fmt: skip


def document(figures: Figures, now: datetime) -> dict[str, Any]:
    """The archive's part. Every amount and rate is text, so that its hash never depends on how a float is written."""
    twelve = {metric.key: _text(metric.form, getattr(figures, metric.key), figures.currency) for metric in METRICS}
    return {
        "data_as_of": clock.rfc3339(now),
        "currency": figures.currency,
        **twelve,
        "ad_spend": money.text(figures.ad_spend, figures.currency),
        "other_currencies": figures.others,
    }


def _text(form: str, value: Any, currency: str) -> int | str | None:
    if value is None or form == "count":
        return None if value is None else int(value)
    return money.text(value, currency) if form == "money" else str(value)
