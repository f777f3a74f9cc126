"""Celery entry points."""

from __future__ import annotations

from celery import shared_task
from django.contrib.sessions.models import Session

from accounts import limits
from core import clock


@shared_task
def tidy() -> int:
    """Forget counters and sessions whose time is over; answers how many."""
    with clock.unit_of_work():
        now = clock.now()
        sessions, _by_model = Session.objects.filter(expire_date__lt=now).delete()
        return limits.tidy(now) + sessions
