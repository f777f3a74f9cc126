"""A penalty is told to the people of the store at once (R28)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import policies
from accounts.models import Penalty, PenaltyKind, Store
from accounts.signals import penalty_issued
from core import display
from inbox.send import send
from policies.rules import PenaltyRules


def on_penalty(sender: Any, store: Store, penalty: Penalty, points_total: int, now: datetime, **_news: Any) -> None:
    """Receiver of accounts' `penalty_issued`."""
    params: dict[str, Any] = {"reason": penalty.reason, "points": penalty.points, "total": points_total}
    params["serious"] = policies.active(PenaltyRules, now).serious_points
    if penalty.until is not None:
        zone = display.zone(store.time_zone)
        params |= {
            "days": penalty.days,
            "until": display.stamp(penalty.until.astimezone(zone)),
            "zone": store.time_zone,
        }
    code = "ERR_PENALTY_BLOCK" if penalty.kind == PenaltyKind.ENROLMENT_BLOCK else "ERR_PENALTY_POINTS"
    send(store.pk, code, params, f"penalty:{penalty.pk}", "penalty", str(penalty.pk), now=now)


def join() -> None:
    """Join the news; called when the project starts."""
    penalty_issued.connect(on_penalty, dispatch_uid="inbox.penalties")
