"""The marketing deposit: charged by staff, paid by the store, kept for ever (R31)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import translation

from audit.models import AuditEvent
from core.errors import Conflict, InvalidInput, PermissionRefused
from core.scopes import in_store
from finance import deposits
from finance.models import DepositEntry
from inbox import reading
from inbox.models import Message
from tests import factories as make


@pytest.fixture
def store(db):
    found = make.make_store()
    with in_store(found.pk):
        yield found


@pytest.fixture
def owner(store):
    return make.actor_for(make.owner_of(store))


@pytest.fixture
def staff(db):
    return make.actor_for(make.make_staff())


def charge(store, staff, amount="2000.00", currency="CNY", reason="Season deposit"):
    return deposits.charge(store, amount=amount, currency=currency, reason=reason, actor=staff)


def test_a_charge_is_owed_told_and_recorded(store, staff):
    charge(store, staff)
    assert deposits.arrears(store) == {"CNY": Decimal(2000)}
    told = Message.objects.get(code="ERR_DEPOSIT_DUE")
    assert told.params == {"amount": "2000.00", "currency": "CNY", "reason": "Season deposit"}
    with translation.override("zh-hans"):
        assert reading.present(store, [told])[0].title == "应缴营销保证金¥2,000.00"
    event = AuditEvent.objects.get(action="deposit.charge")
    assert (event.before, event.after["arrears"], event.after["note"]) == (
        {"arrears": "0.00"}, "2000.00", "Season deposit",
    )  # fmt: skip


def test_paid_in_parts_until_nothing_is_owed(store, staff, owner):
    charge(store, staff)
    assert deposits.pay(store, amount="500", actor=owner).arrears == Decimal(1500)
    assert deposits.pay(store, amount="1500.00", note="Transfer 42", actor=owner).arrears == 0
    assert deposits.arrears(store) == {}
    kinds = deposits.entries_of(store).order_by("id").values_list("kind", "amount", "arrears")
    assert [(kind, int(amount), int(arrears)) for kind, amount, arrears in kinds] == [
        ("charge", 2000, 2000),
        ("payment", 500, 1500),
        ("payment", 1500, 0),
    ]
    with pytest.raises(Conflict) as refusal:
        deposits.pay(store, amount="1", actor=owner)
    assert refusal.value.code == "ERR_DEPOSIT_NOTHING_DUE"


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("2000.01", "ERR_DEPOSIT_OVERPAID"),
        ("0", "ERR_MONEY_RANGE"),
        ("-5", "ERR_MONEY_RANGE"),
        ("1.005", "ERR_MONEY_PLACES"),
        ("NaN", "ERR_MONEY_FORMAT"),
        ("plenty", "ERR_MONEY_FORMAT"),
    ],
)
def test_a_wrong_payment_changes_nothing(store, staff, owner, amount, code):
    charge(store, staff)
    with pytest.raises(InvalidInput) as refusal:
        deposits.pay(store, amount=amount, actor=owner)
    assert [error.code for error in refusal.value.errors] == [code]
    assert deposits.arrears(store) == {"CNY": Decimal(2000)}


def test_with_arrears_in_two_currencies_the_payment_names_its_own(store, staff, owner):
    charge(store, staff)
    charge(store, staff, "30000", "JPY")
    with pytest.raises(InvalidInput) as refusal:
        deposits.pay(store, amount="100", actor=owner)
    assert refusal.value.errors[0].code == "ERR_DEPOSIT_CURRENCY"
    deposits.pay(store, amount="30000", currency="jpy", actor=owner)
    assert deposits.arrears(store) == {"CNY": Decimal(2000)}


def test_every_broken_field_of_a_charge_comes_back_at_once(store, staff):
    with pytest.raises(InvalidInput) as refusal:
        charge(store, staff, "0", "XXQ", " ")
    assert [error.field for error in refusal.value.errors] == ["currency", "amount", "reason"]
    assert not DepositEntry.objects.exists()


def test_only_staff_charge_and_only_the_right_pays(store, staff, owner):
    with pytest.raises(PermissionRefused):
        charge(store, owner)
    charge(store, staff)
    viewer = make.actor_for(make.make_member(store, rights=["finance.view"]))
    with pytest.raises(PermissionRefused) as refusal:
        deposits.pay(store, amount="1", actor=viewer)
    assert refusal.value.extra["right"] == "finance.manage"
    assert AuditEvent.objects.filter(action="deposit.pay", result="refused").count() == 1


def test_another_stores_debt_is_its_own(store, staff):
    other = make.make_store()
    charge(other, staff)
    assert deposits.arrears(store) == {}


@pytest.mark.parametrize("change", ["UPDATE finance_depositentry SET amount = 1", "DELETE FROM finance_depositentry"])
def test_the_record_cannot_be_changed(store, staff, change):
    charge(store, staff)
    with (
        pytest.raises(IntegrityError, match="kept as they were written"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)
