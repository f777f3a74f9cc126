"""Settings and a server for the style page: real templates, real static files, no database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from core import clock
from tests.frontend import style

HERE = Path(__file__).parent


def style_settings() -> dict[str, Any]:
    """The project's settings with the style page's addresses and without what needs a database."""
    templates = deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"] = [*templates[0]["DIRS"], HERE / "templates"]
    templates[0]["OPTIONS"]["context_processors"] = [
        "django.template.context_processors.request",
        "tests.frontend.style_urls.frame",
    ]
    wanted = ("CSPMiddleware", "LocaleMiddleware", "CommonMiddleware", "CsrfViewMiddleware", "HtmxMiddleware")
    return {
        "ROOT_URLCONF": "tests.frontend.style_urls",
        "TEMPLATES": templates,
        "MIDDLEWARE": [name for name in settings.MIDDLEWARE if name.endswith(wanted)],
        "STORAGES": {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
        "ALLOWED_HOSTS": ["*"],
    }


@pytest.fixture
def style_site() -> Iterator[None]:
    """The style page's addresses, the clock still."""
    with override_settings(**style_settings()), clock.freeze(style.NOW):
        yield


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def style_server(style_site: None) -> Iterator[str]:
    """The style page over HTTP; answers its address."""
    server = make_server("127.0.0.1", 0, StaticFilesHandler(WSGIHandler()), handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
