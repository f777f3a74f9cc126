"""Every page, in both languages, light and dark: no axe violation, nothing the CSP refused, no foreign request, no broken link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response

from tests.e2e.conftest import Product, open_context, sign_in, violations

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

#: One address stands for all of its shape: rows of a list look alike.
SHAPES = (
    (re.compile(r"C-[0-9A-Z]{5}"), "C-CODE"),
    (re.compile(r"(?<=/)\d+(?=/)"), "N"),
    (re.compile(r"\?.*"), ""),
)
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
MOST_PAGES = 60
#: Each language and each scheme once; colours do not depend on the language.
LOOKS = [("en-GB", "light"), ("zh-CN", "dark")]


def shape(address: str) -> str:
    """The address without what differs between rows."""
    path = urlparse(address).path
    for pattern, name in SHAPES:
        path = pattern.sub(name, path)
    return path


def links(page: Page, base: str) -> list[str]:
    """Addresses of this origin that a reader could follow; files and other origins are left out."""
    found = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    clean = [urldefrag(urljoin(page.url, href))[0] for href in found]
    return [
        href
        for href in clean
        if href.startswith(base) and not re.search(r"\.(csv|xlsx|json|svg|png)(\?|$)|/export", href)
    ]


@pytest.fixture(params=LOOKS, ids=["-".join(look) for look in LOOKS])
def window(request: pytest.FixtureRequest, chromium: Browser, product: Product) -> Iterator[BrowserContext]:
    """A window in one language and one colour scheme."""
    locale, scheme = request.param
    context = open_context(
        chromium, product, locale=locale, color_scheme=scheme, viewport={"width": 1280, "height": 900}
    )
    yield context
    context.close()


def crawl(page: Page, product: Product, starts: list[str]) -> list[str]:
    """Visit every shape of page that links lead to from `starts`; answers what was wrong, page by page."""
    faults: list[str] = []
    foreign: list[str] = []

    def note(response: Response) -> None:
        if not response.url.startswith((product.base, "data:")):
            foreign.append(response.url)

    page.on("response", note)
    seen: set[str] = set()
    waiting = [urljoin(product.base, start) for start in starts]
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        if shape(address) in seen:
            continue
        seen.add(shape(address))
        answer = page.goto(address)
        name = shape(address)
        if answer is None or answer.status >= 400:
            faults.append(f"{name}: {answer.status if answer else 'no answer'}")
            continue
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        faults += [f"{name}: CSP {refused}" for refused in violations(page)]
        for violation in Axe().run(page, options=AXE).response["violations"]:
            where = [node["target"] for node in violation["nodes"][:3]]
            faults.append(f"{name}: axe {violation['id']} {violation['impact']} {where}")
        waiting += [link for link in links(page, product.base) if shape(link) not in seen and "/logout" not in link]
    assert len(seen) > 15, f"only {sorted(seen)} were found"
    return faults + [f"foreign request {address}" for address in foreign]


def test_every_page_of_an_owner(window: BrowserContext, product: Product) -> None:
    page = sign_in(window, "owner@demo.test")
    assert crawl(page, product, ["/s/pinecone/", "/s/pinecone/campaigns/"]) == []


def test_every_page_of_platform_staff(chromium: Browser, product: Product) -> None:
    context = open_context(chromium, product, locale="zh-CN")
    page = sign_in(context, "admin@demo.test")
    faults = []
    for address in ("/platform/", "/platform/new/", "/platform/pinecone/"):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        faults += violations(page)
        faults += [str(found["id"]) for found in Axe().run(page, options=AXE).response["violations"]]
    context.close()
    assert faults == []


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_the_signed_out_pages(chromium: Browser, product: Product, locale: str) -> None:
    context = open_context(chromium, product, locale=locale)
    page = context.new_page()
    faults = []
    for address, status in (
        ("/account/login/", 200),
        ("/account/password/reset/", 200),
        ("/nothing-here/", 404),
        ("/api/v1/docs", 200),
    ):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == status, address
        faults += violations(page)
        faults += [f"{address} {found['id']}" for found in Axe().run(page, options=AXE).response["violations"]]
    context.close()
    assert faults == []


def test_the_brake_works_without_javascript(chromium: Browser, product: Product) -> None:
    """Sign in, filter, pause, resume, cancel and take back with scripts switched off."""
    context = open_context(chromium, product, locale="en-GB", java_script_enabled=False)
    page = sign_in(context, "owner@demo.test")
    page.goto("/s/riverlamp/campaigns/")
    page.locator("input[name=q]").fill("Dash-Cam")
    page.get_by_role("button", name="Query").click()
    assert page.locator("tbody tr").count() == 1
    page.get_by_role("link", name="Dash-Cam Week").click()
    page.get_by_role("link", name="Pause (can resume)").first.click()
    page.locator("select[name=reason]").select_option("season")
    page.get_by_role("button", name="Pause (can resume)").click()
    assert "What buyers see now" in page.content()
    page.get_by_role("button", name="Resume").first.click()
    code = page.url.rstrip("/").rsplit("/", 1)[1]
    page.goto(f"/s/riverlamp/campaigns/{code}/stop/")
    page.get_by_role("link", name="On to the checks of the permanent cancel").click()
    page.locator("select[name=reason]").select_option("other")
    page.locator("textarea[name=note]").fill("scripts are off")
    page.locator("input[name=confirm_code]").fill(code)
    page.get_by_role("button", name="Cancel campaign permanently").click()
    assert "Off for buyers now" in page.content()
    page.get_by_role("button", name="Take back the cancel").first.click()
    assert "The cancel is taken back." in page.content()
    context.close()


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_nothing_is_lost_on_a_narrow_screen(chromium: Browser, product: Product, locale: str) -> None:
    """320 px wide: no page scrolls sideways (WCAG 1.4.10)."""
    context = open_context(chromium, product, locale=locale, viewport={"width": 320, "height": 700})
    page = sign_in(context, "owner@demo.test")
    wide = []
    for address in (
        "/s/pinecone/",
        "/s/pinecone/campaigns/",
        "/s/pinecone/campaigns/new/",
        "/s/pinecone/listings/",
        "/s/pinecone/audit/",
    ):
        page.goto(address)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"):
            wide.append(address)
    context.close()
    assert wide == []
