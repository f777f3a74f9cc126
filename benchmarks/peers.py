"""Lists against a peer: our campaign list and the offer list of django-oscar's dashboard, requests in turn.

django-oscar is installed into an environment of its own below the benchmarks' data directory; this project does not require it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.db import connection
from psycopg import sql

from backoffice.env import environment
from benchmarks.frame import Line, database, peak_memory, publish, reset_peak
from benchmarks.lists import QUERIES_GOAL, open_shop

PEER = "django-oscar"
PACKAGES = (f"{PEER}[sorl-thumbnail]==4.2", "psycopg[binary]")
ROWS = 10_000
#: At least three times as many requests a second: a third of the time at most.
GOAL = 1 / 3
EACH = 10  # requests of either side in a turn


def run(*, quick: bool) -> bool:
    """Measure and print; answers whether our list is fast enough."""
    rounds = 2 if quick else 12
    with database("peers"), peer_database() as peer, _serving(peer) as (ask, tell):
        visitor = open_shop("peers", ROWS)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        stock = json.loads(tell.readline())
        visitor.get("")
        reset_peak()
        theirs, ours = [], []
        for turn in range(rounds):
            for side in ("theirs", "ours") if turn % 2 else ("ours", "theirs"):
                if side == "theirs":
                    ask.write(f"{EACH}\n")
                    ask.flush()
                    theirs.append(json.loads(tell.readline())["seconds"] / EACH)
                    continue
                began = time.perf_counter()
                for _ in range(EACH):
                    visitor.get("")
                ours.append((time.perf_counter() - began) / EACH)
        floor, mine = statistics.median(theirs), statistics.median(ours)
        ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
        queries = visitor.queries("")
        line = Line(
            f"the list of {ROWS:,}", floor, mine, ratio, queries, peak_memory(), f"≤ {GOAL:.2f}, ≤ {QUERIES_GOAL} queries",
            f"{1 / mine:.0f} requests a second against {1 / floor:.0f}; {stock['queries']} queries there",
        )  # fmt: skip
        publish(
            "Lists against a peer",
            [line],
            f"Our campaign list, 50 rows a page, against “floor”: the offer list of django-oscar 4.2's dashboard as it is shipped,"
            f" {stock['rows']} rows a page; {ROWS:,} campaigns and as many offers, the same Django and the same PostgreSQL, whole pages"
            " through Django's own client, in two processes that take turns.",
            keep=not quick,
        )
    return ratio <= GOAL and queries <= QUERIES_GOAL


@contextmanager
def peer_database() -> Iterator[dict[str, Any]]:
    """An empty database for the peer on the same server, as its Django wants it told; dropped at the end."""
    name = f"bench_oscar_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    given = connection.settings_dict
    try:
        yield {"ENGINE": "django.db.backends.postgresql", "NAME": name} | {
            key: given[key] for key in ("HOST", "PORT", "USER", "PASSWORD")
        }
    finally:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def peer_python() -> Path:
    """The peer's own Python; made the first time."""
    folder = environment().data_dir / "peers" / PEER
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / "complete").touch()
    return python


@contextmanager
def _serving(peer: dict[str, Any]) -> Iterator[tuple[IO[str], IO[str]]]:
    """The peer's process: where to ask it, and where it answers."""
    process = subprocess.Popen(
        [peer_python(), Path(__file__).with_name("oscar_side.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "BACKOFFICE_"))}
        | {"PEER_DATABASE": json.dumps(peer)},
    )
    assert process.stdin
    assert process.stdout
    try:
        yield process.stdin, process.stdout
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()
