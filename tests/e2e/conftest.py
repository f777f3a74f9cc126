"""One running product for all browser tests: `manage.py up` with demo data, short times, and Chromium beside it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from backoffice.demo import DEMO_PASSWORD
from tests.servers.stack import Stack, manage, open_folder

#: Seconds, so that a whole life fits into a test.
TIMES = {
    "SWEEP_INTERVAL": "1",
    "CAMPAIGN_EXPIRY_GRACE": "8",
    "CAMPAIGN_ARCHIVE_DELAY": "4",
    "POST_CLOSE_CHECK_DELAYS": "1,3,8",
    "CANCEL_HOLD": "60",
    "OPERATION_LOCK": "2",
}
WATCH = """
document.addEventListener('securitypolicyviolation', (event) => {
  (window.__violations = window.__violations || []).push(event.violatedDirective + ' ' + event.blockedURI);
});
"""


@dataclass
class Product:
    """The product as a visitor and as a machine meets it."""

    stack: Stack
    data_dir: Path

    @property
    def base(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.stack.port}"

    def command(self, *words: str) -> str:
        """Run a command of the project beside it; answers what it printed."""
        done = manage(*words, data_dir=self.data_dir, BACKOFFICE_PORT=str(self.stack.port), **TIMES)
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def call(self, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
        """A call of the REST API."""
        request = urllib.request.Request(
            f"{self.base}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def page(self, address: str) -> str:
        """A public page, as a buyer's client reads it."""
        with urllib.request.urlopen(address, timeout=30) as reply:
            return str(reply.read().decode())


@dataclass
class Watch:
    """What went wrong on pages that a test visited."""

    console: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def product(browser_path: str) -> Iterator[Product]:
    """The running product, with the demo loaded."""
    with open_folder() as folder:
        data_dir = folder / "data"
        stack = Stack(data_dir=data_dir, arguments=(), environment=TIMES)
        try:
            stack.start()
            yield Product(stack, data_dir)
        finally:
            if stack.process is not None and stack.process.poll() is None:
                stack.interrupt()
            stack.end_by_force()


def open_context(chromium: Browser, product: Product, **options: Any) -> BrowserContext:
    """A window of its own; every page of it reports violations of the Content-Security-Policy."""
    context = chromium.new_context(base_url=product.base, **options)
    context.add_init_script(WATCH)
    return context


def sign_in(context: BrowserContext, email: str) -> Page:
    """Sign in through the form; answers the page."""
    page = context.new_page()
    page.goto("/account/login/")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(DEMO_PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(lambda address: "/login" not in address)
    return page


def violations(page: Page) -> list[str]:
    """What the page's CSP refused."""
    return list(page.evaluate("window.__violations || []"))
