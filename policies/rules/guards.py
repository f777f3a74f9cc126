"""What each guard does to a pause and to a cancel (design of the stop page; R3, R19-R31, R171)."""

from __future__ import annotations

from typing import ClassVar, Literal

from django.utils.translation import gettext_noop as _
from pydantic import BaseModel, ConfigDict, Field

from policies.rules.base import Rules

Effect = Literal["blocked", "warning"]


class GuardEffect(BaseModel):
    """The status that a failing guard has, per action."""

    model_config = ConfigDict(frozen=True)

    pause: Effect
    cancel: Effect


BLOCKS = GuardEffect(pause="blocked", cancel="blocked")
#: What can be mended elsewhere only warns a pause, so that the brake works; the source counts these as failures of both.
BRAKE_WORKS = GuardEffect(pause="warning", cancel="blocked")


class GuardRules(Rules):
    """Effects of the guards; a guard that is not listed blocks both actions."""

    key: ClassVar[str] = "guards"

    effects: dict[str, GuardEffect] = Field(
        default={
            "ERR_CLOSE_ENDED": BLOCKS,
            "ERR_CLOSE_PLATFORM_LOCKED": BLOCKS,
            "ERR_CLOSE_PLATFORM_ENFORCED": BLOCKS,
            "ERR_CLOSE_FULFILMENT_STARTED": BLOCKS,
            "ERR_CLOSE_PRICE_PROTECTED": BLOCKS,
            "ERR_CLOSE_AFFILIATE_ACTIVE": BRAKE_WORKS,
            "ERR_CLOSE_PRICE_CONFLICT": BRAKE_WORKS,
            "ERR_CLOSE_DEPOSIT_ARREARS": BRAKE_WORKS,
            "ERR_ACCOUNT_STATE": BLOCKS,
            "ERR_KYC": BLOCKS,
            "ERR_STORE_UNDECORATED": BLOCKS,
            "ERR_PERMISSION": BLOCKS,
            "ERR_OPERATION_LOCKED": BLOCKS,
            "ERR_VERSION_CONFLICT": BLOCKS,
        },
        description=_("What a check that fails does to a pause and to a cancel."),
    )
    unknown: GuardEffect = Field(
        default=BRAKE_WORKS, description=_("What a check that could not be made does to a pause and to a cancel.")
    )
    evidence_timeout: float = Field(
        default=3.0,
        gt=0,
        description=_(
            "Seconds after which a guard's answer is unknown; all guards together take less than twice as long."
        ),
    )
    lowest_deal_days: int = Field(default=30, ge=1, description=_("R23: window of the lowest deal price."))

    evidence_shown: int = Field(default=5, ge=1, description=_("SKUs, orders or plans that a guard names as evidence."))

    def effect(self, code: str, action: str, *, unknown: bool = False) -> Effect:
        """Whether a failing guard blocks or warns the action `pause` or `cancel`; `unknown`: it could not be evaluated.

        Any other action is treated as a cancel: the stricter of the two.
        """
        found = self.unknown if unknown else self.effects.get(code, BLOCKS)
        return found.pause if action == "pause" else found.cancel
