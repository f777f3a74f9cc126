"""What people do by hand after a close: clean up leftovers, run a failed step again (R43, R187b)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import verb
from campaigns import check_plan, coupon_acts, finding, leftovers, offers, steps
from campaigns.edges import STOPPED
from campaigns.models import Campaign, Check, CloseKind, Closing, Occasion
from campaigns.nudges import wake_sweep
from core.errors import Conflict, FieldError, InvalidInput, NotFound
from coupons import telling


@verb("campaign.clean_up", right="campaigns.pause")
def clean_up(store: Store, code: str, *, actor: Actor, now: datetime) -> Check:
    """清理残留: switch off what is left, have every page of the campaign published again, and read them all again; answers the check.

    For any campaign that is not before buyers, ended ones at any time. Raises Conflict ERR_STATE otherwise.
    """
    check(actor, store, "campaigns.pause", now=now)
    campaign = finding.lock(store, code)
    _ensure_stopped(campaign)
    leftovers.clear([campaign], now=now)
    pages = offers.tell_sites([campaign], now=now)
    closing = _closing(campaign)
    planned = check_plan.plan_one(
        campaign, occasion=Occasion.CLEANUP, closing_id=closing.pk if closing else None, now=now, wait=timedelta(0)
    )
    _record("campaign.clean_up", campaign, store, {"pages": pages}, "campaigns.pause", actor, now)
    return planned


@verb("campaign.run_step", right="campaigns.cancel")
def run_step_again(store: Store, code: str, key: str, *, actor: Actor, now: datetime) -> Closing:
    """Run one step of the latest close again: the same effect as the first time, which is none where nothing is left to do.

    Raises NotFound before any close, InvalidInput for a step that there is not, Conflict ERR_STATE for a close that was taken back.
    """
    check(actor, store, "campaigns.cancel", now=now)
    campaign = finding.lock(store, code)
    closing = Closing.objects.filter(campaign=campaign).order_by("-id").select_for_update(no_key=True).first()
    if closing is None:
        raise NotFound(_("%(code)s has not been closed.") % {"code": campaign.code})
    if key not in steps.KEYS:
        raise InvalidInput(_("There is no such step."), [FieldError("step", "ERR_STEP", _("There is no such step."))])
    if closing.taken_back_at is not None:
        raise Conflict("ERR_STATE", _("The cancel was taken back."), state=campaign.state)
    step = steps.find(closing.steps, key)
    if key in ("stop_display", "clear_tags"):
        offers.switch_off([campaign], now=now)
    elif key in ("void_coupons", "release_stock") and closing.finalised_at is not None:
        why = telling.CAMPAIGN_ENDED if closing.close_kind == CloseKind.AUTO else telling.CAMPAIGN_CANCELLED
        coupon_acts.void([campaign], reason=why, actor=actor, right="campaigns.cancel", now=now)
    elif key == "publish_sites":
        pages = offers.tell_sites([campaign], now=now)
        step = steps.moved(step, steps.RUNNING, at=now, done_count=0, total=pages)
    elif key == "verify":
        check_plan.plan_one(campaign, occasion=Occasion.CLOSE, closing_id=closing.pk, now=now, wait=timedelta(0))
    elif key == "archive" and step["state"] != steps.DONE:
        step = steps.moved(step, steps.PENDING, at=now, done_count=0, total=0) | {"attempts": 0}
    closing.steps = steps.put(closing.steps, [step])
    closing.next_due_at = now
    closing.save(update_fields=["steps", "next_due_at"])
    transaction.on_commit(wake_sweep, robust=True)
    _record("campaign.run_step", campaign, store, {"step": key}, "campaigns.cancel", actor, now)
    return closing


def _closing(campaign: Campaign) -> Closing | None:
    return Closing.objects.filter(campaign=campaign, taken_back_at=None).order_by("-id").first()


def _ensure_stopped(campaign: Campaign) -> None:
    if campaign.state not in STOPPED:
        raise Conflict(
            "ERR_STATE",
            _("The campaign is “%(state)s”: what buyers see is no leftover.") % {"state": campaign.get_state_display()},
            state=campaign.state,
        )


def _record(
    action: str, campaign: Campaign, store: Store, after: dict[str, object], right: str, actor: Actor, now: datetime
) -> None:
    entry = Entry(action, finding.target(campaign, store), after=after, right=right)
    record(entry, actor=actor, now=now)
