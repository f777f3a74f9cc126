"""Error codes of what goes beyond the platforms: budgets, single-use codes, segments, sending."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

ERROR, WARNING = Severity.ERROR, Severity.WARNING

declare(
    Code(
        "ERR_COUPON_BUDGET", WARNING, _("The money budget of %(coupon)s is used up"),
        cause=_("%(spent)s of %(budget)s are spent; a further redemption would pass the budget. Issuing is stopped."),
        fix=(_("Look at what the coupon cost and brought."), _("Raise or lift the budget: issuing then goes on.")),
        page="coupons:costs", page_args=("code",), page_label=_("Costs"), money=("spent", "budget"),
    ),
    Code(
        "ERR_COUPON_CODES", ERROR, _("So many single-use codes are not possible"),
        cause=_("A coupon can have no more codes than its quota lets be claimed, and no more than the policy allows."),
        fix=(_("Ask for fewer, or take a batch out of use."), _("Create a further coupon with a quota of its own.")),
    ),
    Code(
        "ERR_COUPON_CODES_GONE", ERROR, _("These codes cannot be handed out"),
        cause=_("The batch is not ready, is sealed, is out of use, or was made with a key that the installation no longer has."),
        fix=_("Make a new batch; take the old one out of use when its codes were not handed out."),
    ),
    Code(
        "ERR_COUPON_CODE_USED", ERROR, _("The code was used before"),
        cause=_("A single-use code works once."), fix=_("Nothing to mend: give the buyer another code."),
    ),
    Code(
        "ERR_COUPON_CODE_NEEDED", ERROR, _("Only with a single-use code"),
        cause=_("The coupon is handed out by single-use codes; its own code claims nothing."),
        fix=_("Claim with one of the codes."),
    ),
    Code(
        "ERR_COUPON_SITE", ERROR, _("Not on this site"),
        cause=_("The coupon is for some language sites only, and the buyer is on another one."),
        fix=(_("Look at the sites of the coupon."), _("For other sites, create a coupon for them.")),
    ),
    Code(
        "ERR_COUPON_TEST", ERROR, _("The coupon's test does not allow it"),
        cause=_("A coupon is in one running test at a time, and a stopped one does not run again."),
        fix=_("Stop the running test, or start a new one."),
    ),
    Code(
        "ERR_COUPON_SEGMENT", ERROR, _("Not for this buyer"),
        cause=_("The coupon is for some buyers only, by the rules that its page shows; this one is not among them."),
        fix=(_("Look at the rules under “Who may claim”."), _("For others, create a coupon with other rules.")),
    ),
)  # fmt: skip
