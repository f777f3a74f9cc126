"""What other modules, and rooms above, lend to the pages of a coupon: tabs, sections, buttons, pages. They join in `AppConfig.ready`.

    lend_tab("usage", _("Usage details"), "coupons.view", usage_view)        # /s/<store>/coupons/<code>/usage/
    lend_page("<str:code>/pause/", pause_view, "pause")                      # coupons:pause
    lend_section(Section("coupons/_diagnosis.html", "coupons.view", content))
    lend_buttons(buttons_of)                                                 # on the page, and in the rows of the list

A view is an ordinary one, `(request, store, code)`, marked with its right; it draws its page with `coupons.views.common.page`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.requests import StoreRequest
from coupons.models import Coupon

Text = str | Promise
View = Callable[..., HttpResponseBase]
Content = Callable[[StoreRequest, Coupon], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a coupon's page: its URL name is `coupons:<slug>`."""

    slug: str
    label: Text
    right: str
    view: View


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the overview for members with `right`: a template, and what it is given (None: not for this coupon).

    `first` puts it above what the coupon is, for what needs to be seen before anything else.
    """

    template: str
    right: str
    content: Content
    first: bool = False


@dataclass
class Buttons:
    """Buttons of a row or a page: `main` in sight, `items` and `final` under More. The keys are those of `bo.button_html`."""

    main: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    final: list[dict[str, Any]] = field(default_factory=list)


ButtonsOf = Callable[[StoreRequest, Coupon], Buttons]

_tabs: list[Tab] = []
_pages: list[tuple[str, View, str]] = []
_sections: list[Section] = []
_buttons: list[ButtonsOf] = []


def lend_tab(slug: str, label: Text, right: str, view: View) -> None:
    """Put a tab behind the overview."""
    _tabs.append(Tab(slug, label, right, view))


def lend_page(route: str, view: View, name: str) -> None:
    """Put a page under `s/<store>/coupons/`; `route` as in `django.urls.path`."""
    _pages.append((route, view, name))


def lend_section(section: Section) -> None:
    """Put a section on the overview."""
    _sections.append(section)


def lend_buttons(buttons: ButtonsOf) -> None:
    """Put buttons on a coupon's page and on its row of the list; asked for every row, so no query."""
    _buttons.append(buttons)


def patterns() -> list[URLPattern]:
    """The addresses of what was lent; read once, when the first address is resolved."""
    lent = [path(route, view, name=name) for route, view, name in _pages]
    return lent + [path(f"<str:code>/{tab.slug}/", tab.view, name=tab.slug) for tab in _tabs]


def tabs_for(request: StoreRequest, coupon: Coupon) -> list[dict[str, Any]]:
    """The tabs that the reader may open, as `components/tabs.html` shows them."""
    shown: list[tuple[Text, str]] = [(_("Overview"), "detail")]
    shown += [(tab.label, tab.slug) for tab in _tabs if tab.right in request.rights]
    places = {"store": request.store.slug, "code": coupon.code}
    addresses = [(label, reverse(f"coupons:{name}", kwargs=places)) for label, name in shown]
    return [{"label": label, "url": url, "current": url == request.path, "count": None} for label, url in addresses]


def sections_for(request: StoreRequest, coupon: Coupon) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The sections of this coupon that the reader may see, each with its template and content: the first ones, and the others."""
    first: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for section in _sections:
        if section.right in request.rights and (content := section.content(request, coupon)) is not None:
            (first if section.first else others).append({"template": section.template, **content})
    return first, others


def buttons_for(request: StoreRequest, coupon: Coupon, own: Iterable[ButtonsOf] = ()) -> Buttons:
    """All buttons of a coupon: the house's `own` first, then those lent."""
    every = Buttons()
    for ask in (*own, *_buttons):
        found = ask(request, coupon)
        every.main += found.main
        every.items += found.items
        every.final += found.final
    return every
