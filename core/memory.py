"""How often Python looks for garbage in cycles."""

from __future__ import annotations

import gc

#: New containers before the youngest generation is looked through; Python's own 700 make a batch of a thousand campaigns spend a third of
#: its processor time looking for cycles that are not there. Memory that no cycle holds is given back at once all the same.
CONTAINERS = 50_000


def for_batches() -> None:
    """Set this process up for batches of thousands of rows: what the start left is never looked through again, what is new rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(CONTAINERS, *gc.get_threshold()[1:])
