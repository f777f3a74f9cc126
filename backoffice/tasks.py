"""The project's own tasks: the outbox and its tidy neighbours."""

from __future__ import annotations

from celery import shared_task

from api import idempotency
from campaigns import bulk, form_tokens
from core import clock, outbox
from core.heartbeat import beat
from core.scopes import across_stores
from storefront import quoting


@shared_task
def deliver_outbox() -> int:
    """Deliver what is due until nothing is; answers how many messages were tried."""
    tried = 0
    with across_stores("the outbox serves every store"):
        while batch := outbox.deliver_due():
            tried += batch
    beat("outbox", tried=tried)
    return tried


@shared_task
def prune() -> int:
    """Forget what nobody can use any more: idempotency keys, unused quotes, form tokens, unconfirmed selections; answers how many."""
    now = clock.now()
    with across_stores("old keys, quotes and tokens of every store"):
        forms = form_tokens.forget_old(now) + bulk.forget_drafts(now)
        return idempotency.prune(now) + quoting.forget_expired(now=now) + forms
