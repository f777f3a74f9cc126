"""Small forms of the coupon pages; the form of a coupon itself is `coupons.draft_forms`."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.models import CouponKind, CouponState

ANY = [("", _("All"))]


class CouponFilterForm(forms.Form):
    """The query form of 优惠券管理."""

    q = forms.CharField(label=_("Coupon name / code"), required=False, max_length=120)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[*ANY, *CouponState.choices])
    kind = forms.ChoiceField(label=_("Coupon kind"), required=False, choices=[*ANY, *CouponKind.choices])
