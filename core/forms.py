"""Form fields and what forms share in all rooms: a moment typed in the store’s zone, the version a refused form means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest, QueryDict
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from core import clock, display, zones

_ISO = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?$", re.ASCII)

Kind = TypeVar("Kind", bound=forms.Field)


def own_field(form: forms.BaseForm, name: str, kind: type[Kind]) -> Kind:
    """A form's own field `name`, to give it what is known only when the form is made: choices, a zone, a limit.

    Raises TypeError when the field is of another kind.
    """
    found = form.fields[name]
    if not isinstance(found, kind):
        raise TypeError(f"{name} is a {type(found).__name__}, not a {kind.__name__}")
    return found


class TypedMoment(str):
    """What was typed, and the zone that the page named beside it."""

    zone: tzinfo

    def __new__(cls, text: str, zone: tzinfo) -> TypedMoment:
        """The text as it came, with the zone it is meant in."""
        typed = super().__new__(cls, text)
        typed.zone = zone
        return typed


class MomentInput(forms.TextInput):
    """A moment's text, and hidden beside it the zone in which the page shows it: what is typed means that zone, whatever the store's
    zone has become when the form arrives."""

    zone: tzinfo = UTC

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The input and its zone."""
        drawn = super().render(name, value, attrs, renderer)
        return format_html(
            '{}<input type="hidden" name="{}.zone" value="{}">', drawn, name, display.zone_key(self.zone)
        )

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        """The text, with its zone when the form named one that there is."""
        text, named = super().value_from_datadict(data, files, name), data.get(f"{name}.zone")
        if isinstance(text, str) and named in zones.known():
            return TypedMoment(text, display.zone(str(named)))
        return text


class MomentField(forms.Field):
    """`2026-11-27 16:00` in `zone` (set it in the form's `__init__`); answers an aware UTC datetime. A form that was opened while the
    store had another zone says so, and is read in that one.

    Full-width digits and signs, as Chinese input methods write them, are understood. Refused with a reason: no such day,
    and an hour that the zone skips or has twice when its clocks change.
    """

    default_error_messages = {
        "format": _("Write the time as 2026-11-27 16:00."),
        "missing": _("The clocks go forward here: this time does not exist in %(zone)s."),
        "twice": _("The clocks go back here: this time happens twice in %(zone)s. Choose one an hour away."),
    }

    def __init__(self, *, zone: tzinfo = UTC, end_of_day: bool = False, **extra: Any) -> None:
        extra.setdefault("widget", MomentInput())
        super().__init__(**extra)
        self.zone = zone
        self.end_of_day = end_of_day

    @property
    def zone(self) -> tzinfo:
        """The zone in which the page shows and reads this moment."""
        return self._zone

    @zone.setter
    def zone(self, zone: tzinfo) -> None:
        self._zone = zone
        if isinstance(self.widget, MomentInput):
            self.widget.zone = zone

    def widget_attrs(self, widget: forms.Widget) -> dict[str, str]:
        """ISO text with a hint; the calendar is added by JavaScript."""
        return {"data-datetime": "", "placeholder": "2026-11-27 16:00", "autocomplete": "off", "maxlength": "16"}

    @property
    def zone_label(self) -> str:
        """The name shown beside the input."""
        return display.zone_label(self.zone, clock.now())

    def prepare_value(self, value: Any) -> Any:
        """A moment is shown in the zone; text that came back from a form stays as typed, unless it was meant in another zone."""
        if isinstance(value, TypedMoment) and display.zone_key(value.zone) != display.zone_key(self.zone):
            try:
                value = self.to_python(value)
            except ValidationError:
                return value
        return display.stamp(value.astimezone(self.zone)) if isinstance(value, datetime) else value

    def to_python(self, value: Any) -> datetime | None:
        """Read the text; None when it is empty."""
        if value in (None, "") or isinstance(value, datetime):
            return value or None
        text = str(value).translate(_WIDE).strip()
        if not text:
            return None
        found = _ISO.match(text)
        if not found:
            raise ValidationError(self.error_messages["format"], code="format")
        year, month, day, hour, minute = found.groups()
        late = (23, 59) if self.end_of_day else (0, 0)
        clock_time = (int(hour), int(minute)) if hour else late
        zone = value.zone if isinstance(value, TypedMoment) else self.zone
        try:
            typed = datetime(int(year), int(month), int(day), *clock_time, tzinfo=zone)
            moment = clock.utc(typed)
        except (ValueError, OverflowError):
            raise ValidationError(self.error_messages["format"], code="format") from None
        if isinstance(zone, ZoneInfo):
            self._refuse_clock_change(typed, moment, zone)
        return moment

    def _refuse_clock_change(self, typed: datetime, moment: datetime, zone: tzinfo) -> None:
        named = {"zone": display.zone_label(zone, clock.now())}
        if moment.astimezone(zone).replace(tzinfo=None) != typed.replace(tzinfo=None):
            raise ValidationError(self.error_messages["missing"], code="missing", params=named)
        if typed.replace(fold=1).astimezone(UTC) != moment:
            raise ValidationError(self.error_messages["twice"], code="twice", params=named)


_WIDE = str.maketrans("０１２３４５６７８９：－／．　", "0123456789:--- ") | str.maketrans("/.", "--")


class Renderer(TemplatesSetting):
    """Forms by the project's templates; fields, inputs and lists to choose from by Python, for a template takes ten times as long.

    What Python draws has the names of Django's own templates, and draws the same (a test compares); `field.html` is ours alone.
    """

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        """The markup of a form, a field or a widget."""
        if template_name == "django/forms/field.html":
            return _field(context["field"])
        if template_name == "django/forms/widgets/select.html":
            return _select(context["widget"])
        if template_name in _INPUTS:
            return _input(context["widget"])
        return str(super().render(template_name, context, request))


_INPUTS = {
    f"django/forms/widgets/{kind}.html" for kind in ("text", "number", "email", "hidden", "password", "checkbox")
}


def _field(field: forms.BoundField) -> SafeString:
    """A field with its label, its help and its errors."""
    inner: Any = field.field
    told = field.errors and not getattr(inner, "told_elsewhere", False)
    label, errors = conditional_escape(field.label), str(field.errors) if told else ""
    star = '<span class="bo-req" aria-hidden="true"> *</span>' if inner.required else ""
    help_text = (
        f'<div class="bo-help" id="{escape(field.auto_id)}_helptext">{field.help_text}</div>' if field.help_text else ""
    )
    live = getattr(inner, "live", "")
    if live:
        errors = f'<div id="{escape(live)}" aria-live="polite">{errors}</div>'
    if field.use_fieldset:
        about = field.aria_describedby
        described = f' aria-describedby="{escape(about)}"' if about else ""
        drawn = (
            f'<fieldset class="bo-field"{described}>\n  <legend>{label}{star}</legend>\n'
            f'  <div class="bo-choices-list">{field}</div>\n  {help_text}{errors}\n</fieldset>'
        )
    elif getattr(inner.widget, "input_type", "") == "checkbox":
        head = f'{field}<label for="{escape(field.id_for_label)}">{label}</label>'
        drawn = f'<div class="bo-field bo-field-check">{head}{help_text}{errors}</div>'
    else:
        zone = getattr(inner, "zone_label", "")
        shown = (
            f'<div class="bo-with-zone">{field}<span class="bo-muted">{escape(zone)}</span></div>'
            if zone
            else str(field)
        )
        head = f'<label for="{escape(field.id_for_label)}">{label}{star}</label>'
        drawn = f'<div class="bo-field">{head}{shown}{help_text}{errors}</div>'
    return mark_safe(drawn)  # noqa: S308  # every part is escaped above; help texts are our own


def _input(widget: Mapping[str, Any]) -> SafeString:
    """What `django/forms/widgets/input.html` draws."""
    value = "" if widget["value"] is None else f' value="{conditional_escape(widget["value"])}"'
    head = f'<input type="{conditional_escape(widget["type"])}" name="{conditional_escape(widget["name"])}"'
    return mark_safe(f"{head}{value}{_attrs(widget['attrs'])}>")  # noqa: S308  # every part is escaped


def _select(widget: Mapping[str, Any]) -> SafeString:
    """What `django/forms/widgets/select.html` draws."""
    lines = []
    for group, options, _index in widget["optgroups"]:
        if group:
            lines.append(f'  <optgroup label="{conditional_escape(group)}">')
        lines += [
            f'  <option value="{conditional_escape(option["value"])}"{_attrs(option["attrs"])}>'
            f"{conditional_escape(option['label'])}</option>"
            for option in options
        ]
        if group:
            lines.append("  </optgroup>")
    head = f'<select name="{conditional_escape(widget["name"])}"{_attrs(widget["attrs"])}>'
    return mark_safe("\n".join([head, *lines, "</select>"]))  # noqa: S308  # every part is escaped above


def _attrs(attrs: Mapping[str, Any]) -> str:
    """What `django/forms/widgets/attrs.html` draws."""
    return "".join(
        f" {conditional_escape(name)}"
        if value is True
        else f' {conditional_escape(name)}="{conditional_escape(value)}"'
        for name, value in attrs.items()
        if value is not False
    )


def at_version(form: forms.Form, version: int) -> None:
    """Let the next submit of a refused form mean the row as its page shows it now (`version`); what was typed stays."""
    kept = QueryDict(mutable=True)
    kept.update(form.data)
    kept["version"] = str(version)
    form.data = kept
