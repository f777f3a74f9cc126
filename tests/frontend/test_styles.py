"""CSS and script budgets, features that the oldest promised browsers lack, contrast of every token pair."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
CSS = (STATIC / "app" / "app.css").read_text()
BANNED = {
    ":has()": r":has\(",
    "color-mix": r"color-mix\(",
    "oklch": r"\bokl(?:ch|ab)\(",
    "light-dark": r"light-dark\(",
    "subgrid": r"\bsubgrid\b",
    "popover": r":popover-open|\[popover",
    "nesting": r"\{[^{}]*(?:&|\n\s*[.#:>][^;{}]*)\{",
}


def size(*paths: str) -> int:
    """Bytes after gzip, file by file, as they travel."""
    return sum(len(gzip.compress((STATIC / path).read_bytes(), 9)) for path in paths)


def stylesheets() -> list[Path]:
    return sorted(STATIC.rglob("*.css"))


@pytest.mark.parametrize("path", stylesheets(), ids=lambda path: path.name)
@pytest.mark.parametrize("feature", [name for name in BANNED if name != "nesting"])
def test_no_feature_newer_than_the_floor(path, feature):
    assert not re.search(BANNED[feature], path.read_text())


def without_media(css: str) -> str:
    """The rules of media queries and keyframes lifted out of their braces."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    return re.sub(r"@(?:media|keyframes)[^{]*\{((?:[^{}]*\{[^{}]*\})*)\s*\}", r"\1", css)


def test_our_styles_do_not_nest():
    assert not re.search(r"\{[^{}]*\{", without_media(CSS))


@pytest.mark.parametrize(
    ("feature", "sample"),
    [(":has()", "a:has(b){}"), ("color-mix", "a{b:color-mix(in srgb, c, d)}"), ("oklch", "a{b:oklch(1 2 3)}"),
     ("light-dark", "a{b:light-dark(c,d)}"), ("subgrid", "a{b:subgrid}"), ("popover", "a:popover-open{}")],
)  # fmt: skip
def test_the_ban_would_notice(feature, sample):
    assert re.search(BANNED[feature], sample)


def test_nesting_would_be_noticed():
    assert re.search(r"\{[^{}]*\{", without_media("@media (x) { .a { .b { c: d } } }"))


def test_our_classes_carry_the_prefix():
    foreign = re.compile(r"htmx-|flatpickr|ts-|errorlist|active|item|prevMonthDay|nextMonthDay|today|selected")
    names = set(re.findall(r"\.(-?[a-zA-Z][\w-]*)(?=[^{}]*\{)", re.sub(r"/\*.*?\*/|\{[^{}]*\}", "{}", CSS, flags=re.S)))
    assert sorted(name for name in names if not name.startswith("bo-") and not foreign.match(name)) == []


def test_budgets():
    modules = [f"app/{path.name}" for path in (STATIC / "app").glob("*.js")]
    assert size("app/app.css") <= 10 * 1024
    assert size(*modules) <= 12 * 1024
    core = ["vendor/htmx-2.0.11/htmx.min.js", "vendor/idiomorph-0.8.0/idiomorph-ext.min.js", *modules]
    assert size(*core) <= 65 * 1024
    assert size("vendor/bootstrap-5.3.9/bootstrap.min.css", "app/app.css") <= 45 * 1024


def tokens(selector: str) -> dict[str, str]:
    block = re.search(re.escape(selector) + r" \{(.*?)\n\}", CSS, flags=re.S)
    assert block
    return dict(re.findall(r"--bo-([\w-]+): (#[0-9a-f]{3,6});", block[1]))


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TEXT = [
    *((ink, ground) for ink in ("text", "muted", "brand", "danger", "pause") for ground in ("bg", "surface")),
    *((ink, "hover") for ink in ("text", "brand", "pause")),
    ("brand", "brand-bg"), ("text", "brand-bg"), ("on-brand", "brand"), ("on-danger", "danger"),
    *((state, f"{state}-bg") for state in ("draft", "review", "sched", "run", "paused", "cancel", "block")),
]  # fmt: skip


@pytest.mark.parametrize("scheme", [":root", '[data-bs-theme="dark"]'])
def test_text_has_contrast_4_5_and_controls_3(scheme):
    found = tokens(scheme)
    thin = [(ink, ground) for ink, ground in TEXT if contrast(found[ink], found[ground]) < 4.5]
    assert thin == []
    assert contrast(found["ctl"], found["surface"]) >= 3
