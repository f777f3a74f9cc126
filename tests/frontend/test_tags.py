"""Tags and fields: money, moments, chips, polling, typed times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from core import clock, display
from core.forms import MomentField
from core.looks import LOOKS
from core.templatetags import bo
from tests.frontend import style
from tools import vendor

SHANGHAI = ZoneInfo("Asia/Shanghai")
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
MOMENT = datetime(2026, 11, 27, 8, 0, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _still() -> Iterator[None]:
    with clock.freeze(MOMENT):
        yield


def render(source: str, **values: object) -> str:
    return Template("{% load bo %}" + source).render(Context(values))


@pytest.mark.parametrize(
    ("language", "currency", "value", "expected"),
    [
        ("zh-hans", "USD", "1234567.5", "US$1,234,567.50"),
        ("en", "USD", "1234567.5", "$1,234,567.50"),
        ("en", "CNY", "1234.5", "CN¥1,234.50"),
        ("zh-hans", "CNY", "2000", "¥2,000.00"),
        ("en", "JPY", "1200", "¥1,200"),
        ("en", "KWD", "1.5", "KWD1.500"),
    ],
)
def test_money(language, currency, value, expected):
    with translation.override(language):
        assert display.money(Decimal(value), currency) == expected


def test_amount_has_the_currencys_places_and_no_sign():
    with translation.override("zh-hans"):
        assert [display.amount(Decimal("12408.5"), code) for code in ("USD", "JPY", "KWD")] == [
            "12,408.50",
            "12,409",
            "12,408.500",
        ]
    assert render("{% money nothing 'USD' %}{% amount nothing 'USD' %}{{ nothing|number }}", nothing=None) == "———"


@pytest.mark.parametrize(("language", "expected"), [("zh-hans", "甲、2、&lt;b&gt;"), ("en", "甲, 2, &lt;b&gt;")])
def test_words_in_a_row_are_joined_as_the_language_joins_them(language, expected):
    with translation.override(language):
        assert render("{{ words|series }}", words=["甲", 2, "<b>"]) == expected


@pytest.mark.parametrize(
    ("language", "zone", "expected"),
    [
        ("zh-hans", SHANGHAI, "2026-11-27 16:00 北京时间（08:00 UTC）"),
        ("en", SHANGHAI, "2026-11-27 16:00 Beijing time (08:00 UTC)"),
        ("en", LOS_ANGELES, "2026-11-27 00:00 US Pacific time (08:00 UTC)"),
        ("en", UTC, "2026-11-27 08:00 UTC"),
    ],
)
def test_a_moment_in_a_sentence_names_its_zone(language, zone, expected):
    with translation.override(language):
        assert display.sentence(MOMENT, zone) == expected


def test_utc_shows_its_date_when_the_day_differs():
    assert display.local_and_utc(MOMENT + timedelta(hours=9), SHANGHAI) == ("2026-11-28 01:00", "2026-11-27 17:00 UTC")


def test_when_has_two_lines_and_a_machine_readable_moment():
    html = render("{% when at %}", at=MOMENT, time_zone=SHANGHAI)
    assert 'datetime="2026-11-27T08:00:05Z"' in html
    assert "2026-11-27 16:00" in html
    assert '<span class="bo-when-utc">08:00 UTC</span>' in html
    assert render("{% when at %}", at=None) == "—"
    request = SimpleNamespace(store=SimpleNamespace(time_zone="Asia/Shanghai"))
    assert "16:00:05" in render("{% when at named=False seconds=True %}", at=MOMENT, request=request)


@pytest.mark.parametrize(
    ("zone", "offset"), [(SHANGHAI, "UTC+8"), (LOS_ANGELES, "UTC-8"), (ZoneInfo("Asia/Kolkata"), "UTC+5:30")]
)
def test_zone_offset(zone, offset):
    assert display.zone_offset(zone, MOMENT) == offset


def test_every_state_has_a_glyph_of_the_sprite_and_words_in_both_languages():
    for kind, states in LOOKS.items():
        for state, look in states.items():
            assert look.icon in vendor.GLYPHS, (kind, state)
            with translation.override("zh-hans"):
                assert str(look.label).isascii() is False, (kind, state)


def test_an_unknown_state_is_shown_raw_and_escaped():
    assert "&lt;new&gt;" in bo.state_chip("campaign", "<new>")


def test_countdown_uses_the_clock():
    with clock.freeze(MOMENT):
        assert ">09:59<" in render("{% countdown at %}", at=MOMENT + timedelta(seconds=599))
        assert ">8<" in render("{% countdown at 'seconds' %}", at=MOMENT + timedelta(seconds=8))
        assert ">00:00<" in render("{% countdown at %}", at=MOMENT - timedelta(hours=1))


@pytest.mark.parametrize(
    ("query", "tick", "delay"),
    [
        ("", 0, "1.5s"),
        ("tick=0", 1, "1.5s"),
        ("tick=5", 6, "4s"),
        ("tick=99", 100, "5s"),
        ("tick=x", 0, "1.5s"),
        ("tick=²", 0, "1.5s"),
    ],
)
def test_polling_backs_off_to_five_seconds(query, tick, delay):
    html = render("{% poll '/job/?a=1' %}", request=RequestFactory().get(f"/?{query}"))
    assert f'hx-get="/job/?a=1&amp;tick={tick}" hx-trigger="every {delay}"' in html


def test_query_string_is_changed_in_place():
    request = RequestFactory().get("/?state=running&cursor=a&q=x%26y")
    assert render("{% with_query cursor=None state='paused' %}", request=request) == "?q=x%26y&amp;state=paused"


class _Form(forms.Form):
    at = MomentField(zone=SHANGHAI)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-27 16:00",
        "2026-11-27T16:00",
        " 2026/11/27 16:00 ",
        "２０２６－１１－２７　１６：００",
        "2026.11.27 16:00",
    ],
)
def test_a_typed_moment_is_read_in_the_stores_zone(text):
    assert MomentField(zone=SHANGHAI).clean(text) == datetime(2026, 11, 27, 8, 0, tzinfo=UTC)


def test_a_day_alone_means_its_begin_or_its_end():
    assert MomentField(zone=SHANGHAI).clean("2026-11-27") == datetime(2026, 11, 26, 16, 0, tzinfo=UTC)
    assert MomentField(zone=SHANGHAI, end_of_day=True).clean("2026-11-27") == datetime(2026, 11, 27, 15, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "tomorrow",
        "2026-13-01 10:00",
        "2026-02-30 10:00",
        "2026-11-27 24:00",
        "0000-01-01 00:00",
        "9999-12-31 99:99",
        "²026-11-27 10:00",
    ],
)
def test_no_such_moment_is_refused(text):
    with pytest.raises(ValidationError) as caught:
        MomentField(zone=SHANGHAI).clean(text)
    assert caught.value.code == "format"


@pytest.mark.parametrize(("text", "code"), [("2026-03-08 02:30", "missing"), ("2026-11-01 01:30", "twice")])
def test_hours_that_a_clock_change_skips_or_doubles_are_refused(text, code):
    with pytest.raises(ValidationError) as caught:
        MomentField(zone=LOS_ANGELES).clean(text)
    assert caught.value.code == code


def test_the_ends_of_time_are_refused_not_broken():
    for text in ("0001-01-01 00:00", "9999-12-31 23:59"):
        for zone in (SHANGHAI, LOS_ANGELES):
            try:
                MomentField(zone=zone).clean(text)
            except ValidationError:
                continue


def test_a_form_shows_the_zone_and_links_its_errors():
    form = _Form({"at": "soon"})
    html = str(form)
    assert "Beijing time" in html
    assert 'href="#id_at"' in html
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_at_error"' in html
    assert 'value="2026-11-27 16:00"' in str(_Form(initial={"at": MOMENT})["at"])


def test_the_list_has_row_headers_labels_and_boxes_of_the_batch_form(style_site):
    with translation.override("en"):
        table = style.context("en")["table"]
        html = table.as_html(RequestFactory().get("/?sort=name"))
    assert html.count('<th scope="row"') == 5
    assert 'form="bo-bulk" data-bulk-row aria-label="Select Summer clearance' in html
    assert 'data-label="State"' in html
    assert 'aria-sort="ascending"' in html
