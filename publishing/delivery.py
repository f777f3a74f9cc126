"""Publishing what is due: called through the outbox, found again by the sweep."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef
from django.utils.translation import gettext_lazy as _

import policies
from core import clock, heartbeat, outbox
from core.models import OutboxMessage
from core.scopes import across_stores
from policies.rules import PublishingRules
from publishing import builtin, http
from publishing.desire import TOPIC, call, key_of
from publishing.models import Publication, Publisher, Site
from publishing.refusing import REFUSED

_LOCK_SPACE = 0x5175


@outbox.handles(TOPIC, lease=120, label=_("Product pages of a language site"))
def deliver(message: OutboxMessage) -> None:
    """The outbox's handler: publish what is due on one site. Idempotent: what is published is not due."""
    publish_site(int(message.payload["site"]))


def publish_site(site_id: int) -> int:
    """Publish a site's due pages, batch after batch, until none is due; answers how many pages.

    After `run_seconds` it makes way for others and calls the next publisher itself. Raises publishing.http.NotTaken when a merchant's
    server refuses.
    """
    with across_stores("a publisher serves the site it is called to"):
        site = Site.objects.select_related("store").filter(id=site_id, is_active=True).first()
        if site is None:
            return 0
        rules = policies.active(PublishingRules, clock.now())
        began, pages = time.monotonic(), 0
        with _turn(site) as mine:
            while mine:
                with clock.unit_of_work():
                    done = _batch(site, rules)
                pages += done
                if not done:
                    break
                if time.monotonic() - began > rules.run_seconds:
                    with transaction.atomic():
                        call(site.store_id, [site.id], now=clock.read())
                    break
        return pages


def _batch(site: Site, rules: PublishingRules) -> int:
    if site.publisher == Publisher.BUILTIN:
        return builtin.publish_batch(site.id, limit=rules.batch, now=clock.now())
    return http.publish_batch(site, limit=rules.http_batch, now=clock.now())


@contextmanager
def _turn(site: Site) -> Iterator[bool]:
    """One publisher at a time for a merchant's own site, so that nothing is sent twice or overtakes; the pages of this installation
    need no turns (rows are claimed with SKIP LOCKED). Answers False when another publisher is at it."""
    if site.publisher == Publisher.BUILTIN:
        yield True
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, site.id])
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, site.id])


def sweep() -> int:
    """Find sites with due pages that nobody is called to, whatever was lost (an outbox row, the broker), and call a publisher.

    A site whose tries were used up is left alone for `requeue_after`. Answers how many calls were written.
    """
    now = clock.now()
    with across_stores("the sweep looks at every site"):
        rules = policies.active(PublishingRules, now)
        due = Publication.objects.filter(~REFUSED, site=OuterRef("pk"), desired_version__gt=F("published_version"))
        sites = list(Site.objects.filter(Exists(due), is_active=True).order_by("id").values_list("store_id", "id"))
        kept = _spoken_for([site_id for _store, site_id in sites], now=now, rest=timedelta(seconds=rules.requeue_after))
        calls = 0
        for store_id, site_id in sites:
            if site_id not in kept:
                with transaction.atomic():
                    calls += call(store_id, [site_id], now=now)
    heartbeat.beat("publishing.sweep", sites=len(sites), calls=calls)
    return calls


def _spoken_for(site_ids: list[int], *, now: datetime, rest: timedelta) -> set[int]:
    """Of these sites, those that a waiting or running call will serve, and those that failed for good a short while ago."""
    keys = {key_of(site_id): site_id for site_id in site_ids}
    rows = OutboxMessage.objects.filter(topic=TOPIC, key__in=keys).values_list("key", "parked_at")
    return {keys[key] for key, parked_at in rows if parked_at is None or parked_at > now - rest}
