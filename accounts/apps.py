"""The room's place in Django."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out


class AccountsConfig(AppConfig):
    """Floor 3: users, stores, memberships, lent rights, API tokens."""

    name = "accounts"

    def ready(self) -> None:
        """Join sign-in and the outbox. The modules need the models, so they load here."""
        import_module("accounts.mail")
        import_module("audit.reading").call_people(import_module("accounts.requests").names_of)
        receivers, sessions = import_module("accounts.receivers"), import_module("accounts.sessions")
        allauth = import_module("allauth.account.signals")
        user_logged_in.connect(sessions.begin, dispatch_uid="accounts.session")
        allauth.user_logged_in.connect(receivers.signed_in, dispatch_uid="accounts.signed_in")
        user_logged_out.connect(receivers.signed_out, dispatch_uid="accounts.signed_out")
        for signal in (allauth.password_changed, allauth.password_set, allauth.password_reset):
            signal.connect(receivers.password_changed, dispatch_uid="accounts.password_changed")
