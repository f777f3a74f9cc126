"""Uploads: a file, and how its columns are called."""

from __future__ import annotations

from typing import cast

import orjson
from django.utils.translation import gettext as _
from ninja.files import UploadedFile

from core.errors import FieldError, InvalidInput
from listings.uploads import Upload

_LONGEST = 20_000


def upload(file: UploadedFile) -> Upload:
    """The file as the rooms take it."""
    return cast(Upload, file)


def mapping_of(text: str) -> dict[str, str]:
    """`{"COLUMN": "field"}` from a form's text; nothing for an empty one. Raises InvalidInput for anything else."""
    if not text.strip():
        return {}
    try:
        found = orjson.loads(text) if len(text) <= _LONGEST else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        words = _('Write the mapping as a JSON object from columns to fields, such as {"Product code": "sku"}.')
        raise InvalidInput(words, [FieldError("mapping", "ERR_FORMAT", words)])
    return found
