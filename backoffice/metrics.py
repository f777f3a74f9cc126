"""Figures for Prometheus: how old the work is, not whether a process runs.

For this machine, or with a token of platform staff: the figures name no store, yet they are nobody else's business.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

import psutil
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import tokens
from accounts.rights import public
from backoffice import health
from core import clock
from core.models import OutboxMessage

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@require_safe
@never_cache
@public
def metrics(request: HttpRequest) -> HttpResponse:
    """`/metrics`; 403 for everybody else, and then not a word more."""
    if not (_is_local(request) or _is_staff(request)):
        return HttpResponse(
            "for this machine, or with a token of platform staff\n", status=403, content_type="text/plain"
        )
    return HttpResponse("".join(_lines()), content_type=CONTENT_TYPE)


def _is_local(request: HttpRequest) -> bool:
    """Asked from this machine itself, and not through a proxy on it."""
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return False
    try:
        return ipaddress.ip_address(str(request.META.get("REMOTE_ADDR", ""))).is_loopback
    except ValueError:
        return False


def _is_staff(request: HttpRequest) -> bool:
    scheme, _space, raw = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    try:
        return tokens.authenticate(raw.strip()).store is None
    except tokens.TokenRefused:
        return False


def _lines() -> Iterator[str]:
    state = health.state(clock.now())
    waiting = OutboxMessage.objects.aggregate(
        waiting=Count("id", filter=Q(parked_at=None)), parked=Count("id", filter=Q(parked_at__isnull=False))
    )
    yield from _gauge("backoffice_degraded", "1 when something needs a look, see /readyz.", state["status"] != "ok")
    yield from _gauge("backoffice_broker_up", "1 when the broker answers.", state["broker"] == "ok")
    yield from _gauge(
        "backoffice_oldest_due_age_seconds", "Age of the oldest work that is due.", state["oldest_due_age"]
    )
    ages = {f'{{sweep="{name}"}}': age for name, age in state["sweep_ages"].items()}
    yield from _gauge("backoffice_sweep_age_seconds", "Since a sweep last finished.", ages)
    rows = {f'{{state="{name}"}}': count for name, count in waiting.items()}
    yield from _gauge("backoffice_outbox_messages", "Effects waiting, and given up.", rows)
    memory = psutil.Process().memory_info().rss
    yield from _gauge("process_resident_memory_bytes", "Memory of this web process.", memory)


def _gauge(name: str, words: str, value: Any) -> Iterator[str]:
    """One gauge; a dict has a value for each set of labels, and None is left out."""
    values = value if isinstance(value, dict) else {"": value}
    yield f"# HELP {name} {words}\n# TYPE {name} gauge\n"
    for labels, number in values.items():
        if number is not None:
            yield f"{name}{labels} {float(number):g}\n"
