"""Sessions in the database, as Django keeps them; reading one settles the request's moment as well, which saves a round trip."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as Kept

from core import clock
from core.prepared import Prepared

_SESSION = Prepared(
    "SELECT session_data, clock_timestamp() FROM django_session"
    " WHERE session_key = %(key)s AND expire_date > clock_timestamp()",
    [("key", "text")],
)


class SessionStore(Kept):
    """The `SESSION_ENGINE`."""

    def _validate_session_key(self, key: str) -> bool:
        """Ours are letters and digits; what else a cookie may hold (a NUL, say) is no session, and must not reach the database."""
        return bool(super()._validate_session_key(key)) and key.isascii() and key.isalnum()  # type: ignore[misc]  # not in the stubs

    def load(self) -> dict[str, Any]:
        """What the session holds; nothing when there is no such session or its time is over."""
        found = _SESSION.rows({"key": self.session_key})
        if not found:
            self._session_key = None
            return {}
        data, moment = found[0]
        clock.adopt(moment)
        return self.decode(data)
