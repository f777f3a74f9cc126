"""Many numbers in one parameter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import IntegerField, Lookup


def numbers(values: Iterable[int]) -> str:
    """The numbers as the text of an array of PostgreSQL's (`{1,2,3}`), for a parameter that is cast (`%s::bigint[]`).

    psycopg writes a list item by item, which for ten thousand takes longer than the search does.
    """
    return f"{{{','.join(map(str, values))}}}"


@IntegerField.register_lookup
class AnyOf(Lookup):
    """`pk__any=[…]`: one of many keys, in one parameter. With `__in` each is a parameter of its own."""

    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """`id = ANY(…)`."""
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s::bigint[])", (*parameters, numbers(self.rhs))
