"""The stored tree: its nodes, frontier and root, read by coordinates."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from django.db import connection

from audit.merkle import Coordinate, Frontier, frontier_coordinates, root_of
from audit.models import SealState


class BrokenTree(Exception):
    """A node or leaf that must be there is not; `verify_audit` says where the log broke."""


def state() -> SealState:
    """Where the sealer stands; the log gets its random name when it is first asked for."""
    found, _ = SealState.objects.get_or_create(id=1, defaults={"log_id": secrets.token_hex(8)})
    return found


def hashes(coordinates: Iterable[Coordinate]) -> dict[Coordinate, bytes]:
    """The hashes of full subtrees, in at most two queries. Raises BrokenTree when one is missing."""
    wanted = set(coordinates)
    leaves = [index for level, index in wanted if level == 0]
    inner = [(level, index) for level, index in wanted if level > 0]
    found: dict[Coordinate, bytes] = {}
    with connection.cursor() as cursor:
        if leaves:
            cursor.execute("SELECT seq, leaf_hash FROM audit_leaf WHERE seq = ANY(%s)", [leaves])
            found.update({(0, seq): bytes(value) for seq, value in cursor.fetchall()})
        if inner:
            cursor.execute(
                "SELECT n.level, n.index, n.hash FROM unnest(%s::smallint[], %s::bigint[]) AS w (level, index)"
                " JOIN audit_node n ON n.level = w.level AND n.index = w.index",
                [[level for level, _ in inner], [index for _, index in inner]],
            )
            found.update({(level, index): bytes(value) for level, index, value in cursor.fetchall()})
    missing = wanted - found.keys()
    if missing:
        raise BrokenTree(f"the tree has no node {min(missing)}")
    return found


def frontier(size: int) -> Frontier:
    """The full subtrees of which the tree of the first `size` entries consists."""
    return {level: value for (level, _), value in hashes(frontier_coordinates(size)).items()}


def root(size: int) -> bytes:
    """The root of the first `size` entries, from stored nodes."""
    return root_of(frontier(size))
