"""Each test of the record signs with a key and exports to a folder of its own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_places(settings, tmp_path):
    settings.AUDIT_KEY_FILE = tmp_path / "keys" / "audit.pem"
    settings.AUDIT_CHECKPOINT_DIR = tmp_path / "checkpoints"
