"""发送给买家: sendings of a coupon, a new one, one with its progress and its recipients, and what can be done with it (R78, R81)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

import policies
from accounts.forms import blame
from accounts.requests import StoreRequest
from accounts.rights import requires
from core import clock, display, keyset
from core.errors import DomainError, InvalidInput, NotFound
from core.tables import Empty
from coupons import gateways, sending, sending_list, sending_mail, sending_text
from coupons.models import Channel, Claim, Coupon, Recipient, RecipientState, Sending, SendingState
from coupons.sending_forms import SendingForm
from coupons.sending_tables import RecipientTable, SendingTable, state_of
from coupons.views.common import address, find, page, problem_of
from inbox.catalogue import lookup
from policies.rules import SendingRules

S, R = SendingState, RecipientState


@require_safe
@requires("coupons.view")
def show(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The sendings of a coupon, newest first."""
    coupon = find(request, code)
    rules = policies.active(SendingRules, clock.now())
    rows: list[Any] = list(sending.sendings_of(coupon)[: rules.page_size])
    counts = sending.counts_of([row.pk for row in rows])
    for row in rows:
        for state in (R.SENT, R.FAILED, R.UNKNOWN, R.SKIPPED):
            setattr(row, state, counts[row.pk][state])
    may = "coupons.manage" in request.rights
    issued = not sending.not_issued(coupon, clock.now())
    table = SendingTable(rows, store=request.store.slug, code=coupon.code)
    table.context = {"request": request}
    table.empty = Empty(
        kind="never",
        title=_("Nothing was sent yet"),
        text=_("Take the coupon to the buyers who hold it, by e-mail or by the store's own SMS gateway."),
        action_url=address(request, "sending_new", coupon) if may and issued else "",
        action_label=_("New sending"),
    )
    context: dict[str, Any] = {
        "here": _("Send to buyers"), "table": table, "rows": rows, "may": may, "issued": issued,
        "gateway": gateways.of(request.store), "may_connect": gateways.RIGHT in request.rights,
        "mail": sending_mail.reaches_people(), "rules": rules,
    }  # fmt: skip
    return page(request, "coupons/sendings.html", coupon, context)


@requires("coupons.manage")
def new(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The form of a sending, and its preparation: nothing is sent by it."""
    coupon, rules = find(request, code), policies.active(SendingRules, clock.now())
    gateway = gateways.of(request.store)
    given = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = SendingForm(*given, coupon=coupon, sms=gateway is not None, initial=_suggested())
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = sending.prepare(request.store, coupon.code, form.plan(rules), actor=request.actor)
            except DomainError as refusal:
                blame(form, refusal.errors, refusal.detail)
                status = refusal.status
            else:
                return HttpResponseRedirect(address(request, "sending", coupon, number=made.pk))
    context = {
        "here": _("New sending"), "form": form, "gateway": gateway, "mail": sending_mail.reaches_people(),
        "places": [(f"{{{name}}}", words) for name, words in sending_text.PLACES.items()],
        "rules": rules, "may_connect": gateways.RIGHT in request.rights,
    }  # fmt: skip
    return page(request, "coupons/sending_new.html", coupon, context, status)


def _suggested() -> dict[str, str]:
    """A text to begin with, in the reader's language: buyers are written to in one, unless somebody writes the other, too."""
    language = "zh" if display.is_chinese() else "en"
    return {
        f"subject_{language}": _("{store}: {value} off for you"),
        f"text_{language}": _(
            "You have {coupon}: {value} off orders from {minimum}, until {until}. Enter {code} when you order."
        ),
    }


@require_safe
@requires("coupons.view")
def one(request: StoreRequest, store: str, code: str, number: int) -> HttpResponse:
    """One sending: how far it is, what it says, what became of each recipient."""
    coupon = find(request, code)
    return _one(request, coupon, _find(coupon, number))


def _find(coupon: Coupon, pk: int) -> Sending:
    try:
        return sending.get(coupon, pk)
    except NotFound:
        raise Http404("this coupon has no such sending") from None


def _one(
    request: StoreRequest, coupon: Coupon, found: Sending, problem: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    rules = policies.active(SendingRules, clock.now())
    counts = sending.counts_of([found.pk])[found.pk]
    wanted = request.GET.get("state", "")
    rows = Recipient.objects.filter(sending=found, **({"state": wanted} if wanted in R.values else {}))
    try:
        shown = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except InvalidInput:
        shown = keyset.page(rows, size=rules.page_size)
    table = RecipientTable(shown.rows)
    table.context = {"request": request}
    table.empty = Empty(kind="filtered", clear_url=request.path)
    may = "coupons.manage" in request.rights
    preview = _preview(coupon, found) if may and found.state in (S.DRAFT, S.PAUSED, S.SENDING) else None
    context: dict[str, Any] = {
        "here": _("Sending %(n)s") % {"n": found.pk}, "sending": found, "state_chip": state_of(found),
        "counts": [(label, counts[state], _filter(state)) for state, label in R.choices if counts[state]],
        "settled": sum(counts[state] for state in (R.SENT, R.FAILED, R.UNKNOWN, R.SKIPPED)),
        "going": found.state == S.SENDING, "waiting": counts[R.WAITING], "table": table, "pages": shown,
        "kinds": _kinds(counts, found.total, wanted), "preview": preview, "why": lookup(found.why) if found.why else None,
        "behind": found.state == S.SENDING and _behind(found), "problem": problem, "again": _again(found, counts, rules),
        "may": may, "poll_url": request.get_full_path(),
        "mail": found.channel != Channel.EMAIL or sending_mail.reaches_people(), "rules": rules,
    }  # fmt: skip
    if request.htmx:
        return render(request, "coupons/_sending.html", {"coupon": coupon, **context}, status=status)
    return page(request, "coupons/sending.html", coupon, context, status)


def _filter(state: str) -> str:
    return f"?state={state}"


def _kinds(counts: dict[str, int], total: int, wanted: str) -> list[dict[str, Any]]:
    """The states that some recipient is in, as tabs."""
    tabs = [{"label": _("All"), "url": "?", "current": wanted not in R.values, "count": total}]
    for state, label in R.choices:
        if counts[state] or wanted == state:
            tabs.append({"label": label, "url": _filter(state), "current": wanted == state, "count": counts[state]})
    return tabs


def _behind(found: Sending) -> bool:
    """Whether an older sending of the store by the same way goes first."""
    older = Sending.objects.filter(channel=found.channel, state=S.SENDING, pk__lt=found.pk)
    return older.filter(store_id=found.store_id).exists()


def _again(found: Sending, counts: dict[str, int], rules: SendingRules) -> int:
    """How many failures can be tried again."""
    may = found.state in (S.DONE, S.PAUSED) and found.dropped_at is None and found.go < rules.goes
    return counts[R.FAILED] if may else 0


def _preview(coupon: Coupon, found: Sending) -> dict[str, Any] | None:
    """The message as the next recipient gets it."""
    recipient = Recipient.objects.filter(sending=found, state=R.WAITING).order_by("id").first()
    if recipient is None:
        return None
    claim = Claim.objects.filter(coupon=coupon, buyer=recipient.buyer).values_list("code", flat=True).first()
    message = sending_text.render(coupon, sending_text.of(found), claim=claim or "K-••••••••••••")
    address_ = sending.address_of(recipient)
    return {
        "buyer": recipient.buyer, "to": sending_list.masked(address_) if address_ else "—", "message": message,
        "parts": sending_text.count(message.text) if found.channel == Channel.SMS else None,
    }  # fmt: skip


# -- acts --------------------------------------------------------------------------------------------------------------------

Act = Callable[..., Sending]


@require_POST
@requires("coupons.manage")
def start(request: StoreRequest, store: str, code: str, number: int) -> HttpResponse:
    """Start, or let go on."""
    return _act(request, code, number, sending.start, _("The messages are being sent."))


@require_POST
@requires("coupons.manage")
def pause(request: StoreRequest, store: str, code: str, number: int) -> HttpResponse:
    """Let it rest."""
    return _act(request, code, number, sending.pause, _("The sending is paused."))


@require_POST
@requires("coupons.manage")
def retry(request: StoreRequest, store: str, code: str, number: int) -> HttpResponse:
    """Try the failures again."""
    return _act(request, code, number, sending.retry, _("What failed is tried again."))


@requires("coupons.manage")
def stop(request: StoreRequest, store: str, code: str, number: int) -> HttpResponse:
    """Ask, then end a sending for good."""
    coupon = find(request, code)
    found = _find(coupon, number)
    if request.method == "POST":
        return _act(request, code, found.pk, sending.stop, _("The sending is stopped."))
    waiting = sending.counts_of([found.pk])[found.pk][R.WAITING]
    words = ngettext(
        "%(n)s recipient has not got the message yet, and will not.",
        "%(n)s recipients have not got the message yet, and will not.",
        waiting,
    )
    context = {
        "here": _("Stop a sending"), "sending": found,
        "lines": [
            words % {"n": display.number(waiting)},
            _("What was sent stays sent. The addresses are dropped at once; it cannot go on again."),
        ],
    }  # fmt: skip
    return page(request, "coupons/sending_stop.html", coupon, context)


def _act(request: StoreRequest, code: str, pk: int, act: Act, done: str) -> HttpResponse:
    coupon = find(request, code)
    found = _find(coupon, pk)
    try:
        act(request.store, coupon.code, found.pk, actor=request.actor)
    except DomainError as refusal:
        if refusal.status == 404:
            raise Http404("no such sending") from None
        return _one(request, coupon, found, problem_of(refusal, request), refusal.status)
    messages.success(request, done)
    return HttpResponseRedirect(address(request, "sending", coupon, number=found.pk))
