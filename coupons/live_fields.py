"""The fields of the coupon form judged while it is being typed (R54): each has a region that speaks of it, and the server fills it.

A field is judged when it is left. Since much depends on something else (the end on the start, the minimum order on the kind, the face
value on the products), every change of the form has all the others judged again, too; their regions come along with the figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import ngettext

from core import display
from core.errors import FieldError
from coupons.models import Coupon

POOL = ("listings", "skus", "categories", "brands")
#: The parts of the pool speak with one voice: what is wrong with it stands below all of them.
POOL_REGION = "pool"
#: Asked about when they are left.
_LEFT = (
    "code", "name", "name_zh", "face_value", "min_order", "confirm_face_value", "starts_at", "ends_at", "quota", "budget", "cpc_cost",
    "stacks_from", "stacks_until", "campaign",
)  # fmt: skip
#: Many fields in one: asked about when the last of them is left.
_TOGETHER = "segment"
_ON_LEAVING = "blur delay:400ms, change delay:400ms"
_ON_LEAVING_ALL = "focusout delay:400ms"
_ON_CHANGE = "change delay:400ms"


def field_of(error: FieldError) -> str:
    """The form's field for a fault of a verb: `pool.categories.0` is `categories`, `regions.3` is `regions`, the pool itself `skus`."""
    parts = error.field.split(".")
    if parts[0] == "pool":
        return parts[1] if parts[1:] and parts[1] in POOL else "skus"
    return parts[0]


def region_of(name: str) -> str:
    """The name of the region that speaks of a field."""
    return POOL_REGION if name in POOL else name


def messages_of(errors: Iterable[FieldError], *, most: int) -> dict[str, list[str]]:
    """What is said of each field: each thing once, at most so many things, then how many more there are."""
    found: dict[str, list[str]] = {}
    for error in errors:
        said = found.setdefault(field_of(error), [])
        if str(error.message) not in said:
            said.append(str(error.message))
    return {name: _at_most(said, most) for name, said in found.items()}


def _at_most(said: list[str], most: int) -> list[str]:
    left = len(said) - most
    if left < 1:
        return said
    more = ngettext("%(n)s more is not right.", "%(n)s more are not right.", left) % {"n": display.number(left)}
    return [*said[:most], more]


def make_live(form: forms.Form, url: str, coupon: Coupon | None) -> None:
    """Have the server asked, 400 ms after a field was left; without JavaScript nothing changes."""
    code = f"&code={coupon.code}" if coupon is not None else ""

    def ask(name: str, trigger: str) -> dict[str, str]:
        return {
            "hx-post": f"{url}?field={name}{code}",
            "hx-trigger": trigger,
            "hx-target": f"#live_id_{name}",
            "hx-swap": "morph:outerHTML",
            "hx-include": "closest form",
            "hx-sync": "this:replace",
        }

    for name in (*_LEFT, _TOGETHER):
        if name in form.fields:
            form.fields[name].live = f"live_id_{name}"  # type: ignore[attr-defined]  # for what draws the field
            _describe(form, name, name)
    for name in _LEFT:
        if name in form.fields:
            form.fields[name].widget.attrs |= ask(name, _ON_LEAVING)
    if _TOGETHER in form.fields:
        form.fields[_TOGETHER].widget.group = ask(_TOGETHER, _ON_LEAVING_ALL)
    for name in POOL:
        form.fields[name].told_elsewhere = True  # type: ignore[attr-defined]  # for what draws the field
        _describe(form, name, POOL_REGION)
        form.fields[name].widget.attrs |= ask(POOL_REGION, _ON_CHANGE)


def _describe(form: forms.Form, name: str, region: str) -> None:
    field = form.fields[name]
    described = [f"id_{name}_helptext"] if field.help_text else []
    field.widget.attrs["aria-describedby"] = " ".join([*described, f"live_id_{region}"])


def judged(form: forms.Form, said: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """All regions with what is to be said in each, but those of fields that are empty and not right: they may still be written."""
    names = {region_of(name): [name] for name in (*_LEFT, _TOGETHER) if _shows(form, name)} | {POOL_REGION: list(POOL)}
    rows = []
    for region, fields in names.items():
        errors = [message for name in fields for message in said.get(name, ())]
        if not errors or any(_typed(form, name) for name in fields):
            rows.append(region_row(region, errors))
    return rows


def region_row(region: str, errors: Sequence[str]) -> dict[str, Any]:
    """A region as its template takes it."""
    return {"id": f"live_id_{region}", "name": region, "errors": errors}


def _shows(form: forms.Form, name: str) -> bool:
    return name in form.fields and not form.fields[name].widget.is_hidden


def _typed(form: forms.Form, name: str) -> bool:
    value = form[name].value()
    return any(value) if isinstance(value, list | tuple) else bool(value)
