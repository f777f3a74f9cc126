"""One address for outgoing mail: `smtp://user:password@host:587?from=shop@example.com`, or `smtps://` for TLS from the first byte."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

PORTS = {"smtp": 587, "smtps": 465}
TIMEOUT = 10  # seconds; a silent mail server must not hold a request or a worker for longer


def parse_mail_url(url: str) -> dict[str, Any]:
    """Django's settings for an address of the form above.

    `smtp` turns to TLS with STARTTLS unless the query says `tls=no`. Raises ValueError that says what is wrong.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("must be smtp://user:password@host:587 or smtps://user:password@host:465")
    query = dict(parse_qsl(parts.query))
    found = {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and query.get("tls", "yes") != "no",
        "EMAIL_TIMEOUT": TIMEOUT,
    }
    if "from" in query:
        found["DEFAULT_FROM_EMAIL"] = found["SERVER_EMAIL"] = query["from"]
    return found
