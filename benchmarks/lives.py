"""Ten thousand random steps of campaigns' lives against a model (bench 14)."""

from __future__ import annotations

import time

from benchmarks.frame import database, publish_text
from campaigns.tests import test_stateful

STEPS, EACH = 10_000, 50


def run(*, quick: bool = False) -> bool:
    """Live until so many steps were taken: a life may end early. A disagreement is an exception that shows the shortest way to it."""
    wanted, done, began = 500 if quick else STEPS, 0, time.perf_counter()
    while done < wanted:
        with database("lives"):
            done += test_stateful.live(examples=max(2, (wanted - done) // EACH), steps=EACH, surprise=True)
    text = (
        f"{done:,} steps in {time.perf_counter() - began:.0f} s, in an order of their own at every run: after each the campaign is where"
        " the model says, with as many closes, and PostgreSQL refuses the edges that the model does not have."
    )
    publish_text("Random lives", [text], keep=not quick)
    return True
