"""Codes of the rooms below this one, and those that any room may raise."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.refusals import REFUSALS
from inbox.catalogue import Code, Severity, declare

ERROR, WARNING = Severity.ERROR, Severity.WARNING
TABLE = "速卖通错误代码速查表 v2.3"
RULES = "商家违规处罚规则"

declare(
    Code(
        "ERR_INVALID", ERROR, _("Something in the form is not right"),
        cause=_("One or more fields were refused; each says why."),
        fix=(_("Put right the fields that are marked."), _("Send it again.")),
    ),
    Code(
        "ERR_FIELD_UNKNOWN", ERROR, _("There is no such field"),
        cause=_("The request has a field that this does not know, or that never changes; often a typing error."),
        fix=(_("Compare the name with the API document."), _("Leave it out.")),
    ),
    Code(
        "ERR_BODY", ERROR, _("The request could not be read"),
        cause=_("The body is not JSON, too deeply nested, or not of the shape that the API document describes."),
        fix=(_("Compare the body with the API document."), _("Send it again.")),
    ),
    Code(
        "ERR_TOO_LARGE", ERROR, _("Too much at once"),
        cause=_("The request or the file is larger than the limit."),
        fix=_("Split it into smaller parts."),
    ),
    Code(
        "ERR_RULES_VALUE", ERROR, _("A rule is out of its bounds"),
        cause=_("A value of the new version is not what the rule set allows."),
        fix=_("Put right the value that is marked; its bounds stand beside it."),
    ),
    Code(
        "ERR_RULES_PAST", ERROR, _("Rules cannot take effect in the past"),
        cause=_("A version takes effect from a date ahead, so that every process knows it by then."),
        fix=_("Choose a later date."),
    ),
    Code(
        "ERR_RULES_VERSION", ERROR, _("That version or date is taken"),
        cause=_("The rule set has a version of that name, or one that takes effect at that very moment."),
        fix=_("Choose another name or another date."),
    ),
    Code(
        "ERR_RULES_IN_FORCE", ERROR, _("The version is in force already"),
        cause=_("What is in force, or about to be, has decided or will; it is not taken back."),
        fix=_("Publish another version that takes over."),
    ),
    Code(
        "ERR_NOT_FOUND", ERROR, _("Not found"),
        cause=_("There is no such thing in this store, or you may not see it."),
        fix=(_("Check the code or the address."), _("Check that the right store is chosen at the top.")),
    ),
    Code(
        "ERR_METHOD", ERROR, _("This address does not do that"),
        cause=_("The address exists, but not for this kind of request."),
        fix=_("Go back and use the buttons of the page, or the API document."),
    ),
    Code(
        "ERR_UNAUTHENTICATED", ERROR, _("Not signed in"),
        cause=_("There is no token, or it is wrong, expired or revoked."),
        fix=(_("Sign in again."), _("For a program: issue a new token.")),
    ),
    Code(
        "ERR_PERMISSION", ERROR, _("A right is missing"),
        cause=_("Your account does not hold the right that this needs, or it has lapsed, or its limit is smaller."),
        fix=(_("Ask the main account of the store to lend the right."), _("Try again; it works at once.")),
    ),
    Code(
        "ERR_CSRF", ERROR, _("The form is stale"),
        cause=_("The page was open too long, or cookies are switched off; nothing was changed."),
        fix=(_("Load the page again."), _("Send the form again.")),
    ),
    Code(
        "ERR_RATE_LIMIT", WARNING, _("Too many requests"),
        cause=_("More requests came than the limit allows."),
        fix=_("Wait for the time that the answer names, then go on."),
    ),
    Code(
        "ERR_VERSION_CONFLICT", ERROR, _("The page is stale"),
        cause=_("Somebody changed this after you read it; nothing was overwritten."),
        fix=(_("Load the page again."), _("Look at what changed, then repeat your change.")),
    ),
    Code(
        "ERR_OPERATION_LOCKED", WARNING, _("Another admin is on it"),
        cause=_("One person at a time may pause, resume or stop a campaign."),
        fix=_("Wait the seconds shown, then try again."),
    ),
    Code(
        "ERR_STATE", ERROR, _("Not possible in this state"),
        cause=_("The object is in a state that does not allow this."),
        fix=(_("Load the page again."), _("Look at the present state.")),
    ),
    Code(
        "ERR_IDEMPOTENCY_MISMATCH", ERROR, _("The key was used for another request"),
        cause=_("The same Idempotency-Key came before with another body."),
        fix=_("Use a new key for a new request."),
    ),
    Code(
        "ERR_IDEMPOTENCY_BUSY", WARNING, _("The same request is still running"),
        cause=_("A request with this Idempotency-Key has not finished."),
        fix=_("Ask again in a few seconds with the same key."),
    ),
    Code(
        "ERR_MONEY_FORMAT", ERROR, _("Not an amount"),
        cause=_("The text is not a number."), fix=_("Write the amount as 12.50."),
    ),
    Code(
        "ERR_MONEY_RANGE", ERROR, _("Amount out of range"),
        cause=_("The amount is negative, zero where it must not be, or absurdly large."),
        fix=_("Check the amount."),
    ),
    Code(
        "ERR_MONEY_PLACES", ERROR, _("Too many decimal places"),
        cause=_("The currency has fewer decimal places than the amount."),
        fix=_("Round the amount to the places of its currency."),
    ),
    Code(
        "ERR_TIME_FORMAT", ERROR, _("Not a time"),
        cause=_("The text is not a date and time, or lies outside what a calendar holds."),
        fix=_("Write the time as 2026-11-27T08:00:00Z."),
    ),
    Code(
        "ERR_CURSOR", ERROR, _("Not a cursor of this list"),
        cause=_("A cursor was changed, or belongs to another list."), fix=_("Leave it out to begin anew."),
    ),
    Code(
        "ERR_AUDIT_UNSEALED", WARNING, _("Not sealed yet"),
        cause=_("The entry is too new: the log is sealed every few seconds and signed every minute."),
        fix=_("Ask again in a minute."),
    ),
    Code(
        "ERR_OUTBOX_PARKED", ERROR, _("Something could not be delivered: %(topic)s"),
        cause=_("It was tried %(attempts)s times. The last answer was: %(error)s"),
        fix=(_("Look at the last answer and mend the receiver."), _("Ask an administrator to have it delivered again.")),
    ),
    Code(
        "ERR_INTERNAL", ERROR, _("Something went wrong on our side"),
        cause=_("A fault that we did not foresee; it was written down with its request number."),
        fix=(_("Try again."), _("If it comes back, give support the request number.")),
    ),
    Code(
        "ERR_UNAVAILABLE", WARNING, _("Not available just now"),
        cause=_("The database or another service does not answer."),
        fix=_("Try again in a minute."),
    ),
    Code(
        "ERR-207", ERROR, _("Main image too small"),
        cause=_("The resolution of the main image is below the least allowed."),
        fix=(_("Use a picture of at least 800×800 pixels."), _("Upload it again.")), source=TABLE,
    ),
    Code(
        "ERR-412", ERROR, _("Certificate expired"),
        cause=_("The certificate's last day has passed."),
        fix=(_("Get a renewed certificate."), _("Upload it with its new end date.")), source=TABLE,
    ),
)  # fmt: skip

declare(*(Code(row.code, ERROR, row.title, cause=row.cause, fix=row.fix) for row in REFUSALS))

declare(
    Code(
        "NOTE_MAIN_ACCOUNT", WARNING, _("Platform staff named a main account: %(person)s"),
        cause=_("The store had no main account left that was switched on. Reason: %(reason)s"),
        fix=(_("Look at who may do what."), _("Ask platform staff if you think it is a mistake.")),
        page="accounts:staff", page_label=_("Staff"),
    ),
    Code(
        "NOTE_PERSON_OFF", WARNING, _("Platform staff switched an account off: %(person)s"),
        cause=_("Reason: %(reason)s. The person cannot sign in, and their rights and API tokens count for nothing."),
        fix=(_("Lend the rights to somebody else who is needed now."), _("Ask platform staff if you think it is a mistake.")),
        page="accounts:staff", page_label=_("Staff"),
    ),
    Code(
        "NOTE_PERSON_ON", Severity.INFO, _("Platform staff switched an account on: %(person)s"),
        cause=_("Reason: %(reason)s. Lent rights hold again; API tokens have to be made anew."),
        fix=_("Take back the rights that the person should not have any more."),
        page="accounts:staff", page_label=_("Staff"),
    ),
    Code(
        "ERR_PENALTY_BLOCK", WARNING, _("Enrolment right blocked for %(days)s days"),
        cause=_("Platform staff issued a penalty: %(reason)s. Until %(until)s (%(zone)s) no campaign can be created or submitted."),
        fix=(_("Campaigns that run can still be paused and cancelled."), _("Wait for the end of the block, or appeal to platform staff.")),
        page="campaigns:standing", page_label=_("Eligibility and penalties"), source=RULES,
    ),
    Code(
        "ERR_PENALTY_POINTS", WARNING, _("%(points)s penalty points"),
        cause=_("Platform staff issued a penalty: %(reason)s. The store has %(total)s points; %(serious)s make a serious violation."),
        fix=(_("Look at the penalties of the store."), _("Appeal to platform staff.")),
        page="campaigns:standing", page_label=_("Eligibility and penalties"), source=RULES,
    ),
)  # fmt: skip
