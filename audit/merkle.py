"""The Merkle tree of RFC 6962 (and 9162 §2.1) as arithmetic: no database here.

Sizes count entries. A full subtree is named (level, index): the 2^level entries from index * 2^level on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from audit.leaf import EMPTY_ROOT, node_hash

Coordinate = tuple[int, int]
Span = tuple[int, int]
Frontier = dict[int, bytes]
"""The hashes of the full subtrees of which a tree consists, by level: one for each bit of its size."""


def frontier_coordinates(size: int) -> list[Coordinate]:
    """Which full subtrees a tree of `size` entries consists of, lowest level first."""
    return [(level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level & 1]


def grow(frontier: Frontier, size: int, leaves: Sequence[bytes]) -> tuple[list[tuple[int, int, bytes]], Frontier]:
    """Append leaf hashes to a tree of `size` entries. Answers the new full subtrees (level, index, hash) and the new frontier."""
    nodes: list[tuple[int, int, bytes]] = []
    after = dict(frontier)
    level, start, row = 0, size, list(leaves)
    while row:
        if start & 1:
            row.insert(0, after.pop(level))
            start -= 1
        if len(row) & 1:
            after[level] = row[-1]
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        level, start = level + 1, start >> 1
        nodes += [(level, start + i, value) for i, value in enumerate(row)]
    return nodes, after


def root_of(frontier: Frontier) -> bytes:
    """The root of the tree that consists of these subtrees."""
    root: bytes | None = None
    for level in sorted(frontier):
        root = frontier[level] if root is None else node_hash(frontier[level], root)
    return EMPTY_ROOT if root is None else root


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_spans(seq: int, size: int) -> list[Span]:
    """The half-open spans of entries whose hashes prove entry `seq` in a tree of `size` entries, from the leaf upwards."""
    if not 0 <= seq < size:
        raise ValueError(f"entry {seq} is not in a tree of {size}")
    spans: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if seq < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """The spans whose hashes prove that the tree of `old` entries is the beginning of the tree of `new` entries."""
    if not 0 < old <= new:
        raise ValueError(f"a tree of {old} is no beginning of a tree of {new}")
    spans: list[Span] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start, whole = middle, False
    if not whole:
        spans.append((start, end))
    return spans[::-1]


def coordinates(span: Span) -> list[Coordinate]:
    """The full subtrees of which a span of `inclusion_spans` consists, from left to right."""
    start, end = span
    found: list[Coordinate] = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def span_hash(span: Span, hashes: Callable[[Coordinate], bytes]) -> bytes:
    """The hash over a span, from the hashes of its full subtrees."""
    parts = [hashes(coordinate) for coordinate in coordinates(span)]
    value = parts.pop()
    while parts:
        value = node_hash(parts.pop(), value)
    return value


def verify_inclusion(leaf: bytes, seq: int, size: int, path: Iterable[bytes], root: bytes) -> bool:
    """Whether `path` proves the leaf hash at `seq` under `root` of a tree of `size` entries (RFC 9162 §2.1.3.2)."""
    if not 0 <= seq < size:
        return False
    position, last, value = seq, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            value = node_hash(sibling, value)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and value == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that the tree (`old`, `old_root`) is the beginning of (`new`, `new_root`) (RFC 9162 §2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    hashes = list(path)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
