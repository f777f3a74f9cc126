"""The penalty ledger (R28, R34): a block of the enrolment right for some days, or points; enough points make a serious violation.

Penalties are issued by platform staff, by hand, for violations. A refused attempt to stop a campaign is recorded and costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, QuerySet, Sum
from django.utils.translation import gettext as _

import policies
from accounts.models import AccountState, Penalty, PenaltyKind, Store
from accounts.rights import check_staff
from accounts.signals import penalty_issued
from accounts.stores import target_of
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import about, verb
from core.errors import FieldError, InvalidInput, NotFound
from core.scopes import in_store
from policies.rules import PenaltyRules

REASON = Penalty._meta.get_field("reason").max_length or 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger says at a moment: points in all, and until when the store may not enrol (None: it may)."""

    points: int
    blocked_until: datetime | None


def ledger_of(store: Store) -> QuerySet[Penalty]:
    """Every penalty of the store."""
    return Penalty.objects.filter(store=store)


def standing_of(store: Store, now: datetime) -> Standing:
    """Points and block of the store at `now`; one query, in the store's scope."""
    found = ledger_of(store).aggregate(points=Sum("points"), until=Max("until"))
    until = found["until"]
    return Standing(found["points"] or 0, until if until is not None and until > now else None)


@verb("penalty.issue")
def issue(
    slug: str,
    *,
    kind: str,
    days: int | None = None,
    points: int | None = None,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Penalty:
    """Write a penalty into a store's ledger, by platform staff; its people are told. Opens the store's scope itself.

    `enrolment_block`: for `days` from now, as many as the policy says when left out. `points`: so many; when all points of the store reach
    the policy's `serious_points`, its account becomes `serious_violation`. Raises NotFound, InvalidInput with every broken field.
    """
    check_staff(actor)
    store = Store.objects.select_for_update(no_key=True).filter(slug=slug).first()
    if store is None:
        raise NotFound(_("No such store."))
    about(target_of(store), reason=reason.strip()[:REASON])
    rules = policies.active(PenaltyRules, now)
    days, points = _checked(kind, days, points, reason, rules)
    with in_store(store.pk):
        penalty = Penalty.objects.create(
            store=store, kind=kind, days=days, points=points or 0, reason=reason.strip(), issued_at=now,
            until=now + timedelta(days=days) if days else None, actor_label=actor.label[:160], policy=rules.version[:120],
        )  # fmt: skip
        standing = standing_of(store, now)
        before = store.account_state
        if points and standing.points >= rules.serious_points and before != AccountState.SERIOUS_VIOLATION:
            store.account_state = AccountState.SERIOUS_VIOLATION
            store.version += 1
            store.save(update_fields=["account_state", "version"])
        entry = Entry(
            "penalty.issue",
            target_of(store),
            before={"account_state": before},
            after={
                "penalty": kind, "days": days, "points": points, "until": penalty.until, "points_total": standing.points,
                "account_state": str(store.account_state), "policy": rules.cited,
            },
            reason=reason.strip(),
            right="platform_staff",
        )  # fmt: skip
        record(entry, actor=actor, now=now)
        penalty_issued.send(Penalty, store=store, penalty=penalty, points_total=standing.points, now=now)
    return penalty


def _checked(
    kind: str, days: int | None, points: int | None, reason: str, rules: PenaltyRules
) -> tuple[int | None, int | None]:
    """Days and points as they are written. Raises InvalidInput."""
    errors: list[FieldError] = []

    def wrong(name: str, message: str) -> None:
        errors.append(FieldError(name, "ERR_INVALID", message))

    if kind not in PenaltyKind.values:
        wrong("kind", _("One of: %(choices)s.") % {"choices": ", ".join(PenaltyKind.values)})
    if kind == PenaltyKind.ENROLMENT_BLOCK:
        days = rules.block_days if days is None else days
        if not 1 <= days <= rules.block_days_max:
            wrong("days", _("1 to %(most)s days.") % {"most": rules.block_days_max})
        if points:
            wrong("points", _("A block of the enrolment right carries no points."))
    if kind == PenaltyKind.POINTS:
        if points is None or not 1 <= points <= rules.points_max:
            wrong("points", _("1 to %(most)s points.") % {"most": rules.points_max})
        if days:
            wrong("days", _("Points carry no days."))
    if not 1 <= len(reason.strip()) <= REASON:
        wrong("reason", _("Say in 1 to %(most)s characters what it is for.") % {"most": REASON})
    if errors:
        raise InvalidInput(_("No penalty was issued: please put right what is marked."), errors)
    return (days, None) if kind == PenaltyKind.ENROLMENT_BLOCK else (None, points)
