"""规则: every rule set in force, with its version, source and date, and the values it sets (R20, R39, R192). Read only."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.requests import StoreRequest
from accounts.rights import member
from core import clock
from policies import active
from policies.reading import Version, all_versions, model_of, versions_of, words_of
from policies.rules import Rules


@require_safe
@member
def rule_sets(request: StoreRequest, store: str) -> HttpResponse:
    """The rule sets in force now."""
    found = []
    for versions in all_versions(clock.now()).values():
        standing = [version for version in versions if version.state in ("in_force", "coming")]
        current = next((version for version in standing if version.state == "in_force"), None)
        if current is not None:
            coming = [version for version in standing if version is not current]
            found.append({"current": current, "rules": current.provenance, "coming": coming[-1] if coming else None})
    return render(request, "policies/list.html", {"rule_sets": found})


@require_safe
@member
def rule_set(request: StoreRequest, store: str, key: str) -> HttpResponse:
    """One rule set: the values in force, and its versions."""
    rules = active(model_of(key), clock.now())
    context = {"rules": rules.provenance, "values": _values(rules), "versions": _standing(key)}
    return render(request, "policies/detail.html", context)


def _standing(key: str) -> list[Version]:
    """The versions that have been, are and will be in force, with their validity."""
    return [version for version in versions_of(key, clock.now()) if version.state != "withdrawn"]


def _values(rules: Rules) -> list[dict[str, Any]]:
    """Each value by its name; what is a table in itself (the effects of guards) is spread over lines."""
    rows: list[dict[str, Any]] = []
    for name, value in rules.model_dump(mode="json").items():
        note = words_of(type(rules), name)
        if isinstance(value, dict):
            rows += [{"name": f"{name}.{part}", "value": _text(inner), "note": note} for part, inner in value.items()]
        else:
            rows.append({"name": name, "value": _text(value), "note": note})
    return rows


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, dict):
        return ", ".join(f"{name}: {inner}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value) if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)
