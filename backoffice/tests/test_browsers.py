"""R18: old browsers are told, promised ones are left alone; what breaks a page is told; nothing of ours looks like advertising."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backoffice.browsers import outdated
from policies.rules import BrowserRules
from tests.factories import make_store, owner_of
from tests.rights.discovery import addresses

ROOT = Path(__file__).resolve().parent.parent.parent
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
)
EDGE = CHROME + " Edg/{}.0.1587.41"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME.format(109), "Chrome 109"),
        (CHROME.format(110), None),
        (CHROME.format(140), None),
        (EDGE.format(109, 109), "Edge 109"),
        (EDGE.format(110, 110), None),
        (CHROME.format(60) + " Edge/16.16299", "Edge 16"),
        (FIREFOX.format(114), "Firefox 114"),
        (FIREFOX.format(115), None),
        ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15", None),
        ("curl/8.5", None),
        ("", None),
        ("Chrome/99999999999999999999", None),
    ],
)
def test_which_browsers_are_too_old(agent, name):
    found = outdated(agent, BrowserRules())
    assert (found.name if found else None) == name


@pytest.mark.parametrize(("version", "told"), [(109, True), (110, False)])
def test_an_old_browser_is_told_on_every_page_without_a_script(client, db, version, told):
    store = make_store()
    answers = [client.get("/account/login/", headers={"User-Agent": CHROME.format(version)})]
    client.force_login(owner_of(store))
    answers.append(client.get(f"/s/{store.slug}/campaigns/", headers={"User-Agent": CHROME.format(version)}))
    for answer in answers:
        assert ("Chrome 109 is too old for this site" in answer.content.decode()) is told


AD_LIKE = re.compile(
    r"(^|[-_/.\s])(ads?|adverts?|advertis\w*|banner-?ads?|sponsor\w*|doubleclick|adserver|popunder)([-_/.\s]|$)", re.I
)


def test_no_address_file_or_class_looks_like_advertising():
    """Filter lists match such names; then a page breaks for people who block advertising."""
    names = {f"/{one.route}" for one in addresses()}
    names |= {str(path.relative_to(ROOT)) for path in (ROOT / "static" / "app").rglob("*")}
    for template in (ROOT / "templates").rglob("*.html"):
        text = template.read_text()
        names |= {name for found in re.findall(r'\b(?:class|id)="([^"{]*)"', text) for name in found.split()}
    names |= set(re.findall(r"\.([A-Za-z][\w-]*)", (ROOT / "static" / "app" / "app.css").read_text()))
    assert sorted(name for name in names if AD_LIKE.search(name)) == []
