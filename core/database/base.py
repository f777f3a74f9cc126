"""Django's PostgreSQL backend with a cheap answer to “is this kept connection whole?”.

Django asks once a request with `SELECT 1`: a round trip, a third of what a public page costs. A server that stops, restarts or ends a
connection closes it, and a closed connection is one on which something can be read; on a whole and idle one nothing can. So that is looked
at first, without leaving the process, and only a connection that has something to say is asked.
"""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """The connection."""

    def is_usable(self) -> bool:
        """Whether a query could be sent over it."""
        raw = self.connection
        if raw is None or raw.closed:
            return False
        poll = select.poll()
        poll.register(raw.fileno(), select.POLLIN)
        return super().is_usable() if poll.poll(0) else True
