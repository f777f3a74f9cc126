"""The clock reads what people and machines give it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core import clock


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-08:00", "9999-12-31T23:59:59+00:00"]
)
def test_a_moment_that_other_zones_could_not_write_is_no_moment(text):
    with pytest.raises(ValueError, match="calendar"):
        clock.utc(datetime.fromisoformat(text))


def test_a_moment_is_read_in_utc():
    assert clock.utc(datetime.fromisoformat("2026-11-27T16:00:00+08:00")) == datetime(2026, 11, 27, 8, tzinfo=UTC)
