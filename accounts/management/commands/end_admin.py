"""`manage.py end_admin --email E`: somebody is platform staff no more."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import people
from audit.actors import system
from core.errors import DomainError


class Command(BaseCommand):
    """Exit 0; exit 1 and the reason on stderr when refused."""

    help = "End somebody's role as platform staff; sessions and staff tokens end at once, memberships of stores stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = people.end_staff(options["email"], actor=system("command:end_admin"))
        except DomainError as error:
            raise CommandError(str(error)) from None
        self.stderr.write(f"{user.email} is platform staff no more.", self.style.SUCCESS)
