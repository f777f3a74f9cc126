"""The project as an app: its commands, templates and pages."""

from django.apps import AppConfig

from backoffice import nudges
from backoffice.celery import app as celery_app

__all__ = ["BackofficeConfig", "celery_app"]


class BackofficeConfig(AppConfig):
    """Shell, dashboard, servers. Importing the Celery app here makes it current in every process."""

    name = "backoffice"

    def ready(self) -> None:
        """Wake workers after commits of this process."""
        nudges.join()
