"""What went wrong with another's server: a code with its facts, put into words for whoever reads it.

A fault is kept (in the outbox, in the results of a check, in a message) and read later, by people of two languages: so what is kept is
the code, never the sentence. Rooms declare the words of their codes; rows from before hold sentences, which are shown as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core import display

_words: dict[str, str | Promise] = {}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `facts` are what its words name (numbers and short names, no sentences). `site` among them is named before the words."""

    code: str
    facts: Mapping[str, str | int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, str | int]:
        """The JSON that is kept."""
        return {"code": self.code, **self.facts}

    def about(self, **facts: str | int) -> Fault:
        """The same fault with more facts."""
        return Fault(self.code, {**self.facts, **facts})

    def kept(self) -> str:
        """The same as text, for columns of text."""
        return orjson.dumps(self.as_dict()).decode()


def declare(words: Mapping[str, str | Promise]) -> None:
    """Declare the words of codes; `%(name)s` of the facts may stand in them. Raises ValueError for a code that has other words already."""
    for code, text in words.items():
        if _words.setdefault(code, text) is not text:
            raise ValueError(f"{code} is declared twice")


def read(text: str) -> dict[str, Any] | str:
    """What was kept in a column of text: the fault's JSON, or the sentence of a row from before."""
    if not text.startswith('{"code":'):
        return text
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:  # cut short, or somebody's own words
        return text
    return found if is_fault(found) else text


def is_fault(value: object) -> bool:
    """Whether a value kept as JSON is a fault."""
    return isinstance(value, dict) and isinstance(value.get("code"), str)


def say(kept: object) -> str:
    """The words of what was kept, in the reader's language: a fault (`Fault`, its JSON or its text), several, or a sentence from before."""
    if isinstance(kept, Fault):
        return _say(kept.as_dict())
    if isinstance(kept, (list, tuple)):
        return ("；" if display.is_chinese() else "; ").join(say(one) for one in kept)
    found = read(kept) if isinstance(kept, str) else kept
    return _say(found) if isinstance(found, dict) else str(found)


def _say(fault: Mapping[str, Any]) -> str:
    words = _words.get(fault.get("code", ""))
    facts = {name: display.number(fact) if isinstance(fact, int) else fact for name, fact in fault.items()}
    try:
        told = str(words) % facts if words is not None else str(fault.get("code", ""))
    except (KeyError, TypeError, ValueError):  # kept by another version of this program
        told = str(words)
    return f"{fault['site']}: {told}" if fault.get("site") else told


declare(
    {
        "refused": _("this address is not called: it does not lead to a server on the public internet"),
        "no_address": _("its name leads to no server"),
        "timeout": _("the server did not answer in time"),
        "unreachable": _("the server cannot be reached (%(what)s)"),
        "tls": _("the encrypted connection to the server failed (%(what)s)"),
        "too_large": _("the answer is larger than %(bytes)s bytes"),
        "encoded": _("the answer is encoded (%(encoding)s), which was not asked for"),
        "broken": _("the answer broke off or cannot be understood (%(what)s)"),
        "failed": _("the call failed"),
        "status": _("the server answered %(status)s"),
    }
)
