"""What the effect watch tells a store (R142)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

GUIDE = "Coupon Configuration Guide v3.2"
_PAGE, _ARGS, _LABEL = "coupons:diagnosis", ("code", "report"), _("Diagnosis report")

declare(
    Code(
        "ERR_COUPON_LOW_REDEMPTION", Severity.WARNING, _("Effect warning: %(code)s is not issued any more"),
        cause=_("%(redeemed)s of %(claimed)s claimed ones had been redeemed (%(measured)s%%); below %(limit)s%%"
            " issuing stops by itself. Claimed ones stay usable."),
        fix=(_("Read the diagnosis report: it says what kept buyers from using it."),
            _("Change the terms in a new draft, or resume issuing as it is.")),
        source=GUIDE, page=_PAGE, page_args=_ARGS, page_label=_LABEL,
    ),
    Code(
        "ERR_COUPON_ADDRESS_STORM", Severity.WARNING, _("Effect warning: too many claims of %(code)s from one address"),
        cause=_("One address had claimed %(code)s %(measured)s times within an hour and tried again, so issuing"
            " stopped by itself. Claimed ones stay usable."),
        fix=(_("Look at the usage details for a pattern."), _("Resume issuing when nothing is wrong.")),
        source=GUIDE, page=_PAGE, page_args=_ARGS, page_label=_LABEL,
    ),
    Code(
        "NOTE_COUPON_FOLLOW_UP", Severity.INFO, _("%(days)s days after the resume of %(code)s"),
        cause=_("Before the stop %(before)s%% had been redeemed."
            " Of %(claimed)s claimed since the resume, %(redeemed)s were redeemed: %(after)s%%."),
        fix=_("Nothing to mend. If the rate is still low, the effect tab shows which change would let more buyers in."),
        page=_PAGE, page_args=_ARGS, page_label=_LABEL,
    ),
)  # fmt: skip
