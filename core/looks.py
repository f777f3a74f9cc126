"""What a state looks like: icon + colour + word, never colour alone (the mark must be readable in greyscale).

The words are the glossary's. A room that has a state of its own adds it here; the tones are the tokens of app.css.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True, slots=True)
class Look:
    """Icon of the sprite, tone (`draft review sched run paused cancel block`), word."""

    icon: str
    tone: str
    label: str | Promise


LOOKS: dict[str, dict[str, Look]] = {
    "campaign": {
        "draft": Look("circle", "draft", _("Draft")),
        "in_review": Look("progress", "review", _("In review")),
        "rejected": Look("cross-circle", "cancel", _("Rejected")),
        "scheduled": Look("clock", "sched", _("Not started")),
        "running": Look("play", "run", _("Running")),
        "paused": Look("pause", "paused", _("Paused")),
        "ending": Look("hourglass", "draft", _("Ending (15 min at most)")),
        "ended": Look("square", "draft", _("Ended")),
        "cancelling": Look("clock-filled", "cancel", _("Cancel held (can be taken back)")),
        "cancelled": Look("octagon", "cancel", _("Cancelled")),
        "platform_enforced": Look("stop", "block", _("Enforced by platform")),
        "locked": Look("lock", "block", _("Locked")),
    },
    "coupon": {
        "draft": Look("circle", "draft", _("Draft")),
        "active": Look("play", "run", _("Issuing")),
        "paused": Look("pause", "paused", _("Issuing stopped")),
        "expired": Look("square", "draft", _("Expired")),
        "voided": Look("octagon", "cancel", _("Void")),
    },
    "usage": {
        "claimed": Look("check", "sched", pgettext_lazy("usage", "Claimed")),
        "redeemed": Look("check-circle", "run", pgettext_lazy("usage", "Redeemed")),
        "voided": Look("octagon", "draft", pgettext_lazy("usage", "Void")),
        "refused": Look("ban", "cancel", pgettext_lazy("usage", "Refused")),
    },
    "listing": {
        "draft": Look("circle", "draft", _("Draft")),
        "in_review": Look("progress", "review", _("In review")),
        "on_sale": Look("play", "run", _("On sale")),
        "delisting": Look("hourglass", "paused", _("Delisting")),
        "delisted": Look("square", "draft", _("Delisted")),
        "taken_down": Look("stop", "block", _("Taken down")),
    },
    "affiliate_plan": {
        "running": Look("play", "run", _("Running")),
        "paused": Look("pause", "paused", _("Paused")),
    },
    "parked": {
        "waiting": Look("hourglass", "sched", _("Waiting")),
        "clear": Look("bell", "paused", _("The way is clear: your turn")),
        "done": Look("check-circle", "run", _("Carried out")),
        "refused": Look("stop", "cancel", _("Not carried out")),
        "withdrawn": Look("undo", "draft", _("Withdrawn")),
        "overtaken": Look("square", "draft", _("No longer needed")),
        "expired": Look("square", "draft", _("Expired with the campaign")),
    },
    "guard": {
        "blocked": Look("stop", "cancel", pgettext_lazy("guard", "Blocked")),
        "warning": Look("alert", "paused", pgettext_lazy("guard", "Warning")),
        "passed": Look("check-circle", "run", pgettext_lazy("guard", "Passed")),
        "unknown": Look("question", "review", pgettext_lazy("guard", "Unknown")),
    },
    "step": {
        "pending": Look("circle-dashed", "draft", pgettext_lazy("step", "Waiting")),
        "running": Look("loader", "sched", pgettext_lazy("step", "Under way")),
        "done": Look("check-circle", "run", pgettext_lazy("step", "Done")),
        "failed": Look("cross-circle", "cancel", pgettext_lazy("step", "Failed")),
    },
}


def look(kind: str, state: str) -> Look:
    """The look of a state. An unknown one is shown raw, as it stands, rather than hidden."""
    return LOOKS.get(kind, {}).get(state) or Look("question", "draft", state)
