"""营销保证金: what is owed, paying it, the payment record; and the staff's page to charge it (R31)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

import policies
from accounts import stores
from accounts.forms import blame
from accounts.models import Store
from accounts.requests import SignedInRequest, StoreRequest
from accounts.rights import requires, staff_only
from core import clock, keyset, money
from core.errors import DomainError
from core.returning import back_of
from core.scopes import in_store
from core.tables import Empty
from finance import deposits
from finance.forms import ChargeForm, PaymentForm
from finance.models import DepositAccount
from finance.tables import EntryTable
from policies.rules import FinanceRules


@requires("finance.view")
def deposit(request: StoreRequest, store: str) -> HttpResponse:
    """The store's marketing deposit."""
    return _deposit_page(request, None)


@requires("finance.manage")
@require_POST
def pay(request: StoreRequest, store: str) -> HttpResponse:
    """Record a payment, then back to the checklist that asked for it, or to the record."""
    form = PaymentForm(request.POST, currencies=list(deposits.arrears(request.store)))
    if not form.is_valid():
        return _deposit_page(request, form, status=422)
    data = form.cleaned_data
    try:
        deposits.pay(
            request.store, amount=data["amount"], currency=data["currency"], note=data["note"], actor=request.actor
        )
    except DomainError as refusal:
        blame(form, refusal.errors, refusal.detail)
        return _deposit_page(request, form, status=refusal.status)
    messages.success(request, _("The payment is recorded."))
    here = reverse("finance:deposit", kwargs={"store": request.store.slug})
    return HttpResponseRedirect(back_of(request, f"/s/{request.store.slug}/") or here)


def _deposit_page(request: StoreRequest, form: PaymentForm | None, status: int = 200) -> HttpResponse:
    owed = deposits.arrears(request.store)
    if form is None and owed:
        first = next(iter(owed))
        initial = {"amount": money.text(owed[first], first)} if len(owed) == 1 else {}
        form = PaymentForm(currencies=list(owed), initial=initial)
    context = _ledger(request, request.store) | {
        "form": form if owed else None,
        "owed": owed,
        "can_pay": "finance.manage" in request.rights,
        "back": back_of(request, f"/s/{request.store.slug}/"),
    }
    return render(request, "finance/deposit.html", context, status=status)


@staff_only
def staff_deposit(request: SignedInRequest, slug: str) -> HttpResponse:
    """A store's marketing deposit, for platform staff, and the form to charge it."""
    store = stores.find(slug)
    form = ChargeForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                deposits.charge(store, **form.cleaned_data, actor=request.actor)
            except DomainError as refusal:
                blame(form, refusal.errors, refusal.detail)
                status = refusal.status
            else:
                messages.success(request, _("Charged. The store is told."))
                return HttpResponseRedirect(request.path)
    with in_store(store.pk):
        return render(
            request,
            "finance/staff_deposit.html",
            _ledger(request, store) | {"shop": store, "form": form},
            status=status,
        )


def _ledger(request: HttpRequest, store: Store) -> dict[str, Any]:
    rows = deposits.entries_of(store)
    size = policies.active(FinanceRules, clock.now()).page_size
    try:
        found = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=size)
    except DomainError:
        found = keyset.page(rows, size=size)
    table = EntryTable(found.rows)
    table.context = {"request": request}
    table.empty = Empty(
        kind="never",
        title=_("Nothing charged yet"),
        text=_("Platform staff charge the marketing deposit; charges and payments stand here for ever."),
    )
    accounts: list[DepositAccount] = list(deposits.accounts_of(store))
    return {"accounts": accounts, "table": table, "pages": found}
