"""The frame and every component, rendered and driven: words, CSP, axe, keyboard, batch bar, countdowns, polling."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page, expect

from tools.messages import LONE

DOORS = (
    "account:login",
    "account:password_reset",
    "shell:preferences",
    "404",
    "500",
    "429",
    "403_csrf",
)
ERRORS: dict[Page, list[str]] = {}
WATCH = "addEventListener('securitypolicyviolation', e => (window.csp = window.csp || []).push(e.violatedDirective + e.blockedURI))"


class _Texts(HTMLParser):
    """The texts and spoken labels of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._skip = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skip += tag in ("script", "style")
        self.found += [
            value for name, value in attrs if value and name in ("aria-label", "title", "placeholder", "alt", "value")
        ]

    def handle_endtag(self, tag: str) -> None:
        self._skip -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._skip and data.strip():
            self.found.append(data.strip())


def texts(html: str) -> list[str]:
    parser = _Texts()
    parser.feed(html)
    return parser.found


def path_of(page: str) -> str:
    return f"/{page}/" if page in ("style", "list") else f"/door/{page}/"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("page", ["style", *DOORS])
def test_pages_speak_one_language_and_never_a_lone_cancel(style_site, page, language):
    response = Client().get(path_of(page), headers={"Accept-Language": language})
    found = texts(response.content.decode())
    assert [text for text in found if LONE.match(text)] == []
    assert f'<html lang="{"zh-Hans" if language == "zh-hans" else "en"}"' in response.content.decode()
    if language == "en":
        assert [text for text in found if re.search("[㐀-鿿]", text)] == ["中文"] * found.count("中文")


def opened(chromium, address: str, *, locale: str = "en-US", scheme: str = "light", width: int = 1280, **extra) -> Page:
    context = chromium.new_context(
        locale=locale, color_scheme=scheme, viewport={"width": width, "height": 900}, **extra
    )
    page = context.new_page()
    page.add_init_script(WATCH)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(address, wait_until="load")
    ERRORS[page] = errors
    return page


LOOKS = [
    *(
        ("style", locale, scheme, width)
        for scheme in ("light", "dark")
        for locale, width in (("zh-CN", 1280), ("en-US", 390))
    ),
    ("style", "zh-CN", "light", 320),
    *(
        (door, *look)
        for door in ("account:login", "shell:preferences", "404")
        for look in (("zh-CN", "light", 1280), ("en-US", "dark", 320))
    ),
]


@pytest.mark.e2e
@pytest.mark.parametrize(("name", "locale", "scheme", "width"), LOOKS)
def test_axe_csp_and_reflow(chromium, style_server, name, locale, scheme, width):
    page = opened(chromium, style_server + path_of(name), locale=locale, scheme=scheme, width=width)
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["impact"], [node["target"] for node in v["nodes"]]) for v in found] == []
    assert page.evaluate("window.csp || []") == []
    assert ERRORS.pop(page) == []
    assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "must reflow"
    page.context.close()


@pytest.mark.e2e
def test_batch_bar_offers_all_that_match_once_the_page_is_picked(chromium, style_server):
    page = opened(chromium, style_server + "/list/")
    bar = page.locator("[data-bulk]")
    expect(bar).to_be_hidden()
    boxes = page.locator("[data-bulk-row]")
    boxes.nth(0).check()
    expect(bar).to_contain_text("1 selected")
    expect(page.locator("[data-bulk-all]")).to_be_hidden()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(bar).to_contain_text("4 selected")
    page.locator("[data-bulk-page]").check()
    page.locator("[data-bulk-all]").check()
    expect(bar).to_contain_text("1,284 selected")
    bar.get_by_role("button", name="Pause (can resume)").click()
    page.wait_for_url("**/taken/")
    sent = page.locator("body").inner_text()
    assert "all=1" in sent
    assert sent.count("pick=") == 5
    assert "filter=state%3Drunning" in sent
    page.context.close()


@pytest.mark.e2e
def test_without_scripts_the_batch_bar_is_a_form(chromium, style_server):
    page = opened(chromium, style_server + "/list/", java_script_enabled=False)
    page.locator("[data-bulk-row]").nth(1).check()
    page.locator("[data-bulk]").get_by_role("button", name="Pause (can resume)").click()
    page.wait_for_url("**/taken/")
    sent = page.locator("body").inner_text()
    assert "pick=C-7F3K2" in sent
    assert "all=" not in sent
    page.context.close()


@pytest.mark.e2e
def test_polling_goes_on_until_the_answer_stops_asking(chromium, style_server):
    page = opened(chromium, style_server + "/list/")
    expect(page.locator("#poll")).to_have_text("3")
    expect(page.locator("#poll")).not_to_have_attribute("hx-get", re.compile(""))
    page.context.close()


@pytest.mark.e2e
def test_lock_waits_by_the_servers_clock_and_lets_go(chromium, style_server):
    page = opened(chromium, style_server + "/list/")
    button, lock = page.locator("#waits"), page.locator("[data-lock]")
    expect(button).to_have_attribute("aria-disabled", "true")
    page.evaluate(
        "document.querySelector('[data-lock] time').dateTime = document.querySelector('meta[name=bo-now]').content"
    )
    expect(lock).to_be_hidden()
    expect(button).not_to_have_attribute("aria-disabled", re.compile(""))
    expect(page.locator("#bo-live")).to_have_text("The button works again")
    page.context.close()


@pytest.mark.e2e
def test_keys_move_select_and_go_but_stay_silent_while_typing(chromium, style_server):
    page = opened(chromium, style_server + "/list/")
    at = page.locator("tr.bo-at")
    page.keyboard.press("j")
    expect(at).to_have_count(1)
    page.keyboard.press("j")
    expect(at.locator("code, .bo-sub").first).to_have_text("C-7F3K2")
    page.keyboard.press("x")
    expect(at.locator("[data-bulk-row]")).to_be_checked()
    page.keyboard.press("Control+k")
    expect(page.locator("#bo-palette-list")).to_be_visible()
    page.keyboard.type("riverlamp")
    expect(page.locator("#bo-palette-list [role=option]").first).to_have_text(re.compile("^\\s*Riverlamp Digital"))
    page.keyboard.press("Escape")
    expect(page.locator("#bo-palette-list")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("#bo-keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#bo-keys")).to_be_hidden()
    page.evaluate("document.documentElement.dataset.shortcuts = 'off'")
    page.keyboard.press("j")
    expect(at.locator(".bo-sub").first).to_have_text("C-7F3K2")
    assert not page.evaluate("[...document.querySelectorAll('[data-palette]')].some(a => /cancel/i.test(a.href))")
    page.context.close()


@pytest.mark.e2e
def test_refusals_stand_in_the_alerts_and_failures_say_how_to_go_on(chromium, style_server):
    page = opened(chromium, style_server + "/list/")
    page.locator("#refuse").click()
    page.locator("#bo-alerts", has_text="ERR_OPERATION_LOCKED").wait_for()
    assert page.locator("#list").count() == 1
    page.locator("#broken").click()
    page.locator("#bo-alerts", has_text="502").wait_for()
    expect(page.locator("#bo-alerts").get_by_role("button", name="Try again")).to_be_visible()
    page.context.close()


@pytest.mark.e2e
def test_calendar_unsaved_changes_and_menus(chromium, style_server):
    page = opened(chromium, style_server + "/list/", locale="zh-CN")
    field = page.locator("#id_at")
    field.focus()
    page.locator(".flatpickr-calendar.open").wait_for()
    assert page.evaluate("window.csp || []") == []
    page.keyboard.press("Escape")
    field.fill("2026-11-28 09:00")
    expect(page.locator("span[data-dirty]")).to_be_visible()
    for typed, kept in (
        ("2026-02-31 10:00", "2026-02-31 10:00"),
        ("tomorrow", "tomorrow"),
        ("2026-2-3 9:00", "2026-02-03 09:00"),
    ):
        field.fill(typed)
        field.blur()
        assert field.input_value() == kept, "what is no date stays as typed, for the server to call it wrong"
    field.fill("")
    field.blur()
    assert field.input_value() == ""
    menu = page.locator("details[data-menu]", has_text="更多").first
    menu.locator("summary").click()
    expect(menu.get_by_text("不可恢复")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu.get_by_text("不可恢复")).to_be_hidden()
    page.context.close()


@pytest.mark.e2e
def test_the_menu_opens_on_a_phone_with_and_without_scripts(chromium, style_server):
    for scripts in (True, False):
        page = opened(chromium, style_server + "/list/", width=390, java_script_enabled=scripts)
        link = page.locator(".bo-nav").get_by_role("link", name="Campaigns", exact=True)
        expect(link).to_be_hidden()
        page.locator("[data-nav-open]").click()
        expect(link).to_be_visible()
        page.locator("[data-nav-close]").click()
        expect(link).to_be_hidden()
        page.context.close()


@pytest.mark.e2e
def test_brightness_changes_at_once(chromium, style_server):
    page = opened(chromium, style_server + "/list/")
    page.locator(".bo-top button[name=theme][value=dark]").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.locator(".bo-top button[name=theme][value=dark]")).to_have_attribute("aria-pressed", "true")
    page.context.close()
