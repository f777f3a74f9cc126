"""Check the whole record: exit 0 and the figures when it is whole, exit 1 and the first break when not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Store
from audit import verifying


class Command(BaseCommand):
    help = "Check the audit log against its hash tree and the exported checkpoints."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--store", help="read and check the events of this store only (its slug)")

    def handle(self, *args: Any, **options: Any) -> None:
        store_id: int | None = None
        if options["store"]:
            store_id = Store.objects.filter(slug=options["store"]).values_list("id", flat=True).first()
            if store_id is None:
                raise CommandError(f"There is no store “{options['store']}”.", returncode=2)
        try:
            figures = verifying.verify(store_id=store_id)
        except verifying.Break as found:
            where = "" if found.seq is None else f" (first break at entry {found.seq})"
            raise CommandError(f"The audit log is NOT whole{where}: {found}", returncode=1) from None
        self.stdout.write(
            f"The audit log is whole: {figures.entries} entries, {figures.events_checked} texts checked, "
            f"{figures.checkpoints} signed checkpoints ({figures.not_exported} not exported yet), "
            f"{figures.waiting} events waiting to be sealed, "
            f"{figures.personal_kept} personal values kept and {figures.personal_erased} erased; root {figures.root.hex()}"
        )
