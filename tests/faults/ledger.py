"""What clients were promised, written down by themselves; after a fault it must agree with rows, record and outbox."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from audit.models import AuditEvent
from campaigns.models import Campaign
from core.models import OutboxMessage
from core.scopes import across_stores

AFTER = {"pause": "paused", "resume": "running", "cancel": "cancelling"}
NEWS = {"pause": "paused", "resume": "resumed", "cancel": "cancelling", "take_back": "taken_back"}


@dataclass
class Ledger:
    """Accepted and refused requests of clients, in the order of their answers."""

    accepted: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str, int]] = field(default_factory=list)
    failed: list[tuple[str, str, int]] = field(default_factory=list)

    def note(self, action: str, code: str, status: int) -> None:
        """Write down an answer."""
        if status < 400:
            self.accepted.append((action, code))
        elif status < 500:
            self.refused.append((action, code, status))
        else:
            self.failed.append((action, code, status))

    def reconcile(self, *, outbox_kept: bool) -> None:
        """Compare with the database: each accepted request has one effect, no refused one has any, and nothing else happened.

        `outbox_kept`: nobody delivered the outbox, so that its rows can be counted.
        """
        codes = sorted({code for _action, code in self.accepted} | {code for _a, code, _s in self.refused})
        wanted = Counter(self.accepted)
        with across_stores("the ledger is compared with everything"):
            done = AuditEvent.objects.filter(object_id__in=codes, actor_kind__in=("user", "token"), result="done")
            on_record = Counter(
                (action.partition(".")[2], code) for action, code in done.values_list("action", "object_id")
            )
            news = Counter(
                OutboxMessage.objects.filter(topic="campaign.event", payload__code__in=codes)
                .exclude(payload__event__in=("campaign.started", "campaign.ended"))
                .values_list("payload__event", "payload__code")
            )
            states = dict(Campaign.objects.filter(code__in=codes).values_list("code", "state"))
        assert on_record == wanted
        if outbox_kept:
            assert news == Counter({(f"campaign.{NEWS[action]}", code): n for (action, code), n in wanted.items()})
        last = self._last()
        assert {code: states[code] for code in last} == last

    def _last(self) -> dict[str, str]:
        """Where the accepted requests leave each campaign: what is taken back stands where it stood before its cancel."""
        last: dict[str, str] = {}
        before: dict[str, str] = {}
        for action, code in self.accepted:
            if action == "cancel":
                before[code] = last.get(code, "running")
            last[code] = before[code] if action == "take_back" else AFTER[action]
        return last
