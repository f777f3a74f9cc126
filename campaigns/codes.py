"""The error codes of campaigns (R140): what each means, why it comes, what mends it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
RULES = "速卖通营销活动规则 V5.3.1"

declare(
    Code(
        "ERR_CLOSE_ENDED", ERROR, _("The campaign has ended"),
        cause=_("Its end has passed; it is closed by itself at most 15 minutes later. Closing by hand is for campaigns that still run."),
        fix=(_("Wait for the close report."), _("To sell again, copy it as a new draft.")), source=RULES,
    ),
    Code(
        "ERR_ACCOUNT_STATE", ERROR, _("The account is not in normal operation"),
        cause=_("The account is frozen or has a serious violation."),
        fix=(_("Look at the penalties of the store."), _("Ask platform staff to lift the state.")), source=RULES,
        page="campaigns:standing", page_label=_("Eligibility and penalties"),
    ),
    Code(
        "ERR_KYC", ERROR, _("Identity not verified"),
        cause=_("KYC of the store is not done."), fix=_("Finish KYC, then try again."), source=RULES,
        page="campaigns:standing", page_label=_("Eligibility and penalties"),
    ),
    Code(
        "ERR_STORE_UNDECORATED", ERROR, _("Store not decorated"),
        cause=_("Logo, banner or main category is missing; until all three are there, campaigns are closed to the store."),
        fix=(_("Open the store's decoration."), _("Add what is missing.")), source=RULES,
        page="listings:decoration", page_label=_("Store decoration"),
    ),
    Code(
        "ERR_NOTHING_OPEN", INFO, _("Nothing waits to be rewritten"),
        cause=_("No item left this campaign since its text was last confirmed."), fix=_("There is nothing to do."),
    ),
    Code(
        "ERR_CONFIRM_CODE", ERROR, _("The typed code is another one"),
        cause=_("A permanent cancel needs the campaign's own code, so that no other campaign is meant."),
        fix=_("Type the code that the page shows, such as C-7F3KQ."),
    ),
    Code(
        "ERR_CONFIRM_COUNT", ERROR, _("The typed number is another one"),
        cause=_("The number of campaigns typed is not the number chosen."), fix=_("Count again and type the number."),
    ),
    Code(
        "ERR_BULK_LIMIT", ERROR, _("Too many campaigns at once"),
        cause=_("At most %(closing__bulk_cancel_max)s campaigns can be cancelled in one go."), fix=_("Choose fewer."),
    ),
    Code(
        "ERR_BULK_ACTION", ERROR, _("Unknown bulk action"),
        cause=_("Only pause, resume and cancel work on many campaigns."), fix=_("Choose one of them."),
    ),
    Code(
        "ERR_BULK_FREEZE", ERROR, _("Freezing without a pause"),
        cause=_("The use of claimed coupons is frozen by a pause only; a cancel freezes and voids them by itself."),
        fix=_("Leave the choice out, or pause the campaigns."),
    ),
    Code(
        "ERR_PARK_CLEAR", ERROR, _("Nothing to wait for"),
        cause=_("Every check passes, so the stop can be done at once."), fix=_("Pause it, or cancel it permanently, now."),
    ),
    Code(
        "ERR_PARKED_ALREADY", ERROR, _("A stop waits already"),
        cause=_("One stop at a time waits for a campaign."), fix=_("Let the other one wait no longer, then try again."),
    ),
    Code(
        "ERR_PARKED_CLEAR", Severity.INFO, _("Nothing stands in the way of stopping %(campaign)s any more"),
        cause=_("%(who)s wanted to be asked as soon as every check passes. Now it does."),
        fix=(_("Open the campaign."), _("Stop it, or let the stop wait no longer.")),
        page="campaigns:detail", page_args=("code",), page_label=_("Campaign"),
    ),
    Code(
        "ERR_PARKED_DONE", Severity.INFO, _("%(campaign)s was stopped as soon as nothing stood in its way"),
        cause=_("%(who)s had let the stop wait for its checks."),
        fix=_("Look at the campaign; a cancel can be taken back while it is held."),
        page="campaigns:detail", page_args=("code",), page_label=_("Campaign"),
    ),
    Code(
        "ERR_PARKED_REFUSED", ERROR, _("The waiting stop of %(campaign)s was not carried out"),
        cause=_("Every check passes now, but it runs with the rights that %(who)s holds at this moment: %(why)s"),
        fix=(_("Open the campaign."), _("Stop it with somebody's rights who holds them.")),
        page="campaigns:detail", page_args=("code",), page_label=_("Campaign"),
    ),
    Code(
        "ERR_PARKED_EXPIRED", WARNING, _("The waiting stop of %(campaign)s expired with it"),
        cause=_("The campaign came to its end before every check passed; it is closed by itself."), fix=_("Nothing is left to do."),
        page="campaigns:detail", page_args=("code",), page_label=_("Campaign"),
    ),
    Code(
        "ERR_BULK_NOTHING_LEFT", ERROR, _("Nothing to try again"),
        cause=_("Every campaign of the job was done, or the job is still at work."), fix=_("Wait until it is done; then look at its rows."),
    ),
    Code(
        "ERR_FORM_TOKEN", ERROR, _("The form is not valid any more"),
        cause=_("It was shown too long ago, belongs to another page, or was used."),
        fix=(_("Load the page again."), _("Repeat the step.")),
    ),
    Code(
        "ERR_FORM_BUSY", WARNING, _("The first submit is still at work"),
        cause=_("The same form was sent twice."), fix=_("Load the page again in a moment."),
    ),
    Code(
        "ERR_KIND_NOT_OFFERED", ERROR, _("This kind of campaign is not offered"),
        cause=_("The kind is unknown, or not open yet."), fix=_("Choose one of the kinds that are offered."),
    ),
    Code(
        "ERR_RULES", ERROR, _("The campaign's rules are not right"),
        cause=_("A field of the rules is missing, unknown or of the wrong shape for this kind."),
        fix=_("Compare the rules with what the kind needs."),
    ),
    Code(
        "ERR_DATE_ABSURD", ERROR, _("A date far away"),
        cause=_("The date lies further back or ahead than campaigns are planned; often a slip in the year."),
        fix=_("Check the year."),
    ),
    Code(
        "ERR_WINDOW", ERROR, _("The end is not after the start"),
        cause=_("A campaign needs some time between start and end."), fix=_("Move one of the two."),
    ),
    Code(
        "ERR_WINDOW_PAST", ERROR, _("The end has passed"),
        cause=_("The end lies before this moment, so the campaign could never run."), fix=_("Choose a later end."),
    ),
    Code(
        "ERR_TOO_MANY_ITEMS", ERROR, _("Too many items"),
        cause=_("One call, or one campaign, holds only so many."), fix=_("Send the rest in another call."),
    ),
    Code(
        "ERR_NO_ITEMS", ERROR, _("No items"),
        cause=_("A campaign without items stops and starts nothing."), fix=_("Add items, then submit."),
    ),
    Code(
        "ERR_MIN_ITEMS", ERROR, _("Too few items"),
        cause=_("This campaign has a least number of items."), fix=_("Add items, then submit."),
    ),
    Code(
        "ERR_FULLY_MANAGED", ERROR, _("Fully managed goods"),
        cause=_("The platform does the marketing of fully managed goods."), fix=_("Take the SKU out."),
    ),
    Code(
        "ERR_NOT_ON_SALE", ERROR, _("Not on sale"),
        cause=_("The listing is delisted or taken down."), fix=_("Put the listing on sale first, or take the SKU out."),
    ),
    Code(
        "ERR_ITEM_PRICE", ERROR, _("No item prices here"),
        cause=_("This kind discounts the order, not the item."), fix=_("Leave the price out."),
    ),
    Code(
        "ERR_PRICE_ABOVE_SALE", ERROR, _("Campaign price above the sale price"),
        cause=_("A promotion that costs more than no promotion misleads buyers."),
        fix=_("Lower the campaign price, or check the sale price."),
    ),
    Code(
        "ERR_ITEMS_STAY", ERROR, _("Items leave only with the campaign"),
        cause=_("Only items of a platform promotion are closed one by one after it was handed in."),
        fix=_("Pause the campaign, or cancel it and copy it as a new draft."),
    ),
    Code(
        "ERR_PRICE_FIXED", ERROR, _("The price is promised already"),
        cause=_("The item takes part at another price, and the campaign has started."),
        fix=_("Leave the item out, or stop the campaign and start another."),
    ),
    Code(
        "ERR_UNKNOWN_FIELD", ERROR, _("Unknown field"),
        cause=_("The field does not exist or never changes."), fix=_("Leave it out."),
    ),
    Code("ERR_STEP", ERROR, _("Unknown step"), cause=_("A close has no such step."), fix=_("Use the buttons of the report.")),
    Code(
        "ERR_CLOSE_STEP", ERROR, _("A step of the close of %(campaign)s failed"),
        cause=_("Its data could not be archived, several times over. The last answer was: %(error)s"),
        fix=(_("Open the close report."), _("Run the step again.")),
        page="campaigns:closing", page_args=("code",), page_label=_("Close report"),
    ),
    Code(
        "ERR_CLOSE_UNVERIFIED", ERROR, _("What buyers see of %(campaign)s is not verified in time"),
        cause=_("%(minutes)s minutes after the close, no clean reading of every public page and no clean dry quote has been made."),
        fix=(_("Open the close report."), _("Run the failed step again, or clean up the leftovers.")),
        page="campaigns:closing", page_args=("code",), page_label=_("Close report"),
    ),
    Code(
        "ERR_CLOSE_COUPONS_OPEN", ERROR, _("The coupons of %(campaign)s are not void in time"),
        cause=_("%(minutes)s minutes after the close, the step that voids linked coupons is still open."),
        fix=(_("Open the close report."), _("Run the step again.")),
        page="campaigns:closing", page_args=("code",), page_label=_("Close report"),
    ),
    Code(
        "ERR_CLOSE_ARCHIVE_LATE", ERROR, _("The data of %(campaign)s are not archived in time"),
        cause=_("%(minutes)s minutes after the close, its archive is still missing; usually it is there after about 2 hours."),
        fix=(_("Open the close report."), _("Run the step again.")),
        page="campaigns:closing", page_args=("code",), page_label=_("Close report"),
    ),
    Code(
        "ERR_COUPON_LINKED", ERROR, _("The coupon belongs to a campaign already"),
        cause=_("A coupon lives and dies with one campaign at most."),
        fix=_("Take it out of the other campaign first."),
    ),
    Code(
        "ERR_CLOSES_OVERDUE", ERROR, _("Many closes are not verified in time"),
        cause=_("%(n)s points of closes became late at the same time: the workers, or the sites, could not keep up."),
        fix=(_("Look at the list of work on the dashboard."), _("Ask who runs the installation whether its workers are alive.")),
        page="dashboard", page_label=_("Dashboard"),
    ),
    Code(
        "ERR_LEFTOVER", WARNING, _("Campaign %(campaign)s still shows on site %(site)s"),
        cause=_(
            "%(pages)s pages still show it %(minutes)s minutes after the stop, though they were cleared and published again."
            " One of them: %(page)s"
        ),
        fix=(_("Open the close report or the campaign."), _("Clean up the leftovers."), _("Check caches in front of the site.")),
        page="campaigns:detail", page_args=("code",), page_label=_("Campaign"),
    ),
)  # fmt: skip

# The review of enrolments by platform staff.
declare(
    Code(
        "ERR_ENROLMENT_REJECTED", WARNING, _("Enrolment rejected: %(campaign)s"),
        cause=_("Platform staff rejected the enrolment %(code)s. Their note: %(note)s"),
        fix=(_("Open the campaign and read why."), _("Revise it, then submit it again.")),
        page="campaigns:detail", page_args=("code",), page_label=_("Campaign"),
    ),
    Code(
        "NOTE_ENROLMENT_APPROVED", INFO, _("Enrolment approved: %(campaign)s"),
        cause=_("Platform staff approved the enrolment %(code)s; it starts at its time. From now on the store cannot stop it."),
        fix=_("Open the campaign to see when it starts."),
        page="campaigns:detail", page_args=("code",), page_label=_("Campaign"),
    ),
    Code(
        "NOTE_ENROLMENT_RETURNED", INFO, _("Enrolment given back: %(campaign)s"),
        cause=_("Platform staff took the enrolment %(code)s out of review; it is a draft again. Their note: %(note)s"),
        fix=(_("Open the campaign and read why."), _("Revise it, then submit it again.")),
        page="campaigns:detail", page_args=("code",), page_label=_("Campaign"),
    ),
)  # fmt: skip

declare(
    Code(
        "ERR_EMERGENCY_STOP", WARNING, _("Platform staff stopped %(campaign)s"),
        cause=_("Emergency stop: the campaign is paused, off for buyers at once. Their reason: %(reason)s"),
        fix=(_("Open the campaign and put right what was wrong."), _("Resume it when it is in order.")),
        page="campaigns:detail", page_args=("code",), page_label=_("Campaign"),
    ),
    Code(
        "ERR_ENROLMENT_BLOCKED", ERROR, _("Enrolment right blocked"),
        cause=_("A penalty blocks the store's right to create, submit and enrol campaigns for some days."),
        fix=(_("Campaigns that run can still be paused and cancelled."), _("Wait for the end of the block.")),
        page="campaigns:standing", page_label=_("Eligibility and penalties"), source=RULES,
    ),
    Code(
        "ERR_PLAN_OVER", ERROR, _("The affiliate plan has nothing left to promote"),
        cause=_("Every campaign of the plan is over."), fix=_("Make a plan for campaigns that still run."),
        page="campaigns:affiliates", page_label=_("Affiliate centre"),
    ),
)  # fmt: skip

# The guards of the business.
declare(
    Code(
        "ERR_CLOSE_PLATFORM_LOCKED", ERROR, _("Locked by the platform promotion"),
        cause=_("From submission to its end a platform promotion cannot be stopped by the store."),
        fix=_("Before approval: ask platform staff to withdraw the enrolment. After it: wait for the end."),
    ),
    Code(
        "ERR_CLOSE_PLATFORM_ENFORCED", ERROR, _("Enforced by the platform"),
        cause=_("The platform enforces this campaign; it ends it by itself."),
        fix=_("Wait for the end, or ask platform staff."),
    ),
    Code(
        "ERR_CLOSE_FULFILMENT_STARTED", ERROR, _("Fulfilment has started"),
        cause=_("The logistics guarantee is bound to the campaign, and an order of it has a fulfilment number."),
        fix=_("Wait for the end of the campaign; orders keep their terms."),
    ),
    Code(
        "ERR_CLOSE_PRICE_PROTECTED", ERROR, _("Price Protection promise"),
        cause=_(
            "Within %(guards__lowest_deal_days)s days a buyer paid more for an item than the campaign price, and price protection was"
            " promised."
        ),
        fix=_("Wait until the promise has run out."),
    ),
    Code(
        "ERR_CLOSE_AFFILIATE_ACTIVE", ERROR, _("Affiliate plan running"),
        cause=_("A running affiliate plan is linked to the campaign."),
        fix=(_("Pause the plan in the affiliate centre."), _("Re-check.")),
        page="campaigns:affiliates", page_label=_("Affiliate centre"),
    ),
    Code(
        "ERR_CLOSE_PRICE_CONFLICT", ERROR, _("Items sit in overlapping campaigns"),
        cause=_("An item is in another live or scheduled campaign at the same time, and they do not both stack."),
        fix=(_("Release the item in the conflict detection."), _("Re-check.")),
    ),
    Code(
        "ERR_CLOSE_DEPOSIT_ARREARS", ERROR, _("Marketing deposit unpaid"),
        cause=_("The store owes marketing deposit."), fix=(_("Pay the deposit."), _("Re-check.")),
        page="finance:deposit", page_label=_("Marketing deposit"),
    ),
)  # fmt: skip
