"""The form that starts an A/B test. It checks shape; the verb checks sense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import own_field


class TestForm(forms.Form):
    """A test of the coupon of the page against another one."""

    other = forms.ChoiceField(label=_("Test it against"), widget=forms.Select(attrs={"data-search": ""}))
    name = forms.CharField(label=_("Name of the test"), max_length=80)
    code = forms.CharField(
        label=_("Code of the test"),
        max_length=40,
        help_text=_("Buyers enter it and get one of the two coupons, always the same."),
    )
    share = forms.IntegerField(
        label=_("Share of buyers who get the other coupon (%)"), min_value=1, max_value=99, initial=50
    )

    def __init__(self, *args: Any, coupons: Sequence[tuple[str, str]], **extra: Any) -> None:
        super().__init__(*args, **extra)
        own_field(self, "other", forms.ChoiceField).choices = [("", "—"), *coupons]
