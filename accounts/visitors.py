"""The person of a session, with the stores and the rights: read together, in one statement that is planned once a connection.

Every page needs the person, whether they may enter its store, and their other stores for the switcher. What is read here belongs to one
request: the next one reads it again, so that a right that was taken away is gone from the very next page.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection, models
from django.http import Http404

from accounts.models import Held, Membership, Store, User
from accounts.rights import ALL_RIGHTS
from core import clock
from core.prepared import Prepared

Row = TypeVar("Row", bound=models.Model)

_EVERYTHING = frozenset(ALL_RIGHTS)


def read(user_id: int) -> User | None:
    """The person of this id, with the active memberships and what each holds at this moment in `held`; None for nobody. One query."""
    rows = _statement().rows({"id": user_id, "now": clock.now()})
    if not rows:
        return None
    user = _made(User, rows[0])
    user.held = {}
    start = len(_names(User))
    middle = start + len(_names(Membership))
    for row in rows:
        if row[start] is None:
            continue  # a member of no store
        membership = _made(Membership, row[start:])
        membership.store = _made(Store, row[middle:])
        user.held[membership.store.slug] = membership, _rights(membership, row[-1])
    return user


def held_by(user: User) -> dict[str, Held]:
    """The active memberships of a person and the rights of each, by the slug of the store, in the order of the stores' names.

    No query for the person of a session; one for others.
    """
    if user.held is not None:
        return user.held
    fresh = read(user.pk)
    return (fresh.held if fresh is not None else None) or {}


def membership_of(user: User, slug: str) -> Held:
    """The person's active membership of a store and the rights held now. Raises Http404 for all others."""
    found = held_by(user).get(slug)
    if found is None:
        raise Http404("no such store for this user")
    found[0].user = user
    return found


def stores_of(user: User) -> list[Store]:
    """The stores a person is a member of, by name."""
    return [membership.store for membership, _ in held_by(user).values()]


def _rights(membership: Membership, granted: list[str]) -> frozenset[str]:
    return _EVERYTHING if membership.is_owner else _EVERYTHING & frozenset(granted)


def _made(model: type[Row], row: Sequence[Any]) -> Row:
    """The instance whose columns a row begins with."""
    names = _names(model)
    return model.from_db(connection.alias, names, row[: len(names)])


@cache
def _names(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


@cache
def _statement() -> Prepared:
    def columns(model: type[models.Model], alias: str) -> str:
        return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)

    return Prepared(
        f"""
        SELECT {columns(User, "u")}, {columns(Membership, "m")}, {columns(Store, "s")},
            ARRAY(
                SELECT g."right" FROM accounts_grant g
                WHERE g.membership_id = m.id AND (g.expires_at IS NULL OR g.expires_at > %(now)s)
            )
        FROM accounts_user u
        LEFT JOIN accounts_membership m ON m.user_id = u.id AND m.is_active
        LEFT JOIN accounts_store s ON s.id = m.store_id
        WHERE u.id = %(id)s
        ORDER BY s.name, s.id
        """,  # noqa: S608 - names of our own columns only
        [("id", "bigint"), ("now", "timestamptz")],
    )
