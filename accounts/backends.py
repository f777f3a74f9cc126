"""Who signs in, and who a session belongs to."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from accounts import visitors
from accounts.models import User


class Backend(AuthenticationBackend):
    """Sign-in by e-mail and password; the person of a session comes with stores and rights."""

    def get_user(self, user_id: Any) -> User | None:
        """The person, if active. One query."""
        user = visitors.read(int(user_id))
        return user if user is not None and self.user_can_authenticate(user) else None
