"""创建新券: the form, its checks while it is typed, picking of products; copying; changing and deleting a draft (R53, R54)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import StoreRequest
from accounts.rights import requires
from core import clock
from core.errors import DomainError, InvalidInput
from coupons import checking, creating, eligibility, figures, finding, links, mirror_drafts, segments
from coupons.draft_forms import CouponForm, chosen, initial_of
from coupons.inputs import PoolInput, Saved
from coupons.live_fields import POOL, POOL_REGION, judged, messages_of, region_row
from coupons.models import Coupon, CouponState
from coupons.templates_of import TEMPLATES
from coupons.templates_of import initial_of as template_initial
from coupons.views.common import address, find, page, problem_of, why_not
from listings import reading as goods_reading
from listings.models import Listing, ListingState, Management
from policies import active
from policies.rules import CouponRules

#: What the buttons ask for; `look` writes nothing, and whatever is none of them only keeps a draft.
ISSUE, DRAFT, LOOK = "issue", "draft", "look"


@dataclass
class Desk:
    """A form on its way: who, which draft (None for a new coupon), and what is shown beside the fields."""

    request: StoreRequest
    coupon: Coupon | None = None
    status: int = 200
    problem: dict[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = clock.now()
        self.rules = active(CouponRules, self.now)
        self.pool = finding.pool_input(self.coupon) if self.coupon else PoolInput()

    def form(self, *args: Any, **kwargs: Any) -> CouponForm:
        """A form of this desk; a pool too long for a page is kept beside it."""
        store, rules = self.request.store, self.rules
        return CouponForm(*args, store=store, rules=rules, coupon=self.coupon, pool=self.pool, **kwargs)

    def offer(self, form: CouponForm) -> CouponForm:
        """The form with the campaigns that a new coupon may be linked to."""
        room = links.room()
        if room is not None and self.coupon is None:
            form.offer_campaigns(room.choices(self.request.store, now=self.now))
        return form

    def checked(self, form: CouponForm) -> checking.Checked:
        """The form as the verbs would see it; nothing is saved."""
        return checking.check(self.request.store, form.given, now=self.now, coupon=self.coupon)

    def panel(self, form: CouponForm, checked: checking.Checked) -> figures.Figures:
        """The panel beside the form."""
        currency = self.coupon.currency if self.coupon else self.request.store.currency
        return figures.of(
            checked, currency, self.rules, order=form.sum_of("order_value"), freight=form.sum_of("freight")
        )

    def render(self, form: CouponForm, panel: figures.Figures | None = None) -> HttpResponse:
        """The page."""
        panel_ = eligibility.of(self.request.store, now=self.now)
        context: dict[str, Any] = {
            "form": form,
            "figures": panel,
            "problem": self.problem,
            "closed": panel_.blocked,
            "guards": [_guard(row, panel_.policy) for row in (*panel_.gate, *panel_.advice)],
            "advised": sum(row.status == "warning" for row in panel_.advice),
            "templates": TEMPLATES if self.coupon is None else (),
            "template_key": self.request.GET.get("template", ""),
            **picks(self.request, form),
            "per_buyer": self.rules.per_buyer,
            "kept_segment": segments.words(self.coupon.segment) if self.coupon and form.keeps_segment else (),
            "back_url": address(self.request, "detail", self.coupon) if self.coupon else address(self.request, "list"),
            **self.extra,
        }
        if self.coupon is not None:
            return page(self.request, "coupons/form.html", self.coupon, context, status=self.status)
        return render(self.request, "coupons/form.html", context, status=self.status)


def _guard(row: eligibility.Row, policy: str) -> dict[str, Any]:
    return {
        "code": row.code,
        "status": row.status,
        "title": row.title,
        "evidence": row.detail,
        "policy_version": policy,
    }


@requires("coupons.manage")
def create(request: StoreRequest, store: str) -> HttpResponse:
    """A new coupon: issued at once, or kept as a draft."""
    desk = Desk(request)
    if request.method == "POST":
        return _written(desk)
    key, campaign = request.GET.get("template", ""), request.GET.get("campaign", "")[:40]
    initial = template_initial(key, desk.rules, desk.now) | {"campaign": campaign}
    form = desk.offer(desk.form(initial=initial))
    if not key:
        return desk.render(form)
    filled = desk.form({name: form[name].value() for name in form.fields if form[name].value() is not None})
    return desk.render(form, desk.panel(filled, desk.checked(filled)))


@requires("coupons.manage")
def edit(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Everything of a draft; nothing of what is issued."""
    coupon = find(request, code)
    if coupon.state != CouponState.DRAFT:
        words = _("While it is “%(state)s” it cannot be edited: buyers were promised what it says.")
        messages.error(request, words % {"state": coupon.get_state_display()})
        return redirect(address(request, "detail", coupon))
    desk = Desk(request, coupon)
    if request.method == "POST":
        return _written(desk)
    initial = initial_of(coupon, desk.pool, desk.rules) | {"freight": f"{desk.rules.freight:f}"}
    form = desk.form(initial=initial)
    given = checking.current_of(coupon)
    checked = checking.check(request.store, given, now=desk.now, coupon=coupon)
    panel = figures.of(checked, coupon.currency, desk.rules, order=None, freight=None)
    return desk.render(form, panel)


@requires("coupons.manage")
@require_POST
def copy(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """A draft with the terms of a coupon, a code of its own, and a window that begins now; opened to be looked through."""
    coupon = find(request, code)
    try:
        saved = mirror_drafts.copy_with(request.store, coupon.code, None, actor=request.actor)
    except DomainError as refusal:
        messages.error(request, _("No copy was made. %(why)s") % {"why": why_not(refusal)})
        return redirect(address(request, "detail", coupon))
    words = _("A draft with the terms of %(code)s is ready: %(draft)s. Nobody can claim it before you issue it.")
    messages.success(request, words % {"code": coupon.code, "draft": saved.coupon.code})
    return redirect(address(request, "edit", saved.coupon))


@requires("coupons.manage")
def delete(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Delete a draft: a page that asks, then it is gone."""
    coupon = find(request, code)
    if request.method != "POST":
        context: dict[str, Any] = {"here": _("Delete this draft"), "back_url": address(request, "detail", coupon)}
        return page(request, "coupons/delete.html", coupon, context)
    try:
        creating.delete_draft(request.store, coupon.code, version=_version(request), actor=request.actor)
    except DomainError as refusal:
        context = {
            "here": _("Delete this draft"),
            "back_url": address(request, "detail", coupon),
            "problem": problem_of(refusal, request),
        }
        return page(request, "coupons/delete.html", coupon, context, status=refusal.status)
    messages.success(request, _("The draft %(code)s was deleted.") % {"code": coupon.code})
    return redirect(address(request, "list"))


def _written(desk: Desk) -> HttpResponse:
    """What was typed: saved, or looked at with nothing lost."""
    request, act = desk.request, desk.request.POST.get("act", DRAFT)
    form = desk.offer(desk.form(request.POST))
    if act == LOOK:
        return _looked_at(desk, form)
    try:
        saved = _save(desk, form, draft=act != ISSUE)
    except DomainError as refusal:
        desk.status = refusal.status
        panel = desk.panel(form, desk.checked(form))
        form.blame(refusal.errors)
        if not isinstance(refusal, InvalidInput):
            desk.problem = problem_of(refusal, request)
        desk.extra |= {"unsaved": True}
        return desk.render(form, panel)
    issued = _("The coupon is issued.")
    kept = _("The draft is saved. Nobody can claim it before you issue it.")
    messages.success(request, kept if saved.coupon.state == CouponState.DRAFT else issued)
    for warning in saved.warnings:
        messages.warning(request, str(warning.message))
    return redirect(address(request, "detail", saved.coupon))


def _save(desk: Desk, form: CouponForm, *, draft: bool) -> Saved:
    request, given = desk.request, form.given
    if desk.coupon is None:
        return creating.create(request.store, given, draft=draft, actor=request.actor)
    changes = {name: getattr(given, name) for name in given.__dataclass_fields__ if name != "campaign"}
    if given.face_value == f"{desk.coupon.face_value:f}" and given.kind == desk.coupon.kind:
        changes["confirm_face_value"] = given.confirm_face_value or desk.coupon.face_value
    # What is kept beside the form was read with this version of the draft, so that it is saved only onto this one.
    version = _version(request) or desk.coupon.version
    return creating.edit(request.store, desk.coupon.code, changes, version=version, actor=request.actor)


def _looked_at(desk: Desk, form: CouponForm) -> HttpResponse:
    """Without JavaScript: the form again with all that was typed, what the search found, and the figures."""
    panel = desk.panel(form, desk.checked(form))
    shown = {name: form[name].value() for name in form.fields}
    again = desk.offer(desk.form(initial=shown))
    desk.extra |= {"unsaved": True}
    return desk.render(again, panel)


def _version(request: StoreRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def picks(request: StoreRequest, form: CouponForm) -> dict[str, Any]:
    """What the form holds of single listings, and what the search adds to choose from: on sale, run by the merchant (R127).

    Of a pool that is kept beside the form, the search also finds what is in it, in whatever state, to be taken out.
    """
    store, rows, text = request.store, Listing.objects.prefetch_related("skus"), request.POST.get("q", "").strip()
    text = text[:120].replace("\x00", "")
    picked, leaving = chosen(store, form, rows), chosen(store, form, rows, "leave")
    context: dict[str, Any] = {"picked": picked, "leaving": leaving, "found": (), "inside": (), "q": text}
    if not text:
        return context
    held, most = [one.pk for one in (*picked, *leaving)], form.rules.search_results
    free = goods_reading.find(store, q=text, state=ListingState.ON_SALE, management=Management.SELF)
    free = free.exclude(pk__in=[*held, *form.kept]).prefetch_related("skus").order_by("-id")
    context["found"] = list(free[:most])
    if form.kept:
        inside = goods_reading.find(store, q=text).filter(pk__in=form.kept).exclude(pk__in=held)
        context["inside"] = list(inside.prefetch_related("skus").order_by("-id")[:most])
    return context


# -- while it is being typed -------------------------------------------------------------------------------------------------


@requires("coupons.manage")
@require_POST
def search(request: StoreRequest, store: str) -> HttpResponse:
    """The products that the form holds, and those that the search finds; a fragment."""
    coupon = _draft(request)
    form = Desk(request, coupon).form(request.POST)
    return render(request, "coupons/_picks.html", {"form": form, "coupon": coupon, **picks(request, form)})


@requires("coupons.manage")
@require_POST
def check(request: StoreRequest, store: str) -> HttpResponse:
    """What is wrong with one field of the form as it stands (`pool`: with the products), or the figures anew and with them what is
    wrong with every field that was written; saves nothing."""
    name, coupon = request.GET.get("field", ""), _draft(request)
    desk = Desk(request, coupon)
    form = desk.offer(desk.form(request.POST))
    checked = desk.checked(form)
    said = messages_of(checked.errors, most=desk.rules.warning_sample)
    if name == "figures":
        context: dict[str, Any] = {
            "figures": desk.panel(form, checked),
            "coupon": coupon,
            "regions": judged(form, said),
        }
        return render(request, "coupons/_judged.html", context)
    known = name == POOL_REGION or name in form.fields
    meant = POOL if name == POOL_REGION else (name,)
    errors = [message for one in meant for message in said.get(one, ())] if known else []
    return render(request, "coupons/_live.html", {"region": region_row(name if known else "none", errors)})


def _draft(request: StoreRequest) -> Coupon | None:
    """The draft that is being edited; None while a coupon is being made."""
    code = request.GET.get("code", "")
    return find(request, code) if code else None
