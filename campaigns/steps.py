"""The steps of a close, as they stand in `Closing.steps` and in the API: what was done, how much, when, with what evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core import display

Step = dict[str, Any]

KEYS = (
    "stop_display",
    "clear_tags",
    "void_coupons",
    "release_stock",
    "publish_sites",
    "review_prices",
    "verify",
    "archive",
)
PENDING, RUNNING, DONE, FAILED = "pending", "running", "done", "failed"
#: What may go wrong with a step, as `error` keeps it: put into words for who reads it, not by the machine that met it.
UNPUBLISHED, UNREAD, STILL_PRICED, NO_QUOTES = "unpublished", "unread", "still_priced", "no_quotes"
_FAULTS = {
    UNREAD: _("The public pages could not be read."),
    STILL_PRICED: _("A dry quote still gives a price of the campaign."),
    NO_QUOTES: _("Dry quotes could not be made."),
}


def pending(key: str, total: int = 0, **evidence: Any) -> Step:
    """A step that waits."""
    return {
        "key": key,
        "state": PENDING,
        "done": 0,
        "total": total,
        "started_at": None,
        "finished_at": None,
        "evidence": evidence,
        "attempts": 0,
        "error": "",
    }


def done(key: str, total: int, at: datetime, **evidence: Any) -> Step:
    """A step that is finished; with nothing to do its total is 0."""
    moment = at.isoformat()
    step = pending(key, total, **evidence)
    step["state"], step["done"] = DONE, total
    step["started_at"] = step["finished_at"] = moment
    return step


def find(steps: Sequence[Step], key: str) -> Step:
    """The step of that key. Raises KeyError for an unknown one."""
    for step in steps:
        if step["key"] == key:
            return step
    raise KeyError(key)


def put(steps: Sequence[Step], fresh: Iterable[Step]) -> list[Step]:
    """The steps with some of them replaced, in the order of the report."""
    known = {step["key"]: step for step in steps} | {step["key"]: step for step in fresh}
    return [known[key] for key in KEYS if key in known]


def moved(step: Step, state: str, *, at: datetime, done_count: int, total: int, **evidence: Any) -> Step:
    """The step in another state; its first start and its end keep their times."""
    moment = at.isoformat()
    started = step["started_at"] or (None if state == PENDING else moment)
    finished = (step["finished_at"] or moment) if state == DONE else None
    return step | {
        "state": state,
        "done": done_count,
        "total": total,
        "started_at": started,
        "finished_at": finished,
        "evidence": {**step["evidence"], **evidence},
        "error": "" if state != FAILED else step["error"],
    }


def failed(step: Step, *, at: datetime, error: str, attempts: int | None = None) -> Step:
    """The step after a fault: tried `attempts` times, once more than before unless given, with what went wrong: one of the words above, or
    a fault of the machine."""
    return step | {
        "state": FAILED,
        "attempts": step["attempts"] + 1 if attempts is None else attempts,
        "started_at": step["started_at"] or at.isoformat(),
        "finished_at": None,
        "error": error[:500],
    }


def error_text(step: Mapping[str, Any]) -> str:
    """What went wrong with a step, in the page's language; a fault of the machine as it was answered."""
    error = step["error"]
    if error == UNPUBLISHED:
        n = step["total"] - step["done"]
        words = ngettext("%(n)s page was not published in time.", "%(n)s pages were not published in time.", n)
        return words % {"n": display.number(n)}
    if error in _FAULTS:
        return str(_FAULTS[error])
    if error and step["key"] == "archive":
        return _now("The data could not be archived: %(fault)s") % {"fault": error}
    return str(error)


def moment(text: str | None) -> datetime | None:
    """A time as the steps keep it, read back."""
    return parse_datetime(text) if text else None


def _tried(attempts: int) -> str:
    words = ngettext(
        "Tried %(n)s time; it is tried again by itself.", "Tried %(n)s times; it is tried again by itself.", attempts
    )
    return words % {"n": attempts}


def _coupons_text(step: Mapping[str, Any]) -> str:
    """How many coupons died, and how many claimed ones with them."""
    if step["state"] != DONE:
        return (
            _now("After the hold; until then nobody can claim or use them.")
            if step["total"]
            else _now("After the hold.")
        )
    if not step["total"]:
        return _now("No linked coupons.")
    claims = step["evidence"].get("claims", 0)
    words = ngettext(
        "With %(n)s claimed one that was not used; the store was told.",
        "With %(n)s claimed ones that were not used; the store was told.",
        claims,
    )
    return words % {"n": claims}


def evidence_text(step: Mapping[str, Any]) -> str:
    """What a step's evidence says, in the page's language."""
    evidence = step["evidence"]
    if step["error"]:
        return _tried(step["attempts"])
    match step["key"]:
        case "stop_display":
            n = evidence.get("offers", 0)
            return ngettext("%(n)s offer switched off.", "%(n)s offers switched off.", n) % {"n": n}
        case "clear_tags":
            n = step["done"]
            return ngettext("Tag taken off %(n)s listing.", "Tag taken off %(n)s listings.", n) % {"n": n}
        case "void_coupons":
            return _coupons_text(step)
        case "release_stock":
            n = evidence.get("released", 0)
            if n:
                words = ngettext("%(n)s reserved unit is free again.", "%(n)s reserved units are free again.", n)
                return words % {"n": n}
            return _now("No stock was reserved.") if step["state"] == DONE else _now("After the hold.")
        case "publish_sites":
            return _now("%(done)s of %(total)s pages published again.") % step
        case "review_prices":
            n = evidence.get("to_review", 0)
            if step["state"] != DONE:
                return _now("After the hold.")
            words = ngettext("%(n)s sale price to look at.", "%(n)s sale prices to look at.", n)
            return words % {"n": n} if n else _now("Every sale price is as before the campaign.")
        case "verify":
            passed, planned = evidence.get("passed", 0), evidence.get("planned", 0)
            words = _now("Clean at %(passed)s of %(planned)s planned checks so far.")
            return words % {"passed": passed, "planned": planned}
        case "archive":
            if step["state"] == DONE:
                return "SHA-256 " + str(evidence.get("sha256", ""))[:16]
            return _now("Data are archived about 2 hours after the close.")
    return ""
