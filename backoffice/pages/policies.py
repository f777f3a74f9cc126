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
from core import clock, display
from core.errors import NotFound
from policies import NoRulesInForce, active, history
from policies.rules import Rules
from policies.seeds import SEEDS

#: The rule sets, in the order in which they are shipped.
MODELS = tuple(dict.fromkeys(type(seed.rules) for seed in SEEDS))


@require_safe
@member
def rule_sets(request: StoreRequest, store: str) -> HttpResponse:
    """The rule sets in force now."""
    now = clock.now()
    found = []
    for model in MODELS:
        try:
            found.append(active(model, now).provenance)
        except NoRulesInForce:
            continue
    return render(request, "policies/list.html", {"rule_sets": found})


@require_safe
@member
def rule_set(request: StoreRequest, store: str, key: str) -> HttpResponse:
    """One rule set: the values in force, and its versions."""
    model = next((model for model in MODELS if model.key == key), None)
    if model is None:
        raise NotFound(_("There is no such rule set."))
    rules = active(model, clock.now())
    context = {"rules": rules.provenance, "values": _values(rules), "versions": history(key)}
    return render(request, "policies/detail.html", context)


def _values(rules: Rules) -> list[dict[str, Any]]:
    """Each value by its name; what is a table in itself (the effects of guards) is spread over lines."""
    rows: list[dict[str, Any]] = []
    for name, value in rules.model_dump(mode="json").items():
        note = "" if display.is_chinese() else type(rules).model_fields[name].description or ""
        if isinstance(value, dict):
            rows += [{"name": f"{name}.{part}", "value": _text(inner), "note": note} for part, inner in value.items()]
        else:
            rows.append({"name": name, "value": _text(value), "note": note})
    return rows


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {inner}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value) if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)
