"""Every check behind `make lint` and `make test`, by name: `tools/check.py all`, `static`, or one or more names.

Static checks run two at a time, each with its own output shown when it is done; tests come last. All of them run, also
after a failure; the last line counts, and the exit code says whether everything held.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
# What a production installation sets; nothing is connected to.
PRODUCTION = {
    "DATABASE_URL": "postgresql://backoffice:secret@db.example:5432/backoffice",
    "REDIS_URL": "redis://redis.example:6379/0",
    "BACKOFFICE_SECRET_KEY": "kfB7-only-for-the-deployment-check-q2v9XwZr1mTtYp5LdHs8NcJe3Ga0",
    "BACKOFFICE_ALLOWED_HOSTS": "backoffice.example",
    "BACKOFFICE_PUBLIC_URL": "https://backoffice.example",
    "BACKOFFICE_HTTPS": "true",
    "BACKOFFICE_TRUSTED_PROXIES": "1",
    "BACKOFFICE_DEBUG": "false",
    "BACKOFFICE_DEMO": "false",
}
NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"
TEST_WORKERS = "2"


@dataclass(frozen=True)
class Check:
    """One command that must succeed."""

    title: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def module(title: str, *words: str) -> Check:
    """A check that is a Python module with arguments."""
    return Check(title, [PYTHON, "-m", *words])


def manage(title: str, *words: str, **environment: str) -> Check:
    """A check that is a Django command."""
    return Check(title, [PYTHON, "manage.py", *words], environment)


STATIC = {
    "style": module("ruff check", "ruff", "check", "."),
    "format": module("ruff format", "ruff", "format", "--check", "--quiet", "."),
    "types": module("mypy", "mypy", "."),
    "floors": Check(
        "import-linter", [PYTHON, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    ),
    "templates": module("djlint", "djlint", "templates", "--lint"),
    # Compares models with migration files; the database it would also look at is not needed, so none is started.
    "migrations": manage("makemigrations --check", "makemigrations", "--check", "--dry-run", DATABASE_URL=NO_DATABASE),
    "deploy": manage("check --deploy", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION),
    "translations": Check("translations complete", [PYTHON, "tools/messages.py", "check"]),
}


@dataclass
class Result:
    """What a check said."""

    title: str
    ok: bool
    seconds: float
    output: str = ""


def run(check: Check) -> Result:
    """Run a check and keep what it prints."""
    started = time.monotonic()
    # Settings of the caller's shell must not decide what the checks see.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BACKOFFICE_")}
    # The database of a check is the tests' own, so that checks neither meet nor disturb a running copy.
    inherited |= {"BACKOFFICE_DATA_DIR": str(test_data_dir()), "PYTHONPATH": str(ROOT), "DJANGO_COLORS": "nocolor"}
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env=inherited | check.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Result(check.title, done.returncode == 0, time.monotonic() - started, done.stdout.strip())


def test_data_dir() -> Path:
    """Where the tests' own servers live; the same as tests/settings.py says."""
    return Path(os.environ.get("BACKOFFICE_DATA_DIR", ROOT / "var")).absolute() / "test"


def show(result: Result) -> None:
    """One line, and all that was said when it failed."""
    mark = "ok    " if result.ok else "FAILED"
    sys.stdout.write(f"{mark} {result.title} ({result.seconds:.1f} s)\n")
    if not result.ok:
        lines = [line for line in result.output.splitlines() if "%|" not in line]  # no progress bars
        sys.stdout.write("".join(f"    {line}\n" for line in lines))
    sys.stdout.flush()


def run_static(names: list[str]) -> list[Result]:
    """Run the named static checks, two at a time, slowest first."""
    ordered = sorted(names, key=lambda name: name != "types")
    results = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for future in [pool.submit(run, STATIC[name]) for name in ordered]:
            results.append(future.result())
            show(results[-1])
    return results


def run_tests(arguments: list[str]) -> tuple[Result, dict[str, int]]:
    """Run pytest with its output as it comes; answers the result and the counts."""
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [PYTHON, "-m", "pytest", "-q", "-n", TEST_WORKERS, "--dist", "loadgroup", f"--junit-xml={report}"]
        code = subprocess.run([*command, *arguments], cwd=ROOT, check=False).returncode
        if report.exists():
            for suite in ElementTree.parse(report).getroot().iter("testsuite"):
                counts = {name: counts[name] + int(suite.get(name, "0")) for name in counts}
    return Result("pytest", code == 0, time.monotonic() - started), counts


def main(arguments: list[str]) -> int:
    """Run what the arguments name; everything after `--` goes to pytest."""
    names, _, extra = " ".join(arguments).partition(" -- ") if "--" in arguments else (" ".join(arguments), "", "")
    wanted = names.split() or ["all"]
    started = time.monotonic()
    chosen = list(STATIC) if {"all", "static"} & set(wanted) else [name for name in wanted if name in STATIC]
    if not chosen and "tests" not in wanted:
        sys.stderr.write(f"Unknown check. Known: all, static, tests, {', '.join(STATIC)}\n")
        return 2
    results = run_static(chosen)
    counted = ""
    if {"all", "tests"} & set(wanted):
        result, counts = run_tests(extra.split())
        results.append(result)
        failed = counts["failures"] + counts["errors"]
        passed = counts["tests"] - failed - counts["skipped"]
        counted = f", tests: {passed} passed, {failed} failed, {counts['skipped']} skipped"
    broken = [result.title for result in results if not result.ok]
    verdict = f"FAILED: {', '.join(broken)}" if broken else "PASSED"
    held = len(results) - len(broken)
    sys.stdout.write(
        f"{verdict} - {held} of {len(results)} checks hold{counted}, in {time.monotonic() - started:.0f} s\n"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
