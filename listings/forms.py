"""Forms of the listing pages. They gather what was typed; the verbs say what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError, FieldError
from core.forms import own_field
from core.money import text
from listings import tree
from listings.delisting import DelistMode, DelistReason
from listings.models import Listing, ListingState, Management, Sku

ANY = [("", _("All"))]
#: Languages whose titles have a field of their own; others are kept as they are.
TITLED = ("zh", "en")


class ListingFilterForm(forms.Form):
    """The query form of 商品管理."""

    q = forms.CharField(label=_("Title, SKU or brand"), required=False, max_length=120)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[*ANY, *ListingState.choices])
    category = forms.ChoiceField(label=_("Category"), required=False)
    management = forms.ChoiceField(label=_("Who sells"), required=False, choices=[*ANY, *Management.choices])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own_field(self, "category", forms.ChoiceField).choices = [*ANY, *tree.choices()]


class ListingForm(forms.Form):
    """What a listing says of itself."""

    title = forms.CharField(label=_("Title"), required=False, max_length=255)
    title_zh = forms.CharField(label=_("Title in Chinese"), required=False, max_length=255)
    title_en = forms.CharField(label=_("Title in English"), required=False, max_length=255)
    category = forms.ChoiceField(label=_("Category"), required=False, widget=forms.Select(attrs={"data-search": ""}))
    brand = forms.CharField(label=_("Brand"), required=False, max_length=80)
    logistics_template = forms.CharField(label=_("Shipping template"), required=False, max_length=80)
    main_image = forms.CharField(
        label=_("Main image"), required=False, max_length=200, help_text=_("Address of a picture; none is needed.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own_field(self, "category", forms.ChoiceField).choices = [("", _("Choose one")), *tree.choices()]

    @classmethod
    def values_of(cls, listing: Listing) -> dict[str, str]:
        """The fields of a listing as the form shows them."""
        return {
            "title": listing.title,
            **{f"title_{code}": listing.titles.get(code, "") for code in TITLED},
            "category": listing.category.code,
            "brand": listing.brand.name if listing.brand else "",
            "logistics_template": listing.logistics_template,
            "main_image": listing.main_image,
        }

    def changes(self, titles: Mapping[str, str]) -> dict[str, Any]:
        """What the verbs take. `titles` are those that the listing has in languages without a field."""
        values = dict(self.cleaned_data)
        own = {code: values.pop(f"title_{code}") for code in TITLED}
        kept = {code: title for code, title in titles.items() if code not in TITLED}
        return values | {"titles": kept | {code: title for code, title in own.items() if title}}


class SkuForm(forms.Form):
    """One SKU of a listing.

    Orders and stock reports move the stock without making an open form stale, so a known SKU's form carries the figure that it showed:
    one that nobody touched is not sent, and one that moved meanwhile is shown before it is overwritten.
    """

    sku = forms.CharField(label=_("SKU code"), required=False, max_length=80)
    sale_price = forms.CharField(label=_("Sale price"), required=False, max_length=20)
    cost = forms.CharField(label=_("Cost"), required=False, max_length=20)
    stock = forms.CharField(label=_("Stock"), required=False, max_length=12)
    stock_seen = forms.CharField(required=False, max_length=12, widget=forms.HiddenInput)

    def __init__(self, *args: Any, known: bool = False, priced: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sku"].disabled = known
        self.fields["sale_price"].disabled = not priced
        self.known = known
        if not known:
            del self.fields["stock_seen"]

    @classmethod
    def values_of(cls, sku: Sku) -> dict[str, str]:
        """The fields of a SKU as the form shows them."""
        return {
            "sku": sku.code,
            "sale_price": text(sku.sale_price, sku.currency),
            "cost": "" if sku.cost is None else text(sku.cost, sku.currency),
            "stock": str(sku.stock),
            "stock_seen": str(sku.stock),
        }

    @property
    def seen(self) -> str:
        """The stock that the form showed; what stands now when it does not say."""
        return str(self["stock_seen"].value() or self.initial["stock"])

    def keeps_stock(self) -> bool:
        """Whether the stock was left as it was shown."""
        return self.known and str(self["stock"].value() or "").strip() == self.seen

    @cached_property
    def changed_data(self) -> list[str]:
        """What was typed: neither the figure carried along nor a stock that was left alone."""
        carried = {"stock_seen", "stock"} if self.keeps_stock() else {"stock_seen"}
        return [name for name in super().changed_data if name not in carried]

    def clean(self) -> dict[str, Any]:
        """Refuse to overwrite a figure that moved since the form was shown; sent again, it is meant."""
        if self.known and not self.keeps_stock() and self.seen != self.initial["stock"]:
            words = _(
                "It was %(seen)s when you opened the form and is %(now)s by now. Save again if your figure is right."
            )
            self.add_error("stock", words % {"seen": self.seen, "now": self.initial["stock"]})
            self.data = {key: self.data.get(key) for key in self.data} | {
                self.add_prefix("stock_seen"): self.initial["stock"]
            }
        return self.cleaned_data

    @property
    def blank(self) -> bool:
        """Whether nothing was typed."""
        return not any(str(value).strip() for value in self.cleaned_data.values())

    def row(self, *, priced: bool = True) -> dict[str, Any]:
        """What the verbs take."""
        values = dict(self.cleaned_data)
        if not priced:
            values.pop("sale_price")
        values.pop("stock_seen", None)
        if self.keeps_stock():
            values.pop("stock")
        else:
            values["stock"] = values["stock"] or 0
        return values


class SkuPriceForm(forms.Form):
    """The sale price of one SKU, for those who may change prices only."""

    sku = forms.CharField(label=_("SKU code"), disabled=True, required=False)
    sale_price = forms.CharField(label=_("Sale price"), required=False, max_length=20)


class DelistForm(forms.Form):
    """Why and how goods go off sale."""

    reason = forms.ChoiceField(label=_("Reason"), choices=[("", _("Choose one")), *DelistReason.choices])
    mode = forms.ChoiceField(
        label=_("How"), choices=DelistMode.choices, widget=forms.RadioSelect, initial=DelistMode.NOW
    )


class ImportForm(forms.Form):
    """A file of goods."""

    file = forms.FileField(label=_("File"), help_text=_("csv, csv.gz or xlsx, with the column names in the first row."))
    category = forms.ChoiceField(
        label=_("Category of new listings"),
        required=False,
        help_text=_("Where a row names none."),
        widget=forms.Select(attrs={"data-search": ""}),
    )
    stock = forms.CharField(label=_("Stock of new SKUs"), required=False, max_length=12)
    currency = forms.CharField(
        label=_("Currency"), required=False, max_length=3, help_text=_("The store’s when empty.")
    )
    mapping = forms.CharField(
        label=_("Columns"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "bo-code"}),
        help_text=_("Only where your column names differ from ours: one COLUMN=field a line."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own_field(self, "category", forms.ChoiceField).choices = [("", _("Choose one")), *tree.choices()]


_RENAMED = {"titles.zh": "title_zh", "titles.en": "title_en"}


def show_refusal(form: forms.Form, error: DomainError, rows: Sequence[forms.Form] = ()) -> None:
    """Put a refusal beside the fields that it names; what has no field stands on top."""
    if not error.errors:
        form.add_error(None, str(error.detail))
    for found in error.errors:
        _show(form, found, rows)


def _show(form: forms.Form, found: FieldError, rows: Sequence[forms.Form]) -> None:
    name, message = _RENAMED.get(found.field, found.field), str(found.message)
    parts = found.field.split(".")
    if parts[0] == "skus" and len(parts) == 3 and parts[1].isdigit() and int(parts[1]) < len(rows):
        row = rows[int(parts[1])]
        row.add_error(parts[2] if parts[2] in row.fields else None, message)
    elif name in form.fields:
        form.add_error(name, message)
    else:
        form.add_error(None, message)
