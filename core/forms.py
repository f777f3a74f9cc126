"""Form fields shared by the rooms: a moment typed in the store's zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from core import clock, display

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


class MomentField(forms.Field):
    """`2026-11-27 16:00` in `zone` (set it in the form's `__init__`); answers an aware UTC datetime.

    Full-width digits and signs, as Chinese input methods write them, are understood. Refused with a reason: no such day,
    and an hour that the zone skips or has twice when its clocks change.
    """

    default_error_messages = {
        "format": _("Write the time as 2026-11-27 16:00."),
        "missing": _("The clocks go forward here: this time does not exist in %(zone)s."),
        "twice": _("The clocks go back here: this time happens twice in %(zone)s. Choose one an hour away."),
    }

    def __init__(self, *, zone: tzinfo = UTC, end_of_day: bool = False, **extra: Any) -> None:
        extra.setdefault("widget", forms.TextInput())
        super().__init__(**extra)
        self.zone = zone
        self.end_of_day = end_of_day

    def widget_attrs(self, widget: forms.Widget) -> dict[str, str]:
        """ISO text with a hint; the calendar is added by JavaScript."""
        return {"data-datetime": "", "placeholder": "2026-11-27 16:00", "autocomplete": "off", "maxlength": "16"}

    @property
    def zone_label(self) -> str:
        """The name shown beside the input."""
        return display.zone_label(self.zone, clock.now())

    def prepare_value(self, value: Any) -> Any:
        """A moment is shown in the zone; text that came back from a form stays as typed."""
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
        try:
            typed = datetime(int(year), int(month), int(day), *clock_time, tzinfo=self.zone)
            moment = clock.utc(typed)
        except (ValueError, OverflowError):
            raise ValidationError(self.error_messages["format"], code="format") from None
        if isinstance(self.zone, ZoneInfo):
            self._refuse_clock_change(typed, moment)
        return moment

    def _refuse_clock_change(self, typed: datetime, moment: datetime) -> None:
        if moment.astimezone(self.zone).replace(tzinfo=None) != typed.replace(tzinfo=None):
            raise ValidationError(self.error_messages["missing"], code="missing", params={"zone": self.zone_label})
        if typed.replace(fold=1).astimezone(UTC) != moment:
            raise ValidationError(self.error_messages["twice"], code="twice", params={"zone": self.zone_label})


_WIDE = str.maketrans("０１２３４５６７８９：－／．　", "0123456789:--- ") | str.maketrans("/.", "--")


class Renderer(TemplatesSetting):
    """Forms by the project's templates; a list to choose from by Python, for a template takes two more for every option."""

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        """The markup of a form, a field or a widget."""
        if template_name == "django/forms/widgets/select.html":
            return _select(context["widget"])
        return str(super().render(template_name, context, request))


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
