"""Two writers may meet on the same pages in a way the database can only solve by ending one; that one tries again unseen."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import connection
from django.db.utils import OperationalError
from psycopg import errors

T = TypeVar("T")
ATTEMPTS = 4
RETRIED = (errors.DeadlockDetected, errors.SerializationFailure)


def retried(work: Callable[[], T]) -> T:
    """Run `work`, a whole transaction, again when the database ended it for a deadlock. Inside a transaction it runs once."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work()
        except OperationalError as error:
            last = attempt == ATTEMPTS or connection.in_atomic_block
            if last or not is_passing(error):
                raise
            time.sleep(0.02 * attempt * (0.5 + random.random()))  # noqa: S311 - jitter, not a secret
    raise AssertionError("unreachable")


def is_passing(error: OperationalError) -> bool:
    """Whether the database ended the transaction for a deadlock, so that doing it again helps."""
    return isinstance(error.__cause__, RETRIED)
