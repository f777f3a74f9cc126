"""The browser of the end-to-end tests: an installed Chrome or Chromium, else one that is installed now.

Tests that drive one ask for `browser_path` or `chromium`. Where no browser can be had they are skipped and named with the reason; with
CI=true the run fails instead, because a gate that skips is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Nothing that talks to the outside, and no sandbox: in containers it cannot be made, and the pages are our own.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
INSTALL_LIMIT = 600  # seconds
#: How long an expectation waits for what a script or the server writes. It ends when that is there: long only where all is slow.
PATIENCE = 30_000  # milliseconds
_ASK_PLAYWRIGHT = (
    "from playwright.sync_api import sync_playwright\nwith sync_playwright() as p: print(p.chromium.executable_path)"
)


def installed_browser() -> str | None:
    """The path of a browser that starts, or None. `CHROME_PATH` names one explicitly."""
    candidates = [os.environ.get("CHROME_PATH"), *(shutil.which(name) for name in NAMES), _playwrights_own()]
    return next((path for path in candidates if path and _starts(path)), None)


def _starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwrights_own() -> str | None:
    done = subprocess.run([sys.executable, "-c", _ASK_PLAYWRIGHT], capture_output=True, text=True, check=False)
    path = done.stdout.strip()
    return path if done.returncode == 0 and Path(path).exists() else None


def install_browser() -> str:
    """Install a browser: by apt as root, else by Playwright. Answers what went wrong, or an empty text."""
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        install = "apt-get install -y -q chromium || (apt-get update -q && apt-get install -y -q chromium)"
        ways.insert(0, ["sh", "-c", f"DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; {install}"])
    said = "no way to install one"
    for way in ways:
        sys.stderr.write(f"No Chrome or Chromium found; trying: {' '.join(way[-3:])}\n")
        try:
            done = subprocess.run(way, capture_output=True, text=True, timeout=INSTALL_LIMIT, check=False)
        except subprocess.TimeoutExpired:
            said = f"{way[0]} took longer than {INSTALL_LIMIT} s"
            continue
        if done.returncode == 0 and installed_browser():
            return ""
        said = (done.stderr.strip() or done.stdout.strip() or f"{way[0]} failed").splitlines()[-1]
    return said


@lru_cache(maxsize=1)
def browser() -> tuple[str | None, str]:
    """The browser's path and an empty text, or None and why there is none. Installs one when none is there."""
    path = installed_browser()
    if path or os.environ.get("PYTEST_XDIST_WORKER"):  # the controller has tried before the workers began
        return path, "" if path else os.environ.get("BROWSER_MISSING", "no Chrome or Chromium")
    said = install_browser()
    return installed_browser(), said


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a browser skip the browser tests by name and reason, or fail when this is CI."""
    driven = [item for item in items if "browser_path" in getattr(item, "fixturenames", ())]
    if not driven or config.option.collectonly:
        return
    path, said = browser()
    if path:
        return
    reason = f"no Chrome or Chromium could be installed ({said})"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        raise pytest.UsageError(f"{len(driven)} browser tests cannot run: {reason}")
    for item in driven:
        item.add_marker(pytest.mark.skip(reason=f"browser test not run: {reason}"))


def pytest_configure(config: pytest.Config) -> None:
    """Under xdist only the controller installs; it does so before the workers collect."""
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):
        return
    if config.option.collectonly or not _asks_for_browser(config):
        return
    path, said = browser()
    if not path:
        os.environ["BROWSER_MISSING"] = said


def _asks_for_browser(config: pytest.Config) -> bool:
    """Whether this run may meet a browser test: it covers a folder of them."""
    paths = [Path(str(argument).split("::")[0]).absolute() for argument in config.args] or [config.rootpath]
    folders = [config.rootpath / "tests" / name for name in ("e2e", "frontend")]
    return any(
        path == folder or path in folder.parents or folder in path.parents for path in paths for folder in folders
    )


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The executable that Playwright drives."""
    path, said = browser()
    if path is None:
        pytest.skip(f"no Chrome or Chromium ({said})")
    return path


@pytest.fixture(scope="module")
def chromium(browser_path: str) -> Iterator[Browser]:
    """One browser for a module.

    Not for the session: while Playwright runs, its event loop makes Django refuse the database to every other test of
    the same process, and a second Playwright does not start.
    """
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        yield found
        found.close()
