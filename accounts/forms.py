"""Forms of the staff, token and platform pages. They check shape; the verbs check sense."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.members import Loan
from accounts.models import AccountState, Entity, Grant, Kyc, Membership
from accounts.rights import ALL_RIGHTS, BUNDLES, MAX_LISTINGS, MAX_PERCENT_OFF, ROOMS, Right
from accounts.switching import REASON
from core import display
from core.errors import FieldError, Text
from core.forms import MomentField, own_field

_CAPS = {MAX_LISTINGS: (_("At most listings"), 10_000_000), MAX_PERCENT_OFF: (_("At most percent off"), 100)}


class AddMemberForm(forms.Form):
    """Somebody new, or somebody known by e-mail."""

    email = forms.EmailField(label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        required=False,
        help_text=_("What colleagues see; used only when the person is new."),
    )


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        label=_("What it is for"), max_length=80, help_text=_("Such as: ERP, storefront, price script.")
    )
    days = forms.IntegerField(label=_("Works for (days)"), min_value=1)

    def __init__(self, *args: Any, longest: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own_field(self, "days", forms.IntegerField).max_value = longest
        self.fields["days"].widget.attrs["max"] = str(longest)
        self.fields["days"].initial = min(90, longest)


class StoreForm(forms.Form):
    """A new store."""

    slug = forms.CharField(
        label=_("Short name"), max_length=40, help_text=_("In addresses: lower-case letters, digits, hyphens.")
    )
    name = forms.CharField(label=_("Name in English"), max_length=80)
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=80, required=False)
    owner_email = forms.EmailField(label=_("E-mail of the main account"), max_length=254)
    entity = forms.ChoiceField(label=_("Legal form"), choices=Entity.choices)
    sites = forms.CharField(
        label=_("Language sites"),
        widget=forms.Textarea(attrs={"rows": 4, "class": "bo-mono", "spellcheck": "false"}),
        initial="en en USD\nzh zh USD",
        help_text=_("One a line: code, language, currency."),
    )


class StateForm(forms.Form):
    """What platform staff set; facts of upper rooms are switches."""

    account_state = forms.ChoiceField(label=_("Account state"), choices=AccountState.choices)
    kyc = forms.ChoiceField(label=_("KYC"), choices=Kyc.choices)
    entity = forms.ChoiceField(label=_("Legal form"), choices=Entity.choices)
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False, help_text=_("Stands in the audit log."))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, facts: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key, value in facts.items():
            if isinstance(value, bool):
                label = FACT_LABELS.get(key, key)
                self.fields[key] = forms.BooleanField(label=label, required=False, initial=value)


class ReasonForm(forms.Form):
    """Why; whoever it is told to is said beside the field."""

    reason = forms.CharField(label=_("Reason"), max_length=REASON, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, help_text: Text, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = str(help_text)


class EraseForm(ReasonForm):
    """The person's e-mail typed once more, and why. The verb compares."""

    confirm_email = forms.CharField(
        label=_("E-mail of the person"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    field_order = ("reason", "confirm_email")


class OwnerForm(ReasonForm):
    """Who becomes the main account of a store, and why."""

    person = forms.ChoiceField(label=_("New main account"), widget=forms.RadioSelect)
    field_order = ("person", "reason")

    def __init__(self, *args: Any, people: Sequence[Membership], **kwargs: Any) -> None:
        super().__init__(*args, help_text=_("The store reads it; it stays in the audit log."), **kwargs)
        own_field(self, "person", forms.ChoiceField).choices = [
            (str(place.user_id), f"{place.user.label} · {place.user.email}") for place in people
        ]


FACT_LABELS = {"decoration_waived": _("Basic decoration waived")}


# -- the rights of one person ------------------------------------------------------------------------------------------------


def limits_text(grant: Grant | Loan) -> list[str]:
    """The caps of a loan in words."""
    parts = []
    if grant.max_listings is not None:
        words = ngettext("at most %(n)s listing", "at most %(n)s listings", grant.max_listings)
        parts.append(words % {"n": display.number(grant.max_listings)})
    if grant.max_percent_off is not None:
        parts.append(_now("at most %(n)s%% off") % {"n": grant.max_percent_off})
    return parts


def terms_text(grant: Grant | Loan | None, zone: tzinfo) -> str:
    """A loan in words: `until 2026-12-04 16:00 北京时间（08:00 UTC） · at most 200 listings`; empty for none."""
    if grant is None:
        return ""
    parts = []
    if grant.expires_at is not None:
        parts.append(_now("until %(moment)s") % {"moment": display.sentence(grant.expires_at, zone)})
    parts += limits_text(grant)
    return " · ".join(parts) or _now("without end or limit")


@dataclass(frozen=True)
class RightLine:
    """One right of the form: its bound fields; caps are None where the right knows none."""

    right: Right
    room: Any
    lend: BoundField
    until: BoundField
    listings: BoundField | None
    percent: BoundField | None


class RightsForm(forms.Form):
    """Everything a person may do in a store: a tick, an end and caps for each right."""

    def __init__(
        self, *args: Any, held: Mapping[str, Grant], zone: tzinfo, only: frozenset[str] | None = None,
        wanted: Mapping[str, Grant] | None = None, extra: tuple[str, ...] = (), **kwargs: Any,
    ) -> None:  # fmt: skip
        """`held`: the live loans; `only`: the rights shown; `wanted`: what to fill in instead (copied from somebody);
        `extra`: ticked in addition (a bundle)."""
        super().__init__(*args, **kwargs)
        self.held, self.zone = held, zone
        self.rights = [right for code, right in ALL_RIGHTS.items() if only is None or code in only]
        filled = held if wanted is None else wanted
        for right in self.rights:
            grant = filled.get(right.code)
            label = str(right.label)
            self.fields[f"lend.{right.code}"] = forms.BooleanField(
                required=False, label=label, initial=grant is not None or right.code in extra
            )
            self.fields[f"until.{right.code}"] = MomentField(
                required=False, zone=zone, label=_now("%(right)s: until") % {"right": label},
                initial=grant.expires_at if grant else None,
            )  # fmt: skip
            for cap in right.caps:
                words, top = _CAPS[cap]
                self.fields[f"{cap}.{right.code}"] = forms.IntegerField(
                    required=False, min_value=1, max_value=top, label=f"{label}: {words}",
                    initial=getattr(grant, cap) if grant else None,
                    widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
                )  # fmt: skip
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = str(field.label)
            if not name.startswith("lend."):
                field.widget.attrs["class"] = "bo-input"

    @property
    def lines(self) -> Iterator[RightLine]:
        """The rights in order; those of a room follow each other."""
        for right in self.rights:
            yield RightLine(
                right,
                ROOMS[right.room],
                self[f"lend.{right.code}"],
                self[f"until.{right.code}"],
                self[f"{MAX_LISTINGS}.{right.code}"] if MAX_LISTINGS in right.caps else None,
                self[f"{MAX_PERCENT_OFF}.{right.code}"] if MAX_PERCENT_OFF in right.caps else None,
            )

    def loans(self) -> list[Loan]:
        """What was asked for; an end that was left as shown keeps its seconds."""
        found = []
        for right in self.rights:
            data = self.cleaned_data
            if not data.get(f"lend.{right.code}"):
                continue
            until, held = data.get(f"until.{right.code}"), self.held.get(right.code)
            ends = held.expires_at if held else None
            if (
                until
                and ends
                and display.stamp(until.astimezone(self.zone)) == display.stamp(ends.astimezone(self.zone))
            ):
                until = ends
            caps = {cap: data.get(f"{cap}.{right.code}") for cap in right.caps}
            found.append(Loan(right.code, until, caps.get(MAX_LISTINGS), caps.get(MAX_PERCENT_OFF)))
        return found

    def changes(self) -> list[dict[str, str]]:
        """The difference between what is held and what was asked for, for the page that shows it before it is saved."""
        wanted = {loan.right: loan for loan in self.loans()}
        rows = []
        for right in self.rights:
            before, after = (
                terms_text(self.held.get(right.code), self.zone),
                terms_text(wanted.get(right.code), self.zone),
            )
            if before != after:
                rows.append({"label": str(right.label), "before": before, "after": after})
        return rows


def bundle_choices() -> list[tuple[str, Any]]:
    """Bundles by key and label."""
    return [(bundle.key, bundle.label) for bundle in BUNDLES.values()]


def blame(form: forms.Form, errors: tuple[FieldError, ...] | list[FieldError] | Any, detail: Any = "") -> None:
    """Put a verb's field errors on the form; those of no field, and the detail when there are none, on top."""
    for error in errors:
        form.add_error(error.field if error.field in form.fields else None, str(error.message))
    if not errors and detail:
        form.add_error(None, str(detail))
