"""Template tags of the design system (`{% load bo %}`); each with an example in docs/frontend.md."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from django import template
from django.conf import settings
from django.core.paginator import Paginator
from django.forms import BaseForm
from django.template import Context
from django.template.backends.django import Template as DjangoTemplate
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from core import clock, display, faults, keeping
from core.keeping import csrf_field
from core.looks import look

register = template.Library()

SPRITE = "vendor/icons-3.51.0/sprite.svg"
POLL_DELAYS = ("1.5s", "1.5s", "2s", "2s", "3s", "3s", "4s")
POLL_SLOWEST = "5s"


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """A glyph of the sprite. Without `label` it is hidden from screen readers: the word beside it speaks."""
    return _glyph(_sprite(settings.STATIC_URL, settings.STORAGES["staticfiles"]["BACKEND"]), name, str(label), css)


@lru_cache(maxsize=8)
def _sprite(base: str, storage: str) -> str:
    """Where the sprite is; the same for as long as the settings that decide it are."""
    return str(static(SPRITE))


@lru_cache(maxsize=4096)
def _glyph(sprite: str, name: str, label: str, css: str) -> SafeString:
    """A page has hundreds of glyphs, and few different ones."""
    href = f"{sprite}#{name}"
    if label:
        return format_html(
            '<svg class="bo-icon {}" role="img" aria-label="{}"><use href="{}"></use></svg>', css, label, href
        )
    return format_html('<svg class="bo-icon {}" aria-hidden="true"><use href="{}"></use></svg>', css, href)


@register.simple_tag(takes_context=True)
def kept(context: Context, name: str, **seen: Any) -> SafeString:
    """A template that sees nothing but the values given here: drawn once for each of them, see `core.keeping`."""
    return keeping.kept(name, context, seen)


@register.simple_tag(takes_context=True)
def show_table(context: Context, table: Any) -> SafeString:
    """A `core.tables.BaseTable`, drawn in the page's own context (the library's tag makes a new one)."""
    table.context = context
    table.before_render(context.get("request"))
    with context.push(table=table):
        return SafeString(cast(DjangoTemplate, get_template(table.template_name)).template.render(context))


@register.simple_tag
def state_chip(kind: str, state: str, until: datetime | None = None) -> SafeString:
    """Icon + colour + word of a state of `campaign coupon listing guard step`; `until` adds a countdown (mm:ss)."""
    shown = look(kind, state)
    rest = countdown(until) if until else ""
    return format_html(
        '<span class="bo-chip bo-t-{}">{} {}{}{}</span>',
        shown.tone,
        icon(shown.icon),
        shown.label,
        " " if rest else "",
        rest,
    )


@register.simple_tag
def chip(tone: str, glyph: str, label: object) -> SafeString:
    """A chip that no table of states knows: tone (`draft review sched run paused cancel block`), icon, word."""
    return format_html('<span class="bo-chip bo-t-{}">{} {}</span>', tone, icon(glyph), label)


def _text(value: object) -> str:
    """A value as it stands in markup. Django's own functions do the same and look for lazy texts first, which costs more than the rest."""
    return value if isinstance(value, SafeString) else html.escape(str(value))


def menu_html(
    items: Iterable[Mapping[str, Any]],
    final: Iterable[Mapping[str, Any]] = (),
    *,
    about: object = "",
    css: object = "",
    csrf: str = "",
    words: tuple[str, str] | None = None,
) -> SafeString:
    """The menu More of a row or a page, see `components/menu.html`. Drawn here because a list has one in every row.

    `csrf` is the field of `csrf_field`; `words` (More, Cannot be undone) spares a list of rows the translation of each.
    """
    more, warning = words or (gettext("More"), gettext("Cannot be undone"))
    lines = "".join([_menu_line(item, csrf) for item in items])
    ends = "".join(
        [
            f'<li><a class="bo-menu-item bo-menu-final" href="{_text(item["url"])}">{icon("octagon")}'
            f"<span>{_text(item['label'])}</span></a></li>"
            for item in final or ()
        ]
    )
    tail = f'<div class="bo-menu-head">{_text(warning)}</div>\n    <ul>{ends}</ul>' if ends else ""
    return mark_safe(  # noqa: S308  # every part is escaped above
        f'<details class="bo-menu" data-menu>\n  <summary class="bo-btn {_text(css)}">{_text(more)}'
        f'<span class="bo-vh"> {_text(about)}</span>{icon("chevron-down")}</summary>\n'
        f'  <div class="bo-menu-list">\n    <ul>{lines}</ul>\n    {tail}\n  </div>\n</details>\n'
    )


def _menu_line(item: Mapping[str, Any], csrf: str) -> str:
    tone = item.get("tone")
    css = f"bo-menu-item bo-menu-{_text(tone)}" if tone else "bo-menu-item"
    glyph = icon(item["icon"]) if item.get("icon") else ""
    inner, url = f"{glyph}<span>{_text(item['label'])}</span>", _text(item["url"])
    if item.get("post"):
        return f'<li><form method="post" action="{url}">{csrf}<button class="{css}">{inner}</button></form></li>'
    return f'<li><a class="{css}" href="{url}">{inner}</a></li>'


@register.simple_tag(takes_context=True)
def more_menu(context: Context) -> SafeString:
    """`components/menu.html`: reads `items`, `final`, `about` and `css` of the include."""
    return menu_html(
        context.get("items") or (),
        context.get("final") or (),
        about=context.get("about") or "",
        css=context.get("css") or "",
        csrf=csrf_field(context),
    )


def button_html(item: Mapping[str, Any], *, small: bool = False, csrf: str = "") -> SafeString:
    """A button of a row or a page: a link, or with `post` a form of its own. Keys: label, url, icon, tone, post, primary, key."""
    inner, url = f"{icon(item['icon'])}{_text(item['label'])}", _text(item["url"])
    css = "bo-btn bo-btn-sm" if small else "bo-btn"
    if item.get("post"):
        css += " bo-btn-primary" if item.get("primary") else ""
        drawn = f'<form method="post" action="{url}">{csrf}<button class="{css}">{inner}</button></form>'
    else:
        css += f" bo-btn-{_text(item['tone'])}" if item.get("tone") else ""
        key = f" data-key-{_text(item['key'])}" if item.get("key") else ""
        drawn = f'<a class="{css}" href="{url}"{key}>{inner}</a>'
    return mark_safe(drawn)  # noqa: S308  # every part is escaped above


@register.simple_tag(takes_context=True)
def action_button(context: Context, item: Mapping[str, Any], small: bool = False) -> SafeString:
    """A button of a page's own actions."""
    return button_html(item, small=small, csrf=csrf_field(context))


@register.simple_tag
def menu_links(entries: Iterable[Any]) -> SafeString:
    """The entries of a section of the main menu (`backoffice.navigation.Link`), which stands on every page."""
    return mark_safe(  # noqa: S308  # every part is escaped
        "".join(
            [
                f'<li><a href="{_text(entry.url)}"{_CURRENT if entry.current else ""} data-palette>{icon(entry.icon)}'
                f"<span>{_text(entry.label)}</span></a></li>"
                for entry in entries
            ]
        )
    )


_CURRENT = ' aria-current="page"'


@register.simple_tag
def server_time() -> str:
    """This moment for the page's scripts, which count by the server's clock and not by the reader's."""
    return clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@register.simple_tag
def countdown(until: datetime, form: str = "clock") -> SafeString:
    """Time left until a moment, `09:59` (or bare seconds with form `seconds`).

    JavaScript keeps it going by the server's clock and sends `bo:end` at zero; without it the moment's figure stands.
    """
    left = max(0, round((until - clock.now()).total_seconds()))
    text = str(left) if form == "seconds" else f"{left // 60:02d}:{left % 60:02d}"
    return format_html('<time datetime="{}" data-countdown="{}">{}</time>', _iso(until), form, text)


@register.simple_tag
def money(value: Decimal | None, currency: str) -> str:
    """An amount with its currency; a dash when there is none."""
    return "—" if value is None else display.money(value, currency)


@register.simple_tag
def amount(value: Decimal | None, currency: str, heading: str = "") -> str:
    """An amount without its sign, for a column whose header names the currency; with it where the header names another (`heading`)."""
    if value is None:
        return "—"
    return display.amount(value, currency) if heading in ("", currency) else display.money(value, currency)


@register.filter
def series(words: Iterable[object]) -> str:
    """Words in a row inside a sentence."""
    return display.series(words)


def _passed_quietly(guard: Any) -> bool:
    """A check of which there is nothing to say; the one that somebody came back to see is none of them."""
    told = guard.get if isinstance(guard, dict) else lambda name: getattr(guard, name, "")
    return told("status") == "passed" and not told("rechecked")


@register.filter
def telling(guards: Iterable[Any]) -> list[Any]:
    """The checks of a list that somebody should read."""
    return [guard for guard in guards if not _passed_quietly(guard)]


@register.filter
def passed_quietly(guards: Iterable[Any]) -> list[Any]:
    """The rest of them, to be folded away."""
    return [guard for guard in guards if _passed_quietly(guard)]


@register.filter
def fault(kept: object) -> str:
    """What went wrong with another's server, kept as code and facts, in the page's language."""
    return faults.say(kept)


@register.filter
def number(value: int | Decimal | None) -> str:
    """A count with grouped thousands."""
    return "—" if value is None else display.number(value)


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).isoformat(timespec='seconds')[:19]}Z"


def zone_of(context: Any) -> tzinfo:
    """The zone in which a page speaks: `time_zone` of the context, or the request's store's, or UTC."""
    found = context.get("time_zone") if context is not None else None
    if isinstance(found, tzinfo):
        return found
    request = context.get("request") if context is not None else None
    name = getattr(getattr(request, "store", None), "time_zone", None) if found is None else found
    return name if isinstance(name, tzinfo) else display.zone(str(name)) if name else UTC


def when_html(moment: datetime | None, zone: tzinfo, *, named: bool = True, seconds: bool = False) -> SafeString:
    """Two lines: the store's zone with its name, UTC below (R17, R149); one line for a store that lives in UTC."""
    if moment is None:
        return SafeString("—")
    local, utc = display.local_and_utc(moment, zone, seconds=seconds)
    if display.zone_key(zone) == "UTC":
        return mark_safe(f'<time class="bo-when" datetime="{_iso(moment)}">{local} UTC</time>')  # noqa: S308  # figures
    name = f' <span class="bo-when-zone">{_text(display.zone_label(zone, moment))}</span>' if named else ""
    return mark_safe(  # noqa: S308  # figures, and an escaped name
        f'<time class="bo-when" datetime="{_iso(moment)}">{local}{name}<span class="bo-when-utc">{utc}</span></time>'
    )


@register.simple_tag(takes_context=True)
def when(context: Context, moment: datetime | None, named: bool = True, seconds: bool = False) -> SafeString:
    """A moment in the store's zone, UTC on a second line. `named=False` where the column header names the zone."""
    return when_html(moment, zone_of(context), named=named, seconds=seconds)


def when_inline_html(moment: datetime | None, zone: tzinfo) -> SafeString:
    """A moment inside a sentence, in a zone."""
    if moment is None:
        return SafeString("—")
    return format_html('<time datetime="{}">{}</time>', _iso(moment), display.sentence(moment, zone))


@register.simple_tag(takes_context=True)
def when_inline(context: Context, moment: datetime | None) -> SafeString:
    """A moment inside a sentence: `2026-11-27 16:00 北京时间（08:00 UTC）`."""
    return when_inline_html(moment, zone_of(context))


@register.simple_tag(takes_context=True)
def zone_name(context: Context) -> str:
    """The name of the store's zone, for column headers and beside inputs: `北京时间`."""
    return display.zone_label(zone_of(context), clock.now())


def zone_text(zone: tzinfo, moment: datetime) -> str:
    """Name and distance of a zone at a moment: `北京时间 UTC+8`."""
    name, offset = display.zone_label(zone, moment), display.zone_offset(zone, moment)
    return name if name == offset else f"{name} {offset}"


@register.simple_tag(takes_context=True)
def ago(context: Context, moment: datetime | None) -> SafeString:
    """A moment as distance (“3 minutes ago”, by JavaScript, in the browser's clock); without it the moment itself."""
    if moment is None:
        return SafeString("—")
    return format_html(
        '<time datetime="{}" data-ago>{}</time>', _iso(moment), display.sentence(moment, zone_of(context))
    )


@register.simple_tag(takes_context=True)
def poll(context: Context, url: str) -> SafeString:
    """Attributes for an element that asks `url` for its successor: after 1.5 s at first, backing off to 5 s.

    The answer is the same element again, with `{% poll %}` while work goes on and without it when all is done. The trigger is
    `every`, not `load`: a morph keeps the element, and htmx fires `load` once in an element's life. It also outlives a failed answer.
    """
    request = context.get("request")
    seen = request.GET.get("tick", "") if request is not None else ""
    tick = int(seen) + 1 if seen.isascii() and seen.isdigit() and len(seen) < 7 else 0
    delay = POLL_DELAYS[tick] if tick < len(POLL_DELAYS) else POLL_SLOWEST
    joint = "&" if "?" in url else "?"
    return format_html(
        'hx-get="{}" hx-trigger="every {}" hx-target="this" hx-swap="morph:outerHTML" hx-push-url="false"',
        f"{url}{joint}tick={tick}",
        delay,
    )


@register.simple_tag(takes_context=True)
def with_query(context: Context, **changes: object) -> str:
    """The page's query string with some keys changed; None or an empty value drops a key. For filters and pagers."""
    request = context.get("request")
    query = request.GET.copy() if request is not None else None
    if query is None:
        return "?"
    for key, value in changes.items():
        query.pop(key, None)
        if value not in (None, ""):
            query[key] = str(value)
    return "?" + query.urlencode()


@register.filter
def percent_of(done: int | None, total: int | None) -> int:
    """Whole percent of a progress; 100 when there is nothing to do."""
    return 100 if not total else min(100, int(100 * (done or 0) / total))


@register.simple_tag
def step_word(state: str) -> str:
    """The word of a step's state: Waiting, Under way, Done, Failed."""
    return str(look("step", state).label)


@register.filter
def elided(paginator: Paginator[Any], current: int) -> Iterator[int | str]:
    """Page numbers with gaps, around the current one."""
    return paginator.get_elided_page_range(current, on_each_side=2, on_ends=1)


@register.filter
def hidden_filter_used(form: BaseForm) -> bool:
    """Whether a field behind “More filters” holds a value, so that the fold opens by itself."""
    return any(field.value() not in (None, "", []) for field in form.visible_fields()[3:])
