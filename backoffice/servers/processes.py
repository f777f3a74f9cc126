"""The command lines of the project's processes: one place for `up`, for the container image and for the tests."""

from __future__ import annotations

import sys

from backoffice.servers.supervisor import Service

# Closing a campaign must not wait behind slow checks of public pages, so it has a worker of its own.
WORKERS = {"lifecycle": ("lifecycle", 1), "worker": ("publish,checks,default", 2)}
WEB_WORKERS = 2
WEB_THREADS = 4  # per worker; each keeps one database connection


def web(host: str, port: int, *, workers: int = WEB_WORKERS) -> list[str]:
    """The web server: granian, WSGI, HTTP/1 (a proxy in front speaks the rest)."""
    fixed = ["--interface", "wsgi", "--http", "1", "--no-ws", "--backpressure", "64", "--respawn-failed-workers"]
    sized = ["--workers", str(workers), "--blocking-threads", str(WEB_THREADS), "--workers-kill-timeout", "10"]
    where = ["--host", host, "--port", str(port), "--log-level", "warning"]
    return [sys.executable, "-m", "granian", *fixed, *sized, *where, "backoffice.wsgi:application"]


def worker(name: str, queues: str, concurrency: int) -> list[str]:
    """A Celery worker. No gossip and no mingle: workers need not know each other, the database tells them what is due."""
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "WARNING", "--hostname", f"{name}@%h"]
    sized = ["--queues", queues, "--concurrency", str(concurrency)]
    return [sys.executable, "-m", "celery", "--quiet", "-A", "backoffice", "worker", *quiet, *sized]


def beat() -> list[str]:
    """The scheduler, with its schedule in memory: sweeps find due work in the database, so a lost schedule loses nothing."""
    scheduler = ["--scheduler", "celery.beat:Scheduler", "--pidfile=", "--loglevel", "WARNING"]
    return [sys.executable, "-m", "celery", "--quiet", "-A", "backoffice", "beat", *scheduler]


def services(host: str, port: int) -> list[Service]:
    """Everything that `manage.py up` keeps running."""
    # Under root Celery warns of root at length; the hint belongs to servers, where it is in the operations manual.
    calm = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"}
    workers = [Service(name, worker(name, queues, count), calm) for name, (queues, count) in WORKERS.items()]
    return [Service("web", web(host, port)), *workers, Service("beat", beat())]
