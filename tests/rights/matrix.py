"""The rights matrix: one line for every page and every API operation. Whatever is not here, or no longer exists, fails the tests.

    page("campaigns:stop", "campaigns.pause", code)          # a store page, its right, and how to fill its address
    page("dashboard")                                        # a store page for every member
    op("POST /campaigns/{code}/pause", "campaigns.pause", code)

`code`, `listing` … are functions from the samples of a store (`tests/rights/world.py`) to the address's keywords. Their sample must
exist: who has the right must not get 404.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.rights.world import Things

Fill = Callable[[Things], dict[str, Any]]


def nothing(things: Things) -> dict[str, Any]:
    return {}


def code(things: Things) -> dict[str, Any]:
    return {"code": things.campaign.code}


def draft(things: Things) -> dict[str, Any]:
    return {"code": things.draft.code}


def closed(things: Things) -> dict[str, Any]:
    return {"code": things.closing.campaign.code}


def sealed(things: Things) -> dict[str, Any]:
    """A close whose entry in the audit log is sealed and signed."""
    return closed(things) | {"code": things.sealed_close.campaign.code}


def coupon(things: Things) -> dict[str, Any]:
    return {"code": things.coupon.code}


def coupon_segment(things: Things) -> dict[str, Any]:
    """A coupon for named buyers."""
    return {"code": things.coupon_segment.code}


def code_batch_id(things: Things) -> dict[str, Any]:
    """The same, as the API names it."""
    return {"code": things.code_batch.coupon.code, "id": things.code_batch.pk}


def test_code(things: Things) -> dict[str, Any]:
    """The code of a test."""
    return {"code": things.coupon_test.code}


def coupon_test(things: Things) -> dict[str, Any]:
    """A coupon that is tested."""
    return {"code": things.coupon_test.arm_a.code}


def code_batch(things: Things) -> dict[str, Any]:
    """A batch of single-use codes."""
    return {"code": things.code_batch.coupon.code, "batch": things.code_batch.pk}


def sending(things: Things) -> dict[str, Any]:
    """A sending that has not started."""
    return {"code": things.sending.coupon.code, "number": things.sending.pk}


def sending_id(things: Things) -> dict[str, Any]:
    """The same, as the API names it."""
    return {"code": things.sending.coupon.code, "id": things.sending.pk}


def diagnosis(things: Things) -> dict[str, Any]:
    return {"code": things.diagnosis.coupon.code, "report": things.diagnosis.pk}


def coupon_draft(things: Things) -> dict[str, Any]:
    return {"code": things.coupon_draft.code}


def step(things: Things) -> dict[str, Any]:
    return closed(things) | {"step": "verify"}


def bulk_job(things: Things) -> dict[str, Any]:
    return {"job": things.bulk_job.pk}


def listing(things: Things) -> dict[str, Any]:
    return {"listing": things.listing.pk}


def listed(things: Things) -> dict[str, Any]:
    return {"pk": things.listing.pk}


def person(things: Things) -> dict[str, Any]:
    return {"user": things.colleague.pk}


def rule_set(things: Things) -> dict[str, Any]:
    return {"key": "guards"}


def event(things: Things) -> dict[str, Any]:
    return {"event_id": things.event.pk}


def plan(things: Things) -> dict[str, Any]:
    return {"plan": things.plan.pk}


def plan_id(things: Things) -> dict[str, Any]:
    return {"id": things.plan.pk}


def site(things: Things) -> dict[str, Any]:
    return {"site": things.site.code}


def shop_page(things: Things) -> dict[str, Any]:
    return {"shop": things.store.slug, "site": things.site.code, "listing": things.listing.pk}


@dataclass(frozen=True)
class Page:
    """A page by its URL name. `kind` as in `accounts.rights.Access`; `right` is empty where every member may enter."""

    name: str
    kind: str
    right: str = ""
    fill: Fill = nothing
    also: str = ""
    """Another right that the verb behind the page asks for with this sample."""


@dataclass(frozen=True)
class Op:
    """An API operation, `METHOD /path`. `kind` is `store` or `staff`; any one of `rights` lets in, none means every member."""

    call: str
    kind: str
    rights: tuple[str, ...] = ()
    fill: Fill = nothing
    query: str = ""


def page(name: str, right: str = "", fill: Fill = nothing, also: str = "") -> Page:
    """A page of a store; its address carries `store`."""
    return Page(name, "store", right, fill, also)


def op(call: str, rights: str = "", fill: Fill = nothing, query: str = "") -> Op:
    """An operation for store tokens; `rights` separated by blanks; `query` where one is compulsory."""
    return Op(call, "store", tuple(rights.split()), fill, query)


def staff_op(call: str, fill: Fill = nothing) -> Op:
    """An operation for staff tokens."""
    return Op(call, "staff", (), fill)


#: Samples that belong to no store: another store's are the same.
SHARED: tuple[Fill, ...] = (nothing, rule_set)

PAGES: tuple[Page, ...] = (
    # the house
    Page("healthz", "public"),
    Page("readyz", "public"),
    Page("metrics", "public"),
    page("dashboard"),
    Page("set_language", "public"),
    Page("preferences", "public"),
    # people
    Page("home", "signed_in"),
    Page("remembered", "signed_in", fill=lambda things: {"rest": "campaigns/"}),
    page("accounts:settings", "settings.manage"),
    page("accounts:staff", "staff.manage"),
    page("accounts:add", "staff.manage"),
    page("accounts:person", "staff.manage", person),
    page("accounts:remove", "staff.manage", person),
    Page("accounts:switch", "owner", fill=person),
    Page("accounts:owner", "owner", fill=person),
    page("accounts:tokens", "api.manage"),
    page("accounts:new_token", "api.manage"),
    page("accounts:revoke_token", "api.manage", lambda things: {"token": things.token.pk}, also="staff.manage"),
    # listings
    page("listings:list", "listings.view"),
    page("listings:detail", "listings.view", listed),
    page("listings:new", "listings.edit"),
    page("listings:edit", "listings.edit", listed),
    page("listings:prices", "listings.price", listed),
    page("listings:on_sale", "listings.edit", listed),
    page("listings:delist", "listings.delist"),
    page("listings:decoration", "settings.manage"),
    page("listings:import", "listings.edit"),
    page("listings:job", "listings.view", lambda things: {"job": things.job.pk}),
    page("listings:job_errors", "listings.view", lambda things: {"job": things.job.pk}),
    # coupons
    page("coupons:list", "coupons.view"),
    page("coupons:detail", "coupons.view", coupon),
    page("coupons:usage", "coupons.view", coupon),
    page("coupons:usage_export", "insights.export", coupon),
    page("coupons:effect", "coupons.view", coupon),
    page("coupons:mirror", "coupons.manage", coupon),
    page("coupons:diagnosis", "coupons.view", diagnosis),
    page("coupons:new", "coupons.manage"),
    page("coupons:check", "coupons.manage"),
    page("coupons:goods", "coupons.manage"),
    page("coupons:edit", "coupons.manage", coupon_draft),
    page("coupons:copy", "coupons.manage", coupon_draft),
    page("coupons:delete", "coupons.manage", coupon_draft),
    page("coupons:costs", "coupons.view", coupon),
    page("coupons:clicks", "coupons.manage", coupon),
    page("coupons:budget", "coupons.manage", coupon),
    page("coupons:codes", "coupons.view", coupon),
    page("coupons:codes_make", "coupons.manage", coupon),
    page("coupons:issue", "coupons.manage", coupon_segment),
    page("coupons:segment_count", "coupons.view", coupon_segment),
    page("coupons:test", "coupons.manage", coupon),
    page("coupons:test_stop", "coupons.manage", coupon_test),
    page("coupons:codes_csv", "coupons.manage", code_batch),
    page("coupons:codes_seal", "coupons.manage", code_batch),
    page("coupons:codes_withdraw", "coupons.manage", code_batch),
    page("coupons:gateway", "settings.manage"),
    page("coupons:gateway_test", "settings.manage"),
    page("coupons:gateway_disconnect", "settings.manage"),
    page("coupons:sendings", "coupons.view", coupon),
    page("coupons:sending_new", "coupons.manage", coupon),
    page("coupons:sending", "coupons.view", sending),
    page("coupons:sending_start", "coupons.manage", sending),
    page("coupons:sending_pause", "coupons.manage", sending),
    page("coupons:sending_stop", "coupons.manage", sending),
    page("coupons:sending_retry", "coupons.manage", sending),
    page("coupons:activate", "coupons.manage", coupon_draft),
    page("coupons:pause", "coupons.manage", coupon),
    page("coupons:resume", "coupons.manage", coupon),
    page("coupons:void", "coupons.manage", coupon),
    # orders
    page("orders:import", "orders.edit"),
    page("orders:job", "orders.view", lambda things: {"job": things.order_job.pk}),
    page("orders:job_errors", "orders.view", lambda things: {"job": things.order_job.pk}),
    page("orders:list", "orders.view"),
    page("orders:detail", "orders.view", lambda things: {"code": things.order.code}, also="orders.edit"),
    # the record, rules, messages
    page("audit:list", "audit.view"),
    page("audit:export", "audit.export"),
    page("audit:entry", "audit.view", event),
    page("audit:proof", "audit.view", event),
    page("policies:list"),
    page("policies:detail", "", rule_set),
    page("inbox:list"),
    page("inbox:read", "", lambda things: {"message_id": things.message.pk}),
    page("inbox:read_all"),
    page("inbox:codes"),
    # deposits
    page("finance:deposit", "finance.view"),
    page("finance:pay", "finance.manage"),
    # platform staff
    Page("platform", "staff"),
    Page("platform_new", "staff"),
    Page("platform_people", "staff"),
    Page("platform_person", "staff", fill=person),
    Page("platform_switch", "staff", fill=person),
    Page("platform_erase", "staff", fill=person),
    Page("platform_campaigns", "staff"),
    Page("platform_campaign", "staff", fill=code),
    Page("platform_decide", "staff", fill=code),
    Page("platform_enforce", "staff", fill=code),
    Page("platform_end_items", "staff", fill=code),
    Page("platform_audit", "staff"),
    Page("platform_audit_entry", "staff", fill=event),
    Page("platform_audit_proof", "staff", fill=event),
    Page("rulebook:book", "staff"),
    Page("rulebook:set", "staff", fill=rule_set),
    Page("rulebook:new", "staff", fill=rule_set),
    Page("rulebook:compare", "staff", fill=rule_set),
    Page("rulebook:withdraw", "staff", fill=lambda things: {"key": "guards", "version": 10**9}),
    Page("platform_store", "staff", fill=lambda things: {"slug": things.store.slug}),
    Page("platform_owner", "staff", fill=lambda things: {"slug": things.store.slug}),
    Page("platform_penalties", "staff", fill=lambda things: {"slug": things.store.slug}),
    Page("platform_emergency", "staff"),
    Page("platform_deposit", "staff", fill=lambda things: {"slug": things.store.slug}),
    # signing in
    Page("account_login", "public"),
    Page("account_logout", "public"),
    Page("account_inactive", "public"),
    Page("account_reset_password", "public"),
    Page("account_reset_password_done", "public"),
    Page("account_reset_password_from_key", "public", fill=lambda things: {"uidb36": "1", "key": "abc-123"}),
    Page("account_reset_password_from_key_done", "public"),
    Page("account_change_password", "signed_in"),
    Page("account_set_password", "signed_in"),
    Page("account_reauthenticate", "signed_in"),
    Page("account_sign_out_everywhere", "signed_in"),
    # the API's own pages
    Page("api:openapi", "public"),
    Page("api:docs", "public"),
    # campaigns
    page("campaigns:list", "campaigns.view"),
    page("insights:history", "campaigns.view"),
    page("insights:export", "insights.export"),
    page("insights:overview", "insights.view"),
    page("insights:metrics", "insights.view", code),
    page("insights:spend", "campaigns.edit", code),
    page("campaigns:closings", "campaigns.view"),
    page("campaigns:leftovers", "campaigns.view"),
    page("campaigns:clear_leftovers", "campaigns.pause"),
    page("campaigns:new", "campaigns.edit"),
    page("campaigns:bulk", "campaigns.pause"),
    page("campaigns:bulk_jobs", "campaigns.view"),
    page("campaigns:bulk_result", "campaigns.view", bulk_job),
    page("campaigns:bulk_live", "campaigns.view", bulk_job),
    page("campaigns:bulk_confirm", "campaigns.pause", bulk_job),
    page("campaigns:bulk_cancel", "campaigns.cancel", bulk_job),
    page("campaigns:bulk_retry", "campaigns.pause", bulk_job),
    page("campaigns:bulk_resume", "campaigns.pause", bulk_job),
    page("campaigns:parked", "campaigns.view"),
    page("campaigns:parked_withdraw", "campaigns.pause", lambda things: {"parked": things.parked.pk}),
    page("campaigns:stop_all", "campaigns.pause"),
    page("campaigns:standing"),
    page("campaigns:affiliates", "campaigns.view"),
    page("campaigns:new_affiliate", "campaigns.edit"),
    page("campaigns:pause_affiliate", "campaigns.pause", plan),
    page("campaigns:resume_affiliate", "campaigns.pause", plan),
    page("campaigns:conflicts", "campaigns.view"),
    page("campaigns:conflict", "campaigns.view", lambda things: {"sku": things.sku.pk}),
    page("campaigns:resolve_conflict", "campaigns.edit"),
    page("campaigns:campaign_conflicts", "campaigns.view", code),
    page("campaigns:detail", "campaigns.view", code),
    page("campaigns:evidence", "campaigns.view", code),
    page("campaigns:edit", "campaigns.edit", draft),
    page("campaigns:check", "campaigns.edit"),
    page("campaigns:add", "campaigns.edit", code),
    page("campaigns:revise", "campaigns.edit", draft),
    page("campaigns:prices", "campaigns.view", code),
    page("campaigns:items", "campaigns.view", code),
    page("campaigns:page_text", "campaigns.edit", code),
    page("campaigns:submit", "campaigns.edit", draft),
    page("campaigns:copy", "campaigns.edit", code),
    page("campaigns:delete", "campaigns.edit", draft),
    page("campaigns:stop", "campaigns.pause", code),
    page("campaigns:cancel", "campaigns.cancel", code),
    page("campaigns:resume", "campaigns.pause", code),
    page("campaigns:take_back", "campaigns.cancel", code),
    page("campaigns:link_coupon", "campaigns.edit", code),
    page("campaigns:unlink_coupon", "campaigns.edit", code),
    page("campaigns:closing", "campaigns.view", closed),
    page("campaigns:closing_proof", "audit.export", sealed),
    page("campaigns:closing_live", "campaigns.view", closed),
    page("campaigns:restore_prices", "listings.price", closed),
    page("campaigns:undo_restore", "listings.price", closed),
    page("campaigns:run_step", "campaigns.cancel", step),
    page("campaigns:clean_up", "campaigns.pause", closed),
    # language sites
    page("publishing:sites", "listings.view"),
    page("publishing:retry", "listings.edit", site),
    page("publishing:connect", "settings.manage", site),
    page("publishing:disconnect", "settings.manage", site),
    # shops
    Page("storefront:front", "anonymous", fill=lambda things: {"shop": things.store.slug, "site": things.site.code}),
    Page("storefront:product", "anonymous", fill=shop_page),
)

OPERATIONS: tuple[Op, ...] = (
    op("GET /categories"),
    op("GET /store"),
    op("GET /listings", "listings.view"),
    op("POST /listings", "listings.edit"),
    op("GET /listings/{id}", "listings.view", lambda things: {"id": things.listing.pk}),
    op("PATCH /listings/{id}", "listings.edit listings.price", lambda things: {"id": things.listing.pk}),
    op("POST /listings/delist", "listings.delist"),
    op("POST /listings/import", "listings.edit"),
    op("POST /prices", "listings.price"),
    op("POST /stock", "listings.edit"),
    op("GET /jobs/{id}", "listings.view orders.view coupons.view", lambda things: {"id": things.job.pk}),
    op("GET /campaigns", "campaigns.view"),
    op("POST /campaigns", "campaigns.edit"),
    op("GET /campaigns/{code}", "campaigns.view", code),
    op("PATCH /campaigns/{code}", "campaigns.edit", draft),
    op("POST /campaigns/{code}/items", "campaigns.edit", draft),
    op("GET /campaigns/{code}/coupons", "coupons.view", code),
    op("POST /campaigns/{code}/coupons", "campaigns.edit", code),
    op("POST /campaigns/{code}/coupons/unlink", "campaigns.edit", code),
    op("GET /campaigns/{code}/conflicts", "campaigns.view", code),
    op("GET /conflicts", "campaigns.view"),
    op("POST /campaigns/{code}/items/end", "campaigns.cancel", code),
    op("GET /campaigns/{code}/prices", "campaigns.view", code),
    op("POST /campaigns/{code}/submit", "campaigns.edit", draft),
    op("GET /campaigns/{code}/close-check", "campaigns.view", code, "?action=pause"),
    op("POST /campaigns/{code}/pause", "campaigns.pause", code),
    op("POST /campaigns/{code}/resume", "campaigns.pause", code),
    op("POST /campaigns/{code}/cancel", "campaigns.cancel", code),
    op("POST /campaigns/{code}/take-back", "campaigns.cancel", code),
    op("GET /campaigns/{code}/metrics", "insights.view", code),
    op("POST /campaigns/{code}/spend", "campaigns.edit", code),
    op("GET /campaigns/history.xlsx", "insights.export"),
    op("GET /insights/close-failures", "insights.view"),
    op("GET /insights/stale-campaigns", "insights.view"),
    op("GET /coupons", "coupons.view"),
    op("POST /coupons", "coupons.manage"),
    op("GET /coupons/{code}", "coupons.view", coupon),
    op("PATCH /coupons/{code}", "coupons.manage", coupon_draft),
    op("POST /coupons/{code}/activate", "coupons.manage", coupon_draft),
    op("POST /coupons/{code}/pause", "coupons.manage", coupon),
    op("POST /coupons/{code}/resume", "coupons.manage", coupon),
    op("POST /coupons/{code}/void", "coupons.manage", coupon),
    op("POST /events", "checkout.use"),
    op("GET /coupons/{code}/costs", "coupons.view", coupon),
    op("POST /coupons/{code}/budget", "coupons.manage", coupon),
    op("GET /coupons/{code}/batches", "coupons.view", coupon),
    op("POST /coupons/{code}/batches", "coupons.manage", coupon),
    op("GET /coupons/{code}/batches/{id}/codes.csv", "coupons.manage", code_batch_id),
    op("POST /coupons/{code}/batches/{id}/seal", "coupons.manage", code_batch_id),
    op("POST /coupons/{code}/batches/{id}/withdraw", "coupons.manage", code_batch_id),
    op("GET /coupons/{code}/segment", "coupons.view", coupon_segment),
    op("POST /coupons/{code}/issue", "coupons.manage", coupon_segment),
    op("GET /coupons/{code}/sendings", "coupons.view", coupon),
    op("POST /coupons/{code}/sendings", "coupons.manage", coupon),
    op("GET /coupons/{code}/sendings/{id}", "coupons.view", sending_id),
    op("GET /coupons/{code}/sendings/{id}/recipients", "coupons.manage", sending_id),
    op("POST /coupons/{code}/sendings/{id}/start", "coupons.manage", sending_id),
    op("POST /coupons/{code}/sendings/{id}/pause", "coupons.manage", sending_id),
    op("POST /coupons/{code}/sendings/{id}/stop", "coupons.manage", sending_id),
    op("POST /coupons/{code}/sendings/{id}/retry", "coupons.manage", sending_id),
    op("POST /coupon-tests", "coupons.manage"),
    op("GET /coupon-tests/{code}", "coupons.view", test_code),
    op("POST /coupon-tests/{code}/stop", "coupons.manage", test_code),
    op("GET /coupons/{code}/usage", "coupons.view", coupon),
    op("POST /campaigns/stop-all", "campaigns.pause"),
    op("POST /campaigns/{code}/park", "campaigns.pause campaigns.cancel", code),
    op("GET /parked", "campaigns.view"),
    op("GET /parked/{id}", "campaigns.view", lambda things: {"id": things.parked.pk}),
    op("POST /parked/{id}/withdraw", "campaigns.pause campaigns.cancel", lambda things: {"id": things.parked.pk}),
    op("POST /campaigns/bulk", "campaigns.pause campaigns.cancel"),
    op("GET /campaigns/{code}/page-text", "campaigns.view", code),
    op("POST /campaigns/{code}/page-text", "campaigns.edit", code),
    op("GET /campaigns/{code}/closing", "campaigns.view", closed),
    op("GET /campaigns/{code}/closing/proof.zip", "audit.export", sealed),
    op("POST /campaigns/{code}/restore-prices", "listings.price", closed),
    op("GET /affiliate-plans", "campaigns.view"),
    op("POST /affiliate-plans", "campaigns.edit"),
    op("POST /affiliate-plans/{id}/pause", "campaigns.pause", plan_id),
    op("POST /affiliate-plans/{id}/resume", "campaigns.pause", plan_id),
    op("POST /deposit/payments", "finance.manage"),
    op("POST /quotes", "checkout.use"),
    op("POST /coupons/{code}/claims", "checkout.use", coupon),
    op("POST /orders", "checkout.use"),
    op("POST /orders/import", "orders.edit"),
    op("GET /orders/{order}", "orders.view", lambda things: {"order": things.order.code}),
    op("PATCH /orders/{order}", "orders.edit", lambda things: {"order": things.order.code}),
    op("GET /messages"),
    op("POST /messages/{id}/read", "", lambda things: {"id": things.message.pk}),
    op("GET /audit", "audit.view"),
    op("GET /audit/proof/{id}", "audit.view", lambda things: {"id": things.event.pk}),
    staff_op("POST /campaigns/{code}/approve", code),
    staff_op("POST /campaigns/{code}/reject", code),
    staff_op("POST /staff/campaigns/{code}/emergency-stop", code),
    staff_op("POST /staff/stores/{slug}/deposit-charges", lambda things: {"slug": things.store.slug}),
    staff_op("POST /staff/stores/{slug}/penalties", lambda things: {"slug": things.store.slug}),
    staff_op("POST /staff/campaigns/{code}/return", code),
    staff_op("POST /staff/campaigns/{code}/enforce", code),
    staff_op("POST /staff/campaigns/{code}/items/end", code),
    staff_op("POST /staff/stores"),
    staff_op("GET /staff/stores/{slug}", lambda things: {"slug": things.store.slug}),
    staff_op("PATCH /staff/stores/{slug}", lambda things: {"slug": things.store.slug}),
)
