"""The WSGI application that granian serves."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from backoffice.servers.guard import follow_supervisor

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

application = get_wsgi_application()
# Loaded in each web worker after the fork: a killed main process takes its workers with it.
follow_supervisor()
