"""What the record's dotted names mean to a reader: each room declares the words of its actions, objects and fields.

    declare("campaign", {"pause": ("pause", _("Pause campaign"))}, objects={"campaign": _("Campaign")}, fields={"state": _("State")})

A room declares in `<room>/audit_words.py`; the module is loaded when the project starts. A name that nobody declared is shown raw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _

Text = str | Promise
#: From what is kept to what is read, in the language of the page.
Reader = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Action:
    """One kind of event: its dotted name, a glyph of the sprite, its words."""

    name: str
    icon: str
    label: Text

    @property
    def group(self) -> str:
        """The part before the dot."""
        return self.name.partition(".")[0]


_actions: dict[str, Action] = {}
_objects: dict[str, Text] = {}
_fields: dict[str, Text] = {}
_fields_of: dict[tuple[str, str], Text] = {}
_reasons: dict[tuple[str, str], Text] = {}
_values: dict[tuple[str, str], Text] = {}
_readers: dict[str, Reader] = {}
_labels: dict[str, Reader] = {}


def declare(
    group: str,
    actions: Mapping[str, tuple[str, Text]],
    *,
    objects: Mapping[str, Text] | None = None,
    fields: Mapping[str, Text] | None = None,
    reasons: Mapping[str, Text] | None = None,
    values: Mapping[str, Mapping[str, Text]] | None = None,
    readers: Mapping[str, Reader] | None = None,
    labels: Mapping[str, Reader] | None = None,
) -> None:
    """Name the actions `<group>.<name>` (glyph and words), types of objects, fields of before and after, codes of reasons and of
    fields' values. A field that several groups name means to each its own; to a group that does not name it, the last one's.
    `readers` put a field's values into words where no list can, `labels` the frozen labels of a type of objects.
    """
    for name, (icon, label) in actions.items():
        _actions[f"{group}.{name}"] = Action(f"{group}.{name}", icon, label)
    _objects.update(objects or {})
    _fields.update(fields or {})
    _fields_of.update({(group, field): words for field, words in (fields or {}).items()})
    _reasons.update({(group, code): words for code, words in (reasons or {}).items()})
    _values.update({(field, code): words for field, known in (values or {}).items() for code, words in known.items()})
    _readers.update(readers or {})
    _labels.update(labels or {})


def action(name: str) -> Action:
    """The action of a dotted name; an undeclared one speaks for itself."""
    return _actions.get(name) or Action(name, "circle", name)


def all_actions() -> list[Action]:
    """Every declared action, by name."""
    return [_actions[name] for name in sorted(_actions)]


def is_declared(name: str) -> bool:
    """Whether somebody declared words for the dotted name."""
    return name in _actions


def sentence(name: str, result: str) -> str:
    """`Pause campaign`, `Not carried out: Pause campaign`, `Failed: …`."""
    label = str(action(name).label)
    if result == "refused":
        return _("Not carried out: %(action)s") % {"action": label}
    return _("Failed: %(action)s") % {"action": label} if result == "failed" else label


def object_word(object_type: str) -> str:
    """What a type of object is called."""
    return str(_objects.get(object_type, object_type))


def field_word(name: str, group: str = "") -> str:
    """What a field of before and after is called, to actions of the group."""
    return str(_fields_of.get((group, name)) or _fields.get(name, name))


def value_word(name: str, value: str) -> str:
    """A code that a field holds, in words; any other text as it stands."""
    if name in _readers:
        return _readers[name](value)
    return str(_values.get((name, value), value))


def label_word(object_type: str, label: str) -> str:
    """The frozen label of an object in the language of the page, where its room can say it; otherwise as it stands."""
    return _labels[object_type](label) if object_type in _labels else label


def reason_words(name: str, reason: str) -> str:
    """A reason of an action in words: `season` or `other: a note` with the code's word in place of the code; free text as it stands."""
    code, _colon, note = reason.partition(": ")
    known = _reasons.get((name.partition(".")[0], code))
    if known is None:
        return reason
    return _("%(field)s: %(value)s") % {"field": known, "value": note} if note else str(known)
