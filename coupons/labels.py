"""How a coupon is spoken of: its terms, its kind with the floor, where it counts."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import display
from coupons.models import Coupon, CouponKind

#: The ways of shipping that a coupon can be limited to (R75).
LOGISTICS = {"standard": gettext_lazy("Worry-free standard"), "premium": gettext_lazy("Worry-free priority")}
#: Where a coupon is handed out (R51, R64).
CHANNELS = {
    "product_page": gettext_lazy("Product page"),
    "store_home": gettext_lazy("Store home"),
    "push": gettext_lazy("On-site push"),
    "email": gettext_lazy("E-mail"),
    "off_site": gettext_lazy("Off-site"),
}


def terms(coupon: Coupon) -> str:
    """`Spend US$30.00, save US$5.00`; a no-threshold coupon names the floor that every coupon has (R182)."""
    words = {
        "face": display.money(coupon.face_value, coupon.currency),
        "floor": display.money(coupon.min_order, coupon.currency),
    }
    if coupon.kind == CouponKind.NO_THRESHOLD:
        return _("%(face)s off, no threshold (platform minimum order %(floor)s)") % words
    return _("Spend %(floor)s, save %(face)s") % words


def kind_words(coupon: Coupon) -> str:
    """The kind; a no-threshold coupon with its floor (R182)."""
    if coupon.kind == CouponKind.NO_THRESHOLD:
        return _("No threshold (platform minimum order %(floor)s)") % {
            "floor": display.money(coupon.min_order, coupon.currency)
        }
    return str(coupon.get_kind_display())


def logistics_words(coupon: Coupon) -> str:
    """The restriction in words; empty when there is none."""
    return display.series(LOGISTICS.get(code, code) for code in coupon.logistics)


def channel_words(coupon: Coupon) -> str:
    """The channels in words; empty when the coupon is for all."""
    return display.series(CHANNELS.get(code, code) for code in coupon.channels)
