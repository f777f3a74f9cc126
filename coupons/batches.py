"""Batches of single-use codes: made by a job, handed out as a stream, sealed, taken out of use; a code works once (R81)."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import verb
from core import clock, display
from core.errors import Conflict, FieldError, InvalidInput, NotFound
from coupons import arms, finding, single_codes
from coupons.joined import Claimed, on_led
from coupons.models import BatchState, CodeBatch, Coupon, CouponState, SingleCode
from listings import fields, jobs
from policies.rules import ReachRules

RIGHT = "coupons.manage"
KIND = "coupon_codes"
COPY = "COPY coupons_singlecode (digest, store_id, batch_id, claim_id) FROM STDIN"
_RESOLVE = """
    SELECT c.digest, b.coupon_id FROM coupons_singlecode c JOIN coupons_codebatch b ON b.id = c.batch_id
    WHERE c.digest = ANY(%(digests)s) AND b.store_id = %(store)s AND b.state = 'ready'
"""
#: Whoever comes second waits for the first one's transaction, and then finds the code used.
_USE = """
    UPDATE coupons_singlecode c SET claim_id = %(claim)s FROM coupons_codebatch b
    WHERE c.digest = %(digest)s AND c.claim_id IS NULL AND b.id = c.batch_id AND b.coupon_id = %(coupon)s AND b.state = 'ready'
"""


@verb("coupon.codes_make", right=RIGHT)
def make(store: Store, code: str, *, name: str, size: int, actor: Actor, now: datetime) -> CodeBatch:
    """Have `size` single-use codes made by a job; the coupon is then claimed with such codes only. Needs `coupons.manage`.

    Raises PermissionRefused, NotFound, Conflict: ERR_COUPON_STATE (over), ERR_COUPON_TEST (in a running test), InvalidInput (no name, fewer
    than one, more than the quota or the policy bear together with the codes that are there).
    """
    check(actor, store, RIGHT, now=now)
    coupon, rules = finding.lock(store, code), policies.active(ReachRules, now)
    if coupon.state in (CouponState.EXPIRED, CouponState.VOIDED):
        raise Conflict("ERR_COUPON_STATE", _("The coupon is over: nobody could use codes for it."))
    if arms.running([coupon]).exists():  # the test's own code would go on claiming, for everybody
        raise Conflict("ERR_COUPON_TEST", _("The coupon is in a running test: stop the test first."))
    errors: list[FieldError] = []
    label = fields.text(name, "name", longest=rules.name_length, required="ERR_REQUIRED")
    errors += [label] if isinstance(label, FieldError) else []
    there = live(coupon).aggregate(n=Sum("size"))["n"] or 0
    most = min(rules.max_codes, coupon.quota) - there
    if not 1 <= size <= most:
        errors.append(FieldError("size", "ERR_COUPON_CODES", _room(coupon, rules, there, most)))
    if errors or isinstance(label, FieldError):
        raise InvalidInput(_("No codes were made: please put right what is marked."), errors)
    batch = CodeBatch.objects.create(
        store=store, coupon=coupon, name=label, size=size, length=rules.code_length, salt=secrets.token_bytes(32),
        created_at=now, created_by=actor.label[:160],
    )  # fmt: skip
    batch.job = jobs.queue(store, KIND, params={"batch": batch.pk}, total=size, actor=actor, now=now)
    batch.save(update_fields=["job"])
    if not coupon.codes_only:
        coupon.codes_only, coupon.version, coupon.updated_at = True, coupon.version + 1, now
        coupon.save(update_fields=["codes_only", "version", "updated_at"])
    _tell(store, coupon, "coupon.codes_make", {"batch": label, "size": size}, actor, now)
    return batch


def _room(coupon: Coupon, rules: ReachRules, there: int, most: int) -> str:
    words = {"quota": display.number(coupon.quota), "there": display.number(there), "most": display.number(most)}
    if most < 1:
        return (
            _("The quota is %(quota)s and there are %(there)s codes already: no further one could be claimed.") % words
        )
    return _("Between 1 and %(most)s: the quota is %(quota)s, and there are %(there)s codes already.") % words


def live(coupon: Coupon) -> QuerySet[CodeBatch]:
    """The batches of a coupon that are not taken out of use."""
    return CodeBatch.objects.filter(coupon=coupon).exclude(state=BatchState.WITHDRAWN)


@jobs.kind(KIND, page="coupons:codes", right="coupons.view")
def run_making(run: jobs.Run) -> jobs.Outcome:
    """Write the digests in chunks, a transaction each; after a crash it goes on behind the last one."""
    batch = CodeBatch.objects.get(pk=run.job.params["batch"])
    chunk = policies.active(ReachRules, clock.read()).codes_per_batch
    done = int(run.cursor.get("done", 0))
    while done < batch.size:
        upto = min(done + chunk, batch.size)
        with transaction.atomic():
            # A batch that is taken out of use meanwhile gets no further codes.
            rows = CodeBatch.objects.select_for_update(of=("self",), no_key=True)
            if rows.get(pk=batch.pk).state != BatchState.MAKING:
                return jobs.Outcome(total=done, summary={"codes": done})
            _write(batch, done, upto)
            if upto == batch.size:
                CodeBatch.objects.filter(pk=batch.pk).update(state=BatchState.READY)
            run.checkpoint({"done": upto}, done=upto)
        done = upto
    return jobs.Outcome(total=batch.size, summary={"codes": batch.size})


def _write(batch: CodeBatch, first: int, after: int) -> None:
    tail = f"\t{batch.store_id}\t{batch.pk}\t\\N\n"
    codes = single_codes.plain_codes(bytes(batch.salt), batch.length, first, after)
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.write("".join(single_codes.digest(code).hex + tail for code in codes).encode())


@verb("coupon.codes_export", right=RIGHT)
def export(store: Store, code: str, batch_id: int, *, actor: Actor, now: datetime) -> Iterator[tuple[str, str]]:
    """The codes of a batch, worked out as they are read: memory stays flat and no row is read. Needs `coupons.manage`.

    Raises PermissionRefused, NotFound, Conflict ERR_COUPON_CODES_GONE (not ready, sealed, taken out of use, or made with another key).
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.lock(store, code)
    batch = _batch(coupon, batch_id)
    if batch.state != BatchState.READY or batch.sealed_at is not None:
        raise Conflict(
            "ERR_COUPON_CODES_GONE", _("These codes cannot be handed out: the batch is not ready, or sealed.")
        )
    first = next(single_codes.plain_codes(bytes(batch.salt), batch.length, 0, 1))
    if not SingleCode.objects.filter(pk=single_codes.digest(first), batch=batch).exists():
        raise Conflict(
            "ERR_COUPON_CODES_GONE",
            _("The installation's key was changed since: the codes cannot be worked out again."),
        )
    batch.exports, batch.exported_at = batch.exports + 1, now
    batch.save(update_fields=["exports", "exported_at"])
    _tell(store, coupon, "coupon.codes_export", {"batch": batch.name, "size": batch.size}, actor, now)
    codes = single_codes.plain_codes(bytes(batch.salt), batch.length, 0, batch.size)
    return ((single_codes.shown(one), coupon.code) for one in codes)


@verb("coupon.codes_seal", right=RIGHT)
def seal(store: Store, code: str, batch_id: int, *, actor: Actor, now: datetime) -> CodeBatch:
    """Forget what the codes are worked out from: they go on working, and nobody can export them any more. Needs `coupons.manage`.

    Raises PermissionRefused, NotFound, Conflict ERR_COUPON_CODES_GONE.
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.lock(store, code)
    batch = _batch(coupon, batch_id)
    if batch.state != BatchState.READY or batch.sealed_at is not None:
        raise Conflict("ERR_COUPON_CODES_GONE", _("Only a batch that is ready, and not sealed yet, can be sealed."))
    batch.salt, batch.sealed_at = b"", now
    batch.save(update_fields=["salt", "sealed_at"])
    _tell(store, coupon, "coupon.codes_seal", {"batch": batch.name}, actor, now)
    return batch


@verb("coupon.codes_withdraw", right=RIGHT)
def withdraw(store: Store, code: str, batch_id: int, *, actor: Actor, now: datetime) -> CodeBatch:
    """Take a batch out of use for good: its unused codes work no more; claims made with the others stay. Needs `coupons.manage`.

    Raises PermissionRefused, NotFound, Conflict ERR_COUPON_CODES_GONE.
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.lock(store, code)
    batch = _batch(coupon, batch_id)
    if batch.state == BatchState.WITHDRAWN:
        raise Conflict("ERR_COUPON_CODES_GONE", _("This batch is out of use already."))
    batch.state, batch.withdrawn_at, batch.salt = BatchState.WITHDRAWN, now, b""
    batch.save(update_fields=["state", "withdrawn_at", "salt"])
    _tell(store, coupon, "coupon.codes_withdraw", {"batch": batch.name}, actor, now)
    return batch


def resolve(store_id: int, codes: Collection[str], buyer: str = "") -> dict[str, int]:
    """The coupons that these single-use codes are for, by the code as it was typed, whoever asks; one query. What is none is missing."""
    digests = {typed: single_codes.digest(plain) for typed in codes if (plain := single_codes.normalise(typed))}
    if not digests:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_RESOLVE, {"digests": list(digests.values()), "store": store_id})
        found = dict(cursor.fetchall())
    return {typed: found[value] for typed, value in digests.items() if value in found}


@on_led.join
def use(news: Claimed) -> None:
    """Use up the code that a claim was made with. Raises Conflict ERR_COUPON_CODE_USED when another claim was first."""
    plain = single_codes.normalise(news.entered)
    if finding.normalise(news.entered) == news.coupon_code or not plain:
        return
    asked: dict[str, Any] = {"claim": news.claim_id, "digest": single_codes.digest(plain), "coupon": news.coupon_id}
    with connection.cursor() as cursor:
        cursor.execute(_USE, asked)
        if not cursor.rowcount:
            raise Conflict("ERR_COUPON_CODE_USED", _("This code was used before."))


def batches_of(coupon: Coupon) -> QuerySet[CodeBatch]:
    """The batches of a coupon with their jobs, newest first, at most as many as a page shows."""
    return CodeBatch.objects.filter(coupon=coupon).select_related("job").order_by("-id")


def most_shown(now: datetime) -> int:
    """How many batches a page or an answer shows; a coupon has few."""
    return policies.active(ReachRules, now).page_size


def used_of(batch_ids: Sequence[int]) -> dict[int, int]:
    """How many codes of each batch were used; one query over those that were."""
    rows = SingleCode.objects.filter(batch__in=list(batch_ids), claim__isnull=False).order_by()
    return dict(rows.values_list("batch").annotate(n=Count("digest")))


def document(batch: CodeBatch, used: int) -> dict[str, object]:
    """The API's form of a batch."""
    return {
        "id": batch.pk,
        "name": batch.name,
        "state": batch.state,
        "size": batch.size,
        "made": made_of(batch),
        "used": used,
        "sealed": batch.sealed_at is not None,
        "exports": batch.exports,
        "created_at": batch.created_at,
        "job": batch.job_id,
    }


def made_of(batch: CodeBatch) -> int:
    """How many codes of it are written."""
    if batch.state == BatchState.READY:
        return batch.size
    return batch.job.done if batch.job else 0


def _batch(coupon: Coupon, batch_id: int) -> CodeBatch:
    rows = CodeBatch.objects.select_for_update(of=("self",), no_key=True)
    if (batch := rows.filter(Q(coupon=coupon), pk=batch_id).first()) is None:
        raise NotFound(_("This coupon has no such batch of codes."))
    return batch


def _tell(store: Store, coupon: Coupon, action: str, after: dict[str, object], actor: Actor, now: datetime) -> None:
    record(Entry(action, finding.target(coupon, store), after=after, right=RIGHT), actor=actor, now=now)
