"""Orders with a frozen promotion snapshot (R14, R15). A trigger refuses any change to snapshot, lines and totals."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition
from django_scopes import ScopedManager

from accounts.models import Store
from listings.models import MONEY, Sku


class OrderState(models.TextChoices):
    """States of an order."""

    UNPAID = "unpaid", _("Unpaid")
    PAID = "paid", _("Paid")
    SHIPPED = "shipped", _("Shipped")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled by buyer or seller")


class Dispute(models.TextChoices):
    """Disputes of an order (R73)."""

    NONE = "none", _("None")
    OPEN = "open", _("Open")
    ARBITRATION = "arbitration", _("In arbitration")
    CLOSED = "closed", _("Closed")


class Order(FSMModelMixin, models.Model):
    """One order. `code` is the merchant's own number, unique in the store; `snapshot` never changes.

    The transitions below are the only declaration of its states' edges; a database trigger holds the same ones. An order only moves
    forward, and may skip steps: the merchant's own system tells late (R186).
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="orders")
    code = models.CharField(max_length=64)
    buyer = models.CharField(max_length=80, blank=True)
    country = models.CharField(max_length=2, blank=True)
    state = FSMField(max_length=10, choices=OrderState.choices, default=OrderState.UNPAID, protected=True)
    placed_at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    subtotal = models.DecimalField(**MONEY)
    discount = models.DecimalField(**MONEY, default=0)
    total = models.DecimalField(**MONEY)
    snapshot = models.JSONField()
    logistics = models.CharField(max_length=20, blank=True)
    fulfilment_number = models.CharField(max_length=64, blank=True)
    dispute = models.CharField(max_length=11, choices=Dispute.choices, default=Dispute.NONE)
    stock_taken = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether it took its units out of our stock; imported history did not.",
    )
    stock_returned_at = models.DateTimeField(
        null=True, help_text="When its units went back, called off before shipping."
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "code"], name="order_code_once")]
        indexes = [
            models.Index(fields=["store", "-placed_at"], name="order_list"),
            # What a buyer has ordered and disputed before: coupons ask at each claim (R73).
            models.Index(fields=["store", "buyer", "-placed_at"], name="order_of_buyer", condition=~models.Q(buyer="")),
            # What went back after a count was made: few rows, asked by each count that arrives late.
            models.Index(
                fields=["store", "stock_returned_at"],
                name="order_stock_returned",
                condition=models.Q(stock_returned_at__isnull=False),
            ),
            # The orders that a campaign gave something to, by the codes in their frozen terms.
            GinIndex(KeyTransform("campaigns", "snapshot"), name="order_campaigns"),
        ]

    def __str__(self) -> str:
        return self.code

    @transition(field=state, source=OrderState.UNPAID, target=OrderState.PAID)
    def pay(self) -> None:
        """The buyer has paid."""

    @transition(field=state, source=[OrderState.UNPAID, OrderState.PAID], target=OrderState.SHIPPED)
    def ship(self) -> None:
        """It is on its way."""

    @transition(
        field=state, source=[OrderState.UNPAID, OrderState.PAID, OrderState.SHIPPED], target=OrderState.COMPLETED
    )
    def complete(self) -> None:
        """The buyer has it."""

    @transition(
        field=state, source=[OrderState.UNPAID, OrderState.PAID, OrderState.SHIPPED], target=OrderState.CANCELLED
    )
    def cancel(self) -> None:
        """Called off by buyer or seller; what it was sold for stays on record."""


class OrderLine(models.Model):
    """One line, as it was sold. `unit_price` is after item campaigns; `order_discount` is the line's share of order discounts."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    list_price = models.DecimalField(**MONEY)
    unit_price = models.DecimalField(**MONEY)
    order_discount = models.DecimalField(**MONEY, default=0)
    campaign_code = models.CharField(max_length=12, blank=True)
    placed_at = models.DateTimeField()

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "position"], name="order_line_once")]
        indexes = [
            models.Index(fields=["sku", "-placed_at"], name="order_line_sku"),
            models.Index(
                fields=["store", "campaign_code"], name="order_line_campaign", condition=~models.Q(campaign_code="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} line {self.position}"


class LowestDeal(models.Model):
    """A deal that may be the lowest of a SKU in some span up to now; `orders.deals` keeps the rows (R23). `price` is after the seller's
    discounts, to six places, so that a share of a discount is not rounded away.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    price = models.DecimalField(max_digits=17, decimal_places=6)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sku", "at"], name="lowest_deal_once")]

    def __str__(self) -> str:
        return f"{self.sku_id} {self.price}"
