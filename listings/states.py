"""The states' edges as the model declares them, for set-based paths; the database trigger holds the same ones."""

from __future__ import annotations

from functools import cache

from django.db.models import Model


@cache
def pairs(model: type[Model]) -> frozenset[tuple[str, str]]:
    """Every (from, to) that some declared transition of `model.state` allows."""
    field = model._meta.get_field("state")
    return frozenset((str(edge.source), str(edge.target)) for edge in field.get_all_transitions(model))  # type: ignore[union-attr]  # the state is an FSMField


def sources(model: type[Model], target: str) -> frozenset[str]:
    """The states from which `target` can be reached in one step."""
    return frozenset(source for source, reached in pairs(model) if reached == target)
