"""What a sending says: a text with places for the coupon's own values, one or two languages, the parts of an SMS (R81).

Places are `{coupon}`, `{value}` and so on. They are put in by plain replacement: no text is a format string, and a value that holds braces
stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import display
from core.errors import FieldError
from coupons.models import Channel, Coupon, Sending
from policies.rules import SendingRules

CODE = "ERR_SENDING_TEXT"
LANGUAGES = {"zh": "zh-hans", "en": "en"}

#: The places, and what people read about each.
PLACES: Mapping[str, str | Promise] = {
    "coupon": gettext_lazy("name of the coupon"),
    "value": gettext_lazy("face value"),
    "minimum": gettext_lazy("minimum order amount"),
    "until": gettext_lazy("until when it is valid"),
    "code": gettext_lazy("the code that buyers enter"),
    "claim": gettext_lazy("the number of the buyer's own coupon"),
    "store": gettext_lazy("name of the store"),
}
_PLACE = re.compile(r"\{([^{}]*)\}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

#: GSM 03.38: what fits into seven bits; those of the second line take two places.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("^{}\\[~]|€\f")
_GSM_ONE, _GSM_EACH, _WIDE_ONE, _WIDE_EACH = 160, 153, 70, 67


@dataclass(frozen=True, slots=True)
class Text:
    """The text as it was written; empty languages are left out of the message."""

    subject_en: str = ""
    subject_zh: str = ""
    text_en: str = ""
    text_zh: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What one recipient gets."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Parts:
    """How an SMS is counted: `units` of the alphabet it needs, in so many parts."""

    wide: bool
    units: int
    parts: int


def clean(raw: str) -> str:
    """A text with plain line ends and nothing around it."""
    return raw.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").strip()


def faults(text: Text, channel: str, rules: SendingRules) -> list[FieldError]:
    """What is wrong with a text, under its fields."""
    found: list[FieldError] = []
    if not (text.text_en or text.text_zh):
        found.append(FieldError("text_en", CODE, _("Write the text in one language at least.")))
    for language in LANGUAGES:
        body: str = getattr(text, f"text_{language}")
        subject: str = getattr(text, f"subject_{language}")
        found += _fault(f"text_{language}", body, rules.text_length)
        if channel != Channel.EMAIL:
            continue
        found += _fault(f"subject_{language}", subject, rules.subject_length)
        if "\n" in subject:
            found.append(FieldError(f"subject_{language}", CODE, _("A subject is one line.")))
        if body and not subject:
            found.append(FieldError(f"subject_{language}", CODE, _("An e-mail needs a subject in this language.")))
    return found


def _fault(field: str, text: str, longest: int) -> list[FieldError]:
    if _CONTROL.search(text):
        return [FieldError(field, CODE, _("This holds a control character; type it again."))]
    if len(text) > longest:
        words = _("At most %(longest)s characters; these are %(length)s.")
        return [FieldError(field, CODE, words % {"longest": longest, "length": len(text)})]
    if wrong := next((name for name in _PLACE.findall(text) if name not in PLACES), None):
        places = display.series(f"{{{name}}}" for name in PLACES)
        words = _("“%(name)s” is no place that is filled in. There are: %(places)s.")
        return [FieldError(field, CODE, words % {"name": f"{{{wrong[:40]}}}", "places": places})]
    return []


def too_long(coupon: Coupon, text: Text, rules: SendingRules) -> list[FieldError]:
    """The fault of an SMS that, filled in, has more parts than the policy allows."""
    counted = count(render(coupon, text, claim="K" * 13).text)
    if counted.parts <= rules.sms_segments:
        return []
    words = _("Filled in, this SMS has %(parts)s parts; at most %(most)s are allowed.")
    return [
        FieldError(
            "text_en" if text.text_en else "text_zh", CODE, words % {"parts": counted.parts, "most": rules.sms_segments}
        )
    ]


def of(sending: Sending) -> Text:
    """The text that a sending keeps."""
    return Text(sending.subject_en, sending.subject_zh, sending.text_en, sending.text_zh)


def render(coupon: Coupon, text: Text, *, claim: str) -> Message:
    """The message of one recipient: both languages below each other where both were written."""
    subjects, bodies = [], []
    for language, code in LANGUAGES.items():
        body: str = getattr(text, f"text_{language}")
        if not body:
            continue
        with translation.override(code):
            fill = _filler(_values(coupon, claim))
        bodies.append(_PLACE.sub(fill, body))
        subjects.append(_PLACE.sub(fill, getattr(text, f"subject_{language}")))
    subject = " / ".join(one for one in subjects if one)
    return Message(" ".join(subject.split()), "\n\n".join(bodies))


def _filler(values: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    return lambda found: values.get(found[1], found[0])


def _values(coupon: Coupon, claim: str) -> dict[str, str]:
    store = coupon.store
    zone = display.zone(store.time_zone)
    every = {
        "coupon": coupon.label,
        "value": display.money(coupon.face_value, coupon.currency),
        "minimum": display.money(coupon.min_order, coupon.currency),
        "until": f"{display.stamp(coupon.ends_at.astimezone(zone))} {display.zone_label(zone, coupon.ends_at)}",
        "code": coupon.code,
        "claim": claim,
        "store": store.label,
    }
    return {name: " ".join(_CONTROL.sub(" ", value).split()) for name, value in every.items()}


def count(text: str) -> Parts:
    """How many parts an SMS has: 160 places of seven bits or 70 of sixteen, a few less each when it is split."""
    if all(sign in _GSM or sign in _GSM_TWICE for sign in text):
        units = sum(2 if sign in _GSM_TWICE else 1 for sign in text)
        wide, one, each = False, _GSM_ONE, _GSM_EACH
    else:
        units = len(text.encode("utf-16-le")) // 2
        wide, one, each = True, _WIDE_ONE, _WIDE_EACH
    return Parts(wide, units, 1 if units <= one else -(-units // each))
