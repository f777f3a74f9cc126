"""What the people of a store are told when claimed coupons die: how many, and why; one message a coupon, or one for many at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _

import policies
from core import display
from inbox.send import Note, send_many
from policies.rules import CouponRules

BY_HAND, CAMPAIGN_CANCELLED, CAMPAIGN_ENDED, CAMPAIGN_DELETED = (
    "by_hand", "campaign_cancelled", "campaign_ended", "campaign_deleted",
)  # fmt: skip
#: Why claimed ones were voided (`Claim.void_reason`), for pages.
WHY = {
    BY_HAND: _("The coupon was voided by hand."),
    CAMPAIGN_CANCELLED: _("Its campaign was cancelled permanently."),
    CAMPAIGN_ENDED: _("Its campaign has ended."),
    CAMPAIGN_DELETED: _("The draft of its campaign was deleted."),
}
#: The message for each reason.
CODES = {
    BY_HAND: "NOTE_COUPON_VOIDED",
    CAMPAIGN_CANCELLED: "NOTE_COUPON_CAMPAIGN_CANCELLED",
    CAMPAIGN_ENDED: "NOTE_COUPON_CAMPAIGN_ENDED",
    CAMPAIGN_DELETED: "NOTE_COUPON_CAMPAIGN_DELETED",
}

#: Store, code, name, claimed and not used.
Row = tuple[int, str, str, int]


def of_void(rows: Sequence[Row], reason: str, *, now: datetime) -> None:
    """Tell of coupons voided for one reason, a code of `WHY`."""
    _send(rows, CODES[reason], "NOTE_COUPONS_VOIDED", now)


def of_expiry(rows: Sequence[Row], *, now: datetime) -> None:
    """Tell of coupons whose end has come while claimed ones were not used."""
    _send([row for row in rows if row[3]], "NOTE_COUPON_EXPIRED", "NOTE_COUPONS_EXPIRED", now)


def _send(rows: Sequence[Row], single: str, many: str, now: datetime) -> None:
    by_store: dict[int, list[Row]] = {}
    for row in rows:
        by_store.setdefault(row[0], []).append(row)
    few = policies.active(CouponRules, now).messages_singly
    for store_id, found in by_store.items():
        notes = [
            Note(single, f"{single}:{code}", {"coupon": name, "code": code, "n": display.number(n)}, "coupon", code)
            for _store, code, name, n in found
        ]
        if len(found) > few:
            total = display.number(sum(n for _store, _code, _name, n in found))
            params = {"coupons": display.number(len(found)), "n": total}
            notes = [Note(many, f"{many}:{found[0][1]}:{now.isoformat()}", params)]
        send_many(store_id, notes, now=now)
