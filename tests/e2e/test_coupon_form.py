"""创建新券 with the keyboard alone, in both languages: every error reaches a screen reader, and the coupon is issued in the end."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from backoffice.demo import ACCOUNTS
from core import display
from tests.e2e.conftest import open_context, sign_in, violations
from tests.e2e.product import Product

OWNER = ACCOUNTS[0][0]
ZONE = display.zone("Asia/Shanghai")
#: What is typed wrong, and a piece of what is said about it.
WRONG = {
    "face_value": ("5.005", "USD"),
    "min_order": ("9.99", "10.00"),
    "ends_at": ("2020-01-01 00:00", ""),
    "quota": ("0", "1"),
}


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the element of that id, or the button of that value, has the focus."""
    for _step in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(
            "(wanted) => [document.activeElement.id, document.activeElement.value].includes(wanted)", wanted
        ):
            return
    raise AssertionError(f"no way to {wanted} with Tab")


def write(page: Page, name: str, text: str) -> None:
    tab_to(page, f"id_{name}")
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


@pytest.mark.parametrize(("locale", "code"), [("zh-CN", "KEYS-ZH"), ("en-US", "KEYS-EN")])
def test_a_coupon_is_created_with_the_keyboard_and_each_error_is_heard(
    chromium: Browser, product: Product, locale: str, code: str
) -> None:
    """R54: judged as it is typed, in a polite live region that the field is described by; then issued."""
    page = sign_in(open_context(chromium, product, locale=locale), OWNER)
    page.goto("/s/pinecone/coupons/new/")
    for name, (text, piece) in WRONG.items():
        write(page, name, text)
        page.keyboard.press("Escape")
        page.keyboard.press("Tab")
        field, region = page.locator(f"#id_{name}"), page.locator(f"#live_id_{name}")
        expect(region.locator("li")).to_contain_text(piece or re.compile("."))
        expect(region).to_have_attribute("aria-live", "polite")
        assert f"live_id_{name}" in (field.get_attribute("aria-describedby") or "").split()
        expect(field).to_have_attribute("aria-invalid", "true")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
    page.locator("h1").focus()
    # What depends on a field is judged with it, where the focus stays.
    write(page, "face_value", "25.00")
    write(page, "min_order", "20.00")
    tab_to(page, "id_quota")
    expect(page.locator("#live_id_face_value li")).to_contain_text("20.00")
    expect(page.locator("#id_face_value")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#id_quota")).to_be_focused()
    page.locator("h1").focus()
    ends_at = display.stamp((datetime.now(UTC) + timedelta(days=30)).astimezone(ZONE))
    for name, text in {"face_value": "2.50", "min_order": "20.00", "ends_at": ends_at, "quota": "5"}.items():
        write(page, name, text)
        page.keyboard.press("Escape")
    write(page, "q", "PC-KNT-014-M")
    found = page.locator("#picks input[type=checkbox]")
    expect(found).to_have_count(1)
    tab_to(page, found.get_attribute("value") or "")
    page.keyboard.press("Space")
    expect(page.locator("#live_id_figures")).to_contain_text("PC-KNT-014-M")
    for name in WRONG:
        expect(page.locator(f"#live_id_{name} li")).to_have_count(0)
    write(page, "code", code)
    tab_to(page, "issue")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/s/pinecone/coupons/{code}/")
    expect(page.locator(".bo-head-sub")).to_contain_text("发放中" if locale == "zh-CN" else "Issuing")
    assert violations(page) == []
