"""The form of a new version of a rule set, generated from its model: types, bounds, help (R192)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core import clock, display
from core.forms import MomentField
from policies import active, publishing
from policies.models import RuleSet
from policies.reading import words_of
from policies.rules import Provenance, RulebookRules, Rules
from policies.rules.base import biggest

#: Joins a name and a part of it into the name of a form field; no rule has it in its name.
JOINT = "__"
#: Words of the choices that rules offer.
CHOICES = {"blocked": _("Blocks"), "warning": _("Warns only")}
#: Words of the parts of a table; a part that is a code stands as it is.
PARTS = {"pause": _("Pause (can resume)"), "cancel": _("Cancel campaign permanently")}


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "bo-mono"})

    def __init__(self, *, most: int, longest: int, **extra: Any) -> None:
        super().__init__(**extra)
        self.most, self.longest = most, longest

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]  # a list, where a CharField has one text
        """The lines that hold something."""
        if isinstance(value, list | tuple):
            return [str(item) for item in value]
        lines = [line.strip() for line in str(value or "").splitlines() if line.strip()]
        if len(lines) > self.most:
            raise forms.ValidationError(gettext("At most %(n)s lines.") % {"n": self.most}, code="lines")
        if any(len(line) > self.longest for line in lines):
            raise forms.ValidationError(
                gettext("At most %(n)s characters a line.") % {"n": self.longest}, code="length"
            )
        return lines

    def prepare_value(self, value: Any) -> Any:
        """Lines again."""
        return "\n".join(value) if isinstance(value, list | tuple) else value


class VersionForm(forms.Form):
    """A version's name, date and reason; its values are added by `for_model`."""

    version = forms.CharField(
        label=_("Version"), max_length=publishing.VERSION_MAX, help_text=_("Such as V5.4; a name is used once.")
    )
    valid_from = MomentField(label=_("In force from"))
    title = forms.CharField(label=_("Name in English"), max_length=publishing.TITLE_MAX)
    title_zh = forms.CharField(label=_("Name in Chinese"), max_length=publishing.TITLE_MAX, required=False)
    source = forms.CharField(
        label=_("Source"), max_length=publishing.SOURCE_MAX, required=False, help_text=_("The document that says so.")
    )
    reason = forms.CharField(label=_("Why it changes"), max_length=publishing.REASON_MAX)
    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any, *, model: type[Rules], base: RuleSet, newest: int, zone: tzinfo) -> None:
        now = clock.now()
        first = {"title": base.title, "title_zh": base.title_zh, "source": base.source, "seen": newest}
        super().__init__(data, initial=first)
        self.model = model
        valid_from: Any = self.fields["valid_from"]
        valid_from.zone = zone
        valid_from.help_text = gettext("%(moment)s at the earliest, so that every process knows of it by then.") % {
            "moment": display.sentence(publishing.earliest(now), zone)
        }
        self.about = [self[name] for name in ("version", "valid_from", "reason", "title", "title_zh", "source")]
        rules, limits = model.load(base.values, Provenance(model.key, "", "", "", "", None)), active(RulebookRules, now)
        self.groups: list[dict[str, Any]] = []
        for name, info in model.model_fields.items():
            self._add(name, info, getattr(rules, name), limits)

    @property
    def values(self) -> dict[str, Any]:
        """The values as the model spells them."""
        found: dict[str, Any] = {}
        for name, value in self.cleaned_data.items():
            *path, last = name.split(JOINT)
            if (path or [last])[0] not in self.model.model_fields:
                continue
            place = found
            for part in path:
                place = place.setdefault(part, {})
            place[last] = value
        return found

    def _add(self, name: str, info: FieldInfo, value: Any, limits: RulebookRules) -> None:
        """The form field or fields of one field of the model; a table becomes a group of its own."""
        parts = _parts(value)
        label, help_text = _label(self.model, name), _help(name, info)
        if parts is None:
            most = biggest(name)
            self.fields[name] = field_for(
                info.annotation, info.metadata, limits, most, label=label, help_text=help_text
            )
            self.initial[name] = value
            if not self.groups or self.groups[-1]["title"]:
                self.groups.append({"title": "", "help": "", "fields": []})
            self.groups[-1]["fields"].append(self[name])
            return
        group: dict[str, Any] = {"title": label, "help": help_text, "fields": []}
        for path, annotation, inner in parts:
            key = JOINT.join([name, *path])
            self.fields[key] = field_for(
                annotation, (), limits, biggest(name), label=" · ".join(str(PARTS.get(part, part)) for part in path)
            )
            self.initial[key] = inner
            group["fields"].append(self[key])
        self.groups.append(group)


def _parts(value: Any) -> list[tuple[list[str], Any, Any]] | None:
    """The cells of a table as (path, type, value); None for what is no table."""
    if isinstance(value, BaseModel):
        return [([part], info.annotation, getattr(value, part)) for part, info in type(value).model_fields.items()]
    if isinstance(value, Mapping):
        found = []
        for key, inner in value.items():
            deeper = _parts(inner)
            if deeper is None:
                found.append(([str(key)], type(inner), inner))
            else:
                found += [([str(key), *path], annotation, cell) for path, annotation, cell in deeper]
        return found
    return None


def field_for(
    annotation: Any, metadata: Any, limits: RulebookRules, most: int, *, label: str, help_text: str = ""
) -> forms.Field:
    """The form field of a type; `most` bounds a number that its rule does not. Raises TypeError for a type that no rule set has had yet."""
    words: dict[str, Any] = {"label": label, "help_text": help_text}
    if get_origin(annotation) is Literal:
        choices = [(one, CHOICES.get(one, one)) for one in get_args(annotation)]
        return forms.ChoiceField(choices=choices, **words)
    if annotation is bool:
        return forms.BooleanField(required=False, **words)
    low, high = _bounds(metadata)
    high = most if high is None else high
    if annotation in (int, float):
        bounds: dict[str, Any] = {"min_value": low, "max_value": high}
        return forms.IntegerField(**bounds, **words) if annotation is int else forms.FloatField(**bounds, **words)
    if annotation is Decimal:
        return forms.DecimalField(min_value=low, max_value=high, **words)
    if annotation is str:
        return forms.CharField(max_length=limits.text_max, strip=False, **words)
    if get_origin(annotation) is tuple:
        return LinesField(most=limits.items_max, longest=limits.text_max, **words)
    raise TypeError(f"no form field for {annotation}")


def _bounds(metadata: Any) -> tuple[Any, Any]:
    low = high = None
    for one in metadata:
        low = one.ge if isinstance(one, Ge) else one.gt if isinstance(one, Gt) else low
        high = one.le if isinstance(one, Le) else one.lt if isinstance(one, Lt) else high
    return low, high


def _label(model: type[Rules], name: str) -> str:
    """What the value means, as the label of its field; rules speak every language of the house."""
    return words_of(model, name).rstrip(".。") or name


def _help(name: str, info: FieldInfo) -> str:
    """The value's name in the code and in the record, and its bounds."""
    low, high = _bounds(info.metadata)
    above = any(isinstance(one, Gt) for one in info.metadata)
    said = [name]
    if low is not None and high is not None:
        said.append(gettext("From %(low)s to %(high)s.") % {"low": low, "high": high})
    elif low is not None:
        said.append((gettext("More than %(low)s.") if above else gettext("At least %(low)s.")) % {"low": low})
    return " · ".join(said)
