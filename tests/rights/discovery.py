"""What there is: every address of the URLconf and every operation of the API; and a fingerprint of all rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver
from ninja.operation import Operation

from accounts.access_map import access_of
from accounts.rights import Access
from api.app import api


@dataclass(frozen=True)
class Address:
    """One URL pattern: its name with namespaces (its route when it has none) and the access it declares."""

    name: str
    route: str
    access: Access | None


def addresses(resolver: Any = None, spaces: tuple[str, ...] = (), route: str = "") -> Iterator[Address]:
    """Every pattern of the project."""
    for pattern in (resolver or get_resolver()).url_patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, (*spaces, pattern.namespace) if pattern.namespace else spaces, here)
        elif isinstance(pattern, URLPattern):
            name = ":".join((*spaces, pattern.name)) if pattern.name else here
            yield Address(name, here, access_of(pattern.callback))


def operations() -> dict[str, Operation]:
    """Every operation of the API by `METHOD /path`."""
    found = {}
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                for method in operation.methods:
                    found[f"{method} {prefix}{path}"] = operation
    return found


#: Rows that may change although a request was refused: sessions, counters, the note of the refusal itself, a token's last use.
_MAY_CHANGE = {
    "django_session", "accounts_ratecounter", "audit_auditevent", "audit_personalvalue", "accounts_apitoken", "accounts_user",
}  # fmt: skip


def fingerprint() -> dict[str, str]:
    """A digest of the rows of every table, to prove that a refused request changed nothing."""
    tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)} - _MAY_CHANGE)
    parts = [
        f"SELECT '{table}', coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM \"{table}\" t"
        for table in tables
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())
