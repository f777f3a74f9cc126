"""`manage.py up`: everything running, from an empty folder to a page that answers, in one terminal."""

from __future__ import annotations

import os
import socket
import sys
import time
from argparse import ArgumentParser
from typing import Any

import psycopg
import redis
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError
from psycopg.sql import SQL, Identifier

from accounts.models import User
from backoffice.celery import app
from backoffice.demo import ACCOUNTS, DEMO_PASSWORD
from backoffice.env import environment, require_proxy
from backoffice.health import broker_answers
from backoffice.servers import Held, ServersError, ensure
from backoffice.servers.dsn import redis_url
from backoffice.servers.options import missing_servers, up_parser
from backoffice.servers.probe import healthy
from backoffice.servers.processes import WORKERS, services
from backoffice.servers.run_lock import RunLock
from backoffice.servers.supervisor import Supervisor
from backoffice.servers.watchdog import Watchdog

PING_WAIT = 2.0  # seconds that workers have to answer a ping
ANSWER_WAIT = 60.0  # seconds after which a web server that does not answer is worth a line


class Command(BaseCommand):
    """Servers, migrations, demo data, web, workers and beat; Ctrl-C stops all of it."""

    help = "Start everything: servers, migrations, demo data, web, workers, beat. Ctrl-C stops all of it."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        up_parser(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.host: str = options["host"]
        self.port = environment().backoffice_port
        self.demo = not options["no_demo"]
        self.held: Held | None = None
        try:
            self._run()
        except ServersError as error:
            self.stderr.write(self.style.ERROR(f"Cannot start: {error}"))
            raise SystemExit(2) from None
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        finally:
            if self.held is not None:
                connection.close()
                self.held.release()

    def _run(self) -> None:
        require_proxy()
        lock = RunLock(environment().data_dir)
        left = lock.take(self.port)
        if left:
            self.stdout.write(f"Ended {left} processes of an earlier run that was killed.")
        require_free(self.host, self.port)
        self._hold()
        self._check_given()
        self._prepare()
        supervisor = Supervisor(services(self.host, self.port), stream=sys.stdout)
        supervisor.catch_signals()
        self._supervise(supervisor)

    def _hold(self) -> None:
        wanted = missing_servers(environment())
        if not wanted:
            return
        names = {"postgres": "PostgreSQL", "redis": "Redis"}
        self.stdout.write(f"Starting {' and '.join(names[name] for name in wanted)} …")
        self.held = ensure(environment().data_dir, want=wanted)
        if self.held.places.home != self.held.places.data_dir:
            self.stdout.write(
                f"The database's own user cannot reach this folder, so its data is in {self.held.places.home}"
            )

    def _check_given(self) -> None:
        """A given server that does not answer stops the start with one line."""
        try:
            connection.ensure_connection()
        except DatabaseError as error:
            raise ServersError(f"the database (DATABASE_URL) does not answer: {first_line(error)}") from None
        if environment().redis_url:
            address = redis_url(environment()).replace("redis+socket://", "unix://", 1)
            try:
                with redis.Redis.from_url(address, socket_connect_timeout=3, socket_timeout=3) as client:
                    client.ping()
            except (redis.RedisError, ValueError) as error:
                raise ServersError(f"Redis (REDIS_URL) does not answer: {first_line(error)}") from None

    def _prepare(self) -> None:
        loading = environment().data_dir / "demo.loading"
        embedded = not environment().database_url
        if embedded and loading.exists():
            self.stdout.write("An earlier run ended while the demo was loading: beginning it afresh.")
            make_database_anew()
        executor = MigrationExecutor(connection)
        count = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if count:
            self.stdout.write(f"Applying {count} migrations …")
        call_command("prepare", verbosity=0)
        if self.demo:
            self.stdout.write("Loading demo data …")
            if embedded and not User.objects.exists():
                loading.touch()  # from here to its removal the database holds nothing but demo data
            call_command("load_demo", stdout=self.stdout)
        loading.unlink(missing_ok=True)
        connection.close()

    def _supervise(self, supervisor: Supervisor) -> None:
        self._answered, self._started_at = False, time.monotonic()
        watchdog = Watchdog(
            WORKERS,
            ping=workers_that_answer,
            broker_answers=broker_answers,
            restart=lambda name: supervisor.restart(name, "it runs but does not listen to the broker"),
        )

        def tick() -> None:
            if not self._answered:
                self._look_for_answer(supervisor)
            if self.held is not None and self.held.lost():
                supervisor.say("the embedded servers' keeper was killed; starting it again")
                self.held = ensure(environment().data_dir, want=missing_servers(environment()))
            watchdog.look()

        try:
            supervisor.start()
            supervisor.run(each_tick=tick)
            supervisor.say("stopping …")
        finally:
            supervisor.stop()
        supervisor.say("everything has stopped")

    def _look_for_answer(self, supervisor: Supervisor) -> None:
        if healthy(listening(self.host), self.port):
            self._answered = True
            for line in self._welcome():
                supervisor.printer.raw(line)
        elif time.monotonic() - self._started_at > ANSWER_WAIT:
            self._started_at = time.monotonic()
            supervisor.say(f"the web server does not answer yet on port {self.port}; see its lines above")

    def _welcome(self) -> list[str]:
        rule = "─" * 72
        lines = ["", rule, f"  Back office is running:  http://{shown(self.host)}:{self.port}/", ""]
        if self.demo:
            lines += demo_accounts()
        else:
            lines += ["  Make the first admin:    python manage.py create_admin --email you@example.com"]
        return [*lines, "", "  Ctrl-C stops everything.", rule, ""]


def make_database_anew() -> None:
    """Drop the database and make it again, empty."""
    name = connection.settings_dict["NAME"]
    connection.close()
    with psycopg.connect(**{**connection.get_connection_params(), "dbname": "postgres"}, autocommit=True) as server:
        server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
        server.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))


def demo_accounts() -> list[str]:
    """The demo people and their one password, as lines of the welcome."""
    people = [f"  {email:<24} {name}" for email, name, _ in ACCOUNTS]
    return [*people, f"  password of all:         {DEMO_PASSWORD}"]


def workers_that_answer() -> set[str]:
    """The names of our workers that answer a ping; none when the broker fails meanwhile."""
    nodes = {f"{name}@{socket.gethostname()}": name for name in WORKERS}
    try:
        replies = app.control.ping(timeout=PING_WAIT, destination=list(nodes))
    except (OSError, OperationalError):
        return set(WORKERS)
    return {nodes[node] for reply in replies for node in reply if node in nodes}


def first_line(error: Exception) -> str:
    """The first line of an error's text, for a message of one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def shown(host: str) -> str:
    """The host as a browser on this machine writes it."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104 - read, not bound


def listening(host: str) -> str:
    """Where a server bound to `host` is reached from this machine."""
    return shown(host).strip("[]")


def require_free(host: str, port: int) -> None:
    """Make sure that nothing listens on the port. Raises ServersError in one line.

    Needed because granian shares a port with other processes that allow it (SO_REUSEPORT): two copies would answer in turn.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServersError(
                f"port {port} on {host} cannot be used ({os.strerror(error.errno or 0)}). Choose another with "
                "--port or BACKOFFICE_PORT."
            ) from None
