"""Types of the fields of bodies: strict, so that nothing is guessed; moments and money as the API writes them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from core import clock

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
BIGGEST = 2**31 - 1


class Body(BaseModel):
    """A JSON object from a client: unknown fields and guessed types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(BaseModel):
    """A JSON object for a client; it only documents what `api.present` builds, and tests hold the two together."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


def read_moment(value: Any) -> datetime:
    """An RFC 3339 time with its offset, as UTC. Raises PydanticCustomError with our code and words for people."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise PydanticCustomError("ERR_TIME_FORMAT", _("Write the time as 2026-11-27T08:00:00Z."))
    try:
        return clock.utc(datetime.fromisoformat(value.upper().replace(" ", "T")))
    except (ValueError, OverflowError):
        raise PydanticCustomError("ERR_TIME_FORMAT", _("There is no such moment.")) from None


def write_moment(moment: datetime | None) -> str | None:
    """`2026-11-27T08:00:00Z`; fractions of a second only where there are some."""
    return None if moment is None else clock.rfc3339(moment)


def optional(**checks: Any) -> Any:
    """A field that may be left out, and that is not null when it is there; use `exclude_unset` to see which are there."""
    return Field(default=None, **checks)


Moment = Annotated[
    datetime,
    BeforeValidator(read_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-27T08:00:00Z"]}),
]
Amount = Annotated[
    str,
    Field(
        min_length=1,
        max_length=32,
        description=gettext_noop("Money as text, with the places of its currency."),
        examples=["12.50"],
        json_schema_extra={
            "pattern": r"^\d{1,10}(\.\d{1,3})?$"
        },  # described here, proven with its own words by money.parse
    ),
]
Count = Annotated[int, Field(ge=0, le=BIGGEST)]
Version = Annotated[
    int | None,
    Field(
        ge=1,
        le=BIGGEST,
        description=gettext_noop("The version that was read; a stale one is refused with 409 and the current object."),
    ),
]
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-27T08:00:00Z"]})]
Money = Annotated[str, WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["12.50"]})]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["USD"])]
