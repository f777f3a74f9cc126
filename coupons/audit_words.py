"""Words of this room's entries in the audit log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.actions import declare
from coupons import budgets, labels, risk, telling
from coupons.models import CouponKind, PausedBy

declare(
    "coupon",
    {
        "create": ("plus", _("Create coupon")),
        "edit": ("pencil", _("Edit coupon draft")),
        "delete": ("trash", _("Delete coupon draft")),
        "activate": ("play", _("Start issuing")),
        "pause": ("pause", _("Stop issuing")),
        "resume": ("play", _("Resume issuing")),
        "unfreeze": ("undo", _("Claimed coupons usable again")),
        "void": ("octagon", _("Void coupon")),
        "export_usage": ("download", _("Export usage details")),
        "copy_with": ("copy", _("Copy a coupon as draft")),
        "expire": ("square", _("Coupon expired")),
        "budget": ("coin", _("Set money budget")),
        "clicks": ("speaker", _("Record clicks on a paid slot")),
        "codes_make": ("key", _("Make single-use codes")),
        "codes_export": ("download", _("Download single-use codes")),
        "codes_seal": ("lock", _("Seal a batch of codes")),
        "issue_segment": ("users", _("Issue to the segment")),
        "codes_withdraw": ("ban", _("Take a batch of codes out of use")),
        "send_prepare": ("send", _("Prepare a sending")),
        "send_start": ("play", _("Start sending")),
        "send_pause": ("pause", _("Pause sending")),
        "send_stop": ("square", _("Stop sending for good")),
        "send_retry": ("refresh", _("Try failed messages again")),
        "send_halt": ("alert", _("Sending stood still by itself")),
        "send_finish": ("check-circle", _("Sending finished")),
    },
    objects={"coupon": _("Coupon")},
    fields={
        "kind": _("Coupon kind"),
        "face_value": _("Face value"),
        "min_order": _("Minimum order"),
        "quota": _("Quota"),
        "per_buyer": _("Claim limit"),
        "regions": _("Regions"),
        "channels": _("Channels"),
        "sites": _("Language sites"),
        "stacks_from": _("Stacks from"),
        "stacks_until": _("Stacks until"),
        "cpc_cost": _("Cost per click (CPC)"),
        "amount": _("Amount"),
        "format": _("Format"),
        "status": _("Status"),
        "logistics": _("Logistics restriction"),
        "first_order_only": _("First order only"),
        "stacks_with_platform": _("Stacks with platform subsidies"),
        "paused_by": _("Stopped by"),
        "freeze_claimed": _("Freeze use of claimed coupons"),
        "budget": _("Money budget"),
        "spent": _("Spent"),
        "clicks": _("Clicks"),
        "batch": _("Batch"),
        "buyers": _("Buyers who match now"),
        "segment": _("Who may claim"),
        "size": _("How many codes"),
        "claims_voided": _("Claimed coupons voided"),
        "claims_unused": _("Claimed coupons not used yet"),
        "units_released": _("Reserved units released"),
        "units_held": _("Units of stock reserved"),
        "why": _("Because"),
        "channel": _("Way"),
        "recipients": _("Recipients"),
        "issue": _("Issued to recipients of the segment"),
        "consent": _("Said that recipients agreed"),
        "sending": _("Sending number"),
        "sent": _("Sent"),
        "failed": _("Failed"),
        "unknown": _("Outcome unknown"),
        "skipped": _("Left out"),
    },
    values={
        "kind": dict(CouponKind.choices),
        "logistics": labels.LOGISTICS,
        "channels": labels.CHANNELS,
        "paused_by": {value: label for value, label in PausedBy.choices if value},
        "why": telling.WHY,
    },
    reasons={
        **{signal.key: signal.label for signal in risk.all_signals()},
        budgets.USED_UP: PausedBy.BUDGET.label,
    },
)

declare(
    "coupon_test",
    {
        "start": ("compare", _("Start an A/B test")),
        "stop": ("stop", _("Stop the test")),
    },
    objects={"coupon_test": _("A/B test")},
    fields={"arms": _("The two arms"), "share": _("Share of buyers who get B (%)")},
)

declare(
    "sms_gateway",
    {
        "connect": ("plug", _("Connect SMS gateway")),
        "disconnect": ("ban", _("Disconnect SMS gateway")),
        "test": ("mail", _("Send a test SMS")),
    },
    objects={"sms_gateway": _("SMS gateway")},
    fields={"endpoint": _("Address of the gateway"), "header": _("Header"), "new_secret": _("New secret")},
)
