"""`manage.py issue_token --store S --user E` · `--staff --user E`: prints an API token and nothing else."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import people, tokens
from accounts.models import Store
from audit.actors import system
from core.errors import DomainError


class Command(BaseCommand):
    """Exit 0 and the token on stdout; exit 1 and the reason on stderr; exit 2 for wrong arguments."""

    help = "Issue an API token of a store's member, or of platform staff; only the token is printed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--store", help="slug of the store")
        where.add_argument("--staff", action="store_true", help="a platform staff token, without a store")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="whose token")
        parser.add_argument("--name", default="issue_token", help="what the list of tokens calls it")
        parser.add_argument("--days", type=int, help="how long it works (default and longest: policy)")

    def handle(self, *args: Any, **options: Any) -> str | None:
        user = people.find(options["user"])
        if user is None:
            raise CommandError(f"No such user: {options['user']}")
        rest = {"name": options["name"], "days": options["days"], "actor": system("command:issue_token")}
        try:
            if options["staff"]:
                _token, raw = tokens.issue_staff(user, **rest)
            else:
                store = Store.objects.filter(slug=options["store"]).first()
                if store is None:
                    raise CommandError(f"No such store: {options['store']}")
                _token, raw = tokens.issue(store, user, **rest)
        except DomainError as error:
            raise CommandError(str(error)) from None
        return raw
