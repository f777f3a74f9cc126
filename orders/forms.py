"""Forms of the order pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Store
from core import display
from core.forms import MomentField, own_field
from orders.models import Dispute, OrderState

ANY = [("", _("All"))]


class OrderFilterForm(forms.Form):
    """The query form of the order list."""

    q = forms.CharField(label=_("Order or fulfilment number"), required=False, max_length=64)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[*ANY, *OrderState.choices])
    dispute = forms.ChoiceField(label=_("Dispute"), required=False, choices=[*ANY, *Dispute.choices])
    campaign = forms.CharField(label=_("Campaign code"), required=False, max_length=24)
    fulfilled = forms.ChoiceField(label=_("Fulfilment number"), required=False, choices=[*ANY, ("on", _("Has one"))])
    placed_from = MomentField(label=_("Placed from"), required=False)
    placed_until = MomentField(label=_("Placed before"), required=False)

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("placed_from", "placed_until"):
            own_field(self, name, MomentField).zone = display.zone(store.time_zone)


class OrderChangeForm(forms.Form):
    """What may change of an order; its terms never do."""

    state = forms.ChoiceField(label=_("State"), choices=OrderState.choices)
    fulfilment_number = forms.CharField(label=_("Fulfilment number"), required=False, max_length=64)
    dispute = forms.ChoiceField(label=_("Dispute"), choices=Dispute.choices)
