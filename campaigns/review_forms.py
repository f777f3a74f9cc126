"""Forms of platform staff: a decision on an enrolment, enforcement, items that leave."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.labels import REJECT_REASONS
from campaigns.reviewing import OTHER
from core.forms import own_field

APPROVE, REJECT, RETURN = "approve", "reject", "return"


class DecisionForm(forms.Form):
    """Approve, reject with a reason, or give back; which one is the button that was pressed."""

    act = forms.ChoiceField(choices=[(APPROVE, APPROVE), (REJECT, REJECT), (RETURN, RETURN)], widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    reason = forms.ChoiceField(label=_("Reason of a rejection"), required=False)
    note = forms.CharField(
        label=_("Note to the store"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, reasons: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("Choose a reason")), *((key, REJECT_REASONS.get(key, key)) for key in reasons)]
        own_field(self, "reason", forms.ChoiceField).choices = choices

    def clean(self) -> dict[str, Any]:
        """Who is rejected is told why: a reason, in words where none of the list fits."""
        data = super().clean() or {}
        if data.get("act") == REJECT:
            if not data.get("reason"):
                self.add_error("reason", _("Choose why it is rejected; the store reads it."))
            elif data["reason"] == OTHER and not (data.get("note") or "").strip():
                self.add_error("note", _("Say why in words; the store reads it."))
        return data


class EnforceForm(forms.Form):
    """平台强制执行: on with its ground, or off."""

    enforced = forms.BooleanField(required=False, widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    reason = forms.CharField(
        label=_("Enforced because"),
        max_length=500,
        required=False,
        help_text=_("The rule or the placement, such as Double 11 main venue slot; the store reads it."),
    )


class EndItemsForm(forms.Form):
    """Items that platform staff end for the store."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    reason = forms.CharField(label=_("Reason"), max_length=500)
