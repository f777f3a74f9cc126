"""The room's place in Django."""

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate, post_save

from audit import limits
from policies.force import active, forget
from policies.rules import AuditRules


def _plant(using: str, **_: Any) -> None:
    import_module("policies.seeds").plant(using)


def _forget(**_: Any) -> None:
    forget()


class PoliciesConfig(AppConfig):
    """Floor 2: versioned rule sets: every threshold, window and limit, with version and date."""

    name = "policies"

    def ready(self) -> None:
        """Plant the shipped versions after each migrate; lend the audit room, one floor below, its limits."""
        post_migrate.connect(_plant, sender=self, dispatch_uid="policies.seeds")
        for signal in (post_save, post_delete):
            signal.connect(_forget, sender=self.get_model("RuleSet"), dispatch_uid="policies.forget")
        limits.use(lambda now: active(AuditRules, now))
