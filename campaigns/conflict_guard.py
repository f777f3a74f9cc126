"""The guard of overlapping campaigns: a second promotion of the same SKU is not closed without looking at what then counts (R30)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

import policies
from campaigns.conflicts import Summary, first_met
from campaigns.guards import Case, Finding, guard
from campaigns.outcomes import Fix
from core import clock, display
from policies.rules import ConflictRules


@guard("ERR_CLOSE_PRICE_CONFLICT", _("No price conflict with other campaigns"))
def no_price_conflict(case: Case) -> Mapping[int, Finding]:
    """R30: an item sits in another scheduled, running or paused campaign, the windows overlap, and not both stack.

    Asks only as far as a close needs: one query for all campaigns, each looked through up to a bound.
    """
    sample = policies.active(ConflictRules, case.now).sample
    found = first_met(case.store.pk, case.campaigns, now=case.now, sample=sample)
    return {
        campaign.pk: Finding(
            _words(found[campaign.pk]),
            _numbers(found[campaign.pk]),
            Fix(_("Campaign conflict detection"), f"/s/{case.store.slug}/campaigns/{campaign.code}/conflicts/"),
        )
        for campaign in case.campaigns
        if campaign.pk in found
    }


def _words(found: Summary) -> str:
    codes = [rival.code for rival in found.rivals]
    names = display.series(codes)
    if not found.whole:
        return ngettext(
            "At least %(n)s SKU is in other campaigns at the same time, and they do not both stack: %(campaigns)s and others.",
            "At least %(n)s SKUs are in other campaigns at the same time, and they do not both stack: %(campaigns)s and others.",
            found.skus,
        ) % {"n": display.number(found.skus), "campaigns": names}
    if found.campaigns > len(codes):
        more = found.campaigns - len(codes)
        names = _now("%(campaigns)s and %(n)s more") % {"campaigns": names, "n": more}
    return ngettext(
        "%(n)s SKU is in another campaign at the same time, and they do not both stack: %(campaigns)s.",
        "%(n)s SKUs are in other campaigns at the same time, and they do not both stack: %(campaigns)s.",
        found.skus,
    ) % {"n": display.number(found.skus), "campaigns": names}


def _numbers(found: Summary) -> dict[str, Any]:
    return {
        "skus": found.skus,
        "campaigns": found.campaigns,
        "counted_all": found.whole,
        "some_skus": list(found.some_skus),
        "with": [
            {
                "code": rival.code,
                "shared_skus": rival.shared,
                "starts_at": clock.rfc3339(rival.starts_at),
                "ends_at": clock.rfc3339(rival.ends_at),
            }
            for rival in found.rivals
        ],
    }
