"""Forms of the conflict diagnosis. They check shape; the verbs check sense."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from campaigns.ways_out import WAYS, WayOut
from core import clock, codes
from core.forms import own_field

CODE = 24
MOST = 100


class ConflictFilterForm(forms.Form):
    """The query form of 活动诊断工具."""

    q = forms.CharField(label=_("SKU begins with"), required=False, max_length=64)
    campaign = forms.CharField(label=_("Campaign code"), required=False, max_length=CODE)

    def clean_campaign(self) -> str:
        """A code as it is written, or empty."""
        text = self.cleaned_data["campaign"].strip()
        return codes.normalise(text) or text


class ExactMomentField(forms.Field):
    """A moment as a machine writes it, with its offset."""

    def to_python(self, value: Any) -> datetime | None:
        """Aware, in UTC; None when empty. Refuses everything else."""
        if not value:
            return None
        try:
            moment = parse_datetime(str(value))
            if moment is None or moment.tzinfo is None:
                raise ValueError("no zone")
            return clock.utc(moment)
        except ValueError:
            raise forms.ValidationError(_("This is not a moment."), code="moment") from None


class WayForm(forms.Form):
    """A way out as its address holds it (`WayOut.query`), and the versions of the campaigns that the reader saw."""

    way = forms.ChoiceField(choices=[(way, way) for way in WAYS])
    campaign = forms.MultipleChoiceField(choices=())
    sku = forms.CharField(required=False, max_length=64)
    other = forms.CharField(required=False, max_length=CODE)
    starts_at = ExactMomentField(required=False)
    ends_at = ExactMomentField(required=False)
    seen = forms.CharField(required=False, max_length=4000)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        given = [code[:CODE] for code in data.getlist("campaign")][:MOST]
        own_field(self, "campaign", forms.MultipleChoiceField).choices = [(code, code) for code in given]

    def clean(self) -> dict[str, Any]:
        """Each way with exactly what it needs."""
        data = super().clean() or {}
        way, moments = data.get("way"), [name for name in ("starts_at", "ends_at") if data.get(name)]
        wrong = (
            (way == "withdraw" and bool(data.get("sku")) == bool(data.get("other")))
            or (way == "move" and len(moments) != 1)
            or (way in ("withdraw", "move") and len(data.get("campaign", ())) != 1)
        )
        if wrong:
            raise forms.ValidationError(_("This way out is not complete."), code="way")
        return data

    @property
    def way_out(self) -> WayOut:
        """What the address says."""
        data = self.cleaned_data
        named = tuple(dict.fromkeys(codes.normalise(code) or code for code in data["campaign"]))
        return WayOut(
            data["way"],
            named,
            "",
            sku=data["sku"],
            other=codes.normalise(data["other"]) or data["other"],
            starts_at=data["starts_at"],
            ends_at=data["ends_at"],
        )

    @property
    def versions(self) -> dict[str, int]:
        """By code, as `code:version code:version`; what does not read so is left out."""
        pairs = (part.rpartition(":") for part in self.cleaned_data.get("seen", "").split())
        return {code: int(version) for code, _colon, version in pairs if version.isdecimal() and len(version) < 10}
