"""Cutting due work into transactions that stay small, whatever the campaigns hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def within(rows: Sequence[T], limit: int, weight: Callable[[T], int]) -> list[T]:
    """The first rows whose weights add up to at most `limit`, at least one."""
    total = 0
    taken: list[T] = []
    for row in rows:
        total += weight(row)
        if taken and total > limit:
            break
        taken.append(row)
    return taken


class Faulty(RuntimeError):
    """A batch met a fault and was rolled back whole; `ids` are its rows, empty when not even they could be read."""

    def __init__(self, ids: Sequence[int]) -> None:
        super().__init__(f"a fault among {len(ids)} rows")
        self.ids = list(ids)
