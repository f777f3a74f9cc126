"""One running product for all browser tests: `manage.py up` with demo data, short times, and Chromium beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from backoffice.demo import DEMO_PASSWORD
from tests.e2e.product import Product
from tests.servers.stack import Stack, open_folder

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


@pytest.fixture(scope="session")
def product(browser_path: str) -> Iterator[Product]:
    """The running product, with the demo loaded."""
    with open_folder() as folder:
        data_dir = folder / "data"
        stack = Stack(data_dir=data_dir, arguments=(), environment=TIMES)
        try:
            stack.start()
            yield Product(stack, data_dir, TIMES)
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
