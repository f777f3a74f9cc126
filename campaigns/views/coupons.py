"""The coupons of a campaign: the section of its page, linking one, taking one out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import coupon_links
from campaigns.models import Campaign, Kind
from campaigns.neighbours import Section, lend_section
from campaigns.views.common import address, find


@requires("campaigns.edit")
@require_POST
def link(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Link a coupon of the store."""
    campaign = find(request, code)
    coupon = request.POST.get("coupon", "")
    coupon_links.link_coupon(request.store, campaign.code, coupon, actor=request.actor)
    messages.success(request, _("The coupon lives and dies with this campaign now."))
    return redirect(address(request, "detail", campaign) + "#coupons")


@requires("campaigns.edit")
@require_POST
def unlink(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Take a coupon out; it stands on its own again."""
    campaign = find(request, code)
    coupon_links.unlink_coupon(request.store, campaign.code, request.POST.get("coupon", ""), actor=request.actor)
    messages.success(request, _("The coupon stands on its own again."))
    return redirect(address(request, "detail", campaign) + "#coupons")


def section(request: StoreRequest, campaign: Campaign) -> Mapping[str, Any] | None:
    """The campaign's coupons for its page; nothing for a campaign without any where the reader cannot link one."""
    found = coupon_links.coupons_of(campaign)
    both = {"campaigns.edit", "coupons.manage"} <= set(request.rights)
    may_link = both and campaign.state in coupon_links.LINKABLE
    if not found and not may_link and campaign.kind != Kind.COUPON_DRIVE:
        return None
    return {
        "coupons": found,
        "is_drive": campaign.kind == Kind.COUPON_DRIVE,
        "may_link": may_link,
        "may_unlink": both and campaign.state in coupon_links.LEAVABLE,
        "open_coupons": coupon_links.open_for(request.store, campaign) if may_link else [],
    }


lend_section(Section("campaigns/_coupons.html", "coupons.view", section), first=True)
