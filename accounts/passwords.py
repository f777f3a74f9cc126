"""What a password must not be, beyond Django's rules: a common word with figures around it, a row of keys, few characters over and over."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)
_FEWEST = 6
_EDGES = "0123456789!@#$%^&*()-_=+.,;:?/ "


class GuessablePasswordValidator:
    """Refuses what guessing tools try first. No list of breached passwords: the server works offline."""

    def __init__(self) -> None:
        self.common = CommonPasswordValidator().passwords

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError."""
        text = password.casefold()
        core = text.strip(_EDGES)
        rows = [row for forward in _ROWS for row in (forward, forward[::-1])]
        if (
            len(set(text)) < _FEWEST
            or len(core) < 4
            or core in self.common
            or any(core in row or text in row for row in rows)
        ):
            raise ValidationError(self.get_help_text(), code="password_guessable")

    def get_help_text(self) -> str:
        """The rule in words."""
        return _(
            "Not a common word with figures around it, a row of keys, or few characters over and over: better several words."
        )
