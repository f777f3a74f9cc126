"""The review of enrolments by platform staff (R21): let in, refuse with a reason, give back; and what the platform enforces (R25)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check, check_staff
from audit.actors import Actor
from audit.verbs import verb
from campaigns import finding
from campaigns.events import Event, tell
from campaigns.kinds import spec
from campaigns.models import Campaign, CampaignState
from campaigns.starting import start_now
from campaigns.writing import RIGHT, ensure_state, record_change, save, wrong_state
from core.errors import FieldError, InvalidInput
from inbox.send import send
from policies.rules import CampaignRules

S = CampaignState
OTHER = "other"
LIVE = frozenset({S.SCHEDULED, S.RUNNING, S.PAUSED})


@verb("campaign.approve")
def approve(
    store: Store, code: str, *, note: str = "", version: int | None = None, actor: Actor, now: datetime
) -> Campaign:
    """Platform staff let an enrolment in; it starts at once when its start has come."""
    check_staff(actor)
    campaign = finding.lock(store, code, version=version)
    ensure_state(campaign, {S.IN_REVIEW}, now)
    campaign.approve()
    _reviewed(campaign, actor, now, "", note)
    _record_review("approve", campaign, store, actor, now, note)
    tell([Event("campaign.approved", campaign, {"state": campaign.state})], now=now)
    _message(campaign, "NOTE_ENROLMENT_APPROVED", now)
    if campaign.starts_at <= now:
        start_now([campaign], now=now, actor=actor)
    return campaign


@verb("campaign.reject")
def reject(
    store: Store, code: str, *, reason: str, note: str = "", version: int | None = None, actor: Actor, now: datetime
) -> Campaign:
    """Platform staff refuse an enrolment. `reason` is a code of the policy (`reject_reasons`); any other text is the note of `other`."""
    check_staff(actor)
    campaign = finding.lock(store, code, version=version)
    if campaign.state != S.IN_REVIEW:
        raise wrong_state(campaign, {S.IN_REVIEW})
    reason, note = reason.strip(), note.strip()
    if reason not in policies.active(CampaignRules, now).reject_reasons:
        reason, note = OTHER, ": ".join(part for part in (reason, note) if part)
    campaign.reject()
    _reviewed(campaign, actor, now, reason, note)
    why = ": ".join(part for part in (reason, note) if part)
    _record_review("reject", campaign, store, actor, now, why)
    tell([Event("campaign.rejected", campaign, {"state": campaign.state, "reason": reason, "note": note})], now=now)
    _message(campaign, "ERR_ENROLMENT_REJECTED", now)
    return campaign


@verb("campaign.revise", right=RIGHT)
def revise(store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime) -> Campaign:
    """A rejected enrolment back to the desk, as a draft; why it was rejected stays to be read until it is handed in again."""
    check(actor, store, RIGHT, now=now)
    campaign = finding.lock(store, code, version=version)
    if campaign.state != S.REJECTED:
        raise wrong_state(campaign, {S.REJECTED})
    campaign.revise()
    save(campaign, now)
    record_change("campaign.revise", campaign, store, {"state": S.REJECTED}, {"state": campaign.state}, actor, now)
    return campaign


@verb("campaign.withdraw", right=RIGHT)
def withdraw_enrolment(
    store: Store, code: str, *, note: str = "", version: int | None = None, actor: Actor, now: datetime
) -> Campaign:
    """撤销报名: out of review, back to a draft; platform promotions by staff only (R21)."""
    campaign = finding.lock(store, code, version=version)
    by_staff = spec(campaign.kind).by_platform or actor.staff
    if by_staff:
        check_staff(actor)
    else:
        check(actor, store, RIGHT, now=now)
    if campaign.state != S.IN_REVIEW:
        raise wrong_state(campaign, {S.IN_REVIEW})
    campaign.withdraw_enrolment()
    if by_staff:
        _reviewed(campaign, actor, now, "", note)
    else:
        save(campaign, now)
    _record_review("withdraw", campaign, store, actor, now, note, right="" if by_staff else RIGHT)
    if by_staff:
        _message(campaign, "NOTE_ENROLMENT_RETURNED", now)
    return campaign


@verb("campaign.enforce")
def set_enforced(
    store: Store,
    code: str,
    enforced: bool,
    *,
    reason: str = "",
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Campaign:
    """平台强制执行中 (R25): platform staff declare that the platform runs the campaign to its end, or lift that; `reason` is shown.

    Raises InvalidInput without a reason where it is switched on, Conflict ERR_STATE for a campaign that is not live.
    """
    check_staff(actor)
    campaign = finding.lock(store, code, version=version)
    ensure_state(campaign, set(LIVE), now)
    why = reason.strip()[:500]
    if enforced and not why:
        message = _("Say by which rule or placement the platform enforces it.")
        raise InvalidInput(message, [FieldError("reason", "ERR_REQUIRED", message)])
    before, was = {"platform_enforced": campaign.platform_enforced}, campaign.enforced_reason
    campaign.platform_enforced = enforced
    campaign.enforced_at, campaign.enforced_reason = (now, why) if enforced else (None, "")
    save(campaign, now)
    after = {"platform_enforced": campaign.platform_enforced}
    record_change("campaign.enforce", campaign, store, before, after, actor, now, why or was, right="")
    return campaign


def _reviewed(campaign: Campaign, actor: Actor, now: datetime, reason: str, note: str) -> None:
    campaign.reviewed_at, campaign.reviewed_by = now, actor.label[:160]
    campaign.review_reason, campaign.review_note = reason[:40], note.strip()[:500]
    save(campaign, now)


def _record_review(
    act: str, campaign: Campaign, store: Store, actor: Actor, now: datetime, why: str, *, right: str = ""
) -> None:
    before, after = {"state": S.IN_REVIEW}, {"state": campaign.state}
    record_change(f"campaign.{act}", campaign, store, before, after, actor, now, why, right)


def _message(campaign: Campaign, code: str, now: datetime) -> None:
    """Tell the store's people once per decision."""
    params = {"campaign": campaign.name, "code": campaign.code, "note": campaign.review_note or "—"}
    send(
        campaign.store_id,
        code,
        params,
        f"{code}:{campaign.code}:{campaign.version}",
        "campaign",
        campaign.code,
        now=now,
    )
