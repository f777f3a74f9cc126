"""The promised browsers (R18): what a reader's own says it is, and whether it is older than every page is promised to work in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from policies.rules import BrowserRules

# Edge calls itself Chrome, too, so it is asked first. Others that are built on Chrome carry its version.
_KNOWN = (
    ("edge", "Edge", re.compile(r"\bEdge?/(\d{1,4})")),
    ("firefox", "Firefox", re.compile(r"\bFirefox/(\d{1,4})")),
    ("chrome", "Chrome", re.compile(r"\bChrome/(\d{1,4})")),
)
_EXPLORER = re.compile(r"\b(?:MSIE |Trident/)")


@dataclass(frozen=True, slots=True)
class Outdated:
    """A browser that is too old: its name and version, and what is promised."""

    name: str
    promised: str


def outdated(user_agent: str, rules: BrowserRules) -> Outdated | None:
    """Whether this browser is older than promised; None for one that is not, and for one that nothing is known of."""
    promised = f"Chrome {rules.chrome}+, Edge {rules.edge}+, Firefox {rules.firefox}+"
    if _EXPLORER.search(user_agent):
        return Outdated("Internet Explorer", promised)
    for key, name, pattern in _KNOWN:
        if found := pattern.search(user_agent):
            version = int(found.group(1))
            return Outdated(f"{name} {version}", promised) if version < getattr(rules, key) else None
    return None
