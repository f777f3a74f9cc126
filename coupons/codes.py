"""The error codes of coupons (R140, R141): what each means, why it comes, what mends it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
GUIDE = "Coupon Configuration Guide v3.2"

declare(
    Code(
        "ERR_COUPON_REGION", ERROR, _("Country outside the coupon's area"),
        cause=_("The buyer's country is not one of the regions that the coupon is for."),
        fix=(_("Look at the regions of the coupon."), _("For buyers elsewhere, create a coupon for their region.")), source=GUIDE,
    ),
    Code(
        "ERR_STOCK_SYNC_FAIL", ERROR, _("Delisted, sold out, or stock too old to trust"),
        cause=_("No product of the pool that is on sale has stock which was counted recently enough."),
        fix=(_("Bring the stock of the products up to date."), _("Put a delisted product on sale again.")), source=GUIDE,
    ),
    Code(
        "ERR_COUPON_DISPUTES", ERROR, _("Too many orders in arbitration"),
        cause=_("The buyer has %(coupons__disputes)s or more orders in arbitration within the last %(coupons__dispute_days)s days."),
        fix=_("Nothing on the seller's side: it ends with the disputes."), source=GUIDE,
    ),
    Code(
        "ERR_COUPON_LIMIT", ERROR, _("Claimed or used already"),
        cause=_("Each buyer may have a coupon once."), fix=_("Nothing to mend: the limit of one per buyer is compulsory."), source=GUIDE,
    ),
    Code(
        "ERR_COUPON_EXHAUSTED", ERROR, _("None left"),
        cause=_("All that the quota or the budget allows are gone."),
        fix=_("Create a further coupon with a quota of its own."),
    ),
    Code(
        "ERR_COUPON_WINDOW", ERROR, _("Outside its validity"),
        cause=_("The coupon is not valid yet, or not any more."), fix=_("Look at the start and end of the coupon."),
    ),
    Code(
        "ERR_COUPON_LOGISTICS", ERROR, _("Not for this way of shipping"),
        cause=_("The coupon is for Worry-free logistics only, and the order goes another way."),
        fix=_("Nothing to mend: the restriction protects the margin from freight."), source=GUIDE,
    ),
    Code(
        "ERR_COUPON_MIN_ORDER", ERROR, _("Minimum order not reached"),
        cause=_("The products of the pool in this order come to less than the minimum order amount."),
        fix=_("Nothing to mend: the buyer may add products."),
    ),
    Code(
        "ERR_COUPON_FIRST_ORDER", ERROR, _("For first orders only"),
        cause=_("The buyer has ordered from this store before."), fix=_("Nothing to mend: the coupon is for new buyers."),
    ),
    Code(
        "ERR_COUPON_STATE", ERROR, _("The coupon is not issued now"),
        cause=_("Issuing is stopped, the coupon is void, or its campaign does not run."),
        fix=(_("Open the coupon and see who stopped it."), _("Resume it there, or resume its campaign.")),
    ),
    Code(
        "ERR_COUPON_VELOCITY", ERROR, _("Too many claims from one address"),
        cause=_("More than %(coupons__velocity_claims)s claims came from one address within %(coupons__velocity_seconds__seconds)s."),
        fix=(_("Look at the usage details for a pattern."), _("Resume issuing when nothing is wrong.")), source=GUIDE,
    ),
    Code(
        "ERR_BUYER_MISSING", ERROR, _("No buyer"),
        cause=_("A coupon is claimed for one buyer."), fix=_("Say who claims it: the storefront's own id of the buyer."),
    ),
    Code(
        "ERR_COUPON_CHANNEL", ERROR, _("Not given out here"),
        cause=_("The coupon is given out in other channels than the one that the buyer came by."),
        fix=_("Look at the channels of the coupon."),
    ),
    Code(
        "ERR_COUPON_NOT_COMBINED", ERROR, _("Does not combine"),
        cause=_(
            "An order may use only so many coupons, and a coupon combines with the subsidies of a platform promotion only where it says so."
        ),
        fix=(_("Of several coupons the best one for the buyer counts."), _("Look at the stacking window of the coupon.")),
    ),
    Code(
        "ERR_COUPON_NOT_CLAIMED", ERROR, _("The buyer has not claimed it"),
        cause=_("A coupon is claimed first and used then."), fix=_("Claim it for the buyer, then ask for the quote again."),
    ),
    Code(
        "ERR_COUPON_UNKNOWN", ERROR, _("No such coupon"),
        cause=_("This store has no coupon with this code."), fix=_("Check the code that was entered."),
    ),
)  # fmt: skip
