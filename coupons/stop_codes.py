"""Messages about coupons that died, and refusals of the verbs that stop them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
_HOLDERS = _("Buyers who hold one cannot use it any more. Orders already placed keep theirs.")

declare(
    Code(
        "NOTE_COUPON_VOIDED", INFO, _("%(coupon)s is void; claimed and not used: %(n)s"),
        cause=_("Somebody of the store voided the coupon %(code)s for good."), fix=_HOLDERS,
        page="coupons:detail", page_args=("code",), page_label=_("Coupon"),
    ),
    Code(
        "NOTE_COUPON_CAMPAIGN_CANCELLED", INFO, _("%(coupon)s died with its campaign; claimed and not used: %(n)s"),
        cause=_("The campaign of the coupon %(code)s was cancelled permanently, and the hold is over."), fix=_HOLDERS,
        page="coupons:detail", page_args=("code",), page_label=_("Coupon"),
    ),
    Code(
        "NOTE_COUPON_CAMPAIGN_ENDED", INFO, _("%(coupon)s ended with its campaign; claimed and not used: %(n)s"),
        cause=_("The campaign of the coupon %(code)s has ended."), fix=_HOLDERS,
        page="coupons:detail", page_args=("code",), page_label=_("Coupon"),
    ),
    Code(
        "NOTE_COUPON_CAMPAIGN_DELETED", INFO, _("%(coupon)s is void, its campaign was deleted; claimed and not used: %(n)s"),
        cause=_("The draft of the campaign that the coupon %(code)s was linked to was deleted."), fix=_HOLDERS,
        page="coupons:detail", page_args=("code",), page_label=_("Coupon"),
    ),
    Code(
        "NOTE_COUPONS_VOIDED", INFO, _("%(coupons)s coupons are void; claimed and not used: %(n)s"),
        cause=_("Their campaigns were closed at the same time."), fix=_HOLDERS,
        page="coupons:list", page_label=_("Coupons"),
    ),
    Code(
        "NOTE_COUPON_EXPIRED", INFO, _("%(coupon)s has expired; claimed and not used: %(n)s"),
        cause=_("The end of the coupon %(code)s has come."), fix=_("Nothing to mend: a further coupon can be created."),
        page="coupons:detail", page_args=("code",), page_label=_("Coupon"),
    ),
    Code(
        "NOTE_COUPONS_EXPIRED", INFO, _("%(coupons)s coupons have expired; claimed and not used: %(n)s"),
        cause=_("Their ends came at the same time."), fix=_("Nothing to mend: further coupons can be created."),
        page="coupons:list", page_label=_("Coupons"),
    ),
    Code(
        "ERR_COUPON_CAMPAIGN", ERROR, _("Its campaign stopped it"),
        cause=_("The coupon lives and dies with its campaign, and the campaign does not run."),
        fix=(_("Resume the campaign, or take its cancel back."), _("Or take the coupon out of the campaign.")),
    ),
)  # fmt: skip
