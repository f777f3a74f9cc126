"""Bulk pause, resume and cancel: campaigns frozen at the start, an answer per row, one refusal stops no other.

A job is a row with a row per campaign. `choose` freezes a selection, `confirm` puts it in the queue, `work_due` does it batch by batch:
what a batch did and its answers are one transaction, so a worker killed at any moment leaves rows that are done once or still open. `run`
does the same at once, for the API. Rows go through the same path as single acts, many to a transaction; a batch that fails for a fault is
tried again row by row, so that the fault is pinned to its row.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import OperationalError, connection, transaction
from django.db.models import Count, F, Sum
from django.utils import translation
from django.utils.translation import gettext as _

import policies
from accounts.models import Store, User
from accounts.rights import check
from audit.actors import Actor, ActorKind
from campaigns import guards, stopping
from campaigns.models import BulkJob, BulkRow, BulkScope, BulkState, Campaign, CampaignState
from campaigns.nudges import wake_bulk
from campaigns.outcomes import RowOutcome
from campaigns.retrying import is_passing, retried
from core import clock, codes
from core.errors import Conflict, DomainError, FieldError, InvalidInput, NotFound
from core.heartbeat import beat
from core.scopes import across_stores, in_store
from policies.rules import ClosingRules

logger = logging.getLogger(__name__)

ACTIONS = ("pause", "resume", "cancel")
OPEN = (BulkState.QUEUED, BulkState.RUNNING)
HEARTBEAT = "campaigns.bulk"
_WRITE = """
    UPDATE campaigns_bulkrow r
    SET result = u.result, error = u.error::jsonb, coupons_frozen = u.coupons, claims_frozen = u.claims
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::int[], %s::int[]) AS u(id, result, error, coupons, claims)
    WHERE r.id = u.id
"""


# -- at once -----------------------------------------------------------------------------------------------------------------


def run(
    store: Store,
    action: str,
    wanted: Sequence[str],
    *,
    reason: str = "",
    note: str = "",
    freeze_claimed: bool = False,
    confirm_count: int | None = None,
    actor: Actor,
    now: datetime | None = None,
) -> BulkJob:
    """Act on many campaigns; answers the job with a result per code: `done`, `refused` (by a rule) or `failed` (by a fault).

    With `freeze_claimed` a pause freezes the use of claimed coupons as well (冻结使用). A cancel needs `confirm_count`, the number of
    campaigns as a person typed it, and takes at most `bulk_cancel_max` of them.
    Raises InvalidInput for a wrong count, too many or a freeze without a pause, PermissionRefused without the right.
    """
    moment = now or clock.now()
    chosen = _normal(wanted)
    rules = policies.active(ClosingRules, moment)
    most = rules.bulk_cancel_max if action == "cancel" else rules.bulk_max
    counted = confirm_count is not None or action == "cancel"
    _check_request(action, chosen, most, confirm_count, counted=counted, freeze_claimed=freeze_claimed)
    check(actor, store, guards.RIGHTS[action], now=moment)
    job = _new(store, action, chosen, BulkScope.CHOSEN, actor, moment)
    _start(job, reason, note, actor, moment, freeze_claimed=freeze_claimed)
    return finish(store, job.pk, now=moment)


def stop_all(
    store: Store,
    *,
    reason: str,
    note: str = "",
    freeze_claimed: bool = False,
    confirm_count: int,
    actor: Actor,
    now: datetime | None = None,
) -> BulkJob:
    """Pause every running campaign of the store with one reason; `confirm_count` is how many the person saw."""
    job = begin_stop_all(
        store, reason=reason, note=note, freeze_claimed=freeze_claimed, confirm_count=confirm_count, actor=actor, now=now
    )  # fmt: skip
    return finish(store, job.pk, now=now)


@transaction.atomic
def begin_stop_all(
    store: Store,
    *,
    reason: str,
    note: str = "",
    freeze_claimed: bool = False,
    confirm_count: int,
    actor: Actor,
    now: datetime | None = None,
) -> BulkJob:
    """Freeze what runs and put it in the queue, so that a worker carries it to its end whatever becomes of the caller; see `finish`.

    Raises InvalidInput for another `confirm_count` than runs, PermissionRefused without the right.
    """
    moment = now or clock.now()
    chosen = running_codes(store, moment)
    _check_request("pause", chosen, None, confirm_count, counted=True)
    check(actor, store, guards.RIGHTS["pause"], now=moment)
    job = _new(store, "pause", chosen, BulkScope.LIVE, actor, moment)
    _start(job, reason, note, actor, moment, freeze_claimed=freeze_claimed)
    transaction.on_commit(wake_bulk, robust=True)
    return job


def finish(store: Store, job_id: int, *, now: datetime | None = None) -> BulkJob:
    """Work on a queued job until it is done, a transaction a batch, side by side with workers; answers it. Raises NotFound."""
    with in_store(store.pk):
        while retried(lambda: _step(job_id, now)):
            pass
        return get(store, job_id)


def running_codes(store: Store, now: datetime) -> list[str]:
    """The codes of every campaign of the store that runs at `now`, in the order of their ids: what *stop all* pauses."""
    rows = Campaign.objects.filter(store_id=store.pk, state=CampaignState.RUNNING, ends_at__gt=now)
    return list(rows.order_by("id").values_list("code", flat=True))


# -- as a job ----------------------------------------------------------------------------------------------------------------


@transaction.atomic
def choose(
    store: Store,
    action: str,
    wanted: Sequence[str],
    *,
    scope: str = BulkScope.CHOSEN,
    filter: str = "",
    retry_of: BulkJob | None = None,
    actor: Actor,
    now: datetime | None = None,
) -> BulkJob:
    """Freeze a selection as a draft of a job, with the filter that found it; nothing happens before `confirm`.

    A selection for *stop all* (`LIVE`) is frozen when it is confirmed. Raises InvalidInput for none or too many, PermissionRefused.
    """
    moment = now or clock.now()
    chosen = _normal(wanted)
    if scope != BulkScope.LIVE:
        _check_request(action, chosen, _most(action, moment), None, counted=False)
    check(actor, store, guards.RIGHTS[action], now=moment)
    return _new(store, action, chosen, scope, actor, moment, filter=filter, retry_of=retry_of)


@transaction.atomic
def confirm(
    store: Store,
    job_id: int,
    *,
    action: str,
    reason: str = "",
    note: str = "",
    freeze_claimed: bool = False,
    confirm_count: int | None = None,
    actor: Actor,
    now: datetime | None = None,
) -> BulkJob:
    """Put a frozen selection in the queue. A second confirm answers the job as it is: it was submitted twice.

    `freeze_claimed` stands for the whole job, whenever its turn comes. A cancel, and *stop all*, need the number of campaigns as typed.
    Raises NotFound for somebody else's draft, Conflict ERR_FORM_TOKEN for one of another action or one that is too old, InvalidInput for a
    wrong number, PermissionRefused without the right.
    """
    moment = now or clock.now()
    mine = BulkJob.objects.filter(store_id=store.pk, created_by_id=actor.id)
    job = mine.select_for_update(of=("self",), no_key=True).filter(pk=job_id).first()
    if job is None:
        raise NotFound(_("There is no such selection in this store."))
    if job.action != action:
        raise Conflict("ERR_FORM_TOKEN", _("This form belongs to another action. Load the page again."))
    check(actor, store, guards.RIGHTS[action], now=moment)
    if job.state != BulkState.DRAFT:
        return job
    if job.created_at < moment - timedelta(seconds=policies.active(ClosingRules, moment).form_token_ttl):
        raise Conflict("ERR_FORM_TOKEN", _("This selection was made too long ago. Choose again."))
    chosen = list(job.rows.order_by("position").values_list("code", flat=True))
    if job.scope == BulkScope.LIVE:
        chosen = running_codes(store, moment)
    most = None if job.scope == BulkScope.LIVE else _most(action, moment)
    counted = action == "cancel" or job.scope == BulkScope.LIVE
    _check_request(action, chosen, most, confirm_count, counted=counted, freeze_claimed=freeze_claimed)
    if job.scope == BulkScope.LIVE:
        _put_rows(job, chosen)
    _start(job, reason, note, actor, moment, freeze_claimed=freeze_claimed)
    transaction.on_commit(wake_bulk, robust=True)
    return job


def retry(store: Store, job_id: int, *, actor: Actor, now: datetime | None = None) -> BulkJob:
    """A new draft over the campaigns of a finished job that were refused or failed; those of a cancel are asked about anew, so it begins
    as a pause. Raises NotFound, Conflict ERR_BULK_NOTHING_LEFT when there are none."""
    job = get(store, job_id)
    left = job.rows.exclude(result="done").exclude(error__code="ERR_NOT_FOUND").order_by("position")
    again = list(left.values_list("code", flat=True))
    if job.state != BulkState.DONE or not again:
        raise Conflict("ERR_BULK_NOTHING_LEFT", _("Every campaign of this job was done, or it is still at work."))
    action = "pause" if job.action == "cancel" else job.action
    return choose(store, action, again, scope=BulkScope.RETRY, filter=job.filter, retry_of=job, actor=actor, now=now)


def get(store: Store, job_id: int) -> BulkJob:
    """One job of the store. Raises NotFound."""
    job = BulkJob.objects.filter(store_id=store.pk, pk=job_id).first()
    if job is None:
        raise NotFound(_("There is no such job in this store."))
    return job


def results(job: BulkJob) -> list[dict[str, Any]]:
    """A row per campaign, in the order chosen, in the shape of `POST /campaigns/bulk`."""
    return [row.as_dict() for row in job.rows.order_by("position")]


def counts(job: BulkJob) -> dict[str, int]:
    """How many campaigns are done, refused, failed, and how many wait their turn (one query)."""
    return counts_of([job])[job.pk]


def counts_of(jobs: Sequence[BulkJob]) -> dict[int, dict[str, int]]:
    """`counts` of many jobs, by id (one query)."""
    found = {job.pk: dict.fromkeys(("done", "refused", "failed", "open"), 0) for job in jobs}
    rows = BulkRow.objects.filter(job__in=list(found)).order_by().values_list("job_id", "result")
    for job_id, result, n in rows.annotate(n=Count("id")):
        found[job_id][result or "open"] = n
    return found


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a pause froze: coupons whose claimed ones cannot be used, and how many claimed ones that were not used yet."""

    coupons: int = 0
    claims: int = 0


def frozen_of(job: BulkJob) -> Frozen:
    """What a job has frozen so far; no query for one that was not to freeze."""
    if not job.freeze_claimed:
        return Frozen()
    sums = job.rows.aggregate(coupons=Sum("coupons_frozen"), claims=Sum("claims_frozen"))
    return Frozen(sums["coupons"] or 0, sums["claims"] or 0)


def work_due() -> int:
    """Work on what is queued until nothing is, the jobs taking turns batch by batch; answers how many batches were done.

    A job that meets a fault of ours stays queued and lets the others go first.
    """
    done = 0
    broken: set[int] = set()
    with across_stores("bulk jobs of all stores wait in one queue"):
        while True:
            try:
                if not retried(lambda: _step(None, None, broken)):
                    break
            except _FaultyJob as fault:
                logger.exception("bulk job %s could not be done", fault.job_id)
                broken.add(fault.job_id)
                continue
            done += 1
            beat(HEARTBEAT, batches=done)
    beat(HEARTBEAT, batches=done)
    return done


def forget_drafts(now: datetime) -> int:
    """Delete selections that nobody confirmed and nobody can confirm any more; answers how many."""
    age = timedelta(seconds=2 * policies.active(ClosingRules, now).form_token_ttl)
    return BulkJob.objects.filter(state=BulkState.DRAFT, created_at__lt=now - age).delete()[0]


# -- the work ----------------------------------------------------------------------------------------------------------------


class _FaultyJob(RuntimeError):
    def __init__(self, job_id: int) -> None:
        super().__init__(f"bulk job {job_id}")
        self.job_id = job_id


def _take(job_id: int | None, broken: Collection[int]) -> BulkJob | None:
    """Lock one job: the one named, or the one that has waited longest for a batch and that no other worker has in hand."""
    rows = BulkJob.objects.filter(state__in=OPEN).select_related("store")
    if job_id is not None:
        return rows.select_for_update(of=("self",), no_key=True).filter(pk=job_id).first()
    waiting = rows.exclude(pk__in=broken).order_by(F("worked_at").asc(nulls_first=True), "id")
    return waiting.select_for_update(of=("self",), no_key=True, skip_locked=True).first()


def _step(job_id: int | None, now: datetime | None, broken: Collection[int] = ()) -> bool:
    """Do the next batch of a job in one transaction; answers whether there was something to do. `now` defaults to this moment."""
    job = None
    try:
        with transaction.atomic():
            job = _take(job_id, broken)
            if job is not None:
                _work(job, now or clock.read())
    except OperationalError:
        raise
    except Exception as error:
        if job is None:
            raise
        raise _FaultyJob(job.pk) from error
    return job is not None


def _work(job: BulkJob, now: datetime) -> None:
    """One batch of a job whose row the caller has locked."""
    size = policies.active(ClosingRules, now).bulk_batch
    waiting = list(job.rows.filter(result="").order_by("position")[: size + 1])
    batch = waiting[:size]
    with in_store(job.store_id), translation.override(job.language or "en"):
        _write(batch, _batch(_command(job, batch, now), [row.code for row in batch]))
    job.worked_at, job.state = now, BulkState.RUNNING
    if len(waiting) <= size:
        job.state, job.finished_at = BulkState.DONE, clock.read()
    job.save(update_fields=["worked_at", "state", "finished_at"])


def _command(job: BulkJob, batch: Sequence[BulkRow], now: datetime) -> stopping.Command:
    """The act of a job. A cancel holds to the versions that the person saw; the brake works on what runs."""
    given = dict(job.actor)
    actor = Actor(**given | {"kind": ActorKind(given["kind"])})
    versions = {row.code: row.version for row in batch if row.version is not None and job.action == "cancel"}
    return stopping.Command(
        job.store, job.action, actor, now, job.reason, job.note, freeze_claimed=job.freeze_claimed, versions=versions,
        bulk_job=job.pk,
    )  # fmt: skip


def _write(batch: Sequence[BulkRow], outcomes: Sequence[RowOutcome]) -> None:
    shown = [outcome.as_dict() for outcome in outcomes]
    values = [
        [row.pk for row in batch],
        [one["result"] for one in shown],
        [None if one["error"] is None else orjson.dumps(one["error"], default=str).decode() for one in shown],
        [outcome.coupons_frozen for outcome in outcomes],
        [outcome.claims_frozen for outcome in outcomes],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)


def _batch(command: stopping.Command, wanted: Sequence[str]) -> list[RowOutcome]:
    if not wanted:
        return []
    try:
        return _in_savepoint(command, wanted)
    except OperationalError as error:
        if is_passing(error):
            raise  # the whole transaction is done again
        logger.exception("a bulk %s of %s campaigns failed; trying them one by one", command.action, len(wanted))
    except Exception:
        logger.exception("a bulk %s of %s campaigns failed; trying them one by one", command.action, len(wanted))
    outcomes = []
    for code in wanted:
        try:
            outcomes += _in_savepoint(command, [code])
        except Exception:
            logger.exception("bulk %s of %s failed", command.action, code)
            outcomes.append(RowOutcome(code, "failed", _fault()))
    return outcomes


def _in_savepoint(command: stopping.Command, wanted: Sequence[str]) -> list[RowOutcome]:
    with transaction.atomic():
        return stopping.act(command, wanted)


def _fault() -> DomainError:
    return DomainError("ERR_INTERNAL", _("Something went wrong on our side; nothing was changed."), status=500)


# -- making a job ------------------------------------------------------------------------------------------------------------


def _normal(wanted: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(codes.normalise(code) or code[:40] for code in wanted))


def _most(action: str, now: datetime) -> int:
    rules = policies.active(ClosingRules, now)
    return rules.bulk_cancel_max if action == "cancel" else rules.bulk_job_max


def _new(
    store: Store, action: str, chosen: Sequence[str], scope: str, actor: Actor, now: datetime, **extra: Any
) -> BulkJob:
    job = BulkJob.objects.create(
        store=store,
        action=action,
        scope=scope,
        created_by=User.objects.filter(pk=actor.id).first() if actor.id is not None else None,
        created_at=now,
        **extra,
    )
    _put_rows(job, chosen)
    return job


def _put_rows(job: BulkJob, chosen: Sequence[str]) -> None:
    known = Campaign.objects.filter(store_id=job.store_id, code__in=chosen).values_list("code", "version")
    versions: Mapping[str, int] = dict(known)
    BulkRow.objects.bulk_create(
        BulkRow(store_id=job.store_id, job=job, position=position, code=code, version=versions.get(code))
        for position, code in enumerate(chosen)
    )
    job.total = len(chosen)
    job.save(update_fields=["total"])


def _start(job: BulkJob, reason: str, note: str, actor: Actor, now: datetime, *, freeze_claimed: bool) -> None:
    command = stopping.command_of(job.store, job.action, actor, now, reason, note)
    job.reason, job.note, job.freeze_claimed = command.reason[:40], command.note, freeze_claimed
    job.actor = asdict(replace(actor, ip=""))
    job.language = translation.get_language() or "en"
    job.state, job.started_at = BulkState.QUEUED, now
    job.save(update_fields=["reason", "note", "freeze_claimed", "actor", "language", "state", "started_at"])


def _check_request(
    action: str,
    chosen: Sequence[str],
    most: int | None,
    confirm_count: int | None,
    *,
    counted: bool,
    freeze_claimed: bool = False,
) -> None:
    errors = []
    if action not in ACTIONS:
        errors.append(
            FieldError("action", "ERR_BULK_ACTION", _("Bulk knows: %(actions)s.") % {"actions": ", ".join(ACTIONS)})
        )
    if not chosen:
        words = _("There is no running campaign to pause.") if most is None else _("Choose at least one campaign.")
        errors.append(FieldError("codes", "ERR_REQUIRED", words))
    if most is not None and len(chosen) > most:
        words = _("At most %(most)s campaigns at once; these are %(given)s.") % {"most": most, "given": len(chosen)}
        errors.append(FieldError("codes", "ERR_BULK_LIMIT", words))
    if counted and confirm_count != len(chosen):
        words = _("Type how many campaigns this is about: %(n)s.") % {"n": len(chosen)}
        errors.append(FieldError("confirm_count", "ERR_CONFIRM_COUNT", words))
    if freeze_claimed and action != "pause":
        words = _("Only a pause freezes the use of claimed coupons.")
        errors.append(FieldError("freeze_claimed", "ERR_BULK_FREEZE", words))
    if errors:
        raise InvalidInput(str(errors[0].message), errors, code=errors[0].code)
