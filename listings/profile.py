"""The profile of a store is made with the store; platform staff may waive its basic decoration (R27, R102, R177)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Store
from accounts.signals import StoreFact, keep_fact, store_created
from core.errors import FieldError, InvalidInput
from listings.models import StoreProfile


def on_store_created(sender: Any, store: Store, **_news: Any) -> None:
    """Receiver of accounts' `store_created`."""
    StoreProfile.objects.get_or_create(store=store)


def is_waived(store: Store) -> bool:
    """Whether campaigns are open to the store without logo, banner and main category."""
    return StoreProfile.objects.filter(store=store, decoration_waived=True).exists()


def set_waived(store: Store, value: Any, now: datetime) -> None:
    """Waive the basic decoration, or demand it again. Raises InvalidInput for anything but true or false."""
    if not isinstance(value, bool):
        message = _("Write true or false.")
        raise InvalidInput(message, [FieldError("decoration_waived", "ERR_INVALID", message)])
    StoreProfile.objects.update_or_create(store=store, defaults={"decoration_waived": value})


def join() -> None:
    """Join the news of stores; called when the project starts."""
    store_created.connect(on_store_created, dispatch_uid="listings.profile")
    keep_fact(StoreFact("decoration_waived", is_waived, set_waived))
