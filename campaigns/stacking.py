"""Declaring that campaigns stack, a way out of a conflict that leaves items and windows as they are (R30)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.verbs import about, verb
from campaigns import finding, offers
from campaigns.caps import check_reach
from campaigns.lifecycle import ensure_own
from campaigns.models import Campaign, CampaignState
from campaigns.writing import RIGHT, ensure_state, record_change, save
from core.errors import FieldError, InvalidInput

S = CampaignState
OPEN = frozenset({S.DRAFT, S.SCHEDULED, S.RUNNING, S.PAUSED})


@verb("campaign.declare_stacking", right=RIGHT)
def declare_stacking(
    store: Store, codes: Sequence[str], *, versions: Mapping[str, int] | None = None, actor: Actor, now: datetime
) -> list[Campaign]:
    """Declare for all these campaigns, or for none, that they stack with others that declare it too.

    Started campaigns may do it as well: reductions one after another never make a buyer pay more than before. There is no way back once a
    campaign has started, because that would. Audited per campaign. Raises NotFound, PermissionRefused, VersionConflict, Conflict.
    """
    check(actor, store, RIGHT, now=now)
    if not codes:
        message = _("Name at least one campaign.")
        raise InvalidInput(message, [FieldError("campaigns", "ERR_REQUIRED", message)])
    found = finding.lock_all(store, codes)
    for code in codes:
        if code not in found:
            raise finding.unknown(code)
    rows = list(found.values())
    for campaign in rows:
        about(finding.target(campaign, store))
        finding.check_version(campaign, (versions or {}).get(campaign.code))
        ensure_state(campaign, set(OPEN), now)
        ensure_own(campaign)
        check_reach(store, campaign, RIGHT, actor=actor, now=now)
    changed = [campaign for campaign in rows if not campaign.stacks]
    for campaign in changed:
        campaign.stacks = True
        save(campaign, now)
        record_change("campaign.declare_stacking", campaign, store, {"stacks": False}, {"stacks": True}, actor, now)
    started = [campaign for campaign in changed if campaign.started_at is not None]
    if started:
        offers.reset(started, now=now)
    return changed
