"""Hashed and compressed static files: every name that a page or another file uses leads somewhere."""

from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import override_settings

HASHED = {"staticfiles": {"BACKEND": "backoffice.static_storage.HashedStorage"}}


@pytest.fixture
def collected(tmp_path):
    with override_settings(STATIC_ROOT=tmp_path, STORAGES=HASHED):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield tmp_path


def test_modules_import_hashed_names_that_exist(collected):
    entry = staticfiles_storage.url("app/app.js")
    assert re.fullmatch(r"/static/app/app\.[0-9a-f]{12}\.js", entry)
    text = (collected / entry.removeprefix("/static/")).read_text()
    imported = re.findall(r'import\s*"(?:\./)?([\w.]+)"', text)
    assert len(imported) == 5
    for name in imported:
        assert re.fullmatch(r"\w+\.[0-9a-f]{12}\.js", name)
        assert (collected / "app" / name).exists()
    stylesheet = collected / staticfiles_storage.url("app/app.css").removeprefix("/static/")
    assert stylesheet.with_name(stylesheet.name + ".gz").exists()


def test_what_was_not_collected_keeps_its_plain_name(tmp_path):
    with override_settings(STATIC_ROOT=tmp_path, STORAGES=HASHED):
        assert staticfiles_storage.url("app/app.css") == "/static/app/app.css"
