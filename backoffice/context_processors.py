"""What every page's frame needs. Lists are lazy: a fragment for htmx, which shows no frame, costs no query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.urls import ResolverMatch
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Store, User
from accounts.requests import StoreRequest
from accounts.visitors import membership_of, stores_of
from backoffice.browsers import outdated
from backoffice.demo import ACCOUNTS, DEMO_PASSWORD
from backoffice.navigation import Link, Section, address, menu_for, own_address
from backoffice.preferences import preference
from core import clock, display
from core.templatetags.bo import zone_text
from inbox.reading import unread_count
from policies import active
from policies.rules import BrowserRules


@dataclass(frozen=True, slots=True)
class StoreChoice:
    """A store in the switcher."""

    label: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Top:
    """All that the bar above a page says; its template (`shell/top.html`) sees nothing else."""

    store: str
    zone: str
    stores: tuple[StoreChoice, ...]
    search_url: str
    messages_url: str
    unread: int
    person: str
    email: str
    is_owner: bool
    menu: tuple[Link, ...]


def place_in(store: Store, match: ResolverMatch | None) -> str:
    """The page that a switch of store leads to: the same one when it is a list, otherwise the store's first page."""
    if match is not None and match.view_name and set(match.kwargs) == {"store"}:
        return address(match.view_name, store.slug) or address("dashboard", store.slug)
    return address("dashboard", store.slug) or "/"


class Frame:
    """The parts of the frame that need the database, each worked out once and only when shown."""

    def __init__(self, request: HttpRequest, user: User) -> None:
        self.request, self.user = request, user
        self._stores: list[Store] | None = None

    @property
    def all_stores(self) -> list[Store]:
        """Every store of the person."""
        if self._stores is None:
            self._stores = stores_of(self.user)
        return self._stores

    def store(self) -> Store | None:
        """The store of the page; on pages of no store the one opened last."""
        found = getattr(self.request, "store", None)
        if found is not None:
            return found
        stores = self.all_stores
        return next((store for store in stores if store.pk == self.user.last_store_id), stores[0] if stores else None)

    def stores(self) -> tuple[StoreChoice, ...]:
        """The switcher."""
        current = self.store()
        match = self.request.resolver_match
        return tuple(StoreChoice(store.label, place_in(store, match), store == current) for store in self.all_stores)

    def top(self) -> Top:
        """The bar above the page."""
        store, membership = self.store(), getattr(self.request, "membership", None)
        return Top(
            store=store.label if store else "",
            zone=zone_text(zone_of(self.request), clock.now()) if store else "",
            stores=self.stores(),
            search_url=self.search_url(),
            messages_url=self.messages_url(),
            unread=self.unread(),
            person=self.user.label,
            email=self.user.email,
            is_owner=membership is not None and membership.is_owner,
            menu=user_menu(self.user),
        )

    def nav(self) -> tuple[Section, ...]:
        """The menu of the page's store; for platform staff on pages of no store, theirs."""
        store = self.store()
        if (
            getattr(self.request, "store", None) is None
            and self.user.is_platform_staff
            and (url := own_address("platform"))
        ):
            return (Section(_("Platform staff"), staff_links(url, self.request.path)),)
        if store is None:
            return ()
        if getattr(self.request, "store", None) is not None:
            rights = cast(StoreRequest, self.request).rights
        else:
            rights = membership_of(self.user, store.slug)[1]
        return menu_for(store.slug, rights, self.request.path)

    def unread(self) -> int:
        """Unread messages of the page's store; at most 100 are counted, the bell says 99+."""
        store = getattr(self.request, "store", None)
        return 0 if store is None else unread_count(store, at_most=100)

    def messages_url(self) -> str:
        """The message centre of the page's store, when there is one."""
        store = self.store()
        return address("inbox:list", store.slug) if store else ""

    def search_url(self) -> str:
        """The search of the page's store, when there is one."""
        store = self.store()
        return address("search", store.slug) if store else ""

    def home_url(self) -> str:
        """The first page of the page's store."""
        store = self.store()
        return (address("dashboard", store.slug) if store else "") or "/"


def staff_links(stores_url: str, path: str) -> tuple[Link, ...]:
    """The menu of platform staff; the longest matching address is current."""
    wanted = (
        (_("Stores of the platform"), stores_url, "store"),
        (_("People"), own_address("platform_people"), "users"),
        (_("Promotions to review"), own_address("platform_campaigns"), "speaker"),
        (_("Emergency stop"), own_address("platform_emergency"), "stop"),
        (_("Rule book"), own_address("rulebook:book"), "book"),
        (pgettext("title", "Audit log"), own_address("platform_audit"), "shield-check"),
    )
    here = max((url for _label, url, _icon in wanted if url and path.startswith(url)), key=len, default="")
    return tuple(Link(label, url, icon, url == here) for label, url, icon in wanted if url)


def zone_of(request: HttpRequest) -> tzinfo:
    """The zone in which the page speaks."""
    store = getattr(request, "store", None)
    return display.zone(store.time_zone) if store is not None else UTC


def user_menu(user: User) -> tuple[Link, ...]:
    """The person's own pages, and the platform's for its staff."""
    wanted = [
        (_("Display settings"), "preferences", "adjustments"),
        (_("Change password"), "account_change_password", "key"),
    ]
    if user.is_platform_staff:
        wanted.insert(0, (_("Platform"), "platform", "world"))
    return tuple(Link(label, url, icon) for label, name, icon in wanted if (url := own_address(name)))


def demo_doors() -> dict[str, Any]:
    """The demo people and their one password, for the sign-in page of a demo; nothing elsewhere."""
    if not settings.DEMO_MODE:
        return {}
    people = [{"email": email, "label": zh if display.is_chinese() else en} for email, en, zh in ACCOUNTS]
    return {"demo_people": people, "demo_password": DEMO_PASSWORD}


def shell(request: HttpRequest) -> dict[str, Any]:
    """Variables of `templates/base.html` and `templates/shell/`."""
    context: dict[str, Any] = {
        "theme": preference(request, "theme"),
        "density": preference(request, "density"),
        "shortcuts": preference(request, "shortcuts"),
        "old_browser": outdated(request.headers.get("User-Agent", ""), active(BrowserRules, clock.now())),
    }
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return context | demo_doors()
    frame = Frame(request, user)
    return context | {
        "membership": getattr(request, "membership", None),
        "time_zone": zone_of(request),
        "store": SimpleLazyObject(frame.store),
        "stores": SimpleLazyObject(frame.stores),
        "nav": SimpleLazyObject(frame.nav),
        "top": SimpleLazyObject(frame.top),
        "home_url": SimpleLazyObject(frame.home_url),
        "search_url": SimpleLazyObject(frame.search_url),
    }
