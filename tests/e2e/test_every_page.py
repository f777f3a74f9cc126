"""Every page, in both languages, light and dark: no axe violation, nothing the CSP refused, no foreign request, no broken link.

Every page is opened in both languages. axe, which costs more than all the rest, is asked about what it has not been asked about before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urldefrag, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from tests.e2e.conftest import open_context, sign_in
from tests.e2e.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

#: One address stands for all of its shape: rows of a list look alike, and so do rules and codes in each store.
SHAPES = (
    (re.compile(r"C-[0-9A-Z]{5}"), "C-CODE"),
    (re.compile(r"(?<=/orders/)[A-Z][A-Z0-9-]+(?=/)"), "ORDER"),
    (re.compile(r"(?<=/coupons/)[A-Z][A-Z0-9-]+(?=/)"), "COUPON"),
    (re.compile(r"(?<=/sites/)[a-z-]+(?=/)"), "SITE"),
    (re.compile(r"(?<=/)\d+(?=/)"), "N"),
    (re.compile(r"(?<=^/platform/rule-sets/)[a-z_]+(?=/(compare/)?$)"), "RULE"),
    (re.compile(r"^/s/[a-z]+(?=/rules/|/messages/codes/)"), "/s/STORE"),
    # Two stores whole; of the smaller ones each kind of page once.
    (re.compile(r"^/s/(halfhill|newleaf18|riceboat|kitebutton)(?=/)"), "/s/SMALLER"),
)
#: Not pages: files, and what has a test of its own below.
NOT_CRAWLED = re.compile(r"\.(csv|xlsx|json|svg|png|zip)(\?|$)|/export|/logout|^/api/")
#: The Chinese crawl has a group of its own, and with it a product of its own: the two crawls run side by side.
LANGUAGES = ["en-GB", pytest.param("zh-CN", marks=pytest.mark.xdist_group("e2e-chinese"))]
#: Far more than there are: a loop of addresses ends here, and fails.
MOST_PAGES = 400
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: What looks at colours. It costs more than all other rules together, and is the same for all rows of a list.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
#: Rows far down in a list, whose colours are those of the rows above. (All other rules look at every row.)
LIKE_THE_ONES_ABOVE = "tbody > tr:nth-child(n+16), .bo-timeline > li:nth-child(n+16), main > section:nth-of-type(n+16)"
#: What a page is made of, as numbers: each place by its path of elements with classes, roles and states, and the order
#: of headings and landmarks. What axe finds follows from these: nothing is styled by its name, nor in the page (CSP).
PLACES = """
() => {
  const said = new RegExp("^(class|role|type|lang|scope|disabled|open|checked|selected|hidden|tabindex|colspan"
    + "|data-bs-.+|data-theme|data-density|aria-.+)$");
  const named = /^aria-(label|labelledby|describedby|controls|owns|details|activedescendant|errormessage)$/;
  const numbers = new Map();
  const number = (text, seed) => {
    let one = 0xdeadbeef ^ seed, two = 0x41c6ce57 ^ seed;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      one = Math.imul(one ^ code, 2654435761);
      two = Math.imul(two ^ code, 1597334677);
    }
    one = Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(two ^ (two >>> 13), 3266489909);
    two = Math.imul(two ^ (two >>> 16), 2246822507) ^ Math.imul(one ^ (one >>> 13), 3266489909);
    return 4294967296 * (2097151 & two) + (one >>> 0);
  };
  for (const node of document.querySelectorAll("*")) {
    let kind = node.localName;
    for (const {name, value} of node.attributes) {
      kind += said.test(name) && !named.test(name) ? ` ${name}=${value}` : ` ${name}`;
    }
    for (const child of node.childNodes) {
      if (child.nodeType === 3 && child.data.trim()) { kind += " text"; break; }
    }
    const above = numbers.get(node.parentElement) || 0;
    numbers.set(node, number(`${above} ${kind}`, above % 4294967296));
  }
  const order = Array.from(
    document.querySelectorAll("h1,h2,h3,h4,h5,h6,[role=heading],main,nav,header,footer,aside,section[aria-label],form[aria-label]"),
    (node) => node.localName).join(" ");
  return [...new Set([number(order, 1), ...numbers.values()])];
}
"""
#: What axe finds: by day all rules, by night those about colours; where a list is long, the colours of its first rows.
AXE = """
async ([scheme, rules, colours, rest]) => {
  const ask = {resultTypes: ["violations"]};
  const some = document.querySelector(rest) ? {exclude: [rest]} : document;
  const runs = [];
  if (scheme === "light" && some === document) {
    runs.push(await axe.run(document, {...ask, runOnly: rules}));
  } else {
    if (scheme === "light") {
      const without = Object.fromEntries(colours.map((rule) => [rule, {enabled: false}]));
      runs.push(await axe.run(document, {...ask, runOnly: rules, rules: without}));
    }
    runs.push(await axe.run(some, {...ask, runOnly: colours}));
  }
  return runs.flatMap((run) => run.violations).map(
    (found) => `axe ${found.id} ${found.impact} ${found.nodes.slice(0, 3).map((node) => node.target).join(" ")}`);
}
"""
#: Asked of every page: what its CSP refused, and where its links lead.
REST = """
() => ({
  refused: (window.__violations || []).map((refused) => `CSP ${refused}`),
  links: Array.from(document.querySelectorAll("a[href]"), (link) => link.href),
})
"""


def shape(address: str) -> str:
    """The address without what differs between rows."""
    path = urlparse(address).path
    for pattern, name in SHAPES:
        path = pattern.sub(name, path)
    return path


def kind(name: str) -> str:
    """The shape without its store, and one for all sets of rules: pages of one template."""
    return re.sub(r"(?<=^/s/STORE/rules/)\w+", "SET", re.sub(r"^/(s|shop)/\w+/", r"/\1/STORE/", name))


@dataclass
class Look:
    """One language: what has been asked of axe, light and dark, so that nothing is asked twice."""

    kinds: set[str] = field(default_factory=set)
    places: set[int] = field(default_factory=set)

    def at(self, page: Page, name: str) -> tuple[list[str], list[str]]:
        """What is wrong with the page that is open, and the addresses that it leads to.

        axe runs for the first page of each kind, and for every other that holds a place none before it held.
        """
        told = page.evaluate(REST)
        places = set(page.evaluate(PLACES))
        faults = list(told["refused"])
        if kind(name) not in self.kinds or not places <= self.places:
            page.evaluate(Axe().axe_script)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                found = page.evaluate(AXE, [scheme, RULES, COLOUR_RULES, LIKE_THE_ONES_ABOVE])
                faults += [f"{scheme}: {fault}" for fault in found]
            page.emulate_media(color_scheme="light")
            faults += [fault for fault in page.evaluate(REST)["refused"] if fault not in faults]
        self.kinds.add(kind(name))
        self.places |= places
        return [f"{name}: {fault}" for fault in faults], told["links"]


def crawl(page: Page, product: Product, starts: list[str], within: str = "/") -> tuple[set[str], list[str]]:
    """Visit every shape of page below `within` that links lead to from `starts`.

    Answers the shapes, and what was wrong, page by page.
    """
    faults: list[str] = []
    look = Look()

    def note(response: Response) -> None:
        if not response.url.startswith((product.base, "data:")):
            faults.append(f"{shape(page.url)}: foreign request {response.url}")

    page.on("response", note)
    seen: set[str] = set()
    waiting = [product.base + start for start in starts]
    while waiting:
        address = waiting.pop(0)
        name = shape(address)
        if name in seen:
            continue
        seen.add(name)
        assert len(seen) <= MOST_PAGES, sorted(seen)
        answer = page.goto(address)
        if answer is None or answer.status >= 400:
            faults.append(f"{name}: {answer.status if answer else 'no answer'}")
            continue
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        found, links = look.at(page, name)
        faults += found
        paths = (urldefrag(link)[0].removeprefix(product.base) for link in links)
        waiting += [product.base + path for path in paths if path.startswith(within) and not NOT_CRAWLED.search(path)]
    return seen, faults


@pytest.fixture(params=LANGUAGES)
def window(request: pytest.FixtureRequest, chromium: Browser, product: Product) -> Iterator[BrowserContext]:
    """A window in one language. Nothing moves, so that no look is taken half-way between light and dark."""
    context = open_context(
        chromium,
        product,
        locale=request.param,
        color_scheme="light",
        reduced_motion="reduce",
        viewport={"width": 1280, "height": 900},
    )
    yield context
    context.close()


def test_every_page_of_an_owner(window: BrowserContext, product: Product) -> None:
    page = sign_in(window, "owner@demo.test")
    seen, faults = crawl(page, product, ["/s/pinecone/", "/s/pinecone/campaigns/", "/s/riverlamp/"])
    assert faults == []
    for store in ("pinecone", "riverlamp"):
        assert {f"/s/{store}/campaigns/C-CODE/", f"/s/{store}/listings/N/", f"/s/{store}/orders/ORDER/"} <= seen


def test_every_page_of_platform_staff(window: BrowserContext, product: Product) -> None:
    page = sign_in(window, "admin@demo.test")
    starts = ["/platform/", "/platform/new/", "/platform/pinecone/"]
    seen, faults = crawl(page, product, starts, within="/platform/")
    assert faults == []
    assert set(starts) <= seen


def test_the_signed_out_pages(window: BrowserContext, product: Product) -> None:
    page = window.new_page()
    faults: list[str] = []
    look = Look()
    for address, status in (
        ("/account/login/", 200),
        ("/account/password/reset/", 200),
        ("/nothing-here/", 404),
        ("/api/v1/docs", 200),
    ):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == status, address
        faults += look.at(page, address)[0]
    assert faults == []


def test_the_brake_works_without_javascript(chromium: Browser, product: Product) -> None:
    """Sign in, filter, pause, resume, cancel and take back with scripts switched off."""
    context = open_context(chromium, product, locale="en-GB", java_script_enabled=False)
    page = sign_in(context, "owner@demo.test")
    page.goto("/s/halfhill/campaigns/")
    page.locator("input[name=q]").fill("Mid-Autumn")
    page.get_by_role("button", name="Query").click()
    page.wait_for_url(re.compile(r"[?&]q=Mid-Autumn"))
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Mid-Autumn Lights").click()
    page.get_by_role("link", name="Pause (can resume)").first.click()
    page.locator("select[name=reason]").select_option("season")
    page.get_by_role("button", name="Pause (can resume)").click()
    expect(page.locator("body")).to_contain_text("What buyers see now")
    page.get_by_role("button", name="Resume").first.click()
    code = page.url.rstrip("/").rsplit("/", 1)[1]
    page.goto(f"/s/halfhill/campaigns/{code}/stop/")
    page.get_by_role("link", name="On to the checks of the permanent cancel").click()
    page.locator("select[name=reason]").select_option("other")
    page.locator("textarea[name=note]").fill("scripts are off")
    page.locator("input[name=confirm_code]").fill(code)
    page.get_by_role("button", name="Cancel campaign permanently").click()
    expect(page.locator("body")).to_contain_text("Off for buyers now")
    page.get_by_role("button", name="Take back the cancel").first.click()
    expect(page.locator("body")).to_contain_text("The cancel is taken back.")
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
