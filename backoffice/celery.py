"""The Celery application: a nudge service. Every promise is a row; a task only says "look now"."""

from __future__ import annotations

import os
import signal
from typing import Any, NoReturn

from celery import Celery
from celery.signals import beat_init, task_postrun, task_prerun, worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

from django.conf import settings

from backoffice.schedule import beat_schedule
from backoffice.servers.guard import follow_supervisor
from core import clock, memory

app = Celery("backoffice")
app.conf.update(
    broker_url=settings.REDIS_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": 3600,
        "socket_timeout": 3,
        "socket_connect_timeout": 2,
        # Whoever sends a nudge tries to connect once: by default the library tries again after 2 and after 4 s, inside
        # the request that sent it. (Workers and beat reconnect by themselves, with limits of their own.)
        "max_retries": 0,
    },
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=900,
    task_soft_time_limit=840,
    task_publish_retry=False,
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=2000,
    worker_max_memory_per_child=280_000,
    worker_hijack_root_logger=False,
    task_default_queue="default",
    task_routes={
        "campaigns.tasks.run_checks": {"queue": "checks"},
        "campaigns.tasks.*": {"queue": "lifecycle"},
        "coupons.tasks.sweep": {"queue": "lifecycle"},
        "coupons.tasks.effect_watch": {"queue": "lifecycle"},
        "publishing.tasks.*": {"queue": "publish"},
    },
    timezone="UTC",
    beat_schedule=beat_schedule(),
)
app.autodiscover_tasks()

_units: dict[str, Any] = {}


@task_prerun.connect
def _open_unit(task_id: str, **_: Any) -> None:
    unit = clock.unit_of_work()
    unit.__enter__()
    _units[task_id] = unit


@task_postrun.connect
def _close_unit(task_id: str, **_: Any) -> None:
    unit = _units.pop(task_id, None)
    if unit is not None:
        unit.__exit__(None, None, None)


@worker_process_init.connect
def _tie_to_worker(**_: Any) -> None:
    follow_supervisor()
    memory.for_batches()


@beat_init.connect
def _end_when_told(sender: Any, **_: Any) -> None:
    """Let SIGTERM and SIGINT end beat wherever they meet it.

    The library's own handler closes the broker's connection first. In the middle of a reply that makes the read fail
    with an ordinary error in place of the exit; beat logs it as a message that could not be sent, and goes on for ever.
    """

    def end(*_: object) -> NoReturn:
        sender.stop()  # should anything swallow the exit, the next pass ends all the same
        raise SystemExit

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
