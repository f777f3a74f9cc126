"""Serves the style page for the eye: `python -m tests.frontend.preview [PORT]`, then /style/, /list/, /door/account:login/."""

from __future__ import annotations

import os
import sys
from wsgiref.simple_server import make_server

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: E402 - after setup
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - after setup
from django.test import override_settings  # noqa: E402 - after setup

from core import clock  # noqa: E402 - after setup
from tests.frontend import style  # noqa: E402 - after setup
from tests.frontend.conftest import style_settings  # noqa: E402 - after setup


def main() -> None:
    """Serve until Ctrl-C."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8765
    with override_settings(**style_settings()), clock.freeze(style.NOW):
        server = make_server("127.0.0.1", port, StaticFilesHandler(WSGIHandler()))
        sys.stdout.write(f"http://127.0.0.1:{port}/style/\n")
        server.serve_forever()


if __name__ == "__main__":
    main()
