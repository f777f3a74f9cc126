"""New versions of rule sets, and taking one back before it is in force: by platform staff, audited (R20, R192).

A version is never changed. It takes effect at its date and stands until the next one does, so that validities neither overlap nor leave a
gap. It has to be published a little before its effect: by then every process has asked whether there are new versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from pydantic import ValidationError

from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core import display
from core.errors import Conflict, FieldError, InvalidInput, NotFound, PermissionRefused, VersionConflict
from policies import force
from policies.models import RuleSet
from policies.reading import differences, flat, lines_of, model_of
from policies.rules import RulebookRules, Rules
from policies.rules.base import biggest

VERSION_MAX, TITLE_MAX, SOURCE_MAX, REASON_MAX = 20, 120, 200, 500


@verb("policy.publish")
def publish(
    key: str,
    values: Mapping[str, Any],
    *,
    version: str,
    valid_from: datetime,
    title: str = "",
    title_zh: str = "",
    source: str = "",
    reason: str = "",
    seen: int | None = None,
    actor: Actor,
    now: datetime,
) -> RuleSet:
    """Publish a version of a rule set, in force from `valid_from` (aware) on. `values` are all its values, as its model spells them.

    `seen` is the id of the newest version that the publisher knew; another one since raises VersionConflict. An empty title is that of the
    version in force. Raises PermissionRefused, NotFound, InvalidInput with every fault, Conflict ERR_RULES_VERSION for a name or a date
    that is taken.
    """
    _staff_only(actor)
    model = model_of(key)
    about(Target("policy", key, key), reason=reason)
    versions = RuleSet.objects.filter(key=key).order_by("id")
    list(versions.select_for_update(no_key=True).values_list("id"))
    rows = list(versions)  # after the lock: who waited for another publisher sees what that one has added
    if seen is not None and rows and rows[-1].pk != seen:
        raise VersionConflict(
            _("Another version was published since you began: %(version)s. Look at it, then begin anew.")
            % {"version": rows[-1].version},
            {"id": rows[-1].pk, "version": rows[-1].version},
        )
    rules, faults = _read(model, values)
    faults += _faults(version, valid_from, reason, now)
    if rules is None or faults:
        detail = str(faults[0].message) if len(faults) == 1 else _("%(n)s things are not right.") % {"n": len(faults)}
        raise InvalidInput(detail, faults)
    standing = force.active(model, now).provenance
    row = RuleSet(
        key=key,
        version=version.strip(),
        title=title.strip()[:TITLE_MAX] or standing.title,
        title_zh=title_zh.strip()[:TITLE_MAX] or standing.title_zh,
        source=source.strip()[:SOURCE_MAX],
        valid_from=valid_from,
        values=rules.model_dump(mode="json"),
        reason=reason.strip(),
        created_at=now,
        created_by=actor.label[:160],
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise _taken(rows, row) from None
    _record("policy.publish", row, _change(model, rows, row), actor, now)
    transaction.on_commit(force.forget)
    return row


@verb("policy.withdraw")
def withdraw(key: str, version_id: int, *, reason: str = "", actor: Actor, now: datetime) -> RuleSet:
    """Take back a version that is not yet in force. Raises PermissionRefused, NotFound, Conflict ERR_RULES_IN_FORCE."""
    _staff_only(actor)
    model_of(key)
    about(Target("policy", key, key), reason=reason)
    row = RuleSet.objects.select_for_update(no_key=True).filter(key=key, pk=version_id, withdrawn_at=None).first()
    if row is None:
        raise NotFound(_("There is no such version."))
    if row.valid_from <= now + _lead(now):
        raise Conflict(
            "ERR_RULES_IN_FORCE",
            _("Version %(version)s is in force or about to be; publish another one instead.")
            % {"version": row.version},
        )
    row.withdrawn_at, row.withdrawn_by = now, actor.label[:160]
    row.save(update_fields=["withdrawn_at", "withdrawn_by"])
    entry = Entry(
        "policy.withdraw", _target(row), before={"valid_from": row.valid_from}, reason=reason.strip()[:REASON_MAX]
    )
    record(entry, actor=actor, now=now)
    transaction.on_commit(force.forget)
    return row


def earliest(now: datetime) -> datetime:
    """From when on a version published now may be in force."""
    return now + _lead(now)


def _lead(now: datetime) -> timedelta:
    """Never shorter than two looks of a process at the table, whatever the rule says."""
    rule = force.active(RulebookRules, now).lead_seconds
    return timedelta(seconds=max(rule, 2 * min(settings.POLICIES_TTL, 3600)))


def _staff_only(actor: Actor) -> None:
    if not (actor.is_system or actor.staff):
        raise PermissionRefused(_("This is for platform staff."), "platform_staff", ())


def _read(model: type[Rules], values: Mapping[str, Any]) -> tuple[Rules | None, list[FieldError]]:
    """The typed values, and every value that its model refuses, by its place."""
    try:
        rules = model.model_validate(dict(values))
        return rules, _too_big(rules)
    except ValidationError as error:
        return None, [
            FieldError(".".join(str(part) for part in item["loc"]), "ERR_RULES_VALUE", _words(item))
            for item in error.errors()
        ]


def _too_big(rules: Rules) -> list[FieldError]:
    """Numbers that no calendar and no column holds."""
    return [
        FieldError(name, "ERR_RULES_VALUE", _("At most %(high)s.") % {"high": biggest(name)})
        for name, value in lines_of(rules).items()
        if isinstance(value, int | float | Decimal) and not -biggest(name) <= value <= biggest(name)
    ]


def _words(item: Any) -> str:
    """A refused value in words of ours; the library's for the rare ones."""
    bounds = item.get("ctx", {})
    if "ge" in bounds:
        return _("At least %(low)s.") % {"low": bounds["ge"]}
    if "gt" in bounds:
        return _("More than %(low)s.") % {"low": bounds["gt"]}
    if "le" in bounds:
        return _("At most %(high)s.") % {"high": bounds["le"]}
    known = {"extra_forbidden": _("There is no such rule."), "missing": _("This is needed.")}
    return known.get(str(item["type"])) or str(item["msg"])


def _faults(version: str, valid_from: datetime, reason: str, now: datetime) -> list[FieldError]:
    faults = []
    if not 0 < len(version.strip()) <= VERSION_MAX:
        words = _("Name the version, in at most %(n)s characters.") % {"n": VERSION_MAX}
        faults.append(FieldError("version", "ERR_LENGTH", words))
    if not 0 < len(reason.strip()) <= REASON_MAX:
        faults.append(
            FieldError("reason", "ERR_REQUIRED", _("Say why, in at most %(n)s characters.") % {"n": REASON_MAX})
        )
    if valid_from < earliest(now):
        words = _("It can take effect from %(moment)s on, not earlier.") % {
            "moment": display.sentence(earliest(now), UTC)
        }
        faults.append(FieldError("valid_from", "ERR_RULES_PAST", words))
    elif valid_from > now + timedelta(days=force.active(RulebookRules, now).latest_days):
        faults.append(FieldError("valid_from", "ERR_DATE_ABSURD", _("The date lies too far ahead.")))
    return faults


def _taken(rows: list[RuleSet], row: RuleSet) -> Conflict:
    named = any(one.version == row.version for one in rows)
    words = (
        _("There is a version “%(version)s” already.")
        if named
        else _("Another version takes effect at that very moment.")
    ) % {"version": row.version}
    return Conflict("ERR_RULES_VERSION", words, field="version" if named else "valid_from")


def _change(model: type[Rules], rows: list[RuleSet], row: RuleSet) -> list[tuple[str, Any, Any]]:
    """What the version changes against the one that it follows."""
    before = [one for one in rows if one.withdrawn_at is None and one.valid_from < row.valid_from]
    if not before:
        return []
    follows = max(before, key=lambda one: one.valid_from)
    return [
        (one.label, one.before, one.after) for one in differences(flat(model, follows.values), flat(model, row.values))
    ]


def _record(action: str, row: RuleSet, change: list[tuple[str, Any, Any]], actor: Actor, now: datetime) -> None:
    entry = Entry(
        action,
        _target(row),
        before={name: before for name, before, _after in change},
        after={"version": row.version, "valid_from": row.valid_from} | {name: after for name, _before, after in change},
        reason=row.reason,
    )
    record(entry, actor=actor, now=now)


def _target(row: RuleSet) -> Target:
    return Target("policy", row.key, f"{row.title} {row.version}"[:200])
