"""A reader that opens every link and sends every form it is shown, as a browser would, with every box ticked and every blank filled in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from django.db import transaction
from django.test import Client
from django.urls import Resolver404, resolve

#: Pages that would put the reader out or into another language, and those that have no form of ours.
LEFT_ALONE = ("account_", "accounts:owner", "set_language", "preferences", "api:")
#: So many addresses of one page are opened: with and without filters, for one row and another.
MOST_OF_A_PAGE = 2
#: How many pages and forms one after another, from a form that changed something.
DEEPEST = 4


@dataclass
class Field:
    """What a form asks for."""

    name: str
    kind: str
    value: str = ""
    options: list[tuple[str, bool]] = field(default_factory=list)


@dataclass
class Form:
    """A form of a page: where it goes, what it asks for, the buttons that send it."""

    action: str
    method: str
    fields: list[Field] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, word: str, *, but: str = "") -> dict[str, list[str]]:
        """Everything ticked and chosen, `word` in every empty line, 1 where a number is wanted; the field `but` left empty."""
        found: dict[str, list[str]] = {}
        for one in self.fields:
            if one.name == but:
                found[one.name] = [""]
            elif one.kind == "radio":
                found.setdefault(one.name, [one.value])
            elif one.kind == "select":
                given = [value for value, chosen in one.options if value]
                found[one.name] = [value for value, chosen in one.options if chosen and value] or given[:1]
            elif one.kind != "file":
                blank = "1" if one.kind == "number" else word
                found.setdefault(one.name, []).append(one.value or ("" if one.kind == "hidden" else blank))
        return found


class _Page(HTMLParser):
    """Links and forms; what stands outside a form and names it (`form=`) belongs to it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._named: dict[str, Form] = {}
        self._open: Form | None = None
        self._strays: list[tuple[str, Field | tuple[str, str]]] = []
        self._choice: Field | None = None
        self._text: Field | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        for name in ("href", "hx-get"):
            if has.get(name) and tag in ("a", "form", "section", "div", "button"):
                self.links.append(has[name])
        if tag == "form":
            self._open = Form(has.get("action", ""), has.get("method", "get").lower())
            self.forms.append(self._open)
            self._named[has.get("id", "")] = self._open
        elif tag == "option" and self._choice is not None:
            self._choice.options.append((has.get("value", ""), "selected" in has))
        elif "disabled" not in has and (tag in ("input", "select", "textarea", "button")):
            self._control(tag, has)

    def _control(self, tag: str, has: dict[str, str]) -> None:
        name, kind = has.get("name", ""), has.get("type", "submit" if tag == "button" else "text")
        found: Field | tuple[str, str]
        if tag == "button" or kind == "submit":
            if kind != "submit":
                return
            found = (name, has.get("value", ""))
        else:
            if has.get("inputmode") in ("numeric", "decimal"):
                kind = "number"
            found = Field(name, tag if tag != "input" else kind, has.get("value", "on" if kind == "checkbox" else ""))
            self._choice = found if tag == "select" else self._choice
            self._text = found if tag == "textarea" else None
            if not name:
                return
        if "form" in has:
            self._strays.append((has["form"], found))
        elif self._open is not None:
            _put(self._open, found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._choice = None
        elif tag == "textarea":
            self._text = None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.value += data.strip("\r\n")

    def close(self) -> None:
        super().close()
        for form_id, found in self._strays:
            if form_id in self._named:
                _put(self._named[form_id], found)


def _put(form: Form, found: Field | tuple[str, str]) -> None:
    if isinstance(found, Field):
        form.fields.append(found)
    else:
        form.buttons.append(found)


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside is undone after it was looked at."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@dataclass(frozen=True)
class Ending:
    """A form that ended something: the pages on the way to it, where it was sent, what was asked for, and whether less was enough."""

    trail: tuple[str, ...]
    sent_to: str
    asked: frozenset[str]
    without: frozenset[str]


class Robot:
    """Walks from `start`. `ended` says whether something was ended; `word` goes into every empty line."""

    def __init__(self, client: Client, word: str, ended: Callable[[], bool]) -> None:
        self.client, self.word, self.ended = client, word, ended
        self.endings: list[Ending] = []
        self.opened: Counter[str] = Counter()
        self.sent: set[tuple[Any, ...]] = set()
        self._known: set[tuple[Any, ...]] = set()

    def walk(self, start: str) -> None:
        """Open whatever links lead to, breadth first, so that the shortest way to a page is the one that counts; then send the forms."""
        found: list[tuple[tuple[str, ...], str, _Page]] = []
        queue: list[tuple[tuple[str, ...], str]] = [((), start)]
        while queue:
            trail, url = queue.pop(0)
            opened = self._open(url, trail)
            if opened is None:
                continue
            found.append(opened)
            trail, at, page = opened
            queue += [(trail, urljoin(at, link)) for link in page.links]
            for form in page.forms:
                if form.method == "get":
                    query = urlencode(form.filled(self.word), doseq=True)
                    queue.append((trail, urljoin(at, form.action or urlsplit(at).path) + "?" + query))
        for trail, at, page in found:
            self._send_all(trail, at, page, 0)

    def _open(self, url: str, trail: tuple[str, ...]) -> tuple[tuple[str, ...], str, _Page] | None:
        """One page, unless it was seen often enough; a redirect is followed, and the way counts every page of it."""
        for _step in range(4):
            name, key = self._place(url)
            if not name or key in self._known or self.opened[name] >= MOST_OF_A_PAGE:
                return None
            self._known.add(key)
            self.opened[name] += 1
            answer = self.client.get(url)
            if answer.status_code not in (301, 302):
                break
            url = urljoin(url, answer["Location"])
        if answer.streaming or "html" not in answer.headers.get("Content-Type", ""):
            return None
        page = _Page()
        page.feed(answer.content.decode())
        page.close()
        return (*trail, name), url, page

    def _place(self, url: str) -> tuple[str, tuple[Any, ...]]:
        """The name of a page of ours and what tells its addresses apart: which filters are set, not what they say."""
        parts = urlsplit(url)
        if parts.netloc:
            return "", ()
        try:
            match = resolve(parts.path)
        except Resolver404:
            return "", ()
        if match.view_name.startswith(LEFT_ALONE):
            return "", ()
        filters = tuple(sorted({name for name, value in parse_qsl(parts.query)}))
        return match.view_name, (match.view_name, tuple(sorted(match.kwargs.items())), filters)

    def _send_all(self, trail: tuple[str, ...], at: str, page: _Page, depth: int) -> None:
        for form in page.forms:
            if form.method != "post":
                continue
            url = urljoin(at, form.action or at)
            name, key = self._place(url)
            if not name:
                continue
            for button in form.buttons or [("", "")]:
                asked = frozenset(one.name for one in form.fields if one.kind != "hidden")
                once = (trail[-1], key, button, asked)
                if once not in self.sent:
                    self.sent.add(once)
                    self._send(trail, url, name, form, button, depth)

    def _send(
        self, trail: tuple[str, ...], url: str, name: str, form: Form, button: tuple[str, str], depth: int
    ) -> None:
        def post(but: str = "") -> Any:
            pressed = {button[0]: [button[1]]} if button[0] else {}
            return self.client.post(url, form.filled(self.word, but=but) | pressed)

        with undone():
            answer = post()
            over = self.ended()
            if not over and depth < DEEPEST and answer.status_code in (301, 302):
                self._go_on((*trail, name), urljoin(url, answer["Location"]), depth + 1)
        if over:
            asked = frozenset(one.name for one in form.fields if one.kind != "hidden")
            less = set()
            for one in asked:
                with undone():
                    post(but=one)
                    if self.ended():
                        less.add(one)
            self.endings.append(Ending(trail, name, asked, frozenset(less)))

    def _go_on(self, trail: tuple[str, ...], url: str, depth: int) -> None:
        """Pages that only this form opened: their links and forms, while what it did still holds."""
        known, opened = set(self._known), Counter(self.opened)
        here = self._open(url, trail)
        if here is not None:
            trail, at, page = here
            self._send_all(trail, at, page, depth)
            for link in page.links:
                further = self._open(urljoin(at, link), trail)
                if further is not None:
                    self._send_all(*further, depth + 1)
        self._known, self.opened = known, opened
