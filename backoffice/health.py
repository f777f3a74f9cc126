"""Liveness and readiness, for load balancers, container health checks and the people on call."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.rights import public
from campaigns import sweeps
from core import clock
from core.models import Heartbeat, OutboxMessage

logger = logging.getLogger(__name__)

# Seconds. A sweep that is silent for longer, or work due for longer, is what somebody must look at (the age
# of work and of sweeps is the health, not that a process runs).
SILENT_AFTER = 60.0
OVERDUE_AFTER = 120.0
# A sweep that nobody has heard of for a day is none of this version any more.
FORGOTTEN_AFTER = 86_400.0
BROKER_WAIT = 1.0
# Beats that say "done once", not "still running".
ONE_OFF = ("demo",)

_migrated: list[bool] = []  # once true, true for the life of the process: migrations are not taken back under it


@require_safe
@never_cache
@public
def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this process answers; touches neither database nor broker."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
@public
def readyz(request: HttpRequest) -> JsonResponse:
    """503 only without a database or its migrations; else 200, `degraded` when work is late or the broker is gone."""
    try:
        if not migrated():
            return JsonResponse({"status": "unavailable", "reason": "migrations are missing"}, status=503)
        found = state(clock.now())
    except DatabaseError as error:
        logger.warning("not ready: %s", error)
        return JsonResponse({"status": "unavailable", "reason": "the database does not answer"}, status=503)
    return JsonResponse(found)


def state(now: datetime) -> dict[str, Any]:
    """What the installation's workers and queues look like at `now`; ages in seconds, None where there is nothing."""
    beats = dict(Heartbeat.objects.exclude(name__in=ONE_OFF).values_list("name", "beat_at"))
    ages = {name: _age(now, moment) for name, moment in sorted(beats.items())}
    due = OutboxMessage.objects.filter(Q(parked_at=None), available_at__lte=now)
    waiting = (due.aggregate(at=Min("available_at"))["at"], sweeps.oldest_due(now))
    oldest = min((moment for moment in waiting if moment is not None), default=None)
    broker = broker_answers()
    ages = {name: age for name, age in ages.items() if age <= FORGOTTEN_AFTER}
    patience = max(SILENT_AFTER, 4 * settings.SWEEP_INTERVAL)
    silent = [name for name, age in ages.items() if age > patience]
    last_sweep = min(ages.values(), default=None)
    oldest_due = None if oldest is None else _age(now, oldest)
    reasons = [
        *([] if broker else ["the broker does not answer"]),
        *([] if last_sweep is not None and last_sweep <= patience else ["no sweep has run lately"]),
        *([f"silent: {', '.join(silent)}"] if silent and len(silent) < len(ages) else []),
        *([] if oldest_due is None or oldest_due <= OVERDUE_AFTER else ["work is overdue"]),
    ]
    return {
        "status": "degraded" if reasons else "ok",
        "reasons": reasons,
        "broker": "ok" if broker else "down",
        "workers": {name: "silent" if name in silent else "ok" for name in ages},
        "sweep_ages": ages,
        "last_sweep_age": last_sweep,
        "oldest_due_age": oldest_due,
    }


def migrated() -> bool:
    """Whether every migration of this version is applied. Raises DatabaseError when the database does not answer."""
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.append(True)
    else:
        connection.ensure_connection()
    return True


def broker_answers() -> bool:
    """Whether Redis answers a ping within a second."""
    address = settings.REDIS_URL.replace("redis+socket://", "unix://", 1)
    try:
        with redis.Redis.from_url(address, socket_timeout=BROKER_WAIT, socket_connect_timeout=BROKER_WAIT) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError, ValueError):
        return False


def _age(now: datetime, moment: datetime) -> float:
    return round(max(0.0, (now - moment).total_seconds()), 1)
