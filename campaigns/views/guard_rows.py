"""Guards as the checklist component shows them: what needs a hand first, each fix with the way back to the same row (R33)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from accounts.requests import StoreRequest
from campaigns.outcomes import GuardRow
from core import clock, display
from core.returning import CHECKED, to_row, with_back

_ORDER = {"blocked": 0, "unknown": 1, "warning": 2, "passed": 3}


def rows_of(guards: Iterable[GuardRow], *, here: str, request: StoreRequest) -> list[dict[str, Any]]:
    """The rows. `here` is the address of the checklist: a fix leads back to it, at its row, which was looked at again then.

    The row named by `?checked=` says when it was looked at; each row is evaluated anew whenever the page is asked for.
    """
    checked = request.GET.get(CHECKED, "")
    return [
        {
            "code": guard.code,
            "status": guard.status,
            "title": guard.title,
            "evidence": guard.detail if guard.evidence or guard.status != "passed" else "",
            "fix_url": with_back(guard.fix.url, to_row(here, guard.code)) if guard.fix else "",
            "fix_label": guard.fix.label if guard.fix else "",
            "policy_version": guard.policy,
            "recheck_url": to_row(here, guard.code),
            "rechecked": _rechecked(request) if guard.code == checked else "",
        }
        for guard in sorted(guards, key=lambda guard: _ORDER[guard.status])
    ]


def _rechecked(request: StoreRequest) -> str:
    moment = clock.now().astimezone(display.zone(request.store.time_zone))
    return _("checked again at %(time)s") % {"time": f"{moment:%H:%M:%S}"}
