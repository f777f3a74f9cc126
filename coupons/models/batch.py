"""Batches of single-use codes (R81): the codes themselves are kept nowhere, only what recognises them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from accounts.models import Store
from coupons.models.claim import Claim
from coupons.models.coupon import Coupon
from listings.models import Job


class BatchState(models.TextChoices):
    """What became of a batch."""

    MAKING = "making", _("Being made")
    READY = "ready", _("Ready")
    WITHDRAWN = "withdrawn", _("Taken out of use")


class CodeBatch(models.Model):
    """So many single-use codes of one coupon. `salt` is what the codes are worked out from, with the installation's key; it is forgotten
    when a batch is sealed, and then nobody can export it any more.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="batches", db_index=False)
    name = models.CharField(max_length=80)
    size = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=BatchState.choices, default=BatchState.MAKING)
    length = models.PositiveSmallIntegerField()
    salt = models.BinaryField(max_length=32)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160)
    exports = models.PositiveIntegerField(default=0)
    exported_at = models.DateTimeField(null=True)
    sealed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [models.Index(fields=["coupon", "-id"], name="coupon_batch_list")]
        constraints = [models.CheckConstraint(condition=models.Q(size__gte=1), name="coupon_batch_size")]

    def __str__(self) -> str:
        return self.name


class SingleCode(models.Model):
    """One code, by its digest. It works once: `claim` is the claim that it was turned into."""

    digest = models.UUIDField(primary_key=True)
    # A million rows at a time are written: the batch's own key to its store is check enough.
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    batch = models.ForeignKey(CodeBatch, on_delete=models.CASCADE, related_name="codes", db_index=False)
    claim = models.ForeignKey(Claim, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)

    objects = ScopedManager(store="store")

    class Meta:
        # Of those that were used: writing a million new ones touches the digests only.
        constraints = [
            models.UniqueConstraint(
                fields=["claim"], name="coupon_code_one_claim", condition=models.Q(claim__isnull=False)
            ),
        ]
        indexes = [
            models.Index(fields=["batch"], name="coupon_code_used", condition=models.Q(claim__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"code of batch {self.batch_id}"
