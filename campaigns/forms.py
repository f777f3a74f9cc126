"""Forms of the campaign pages. They check shape; the verbs check sense."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Store
from campaigns.kinds import offered_kinds
from campaigns.labels import CLOSE_REASONS
from campaigns.models import CampaignState, ParkedClose
from core import display
from core.forms import MomentField, own_field

ANY = [("", _("All"))]


class CampaignFilterForm(forms.Form):
    """The query form of 活动管理."""

    q = forms.CharField(label=_("Campaign name / code"), required=False, max_length=120)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[*ANY, *CampaignState.choices])
    ends_before = MomentField(label=_("Ends before"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False)

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own_field(self, "ends_before", MomentField).zone = display.zone(store.time_zone)
        own_field(self, "kind", forms.ChoiceField).choices = [*ANY, *offered_kinds()]


class ReasonForm(forms.Form):
    """Why it is stopped (R10)."""

    reason = forms.ChoiceField(label=_("Reason"), choices=[("", _("Choose a reason")), *CLOSE_REASONS.items()])
    note = forms.CharField(
        label=_("Note for colleagues"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class StopForm(ReasonForm):
    """One stop of one campaign; `then` says what happens when a stop that is refused now becomes possible."""

    then = forms.ChoiceField(
        label=_("When nothing stands in the way any more"),
        choices=ParkedClose.Then.choices,
        initial=ParkedClose.Then.ACT,
        required=False,
        widget=forms.RadioSelect,
    )


class FreezeForm(forms.Form):
    """The choice of a pause. Only where there are coupons it is asked what becomes of those that buyers hold."""

    freeze_claimed = forms.BooleanField(
        label=_("Freeze use of claimed coupons"),
        help_text=_("Off unless you choose it: buyers who hold one may go on using it."),
        required=False,
    )


class PauseForm(FreezeForm, StopForm):
    """Pause: nothing is lost."""

    form_token = forms.CharField(widget=forms.HiddenInput, required=False)


class CancelForm(StopForm):
    """Cancel for good: the campaign's own code is typed."""

    form_token = forms.CharField(widget=forms.HiddenInput, required=False)
    confirm_code = forms.CharField(
        label=_("Campaign code"),
        max_length=40,
        required=False,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "class": "bo-code-input",
            }
        ),
    )


def blame_typed(form: forms.Form, name: str, message: str) -> None:
    """Say that what was typed to confirm is another code or number, and lead straight to its field."""
    form.add_error(name, message)
    form.fields[name].widget.attrs |= {"autofocus": True, "data-focus": True}


class BulkForm(FreezeForm, ReasonForm):
    """Pause or resume many: a pause has a reason, a resume needs none."""

    form_token = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, action: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if action == "resume":
            del self.fields["reason"], self.fields["note"], self.fields["freeze_claimed"]


class CountForm(ReasonForm):
    """An act on many that counts: the number is typed."""

    form_token = forms.CharField(widget=forms.HiddenInput, required=False)
    confirm_count = forms.IntegerField(
        label=_("How many campaigns"),
        min_value=0,
        max_value=1_000_000,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "bo-code-input"}),
    )


class StopAllForm(FreezeForm, CountForm):
    """Pause everything that runs."""


class BulkCancelForm(CountForm):
    """Cancel many for good."""
