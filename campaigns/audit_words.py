"""Words of this room's entries in the audit log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.actions import declare
from campaigns.labels import CLOSE_REASONS, REJECT_REASONS
from campaigns.models import CloseKind, Kind, ParkedClose

declare(
    "campaign",
    {
        "create": ("plus", _("Create campaign")),
        "edit": ("pencil", _("Edit campaign")),
        "withdraw_items": ("minus", _("End item participation (started)")),
        "declare_stacking": ("copy", _("Declare stacking with other campaigns")),
        "add_items": ("plus", _("Add items")),
        "remove_items": ("minus", _("Remove item (not started)")),
        "link_coupon": ("ticket", _("Link coupon")),
        "unlink_coupon": ("minus", _("Take coupon out of the campaign")),
        "submit": ("upload", _("Submit")),
        "approve": ("check", _("Approve")),
        "reject": ("cross-circle", _("Reject")),
        "revise": ("pencil", _("Revise after rejection")),
        "withdraw": ("undo", _("Withdraw enrolment")),
        "enforce": ("lock", _("Enforcement by the platform")),
        "end_items": ("minus", _("End item participation (started)")),
        "release_items": ("minus", _("Item participation ended by platform staff")),
        "page_text": ("pencil", _("Campaign page text rewritten")),
        "delete": ("trash", _("Delete draft")),
        "copy": ("copy", _("Copy as new draft")),
        "start": ("play", _("Start by itself at the start time")),
        "pause": ("pause", _("Pause (can resume)")),
        "resume": ("play", _("Resume")),
        "cancel": ("octagon", _("Cancel campaign permanently")),
        "take_back": ("undo", _("Take back the cancel")),
        "cancel_final": ("octagon", _("Permanent cancel takes effect")),
        "park": ("hourglass", _("Let a stop wait until nothing stands in its way")),
        "unpark": ("undo", _("Let a stop wait no longer")),
        "park_clear": ("bell", _("Nothing stands in the way of the waiting stop")),
        "park_refused": ("stop", _("The waiting stop was not carried out")),
        "park_expired": ("square", _("The waiting stop expired with the campaign")),
        "park_overtaken": ("square", _("The waiting stop is not needed any more")),
        "emergency_stop": ("stop", _("Emergency stop by platform staff")),
        "reach_end": ("hourglass", _("End time reached, promotion over for buyers")),
        "end": ("square", _("End by itself after the grace time")),
        "lapse": ("cross-circle", _("End time passed in review")),
        "restore_prices": ("coin", _("Restore sale price")),
        "clear_leftovers": ("broom", _("Clear chosen leftovers")),
        "undo_restore": ("undo", _("Undo restoring sale prices")),
        "clean_up": ("refresh", _("Clear leftovers")),
        "archive": ("box", _("Archive the data")),
        "close_complete": ("check-circle", _("Close verified in every point")),
        "export_proof": ("download", _("Export the proof of a close")),
        "run_step": ("refresh", _("Run a step of the close again")),
    },
    objects={"campaign": _("Campaign")},
    reasons=REJECT_REASONS | CLOSE_REASONS,
    fields={
        "kind": _("Kind"), "freeze_claimed": _("Freeze use of claimed coupons"), "closed_at": _("Closed at"),
        "cancel_final_at": _("Final at"), "close_kind": _("Way of closing"), "stacks": _("Stacks with others"),
        "min_items": _("Least items"), "platform_enforced": _("Enforced by platform"),
        "enforced_reason": _("Enforced because"), "price_protected": _("Price Protection promise"),
        "logistics_guarantee": _("Cross-border logistics guarantee"), "rules": _("Campaign terms"), "removed": _("Removed"),
        "added": _("Added"), "copied_from": _("Copied from"), "pages": _("Pages"),
        "leftovers": _("Leftovers"), "guards": _("Checks made"), "bundle_sha256": _("Hash of the bundle"), "bytes": _("Bytes"),
        "settings_sha256": _("Hash of the settings before"), "forecast_sha256": _("Hash of the forecast"),
        "evidence_sha256": _("Hash of the evidence"), "archive_sha256": _("Hash of the archive"), "checks": _("Checks"),
        "check": _("Check"), "step": _("Step"), "offers": _("Offers switched"), "policy": _("Rules followed"),
        "warnings": _("Checks to look at"), "item_count": _("Number of items"), "campaigns": _("Campaign"),
        "coupon": _("Coupon"), "coupons": _("Coupons that go with it"), "campaign": _("Campaign"),
        "coupons_frozen": _("Coupons frozen"), "claims_frozen": _("Claimed coupons not used yet"),
        "bulk": _("Bulk job"), "parked": _("Close when clear"), "then": _("When nothing stands in the way"),
    },
    values={"kind": dict(Kind.choices), "close_kind": dict(CloseKind.choices), "then": dict(ParkedClose.Then.choices)},
)  # fmt: skip
declare(
    "affiliate_plan",
    {
        "create": ("affiliate", _("Create affiliate plan")),
        "pause": ("pause", _("Pause affiliate plan")),
        "resume": ("play", _("Resume affiliate plan")),
    },
    objects={"affiliate_plan": _("Affiliate plan")},
)
