"""Forms of the campaign pages. They check shape; the verbs check sense."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Store
from campaigns.kinds import offered_kinds
from campaigns.labels import CLOSE_REASONS
from campaigns.models import CampaignState
from core import display
from core.forms import MomentField
from listings.models import Category

ANY = [("", _("All"))]
_SEPARATOR = re.compile(r"[\t,;，；]\s*|\s+")


class CampaignFilterForm(forms.Form):
    """The query form of 活动管理."""

    q = forms.CharField(label=_("Campaign name / code"), required=False, max_length=120)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[*ANY, *CampaignState.choices])
    ends_before = MomentField(label=_("Ends before"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False)

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ends_before"].zone = display.zone(store.time_zone)  # type: ignore[attr-defined]
        self.fields["kind"].choices = [*ANY, *offered_kinds()]  # type: ignore[attr-defined]


class ItemLinesField(forms.CharField):
    """One item a line: SKU and campaign price, parted by a blank, a tab or a comma. Answers [(sku, price text)]."""

    widget = forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "bo-mono"})

    def to_python(self, value: Any) -> list[tuple[str, str]]:  # type: ignore[override]
        """Read the lines; every line that is none is named."""
        rows: list[tuple[str, str]] = []
        wrong: list[str] = []
        for number, line in enumerate(str(value or "").splitlines(), start=1):
            text = line.strip()
            if not text:
                continue
            parts = _SEPARATOR.split(text)
            if len(parts) == 2 and _is_price(parts[1]):
                rows.append((parts[0], parts[1]))
            else:
                wrong.append(gettext("Line %(number)s, “%(text)s”: write SKU and price, such as PC-SCF-003 9.90")
                             % {"number": number, "text": text[:40]})  # fmt: skip
        if wrong:
            shown = wrong[:20]
            if len(wrong) > len(shown):
                shown.append(gettext("… and %(n)s more lines") % {"n": len(wrong) - len(shown)})
            raise forms.ValidationError([forms.ValidationError(text, code="line") for text in shown])
        return rows

    def prepare_value(self, value: Any) -> Any:
        """Rows are shown as lines again."""
        return "\n".join(f"{sku} {price}" for sku, price in value) if isinstance(value, list) else value

    def validate(self, value: Any) -> None:
        """Required means at least one line."""
        if self.required and not value:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """Lines are no text any more; the text validators do not apply."""


def _is_price(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


class CampaignForm(forms.Form):
    """Create and edit. Times are typed in the store's zone."""

    kind = forms.ChoiceField(label=_("Kind"))
    name = forms.CharField(
        label=_("Campaign name"), max_length=120, help_text=_("Buyers see it as the tag on the product.")
    )
    name_zh = forms.CharField(label=_("Campaign name in Chinese"), max_length=120, required=False)
    starts_at = MomentField(label=_("Starts"), help_text=_("A start in the past means: as soon as submitted."))
    ends_at = MomentField(
        label=_("Ends"), help_text=_("Over for buyers at this moment; closed by itself within 15 minutes.")
    )
    stacks = forms.BooleanField(label=_("May be combined with other campaigns that allow it"), required=False)
    items = ItemLinesField(
        label=_("Products and campaign prices"),
        required=False,
        help_text=_("One a line: SKU and campaign price. Paste from a sheet."),
    )
    category = forms.ModelChoiceField(
        label=_("Add all products on sale in"),
        required=False,
        queryset=Category.objects.none(),
        empty_label=_("— no category —"),
    )
    percent_off = forms.IntegerField(label=_("at this much off (%)"), required=False, min_value=1, max_value=95)
    most = forms.IntegerField(label=_("at most this many SKUs"), required=False, min_value=1, max_value=10_000)

    def __init__(self, *args: Any, store: Store, editing: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = display.zone(store.time_zone)
        for name in ("starts_at", "ends_at"):
            self.fields[name].zone = zone  # type: ignore[attr-defined]
        self.fields["kind"].choices = offered_kinds()  # type: ignore[attr-defined]
        self.fields["category"].queryset = Category.objects.all()  # type: ignore[attr-defined]
        if editing:
            del self.fields["kind"]

    def clean(self) -> dict[str, Any]:
        """A category needs its percentage, and the other way round."""
        data = super().clean() or {}
        if bool(data.get("category")) != bool(data.get("percent_off")):
            missing = "percent_off" if data.get("category") else "category"
            if missing not in self.errors:
                self.add_error(missing, _("A category and a percentage belong together."))
        return data


class EndTimeForm(forms.Form):
    """While a campaign runs only its end may move."""

    ends_at = MomentField(label=_("Ends"))

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ends_at"].zone = display.zone(store.time_zone)  # type: ignore[attr-defined]


class ReasonForm(forms.Form):
    """Why it is stopped (R10)."""

    reason = forms.ChoiceField(label=_("Reason"), choices=[("", _("Choose a reason")), *CLOSE_REASONS.items()])
    note = forms.CharField(
        label=_("Note for colleagues"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class PauseForm(ReasonForm):
    """Pause: nothing is lost."""

    form_token = forms.CharField(widget=forms.HiddenInput, required=False)


class CancelForm(ReasonForm):
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


class BulkForm(ReasonForm):
    """Pause or resume many: a pause has a reason, a resume needs none."""

    form_token = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, action: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if action == "resume":
            del self.fields["reason"], self.fields["note"]


class CountForm(ReasonForm):
    """An act on many that counts: the number is typed."""

    form_token = forms.CharField(widget=forms.HiddenInput, required=False)
    confirm_count = forms.IntegerField(
        label=_("How many campaigns"),
        min_value=0,
        max_value=1_000_000,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "bo-code-input"}),
    )


class StopAllForm(CountForm):
    """Pause everything that runs."""


class BulkCancelForm(CountForm):
    """Cancel many for good."""
