"""Categories; listings and jobs are rendered by their own room (`listings.reading`, `listings.jobs`)."""

from __future__ import annotations

from typing import Any

from listings.models import Category


def category(row: Category) -> dict[str, Any]:
    """A node of the tree; `parent` must be loaded."""
    parent = row.parent
    return {"code": row.code, "parent": parent.code if parent else None, "name": row.name, "name_zh": row.name_zh}
