"""The form of affiliate plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from core.forms import own_field


class PlanForm(forms.Form):
    """A new affiliate plan."""

    name = forms.CharField(label=_("Name"), max_length=120)
    campaigns = forms.MultipleChoiceField(
        label=_("Campaigns"),
        widget=forms.SelectMultiple(
            attrs={"data-search": "", "data-placeholder": _("Search by name or code"), "size": "8"}
        ),
        help_text=_("What partners promote. Only campaigns that are not over."),
    )

    def __init__(self, *args: Any, campaigns: Sequence[Campaign], **extra: Any) -> None:
        super().__init__(*args, **extra)
        choices = [(row.code, f"{row.label} · {row.code}") for row in campaigns]
        own_field(self, "campaigns", forms.ChoiceField).choices = choices
