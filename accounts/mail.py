"""Mails about accounts: sent from outbox rows, which name the person only; the link is made when the mail is."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Store, User
from core.models import OutboxMessage
from core.outbox import handles


def password_link(user: User) -> str:
    """The address at which this person sets a new password; it works once, and until PASSWORD_RESET_TIMEOUT."""
    key = default_token_generator.make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key})
    return f"{settings.PUBLIC_URL}{path}"


def _send(user: User, subject: str, template: str, words: dict[str, Any]) -> None:
    text = render_to_string(template, words | {"user": user, "site": settings.PUBLIC_URL})
    send_mail(subject, text, None, [user.email])


@handles("accounts.password_mail", label=gettext_lazy("E-mail to set a password"))
def password_mail(message: OutboxMessage) -> None:
    """A link to set a new password. Nobody to send to any more: nothing is sent."""
    user = User.objects.filter(pk=message.payload["user"], is_active=True).first()
    if user is None:
        return
    with translation.override(message.payload.get("language") or settings.LANGUAGE_CODE):
        _send(user, _("Set a new password"), "accounts/mail/password.txt", {"link": password_link(user)})


@handles("accounts.invitation", label=gettext_lazy("E-mail with an invitation"))
def invitation(message: OutboxMessage) -> None:
    """Tell somebody that they are a member of a store; with a link for a password when they have none."""
    user = User.objects.filter(pk=message.payload["user"], is_active=True).first()
    store = Store.objects.filter(pk=message.payload["store"]).first()
    if user is None or store is None or not store.memberships.filter(user=user, is_active=True).exists():
        return
    link = "" if user.has_usable_password() else password_link(user)
    with translation.override(message.payload.get("language") or settings.LANGUAGE_CODE):
        subject = _("You work in %(store)s now") % {"store": store.label}
        _send(user, subject, "accounts/mail/invitation.txt", {"link": link, "store": store})
