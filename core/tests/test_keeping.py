"""What is kept of pages depends on what it was told and on nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.http import HttpRequest
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.translation import override

from core import keeping


@dataclass(frozen=True, slots=True)
class Told:
    """Something a template is told."""

    name: str


SOURCES = {
    "name.html": "<b>{{ told.name }}</b>{{ secret }}{{ request.path }}",
    "form.html": '<form>{% csrf_token %}<input value="{{ here }}">{{ name }}</form>{% csrf_token %}',
    "words.html": "{% load i18n %}{% translate 'Try again' %}",
}


@pytest.fixture(autouse=True)
def drawings(settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Templates of our own, and the names of those that were drawn."""
    seen: list[str] = []
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [("django.template.loaders.locmem.Loader", SOURCES)],
                "builtins": ["core.templatetags.bo"],
            },
        }
    ]
    render = Template.render

    def noted(self: Template, context: Context) -> SafeString:
        seen.append(str(self.name))
        return render(self, context)

    monkeypatch.setattr(Template, "render", noted)
    keeping._drawn.cache_clear()
    yield seen
    keeping._drawn.cache_clear()


def page(path: str = "/s/x/?a=1&b=2", token: str = "t<1>") -> Context:  # no secret
    return Context({"request": RequestFactory().get(path), "csrf_token": token, "secret": "must not be seen"})


def test_it_is_drawn_once_for_each_value_and_sees_nothing_else(drawings: list[str]) -> None:
    shown = [keeping.kept("name.html", page(), {"told": Told(name)}) for name in ("A & B", "C", "A & B")]
    assert shown == ["<b>A &amp; B</b>", "<b>C</b>", "<b>A &amp; B</b>"]
    assert drawings == ["name.html", "name.html"]


def test_the_token_and_the_address_are_those_of_each_request(drawings: list[str]) -> None:
    first = keeping.kept("form.html", page(), {"name": "x"})
    second = keeping.kept("form.html", page("/b/", "other"), {"name": "x"})
    field = '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
    assert (
        first
        == f'<form>{field.format("t&lt;1&gt;")}<input value="/s/x/?a=1&amp;b=2">x</form>{field.format("t&lt;1&gt;")}'
    )
    assert second == f'<form>{field.format("other")}<input value="/b/">x</form>{field.format("other")}'
    assert keeping.kept("form.html", Context(), {"name": "x"}) == '<form><input value="">x</form>'
    assert drawings == ["form.html"]


def test_it_is_kept_for_its_language_and_not_while_debugging(drawings: list[str]) -> None:
    for language in ("en", "zh-hans", "en"):
        with override(language):
            assert (keeping.kept("words.html", page(), {}) == "Try again") == (language == "en")
    assert len(drawings) == 2
    with override("en"), override_settings(DEBUG=True):
        assert keeping.kept("words.html", page(), {}) == "Try again"
    assert len(drawings) == 3


def test_what_is_worked_out_when_asked_for_is_told_as_what_it_is(drawings: list[str]) -> None:
    told = [Told("A"), SimpleLazyObject(lambda: Told("A"))]
    assert {keeping.kept("name.html", page(), {"told": one}) for one in told} == {"<b>A</b>"}
    assert len(drawings) == 1


@pytest.mark.parametrize("markup", [SafeString("<i>"), Told(SafeString("<i>")), (Told("a"), Told(SafeString("<i>")))])
def test_markup_is_refused_for_it_equals_the_text_that_must_be_escaped(markup: object) -> None:
    with pytest.raises(TypeError):
        keeping.kept("name.html", page(), {"told": markup})
    assert keeping.kept("name.html", Context({"request": HttpRequest()}), {"told": Told("<i>")}) == "<b>&lt;i&gt;</b>"
