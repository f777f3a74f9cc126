"""One-time tokens of stop forms: bound to person, campaign, version and action; a second submit is shown the first result (R17, R8).

A token of the pause form at the address of the permanent cancel is refused: 409. The token is claimed before the act and given back
when the act is refused, so that the operation lock and the record of the refusal stay.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.signing import BadSignature, TimestampSigner
from django.utils.translation import gettext as _

import policies
from campaigns.finding import current
from campaigns.models import Campaign, FormToken
from core import clock
from core.errors import Conflict, VersionConflict
from policies.rules import ClosingRules

_stop_signer = TimestampSigner(salt="campaigns.stop-page")
#: How often, in seconds, a second submit asks whether the first has its result.
_POLL = 0.05


@dataclass(slots=True)
class Redeemed:
    """A token in use. Put the address of the result into `outcome`; when it is there already, a first submit has done the work."""

    nonce: str
    version: int
    outcome: str = ""


def issue(*, user_id: int, campaign: Campaign, action: str) -> str:
    """Make a token for one form of `action` (pause, cancel) on the campaign as it stands."""
    token = FormToken(
        nonce=secrets.token_urlsafe(32),
        user_id=user_id,
        campaign=campaign,
        version=campaign.version,
        action=action,
        made_at=clock.now(),
    )
    token.save(force_insert=True)
    return token.nonce


@contextmanager
def redeemed(nonce: str, *, user_id: int, campaign: Campaign, action: str) -> Iterator[Redeemed]:
    """Use a token up around an act; must run outside a transaction. An exception gives the token back.

    Raises Conflict ERR_FORM_TOKEN (409) for a token of another form, person or campaign, or one that is too old, and VersionConflict
    when the campaign changed since the form was shown.
    """
    now = clock.now()
    token = _valid(nonce, user_id, campaign, action, now)
    if token.used_at is not None or not _claim(nonce, now):
        yield Redeemed(nonce, token.version, _first_result(nonce, now))
        return
    if token.version != campaign.version:
        _give_back(nonce)
        raise VersionConflict(
            _("%(code)s was changed after the form was shown. Look at it again.") % {"code": campaign.code},
            current(campaign),
        )
    using = Redeemed(nonce, token.version)
    try:
        yield using
    except BaseException:
        _give_back(nonce)
        raise
    FormToken.objects.filter(nonce=nonce).update(outcome=using.outcome[:200])


def stop_pass(*, user_id: int, code: str) -> str:
    """A sign that the person came through the stop page of this campaign."""
    return _stop_signer.sign(f"{user_id}:{code}")


def came_through_stop(sign: str, *, user_id: int, code: str) -> bool:
    """Whether the sign is this person's for this campaign, and not too old."""
    age = policies.active(ClosingRules, clock.now()).form_token_ttl
    try:
        return _stop_signer.unsign(sign, max_age=age) == f"{user_id}:{code}"
    except BadSignature:
        return False


def forget_old(now: datetime) -> int:
    """Delete tokens that can no longer be used; answers how many."""
    age = timedelta(seconds=policies.active(ClosingRules, now).form_token_ttl)
    return FormToken.objects.filter(made_at__lt=now - 2 * age).delete()[0]


def _valid(nonce: str, user_id: int, campaign: Campaign, action: str, now: datetime) -> FormToken:
    token = FormToken.objects.filter(nonce=nonce[:64]).first()
    age = timedelta(seconds=policies.active(ClosingRules, now).form_token_ttl)
    if (
        token is None
        or token.user_id != user_id
        or token.campaign_id != campaign.pk
        or token.action != action
        or token.made_at < now - age
    ):
        raise _refused()
    return token


def _refused() -> Conflict:
    return Conflict("ERR_FORM_TOKEN", _("This form is not valid any more. Load the page again and repeat the step."))


def _claim(nonce: str, now: datetime) -> bool:
    return FormToken.objects.filter(nonce=nonce, used_at=None).update(used_at=now) == 1


def _give_back(nonce: str) -> None:
    FormToken.objects.filter(nonce=nonce).update(used_at=None)


def _first_result(nonce: str, now: datetime) -> str:
    """What the first submit led to; waits for it while it is at work."""
    patience = time.monotonic() + policies.active(ClosingRules, now).form_wait
    while True:
        token = FormToken.objects.filter(nonce=nonce).first()
        if token is None or token.used_at is None:
            raise _refused()
        if token.outcome:
            return token.outcome
        if time.monotonic() >= patience:
            raise Conflict("ERR_FORM_BUSY", _("The first submit of this form is still at work. Load the page again."))
        time.sleep(_POLL)
