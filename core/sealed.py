"""Secrets and addresses at rest: texts sealed with the installation's key (AES-256-GCM), so that a copy of the database alone reads none.

What was sealed for one purpose opens for no other. After a change of `SECRET_KEY` nothing opens any more: it is entered anew.
"""

from __future__ import annotations

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_FORM = b"\x01"
_NONCE = 12


class SealBrokenError(Exception):
    """It was sealed with another key, for another purpose, or was altered."""


def seal(purpose: str, text: str) -> bytes:
    """The text, sealed; twice the same text gives two different seals."""
    nonce = os.urandom(_NONCE)
    return _FORM + nonce + _cipher().encrypt(nonce, text.encode(), purpose.encode())


def unseal(purpose: str, sealed: bytes | memoryview) -> str:
    """The text again. Raises SealBrokenError."""
    kept = bytes(sealed)
    if kept[:1] != _FORM:
        raise SealBrokenError
    nonce, rest = kept[1 : 1 + _NONCE], kept[1 + _NONCE :]
    try:
        return _cipher().decrypt(nonce, rest, purpose.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise SealBrokenError from error


def _cipher() -> AESGCM:
    return AESGCM(hmac.digest(settings.SECRET_KEY.encode(), b"core.sealed", "sha256"))
