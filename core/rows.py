"""The body of a list drawn without a template: what is the same for every row is worked out once a column, not once a cell."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import django_tables2 as tables
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.template import Context
from django.template.base import render_value_in_context
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django_tables2.columns import BoundColumn
from django_tables2.columns.linkcolumn import BaseLinkColumn
from django_tables2.columns.manytomanycolumn import ManyToManyColumn
from django_tables2.rows import BoundRow, BoundRows
from django_tables2.utils import Accessor, signature

Drawn = Callable[[Any, BoundRow], Any]
#: Columns whose cells name themselves: on phones they carry no label of the column.
UNNAMED = frozenset({"bo-pick", "bo-acts"})


def body(table: tables.Table, row_header: str) -> SafeString:
    """The rows of the table's page as `<tr>…</tr>`; `row_header` is the column whose cells name their row."""
    context = getattr(table, "context", None) or Context()
    plain = not _computed(table.attrs) and not any(_computed(column.column.attrs) for column in table.columns)
    parts = [_Part(table, column, row_header, context) for column in table.columns] if plain else []
    alike = not table.row_attrs  # then rows differ in their stripe alone
    records = _records(table.paginated_rows) if alike and parts and not any(part.needs_row for part in parts) else None
    if records is not None:
        stripes = itertools.cycle(("even", "odd"))
        text = "".join(
            [f'<tr class="{next(stripes)}">{"".join([part.cell(one) for part in parts])}</tr>\n' for one in records]
        )
        return mark_safe(text)  # noqa: S308  # every part was escaped where it was made
    lines = []
    for row in table.paginated_rows:
        if plain and type(row) is BoundRow:
            cells = "".join([part.html(row) for part in parts])
        else:
            cells = "".join([_around(column, row_header, _text(cell, context)) for column, cell in row.items()])
        attrs = f'class="{row.get_even_odd_css_class()}"' if alike and type(row) is BoundRow else row.attrs.as_html()
        lines.append(f"<tr {attrs}>{cells}</tr>\n")
    return mark_safe("".join(lines))  # noqa: S308  # every part was escaped where it was made


def _records(rows: Any) -> Iterable[Any] | None:
    """What the rows are made of, where none is pinned above or below them."""
    return rows.data if type(rows) is BoundRows and not any(rows.pinned_data.values()) else None


def _computed(attrs: Any) -> bool:
    """Whether attributes depend on the row."""
    values: Iterable[Any] = attrs.values() if isinstance(attrs, dict) else ()
    return any(callable(value) or _computed(value) for value in values)


def _text(value: Any, context: Context) -> str:
    """A value as a template shows it."""
    if type(value) is SafeString:
        return value
    return conditional_escape(value) if isinstance(value, str) else render_value_in_context(value, context)


def _frame(column: BoundColumn, row_header: str) -> tuple[str, str]:
    """What stands before and behind the content of a cell."""
    attrs = column.attrs["td"]
    if column.name == row_header:
        return f'<th scope="row" {attrs.as_html()}>', "</th>"
    label = "" if attrs.get("class") in UNNAMED else format_html(' data-label="{}"', column.header)
    return f"<td {attrs.as_html()}{label}>", "</td>"


def _around(column: BoundColumn, row_header: str, content: str) -> str:
    before, behind = _frame(column, row_header)
    return f"{before}{content}{behind}"


def value_of(accessor: Accessor, kind: type) -> Callable[[Any], Any]:
    """How the value of an accessor is read from records of a type; None where a record has none, as the library has it."""

    def resolved(record: Any) -> Any:
        try:
            return accessor.resolve(record)
        except Exception:
            return None

    def attribute(record: Any) -> Any:
        try:
            value = getattr(record, accessor)
        except Exception:
            return None
        return resolved(record) if callable(value) else value

    return attribute if accessor.isidentifier() and "__" not in accessor and not issubclass(kind, Mapping) else resolved


class _Part:
    """A column while the rows are drawn."""

    def __init__(self, table: tables.Table, column: BoundColumn, row_header: str, context: Context) -> None:
        self.column, self.context = column, context
        self.before, self.behind = _frame(column, row_header)
        self.render: Callable[..., Any] = column.render
        self.wanted, self.rest = signature(column.render)
        self.known: dict[str, Any] = {"column": column.column, "bound_column": column, "table": table}
        self.getters: dict[type, Callable[[Any], Any]] = {}
        # Links, and relations that are asked while drawing, are the library's own affair.
        self.simple = not (column.link or isinstance(column.column, (BaseLinkColumn, ManyToManyColumn)))
        self.needs_value = "value" in self.wanted or bool(self.rest) or bool(column.column.empty_values)
        self.needs_row = not self.simple or bool(self.rest) or "bound_row" in self.wanted
        self.only_record = not self.needs_value and tuple(self.wanted) == ("record",)

    def html(self, row: BoundRow) -> str:
        """The cell of a row."""
        content = self._content(row.record, row) if self.simple else row.get_cell(self.column.name)
        return f"{self.before}{_text(content, self.context)}{self.behind}"

    def cell(self, record: Any) -> str:
        """The cell of a record, where a row need not be made for it."""
        content = self.render(record=record) if self.only_record else self._content(record, None)
        return f"{self.before}{_text(content, self.context)}{self.behind}"

    def _content(self, record: Any, row: BoundRow | None) -> Any:
        value = self._value(record) if self.needs_value else None
        if self.column.column.empty_values and value in self.column.column.empty_values:
            return self.column.default
        self.known.update(value=value, record=record, bound_row=row)
        return self.render(**(self.known if self.rest else {name: self.known[name] for name in self.wanted}))

    def _value(self, record: Any) -> Any:
        """The value of the column in a record; the word of a choice where the field has choices."""
        kind = type(record)
        if kind not in self.getters:
            self.getters[kind] = self._chosen(record) or value_of(self.column.accessor, kind)
        return self.getters[kind](record)

    def _chosen(self, record: Any) -> Callable[[Any], Any] | None:
        accessor = self.column.accessor
        penultimate, remainder = accessor.penultimate(record)
        if not isinstance(penultimate, models.Model) or not remainder:
            return None
        try:
            if not getattr(accessor.get_field(record), "choices", ()):
                return None
        except FieldDoesNotExist:
            return None
        name = f"get_{remainder}_display"
        if not hasattr(penultimate, name):
            return None
        return lambda one: getattr(accessor.penultimate(one)[0], name)()
