"""The marketing deposit (营销保证金, R31): charged by platform staff, paid by the store, in arrears until then.

This house moves no money: a payment is the store's record of having paid, under the name of who recorded it.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Store
from accounts.rights import check, check_staff
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core import display, money
from core.errors import Conflict, FieldError, InvalidInput
from core.scopes import in_store
from finance.models import DepositAccount, DepositEntry, EntryKind
from inbox.send import send

RIGHT = "finance.manage"
NOTE = DepositEntry._meta.get_field("note").max_length or 0


def accounts_of(store: Store) -> QuerySet[DepositAccount]:
    """The store's deposit accounts, one a currency."""
    return DepositAccount.objects.filter(store=store).order_by("currency")


def entries_of(store: Store) -> QuerySet[DepositEntry]:
    """Every charge and payment."""
    return DepositEntry.objects.filter(store=store)


def arrears(store: Store) -> dict[str, Decimal]:
    """What the store owes, by currency; empty when nothing (one query)."""
    rows = accounts_of(store).filter(charged__gt=F("paid"))
    return {row.currency: row.arrears for row in rows}


@verb("deposit.charge")
def charge(
    store: Store, *, amount: str | Decimal, currency: str, reason: str, actor: Actor, now: datetime
) -> DepositEntry:
    """Charge marketing deposit, by platform staff; the store is told. Opens the store's scope itself.

    Raises InvalidInput for a currency not of ISO 4217, an amount that is not above zero or has too many places, a missing reason.
    """
    check_staff(actor)
    about(_target(store), reason=reason.strip()[:NOTE])
    errors: list[FieldError] = []
    currency, reason = currency.strip().upper(), reason.strip()
    if currency not in money.currencies():
        errors.append(FieldError("currency", "ERR_CURRENCY_UNKNOWN", _("A currency code of ISO 4217, such as CNY.")))
        currency = ""
    worth = money.parse(amount, currency or "USD", "amount", positive=True)
    if isinstance(worth, FieldError):
        errors.append(worth)
    if not 1 <= len(reason) <= NOTE:
        message = _("Say in 1 to %(most)s characters what it is for.") % {"most": NOTE}
        errors.append(FieldError("reason", "ERR_REQUIRED", message))
    if errors or isinstance(worth, FieldError):
        raise InvalidInput(_("Nothing was charged: please put right what is marked."), errors)
    with in_store(store.pk):
        DepositAccount.objects.get_or_create(store=store, currency=currency)
        account = _locked(store).get(currency=currency)
        account.charged += worth
        if account.charged > money.LARGEST:
            message = _("The sum of all charges would exceed %(most)s.") % {"most": money.LARGEST}
            raise InvalidInput(message, [FieldError("amount", "ERR_MONEY_RANGE", message)])
        account.save(update_fields=["charged"])
        entry = _write(store, account, EntryKind.CHARGE, worth, reason, "platform_staff", actor, now)
        told = {"amount": money.text(worth, currency), "currency": currency, "reason": reason}
        send(store.pk, "ERR_DEPOSIT_DUE", told, f"deposit.charge:{entry.pk}", "deposit", str(entry.pk), now=now)
    return entry


@verb("deposit.pay", right=RIGHT)
def pay(
    store: Store, *, amount: str | Decimal, currency: str = "", note: str = "", actor: Actor, now: datetime
) -> DepositEntry:
    """Record that the store paid; `currency` may be left out when it owes in one only. Right `finance.manage`.

    Raises PermissionRefused, Conflict ERR_DEPOSIT_NOTHING_DUE, InvalidInput (currency not owed or not named, amount wrong or more than is
    owed, note longer than 200 characters).
    """
    about(_target(store))
    check(actor, store, RIGHT, now=now)
    owed = {account.currency: account for account in _locked(store) if account.arrears > 0}
    if not owed:
        raise Conflict("ERR_DEPOSIT_NOTHING_DUE", _("The store owes no marketing deposit."))
    wanted = currency.strip().upper() or (next(iter(owed)) if len(owed) == 1 else "")
    if wanted not in owed:
        message = _("The store owes in: %(currencies)s.") % {"currencies": display.series(owed)}
        raise InvalidInput(message, [FieldError("currency", "ERR_DEPOSIT_CURRENCY", message)])
    account = owed[wanted]
    worth = money.parse(amount, wanted, "amount", positive=True)
    errors = [worth] if isinstance(worth, FieldError) else []
    if not isinstance(worth, FieldError) and worth > account.arrears:
        message = _("Only %(arrears)s is in arrears.") % {"arrears": display.money(account.arrears, wanted)}
        errors.append(FieldError("amount", "ERR_DEPOSIT_OVERPAID", message))
    if len(note.strip()) > NOTE:
        errors.append(FieldError("note", "ERR_INVALID", _("At most %(most)s characters.") % {"most": NOTE}))
    if errors or isinstance(worth, FieldError):
        raise InvalidInput(_("Nothing was recorded: please put right what is marked."), errors)
    account.paid += worth
    account.save(update_fields=["paid"])
    return _write(store, account, EntryKind.PAYMENT, worth, note.strip(), RIGHT, actor, now)


def _locked(store: Store) -> QuerySet[DepositAccount]:
    return DepositAccount.objects.filter(store=store).select_for_update(of=("self",), no_key=True).order_by("id")


def _write(
    store: Store,
    account: DepositAccount,
    kind: EntryKind,
    amount: Decimal,
    note: str,
    right: str,
    actor: Actor,
    now: datetime,
) -> DepositEntry:
    entry = DepositEntry.objects.create(
        store=store, account=account, kind=kind, at=now, amount=amount, currency=account.currency, arrears=account.arrears,
        note=note, actor_label=actor.label[:160],
    )  # fmt: skip
    owed_before = account.arrears - amount if kind == EntryKind.CHARGE else account.arrears + amount
    event = Entry(
        f"deposit.{'charge' if kind == EntryKind.CHARGE else 'pay'}",
        _target(store),
        before={"arrears": money.text(owed_before, account.currency)},
        after={
            "amount": money.text(amount, account.currency),
            "currency": account.currency,
            "arrears": money.text(account.arrears, account.currency),
            "note": note,
        },
        right=right,
    )
    record(event, actor=actor, now=now)
    return entry


def _target(store: Store) -> Target:
    return Target("deposit", store.slug, store.name, store.pk, store.name)
