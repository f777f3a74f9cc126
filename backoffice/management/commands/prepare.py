"""`manage.py prepare`: bring database and static files to what this version needs. Safe to repeat, and from several machines."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

# Any number that nothing else takes as an advisory lock in this database.
PREPARE_LOCK = 7_103_155


class Command(BaseCommand):
    """Migrations and the cache table, one machine at a time; then the static files under hashed names."""

    help = "Apply migrations, make the cache table, collect the static files."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        verbosity = options["verbosity"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [PREPARE_LOCK])
            try:
                call_command("migrate", interactive=False, verbosity=verbosity)
                call_command("createcachetable", verbosity=verbosity)
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [PREPARE_LOCK])
        call_command("collectstatic", interactive=False, verbosity=0)
