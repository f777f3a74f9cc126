"""Entry points of workers: they only say "look now"; what is due is in the database."""

from __future__ import annotations

from celery import shared_task
from django.db import transaction

import policies
from core import clock
from core.heartbeat import beat
from core.scopes import across_stores
from listings import delisting, jobs, uploads
from policies.rules import ImportRules, ListingRules


@shared_task
def run_jobs() -> int:
    """Run the jobs that wait; answers how many."""
    ran = jobs.run_due()
    beat("jobs", ran=ran)
    return ran


@shared_task
def sweep() -> int:
    """Delist what was emptied long enough ago (R164). Answers how many listings went."""
    gone, limit = 0, policies.active(ListingRules, clock.read()).sweep_batch
    while True:
        with clock.unit_of_work(), across_stores("goods of every store go off sale by the clock"), transaction.atomic():
            batch = delisting.finish_due(limit=limit, now=clock.read())
        gone += batch
        if batch < limit:
            break
    beat("listings", delisted=gone)
    return gone


@shared_task
def tidy() -> int:
    """Remove uploaded files that are older than they are kept; answers how many."""
    now = clock.read()
    return uploads.remove_old(now, policies.active(ImportRules, now))
