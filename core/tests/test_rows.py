"""What Python draws in place of templates is what the templates would draw."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import django_tables2 as tables
import pytest
from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils.safestring import SafeString
from django.utils.translation import override

from core.display import local_and_utc, number, stamp, zone
from core.forms import Renderer
from core.tables import BaseTable, DrawnColumn
from core.templatetags import bo

NOW = datetime(2026, 11, 20, 18, 30, 45, 123456, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {"name": "A <b>", "count": 1234, "note": None, "tone": "warm"},
    {"name": "B & C", "count": 0, "note": "", "tone": "cold"},
]


class Shown(BaseTable):
    row_header = "name"

    name = tables.Column(orderable=False)
    count = tables.Column(orderable=False, attrs={"td": {"class": "bo-num"}})
    note = tables.Column(orderable=False, default="none")
    actions = DrawnColumn(attrs={"td": {"class": "bo-acts"}})

    def render_actions(self, record: dict[str, Any]) -> SafeString:
        return SafeString(f"<i>{record['count']}</i>")


class Toned(Shown):
    class Meta:
        row_attrs = {"data-tone": lambda record: record["tone"]}

    tone = tables.Column(orderable=False, attrs={"td": {"class": lambda value: f"is-{value}"}})


def test_rows_are_escaped_labelled_and_striped() -> None:
    first, second = Shown(ROWS).body().splitlines()
    assert first == (
        '<tr class="even"><th scope="row" >A &lt;b&gt;</th><td class="bo-num" data-label="Count">1234</td>'
        '<td  data-label="Note">none</td><td class="bo-acts"><i>1234</i></td></tr>'
    )
    assert second.startswith('<tr class="odd"><th scope="row" >B &amp; C</th>')


def test_attributes_that_depend_on_the_row_are_asked_for_each() -> None:
    first, second = Toned(ROWS).body().splitlines()
    assert 'data-tone="warm"' in first
    assert '<td class="is-warm" data-label="Tone">warm</td>' in first
    assert 'data-tone="cold"' in second
    assert '<td class="is-cold" data-label="Tone">cold</td>' in second


@pytest.mark.parametrize(
    "field",
    [
        forms.ChoiceField(choices=[("", "All"), ("a<", 'A "quoted" & more'), ("b", "B")], required=False),
        forms.MultipleChoiceField(choices=[("Group <1>", [("a", "A"), ("b", "B")]), ("c", "C")]),
        forms.NullBooleanField(),
    ],
)
def test_a_select_is_what_its_template_draws(field: forms.Field) -> None:
    attrs = {"id": "id_x", "required": True, "disabled": False, "data-n": 5, "title": 'a "b"'}
    drawn, meant = (
        field.widget.render("x", ["a<", "b"] if isinstance(field, forms.MultipleChoiceField) else "a<", attrs, renderer)
        for renderer in (Renderer(), TemplatesSetting())
    )
    assert [line.strip() for line in drawn.splitlines()] == [
        line.strip() for line in meant.splitlines() if line.strip()
    ]


def test_a_menu_escapes_and_carries_the_field_of_its_forms() -> None:
    field = bo.csrf_field({"csrf_token": 'a"b'})
    items: list[dict[str, Any]] = [
        {"label": "<Copy>", "url": "/a?b=1&c=2", "icon": "copy", "post": True},
        {"label": "Edit", "url": "/e/", "icon": ""},
    ]
    with override("en"):
        drawn = bo.menu_html(items, [{"label": "End…", "url": "/end/"}], about="<me>", csrf=field)
    assert (
        '<form method="post" action="/a?b=1&amp;c=2"><input type="hidden" name="csrfmiddlewaretoken" value="a&quot;b">'
        in drawn
    )
    assert "<span>&lt;Copy&gt;</span>" in drawn
    assert "&lt;me&gt;" in drawn
    assert '<a class="bo-menu-item" href="/e/"><span>Edit</span></a>' in drawn
    assert "Cannot be undone" in drawn
    assert "Cannot be undone" not in bo.menu_html(items)
    assert not bo.csrf_field({"csrf_token": "NOTPROVIDED"})
    assert not bo.csrf_field(None)


def test_figures_and_moments_read_as_before() -> None:
    assert [number(value) for value in (0, 999, 1000, -1234567)] == ["0", "999", "1,000", "-1,234,567"]
    assert stamp(NOW) == NOW.strftime("%Y-%m-%d %H:%M")
    assert stamp(NOW, seconds=True) == NOW.strftime("%Y-%m-%d %H:%M:%S")
    for name in ("UTC", "Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati"):
        local, utc = local_and_utc(NOW, zone(name))
        there = NOW.astimezone(zone(name))
        assert local == there.strftime("%Y-%m-%d %H:%M")
        assert utc == NOW.strftime("%H:%M UTC" if there.date() == NOW.date() else "%Y-%m-%d %H:%M UTC")
