"""Pause and the permanent cancel can be told apart without colour, in both languages: by words, by glyph, by shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from campaigns import stopping
from campaigns.models import Campaign
from core.scopes import in_store
from tests import factories as make

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]

#: What each must say, by language, and what else may speak of a cancel.
WORDS = {"en": ("pause", "cancel", "permanent"), "zh-hans": ("暂停", "取消", "永久")}
TAKING_BACK = ("take back the cancel", "撤回取消")
RESUMABLE = ("can resume", "可恢复", "instead", "改为", "not sure", "不确定")


@dataclass
class Control:
    """A link or button: its words, glyphs and classes."""

    tag: str
    classes: set[str]
    text: str = ""
    glyphs: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return " ".join(self.text.split()).lower()


class _Controls(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Control] = []
        self._open: list[Control] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag in ("a", "button"):
            self._open.append(Control(tag, set((values.get("class") or "").split())))
        elif tag == "use" and self._open:
            self._open[-1].glyphs.append((values.get("href") or "").rpartition("#")[2])

    def handle_endtag(self, tag):
        if tag in ("a", "button") and self._open:
            self.found.append(self._open.pop())

    def handle_data(self, data):
        if self._open:
            self._open[-1].text += data


@pytest.fixture
def pages():
    """Every page that offers to stop something, and the client of its owner."""
    store = make.make_store("apart")
    with in_store(store.pk):
        make.decorate(store)
        skus = make.make_skus(store, 2)
        running = make.make_campaign(store, skus, stacks=True)
        paused, scheduled = (
            make.make_campaign(store, skus, state=state, stacks=True) for state in ("paused", "scheduled")
        )
        held = make.make_campaign(store, skus, stacks=True)
        stopping.cancel(store, held.code, confirm_code=held.code, actor=make.actor_for(make.owner_of(store)))
    client = Client()
    client.force_login(make.owner_of(store))

    def address(name: str, campaign: Campaign | None = None) -> str:
        return reverse(name, kwargs={"store": "apart"} | ({"code": campaign.code} if campaign else {}))

    def walk(language: str) -> Iterator[tuple[str, str]]:
        client.cookies["django_language"] = language
        client.post(reverse("set_language"), {"language": language})
        for name in ("dashboard", "campaigns:list"):
            yield name, client.get(address(name)).content.decode()
        for campaign in (running, paused, scheduled, held):
            for name in ("campaigns:detail", "campaigns:stop"):
                yield f"{name} {campaign.state}", client.get(address(name, campaign)).content.decode()
        stop = client.get(address("campaigns:stop", running)).content.decode()
        via = re.search(r"/cancel/\?via=([^\"]+)", stop)
        assert via
        cancel = client.get(f"{address('campaigns:cancel', running)}?via={via[1]}")
        assert cancel.status_code == 200
        yield "campaigns:cancel", cancel.content.decode()
        chosen = {"action": "pause", "pick": [running.code]}
        yield "campaigns:bulk", client.post(address("campaigns:bulk"), chosen, follow=True).content.decode()
        yield "campaigns:stop_all", client.get(address("campaigns:stop_all")).content.decode()
        yield "campaigns:closing", client.get(address("campaigns:closing", held)).content.decode()

    yield walk
    translation.deactivate()  # the client's last language must not reach the next test


def _controls(page: str) -> list[Control]:
    parser = _Controls()
    parser.feed(page.partition("<main")[2])
    return parser.found


@pytest.mark.parametrize("language", list(WORDS))
def test_words_and_glyphs_agree_on_every_page_that_stops_something(pages, language):
    pause, cancel, for_good = WORDS[language]
    seen = {"pause": 0, "cancel": 0}
    for name, page in pages(language):
        for control in _controls(page):
            words, glyphs = control.words, set(control.glyphs)
            if any(one in words for one in TAKING_BACK):
                assert "octagon" not in glyphs, (name, words)
                continue
            if "octagon" in glyphs or control.classes & {"bo-btn-danger", "bo-menu-final"}:
                assert for_good in words, f"{name}: a stop sign that does not say permanently: {words!r}"
            if "pause" in glyphs or control.classes & {"bo-btn-pause", "bo-menu-pause"}:
                assert pause in words, f"{name}: a pause sign that does not say pause: {words!r}"
                assert any(one in words for one in RESUMABLE), f"{name}: {words!r} does not say that it can come back"
            says_cancel, says_pause = cancel in words and for_good in words, pause in words and cancel not in words
            if control.tag == "button" or control.classes & {"bo-btn", "bo-menu-item"}:
                assert cancel not in words or for_good in words, f"{name}: a lone word on {words!r}"
                if says_cancel:
                    assert "octagon" in glyphs, f"{name}: {words!r} without its stop sign"
                    assert "pause" not in glyphs
                    seen["cancel"] += 1
                if says_pause and control.classes & {"bo-btn", "bo-menu-item"} and "?" not in words:
                    assert "octagon" not in glyphs, f"{name}: {words!r} with a stop sign"
                    seen["pause"] += "pause" in glyphs
    assert min(seen.values()) >= 5, f"the pages were not read: {seen}"


@pytest.mark.parametrize("language", list(WORDS))
def test_only_the_final_button_is_solid(pages, language):
    for name, page in pages(language):
        solid = [control for control in _controls(page) if "bo-btn-danger" in control.classes]
        assert len(solid) == (1 if name == "campaigns:cancel" else 0), name
        if solid:
            pausing = [control for control in _controls(page) if "bo-btn-pause" in control.classes]
            assert pausing, "the way to a pause stands on the cancel page too"
            assert not any("bo-btn-danger" in control.classes for control in pausing)


def _tokens(css: str, theme: str) -> dict[str, str]:
    block = css.partition('[data-bs-theme="dark"]' if theme == "dark" else ":root")[2].partition("}")[0]
    return dict(re.findall(r"--bo-([a-z-]+):\s*(#[0-9a-fA-F]{3,6})", block))


def _grey(colour: str) -> float:
    """Relative luminance (WCAG), which is what a picture without colour keeps."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_grey(one), _grey(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_shapes_differ_in_grey(theme):
    """An outline on the surface here, a filled block there: the fills are far apart in luminance, whatever the hue."""
    css = (ROOT / "static" / "app" / "app.css").read_text()
    tokens = _tokens(css, "light") | _tokens(css, theme)
    pause = re.search(r"\.bo-btn-pause \{([^}]*)\}", css)
    danger = re.search(r"\.bo-btn-danger \{([^}]*)\}", css)
    assert pause
    assert danger
    assert "background" not in pause[1], "a pause is an outline"
    assert "background: var(--bo-danger)" in danger[1], "the final button is solid"
    assert _contrast(tokens["danger"], tokens["surface"]) >= 4.5
    assert _contrast(tokens["danger"], tokens["on-danger"]) >= 4.5
    assert _contrast(tokens["pause"], tokens["surface"]) >= 4.5


def test_the_glyphs_are_two_shapes():
    (sprite,) = (ROOT / "static").rglob("*sprite*.svg")
    shapes = dict(re.findall(r'<symbol id="([a-z-]+)"[^>]*>(.*?)</symbol>', sprite.read_text(), re.S))
    assert shapes["pause"] != shapes["octagon"]
    assert len({shapes[name] for name in ("pause", "octagon", "undo", "play")}) == 4
