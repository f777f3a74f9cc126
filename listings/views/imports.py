"""Importing a table of goods; the page of a job with its progress and its refused rows."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.requests import StoreRequest
from accounts.rights import requires
from core.errors import DomainError, NotFound
from listings import jobs, uploads
from listings.catalogue_rows import COLUMNS
from listings.forms import ImportForm, show_refusal
from listings.import_job import start_catalogue_import
from listings.models import Job, JobState
from listings.tabular import read_mapping
from listings.views.common import address, sent


@requires("listings.edit")
def import_page(request: StoreRequest, store: str) -> HttpResponse:
    """Choose a file; what is wrong with it as a whole is said at once, the rest row by row on the job's page."""
    form = ImportForm(*sent(request))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            values = form.cleaned_data
            try:
                job = start_catalogue_import(
                    request.store,
                    values["file"],
                    mapping=read_mapping([line for line in values["mapping"].splitlines() if line.strip()]),
                    currency=values["currency"].strip().upper(),
                    category=values["category"],
                    stock=values["stock"].strip() or 0,
                    actor=request.actor,
                )
            except DomainError as refused:
                show_refusal(form, refused)
                status = refused.status
            else:
                return redirect(address(request, "job", job=job.pk))
    context = {
        "form": form,
        "columns": COLUMNS,
        "recent": Job.objects.filter(store=request.store, kind="catalogue").order_by("-id")[:10],
        "back_url": address(request, "list"),
    }
    return render(request, "listings/import.html", context, status=status)


def find_job(request: StoreRequest, job: int) -> Job:
    """The store's job of that number, or 404."""
    try:
        return jobs.get(request.store, job)
    except NotFound:
        raise Http404("no such job in this store") from None


def job_page(request: StoreRequest, job: Job, *, page: str, errors: str, back: str) -> HttpResponse:
    """The page of a job; asked by htmx, only its live part. `page`, `errors`, `back` are the URL names of the room that owns it."""
    slug = request.store.slug
    open_ = job.state in (JobState.QUEUED, JobState.RUNNING)
    summary = dict(job.params.get("result", {}))
    outcomes = [
        (label, summary[key])
        for key, label in (
            ("rows", _("Rows in the file")),
            ("created", _("Created")),
            ("updated", _("Changed")),
            ("imported", _("Imported")),
            ("unchanged", _("Unchanged")),
            ("superseded", _("Superseded by a later row")),
            ("rejected", _("Refused")),
        )
        if key in summary
    ]
    context = {
        "job": job,
        "open": open_,
        "name": job.params.get("name", ""),
        "error": job.params.get("error"),
        "outcomes": outcomes,
        "sums": summary.get("sums"),
        "reasons": sorted(dict(summary.get("reasons", {})).items(), key=lambda item: -item[1]),
        "percent": min(99, int(100 * job.done / job.total)) if job.total and open_ else 0,
        "rows": job.rows[:50],
        "page_url": reverse(page, kwargs={"store": slug, "job": job.pk}),
        "errors_url": reverse(errors, kwargs={"store": slug, "job": job.pk}) if job.failed else "",
        "back_url": reverse(back, kwargs={"store": slug}),
    }
    live = bool(request.htmx) and "tick" in request.GET
    return render(request, "listings/_job.html" if live else "listings/job.html", context)


def errors_download(request: StoreRequest, job: Job) -> HttpResponseBase:
    """The refused rows of a job as a file; nothing in it runs in a spreadsheet."""
    path = uploads.errors_of(job)
    if not job.file or not path.is_file():
        raise Http404("the refused rows of this job are no longer kept")
    response = FileResponse(
        path.open("rb"), as_attachment=True, filename=f"job-{job.pk}-refused.csv", content_type="text/csv"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@requires("listings.view")
@require_safe
def show_job(request: StoreRequest, store: str, job: int) -> HttpResponse:
    """A job of this room; one of another room is shown by that room."""
    found = find_job(request, job)
    page = jobs.page_of(found)
    if page != "listings:job":
        return redirect(reverse(page, kwargs={"store": request.store.slug, "job": found.pk}))
    return job_page(request, found, page=page, errors="listings:job_errors", back="listings:import")


@requires("listings.view")
@require_safe
def job_errors(request: StoreRequest, store: str, job: int) -> HttpResponseBase:
    """The refused rows of an import of goods."""
    found = find_job(request, job)
    if jobs.page_of(found) != "listings:job":
        raise Http404("no such job of this room")
    return errors_download(request, found)
