"""Submit, revise, copy and delete: what a button does to a campaign that is not before buyers yet."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import coupon_links, lifecycle, page_copy, reviewing
from campaigns.models import CampaignState
from campaigns.views.common import address, find, page


@requires("campaigns.edit")
@require_POST
def submit(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Submit a draft: it starts at its time, or at once when that has passed."""
    campaign = lifecycle.submit(request.store, find(request, code).code, actor=request.actor)
    in_review = campaign.state == CampaignState.IN_REVIEW
    messages.success(request, _("Submitted for review by platform staff.") if in_review else _("Submitted."))
    return redirect(address(request, "detail", campaign))


@requires("campaigns.edit")
@require_POST
def revise(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """A rejected enrolment back to the desk: a draft again, which is mended and handed in anew."""
    campaign = reviewing.revise(request.store, find(request, code).code, actor=request.actor)
    return redirect(address(request, "edit", campaign))


@requires("campaigns.edit")
@require_POST
def copy(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """复制为新活动: a draft with the same settings and products."""
    draft = lifecycle.copy_as_draft(request.store, find(request, code).code, actor=request.actor).campaign
    messages.success(request, _("Copied. Set its times, then submit it."))
    return redirect(address(request, "edit", draft))


@requires("campaigns.edit")
@require_POST
def page_text(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The text of the campaign's page was rewritten after items left (R48)."""
    campaign = page_copy.confirm(request.store, find(request, code).code, actor=request.actor)
    messages.success(request, _("Confirmed: the text of the campaign page is rewritten."))
    return redirect(address(request, "detail", campaign))


@requires("campaigns.edit")
def delete(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Delete a draft that nobody has seen; everything later is history and stays (R37)."""
    campaign = find(request, code)
    if request.method == "POST":
        lifecycle.delete_draft(request.store, campaign.code, actor=request.actor)
        messages.success(request, _("The draft is deleted."))
        return redirect(address(request, "list"))
    context = {"back_url": address(request, "detail", campaign), "coupons": len(coupon_links.coupons_of(campaign))}
    return page(request, "campaigns/delete.html", campaign, context)
