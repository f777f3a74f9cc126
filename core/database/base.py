"""Django's PostgreSQL backend with a cheap answer to “is this kept connection whole?”, and moments read by Python's own parser.

Django asks once a request with `SELECT 1`: a round trip, a third of what a public page costs. A server that stops, restarts or ends a
connection closes it, and a closed connection is one on which something can be read; on a whole and idle one nothing can. So that is looked
at first, without leaving the process, and only a connection that has something to say is asked.

Django's loader of `timestamptz` takes its texts apart with a regular expression, which costs many times what `datetime.fromisoformat`
does: much where thousands of rows are read at once.
"""

from __future__ import annotations

import select
from datetime import datetime
from typing import Any

from django.db.backends.postgresql import base, psycopg_any


class MomentLoader(psycopg_any.BaseTzLoader):
    """Reads a `timestamptz`; what Python's parser does not know (infinity, years before Christ) is left to psycopg."""

    def load(self, data: Any) -> datetime:
        """The moment, in the zone of the connection."""
        try:
            return datetime.fromisoformat(str(data, "ascii")).astimezone(self.timezone)
        except ValueError:
            moment: datetime = super().load(data)
            return moment


class DatabaseWrapper(base.DatabaseWrapper):
    """The connection."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open a connection that reads moments by `MomentLoader`."""
        connection = super().get_new_connection(conn_params)
        if self.timezone is not None:
            loader = type("ZonedMomentLoader", (MomentLoader,), {"timezone": self.timezone})
            connection.adapters.register_loader("timestamptz", loader)
        return connection

    def is_usable(self) -> bool:
        """Whether a query could be sent over it."""
        raw = self.connection
        if raw is None or raw.closed:
            return False
        poll = select.poll()
        poll.register(raw.fileno(), select.POLLIN)
        return super().is_usable() if poll.poll(0) else True
