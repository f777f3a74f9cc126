"""The form of a coupon: what is typed, how it becomes what the verbs take, and each field checked while it is being left (R54)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Store
from core import display, money
from core.errors import FieldError
from core.forms import MomentField, own_field
from coupons import audience, fields, labels, links
from coupons.inputs import CouponInput, PoolInput
from coupons.live_fields import POOL, make_live, messages_of
from coupons.models import Coupon, CouponKind
from listings import tree
from listings.models import Brand
from policies.rules import CouponRules
from publishing.models import Site


def _amount(label: Any, **extra: Any) -> forms.CharField:
    box = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.CharField(label=label, max_length=40, widget=box, **extra)


def _many(label: Any, **extra: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, required=False, widget=forms.SelectMultiple(attrs={"data-search": ""}), **extra
    )


def _boxes(label: Any, choices: Iterable[tuple[str, Any]] = (), **extra: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, required=False, choices=list(choices), widget=forms.CheckboxSelectMultiple, **extra
    )


class CouponForm(forms.Form):
    """创建新券. Times are typed in the store's zone. The browser is told of no rule: every message is ours, in the page's language."""

    use_required_attribute = False

    kind = forms.ChoiceField(
        label=_("Coupon kind"), choices=CouponKind.choices, widget=forms.RadioSelect, initial=CouponKind.SPEND
    )
    face_value = _amount(_("Face value"))
    min_order = _amount(_("Minimum order"), required=False)
    confirm_face_value = _amount(_("Face value, typed again"), required=False)
    starts_at = MomentField(label=_("Starts"))
    ends_at = MomentField(label=_("Ends"))
    quota = forms.CharField(
        label=_("Quota"), max_length=12, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text=_("How many may be claimed, one for each buyer."),
    )  # fmt: skip
    budget = _amount(
        _("Budget"), required=False, help_text=_("Issuing stops once so much was given. Leave empty for none.")
    )
    name = forms.CharField(
        label=_("Coupon name"),
        max_length=120,
        required=False,
        help_text=_("Leave empty, and it is called by its terms."),
    )
    name_zh = forms.CharField(label=_("Coupon name in Chinese"), max_length=120, required=False)
    code = forms.CharField(
        label=_("Coupon code"), max_length=80, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        help_text=_("What buyers enter. Leave empty, and one is made."),
    )  # fmt: skip
    listings = forms.TypedMultipleChoiceField(label=_("Listings"), coerce=int, required=False)
    skus = forms.CharField(
        label=_("SKU codes"), required=False, max_length=100_000, widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_("One a line, or parted by commas; each stands for its whole listing."),
    )  # fmt: skip
    leave = forms.TypedMultipleChoiceField(label=_("Listings to take out"), coerce=int, required=False)
    leave_all = forms.BooleanField(required=False)
    categories = _many(_("Categories"))
    brands = _many(_("Brands"))
    regions = _many(_("Regions"), help_text=_("None chosen: everywhere."))
    logistics = _boxes(
        _("Logistics restriction: only"), labels.LOGISTICS.items(),
        help_text=_("Recommended. Without it buyers can use another way of shipping, and its freight may exceed the margin."),
    )  # fmt: skip
    channels = _boxes(_("Channels"), labels.CHANNELS.items(), help_text=_("None ticked: all."))
    sites = _boxes(_("Sites"), help_text=_("None ticked: all."))
    first_order_only = forms.BooleanField(label=_("First order only"), required=False)
    stacks_with_platform = forms.BooleanField(label=_("Stacks with platform subsidies"), required=False)
    stacks_from = MomentField(
        label=_("Stacks from"), required=False, help_text=_("Empty: as long as the coupon is valid.")
    )
    stacks_until = MomentField(label=_("Stacks until"), required=False)
    campaign = forms.ChoiceField(label=_("Campaign"), required=False, help_text=_("The coupon lives and dies with it."))
    segment = forms.Field(label=_("Who may claim"), required=False)
    cpc_cost = _amount(_("Cost per click (CPC)"), required=False)
    order_value = _amount(
        _("Value of an order"),
        required=False,
        help_text=_("Empty: the minimum order, or one average item if that is more."),
    )
    freight = _amount(_("Freight of another way"), required=False)

    def __init__(
        self,
        *args: Any,
        store: Store,
        rules: CouponRules,
        coupon: Coupon | None = None,
        pool: PoolInput | None = None,
        **kwargs: Any,
    ) -> None:
        """`pool` is the draft's. Listings too many for a page are `kept` beside the form, which then has only what joins or leaves."""
        super().__init__(*args, **kwargs)
        self.store, self.rules, self.coupon, self.pool = store, rules, coupon, pool or PoolInput()
        self.kept = kept_of(self.pool, rules)
        for name in ("starts_at", "ends_at", "stacks_from", "stacks_until"):
            own_field(self, name, MomentField).zone = display.zone(store.time_zone)
        self._choices(coupon)
        self._words()
        make_live(self, reverse("coupons:check", kwargs={"store": store.slug}), coupon)

    def _choices(self, coupon: Coupon | None) -> None:
        rules, store = self.rules, self.store
        own_field(self, "categories", forms.MultipleChoiceField).choices = tree.choices()
        brands = Brand.objects.filter(store=store).order_by("name").values_list("name", flat=True)[: rules.form_choices]
        named_brands = dict.fromkeys([*self.pool.brands, *brands])
        own_field(self, "brands", forms.MultipleChoiceField).choices = [(name, name) for name in named_brands]
        named = sorted((fields.country_words(code), code) for code in fields.countries())
        own_field(self, "regions", forms.MultipleChoiceField).choices = [
            (code, f"{words} ({code})") for words, code in named
        ]
        sites = list(Site.objects.filter(store=store).order_by("id").values_list("code", flat=True))
        own_field(self, "sites", forms.MultipleChoiceField).choices = [(code, code) for code in sites]
        if len(sites) < 2 and not (coupon and coupon.sites):
            del self.fields["sites"]
        room, keeper = links.room(), audience.keeper()
        if room is None or coupon is not None:
            del self.fields["campaign"]
        else:
            none = [("", _("— none —"))]
            own_field(self, "campaign", forms.ChoiceField).choices = none
        if keeper is None or self.keeps_segment:
            del self.fields["segment"]
        else:
            self.fields["segment"] = keeper.field(store)
        # Any number may come: the verb says which of them this store does not have.
        for name in ("listings", "leave"):
            own_field(self, name, forms.TypedMultipleChoiceField).valid_value = _is_number  # type: ignore[method-assign]  # the choices are checked by the picker, not listed
        if not self.kept:
            del self.fields["leave"], self.fields["leave_all"]

    @property
    def keeps_segment(self) -> bool:
        """A draft whose rules of who may claim are more than the form can say: they stay as they are."""
        keeper, coupon = audience.keeper(), self.coupon
        return bool(keeper and coupon and coupon.segment and not keeper.fits(coupon.segment, coupon.currency))

    def _words(self) -> None:
        rules, currency = self.rules, self.coupon.currency if self.coupon else self.store.currency
        for name in ("face_value", "min_order", "confirm_face_value", "budget", "cpc_cost", "order_value", "freight"):
            self.fields[name].label = f"{self.fields[name].label} ({currency})"
        if (floor := rules.min_order.get(currency)) is not None:
            words = _("At least %(floor)s. A no-threshold coupon has exactly that.")
            self.fields["min_order"].help_text = words % {"floor": display.money(floor, currency)}
        words = _("At most %(most)s%% of any item's price; best is %(low)s–%(high)s%% of the average.")
        shown = {
            "most": rules.max_face_percent,
            "low": rules.best_face_from_percent,
            "high": rules.best_face_to_percent,
        }
        self.fields["face_value"].help_text = words % {name: f"{value.normalize():f}" for name, value in shown.items()}
        words = _("%(least)s to %(most)s days after the start.")
        self.fields["ends_at"].help_text = words % {"least": rules.min_days, "most": rules.max_days}
        words = _("If you pay for the slot; %(average)s was the average in 2024.")
        self.fields["cpc_cost"].help_text = words % {"average": display.money(rules.average_cpc, "USD")}
        if not (self.is_bound and (self.data.get("confirm_face_value") or self.data.get("confirming"))):
            self.fields["confirm_face_value"].widget = forms.HiddenInput()

        words = _("Take all %(n)s listings out that it names so far")
        if self.kept:
            self.fields["leave_all"].label = words % {"n": display.number(len(self.kept))}

    def offer_campaigns(self, choices: Sequence[tuple[str, str]]) -> None:
        """The campaigns that a new coupon may be linked to; asked only when the form is drawn or saved."""
        if "campaign" in self.fields:
            field = own_field(self, "campaign", forms.ChoiceField)
            field.choices = [("", _("— none —")), *((code, f"{label} ({code})") for code, label in choices)]

    @property
    def given(self) -> CouponInput:
        """What the verbs take. Fields that cannot be read are among its `unread`, so that every fault is told together."""
        self.is_valid()
        data = self.cleaned_data
        plain = (
            "kind",
            "face_value",
            "min_order",
            "starts_at",
            "ends_at",
            "name",
            "name_zh",
            "code",
            "budget",
            "cpc_cost",
        )
        values: dict[str, Any] = {name: data.get(name) for name in plain}
        values |= {name: values[name] or "" for name in ("name", "name_zh", "code")}
        values["confirm_face_value"] = data.get("confirm_face_value")
        values["quota"] = _whole(data.get("quota"))
        for name in ("regions", "logistics", "channels", "sites"):
            values[name] = tuple(data.get(name) or ())
        for name in ("first_order_only", "stacks_with_platform"):
            values[name] = bool(data.get(name))
        if values["stacks_with_platform"]:
            values |= {name: data.get(name) for name in ("stacks_from", "stacks_until")}
        if self.coupon is not None and self.keeps_segment:
            values["segment"] = self.coupon.segment
        elif keeper := audience.keeper():
            values["segment"] = keeper.from_form(data.get("segment"))
        values["currency"] = self.coupon.currency if self.coupon else self.store.currency
        unread = [
            FieldError(name, "ERR_INVALID", str(message))
            for name, messages in self.errors.items()
            for message in messages
        ]
        if data.get("quota") and values["quota"] is None:
            unread.append(FieldError("quota", "ERR_INVALID", _("Write a whole number.")))
        return CouponInput(**values, pool=self.pool_given, campaign=data.get("campaign") or "", unread=tuple(unread))

    @property
    def pool_given(self) -> PoolInput:
        """The goods as they were picked, ticked and typed, and those that are kept beside the form."""
        data = self.cleaned_data
        left = set(data.get("leave") or ())
        kept = [] if data.get("leave_all") else [pk for pk in self.kept if pk not in left]
        skus = [code for line in data.get("skus", "").splitlines() for code in line.replace("，", ",").split(",")]
        return PoolInput(
            listings=[*kept, *(data.get("listings") or ())],
            skus=[code.strip() for code in skus if code.strip()],
            categories=data.get("categories") or (),
            brands=data.get("brands") or (),
        )

    @property
    def pool_errors(self) -> list[str]:
        """What is wrong with the products, whichever field says it."""
        return [str(message) for name in POOL for message in self.errors.get(name, ())]

    def sum_of(self, name: str) -> Decimal | None:
        """An amount that only the calculator reads; None when it is empty or none."""
        try:
            found = Decimal(str(self.cleaned_data.get(name) or "").strip())
        except InvalidOperation:
            return None
        return found if found.is_finite() and 0 <= found <= money.LARGEST else None

    def blame(self, errors: Iterable[FieldError]) -> None:
        """Put each fault of a verb beside its field; what has no field stands on top."""
        for name, messages in messages_of(errors, most=self.rules.warning_sample).items():
            if name == "confirm_face_value":
                self._ask_again()
            known = [str(message) for message in self.errors.get(name, ())]
            for message in messages:
                if message not in known:
                    self.add_error(name if name in self.fields else None, message)

    def _ask_again(self) -> None:
        """The brake: the field for the second typing shows itself."""
        field = self.fields["confirm_face_value"]
        field.widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        self.asks_again = True
        make_live(self, reverse("coupons:check", kwargs={"store": self.store.slug}), self.coupon)


def _is_number(value: Any) -> bool:
    return str(value).isascii() and str(value).isdigit() and len(str(value)) < 19


def _whole(value: Any) -> int | None:
    text = str(value or "").replace(",", "").replace("，", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def kept_of(pool: PoolInput, rules: CouponRules) -> Sequence[int]:
    """The named listings of a draft that are too many for a page: they stay beside the form. None of a pool that fits."""
    return pool.listings if len(pool.listings) > rules.form_listings else ()


def initial_of(coupon: Coupon, pool: PoolInput, rules: CouponRules) -> dict[str, Any]:
    """A coupon as the form shows it."""
    plain = (
        "kind", "starts_at", "ends_at", "quota", "name", "name_zh", "code", "regions", "logistics", "channels", "sites",
        "first_order_only", "stacks_with_platform", "stacks_from", "stacks_until",
    )  # fmt: skip
    amounts = ("face_value", "min_order", "budget", "cpc_cost")
    found: dict[str, Any] = {name: getattr(coupon, name) for name in plain}
    for name in amounts:
        value = getattr(coupon, name)
        found[name] = "" if value is None else money.text(value, coupon.currency)
    if keeper := audience.keeper():
        found["segment"] = keeper.to_form(coupon.segment)
    found["listings"] = [] if kept_of(pool, rules) else list(pool.listings)
    return found | {"categories": list(pool.categories), "brands": list(pool.brands)}


def chosen(store: Store, form: CouponForm, rows: QuerySet[Any], name: str = "listings") -> list[Any]:
    """The listings that a field of the form holds, of the store's `rows`, in the order of their ids."""
    raw = form[name].value() or () if name in form.fields else ()
    ids = [int(value) for value in raw if _is_number(value)]
    return list(rows.filter(store=store, pk__in=ids).order_by("id")) if ids else []
