"""The base of every list: django-tables2 with our template, our columns and the four empty states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from html import escape
from typing import Any, cast

import django_tables2 as tables
from django.template.backends.django import Template as DjangoTemplate
from django.template.base import Template
from django.template.loader import get_template
from django.utils.functional import Promise, cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import display, rows
from core.templatetags.bo import state_chip, when_html, zone_of

Text = str | Promise
TEMPLATE = "components/table.html"


@dataclass(frozen=True, slots=True)
class Empty:
    """Why a list shows no rows: `never` had any, `filtered` away, `failed` to load, `forbidden`, or `ok` (all done)."""

    kind: str = "never"
    title: Text = ""
    text: Text = ""
    action_url: str = ""
    action_label: Text = ""
    clear_url: str = "?"
    code: str = ""
    at: datetime | None = None
    retry_url: str = ""
    granted_by: tuple[str, ...] = ()


class PickColumn(tables.Column):
    """Checkboxes that belong to the batch bar's form, so that they work without JavaScript."""

    def __init__(self, *, form: str = "bo-bulk", name: str = "pick", about: str = "", **extra: Any) -> None:
        attrs = {"th": {"class": "bo-pick"}, "td": {"class": "bo-pick"}}
        super().__init__(orderable=False, attrs=attrs, **extra)
        self.form, self.name, self.about = form, name, about
        self._read: Callable[[Any], Any] | None = None
        self._before: str | None = None
        self._middle = self._word = ""

    @property
    def header(self) -> SafeString:
        """The box that picks the whole page."""
        return format_html(
            '<label class="bo-needs-js"><input type="checkbox" data-bulk-page aria-label="{}"></label>',
            gettext("Select this page"),
        )

    def render(self, value: Any, record: Any) -> SafeString:
        """One box; its name for screen readers is the row's `about` field, or the value."""
        if self._before is None:  # a table, and so its columns, speaks one language
            self._before = f'<label><input type="checkbox" name="{escape(self.name)}" value="'
            self._middle = f'" form="{escape(self.form)}" data-bulk-row aria-label="'
            self._word = gettext("Select %(thing)s")
        told = escape(self._word % {"thing": self._name_of(record) if self.about else value})
        return mark_safe(f'{self._before}{escape(str(value))}{self._middle}{told}"></label>')  # noqa: S308  # escaped

    def _name_of(self, record: Any) -> Any:
        if self._read is None:
            self._read = rows.value_of(tables.A(self.about), type(record))
        return self._read(record)


class StateColumn(tables.Column):
    """A state as chip: icon, colour and word."""

    def __init__(self, *, kind: str, **extra: Any) -> None:
        extra.setdefault("verbose_name", _("State"))
        super().__init__(**extra)
        self.kind = kind

    def render(self, record: Any, bound_column: Any) -> SafeString:
        """The chip of `core.looks`; of the state itself, because for a field with choices the table hands over its label."""
        return state_chip(self.kind, bound_column.accessor.resolve(record))


class WhenColumn(tables.Column):
    """A moment in the store's zone with UTC below; the header names the zone once for the column."""

    def __init__(self, *, seconds: bool = False, named: bool = False, **extra: Any) -> None:
        super().__init__(**extra)
        self.seconds, self.named = seconds, named
        self._zone: tzinfo | None = None

    def render(self, value: datetime, table: tables.Table) -> SafeString:
        """Two lines."""
        if self._zone is None:  # a column belongs to one table, and that to one page
            self._zone = zone_of(getattr(table, "context", None))
        return when_html(value, self._zone, named=self.named, seconds=self.seconds)


class AmountColumn(tables.Column):
    """An amount of money, right-aligned; the currency belongs in the header and never changes inside a column."""

    def __init__(self, *, currency: str = "", **extra: Any) -> None:
        extra.setdefault("attrs", {"th": {"class": "bo-num"}, "td": {"class": "bo-num"}})
        super().__init__(**extra)
        self.currency = currency

    def render(self, value: Decimal, record: Any) -> str:
        """With the column's currency the bare figure; otherwise with the currency of the row."""
        if self.currency:
            return display.amount(value, self.currency)
        return display.money(value, record.currency)


class NumberColumn(tables.Column):
    """A count, right-aligned, thousands grouped."""

    def __init__(self, **extra: Any) -> None:
        extra.setdefault("attrs", {"th": {"class": "bo-num"}, "td": {"class": "bo-num"}})
        super().__init__(**extra)

    def render(self, value: int | Decimal) -> str:
        """`12,804`."""
        return display.number(value)


class DrawnColumn(tables.Column):
    """A cell that the table's own `render_<name>` draws from the record: for lists whose rows are many."""

    def __init__(self, **extra: Any) -> None:
        super().__init__(empty_values=(), orderable=False, **extra)


class CellColumn(tables.TemplateColumn):
    """A cell drawn by a template that sees `record`, `value`, `table` and the page's context.

    The page's own context is used as it stands: the library makes a new one a cell, and asks every context processor again.
    """

    @cached_property
    def _cell(self) -> Template:
        return cast(DjangoTemplate, get_template(self.template_name)).template

    def render(self, record: Any, table: tables.Table, value: Any, bound_column: Any, **extra: Any) -> SafeString:
        """The cell."""
        context = getattr(table, "context", None)
        if self.template_code or context is None or context.template is None:
            return super().render(record, table, value, bound_column, **extra)
        seen = self.get_context_data(record=record, table=table, value=value, bound_column=bound_column, **extra)
        with context.update(seen):
            return self._cell.render(context)


class ActionsColumn(CellColumn):
    """Buttons and the More menu of a row: a template that sees `record`, `table` and the page's context."""

    def __init__(self, template_name: str, **extra: Any) -> None:
        extra.setdefault("verbose_name", _("Actions"))
        attrs = {"th": {"class": "bo-acts"}, "td": {"class": "bo-acts"}}
        super().__init__(template_name=template_name, orderable=False, attrs=attrs, **extra)


class BaseTable(tables.Table):
    """Set `caption` (read aloud), `row_header` (the column naming the row), `as_cards` (stacked on phones), `empty`."""

    caption: Text = ""
    row_header: str = ""
    as_cards: bool = True
    empty: Empty = Empty()

    def __init__(self, *args: Any, **extra: Any) -> None:
        extra.setdefault("template_name", TEMPLATE)  # a subclass's Meta does not inherit, so Meta cannot say it
        super().__init__(*args, **extra)

    def body(self) -> SafeString:
        """The rows of the page, for the table's template."""
        return rows.body(self, self.row_header)
