"""Parts of pages that are drawn once for each of the values they depend on, and repeated from then on.

What makes that safe: such a template sees nothing but those values. It cannot show what it was not told, and whoever has another store,
another right or another name has other values. Two things of the request stand in it as holes that are filled anew each time: the token
of its forms (`{% csrf_token %}`) and the address of the page (`{{ here }}`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from functools import lru_cache
from html import escape
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.template import Context
from django.template.backends.django import Template as DjangoTemplate
from django.template.loader import get_template
from django.urls import get_script_prefix, get_urlconf
from django.utils.functional import SimpleLazyObject, empty
from django.utils.safestring import SafeData, SafeString
from django.utils.translation import get_language

#: Bounds a hole; no text of the database and none of a request can hold it.
_EDGE = "\0"
_TOKEN, _HERE = f"{_EDGE}token{_EDGE}", f"{_EDGE}here{_EDGE}"
#: A drawing is five kilobytes or so.
_ROOM = 1000

Seen = tuple[tuple[str, Hashable], ...]


def kept(name: str, context: Context, seen: Mapping[str, Any]) -> SafeString:
    """The template `name` drawn with the values `seen` alone, its holes filled from the context of the page.

    The values must be hashable: texts, numbers, frozen dataclasses, tuples of them. Raises TypeError for others, and for markup, which is
    equal to the text that would have to be escaped.
    """
    values = tuple([(key, plain(value)) for key, value in seen.items()])
    drawn = _drawn.__wrapped__ if settings.DEBUG else _drawn
    pieces = drawn(name, surroundings(), values)
    if len(pieces) == 1:
        return SafeString(pieces[0])
    return SafeString("".join([_fill(piece, context) if at % 2 else piece for at, piece in enumerate(pieces)]))


def csrf_field(context: Mapping[str, Any] | Context | None) -> str:
    """The hidden field of a form that changes something; empty when the page was made without a request."""
    token = context.get("csrf_token") if context is not None else None
    if not token or token == "NOTPROVIDED":  # noqa: S105  # Django's word for a context without one
        return ""
    return f'<input type="hidden" name="csrfmiddlewaretoken" value="{escape(str(token))}">'


def surroundings() -> tuple[Hashable, ...]:
    """What every drawing depends on without being told: the language, and where addresses and files are."""
    storage = settings.STORAGES["staticfiles"]["BACKEND"]
    urls = get_urlconf() or settings.ROOT_URLCONF
    return get_language() or "", settings.STATIC_URL, storage, urls, get_script_prefix()


def plain(value: Any) -> Any:
    """The value behind one that is worked out when it is asked for."""
    if type(value) is SimpleLazyObject:
        if value._wrapped is empty:
            value._setup()
        return value._wrapped
    return value


def _fill(hole: str, context: Context) -> str:
    if hole == "token":
        return csrf_field(context)
    request: HttpRequest | None = context.get("request")
    return "" if request is None else escape(request.get_full_path())


@lru_cache(maxsize=_ROOM)
def _drawn(name: str, around: tuple[Hashable, ...], seen: Seen) -> tuple[str, ...]:
    """Text and names of holes in turn; `around` is there to tell drawings apart."""
    _refuse_markup(seen)
    holes = {"here": SafeString(_HERE), "csrf_token": SafeString(_TOKEN)}
    template = cast(DjangoTemplate, get_template(name)).template
    text = template.render(Context({**dict(seen), **holes}))
    return tuple(text.replace(csrf_field(holes), _TOKEN).split(_EDGE))


def _refuse_markup(value: object) -> None:
    if isinstance(value, SafeData):
        raise TypeError("what is kept is told text, not markup")
    if isinstance(value, tuple):
        for one in value:
            _refuse_markup(one)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            _refuse_markup(getattr(value, field.name))
