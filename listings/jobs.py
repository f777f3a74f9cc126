"""Long pieces of work: found in the database, run under a lease, continued after a crash (`GET /jobs/{id}`).

A job's state, its progress and the effects of each of its batches are written in one transaction, fenced by the run's own token: a worker
that lost its lease writes nothing more. Which work a kind of job does is declared with `kind()`.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from audit.actors import Actor, ActorKind
from core import clock
from core.errors import DomainError, NotFound
from core.scopes import across_stores, in_store
from core.signals import nudged
from inbox.send import send
from listings.models import Job, JobState
from policies.rules import ImportRules

logger = logging.getLogger(__name__)

NUDGE = "listings.job"


class LeaseLostError(Exception):
    """Another worker has taken the job over; what this one has not committed is rolled back."""


@dataclass(slots=True)
class Outcome:
    """What a job answers. `rows` are per-row results, as many as are kept; `summary` any further figures."""

    total: int = 0
    failed: int = 0
    rows: Sequence[Mapping[str, Any]] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)


Work = Callable[["Run"], Outcome]
_kinds: dict[str, Work] = {}
_pages: dict[str, str] = {}
_rights: dict[str, str] = {}


def kind(name: str, *, page: str, right: str) -> Callable[[Work], Work]:
    """Declare the work of a kind of job, the URL name of the page that shows such jobs, and the right to see them: rows quote a file."""

    def declare(work: Work) -> Work:
        known = _kinds.get(name)
        if known and known is not work:
            raise RuntimeError(f"two kinds of job are called {name}")
        _kinds[name], _pages[name], _rights[name] = work, page, right
        return work

    return declare


def page_of(job: Job) -> str:
    """The URL name of the page that shows the job."""
    return _pages.get(job.kind, "listings:job")


def right_of(job: Job) -> str:
    """The right that seeing the job needs."""
    return _rights.get(job.kind, "listings.view")


def queue(
    store: Store, name: str, *, params: Mapping[str, Any], file: str = "", total: int = 0, actor: Actor, now: datetime
) -> Job:
    """Put a job in the queue, in the caller's transaction; a worker is nudged when it commits. The caller has checked the right."""
    job = Job.objects.create(
        store=store,
        kind=name,
        params={**params, "actor": asdict(replace(actor, ip="")), "language": translation.get_language() or "en"},
        file=file,
        total=total,
        created_by_id=actor.id,
        created_at=now,
    )
    transaction.on_commit(lambda: nudged.send(Job, topics={NUDGE}), robust=True)
    return job


def get(store: Store, job_id: int) -> Job:
    """One job. Raises NotFound when unknown or another store's."""
    job = Job.objects.filter(store=store, pk=job_id).first()
    if job is None:
        raise NotFound(_("There is no such job in this store."))
    return job


def document(job: Job) -> dict[str, Any]:
    """The API's form of a job."""
    return {
        "id": job.pk,
        "kind": job.kind,
        "state": job.state,
        "total": job.total,
        "done": job.done,
        "failed": job.failed,
        "rows": job.rows,
        "result": job.params.get("result", {}),
        "error": job.params.get("error"),
    }


class Run:
    """One worker's hold on one job."""

    def __init__(self, job: Job, token: str, limits: ImportRules) -> None:
        self.job, self.token, self.limits = job, token, limits
        self.store: Store = job.store
        self._lease = timedelta(seconds=limits.job_lease)
        self._renew_at = clock.read() + self._lease / 3

    @property
    def actor(self) -> Actor:
        """Who asked for the job, as the audit log names them."""
        given = dict(self.job.params["actor"])
        return Actor(**given | {"kind": ActorKind(given["kind"])})

    @property
    def cursor(self) -> dict[str, Any]:
        """Where an earlier run of this job came to; empty at first."""
        return dict(self.job.params.get("cursor", {}))

    def checkpoint(self, cursor: Mapping[str, Any], *, done: int) -> None:
        """Inside the transaction of a batch: remember how far it is. Raises LeaseLostError when another worker has the job."""
        self.job.params["cursor"] = dict(cursor)
        self._write(params=self.job.params, done=done, lease_until=clock.read() + self._lease)

    def tell(self, phase: str, *, total: int | None = None) -> None:
        """Name the phase; `total` corrects how many rows there are."""
        self.job.params["phase"] = phase
        self._write(params=self.job.params, **({} if total is None else {"total": total}))

    def alive(self) -> None:
        """Renew the lease when a third of it is gone; cheap otherwise."""
        now = clock.read()
        if now >= self._renew_at:
            self._renew_at = now + self._lease / 3
            self._write(lease_until=now + self._lease)

    def finish(self, state: JobState, *, now: datetime, **values: Any) -> None:
        """End the job."""
        self._write(state=state, finished_at=now, lease_until=None, **values)

    def _write(self, **values: Any) -> None:
        rows = Job.objects.filter(pk=self.job.pk, state=JobState.RUNNING, params__run=self.token)
        if not rows.update(**values):
            raise LeaseLostError(f"job {self.job.pk}")


def run_due(*, most: int = 100) -> int:
    """Run what is queued, and what a worker left behind, one after another; answers how many jobs were run."""
    ran = 0
    while ran < most:
        with clock.unit_of_work(), across_stores("jobs of all stores wait in one queue"):
            run = _claim()
        if run is None:
            return ran
        ran += 1
        _work(run)
    return ran


def _claim() -> Run | None:
    now = clock.read()
    limits = policies.active(ImportRules, now)
    due = Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_until__lte=now)
    with transaction.atomic():
        rows = Job.objects.filter(due).order_by("id").select_for_update(of=("self",), skip_locked=True, no_key=True)
        job = rows.select_related("store").first()
        if job is None:
            return None
        token = uuid.uuid4().hex
        attempts = int(job.params.get("attempts", 0)) + 1
        job.params |= {"run": token, "attempts": attempts}
        job.state, job.lease_until = JobState.RUNNING, now + timedelta(seconds=limits.job_lease)
        job.save(update_fields=["params", "state", "lease_until"])
    return Run(job, token, limits)


def _work(run: Run) -> None:
    job = run.job
    work = _kinds.get(job.kind)
    with in_store(run.store.pk), translation.override(job.params.get("language", "en")):
        try:
            if work is None:
                raise DomainError("ERR_IMPORT_FAILED", _("Nobody does this kind of work any more."))
            if job.params["attempts"] > run.limits.job_attempts:
                raise DomainError("ERR_IMPORT_FAILED", _("The worker did not survive this job; it is given up."))
            with clock.unit_of_work():
                outcome = work(run)
            job.params["result"] = dict(outcome.summary)
            run.finish(
                JobState.DONE, now=clock.read(), params=job.params, total=outcome.total, done=outcome.total,
                failed=outcome.failed, rows=list(outcome.rows),
            )  # fmt: skip
        except LeaseLostError:
            logger.warning("job %s was taken over by another worker", job.pk)
        except DomainError as refused:
            _give_up(run, refused.code, str(refused.detail))
        except Exception:
            logger.exception("job %s failed", job.pk)
            _give_up(run, "ERR_IMPORT_FAILED", _("Something went wrong on our side; the file can be sent again."))


def _give_up(run: Run, code: str, words: str) -> None:
    job, now = run.job, clock.read()
    job.params["error"] = {"code": code, "message": words}
    try:
        with transaction.atomic():
            run.finish(JobState.FAILED, now=now, params=job.params)
            params = {"job": job.pk, "why": words}
            send(run.store.pk, "ERR_IMPORT_FAILED", params, f"job.{job.pk}", "job", str(job.pk), now=now)
    except LeaseLostError:
        logger.warning("job %s was taken over by another worker", job.pk)
