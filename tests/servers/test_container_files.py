"""The container files, checked without an engine: the schema of Compose, and the rules that hadolint and reviewers hold."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from backoffice.servers import processes, run
from tests.servers.stack import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
APP_SERVICES = ("migrate", "web", "lifecycle", "worker", "beat")
LONG_RUNNING = ("postgres", "redis", "web", "lifecycle", "worker", "beat")


def instructions() -> list[tuple[str, str]]:
    """Instruction and arguments, with continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def strings(value: object) -> Iterator[str]:
    """Every text in a nested structure."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def test_compose_file_follows_the_specification() -> None:
    command = ["check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(ROOT / "docker-compose.yml")]
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_compose_file_is_caught(tmp_path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(json.dumps(COMPOSE | {"services": {"web": {"imagee": "x"}}}))
    command = ["check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(broken)]
    assert subprocess.run([sys.executable, "-m", *command], capture_output=True, check=False).returncode == 1


def test_images_are_pinned() -> None:
    bases = [words.split()[0] for name, words in instructions() if name == "FROM"]
    images = bases + [COMPOSE["services"][name]["image"] for name in ("postgres", "redis")]
    for image in images:
        assert re.fullmatch(r"[a-z]+:\d+(\.\d+)*-(slim-)?[a-z]+", image), image
    assert "latest" not in DOCKERFILE
    assert COMPOSE["services"]["postgres"]["image"].startswith(("postgres:17", "postgres:18"))


def test_final_stage_is_small_and_not_root() -> None:
    stages = "\n".join(f"{name} {words}" for name, words in instructions()).split("FROM ")
    assert len(stages) == 3
    final = stages[-1]
    users = re.findall(r"^USER (\S+)", final, re.MULTILINE)
    assert users
    assert users[-1].split(":")[0] not in {"root", "0"}
    assert "HEALTHCHECK" in final
    assert "pip install" not in final
    assert "apt-get" not in final
    assert re.search(r"^CMD \[", final, re.MULTILINE)  # exec form: signals reach the process
    assert not re.search(r"^ADD ", DOCKERFILE, re.MULTILINE)


def test_packages_are_installed_from_the_lock_only() -> None:
    for line in re.findall(r"pip install.*", DOCKERFILE):
        assert "--require-hashes" in line


def test_what_is_secret_or_local_stays_out_of_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".git", ".venv", "var"} <= set(ignored)


@pytest.mark.parametrize("variable", ["POSTGRES_PASSWORD", "BACKOFFICE_SECRET_KEY", "BACKOFFICE_ALLOWED_HOSTS"])
def test_secrets_have_no_default(variable: str) -> None:
    uses = [text for text in strings(COMPOSE) if f"{{{variable}" in text]
    assert uses
    assert all(f"${{{variable}:?" in text for text in uses)
    assert f"\n{variable}=\n" in "\n" + (ROOT / "docker" / "env.example").read_text() or variable.endswith("HOSTS")


def test_every_long_running_service_has_a_health_check_and_restarts() -> None:
    assert set(COMPOSE["services"]) == {*LONG_RUNNING, "migrate"}
    for name in LONG_RUNNING:
        service = COMPOSE["services"][name]
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name


def test_nothing_starts_before_the_migration_has_ended() -> None:
    assert COMPOSE["services"]["migrate"]["restart"] == "no"
    assert COMPOSE["services"]["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in ("web", "lifecycle", "worker", "beat"):
        needed = COMPOSE["services"][name]["depends_on"]
        assert needed["migrate"]["condition"] == "service_completed_successfully"
        assert needed["redis"]["condition"] == "service_healthy"


def test_services_hold_few_powers() -> None:
    for name in APP_SERVICES:
        service = COMPOSE["services"][name]
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert "no-new-privileges:true" in service["security_opt"]
        assert "privileged" not in service
    published = {name: service.get("ports") for name, service in COMPOSE["services"].items() if service.get("ports")}
    assert set(published) == {"web"}
    assert published["web"][0].startswith("${BACKOFFICE_BIND:-127.0.0.1}:")


def test_redis_never_drops_a_message_silently() -> None:
    command = COMPOSE["services"]["redis"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_database_is_made_with_the_locale_of_the_embedded_one() -> None:
    arguments = COMPOSE["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]
    assert "--locale-provider=builtin --builtin-locale=C.UTF-8" in arguments


def test_services_start_the_processes_that_up_starts() -> None:
    """What runs in containers is what `manage.py up` runs, and every queue has a worker."""
    started = {name: COMPOSE["services"][name]["command"] for name in ("web", "lifecycle", "worker", "beat")}
    for name, words in started.items():
        assert words[:4] == ["python", "-m", "backoffice.servers.run", name]
        assert run.command(name, "127.0.0.1", 8000, 2)
    assert {service.name for service in processes.services("127.0.0.1", 8000)} == set(started)
    queues = {queue for names, _ in processes.WORKERS.values() for queue in names.split(",")}
    assert queues == {"lifecycle", "publish", "checks", "default"}
