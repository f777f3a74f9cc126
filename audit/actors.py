"""Who acts: frozen into every event as an id and a label, so that the record outlives the account (R189)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models


class ActorKind(models.TextChoices):
    """What kind of hand did it."""

    USER = "user"
    TOKEN = "token"  # noqa: S105 - a kind, not a secret
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """One acting party. `id` is the user's id (also for a token: the member it belongs to); `label` is what people read.

    `token_id` names the API token when one was used; `staff` says platform staff (checked when the actor is made).
    """

    kind: ActorKind
    id: int | None
    label: str
    token_id: int | None = None
    staff: bool = False
    ip: str = ""

    @property
    def is_system(self) -> bool:
        """The product itself, acting by the clock."""
        return self.kind == ActorKind.SYSTEM


def system(label: str = "system") -> Actor:
    """The product acting by itself; `label` names the job, such as `system:sweep`."""
    return Actor(kind=ActorKind.SYSTEM, id=None, label=label)
