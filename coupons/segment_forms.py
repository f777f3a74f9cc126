"""The field of a segment on the creation form: each rule a line, empty ones left out. It checks shape; `segments.read` checks sense."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.translation import gettext_lazy as _

from accounts.models import Store
from coupons import segments
from listings.models import Category

_NAMES = ("first_order", "category", "bought_days", "quiet_days", "amount", "spent_days", "countries", "buyers")
_SPLIT = re.compile(r"[\s,;，；、]+")


class SegmentWidget(forms.MultiWidget):
    """The parts of a segment, each with its words; `parts` of the template are drawn in this order."""

    template_name = "coupons/_segment_widget.html"
    #: What the element around all parts carries: the check when the last of them is left.
    group: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, categories: Sequence[tuple[str, Any]]) -> None:
        number = {"inputmode": "numeric", "autocomplete": "off", "size": 4, "class": "bo-short"}
        widgets: dict[str, forms.Widget | type[forms.Widget]] = {
            "first_order": forms.CheckboxInput(),
            "category": forms.Select(choices=categories, attrs={"data-search": "", "class": "bo-short"}),
            "bought_days": forms.TextInput(attrs=number),
            "quiet_days": forms.TextInput(attrs=number),
            "amount": forms.TextInput(
                attrs={"inputmode": "decimal", "autocomplete": "off", "size": 8, "class": "bo-short"}
            ),
            "spent_days": forms.TextInput(attrs=number),
            "countries": forms.TextInput(attrs={"autocomplete": "off"}),
            "buyers": forms.Textarea(attrs={"rows": 3}),
        }
        super().__init__(widgets)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Open as soon as something is filled in; closed, it takes one line. `group` are the attributes of all parts together."""
        context = super().get_context(name, value, attrs)
        widget = context["widget"]
        empty = [part for part in widget["subwidgets"] if _is_empty(part)]
        for part in empty:
            part["attrs"].pop("aria-invalid", None)  # what is wrong is in the parts that hold something
        widget |= {"open": len(empty) < len(widget["subwidgets"]), "group": flatatt(dict(self.group))}
        return context

    def decompress(self, value: Any) -> list[Any]:
        """The parts of an initial value."""
        return [(value or {}).get(name) for name in _NAMES]


def _is_empty(part: Mapping[str, Any]) -> bool:
    return part["value"] in (None, "", [], [""]) and not part["attrs"].get("checked")


class SegmentField(forms.MultiValueField):
    """Its clean value is the parts by name; `from_form` makes rules of them."""

    def __init__(self, categories: Sequence[tuple[str, Any]], currency: str) -> None:
        self.currency = currency
        fields = (
            forms.BooleanField(required=False),
            forms.ChoiceField(required=False, choices=categories),
            forms.IntegerField(required=False, min_value=1),
            forms.IntegerField(required=False, min_value=1),
            forms.DecimalField(required=False, max_digits=14, decimal_places=3),
            forms.IntegerField(required=False, min_value=1),
            forms.CharField(required=False, max_length=1000),
            forms.CharField(required=False, max_length=500_000),
        )
        super().__init__(
            fields,
            required=False,
            require_all_fields=False,
            widget=SegmentWidget(categories),
            label=_("Who may claim"),
            help_text=_("All that is filled in must hold. Nothing filled in: for everybody."),
        )

    def compress(self, data_list: list[Any]) -> dict[str, Any]:
        """The parts by name."""
        parts = dict(zip(_NAMES, data_list or [None] * len(_NAMES), strict=True))
        return {**parts, "currency": self.currency}


class Keeper:
    """Segments as the creation form and the API ask for them (`coupons.audience`)."""

    def read(self, store: Store, given: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """Check what was asked for; answers what is kept, and faults under `segment`."""
        return segments.read(store, given)

    def field(self, store: Store) -> forms.Field:
        """The field of the creation form."""
        rows = Category.objects.filter(parent=None).order_by("position", "id")
        return SegmentField([("", "—"), *((row.code, row.label) for row in rows)], store.currency)

    def from_form(self, value: Any) -> Mapping[str, Any]:
        """Rules of the parts that are filled in; a half-filled one is kept as it is, for `read` to name."""
        parts: Mapping[str, Any] = value or {}
        rules: list[dict[str, Any]] = [{"kind": "first_order"}] if parts.get("first_order") else []
        if parts.get("category") or parts.get("bought_days"):
            rules.append({"kind": "bought", "category": parts["category"], "days": parts["bought_days"]})
        if parts.get("quiet_days"):
            rules.append({"kind": "quiet", "days": parts["quiet_days"]})
        if parts.get("amount") or parts.get("spent_days"):
            spent = {"amount": parts["amount"], "currency": parts["currency"], "days": parts["spent_days"]}
            rules.append({"kind": "spent", **spent})
        if listed := _split(parts.get("countries")):
            rules.append({"kind": "country", "countries": [code.upper() for code in listed]})
        if buyers := _lines(parts.get("buyers")):
            rules.append({"kind": "named", "buyers": buyers})
        return {"rules": rules} if rules else {}

    def to_form(self, segment: Mapping[str, Any]) -> Any:
        """The parts of a segment that is kept."""
        parts: dict[str, Any] = {}
        for rule in segment.get("rules", ()):
            kind = rule["kind"]
            if kind == "first_order":
                parts["first_order"] = True
            elif kind == "bought":
                parts |= {"category": rule["category"], "bought_days": rule["days"]}
            elif kind == "quiet":
                parts["quiet_days"] = rule["days"]
            elif kind == "spent":
                parts |= {"amount": rule["amount"], "spent_days": rule["days"]}
            elif kind == "country":
                parts["countries"] = ", ".join(rule["countries"])
            elif kind == "named":
                parts["buyers"] = "\n".join(rule["buyers"])
        return parts

    def fits(self, segment: Mapping[str, Any], currency: str) -> bool:
        """Whether the form, shown this segment and sent back untouched, would ask for the same rules."""
        parts = {**dict.fromkeys(_NAMES), **self.to_form(segment), "currency": currency}
        again, there = segments.of(self.from_form(parts)).rules, segments.of(segment).rules
        return len(again) == len(there) and set(again) == set(there)


def _split(text: str | None) -> list[str]:
    return [part for part in _SPLIT.split(text or "") if part]


def _lines(text: str | None) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in (text or "").splitlines() if line.strip()))
