"""Limits stated in texts: a text names the rule, and whoever shows it fills in what is in force, so that no text can lie about a limit.

    "At most %(listings__rows_per_call)s rows; delisted %(listings__gradual_delist_hours__hours)s later."

A name is the key of the rule set, two underscores, the rule; a unit behind two more makes a span of it: "1 day", 1天.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from core import clock, display
from policies import rules as models
from policies.force import active, history
from policies.rules.base import Provenance, Rules

_NAMED = re.compile(r"%\(([a-z_]+?)__([a-z0-9_]+?)(?:__(seconds|hours|days))?\)s")
_SECONDS = {"seconds": 1, "hours": 3600, "days": 86400}
_SETS: dict[str, type[Rules]] = {
    model.key: model
    for model in vars(models).values()
    if isinstance(model, type) and issubclass(model, Rules) and model is not Rules
}


def fill(text: str) -> str:
    """The text with the limits that it names as they are now, written in the reader's language. What names no rule stays as it is."""
    if "__" not in text:
        return text
    now = clock.now()
    return _NAMED.sub(lambda found: _written(found, now), text)


def mark(now: datetime) -> tuple[tuple[str, str], ...]:
    """What tells one state of all rules from another, for whoever keeps filled texts."""
    return tuple((key, active(model, now).version) for key, model in _SETS.items())


def cited_words(kept: str) -> str:
    """The version of a rule set that a decision followed, in the reader's language: from key and version, or from the title and version
    that older entries kept. What no rule set knows stays as it is."""
    for version in _known().get(kept, ()):
        return version.label
    return kept


def _known() -> dict[str, list[Provenance]]:
    found: dict[str, list[Provenance]] = {}
    for key in _SETS:
        for version in history(key):
            for name in (version.cited, f"{version.title} {version.version}", f"{version.title_zh} {version.version}"):
                found.setdefault(name.strip(), []).append(version)
    return found


def _written(found: re.Match[str], now: datetime) -> str:
    key, name, unit = found.groups()
    model = _SETS.get(key)
    if model is None or name not in model.model_fields:
        return found.group()
    value = getattr(active(model, now), name)
    if unit:
        return display.lasting(value * _SECONDS[unit])
    return display.number(value) if isinstance(value, (int, Decimal)) else str(value)
