"""Order files as jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

from django.utils.translation import gettext as _

from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Target
from audit.verbs import about, verb
from core.errors import InvalidInput
from core.money import currencies
from listings import fields, jobs, uploads
from listings.fields import Findings
from listings.import_job import JobProgress, outcome
from listings.models import Job
from orders.import_rows import COLUMNS
from orders.importing import Report, Request, import_orders
from orders.models import OrderState

KIND = "orders"


@verb("orders.upload", right="orders.edit")
def start_order_import(
    store: Store,
    upload: uploads.Upload,
    *,
    mapping: Mapping[str, str] | None = None,
    currency: str = "",
    time_zone: str = "",
    state: str = OrderState.COMPLETED.value,
    actor: Actor,
    now: datetime,
) -> Job:
    """Queue the import of an uploaded order file; answers the job. `time_zone` is that of its times, the store's when left out.

    Raises FileRefused when nothing of the file can be read, InvalidInput for wrong options, PermissionRefused.
    """
    about(Target("store", store.slug, store.name, store.pk, store.name))
    check(actor, store, "orders.edit", now=now)
    findings = Findings()
    zone = time_zone or store.time_zone
    if zone not in available_timezones():
        findings.add("time_zone", "ERR_ORDER_TIME", _("This is not a time zone, such as Europe/London."))
    if currency and currency not in currencies():
        findings.add("currency", "ERR_CURRENCY_UNKNOWN", _("This is not a currency of ISO 4217, such as USD."))
    findings.take(fields.choice(state, "state", OrderState.values, "ERR_ORDER_STATE"), "")
    if findings.errors:
        raise InvalidInput(_("The import cannot begin."), findings.errors)
    return uploads.start(
        store, KIND, upload, columns=COLUMNS, mapping=mapping or {},
        options={"currency": currency, "time_zone": zone, "state": state}, action="orders.upload", right="orders.edit",
        actor=actor, now=now,
    )  # fmt: skip


@jobs.kind(KIND, page="orders:job", right="orders.view")
def run_order_import(run: jobs.Run) -> jobs.Outcome:
    """The work of an order job."""
    job, options, cursor = run.job, run.job.params["options"], run.cursor
    before = None
    if cursor:
        before = Report()
        before.figures.done = dict(cursor["done"])
        before.sums.imported, before.sums.unchanged = Decimal(cursor["imported"]), Decimal(cursor["unchanged"])

    def on_batch(report: Report, batch: int) -> None:
        sums = {"imported": str(report.sums.imported), "unchanged": str(report.sums.unchanged)}
        done = report.figures.done
        run.checkpoint({"batch": batch, "done": done, **sums}, done=sum(done.values()))

    request = Request(
        uploads.source_of(job, run.limits), job.params["mapping"], options["currency"], ZoneInfo(options["time_zone"]),
        state=options["state"], most_rows=run.limits.max_upload_rows, errors=uploads.errors_of(job),
    )  # fmt: skip
    report = import_orders(
        run.store, request, actor=run.actor, progress=JobProgress(run), after_batch=int(cursor.get("batch", -1)), before=before,
        on_batch=on_batch,
    )  # fmt: skip
    return outcome(run, report.figures, report.as_dict())
