"""The error-code catalogue (错误代码速查表, R140): each room declares its codes; a code has a cause and the steps that mend it.

    declare(Code("ERR_KYC", Severity.ERROR, _("…title"), cause=_("…"), fix=(_("…step"), _("…step")), page="stores:detail"))

A room declares in `<room>/codes.py`; the module is loaded when the project starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from core import display, money
from policies import stated

Text = str | Promise

VERSION = "2.3"
"""The table follows 速卖通错误代码速查表 v2.3 and goes on from there."""

WELL_FORMED = re.compile(r"^(ERR-\d{3}|(ERR|NOTE)(_[A-Z0-9]+)+)$", re.ASCII)
"""`NOTE_…` is news that nobody has to mend."""


class Severity(models.TextChoices):
    """How loud a message is."""

    INFO = "info", _("Information")
    WARNING = "warning", _("Warning")
    ERROR = "error", _("Error")


@dataclass(frozen=True, slots=True)
class Code:
    """One entry. `title`, `cause` and the steps of `fix` may hold `%(name)s` of a message's params, or of a limit (policies.stated).

    `page` is the URL name where it is mended; `page_args` names the params (beside the store's slug) that the address needs.
    `source` is the document that names the code, if any. `money` names the params that are amounts of the currency in the param `currency`.
    """

    code: str
    severity: Severity
    title: Text
    cause: Text = ""
    fix: tuple[Text, ...] | Text = ()
    page: str = ""
    page_args: tuple[str, ...] = ()
    page_label: Text = ""
    source: str = ""
    money: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[Text, ...]:
        """The steps that mend it, in order."""
        if isinstance(self.fix, tuple):
            return self.fix
        return (self.fix,) if self.fix else ()

    def url(self, store: str, params: Mapping[str, Any] | None = None) -> str:
        """Where it is mended, for the store with slug `store`; empty when there is no such page or a param is missing."""
        if not self.page or not store:
            return ""
        known = params or {}
        try:
            return reverse(self.page, kwargs={"store": store, **{name: known[name] for name in self.page_args}})
        except (KeyError, NoReverseMatch):
            return ""


def readable(code: Code, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The params as its sentences show them: amounts as the pages of the reader's language write money."""
    currency = params.get("currency")
    if not code.money or currency not in money.currencies():
        return params
    return {**params, **{name: _money(params[name], currency) for name in code.money if name in params}}


def _money(value: object, currency: str) -> object:
    try:
        return display.money(Decimal(str(value)), currency)
    except InvalidOperation:  # no amount: an empty text, or what a later version keeps
        return value


class _Known(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "…"


def fill(text: Text, params: Mapping[str, Any]) -> str:
    """The sentence in the reader's language with its params, and with the limits that it names (policies.stated) as they are now.

    A missing param shows as “…”, a broken one leaves the text as it is.
    """
    plain = str(text)
    if "%(" not in plain:
        return plain
    plain = stated.fill(plain)
    try:
        return plain % _Known(params)
    except (TypeError, ValueError):
        return plain


_codes: dict[str, Code] = {}


def declare(*codes: Code) -> None:
    """Put codes into the catalogue. Raises ValueError for a malformed code, or one that another entry has already."""
    for code in codes:
        if not WELL_FORMED.match(code.code):
            raise ValueError(f"{code.code!r} is no error code: ERR_WORDS, NOTE_WORDS or ERR-999")
        known = _codes.get(code.code)
        if known is not None and known is not code and known != code:
            raise ValueError(f"{code.code} is declared twice")
        _codes[code.code] = code


def lookup(code: str) -> Code | None:
    """The entry of a code; None for one that nobody declared (show it raw)."""
    return _codes.get(code)


def retold(code: str, said: str, language: str) -> str:
    """What was said of a code in words of `language`; who reads another language reads the title of the code in theirs."""
    known = None if language == (get_language() or "en") else lookup(code)
    return said if known is None else fill(known.title, {})


def all_codes() -> list[Code]:
    """Every entry, by code."""
    return [_codes[name] for name in sorted(_codes)]
