"""`manage.py health`: readiness on the command line, for workers and beat that serve no pages."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from backoffice import health
from core import clock


class Command(BaseCommand):
    """Prints what /readyz says; exit 1 when it is not ok."""

    help = "Print what /readyz answers. Exit 1 unless it is ok."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sweep", action="store_true", help="fail only when no sweep has run lately")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = health.state(clock.now())
        except DatabaseError as error:
            self.stderr.write(f"the database does not answer: {str(error).strip().splitlines()[0]}")
            raise SystemExit(1) from None
        self.stdout.write(json.dumps(found, indent=1))
        age = found["last_sweep_age"]
        ok = (age is not None and age <= health.SILENT_AFTER) if options["sweep"] else found["status"] == "ok"
        if not ok:
            raise SystemExit(1)
