"""Rooms stand on floors: also for foreign keys given as strings, and for migrations."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "core": 0,
    "audit": 1,
    "policies": 2,
    "accounts": 3,
    "inbox": 4,
    "listings": 5,
    "orders": 6,
    "publishing": 6,
    "finance": 7,
    "coupons": 7,
    "campaigns": 8,
    "insights": 9,
    "storefront": 9,
    "api": 10,
    "backoffice": 11,
}


def may_use(room: str, other: str) -> bool:
    """A room uses itself, and rooms on lower floors."""
    return room == other or FLOORS[other] < FLOORS[room]


def test_every_room_of_the_project_has_a_floor() -> None:
    ours = {config.label for config in apps.get_app_configs() if Path(config.path).parent == ROOT}
    assert ours == set(FLOORS)


def relations(model: type[Model]) -> Iterator[tuple[str, str]]:
    """(field, label of the model it points to) of the relations that a model declares to rooms of ours."""
    for field in model._meta.get_fields():
        target = field.related_model if field.is_relation and not field.auto_created else None
        if isinstance(target, type) and target._meta.app_label in FLOORS:
            yield field.name, target._meta.app_label


def test_relations_between_models_point_down() -> None:
    up = [
        f"{model._meta.label}.{field} -> {room}"
        for model in apps.get_models()
        if model._meta.app_label in FLOORS
        for field, room in relations(model)
        if not may_use(model._meta.app_label, room)
    ]
    assert up == []


def test_migrations_depend_on_lower_floors_only() -> None:
    loader = MigrationLoader(None)
    up = [
        f"{app}.{name} -> {dependency}"
        for (app, name), migration in loader.disk_migrations.items()
        if app in FLOORS
        for dependency, _ in [*migration.dependencies, *migration.run_before]
        if dependency in FLOORS and not may_use(app, dependency)
    ]
    assert up == []


@pytest.mark.parametrize("room", sorted(FLOORS))
def test_no_room_imports_inside_a_function(room: str) -> None:
    """An import inside a function hides an edge between rooms from the reader and from import order."""
    hidden = []
    for path in sorted((ROOT / room).rglob("*.py")):
        if "tests" in path.parts or "migrations" in path.parts:
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for node in ast.walk(function):
                    if isinstance(node, (ast.Import, ast.ImportFrom)):
                        hidden.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert hidden == []


def test_only_the_project_is_imported_by_nobody() -> None:
    """Tasks use shared_task: no room imports `backoffice`."""
    found = []
    for room in FLOORS:
        if room == "backoffice":
            continue
        for path in sorted((ROOT / room).rglob("*.py")):
            if "tests" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                elif isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                else:
                    continue
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                found += [place for name in names if name.split(".")[0] == "backoffice"]
    assert found == []
