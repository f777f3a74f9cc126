"""Shared by the tests of servers and start-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.stack import Stack, open_folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All on one test worker: they start whole stacks, and two at once on two cores would measure the machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.servers)
            item.add_marker(pytest.mark.xdist_group("servers"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder open to other users."""
    with open_folder() as path:
        yield path


@pytest.fixture
def make_stack() -> Iterator[Callable[..., Stack]]:
    """Makes stacks that are gone after the test, whatever happens in it."""
    made: list[Stack] = []

    def make(*args: Any, **options: Any) -> Stack:
        made.append(Stack(*args, **options))
        return made[-1]

    yield make
    for stack in made:
        stack.end_by_force()
