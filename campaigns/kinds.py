"""The registry of kinds: what each allows. A kind is offered only when every part of the house can carry it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.kind_rules import KindRules, NoRules, PromotionRules, SpendAndSaveRules
from campaigns.models import Kind
from core.errors import FieldError, InvalidInput

Text = str | Promise


@dataclass(frozen=True, slots=True)
class KindSpec:
    """What a kind allows.

    `about`: one sentence for who chooses. `reviewed`: platform staff approve it before it starts. `item_prices`: each item carries a
    campaign price. `items_while_running`: items may be added after the start. `by_platform`: from the moment it is handed in, its settings
    are the platform's: only staff take it out of review, and the store neither edits nor moves it (R21). `sub_items`: its items are closed
    one by one (R4). `needs_items`: it is not handed in without one. `rules`: the schema of `rules`.
    """

    kind: Kind
    offered: bool
    about: Text = ""
    reviewed: bool = False
    item_prices: bool = True
    items_while_running: bool = False
    by_platform: bool = False
    sub_items: bool = False
    needs_items: bool = True
    rules: type[KindRules] = NoRules


_SPECS = (
    KindSpec(
        Kind.LIMITED_TIME_DISCOUNT,
        offered=True,
        items_while_running=True,
        about=_("Each product has its own campaign price for a time."),
    ),
    KindSpec(
        Kind.SPEND_AND_SAVE,
        offered=True,
        item_prices=False,
        items_while_running=True,
        rules=SpendAndSaveRules,
        about=_("An order that reaches an amount costs less; products keep their sale price."),
    ),
    KindSpec(
        Kind.PLATFORM_PROMOTION,
        offered=True,
        reviewed=True,
        by_platform=True,
        sub_items=True,
        rules=PromotionRules,
        about=_(
            "Enrol products in a promotion of the platform. Staff review it; once handed in, the store cannot stop it."
        ),
    ),
    KindSpec(
        Kind.FESTIVAL,
        offered=True,
        items_while_running=True,
        about=_("Products take part in a festival at a campaign price; a least number of them has to stay."),
    ),
    KindSpec(
        Kind.COUPON_DRIVE,
        offered=True,
        item_prices=False,
        items_while_running=True,
        needs_items=False,
        about=_("Coupons live and die with it; products are only shown with its tag and keep their sale price."),
    ),
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


def offered_specs() -> list[KindSpec]:
    """The kinds that can be created, with all that they allow."""
    return [one for one in _SPECS if one.offered]


def read_rules(found: KindSpec, rules: Mapping[str, Any], currency: str) -> tuple[dict[str, Any], list[FieldError]]:
    """A campaign's `rules` as they are kept (amounts as text with the currency's places), and what is wrong with them.

    The fields of the errors are `rules.…` as in the body; the rules are empty when there is any.
    """
    return found.rules.read(rules, currency)
