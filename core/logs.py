"""Lines of the log: one for each message, whatever a client sent (ASVS 16.4.1)."""

from __future__ import annotations

import logging

#: Control characters, and the signs that some readers take for the end of a line, as they are written in a string.
_SEEN = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {0x2028: "\\u2028", 0x2029: "\\u2029"}


class OneLine(logging.Formatter):
    """Writes control characters as `\\x0a`, so that no address or header forges a line of its own; tracebacks keep theirs."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The line without the traceback."""
        return super().formatMessage(record).translate(_SEEN)
