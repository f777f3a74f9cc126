"""Forms of the history and of ad spend. They check shape; the verbs check sense."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Store
from campaigns.forms import ANY
from campaigns.models import CampaignState, Kind
from core import display
from core.forms import MomentField
from insights.history import HistoryFilter

_PAST = [(str(state), state.label) for state in (CampaignState.ENDED, CampaignState.CANCELLED)]


class HistoryForm(forms.Form):
    """The query form of 历史活动. `from` and `to` are in the store's zone; a day without a time means all of it."""

    q = forms.CharField(label=_("Campaign name / code"), required=False, max_length=120)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[*ANY, *_PAST])
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[*ANY, *Kind.choices])

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = display.zone(store.time_zone)
        self.fields["from"] = MomentField(label=_("Closed from"), required=False, zone=zone)
        self.fields["to"] = MomentField(label=_("Closed to"), required=False, zone=zone, end_of_day=True)

    def wanted(self) -> HistoryFilter:
        """What is asked for; a field that cannot be read does not filter."""
        self.is_valid()
        data = getattr(self, "cleaned_data", {})
        until = data.get("to")
        return HistoryFilter(
            q=data.get("q") or "",
            kind=data.get("kind") or "",
            state=data.get("state") or "",
            since=data.get("from"),
            until=until + timedelta(minutes=1) if until else None,  # the minute itself is meant, too
        )


class SpendForm(forms.Form):
    """Ad spend of one day."""

    day = forms.CharField(
        label=_("Day"),
        max_length=10,
        widget=forms.TextInput(attrs={"data-datetime": "date", "placeholder": "2026-11-27"}),
    )
    amount = forms.CharField(label=_("Amount"), max_length=32, widget=forms.TextInput(attrs={"inputmode": "decimal"}))

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].label = _("Ad spend (%(currency)s)") % {"currency": currency}
