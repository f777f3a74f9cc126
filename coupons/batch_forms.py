"""The form of the codes tab. It checks shape; the verb checks sense."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class BatchForm(forms.Form):
    """A new batch."""

    name = forms.CharField(label=_("Name of the batch"), max_length=80, help_text=_("Such as: parcel inserts, spring."))
    size = forms.IntegerField(label=_("How many codes"), min_value=1)
