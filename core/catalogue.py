"""The compiled catalogue: made from the text one when it is missing or older, so that nobody has to remember to."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

logger = logging.getLogger(__name__)


def compile_catalogue(source: Path) -> bool:
    """Write `django.mo` beside `django.po`, whole or not at all; answers False where the folder may not be written."""
    with source.open("rb") as file:
        catalogue = read_po(file, locale=source.parent.parent.name)
    try:
        handle, name = tempfile.mkstemp(dir=source.parent, suffix=".part.mo")
    except OSError:
        return False
    with os.fdopen(handle, "wb") as file:
        write_mo(file, catalogue)
    os.chmod(name, 0o644)
    os.replace(name, source.with_suffix(".mo"))
    return True


def ensure_compiled(folders: list[Path]) -> None:
    """Compile each catalogue under `folders` whose compiled form is missing or older than its text."""
    for folder in folders:
        for source in Path(folder).glob("*/LC_MESSAGES/django.po"):
            compiled = source.with_suffix(".mo")
            if compiled.exists() and compiled.stat().st_mtime_ns >= source.stat().st_mtime_ns:
                continue
            if not compile_catalogue(source):
                logger.warning("%s is older than its text and may not be written", compiled)
