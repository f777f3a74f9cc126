"""Query forms of the usage and effect tabs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Store
from core import display
from core.forms import MomentField, own_field
from coupons.explaining import channel
from coupons.forms import ANY
from coupons.labels import CHANNELS
from coupons.usage import Status, UsageFilter


class SpanForm(forms.Form):
    """A span of time in the store's zone; a day without a time means all of it."""

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = display.zone(store.time_zone)
        self.fields["from"] = MomentField(label=_("From"), required=False, zone=zone)
        self.fields["to"] = MomentField(label=_("To"), required=False, zone=zone, end_of_day=True)

    def value(self, name: str) -> Any:
        """What a field says; None where it cannot be read."""
        self.is_valid()
        return getattr(self, "cleaned_data", {}).get(name) or None

    @property
    def since(self) -> datetime | None:
        """From when."""
        told: datetime | None = self.value("from")
        return told

    @property
    def until(self) -> datetime | None:
        """Until when; the minute itself is meant, too."""
        told: datetime | None = self.value("to")
        return told + timedelta(minutes=1) if told else None


class UsageForm(SpanForm):
    """Filters of 使用明细. The status is a tab, not a field."""

    code = forms.ChoiceField(label=_("Refusal code"), required=False)
    channel = forms.ChoiceField(label=_("Channel"), required=False)

    def __init__(self, *args: Any, codes: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own_field(self, "code", forms.ChoiceField).choices = [*ANY, *((code, code) for code in codes)]
        choices = [*ANY, *((code, channel(code)) for code in CHANNELS)]
        own_field(self, "channel", forms.ChoiceField).choices = choices

    def wanted(self, status: str) -> UsageFilter:
        """What is asked for; a field that cannot be read does not filter."""
        return UsageFilter(
            status if status in Status.values else "",
            self.value("code") or "",
            self.value("channel") or "",
            self.since,
            self.until,
        )
