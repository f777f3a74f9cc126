"""Categories and jobs; listings are rendered by their own room (`listings.reading`)."""

from __future__ import annotations

from typing import Any

from api.fields import write_moment
from listings.models import Category, Job


def category(row: Category) -> dict[str, Any]:
    """A node of the tree; `parent` must be loaded."""
    parent = row.parent
    return {"code": row.code, "parent": parent.code if parent else None, "name": row.name, "name_zh": row.name_zh}


def job(row: Job) -> dict[str, Any]:
    """A job and its failed rows."""
    return {
        "id": row.pk,
        "kind": row.kind,
        "state": row.state,
        "total": row.total,
        "done": row.done,
        "failed": row.failed,
        "rows": row.rows,
        "created_at": write_moment(row.created_at),
        "finished_at": write_moment(row.finished_at),
    }
