"""The error codes of creating a coupon (R54–R57, R140)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

ERROR = Severity.ERROR
GUIDE = "Coupon Configuration Guide v3.2"

declare(
    Code(
        "ERR_COUPON_CODE", ERROR, _("Not a coupon code"),
        cause=_("Buyers type the code: it holds 3 to 40 letters, digits and hyphens."), fix=_("Leave it empty, and one is made."),
    ),
    Code(
        "ERR_COUPON_CODE_TAKEN", ERROR, _("The coupon code is in use"),
        cause=_("Another coupon of this store has this code; letter case does not count."), fix=_("Choose another code."),
        page="coupons:list",
    ),
    Code(
        "ERR_COUPON_CURRENCY", ERROR, _("No coupons in this currency"),
        cause=_("The rules name no least minimum order for it, or no product of the pool is priced in it."),
        fix=(_("Choose a currency that the rules name."), _("Platform staff can add one to the coupon rules.")), source=GUIDE,
    ),
    Code(
        "ERR_COUPON_FACE_VALUE", ERROR, _("Face value not below the minimum order"),
        cause=_("Nearly always the two amounts are swapped."), fix=_("Compare the two amounts."),
    ),
    Code(
        "ERR_COUPON_FACE_TOO_HIGH", ERROR, _("Face value above half of an item's price"),
        cause=_("The face value is more than 50% of the price of an item of the pool."),
        fix=(_("Lower the face value."), _("Take the item that is named out of the pool.")), source=GUIDE,
    ),
    Code(
        "ERR_COUPON_FLOOR", ERROR, _("Minimum order amount not allowed"),
        cause=_("Every coupon has a minimum order of at least US$10; a no-threshold coupon has exactly that."),
        fix=_("Set the minimum order amount to the platform's floor or more."), source=GUIDE,
    ),
    Code(
        "ERR_CONFIRM_FACE_VALUE", ERROR, _("The face value was not typed again"),
        cause=_("A large no-threshold coupon is expensive when it is mistyped, so its face value is typed twice."),
        fix=_("Type the same amount once more."),
    ),
    Code(
        "ERR_COUPON_VALIDITY", ERROR, _("Validity out of bounds"),
        cause=_("A coupon is valid for at least 1 and at most 90 days."), fix=_("Move the end."), source=GUIDE,
    ),
    Code(
        "ERR_COUPON_PER_BUYER", ERROR, _("Claim limit is one"),
        cause=_("Each buyer may claim a coupon once; the limit is compulsory."), fix=_("Leave it at 1."), source=GUIDE,
    ),
    Code(
        "ERR_COUPON_STACKING", ERROR, _("Window of stacking not right"),
        cause=_("The window lies outside the coupon's validity, or the coupon does not stack."),
        fix=_("Move the window, or switch stacking on."),
    ),
    Code(
        "ERR_COUPON_POOL_EMPTY", ERROR, _("Nothing in the pool"),
        cause=_("What was chosen holds no product that can be sold."), fix=_("Choose other listings, categories or brands."),
    ),
    Code(
        "ERR_BRAND_UNKNOWN", ERROR, _("No such brand"),
        cause=_("No listing of this store has this brand."), fix=_("Write the brand as its listings have it."), page="listings:list",
    ),
    Code(
        "ERR_COUPON_COMPANY", ERROR, _("Company verification is missing"),
        cause=_("Coupons are open to verified companies whose identity is the same as on their business licence."),
        fix=_("A sole trader upgrades to a company; platform staff record it."), source=GUIDE,
    ),
    Code(
        "ERR_COUPON_ALIPAY", ERROR, _("Alipay+ account without KYC of level 2"),
        cause=_("Coupons need an international Alipay account whose KYC has reached level 2."),
        fix=_("Finish the KYC of the Alipay+ account; platform staff record it."), source=GUIDE,
    ),
)  # fmt: skip
