"""Marketing deposit and penalties."""

from __future__ import annotations

from typing import Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Amount, Answer, Body, Count, Currency, Money, Time

PenaltyKind = Literal["enrolment_block", "points"]
AccountState = Literal["normal", "frozen", "serious_violation"]


class ChargeIn(Body):
    """What the store has to pay."""

    amount: Amount
    currency: str = Field(max_length=80, examples=["CNY"])
    reason: str = Field(max_length=400)


class PaymentIn(Body):
    """What the store has paid."""

    amount: Amount
    currency: str = Field("", max_length=80, description=_("That of the arrears unless given."))
    note: str = Field("", max_length=400)


class DepositMove(Answer):
    """A charge or a payment, and what is in arrears after it."""

    id: int
    kind: Literal["charge", "payment"]
    at: Time
    amount: Money
    currency: Currency
    arrears: Money
    note: str


class Balance(Answer):
    """The marketing deposit in one currency."""

    currency: Currency
    charged: Money
    paid: Money
    arrears: Money


class Deposit(Answer):
    """The marketing deposit of the store."""

    in_arrears: bool
    balances: list[Balance]


class PenaltyIn(Body):
    """A penalty: a block for `days` (the rules' when left out), or `points`."""

    kind: PenaltyKind
    days: Count | None = None
    points: Count | None = None
    reason: str = Field(max_length=800)


class PenaltyOut(Answer):
    """A line of the penalty ledger."""

    id: int
    kind: PenaltyKind
    days: int | None
    points: int
    reason: str
    issued_at: Time
    until: Time | None
    policy: str


class Penalties(Answer):
    """The penalty ledger, newest first."""

    points: int
    enrolment_blocked_until: Time | None
    items: list[PenaltyOut]


class PenaltyIssued(PenaltyOut):
    """The penalty, and how the store stands after it."""

    points_total: int
    enrolment_blocked_until: Time | None
    account_state: AccountState
