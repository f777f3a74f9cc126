"""The terms of each kind, as `rules` of a campaign hold them (R14): read from outside, kept as plain JSON.

Amounts are kept as text with exactly the places of the store's currency, so that the record, the page and the order say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core import money
from core.errors import FieldError

Read = tuple[dict[str, Any], list[FieldError]]


class KindRules(BaseModel):
    """Terms of a campaign. A subclass says what its kind asks for; anything else is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @classmethod
    def read(cls, given: Mapping[str, Any], currency: str) -> Read:
        """The terms as they are kept, and every fault with its field below `rules`; empty terms when there is a fault."""
        try:
            terms = cls.model_validate(dict(given))
        except ValidationError as error:
            return {}, [
                FieldError(".".join(["rules", *(str(part) for part in item["loc"])]), "ERR_RULES", _words(item))
                for item in error.errors()
            ]
        return terms.checked(currency)

    def checked(self, currency: str) -> Read:
        """What the shape alone cannot say: amounts in the store's currency, and how they go together."""
        return self.model_dump(mode="json", exclude_defaults=True), []


def _words(item: Mapping[str, Any]) -> str:
    """A fault of the shape in words of ours; the library's for the rare ones."""
    known = {
        "missing": _("This is needed."),
        "extra_forbidden": _("This kind has no such term."),
        "string_too_short": _("This is needed."),
    }
    return known.get(str(item["type"])) or str(item["msg"])


class NoRules(KindRules):
    """A kind without terms of its own."""


class PromotionRules(KindRules):
    """A platform promotion: where it takes place."""

    venue: str = Field(min_length=1, max_length=80)


#: What an amount may come as; it is read as text, never as a binary fraction.
Amount = Decimal | int | str


class Step(BaseModel):
    """A higher threshold with a higher discount."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: Amount
    discount: Amount


class SpendAndSaveRules(KindRules):
    """Spend `threshold`, save `discount`; further steps; from where shipping is free; what comes as a gift (R14)."""

    threshold: Amount
    discount: Amount
    steps: tuple[Step, ...] = Field(default=(), max_length=4)
    free_shipping_threshold: Amount | None = None
    gifts: tuple[str, ...] = Field(default=(), max_length=10)

    def checked(self, currency: str) -> Read:
        """Amounts in the currency; each step above the one before; a discount below its threshold; gifts with a name."""
        faults: list[FieldError] = []

        def amount(value: Amount, where: str, *, positive: bool = True) -> Decimal | None:
            found = money.parse(value, currency, f"rules.{where}", positive=positive)
            if isinstance(found, FieldError):
                faults.append(found)
                return None
            return found

        rows = [("", self.threshold, self.discount)]
        rows += [(f"steps.{n}.", step.threshold, step.discount) for n, step in enumerate(self.steps)]
        read = [(at, amount(most, f"{at}threshold"), amount(off, f"{at}discount")) for at, most, off in rows]
        faults += _order_faults(read)
        free = self.free_shipping_threshold
        shipping = None if free in (None, "") else amount(free, "free_shipping_threshold", positive=False)
        for n, gift in enumerate(self.gifts):
            if not gift or len(gift) > 120:
                faults.append(
                    FieldError(f"rules.gifts.{n}", "ERR_RULES", _("Name the gift, in at most 120 characters."))
                )
        if faults:
            return {}, faults
        pairs = [
            {"threshold": money.text(most, currency), "discount": money.text(off, currency)}
            for _at, most, off in read
            if most is not None and off is not None
        ]
        kept: dict[str, Any] = dict(pairs[0])
        if pairs[1:]:
            kept["steps"] = pairs[1:]
        if shipping is not None:
            kept["free_shipping_threshold"] = money.text(shipping, currency)
        if self.gifts:
            kept["gifts"] = list(self.gifts)
        return kept, []


def _order_faults(read: list[tuple[str, Decimal | None, Decimal | None]]) -> list[FieldError]:
    """Discounts that eat the whole order, and steps that do not rise."""
    faults = []
    before: tuple[Decimal, Decimal] | None = None
    for at, most, off in read:
        if most is None or off is None:
            continue
        if off >= most:
            faults.append(
                FieldError(f"rules.{at}discount", "ERR_RULES", _("The discount must be below the amount to be spent."))
            )
        if before and (most <= before[0] or off <= before[1]):
            faults.append(
                FieldError(
                    f"rules.{at}threshold", "ERR_RULES", _("Each step needs a higher amount and a higher discount.")
                )
            )
        before = (most, off)
    return faults


class Terms(BaseModel):
    """What a buyer gets by a campaign's kept `rules`, whatever its kind; unknown members are left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    threshold: Decimal | None = None
    discount: Decimal | None = None
    steps: tuple[tuple[Decimal, Decimal], ...] = ()
    free_shipping_threshold: Decimal | None = None
    gifts: tuple[str, ...] = ()

    @classmethod
    def of(cls, rules: Mapping[str, Any]) -> Self:
        """Read kept rules; those whose words mean something else give nothing."""
        try:
            steps = [(step["threshold"], step["discount"]) for step in rules.get("steps", ())]
            return cls.model_validate({**rules, "steps": steps})
        except (ValidationError, KeyError, TypeError):
            return cls()

    @property
    def ladder(self) -> tuple[tuple[Decimal, Decimal], ...]:
        """Every (amount to spend, discount), lowest first; empty where the order is not discounted."""
        if self.threshold is None or self.discount is None:
            return ()
        return tuple(sorted([(self.threshold, self.discount), *self.steps]))
