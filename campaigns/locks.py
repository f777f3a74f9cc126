"""The operation lock: one admin at a time per campaign, for some seconds from each submit (R19, R133).

It is a few columns of the campaign's own row, taken under the row lock. It never refuses its holder, is released by time alone, and
neither submit, approve, reject nor any sweep takes or obeys it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from audit.actors import Actor
from campaigns.models import Campaign
from core.errors import OperationLocked
from policies import timing


def holder_of(campaign: Campaign, actor: Actor, now: datetime) -> str:
    """Who else holds the lock at `now`; empty when nobody does, or the actor does. The system is never refused."""
    if actor.is_system or campaign.locked_until is None or campaign.locked_until <= now:
        return ""
    return "" if campaign.lock_holder_id == actor.id else campaign.lock_holder or "?"


def seconds_left(campaign: Campaign, now: datetime) -> int:
    """Whole seconds until the lock is released, at least one while it is held."""
    if campaign.locked_until is None or campaign.locked_until <= now:
        return 0
    return max(1, math.ceil((campaign.locked_until - now).total_seconds()))


def refusal(campaign: Campaign, now: datetime) -> OperationLocked:
    """The error for somebody who meets another's lock: holder and seconds."""
    left = seconds_left(campaign, now)
    detail = _("%(holder)s is on %(code)s; it can be tried again in %(seconds)s s.")
    error = OperationLocked(
        detail % {"holder": campaign.lock_holder, "code": campaign.code, "seconds": left}, campaign.lock_holder, left
    )
    error.extra["until"] = campaign.locked_until
    return error


def take(campaigns: Sequence[Campaign], actor: Actor, now: datetime) -> None:
    """Take the lock of these campaigns, whose rows the caller has locked, for the person (one query)."""
    if actor.is_system or not campaigns:
        return
    until = now + timing.operation_lock()
    for campaign in campaigns:
        campaign.lock_holder_id, campaign.lock_holder, campaign.locked_until = actor.id, actor.label, until
    Campaign.objects.filter(id__in=[campaign.pk for campaign in campaigns]).update(
        lock_holder_id=actor.id, lock_holder=actor.label[:160], locked_until=until
    )
