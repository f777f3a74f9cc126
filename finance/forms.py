"""Forms of the deposit pages. They check shape; the verbs check sense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import own_field
from finance.deposits import NOTE

_AMOUNT = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})


class PaymentForm(forms.Form):
    """A payment of the store. With arrears in one currency only, nobody is asked which."""

    amount = forms.CharField(label=_("Amount paid"), max_length=24, widget=_AMOUNT)
    currency = forms.ChoiceField(label=_("Currency"), required=False)
    note = forms.CharField(
        label=_("Note"), max_length=NOTE, required=False, help_text=_("Such as the number of the transfer.")
    )

    def __init__(self, *args: Any, currencies: Sequence[str], **extra: Any) -> None:
        super().__init__(*args, **extra)
        own_field(self, "currency", forms.ChoiceField).choices = [(code, code) for code in currencies]
        if len(currencies) == 1:
            self.fields["currency"].widget = forms.HiddenInput()
            self.initial.setdefault("currency", currencies[0])


class ChargeForm(forms.Form):
    """A charge by platform staff."""

    amount = forms.CharField(label=_("Amount"), max_length=24, widget=_AMOUNT)
    currency = forms.CharField(label=_("Currency"), max_length=3, initial="CNY")
    reason = forms.CharField(label=_("Reason"), max_length=NOTE, help_text=_("The store reads it."))
