"""How long somebody stays signed in: so long after sign-in, and so long without a request (ASVS 7.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import AnonymousUser
from django.db.models import F
from django.http import HttpRequest

from accounts.models import User
from accounts.people import target_of
from audit.actors import Actor, system
from audit.record import Entry, record
from audit.verbs import verb
from core import clock
from policies import active
from policies.rules import SessionRules

SINCE, SEEN = "bo_since", "bo_seen"
_NOTED = 12
"""`SEEN` is written when a twelfth of the idle time has passed: few writes, and the limit stays within a twelfth."""


def begin(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    """Joined to Django's `user_logged_in`: the session's time starts anew."""
    moment = clock.now().timestamp()
    request.session[SINCE] = request.session[SEEN] = moment


def is_over(request: HttpRequest, now: datetime) -> bool:
    """Whether the session has outlived its time; it is ended then, otherwise kept alive."""
    rules = active(SessionRules, now)
    session, moment = request.session, now.timestamp()
    since, seen = float(session.get(SINCE, moment)), float(session.get(SEEN, moment))
    if moment - since >= rules.absolute or moment - seen >= rules.idle:
        _end(request, now)
        return True
    if SINCE not in session:
        session[SINCE] = moment
    if SEEN not in session or moment - seen >= rules.idle / _NOTED:
        session[SEEN] = moment
    return False


def _end(request: HttpRequest, now: datetime) -> None:
    """End the session of a request. Time did it: the record must not say that the person signed out."""
    user = cast(User, request.user)
    request.session.flush()
    request.user = AnonymousUser()
    record(Entry(action="user.session_end", target=target_of(user)), actor=system("system:sessions"), now=now)


@verb("user.sign_out_everywhere")
def end_all(user: User, *, actor: Actor, now: datetime) -> None:
    """End every session of the person, on every device, from the next request on. For the person, or the system."""
    User.objects.filter(pk=user.pk).update(sessions_epoch=F("sessions_epoch") + 1)
    user.refresh_from_db(fields=["sessions_epoch"])
    record(Entry(action="user.sign_out_everywhere", target=target_of(user)), actor=actor, now=now)
