"""`manage.py import_orders FILE --store S [--map COLUMN=field …]`: a table of order lines into orders."""

from __future__ import annotations

import argparse
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError

import policies
from audit.actors import system
from core import clock
from core.errors import DomainError
from core.money import currencies
from core.scopes import in_store
from listings import commands, tabular
from listings.staging import tell
from orders.import_rows import COLUMNS
from orders.importing import Request, import_orders
from orders.models import OrderState
from policies.rules import ImportRules


class Command(BaseCommand):
    help = (
        "Import orders: one row a line, the rows of one order code are one order. "
        f"Fields: {', '.join(column.field for column in COLUMNS)}. The same file twice changes nothing."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        commands.add_arguments(parser)
        parser.add_argument(
            "--time-zone", default="", metavar="ZONE", help="of the file's times; the store's when left out"
        )
        parser.add_argument(
            "--date-format", default="", metavar="FORMAT", help="as of strptime; ISO 8601 when left out"
        )
        parser.add_argument(
            "--state", default=OrderState.COMPLETED.value, choices=OrderState.values, help="of the orders (completed)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        currency = str(options["currency"]).upper()
        if currency and currency not in currencies():
            raise CommandError(f"“{currency}” is not a currency of ISO 4217, such as USD")
        store = commands.store_of(options["store"])
        name = options["time_zone"] or store.time_zone
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise CommandError(f"“{name}” is not a time zone, such as Europe/London") from None
        errors = None
        try:
            rules = policies.active(ImportRules, clock.now())
            source = tabular.inspect(options["file"], rules, encoding=options["encoding"])
            errors = commands.errors_path(options["file"], options["errors"])
            request = Request(
                source, commands.mapping_of(options["mapping"]), currency, zone, options["date_format"], options["state"],
                options["delimiter"], errors=errors,
            )  # fmt: skip
            with in_store(store.pk), commands.shown_progress(self.stdout) as progress:  # type: ignore[arg-type]  # wraps a text stream
                report = import_orders(store, request, actor=system("command:import_orders"), progress=progress)
        except DomainError as refused:
            raise CommandError(f"{refused.code}: {refused.detail}") from None
        sums = report.sums
        parts = f"imported {sums.imported} + unchanged {sums.unchanged} + rejected {sums.rejected}"
        for line in tell(report.figures, {f"orders {report.orders:,}; quantity × price": f"{sums.total} = {parts}"}):
            self.stdout.write(line)
        if sums.unread:
            self.stdout.write(f"rows without readable figures, worth nothing in the sums: {sums.unread:,}")
        for name, count in sorted(report.unknown_countries.items()):
            self.stdout.write(f"country left empty: “{name}” {count:,} rows")
        if report.figures.refused:
            self.stdout.write(f"refused rows, each with its reason: {errors}")
        if not report.reconciles:
            raise CommandError("the figures do not add up; please report this", returncode=2)
