"""What django-allauth asks us: sign-up is closed, tries are counted before the hasher, mails go through the outbox."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.limits import Taken, TooMany, account_of, begin_sign_in
from accounts.models import User
from accounts.requests import client_ip
from core import outbox

security = logging.getLogger("accounts.security")


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by owners and platform staff only."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("E-mail or password is wrong. Look at the keyboard's language and Caps Lock."),
        "incorrect_password": _("The password is wrong."),
        "enter_current_password": _("The current password is wrong."),
        "invalid_password_reset": _("This link is used up or too old. Ask for a new one."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Ours: allauth raises when a proxy's header is missing."""
        return client_ip(request)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Count the try, then look at the password; an honest try is given back. Raises TooMany (429).

        Others are logged (ASVS 16.3.1): the account by its keyed hash, so that the log names nobody, yet tries of one belong together.
        """
        email = str(credentials.get("email") or "")
        try:
            taken: Taken = begin_sign_in(request, email)
        except TooMany:
            _log("sign-in held back", request, email)
            raise
        user = super().authenticate(request, **credentials)
        if user:
            taken.give_back()
        else:
            _log("sign-in failed", request, email)
        return user

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Ours counts in `authenticate`; allauth's own counter is not atomic."""

    def _rollback_login_failed_rl_usage(self) -> None:
        """Nothing of allauth's was used."""

    def reauthenticate(self, user: Any, password: str) -> bool:
        """Whether the person signed in knows the password; counted like a sign-in."""
        found = self.authenticate(self.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """None: changes of a password are in the audit log."""


def _log(what: str, request: HttpRequest, email: str) -> None:
    security.warning("%s: account %s, address %s", what, account_of(email)[:12], client_ip(request) or "unknown")


def invite_to_set_password(user: User | None) -> None:
    """Have a mail with a link for a new password sent, through the outbox: no secret in the row.

    For nobody, the same work and no mail: whoever delivers it finds no person.
    """
    outbox.put("accounts.password_mail", {"user": user.pk if user else 0, "language": get_language() or ""})
