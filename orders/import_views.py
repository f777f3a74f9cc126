"""Importing a table of orders: the upload, its job, its refused rows. They hold buyers: for those who may see orders only."""

from __future__ import annotations

from zoneinfo import available_timezones

from django import forms
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.requests import StoreRequest
from accounts.rights import requires
from core.errors import DomainError
from core.forms import own_field
from listings.forms import show_refusal
from listings.models import Job
from listings.tabular import read_mapping
from listings.views.common import sent
from listings.views.imports import errors_download, find_job, job_page
from orders.import_job import KIND, start_order_import
from orders.import_rows import COLUMNS
from orders.models import OrderState


class OrderImportForm(forms.Form):
    """A file of order lines."""

    file = forms.FileField(label=_("File"), help_text=_("csv, csv.gz or xlsx, with the column names in the first row."))
    time_zone = forms.ChoiceField(label=_("Time zone of the file"), widget=forms.Select(attrs={"data-search": ""}))
    state = forms.ChoiceField(
        label=_("State of the orders"), choices=OrderState.choices, initial=OrderState.COMPLETED.value
    )
    currency = forms.CharField(
        label=_("Currency"), required=False, max_length=3, help_text=_("The store’s when empty.")
    )
    mapping = forms.CharField(
        label=_("Columns"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "bo-code"}),
        help_text=_("Only where your column names differ from ours: one COLUMN=field a line."),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as given
        own_field(self, "time_zone", forms.ChoiceField).choices = [
            (name, name) for name in sorted(available_timezones())
        ]


@requires("orders.edit")
def import_page(request: StoreRequest, store: str) -> HttpResponse:
    """Choose a file; what is wrong with it as a whole is said at once, the rest row by row on the job's page."""
    form = OrderImportForm(*sent(request), initial={"time_zone": request.store.time_zone})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            values = form.cleaned_data
            try:
                job = start_order_import(
                    request.store,
                    values["file"],
                    mapping=read_mapping([line for line in values["mapping"].splitlines() if line.strip()]),
                    currency=values["currency"].strip().upper(),
                    time_zone=values["time_zone"],
                    state=values["state"],
                    actor=request.actor,
                )
            except DomainError as refused:
                show_refusal(form, refused)
                status = refused.status
            else:
                return redirect("orders:job", store=request.store.slug, job=job.pk)
    context = {
        "form": form,
        "columns": COLUMNS,
        "recent": Job.objects.filter(store=request.store, kind=KIND).order_by("-id")[:10],
        "back_url": reverse("orders:list", kwargs={"store": request.store.slug}),
    }
    return render(request, "orders/import.html", context, status=status)


def _own(request: StoreRequest, job: int) -> Job:
    found = find_job(request, job)
    if found.kind != KIND:
        raise Http404("no such job of this room")
    return found


@requires("orders.view")
@require_safe
def show_job(request: StoreRequest, store: str, job: int) -> HttpResponse:
    """An import of orders."""
    return job_page(request, _own(request, job), page="orders:job", errors="orders:job_errors", back="orders:import")


@requires("orders.view")
@require_safe
def job_errors(request: StoreRequest, store: str, job: int) -> HttpResponseBase:
    """The refused rows of an import of orders."""
    return errors_download(request, _own(request, job))
