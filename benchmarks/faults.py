"""The faults of `tests/faults` at full size: what each test measured, or that it failed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from backoffice.env import BASE_DIR
from benchmarks.frame import PAGE, publish_text

NAMES = {
    "1": "workers killed, broker emptied", "3": "sweepers whose backends are terminated", "5": "the broker emptied with all pending",
    "6": "Redis away, people at work", "8": "messages three times, in any order, a worker killed", "11": "the database's clock jumps",
    "12": "lateness of the close",
}  # fmt: skip


def run(*, quick: bool = False) -> bool:
    """Run the tests at full size and keep what they measured; answers whether all held."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "figures"
        extra = {"FAULTS_REPORT": str(page)} | ({} if quick else {"FAULTS": "full", "KILL_ROUNDS": "50"})
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/faults"]
        dropped = ("BACKOFFICE_", "DATABASE_URL", "REDIS_URL", "DJANGO_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        ended = subprocess.run(command, cwd=BASE_DIR, env=kept | extra, check=False)
        found = [json.loads(line) for line in page.read_text().splitlines()] if page.exists() else []
    lines = ["| bench | fault | measured |", "|---|---|---|"]
    for one in sorted(found, key=lambda line: int(line["fault"])):
        figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in one.items() if name != "fault")
        lines.append(f"| {one['fault']} | {NAMES[one['fault']]} | {figures} |")
    verdict = "All held." if ended.returncode == 0 else "**Not all held.**"
    publish_text("Faults", [*lines, "", verdict], keep=not quick and PAGE.exists())
    return ended.returncode == 0
