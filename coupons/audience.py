"""Who may claim a coupon, where a module keeps rules for it (R78): creation asks through this door. It joins in `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from django import forms
from django.utils.translation import gettext as _

from accounts.models import Store
from core.errors import FieldError


class Segments(Protocol):
    """The keeper of segments. `segment` is what `Coupon.segment` holds; an empty one is for everybody."""

    def read(self, store: Store, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
        """Check what was asked for; answers what is kept, and faults under `segment`."""

    def field(self, store: Store) -> forms.Field:
        """The field of the creation form; not required."""

    def from_form(self, value: Any) -> Mapping[str, Any]:
        """What `read` takes, from the field's clean value."""

    def to_form(self, segment: Mapping[str, Any]) -> Any:
        """The field's initial value."""

    def fits(self, segment: Mapping[str, Any], currency: str) -> bool:
        """Whether the field can say all of this segment, so that a form loses nothing of it."""


_joined: list[Segments] = []


def join(keeper: Segments) -> None:
    """Somebody keeps segments."""
    _joined[:] = [keeper]


def keeper() -> Segments | None:
    """The keeper, or None where nobody keeps any."""
    return _joined[0] if _joined else None


def read(store: Store, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """Check a segment; one that nobody knows is refused."""
    if not given:
        return {}, []
    if not _joined:
        return {}, [FieldError("segment", "ERR_INVALID", _("This installation keeps no segments."))]
    return _joined[0].read(store, given)
