"""`manage.py import_catalogue FILE --store S [--map COLUMN=field …]`: a table of goods into listings."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

import policies
from audit.actors import system
from core import clock
from core.errors import DomainError
from core.money import currencies
from core.scopes import in_store
from listings import commands, tabular
from listings.catalogue_import import Request, import_catalogue
from listings.catalogue_rows import COLUMNS
from listings.staging import tell
from policies.rules import ImportRules


class Command(BaseCommand):
    help = (
        "Import a catalogue: one row a SKU, the last row of a SKU counts, every other SKU becomes a listing of its own. "
        f"Fields: {', '.join(column.field for column in COLUMNS)}. The same file twice changes nothing."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        commands.add_arguments(parser)
        parser.add_argument("--category", default="", metavar="CODE", help="of new listings whose row names none")
        parser.add_argument("--stock", type=int, default=0, metavar="UNITS", help="of new SKUs whose row names none")

    def handle(self, *args: Any, **options: Any) -> None:
        currency = str(options["currency"]).upper()
        if currency and currency not in currencies():
            raise CommandError(f"“{currency}” is not a currency of ISO 4217, such as USD")
        if not 0 <= options["stock"] <= 2_000_000_000:
            raise CommandError("--stock must not be negative, nor absurdly large")
        store = commands.store_of(options["store"])
        errors = None
        try:
            rules = policies.active(ImportRules, clock.now())
            source = tabular.inspect(options["file"], rules, encoding=options["encoding"])
            errors = commands.errors_path(options["file"], options["errors"])
            request = Request(
                source, commands.mapping_of(options["mapping"]), currency, options["category"], options["stock"],
                options["delimiter"], errors=errors,
            )  # fmt: skip
            with in_store(store.pk), commands.shown_progress(self.stdout) as progress:  # type: ignore[arg-type]  # wraps a text stream
                figures = import_catalogue(store, request, actor=system("command:import_catalogue"), progress=progress)
        except DomainError as refused:
            raise CommandError(f"{refused.code}: {refused.detail}") from None
        for line in tell(figures):
            self.stdout.write(line)
        if figures.refused:
            self.stdout.write(f"refused rows, each with its reason: {errors}")
        if not figures.reconciles:
            raise CommandError("the figures do not add up; please report this", returncode=2)
