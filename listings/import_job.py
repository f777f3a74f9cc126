"""Catalogue files as jobs: uploaded, looked at, imported by a worker, continued after a crash."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from audit.actors import Actor
from audit.record import Target
from audit.verbs import about, verb
from core.errors import InvalidInput
from core.money import currencies
from listings import fields, jobs, uploads
from listings.catalogue_import import Request, import_catalogue
from listings.catalogue_rows import COLUMNS
from listings.editing import categories
from listings.fields import Findings
from listings.gates import ensure_may
from listings.models import Job
from listings.staging import Figures
from listings.tabular import read_error_rows
from policies.rules import ListingRules

KIND = "catalogue"


@verb("catalogue.upload", right="listings.edit")
def start_catalogue_import(
    store: Store,
    upload: uploads.Upload,
    *,
    mapping: Mapping[str, str] | None = None,
    currency: str = "",
    category: str = "",
    stock: int | str = 0,
    actor: Actor,
    now: datetime,
) -> Job:
    """Queue the import of an uploaded csv, csv.gz or xlsx; answers the job. `mapping` is column -> field.

    `currency`, `category` and `stock` hold where the file says nothing; the last two for new goods only. Raises FileRefused when nothing
    of the file can be read, InvalidInput for wrong options, and what `gates.ensure_may` raises.
    """
    about(Target("store", store.slug, store.name, store.pk, store.name))
    ensure_may(store, "create", actor=actor, now=now)
    findings = Findings()
    units = findings.take(
        fields.whole_number(stock or 0, "stock", least=0, most=policies.active(ListingRules, now).max_stock), 0
    )
    if currency and currency not in currencies():
        findings.add("currency", "ERR_CURRENCY_UNKNOWN", _("This is not a currency of ISO 4217, such as USD."))
    if category and category not in categories():
        findings.add("category", "ERR_CATEGORY_UNKNOWN", _("This is not a code of the category tree."))
    if findings.errors:
        raise InvalidInput(_("The import cannot begin."), findings.errors)
    return uploads.start(
        store, KIND, upload, columns=COLUMNS, mapping=mapping or {},
        options={"currency": currency, "category": category, "stock": units}, action="catalogue.upload",
        right="listings.edit", actor=actor, now=now,
    )  # fmt: skip


class JobProgress:
    """Progress of an import as a job: the phase is named, the lease renewed."""

    def __init__(self, run: jobs.Run) -> None:
        self._run = run

    def start(self, phase: str, total: int) -> None:
        """Name the phase."""
        self._run.tell(phase)

    def advance(self, steps: int) -> None:
        """Show that the worker lives."""
        self._run.alive()


@jobs.kind(KIND, page="listings:job", right="listings.view")
def run_catalogue_import(run: jobs.Run) -> jobs.Outcome:
    """The work of a catalogue job."""
    job, options = run.job, run.job.params["options"]
    source = uploads.source_of(job, run.limits)
    cursor = run.cursor
    before = Figures(done=dict(cursor["done"])) if cursor else None

    def on_batch(figures: Figures, row: int) -> None:
        run.checkpoint({"row": row, "done": figures.done}, done=sum(figures.done.values()))

    request = Request(
        source, job.params["mapping"], options["currency"], options["category"], options["stock"],
        most_rows=run.limits.max_upload_rows, errors=uploads.errors_of(job),
    )  # fmt: skip
    figures = import_catalogue(
        run.store, request, actor=run.actor, progress=JobProgress(run), after_row=int(cursor.get("row", 0)), before=before,
        on_batch=on_batch,
    )  # fmt: skip
    return outcome(run, figures, figures.as_dict())


def outcome(run: jobs.Run, figures: Figures, summary: dict[str, Any]) -> jobs.Outcome:
    """A job's answer: the first refused rows, as many as the policy keeps; the file holds them all."""
    rows = list(islice(read_error_rows(uploads.errors_of(run.job)), run.limits.errors_kept))
    return jobs.Outcome(total=figures.rows, failed=figures.refused, rows=rows, summary=summary)
