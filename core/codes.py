"""Public codes such as C-7F3KQ: Crockford base 32, no look-alikes, typed by people (R6)."""

from __future__ import annotations

import re
import secrets
import unicodedata

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES = str.maketrans("OIL", "011")
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")


def new_code(prefix: str, length: int = 5) -> str:
    """A random code such as `C-7F3KQ` for the prefix `C`; uniqueness is the database's to hold."""
    return f"{prefix}-{''.join(secrets.choice(ALPHABET) for _ in range(length))}"


def normalise(typed: str) -> str:
    """Bring a typed code to its canonical form.

    NFKC (input methods emit full-width letters), upper case, look-alikes O→0, I/L→1 in the body, any dash or none.
    Answers an empty string for input that is no code.
    """
    text = _SEPARATORS.sub("", unicodedata.normalize("NFKC", typed)).upper()
    if len(text) < 2:
        return ""
    head, body = text[0], text[1:].translate(_LOOKALIKES)
    return f"{head}-{body}"


def same(typed: str, code: str) -> bool:
    """Whether a typed code means `code`."""
    return bool(typed) and secrets.compare_digest(normalise(typed).encode(), normalise(code).encode())
