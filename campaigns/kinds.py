"""The registry of kinds: what each allows. A kind is offered only when every part of the house can carry it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, ValidationError

from campaigns.models import Kind
from core.errors import FieldError, InvalidInput

Text = str | Promise


class NoRules(BaseModel):
    """A kind without rules of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class KindSpec:
    """What a kind allows.

    `reviewed`: platform staff approve it before it starts. `item_prices`: each item carries a campaign price. `items_while_running`:
    items may be added after the start. `staff_withdraw`: only staff take it out of review. `rules`: the schema of `rules`.
    """

    kind: Kind
    offered: bool
    reviewed: bool = False
    item_prices: bool = True
    items_while_running: bool = False
    staff_withdraw: bool = False
    rules: type[BaseModel] = NoRules


_SPECS = (
    KindSpec(Kind.LIMITED_TIME_DISCOUNT, offered=True, items_while_running=True),
    KindSpec(Kind.SPEND_AND_SAVE, offered=False, item_prices=False),
    KindSpec(Kind.PLATFORM_PROMOTION, offered=False, reviewed=True, staff_withdraw=True),
    KindSpec(Kind.FESTIVAL, offered=False, items_while_running=True),
    KindSpec(Kind.COUPON_DRIVE, offered=False, item_prices=False),
)
SPECS: dict[str, KindSpec] = {str(spec.kind): spec for spec in _SPECS}


def spec(kind: str) -> KindSpec:
    """The spec of a kind that exists in the database, offered or not."""
    return SPECS[kind]


def offered(kind: str) -> KindSpec:
    """The spec of a kind for a new campaign. Raises InvalidInput (ERR_KIND_NOT_OFFERED) when it is unknown or not offered."""
    found = SPECS.get(kind)
    if found is None or not found.offered:
        known = ", ".join(str(one.kind) for one in _SPECS if one.offered)
        message = _("This kind is not offered. Offered: %(kinds)s") % {"kinds": known}
        raise InvalidInput(message, [FieldError("kind", "ERR_KIND_NOT_OFFERED", message)], code="ERR_KIND_NOT_OFFERED")
    return found


def offered_kinds() -> list[tuple[str, Text]]:
    """(value, label) of the kinds that can be created, for forms and filters."""
    return [(str(one.kind), one.kind.label) for one in _SPECS if one.offered]


def check_rules(found: KindSpec, rules: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with a campaign's `rules` by its kind's schema; an empty list when nothing is."""
    try:
        found.rules.model_validate(dict(rules))
    except ValidationError as error:
        return [
            FieldError(".".join(["rules", *(str(part) for part in item["loc"])]), "ERR_RULES", item["msg"])
            for item in error.errors()
        ]
    return []
