"""`make bench` or `python -m benchmarks [name …]`: run the benchmarks and keep their tables in docs/benchmarks.md."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

import django

from backoffice.env import BASE_DIR, environment
from backoffice.servers import ensure
from backoffice.servers.options import missing_servers

#: Each is a module of this package with `run(*, quick: bool) -> bool`, which says whether its goals were met.
NAMES = (
    "closing",
    "codes",
    "conflicts",
    "coupons",
    "evidence",
    "export",
    "guards",
    "journey",
    "journey_coupons",
    "lists",
    "lives",
    "peers",
    "record",
    "races",
    "faults",
    "usage",
)


def _start() -> None:
    """Servers of the benchmarks' own (real fsync), and Django on a database that is thrown away."""
    os.environ.setdefault("BACKOFFICE_DATA_DIR", str(BASE_DIR / "var" / "bench"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    environment.cache_clear()
    wanted = missing_servers(environment())
    if wanted:
        ensure(environment().data_dir, want=wanted)


def main() -> int:
    """Run the benchmarks named on the command line, all of them without names; the exit code tells whether every goal was met."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of: {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds, to see that everything runs")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    _start()
    django.setup()
    met = True
    for name in options.names or NAMES:
        met = importlib.import_module(f"benchmarks.{name}").run(quick=options.quick) and met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
