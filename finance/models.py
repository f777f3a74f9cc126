"""A store's marketing deposit (营销保证金, R31): one account a currency, and every charge and payment for ever."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from accounts.models import Store
from listings.models import MONEY


class DepositAccount(models.Model):
    """Sums of a store's marketing deposit in one currency. What was charged and not paid is in arrears."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    currency = models.CharField(max_length=3)
    charged = models.DecimalField(**MONEY, default=0)
    paid = models.DecimalField(**MONEY, default=0)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "currency"], name="deposit_account_once"),
            models.CheckConstraint(
                condition=models.Q(paid__gte=0) & models.Q(charged__gte=models.F("paid")), name="deposit_not_overpaid"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.charged - self.paid} {self.currency} of {self.store_id}"

    @property
    def arrears(self) -> Decimal:
        """What is owed."""
        return self.charged - self.paid


class EntryKind(models.TextChoices):
    """What moved an account."""

    CHARGE = "charge", _("Charge")
    PAYMENT = "payment", _("Payment")


class DepositEntry(models.Model):
    """One charge or payment. Never changed, never deleted: a database trigger refuses it. `arrears` is what was owed after it."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(DepositAccount, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=8, choices=EntryKind.choices)
    at = models.DateTimeField()
    amount = models.DecimalField(**MONEY)
    currency = models.CharField(max_length=3)
    arrears = models.DecimalField(**MONEY)
    note = models.CharField(max_length=200, blank=True)
    actor_label = models.CharField(max_length=160)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="deposit_entry_positive")]
        indexes = [models.Index(fields=["store", "-id"], name="deposit_entry_list")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"
