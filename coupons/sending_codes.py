"""Error codes of sending coupons by e-mail and SMS (R140)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

ERROR, WARNING = Severity.ERROR, Severity.WARNING

declare(
    Code(
        "ERR_SENDING_HALTED", WARNING, _("A sending of %(code)s stood still by itself"),
        cause=_("Its coupon is not issued any more, messages fail one after another, or the SMS gateway is missing (%(why)s)."),
        fix=(_("Open the sending and see why."), _("Put it right, then let the sending go on.")),
        page="coupons:sending", page_args=("code", "number"), page_label=_("Sending"),
    ),
    Code(
        "ERR_SENDING_PART", WARNING, _("A sending of %(code)s did not reach everybody"),
        cause=_("%(sent)s sent, %(failed)s failed, %(unknown)s with an unknown outcome, %(skipped)s left out."),
        fix=(_("Open the sending: each failure says why."), _("Try the failures again while their addresses are kept.")),
        page="coupons:sending", page_args=("code", "number"), page_label=_("Sending"),
    ),
    Code(
        "ERR_SENDING_STATE", ERROR, _("The sending does not allow this now"),
        cause=_("It is going, paused, finished or stopped, or it was tried as often as is allowed."),
        fix=_("Open the sending and see how it stands."),
    ),
    Code(
        "ERR_SENDING_TEXT", ERROR, _("This text cannot be sent"),
        cause=_("It is empty or too long, lacks a subject, or holds a place in braces that nothing fills in."),
        fix=_("Put the text right as the field says."),
    ),
    Code(
        "ERR_SENDING_LIST", ERROR, _("The list of recipients cannot be read"),
        cause=_("Each line holds a buyer and an address; the list is empty, too long, or no CSV file."),
        fix=(_("Look at the line that is named."), _("Split a long list.")),
    ),
    Code(
        "ERR_SENDING_CONSENT", ERROR, _("Nobody said that the recipients agreed"),
        cause=_("Messages of this kind go only to people who agreed to them; who says so stands in the audit log."),
        fix=_("Tick the consent, or send nothing."),
    ),
    Code(
        "ERR_SENDING_GATEWAY", ERROR, _("No SMS gateway is connected"),
        cause=_("SMS leave through the merchant's own gateway, and this store has none."),
        fix=_("Connect one, then let the sending go on."),
        page="coupons:gateway", page_label=_("SMS gateway"),
    ),
    Code(
        "ERR_SENDING_SEAL", ERROR, _("What was sealed cannot be opened"),
        cause=_("The installation's key was changed since the address or the secret was entered."),
        fix=(_("Enter the gateway's secret anew."), _("Prepare the sending anew with its list.")),
    ),
    Code(
        "ERR_SENDING_GONE", ERROR, _("The addresses were dropped"),
        cause=_("Addresses are kept until a sending is finished, and those of failures for a short while after it."),
        fix=_("Prepare a new sending with a list of those who are missing."),
    ),
    Code(
        "ERR_SENDING_ADDRESS", ERROR, _("Not an address"),
        cause=_("It is no e-mail address or no phone number of 6 to 15 digits."), fix=_("Put the address right in the list."),
    ),
    Code(
        "ERR_SENDING_TWICE", WARNING, _("Got it already"),
        cause=_("Another recipient has the same address, or an earlier sending took this coupon to the buyer by the same way."),
        fix=_("Nothing to mend: nobody gets the same coupon twice."),
    ),
    Code(
        "ERR_SENDING_UNREACHABLE", ERROR, _("The gateway or mail server cannot be reached"),
        cause=_("No connection could be made; nothing of the message was sent."),
        fix=(_("See whether the gateway runs and its address is right."), _("Try the failures again.")),
    ),
    Code(
        "ERR_SENDING_ANSWER", ERROR, _("The gateway or mail server said no"),
        cause=_("It answered with a status that means: not taken. A redirect is not followed."),
        fix=(_("Look the status up in the gateway's manual."), _("Try the failures again once it is mended.")),
    ),
    Code(
        "ERR_SENDING_UNKNOWN", WARNING, _("Nobody knows whether it was sent"),
        cause=_("The message was on its way when the answer failed to come; trying again might send it twice."),
        fix=_("Look the message up at the gateway by its id."),
    ),
    Code(
        "ERR_SENDING_FAILING", WARNING, _("Messages fail one after another"),
        cause=_("So many failed in a row that the sending paused: going on would only use up the list."),
        fix=(_("See what the failures say."), _("Mend it, then let the sending go on or try the failures again.")),
    ),
    Code(
        "ERR_SENDING_STOPPED", WARNING, _("The sending was stopped"),
        cause=_("Somebody stopped it before this recipient's turn came."), fix=_("Prepare a new sending for those who are missing."),
    ),
    Code(
        "ERR_SENDING_LEFT", WARNING, _("The sending was left lying"),
        cause=_("Nobody started it or let it go on in time, so its addresses were dropped."), fix=_("Prepare it anew."),
    ),
)  # fmt: skip
