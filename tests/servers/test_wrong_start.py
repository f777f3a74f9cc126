"""A start that cannot work says so in one clear line and exits with 2, without leaving anything running."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from backoffice.env import SECRET
from tests.servers.stack import free_port, manage, using


def one_line(text: str) -> str:
    """The only line of `text`."""
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"BACKOFFICE_PORT": "eighty"}, ["BACKOFFICE_PORT", "'eighty'"]),
        ({"BACKOFFICE_PORT": "70000"}, ["BACKOFFICE_PORT", "65535"]),
        ({"CAMPAIGN_EXPIRY_GRACE": "-5"}, ["CAMPAIGN_EXPIRY_GRACE"]),
        ({"POST_CLOSE_CHECK_DELAYS": "900,30"}, ["POST_CLOSE_CHECK_DELAYS", "rising order"]),
        ({"BACKOFFICE_SECRET_KEY": "short"}, ["BACKOFFICE_SECRET_KEY", "32"]),
        ({"DATABASE_URL": "mysql://x"}, ["DATABASE_URL", "postgresql://"]),
        ({"DATABASE_URL": "postgresql://u@h:port/d"}, ["DATABASE_URL", "port"]),
        ({"REDIS_URL": "amqp://x"}, ["REDIS_URL", "redis://"]),
        ({"BACKOFFICE_EMAIL_URL": "mail.example"}, ["BACKOFFICE_EMAIL_URL", "smtp://"]),
        ({"BACKOFFICE_HTTPS": "true"}, ["BACKOFFICE_HTTPS", "BACKOFFICE_TRUSTED_PROXIES"]),
        ({"BACKOFFICE_DATA_DIR": "/proc/nowhere"}, ["/proc/nowhere", "BACKOFFICE_DATA_DIR"]),
    ],
)
def test_wrong_variable(folder: Path, variables: dict[str, str], words: list[str]) -> None:
    done = manage("up", "--no-demo", data_dir=folder / "var", **variables)
    assert done.returncode == 2, done.stderr
    line = one_line(done.stderr)
    assert line.startswith("Cannot start: ")
    for word in words:
        assert word in line
    assert not {name for name in SECRET & set(variables) if variables[name] in line}
    assert using(folder) == []


def test_port_in_use(folder: Path) -> None:
    with socket.socket() as taken:
        # As granian binds: another process that allows sharing would be let in without our look.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = manage("up", "--no-demo", "--port", str(port), data_dir=folder / "var")
    assert done.returncode == 2
    assert f"port {port}" in one_line(done.stderr)
    assert "--port" in done.stderr
    assert using(folder) == []


def test_given_servers_that_do_not_answer(folder: Path) -> None:
    port = free_port()
    database = f"postgresql://backoffice:word@127.0.0.1:{port}/backoffice"
    done = manage("up", "--no-demo", "--port", str(free_port()), data_dir=folder / "var", DATABASE_URL=database)
    assert done.returncode == 2
    assert "DATABASE_URL" in one_line(done.stderr)
    assert "word" not in done.stderr.replace("password", "")
    assert using(folder) == []
    redis = f"redis://127.0.0.1:{port}/0"
    done = manage("up", "--no-demo", "--port", str(free_port()), data_dir=folder / "var", REDIS_URL=redis)
    assert done.returncode == 2
    assert "REDIS_URL" in one_line(done.stderr)
    assert using(folder) == []
