"""Each test begins in the source language, whatever page the test before it asked for last in the same process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.utils import translation


@pytest.fixture(autouse=True)
def source_language() -> Iterator[None]:
    """A page answered in Chinese leaves the thread's language behind: the next request sets its own, a test does not."""
    translation.activate(settings.LANGUAGE_CODE)
    yield
    translation.deactivate()
