"""Reading the record: filters for pages, exports and the API; entries made readable. A store reads its own rows, staff read all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from audit.actions import action, field_word, label_word, object_word, reason_words, sentence, value_word
from audit.actors import ActorKind
from audit.models import AuditEvent, PersonalValue, Result
from core import display
from core.looks import LOOKS, look

#: What stands for the product itself in the filter of actors.
SYSTEM = "system"
#: A moment as the record keeps it.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00)", re.ASCII)
NamesOf = Callable[[Collection[int]], Mapping[int, tuple[str, str]]]
_names_of: NamesOf | None = None
_VALUE_LENGTH = 300  # characters of one value in a table of changes; the API has it whole
_LIST_LENGTH = 900  # of a list of codes in words: every check of a close


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter. `actor`: an id, `system`, or a part of the name. `action`: a dotted name, or `campaign.` for a whole group.
    `object`: an id such as a campaign's code, or `type:id`. Times are half-open, aware."""

    actor: str = ""
    action: str = ""
    object: str = ""
    since: datetime | None = None
    until: datetime | None = None
    result: str = ""


def of_store(store_id: int | None, wanted: Wanted | None = None) -> QuerySet[AuditEvent]:
    """A store's entries; with None those of no store: signing in, rules, stores themselves (for platform staff only; the caller checks
    that). Entries of others are never among them."""
    return _filtered(AuditEvent.objects.filter(store_id=store_id), wanted or Wanted())


def of_number(event_id: int) -> AuditEvent | None:
    """One entry, whosever it is: for platform staff only; the caller checks that."""
    return AuditEvent.objects.filter(pk=event_id).first() if event_id < 2**63 else None


def _filtered(rows: QuerySet[AuditEvent], wanted: Wanted) -> QuerySet[AuditEvent]:
    if "\x00" in f"{wanted.actor}{wanted.action}{wanted.object}":
        return rows.none()  # PostgreSQL takes no NUL in text, and no entry has one
    if wanted.actor == SYSTEM:
        rows = rows.filter(actor_id=None, actor_kind="system")
    elif wanted.actor:
        rows = rows.filter(
            Q(actor_id=int(wanted.actor)) if _is_id(wanted.actor) else Q(actor_label__icontains=wanted.actor)
        )
    if wanted.action.endswith("."):
        rows = rows.filter(action__startswith=wanted.action)
    elif wanted.action:
        rows = rows.filter(action=wanted.action)
    if wanted.object:
        kind, colon, name = wanted.object.partition(":")
        rows = rows.filter(object_id=name, object_type=kind) if colon else rows.filter(object_id=wanted.object)
    if wanted.since:
        rows = rows.filter(at__gte=wanted.since)
    if wanted.until:
        rows = rows.filter(at__lt=wanted.until)
    return rows.filter(result=wanted.result) if wanted.result in Result.values else rows


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the table of changes."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as people read it, in the language of the page. `label` names the action, `sentence` also says if it was refused."""

    id: int
    at: datetime
    icon: str
    label: str
    sentence: str
    actor_label: str
    text: str
    result: str
    code: str
    object_word: str
    object_label: str
    reason: str
    event: AuditEvent
    changes: tuple[Change, ...] = field(default=())


def events_of(store_id: int, object_type: str, object_id: str, *, limit: int, zone: tzinfo = UTC) -> list[Shown]:
    """The newest entries about one object of a store, newest first, moments among their values in `zone`; two queries at most."""
    rows = of_store(store_id).filter(object_type=object_type, object_id=object_id)
    return present(rows.order_by("-id")[:limit], zone)


def present(rows: Iterable[AuditEvent], zone: tzinfo = UTC) -> list[Shown]:
    """Make entries readable, moments among their values in `zone`; one query more when an actor's label is a personal value, one more
    for the Chinese names of people."""
    events = list(rows)
    labels, names = _personal_labels(events), _names(events)
    return [_shown(event, labels.get(event.id) or _actor_words(event, names), zone) for event in events]


def call_people(names_of: NamesOf) -> None:
    """Lend the names of people, (name, name in Chinese) by id; called by the room that knows them when it starts."""
    global _names_of
    _names_of = names_of


def _names(events: Sequence[AuditEvent]) -> Mapping[int, tuple[str, str]]:
    """What is frozen is the name that is not Chinese, so nobody else is asked about."""
    if _names_of is None or not display.is_chinese():
        return {}
    ids = {event.actor_id for event in events if event.actor_id is not None and "actor" not in event.commitments}
    return _names_of(ids) if ids else {}


def _actor_words(event: AuditEvent, names: Mapping[int, tuple[str, str]]) -> str:
    """The name in the reader's language, as long as the person bears the name that was frozen."""
    if event.actor_kind == ActorKind.SYSTEM:
        return _("System")
    name, name_zh = names.get(event.actor_id or 0, ("", ""))
    return name_zh if name_zh and name == event.actor_label else event.actor_label


def _personal_labels(events: Sequence[AuditEvent]) -> dict[int, str]:
    """Labels of actors who have no name but an e-mail, as long as it was not erased."""
    ids = [event.id for event in events if "actor" in event.commitments]
    if not ids:
        return {}
    return dict(PersonalValue.objects.filter(event_id__in=ids, name="actor").values_list("event_id", "value"))


def _shown(event: AuditEvent, actor_label: str, zone: tzinfo) -> Shown:
    changes = tuple(changes_of(event, zone))
    return Shown(
        id=event.id,
        at=event.at,
        icon=action(event.action).icon,
        label=str(action(event.action).label),
        sentence=sentence(event.action, event.result),
        actor_label=actor_label,
        text=_summary(event, changes),
        result=event.result,
        code=event.code,
        object_word=object_word(event.object_type),
        object_label=label_word(event.object_type, event.object_label),
        reason=reason_words(event.action, event.reason),
        event=event,
        changes=changes,
    )


def _summary(event: AuditEvent, changes: Sequence[Change]) -> str:
    """One line: why it was refused, or the reason given, or what changed first."""
    if event.result != Result.DONE:
        return str(event.after.get("detail", ""))
    first = changes[0] if changes else None
    changed = ""
    if first is not None:
        values = f"{first.before} → {first.after}" if first.before and first.after else first.after or first.before
        changed = _("%(field)s: %(value)s") % {"field": first.label, "value": values}
    return " · ".join(part for part in (changed, reason_words(event.action, event.reason)) if part)


def changes_of(event: AuditEvent, zone: tzinfo = UTC) -> list[Change]:
    """The fields that differ between before and after, by their words; none that were empty and are."""
    before, after, group = event.before, event.after, event.action.partition(".")[0]
    names = [name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name)]
    if event.result != Result.DONE:
        names = [name for name in names if name != "detail"]
    found = [
        Change(
            field_word(name, group),
            _word(event, name, before.get(name), zone),
            _word(event, name, after.get(name), zone),
        )  # fmt: skip
        for name in names
    ]
    return [change for change in found if change.before or change.after]


def _word(event: AuditEvent, name: str, value: Any, zone: tzinfo) -> str:
    """A value as text: states and codes by their words, moments in the zone, nothing as nothing, structures as JSON cut to a length."""
    if value is None or value == {} or value == []:
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if name == "state" and isinstance(value, str) and value in LOOKS.get(event.object_type, {}):
        return str(look(event.object_type, value).label)
    if isinstance(value, str):
        text = (
            display.sentence(datetime.fromisoformat(value), zone)
            if _MOMENT.fullmatch(value)
            else value_word(name, value)
        )
    elif isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        text = display.series(value_word(name, str(item)) for item in value)
    elif isinstance(value, list) and all(isinstance(item, dict) and "code" in item for item in value):
        return _cut(display.series(_coded(name, item) for item in value), _LIST_LENGTH)
    else:
        text = json.dumps(value, ensure_ascii=False)
    return _cut(text, _VALUE_LENGTH)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _coded(name: str, item: dict[str, Any]) -> str:
    """A blocker, a broken field or a check: its title or message, and its code unless it passed."""
    code = str(item["code"])
    words = item.get("title") or item.get("message") or item.get("detail") or value_word(name, code)
    return str(words) if words == code or item.get("status") == "passed" else f"{words} [{code}]"
