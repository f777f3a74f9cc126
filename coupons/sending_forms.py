"""Forms of sendings and of the SMS gateway. They check shape; the verbs check sense."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.errors import FieldError
from core.forms import own_field
from coupons import sending_list
from coupons.models import Channel, Coupon
from coupons.sending import Plan
from coupons.sending_text import Text, clean
from policies.rules import SendingRules


def _area(rows: int, **attrs: Any) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, **attrs})


class SendingForm(forms.Form):
    """A new sending of a coupon."""

    channel = forms.ChoiceField(
        label=_("Way"), choices=Channel.choices, widget=forms.RadioSelect, initial=Channel.EMAIL
    )
    subject_zh = forms.CharField(
        label=_("Subject in Chinese"), required=False, max_length=400, help_text=_("Of an e-mail; an SMS has none.")
    )
    text_zh = forms.CharField(label=_("Text in Chinese"), required=False, widget=_area(5), strip=False)
    subject_en = forms.CharField(
        label=_("Subject in English"), required=False, max_length=400, help_text=_("Of an e-mail; an SMS has none.")
    )
    text_en = forms.CharField(
        label=_("Text in English"),
        required=False,
        widget=_area(5),
        strip=False,
        help_text=_("Where both languages are written, both are sent, one below the other."),
    )
    recipients = forms.FileField(
        label=_("List of recipients"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
        help_text=_(
            "CSV with two columns: buyer, address. The buyer is named as the storefront and the orders name him."
        ),
    )
    pasted = forms.CharField(
        label=_("Or paste the lines"),
        required=False,
        strip=False,
        widget=_area(4, **{"class": "bo-mono", "spellcheck": "false", "autocomplete": "off"}),
    )
    issue = forms.BooleanField(
        label=_("Recipients who belong to the segment and lack the coupon get it first"), required=False
    )
    consent = forms.BooleanField(label=_("The recipients agreed to get such messages from the store"), required=False)

    def __init__(self, *args: Any, coupon: Coupon, sms: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not coupon.segment or coupon.codes_only:
            del self.fields["issue"]
        if not sms:
            choices = [(value, label) for value, label in Channel.choices if value != Channel.SMS]
            own_field(self, "channel", forms.ChoiceField).choices = choices

    def plan(self, rules: SendingRules) -> Plan:
        """What the verb takes; faults of the list are in it."""
        data = self.cleaned_data
        pairs, faults = self._pairs(rules)
        text = Text(
            subject_en=data["subject_en"].strip(), subject_zh=data["subject_zh"].strip(),
            text_en=clean(data["text_en"]), text_zh=clean(data["text_zh"]),
        )  # fmt: skip
        return Plan(
            channel=data["channel"], text=text, recipients=pairs, consent=data["consent"], issue=data.get("issue", False),
            faults=faults,
        )  # fmt: skip

    def _pairs(self, rules: SendingRules) -> tuple[list[tuple[str, str]], list[FieldError]]:
        file = self.cleaned_data["recipients"]
        if file is None:
            pairs, faults = sending_list.read_file(self.cleaned_data["pasted"].encode("utf-8", "replace"), rules)
            return pairs, [FieldError("pasted", fault.code, fault.message) for fault in faults]
        # One byte more than is taken says that it is too large, without reading the rest.
        return sending_list.read_file(file.read(rules.list_bytes + 1), rules)


class GatewayForm(forms.Form):
    """The store's SMS gateway."""

    url = forms.CharField(
        label=_("Address of the gateway"),
        max_length=2000,
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Begins with https:// and lies on the public internet. A redirect is not followed."),
    )
    header = forms.CharField(
        label=_("Name of the header"),
        max_length=60,
        initial="Authorization",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("It proves to the gateway who calls: Authorization, X-Api-Key …"),
    )
    secret = forms.CharField(
        label=_("Value of the header"),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Such as: Bearer and a token. It is sealed and never shown again; left empty, it stays as it is."),
    )


class TrialForm(forms.Form):
    """One SMS to one number."""

    to = forms.CharField(
        label=_("Phone number"),
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off", "placeholder": "+8613800001234"}),
    )
    text = forms.CharField(label=_("Text"), max_length=160, initial=_("Test of the SMS gateway"))
