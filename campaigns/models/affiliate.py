"""Affiliate (联盟营销) promotion plans, and the campaigns that each promotes (R29)."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition
from django_scopes import ScopedManager

from accounts.models import Store, User
from campaigns.models.campaign import Campaign


class PlanState(models.TextChoices):
    """States of a plan."""

    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")


class AffiliatePlan(FSMModelMixin, models.Model):
    """A plan by which partners promote campaigns; while it runs, its campaigns cannot be cancelled."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=120)
    state = FSMField(max_length=8, choices=PlanState.choices, default=PlanState.RUNNING, protected=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    state_since = models.DateTimeField(db_default=Now())
    version = models.PositiveIntegerField(default=1)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=PlanState.values), name="affiliate_plan_state")
        ]
        indexes = [models.Index(fields=["store", "-id"], name="affiliate_plan_list")]

    def __str__(self) -> str:
        return self.name

    @transition(field=state, source=PlanState.RUNNING, target=PlanState.PAUSED)
    def pause(self) -> None:
        """Partners promote no more."""

    @transition(field=state, source=PlanState.PAUSED, target=PlanState.RUNNING)
    def resume(self) -> None:
        """Partners promote again."""


class AffiliateLink(models.Model):
    """A campaign that a plan promotes."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    plan = models.ForeignKey(AffiliatePlan, on_delete=models.CASCADE, related_name="links")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="affiliate_links")

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "campaign"], name="affiliate_link_once")]

    def __str__(self) -> str:
        return f"{self.plan_id} promotes {self.campaign_id}"
