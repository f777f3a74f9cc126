"""What the command line says about servers, read before Django and its settings are loaded."""

from __future__ import annotations

import argparse
import os
import secrets
from collections.abc import Sequence

from backoffice.servers.dsn import Addresses
from backoffice.servers.guard import MARK

# Commands that work without a database; every other one finds the servers running, or starts them for its own time.
WITHOUT_SERVERS = frozenset(
    {"help", "version", "check", "makemessages", "compilemessages", "collectstatic", "findstatic", "diffsettings"}
    | {"startapp", "startproject", "testserver", "test", "create_secret_key"}
)
# It holds the servers itself, after it has looked for an earlier run that was killed.
SUPERVISING = "up"


def up_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The arguments of `manage.py up`, on `parser`."""
    parser.add_argument("--port", type=int, help="port of the web server (BACKOFFICE_PORT, else 8000)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--no-demo", action="store_true", help="start empty, without demo stores and people")
    return parser


def apply_up_options(argv: Sequence[str]) -> None:
    """Put the options of `up` into the environment, where settings and child processes read them."""
    if len(argv) < 2 or argv[1] != SUPERVISING or {"-h", "--help"} & set(argv):
        return
    options, _ = up_parser(argparse.ArgumentParser(add_help=False)).parse_known_args(list(argv[2:]))
    if options.port is not None:
        os.environ["BACKOFFICE_PORT"] = str(options.port)
    os.environ["BACKOFFICE_DEMO"] = "0" if options.no_demo else "1"
    os.environ[MARK] = secrets.token_hex(8)


def missing_servers(environment: Addresses) -> list[str]:
    """The servers that the environment does not name and the project therefore brings itself."""
    given = {"postgres": environment.database_url, "redis": environment.redis_url}
    return [name for name, address in given.items() if not address]


def wants_servers(argv: Sequence[str], environment: Addresses) -> list[str]:
    """The embedded servers to hold while this command line runs."""
    command = argv[1] if len(argv) > 1 else "help"
    if command in WITHOUT_SERVERS or command == SUPERVISING or command.startswith("-") or {"-h", "--help"} & set(argv):
        return []
    return missing_servers(environment)
