"""What platform staff do to a person is told to the stores the person works in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import Membership, Store, User
from accounts.requests import label_for_record
from accounts.signals import main_account_named, person_switched
from inbox.send import Note, send, send_to_stores


def on_switched(sender: Any, user: User, on: bool, reason: str, now: datetime, **_news: Any) -> None:
    """Receiver of accounts' `person_switched`."""
    stores = list(Membership.objects.filter(user=user, is_active=True).values_list("store_id", flat=True))
    code = "NOTE_PERSON_ON" if on else "NOTE_PERSON_OFF"
    note = Note(
        code,
        f"switch:{user.pk}:{on}:{now:%Y%m%dT%H%M%S%f}",
        {"person": label_for_record(user), "reason": reason},
        "user",
        str(user.pk),
    )
    send_to_stores(stores, note, now=now)


def on_named(sender: Any, store: Store, user: User, reason: str, now: datetime, **_news: Any) -> None:
    """Receiver of accounts' `main_account_named`: the message centre is where both read it, who is named and who was before."""
    params = {"person": label_for_record(user), "reason": reason}
    key = f"owner:{user.pk}:{now:%Y%m%dT%H%M%S%f}"
    send(store.pk, "NOTE_MAIN_ACCOUNT", params, key, "user", str(user.pk), now=now)


def join() -> None:
    """Join the news; called when the project starts."""
    person_switched.connect(on_switched, dispatch_uid="inbox.people.switched")
    main_account_named.connect(on_named, dispatch_uid="inbox.people.named")
