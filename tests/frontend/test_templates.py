"""Templates hold nothing that the CSP forbids or htmx 4 drops, and no lone 取消."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import vendor

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
LINTS = {
    "inline style": r"\sstyle\s*=",
    "style element": r"<style\b",
    "inline handler": r"\son[a-z]+\s*=",
    "javascript: address": r"javascript:",
    "inline script": r"<script\b(?![^>]*\bsrc=)(?![^>]*type=\"application/(?:ld\+json|json)\")",
    "hx-on": r"\bhx-on\b",
    "script in hx-vals or hx-headers": r"hx-(?:vals|headers)\s*=\s*[\"']\s*js:",
    "trigger filter": r"hx-trigger\s*=\s*[\"'][^\"']*\[",
    "object-config morph": r"hx-swap\s*=\s*[\"']morph:\{",
    "foreign address of a file": r"<(?:script|link|img)\b[^>]*(?:src|href)\s*=\s*[\"'](?:https?:)?//",
    "Django comment left open": r"\{#[^#]*\n[^#]*#\}",
    "autoescape off": r"\{% autoescape off",
}
SAMPLES = {
    "inline style": '<p style="color:red">',
    "style element": "<style>p{}</style>",
    "inline handler": '<p onclick="x()">',
    "javascript: address": '<a href="javascript:x()">',
    "inline script": "<script>x()</script>",
    "hx-on": '<p hx-on:click="x()">',
    "script in hx-vals or hx-headers": "<p hx-vals='js:{a: 1}'>",
    "trigger filter": '<p hx-trigger="click[ctrlKey]">',
    "object-config morph": "<p hx-swap=\"morph:{morphStyle:'outerHTML'}\">",
    "foreign address of a file": '<script src="https://cdn.example/x.js"></script>',
    "Django comment left open": "{# one\ntwo #}",
    "autoescape off": "{% autoescape off %}",
}


@pytest.mark.parametrize("lint", LINTS)
def test_no_template_holds(lint):
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in TEMPLATES
        if (match := re.search(LINTS[lint], path.read_text(), re.IGNORECASE))
    }
    assert found == {}


@pytest.mark.parametrize("lint", LINTS)
def test_the_lint_would_notice(lint):
    assert re.search(LINTS[lint], SAMPLES[lint], re.IGNORECASE)


@pytest.mark.parametrize(
    "innocent", ['<script src="/a.js"></script>', '<script type="application/ld+json">{}</script>', '<a data-on="x">']
)
def test_the_lint_leaves_alone(innocent):
    assert not any(re.search(pattern, innocent, re.IGNORECASE) for pattern in LINTS.values())


def test_python_writes_no_inline_style_or_script():
    rooms = [
        path
        for path in ROOT.glob("*/**/*.py")
        if not {"tests", ".venv", "var", "tools"} & set(path.relative_to(ROOT).parts)
    ]
    pattern = re.compile(r"<[a-z]+[^>\n]*\s(?:style|on[a-z]+)=[\"'{]")
    assert [str(path) for path in rooms if pattern.search(path.read_text())] == []


def test_every_glyph_that_is_named_exists():
    named: dict[str, str] = {}
    for path in TEMPLATES:
        named |= dict.fromkeys(re.findall(r'{% icon "([\w-]+)"', path.read_text()), path.name)
    rooms = [
        path
        for path in ROOT.glob("*/**/*.py")
        if not {"tests", ".venv", "var", "tools"} & set(path.relative_to(ROOT).parts)
    ]
    for path in rooms:
        named |= dict.fromkeys(re.findall(r'\bicon"?(?:=|: )"([\w-]+)"', path.read_text()), path.name)
    assert {name: place for name, place in named.items() if name not in vendor.GLYPHS} == {}
