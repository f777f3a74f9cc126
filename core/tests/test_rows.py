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

from core import clock
from core.display import local_and_utc, number, stamp, zone
from core.forms import MomentField, Renderer
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


@pytest.mark.parametrize(
    "widget",
    [
        forms.TextInput({"placeholder": 'a "b"', "data-x": "", "required": True, "disabled": False}),
        forms.NumberInput(),
        forms.EmailInput(),
        forms.HiddenInput(),
        forms.PasswordInput(),
        forms.CheckboxInput(),
    ],
)
@pytest.mark.parametrize("value", [None, "", '<b> & "c"', 12, SafeString("&amp;")])
def test_an_input_is_what_its_template_draws(widget: forms.Widget, value: object) -> None:
    drawn, meant = (
        widget.render("x", value, {"id": "id_<x>"}, renderer).strip() for renderer in (Renderer(), TemplatesSetting())
    )
    assert drawn == meant


class _Asked(forms.Form):
    name = forms.CharField(label="Name <1>", help_text="As on the <b>label</b>")
    sort = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect, required=False, help_text="One")
    sure = forms.BooleanField(label="Sure?")
    starts = MomentField(label="Starts", required=False)
    code = forms.CharField(label="Code", max_length=3)
    code.live = "code-live"  # type: ignore[attr-defined]  # where a page answers while one types


def test_a_field_has_label_help_zone_and_errors_and_all_that_is_typed_is_escaped() -> None:
    form = _Asked({"code": '"><script>'})
    with clock.freeze(NOW):
        name, sort, sure, starts, code = (str(form[field].as_field_group()) for field in form.fields)
    assert name.startswith(
        '<div class="bo-field"><label for="id_name">Name &lt;1&gt;<span class="bo-req" aria-hidden="true"> *</span>'
    )
    assert (
        '<div class="bo-help" id="id_name_helptext">As on the <b>label</b></div><ul class="errorlist" id="id_name_error">'
        in name
    )
    assert 'aria-describedby="id_name_helptext id_name_error"' in name
    assert sort.startswith('<fieldset class="bo-field" aria-describedby="id_sort_helptext">\n  <legend>Sort</legend>')
    assert '<div class="bo-choices-list"><div id="id_sort">' in sort
    assert sure.startswith('<div class="bo-field bo-field-check"><input type="checkbox" name="sure" required')
    assert '<label for="id_sure">Sure?</label><ul class="errorlist"' in sure
    assert '<span class="bo-muted">UTC</span></div></div>' in starts
    assert '<div id="code-live" aria-live="polite"><ul class="errorlist"' in code
    assert "<script" not in code
    assert 'value="&quot;&gt;&lt;script&gt;"' in code


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
