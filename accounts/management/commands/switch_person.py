"""`manage.py switch_person --email E (--off | --on) --reason R`: an account off or on, for an operator without a browser."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import people, switching
from audit.actors import system
from core.errors import DomainError


class Command(BaseCommand):
    """Exit 0; exit 1 and the reason on stderr when refused."""

    help = (
        "Switch somebody's account off (sessions and API tokens end at once, lent rights stop counting), or on again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        way = parser.add_mutually_exclusive_group(required=True)
        way.add_argument("--off", action="store_true", help="off, from the next request on")
        way.add_argument("--on", action="store_true", help="on again")
        parser.add_argument(
            "--reason", required=True, help="stands in the audit log, and is told to the person's stores"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = people.find(options["email"])
        if user is None:
            raise CommandError(f"No such person: {options['email']}")
        act = switching.switch_off if options["off"] else switching.switch_on
        try:
            act(user.pk, reason=options["reason"], actor=system("command:switch_person"))
        except DomainError as error:
            raise CommandError(str(error)) from None
        self.stderr.write(f"{user.email} is switched {'off' if options['off'] else 'on'}.", self.style.SUCCESS)
