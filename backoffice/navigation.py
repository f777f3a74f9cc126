"""The menu: one table of entries. An entry shows itself when its page exists and the member holds its right.

The labels are the sources' own, letter by letter (R191); translations in `locale/parts/shell.po`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True, slots=True)
class NavEntry:
    """A page of a store in the menu; `right` empty means every member may open it."""

    label: Text
    url_name: str
    icon: str
    right: str = ""


@dataclass(frozen=True, slots=True)
class NavSection:
    """Entries under one heading; the first section has none."""

    label: Text
    entries: tuple[NavEntry, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as shown, in the reader's language: with its address, and whether the reader is there."""

    label: str
    url: str
    icon: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A section as shown."""

    label: str
    entries: tuple[Link, ...] = ()


MENU: tuple[NavSection, ...] = (
    NavSection("", (NavEntry(_("Dashboard"), "dashboard", "gauge"),)),
    NavSection(
        _("Marketing centre"),
        (
            NavEntry(_("Campaigns"), "campaigns:list", "speaker", "campaigns.view"),
            NavEntry(_("Past campaigns"), "insights:history", "history", "campaigns.view"),
            NavEntry(_("Campaign conflict detection"), "campaigns:conflicts", "compare", "campaigns.view"),
            NavEntry(_("Coupons"), "coupons:list", "ticket", "coupons.view"),
            NavEntry(_("After the close"), "campaigns:closings", "list-check", "campaigns.view"),
            NavEntry(_("Affiliate centre"), "campaigns:affiliates", "affiliate", "campaigns.view"),
            NavEntry(_("Marketing deposit"), "finance:deposit", "coin", "finance.view"),
            NavEntry(_("Eligibility and penalties"), "campaigns:standing", "shield"),
        ),
    ),
    NavSection(
        _("Goods"),
        (
            NavEntry(_("Listings"), "listings:list", "tag", "listings.view"),
            NavEntry(_("Orders"), "orders:list", "receipt", "orders.view"),
            NavEntry(_("Language sites"), "publishing:sites", "world", "listings.view"),
        ),
    ),
    NavSection(
        _("Business analytics"),
        (NavEntry(_("Campaign analysis"), "insights:overview", "chart", "insights.view"),),
    ),
    NavSection(
        _("Administration"),
        (
            NavEntry(_("Store settings"), "accounts:settings", "settings", "settings.manage"),
            NavEntry(_("Store decoration"), "listings:decoration", "photo", "settings.manage"),
            NavEntry(_("Staff"), "accounts:staff", "users", "staff.manage"),
            NavEntry(_("API tokens"), "accounts:tokens", "plug", "api.manage"),
            NavEntry(_("Audit log"), "audit:list", "shield-check", "audit.view"),
            NavEntry(_("Rules"), "policies:list", "book"),
        ),
    ),
)


def address(url_name: str, slug: str) -> str:
    """The address of a store's page; empty when there is no such page."""
    return _address(url_name, slug, get_urlconf() or settings.ROOT_URLCONF, get_script_prefix())


def own_address(url_name: str) -> str:
    """The address of a page of no store; empty when there is no such page."""
    return _address(url_name, "", get_urlconf() or settings.ROOT_URLCONF, get_script_prefix())


@lru_cache(maxsize=4096)
def _address(url_name: str, slug: str, urls: str, prefix: str) -> str:
    """Every page asks for two dozen addresses, and for the same ones each time; `urls` and `prefix` are what they depend on."""
    try:
        return reverse(url_name, kwargs={"store": slug} if slug else {})
    except NoReverseMatch:
        return ""


def menu_for(slug: str, rights: Collection[str], path: str) -> tuple[Section, ...]:
    """The sections that a member with `rights` sees in the store `slug`; the longest matching address is current."""
    shown: list[tuple[Text, list[tuple[NavEntry, str]]]] = []
    addresses = []
    for section in MENU:
        entries = [
            (entry, url)
            for entry in section.entries
            if (not entry.right or entry.right in rights) and (url := address(entry.url_name, slug))
        ]
        if entries:
            shown.append((section.label, entries))
            addresses += [url for _entry, url in entries]
    here = max((url for url in addresses if path.startswith(url)), key=len, default="")
    return tuple(
        Section(str(label), tuple(Link(str(entry.label), url, entry.icon, url == here) for entry, url in entries))
        for label, entries in shown
    )
