"""What the verbs on a campaign share: refusing with every fault, the states an act needs, saving, the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Store, User
from audit.actors import Actor
from audit.record import Entry, record
from campaigns import finding
from campaigns.models import Campaign, CampaignState
from core import display
from core.errors import Conflict, FieldError, InvalidInput

S = CampaignState
RIGHT = "campaigns.edit"


def refuse(errors: Iterable[FieldError]) -> None:
    """Raise InvalidInput with every fault; nothing when there is none."""
    wrong = list(errors)
    if wrong:
        detail = str(wrong[0].message) if len(wrong) == 1 else _("%(n)s things are not right.") % {"n": len(wrong)}
        raise InvalidInput(detail, wrong)


def ensure_state(campaign: Campaign, allowed: set[Any], now: datetime) -> None:
    """In one of the states, and a live campaign not past its end."""
    if campaign.state not in allowed:
        raise wrong_state(campaign, allowed)
    if campaign.state not in (S.DRAFT,) and campaign.ends_at <= now:
        raise Conflict("ERR_CLOSE_ENDED", _("%(code)s has ended.") % {"code": campaign.code}, state=campaign.state)


def wrong_state(campaign: Campaign, allowed: set[Any]) -> Conflict:
    """The refusal of an act in this state: where the campaign stands, and which states the act needs (ERR_STATE)."""
    words = display.series(CampaignState(state).label for state in sorted(allowed))
    return Conflict(
        "ERR_STATE",
        _("The campaign is “%(state)s”; this needs: %(allowed)s.")
        % {"state": campaign.get_state_display(), "allowed": words},
        state=campaign.state,
        allowed=sorted(str(state) for state in allowed),
    )


def save(campaign: Campaign, now: datetime) -> None:
    """Write the row as a new version of `now`."""
    campaign.version += 1
    campaign.updated_at = now
    campaign.save()


def person(actor: Actor) -> User | None:
    """The actor's account; None for the system."""
    return User.objects.filter(pk=actor.id).first() if actor.id is not None else None


def settings_of(campaign: Campaign) -> dict[str, Any]:
    """The settings as the record keeps them."""
    names = (
        "kind", "name", "name_zh", "state", "starts_at", "ends_at", "rules", "price_protected", "logistics_guarantee",
        "min_items", "stacks", "item_count",
    )  # fmt: skip
    return {name: getattr(campaign, name) for name in names}


def record_change(
    action: str,
    campaign: Campaign,
    store: Store,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    reason: str = "",
    right: str = RIGHT,
) -> None:
    """Tell the audit log what changed: of `before` and `after` only what differs. `right` is empty for acts of platform staff."""
    same = set(before) & set(after)
    changed = {name for name in after if name not in same or before[name] != after[name]}
    entry_ = Entry(
        action,
        finding.target(campaign, store),
        before={name: value for name, value in before.items() if name in changed or name not in after},
        after={name: after[name] for name in changed},
        reason=reason[:500],
        right=right,
    )
    record(entry_, actor=actor, now=now)
