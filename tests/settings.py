"""Settings of the tests: the project's own, on servers of the tests' own, untouched by the caller's shell."""

from __future__ import annotations

import os
from pathlib import Path

from backoffice.env import BASE_DIR, Environment, environment

# Only the servers may come from outside (CI with its own PostgreSQL); everything else is what the code says.
_KEPT = {"database_url", "redis_url", "backoffice_data_dir"}
for _name in set(Environment.model_fields) - _KEPT:
    for _spelling in (_name, _name.upper()):
        os.environ.pop(_spelling, None)
_data_dir = Path(os.environ.get("BACKOFFICE_DATA_DIR", BASE_DIR / "var")).absolute()
if _data_dir.name != "test":  # a worker of pytest-xdist inherits what its parent set
    os.environ["BACKOFFICE_DATA_DIR"] = str(_data_dir / "test")
environment.cache_clear()

from backoffice.settings import *  # noqa: E402, F403 - after the environment is the tests' own

# Sign-ins are many in tests and their strength is not what is tested.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# The rule sets are read once a process: a look at their table must not show among the queries that a test counts.
POLICIES_TTL = 10**9

# Whitenoise warns about a folder that is not there, and a warning fails a test.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405 - of the settings taken over above

# Public pages are read in this process: no socket, the same rows as the test.
PROBE_TRANSPORT = "wsgi"

# No test asks for a static file here, and each test client would look through the folders of all of them anew.
WHITENOISE_USE_FINDERS = False

# Static files are served as they lie; their hashing has a test of its own.
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"  # noqa: F405 - of the settings taken over above
