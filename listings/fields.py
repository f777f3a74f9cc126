"""Reading the values that people and machines send: each answers the clean value, or a FieldError that says what is wrong.

Whatever arrives is hostile until proven: text of the wrong type, NUL bytes, half of a surrogate pair, a quantity of 10^400.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import TypeVar
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from core.errors import FieldError
from core.money import currencies
from policies.rules import ListingRules

T = TypeVar("T")

#: As many digits as a 64-bit number has: `int()` of a longer text costs time that a stranger would choose.
_DIGITS = re.compile(r"[+-]?\d{1,19}", re.ASCII)
#: Control characters, and halves of surrogate pairs, which no database text can hold. Line ends and tabs are folded to spaces before.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?", re.ASCII)
_IMAGE_PATH = re.compile(r"/?[A-Za-z0-9_][A-Za-z0-9_./-]*", re.ASCII)


def text(value: object, field: str, *, longest: int, required: str = "") -> str | FieldError:
    """One line of text: NFC, white space folded. `required` is the code of the refusal when nothing is left."""
    if value is None:
        value = ""
    if not isinstance(value, str):
        return FieldError(field, "ERR_TYPE", _("This must be text."))
    if _CONTROL.search(value):
        return FieldError(field, "ERR_TEXT_CHARACTER", _("This holds a control character; type it again."))
    clean = unicodedata.normalize("NFC", _SPACES.sub(" ", value).strip())
    if required and not clean:
        return FieldError(field, required, _("This must not be empty."))
    if len(clean) > longest:
        return FieldError(
            field,
            "ERR_LENGTH",
            _("At most %(longest)s characters; these are %(length)s.") % {"longest": longest, "length": len(clean)},
        )
    return clean


@lru_cache(maxsize=8)
def _patterns(sku_pattern: str, sku_allowed: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(sku_pattern), re.compile(sku_allowed)


def sku_code(value: object, field: str, rules: ListingRules) -> str | FieldError:
    """A SKU code: letters, digits and hyphens (R90). The refusal shows the character that is not allowed, letter by letter.

    Nothing is folded or upper-cased: codes differ by case.
    """
    if not isinstance(value, str) or not (code := value.strip()):
        return FieldError(field, "ERR_SKU_MISSING", _("A SKU code must not be empty."))
    whole, allowed = _patterns(rules.sku_pattern, rules.sku_allowed)
    if len(code) > rules.sku_max_length:
        return FieldError(
            field,
            "ERR_SKU_LENGTH",
            _("A SKU code has at most %(longest)s characters.") % {"longest": rules.sku_max_length},
        )
    if whole.fullmatch(code):
        return code
    wrong = next((sign for sign in code if not allowed.fullmatch(sign)), code[0])
    return FieldError(
        field,
        "ERR_SKU_CHARACTER",
        _(
            "“%(code)s” holds “%(sign)s”; a SKU code has letters, digits and hyphens only, and does not begin with a hyphen."
        )
        % {"code": printable(code), "sign": printable(wrong)},
    )


def printable(raw: str, longest: int = 80) -> str:
    """Text as it may be shown: control characters by their number, cut to `longest` characters."""
    shown = _CONTROL.sub(lambda found: f"U+{ord(found[0]):04X}", raw)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def whole_number(value: object, field: str, *, least: int, most: int, code: str = "ERR_QUANTITY") -> int | FieldError:
    """A whole number between `least` and `most`: an int, or text of digits (`12`, also `12.0` as spreadsheets write it)."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return FieldError(field, code, _("This must be a whole number."))
    if isinstance(value, str):
        digits = value.strip()
        digits = digits[:-2] if digits.endswith(".0") else digits
        if not _DIGITS.fullmatch(digits):
            return FieldError(field, code, _("“%(text)s” is not a whole number.") % {"text": printable(value, 40)})
        value = int(digits)
    if not least <= value <= most:
        return FieldError(
            field, code, _("This must be between %(least)s and %(most)s.") % {"least": least, "most": most}
        )
    return value


def currency_code(value: object, field: str) -> str | FieldError:
    """A code of ISO 4217."""
    if isinstance(value, str) and value in currencies():
        return value
    return FieldError(
        field,
        "ERR_CURRENCY_UNKNOWN",
        _("“%(text)s” is not a currency of ISO 4217, such as USD.") % {"text": printable(str(value), 12)},
    )


def choice(value: object, field: str, allowed: Collection[str], code: str) -> str | FieldError:
    """One of a few words."""
    if isinstance(value, str) and value in allowed:
        return str(value)
    return FieldError(
        field,
        code,
        _("“%(text)s” is not one of: %(choices)s.")
        % {"text": printable(str(value), 40), "choices": ", ".join(sorted(allowed))},
    )


def titles(value: object, field: str, rules: ListingRules) -> tuple[dict[str, str], list[FieldError]]:
    """Titles by language, such as `{"en": "…", "zh": "…"}`; empty ones are left out. Answers what is good and what is wrong."""
    if value is None:
        return {}, []
    if not isinstance(value, dict):
        return {}, [FieldError(field, "ERR_TYPE", _("This must be titles by language."))]
    if len(value) > rules.languages_per_listing:
        most = {"most": rules.languages_per_listing}
        return {}, [FieldError(field, "ERR_LANGUAGE", _("At most %(most)s languages.") % most)]
    good: dict[str, str] = {}
    wrong: list[FieldError] = []
    for language, title in value.items():
        if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
            shown = printable(str(language), 12)
            wrong.append(FieldError(field, "ERR_LANGUAGE", _("“%(text)s” is not a language code.") % {"text": shown}))
            continue
        clean = text(title, f"{field}.{language}", longest=rules.title_max_length)
        if isinstance(clean, FieldError):
            wrong.append(clean)
        elif clean:
            good[language] = clean
    return good, wrong


def image(value: object, field: str) -> str | FieldError:
    """A picture's address: http(s), or the name of a file in our own store of pictures. Anything else could run or climb."""
    clean = text(value, field, longest=200)
    if isinstance(clean, FieldError) or not clean:
        return clean
    try:
        parts = urlsplit(clean)
        good = (parts.scheme in {"http", "https"} and bool(parts.hostname)) or (
            _IMAGE_PATH.fullmatch(clean) is not None and ".." not in clean and "//" not in clean
        )
    except ValueError:
        good = False
    return clean if good else FieldError(field, "ERR_IMAGE_ADDRESS", _("This is not the address of a picture."))


class Findings:
    """Collects every error of one input, so that all come back at once."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def take(self, found: T | FieldError, otherwise: T) -> T:
        """The clean value; or note the error and go on with `otherwise`."""
        if isinstance(found, FieldError):
            self.errors.append(found)
            return otherwise
        return found

    def add(self, field: str, code: str, message: str) -> None:
        """Note an error."""
        self.errors.append(FieldError(field, code, message))
