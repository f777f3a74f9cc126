"""How long from one moment to another, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from core import display

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "english", "chinese"),
    [
        (timedelta(days=35, hours=3, minutes=9), "35 days 3 hours", "35天3小时"),
        (timedelta(days=1), "1 day", "1天"),
        (timedelta(hours=2, minutes=5), "2 hours 5 minutes", "2小时5分钟"),
        (timedelta(seconds=20), "0 minutes", "0分钟"),
        (-timedelta(days=1), "0 minutes", "0分钟"),
    ],
)
def test_the_two_largest_units_are_told(span: timedelta, english: str, chinese: str) -> None:
    with translation.override("en"):
        assert display.span(NOON, NOON + span) == english
    with translation.override("zh-hans"):
        assert display.span(NOON, NOON + span) == chinese
