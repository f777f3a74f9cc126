"""Forms of the costs tab. They check shape; the verbs check sense."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.costs import NOTE

_AMOUNT = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})


class BudgetForm(forms.Form):
    """The money budget; empty lifts it."""

    budget = forms.CharField(
        label=_("Money budget"), max_length=24, required=False, widget=_AMOUNT,
        help_text=_("A redemption that it does not bear is refused, and issuing stops. Empty: no budget."),
    )  # fmt: skip
    version = forms.IntegerField(widget=forms.HiddenInput)


class ClicksForm(forms.Form):
    """Clicks on a paid slot."""

    clicks = forms.IntegerField(label=_("Clicks"), help_text=_("A number below zero takes back what was too much."))
    amount = forms.CharField(label=_("What they cost"), max_length=24, required=False, widget=_AMOUNT)
    note = forms.CharField(label=_("Note"), max_length=NOTE, required=False)
