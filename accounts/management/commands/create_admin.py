"""`manage.py create_admin --email E [--name N]`: platform staff, with a password that is asked for or made."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import people
from audit.actors import system
from core.errors import DomainError


class Command(BaseCommand):
    """Exit 0, a made password alone on stdout; exit 1 and the reason on stderr when refused."""

    help = "Make platform staff. At a terminal the password is asked for (empty: one is made); otherwise one is made and printed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="", help="the name that others see")
        parser.add_argument("--new-password", action="store_true", help="for somebody who has a password already")

    def handle(self, *args: Any, **options: Any) -> str | None:
        known = people.find(options["email"])
        keeps = known is not None and known.has_usable_password() and not options["new_password"]
        made = ""
        typed: str | None = None
        if not keeps:
            typed = self._ask()
            if not typed:
                typed = made = people.new_password()
        try:
            user = people.make_staff(
                options["email"], name=options["name"], password=typed, actor=system("command:create_admin")
            )
        except DomainError as error:
            raise CommandError(str(error)) from None
        self.stderr.write(f"{user.email} is platform staff.", self.style.SUCCESS)
        if keeps:
            self.stderr.write("The password stays as it was (--new-password sets another).")
        if made:
            self.stderr.write("Shown once; change it after signing in:")
        return made or None

    def _ask(self) -> str:
        if not sys.stdin.isatty():
            return ""
        first = getpass("Password (at least 12 characters; empty: one is made): ")
        if first and first != getpass("Again: "):
            raise CommandError("The two passwords differ.")
        return first
