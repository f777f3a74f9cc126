"""Single-use codes as texts: made, recognised, never kept (R81, docs/decisions/0017).

The n-th code of a batch is worked out from the installation's key, the batch's salt and n: five random bits a character, in Crockford's
base 32. What is kept is the SHA-256 of a code, cut to 128 bits: it recognises a code, and no code comes back from it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterator
from uuid import UUID

from django.conf import settings

from core.codes import ALPHABET

GROUP = 5
_RFC = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD = bytes.maketrans(_RFC, ALPHABET.encode())
_LOOKALIKES = str.maketrans("OIL", "011")
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")
_SHAPE = re.compile(f"[{ALPHABET}]{{16,40}}", re.ASCII)
_PURPOSE = b"coupons.single_codes"


def plain_codes(salt: bytes | memoryview, length: int, first: int, after: int) -> Iterator[str]:
    """The codes number `first` up to `after` of a batch, without hyphens."""
    key = hmac.digest(settings.SECRET_KEY.encode(), _PURPOSE + bytes(salt), "sha256")
    for n in range(first, after):
        random = hmac.digest(key, n.to_bytes(8, "big"), "sha256")
        yield base64.b32encode(random[:25])[:length].translate(_CROCKFORD).decode()


def shown(code: str) -> str:
    """In groups of five, as people read and type it."""
    return "-".join(code[place : place + GROUP] for place in range(0, len(code), GROUP))


def normalise(typed: str) -> str:
    """A typed code without hyphens, look-alikes made right; empty for what cannot be a single-use code."""
    text = _SEPARATORS.sub("", unicodedata.normalize("NFKC", typed)).upper().translate(_LOOKALIKES)
    return text if _SHAPE.fullmatch(text) else ""


def digest(code: str) -> UUID:
    """What recognises a code (without hyphens)."""
    return UUID(bytes=hashlib.sha256(code.encode()).digest()[:16])
