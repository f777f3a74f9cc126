"""guard.js (R18): says so when styles, scripts or parts of a page are stopped, and only then."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.e2e


def nothing(page: Page) -> None:
    """A browser that blocks nothing."""


def styles(page: Page) -> None:
    page.route("**/app/app.css", lambda route: route.abort("blockedbyclient"))


def modules(page: Page) -> None:
    page.route("**/app/lib.js", lambda route: route.abort("blockedbyclient"))


def cosmetic(page: Page) -> None:
    """What a cosmetic filter does: a rule of the browser's own hides a part."""
    page.add_init_script(
        "addEventListener('DOMContentLoaded', () => {"
        " const rule = new CSSStyleSheet(); rule.replaceSync('main .bo-panel { display: none }');"
        " document.adoptedStyleSheets = [rule]; })"
    )


@pytest.mark.parametrize(("block", "told"), [(nothing, False), (styles, True), (modules, True), (cosmetic, True)])
def test_what_breaks_a_page_is_told(
    chromium: Browser, style_server: str, block: Callable[[Page], None], told: bool
) -> None:
    page = chromium.new_page()
    try:
        block(page)
        page.goto(f"{style_server}/style/", wait_until="load")
        page.locator("html[data-looked]").wait_for(state="attached")
        notice = expect(page.locator("#bo-blocked"))
        notice.to_be_visible() if told else notice.to_be_hidden()
    finally:
        page.close()
