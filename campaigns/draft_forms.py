"""The desk where a campaign is written: its fields by kind, its items as a list that nothing is lost from. The verbs check sense."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Store
from campaigns.kinds import offered_kinds, spec
from campaigns.models import Campaign, Kind
from core import display, money
from core.errors import FieldError
from core.forms import MomentField, own_field
from listings.models import Category

#: Fields that only some kinds have.
_PROMISES = ("price_protected", "logistics_guarantee")
_TERMS = ("threshold", "discount", "steps", "free_shipping_threshold", "gifts")
OWN_FIELDS: dict[str, tuple[str, ...]] = {
    Kind.LIMITED_TIME_DISCOUNT: _PROMISES,
    Kind.SPEND_AND_SAVE: (*_TERMS, "logistics_guarantee"),
    Kind.PLATFORM_PROMOTION: ("venue", *_PROMISES),
    Kind.FESTIVAL: ("min_items", *_PROMISES),
    Kind.COUPON_DRIVE: (),
}
_SOMETIMES = {name for names in OWN_FIELDS.values() for name in names}
#: What the list of items is made from; none of it is a setting of the campaign.
PICKING = ("file", "q", "category", "percent_off", "most")
_LIVE = (
    "name", "name_zh", "starts_at", "ends_at", "venue", "threshold", "discount", "steps", "free_shipping_threshold", "gifts",
    "min_items", "items",
)  # fmt: skip


def _amount(label: Any, **extra: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        **extra,
    )


def _lines(label: Any, rows: int, **extra: Any) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": rows, "spellcheck": "false"})
    return forms.CharField(label=label, required=False, widget=area, **extra)


class DraftForm(forms.Form):
    """Create and edit. Times are typed in the store's zone, amounts in its currency."""

    kind = forms.ChoiceField(label=_("Kind"), widget=forms.HiddenInput)
    name = forms.CharField(
        label=_("Campaign name"), max_length=120, help_text=_("Buyers see it as the tag on the product.")
    )
    name_zh = forms.CharField(label=_("Campaign name in Chinese"), max_length=120, required=False)
    starts_at = MomentField(label=_("Starts"), help_text=_("A start in the past means: as soon as submitted."))
    ends_at = MomentField(
        label=_("Ends"), help_text=_("Over for buyers at this moment; closed by itself within 15 minutes.")
    )
    venue = forms.CharField(
        label=_("Venue"), max_length=80, help_text=_("Where on the platform, such as Black Friday main venue.")
    )
    threshold = _amount(_("Spend at least"))
    discount = _amount(_("Discount"))
    steps = _lines(
        _("Further steps"), 2, help_text=_("One a line: amount to spend, then discount, such as 100 15. Each above the one before.")
    )  # fmt: skip
    free_shipping_threshold = _amount(_("Free shipping from"), required=False, help_text=_("Leave empty for none."))
    gifts = _lines(_("Gifts"), 2, help_text=_("One a line. They come with every order that reaches the first amount."))
    min_items = forms.IntegerField(
        label=_("Least number of products"),
        required=False,
        min_value=0,
        max_value=100_000,
        help_text=_("Fewer cannot be handed in, and no product may leave below it."),
    )
    price_protected = forms.BooleanField(
        label=_("Price Protection promise"),
        required=False,
        help_text=_(
            "Buyers of the last 30 days must not have paid more; otherwise the campaign cannot be stopped by hand."
        ),
    )
    logistics_guarantee = forms.BooleanField(
        label=_("Cross-border logistics guarantee"),
        required=False,
        help_text=_("Once an order has a fulfilment number, the campaign cannot be stopped by hand."),
    )
    stacks = forms.BooleanField(label=_("May be combined with other campaigns that allow it"), required=False)
    items = _lines(_("List of products"), 10)
    file = forms.FileField(
        label=_("File"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx,.gz"}),
        help_text=_("csv or xlsx with the columns sku and price, up to 10,000 rows."),
    )
    q = forms.CharField(label=_("Title, SKU or brand"), required=False, max_length=120)
    category = forms.ModelChoiceField(
        label=_("Category"), required=False, queryset=Category.objects.none(), empty_label=_("— no category —")
    )
    percent_off = forms.IntegerField(label=_("at this much off (%)"), required=False, min_value=1, max_value=95)
    most = forms.IntegerField(label=_("at most this many SKUs"), required=False, min_value=1, max_value=10_000)
    aside = _lines(_("Set aside"), 4)

    def __init__(self, *args: Any, store: Store, kind: str, campaign: Campaign | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.found = spec(kind)
        own_field(self, "kind", forms.ChoiceField).choices = offered_kinds()
        self.fields["kind"].initial = kind
        for name in ("starts_at", "ends_at"):
            own_field(self, name, MomentField).zone = display.zone(store.time_zone)
        own_field(self, "category", forms.ModelChoiceField).queryset = Category.objects.all()
        for name in _SOMETIMES - set(OWN_FIELDS[kind]):
            del self.fields[name]
        if not self.found.item_prices:
            del self.fields["percent_off"]
        if campaign is not None:
            del self.fields["kind"]
        self.fields["items"].help_text = (
            _("One a line: SKU and campaign price, parted by a blank, a tab or a comma.")
            if self.found.item_prices
            else _("One SKU a line. This kind discounts the order, so there are no prices.")
            if self.found.needs_items
            else _(
                "One SKU a line, or none at all: they only show the tag. The coupons are created once the draft is saved."
            )
        )
        for name in ("threshold", "discount", "free_shipping_threshold"):
            if name in self.fields:
                self.fields[name].label = f"{self.fields[name].label} ({store.currency})"
        make_live(self, reverse("campaigns:check", kwargs={"store": store.slug}), campaign)

    def clean(self) -> dict[str, Any]:
        """A filter needs its percentage where items have prices, and the other way round."""
        data = super().clean() or {}
        filtered = bool(data.get("category") or (data.get("q") or "").strip())
        if "percent_off" in self.fields and filtered != bool(data.get("percent_off")):
            missing = "percent_off" if filtered else "category"
            if missing not in self.errors:
                self.add_error(missing, _("A filter and a percentage belong together."))
        return data

    @property
    def rules(self) -> dict[str, Any]:
        """The terms as the verbs take them, from clean data."""
        data = self.cleaned_data
        if "venue" in self.fields:
            return {"venue": data.get("venue", "")}
        if "threshold" not in self.fields:
            return {}
        steps = [line.replace(",", " ").split(maxsplit=1) for line in _filled(data.get("steps", ""))]
        rules: dict[str, Any] = {
            "threshold": data.get("threshold", ""),
            "discount": data.get("discount", ""),
            "steps": [{"threshold": words[0], "discount": words[1] if words[1:] else ""} for words in steps],
            "gifts": _filled(data.get("gifts", "")),
        }
        if data.get("free_shipping_threshold"):
            rules["free_shipping_threshold"] = data["free_shipping_threshold"]
        return rules

    @property
    def settings(self) -> dict[str, Any]:
        """What is saved beside the items, from clean data: only fields that this kind has."""
        names = ("name", "name_zh", "starts_at", "ends_at", "stacks", *_PROMISES)
        found = {name: self.cleaned_data[name] for name in names if name in self.fields}
        if "min_items" in self.fields:
            found["min_items"] = self.cleaned_data.get("min_items") or 0
        return {**found, "rules": self.rules}

    def blame(self, errors: list[FieldError]) -> None:
        """Put each fault of a verb beside its field; what has no field stands on top."""
        for error in errors:
            name = field_of(error)
            self.add_error(name if name in self.fields else None, str(error.message))


class AddForm(DraftForm):
    """More products for a campaign that has started: the list alone, everything else stays as buyers know it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.fields) - {"items", "aside", *PICKING}:
            del self.fields[name]


class EndTimeForm(forms.Form):
    """While a campaign runs only its end may move."""

    ends_at = MomentField(label=_("Ends"))

    def __init__(self, *args: Any, store: Store, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own_field(self, "ends_at", MomentField).zone = display.zone(store.time_zone)
        make_live(self, reverse("campaigns:check", kwargs={"store": store.slug}), campaign)


def field_of(error: FieldError) -> str:
    """The form's field for a fault of a verb: `rules.steps.0.discount` is `steps`, `items.3.price` is `items`."""
    parts = [part for part in error.field.replace("[", ".").split(".") if part]
    return parts[1] if parts[:1] == ["rules"] and parts[1:] else parts[0] if parts else ""


def make_live(form: forms.Form, url: str, campaign: Campaign | None) -> None:
    """Have each field checked by the server when it is left, 400 ms after the last key; without JavaScript nothing changes (R54)."""
    code = f"&code={campaign.code}" if campaign is not None else ""
    for name in _LIVE:
        if name not in form.fields:
            continue
        field, region = form.fields[name], f"live_id_{name}"
        field.live = region  # type: ignore[attr-defined]  # for the template
        described = [f"id_{name}_helptext"] if field.help_text else []
        field.widget.attrs |= {
            "aria-describedby": " ".join([*described, region]),
            "hx-post": f"{url}?field={name}{code}",
            "hx-trigger": "blur delay:400ms, change delay:400ms",
            "hx-target": f"#{region}",
            "hx-swap": "morph:outerHTML",
            "hx-include": "closest form",
            "hx-params": "*" if name == "items" else "not items,aside",
            "hx-sync": "this:replace",
        }


def initial_of(campaign: Campaign) -> dict[str, Any]:
    """A campaign as the form shows it; its items in one query."""
    rules = campaign.rules
    rows = campaign.items.order_by("id").values_list("sku__code", "price", "sku__currency")
    lines = [sku if price is None else f"{sku} {money.text(price, currency)}" for sku, price, currency in rows]
    names = ("name", "name_zh", "starts_at", "ends_at", "stacks", "price_protected", "logistics_guarantee", "min_items")
    return {name: getattr(campaign, name) for name in names} | {
        "venue": campaign.venue,
        "threshold": rules.get("threshold", ""),
        "discount": rules.get("discount", ""),
        "steps": "\n".join(f"{step['threshold']} {step['discount']}" for step in rules.get("steps", ())),
        "free_shipping_threshold": rules.get("free_shipping_threshold", ""),
        "gifts": "\n".join(rules.get("gifts", ())),
        "items": "\n".join(lines),
    }


def _filled(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
