"""Stores and people of the demo (glossary §2.1), made by the product's verbs."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from accounts import members, people, stores
from accounts.models import Store, User
from accounts.requests import actor_of
from accounts.rights import ALL_RIGHTS, BUNDLES
from accounts.signals import SiteDraft
from audit.actors import Actor, system
from backoffice.demo import ACCOUNTS, DEMO_PASSWORD
from core import clock
from core.scopes import in_store
from listings.models import Category, StoreProfile

STORES = (
    (
        "pinecone", "Pinecone Wardrobe (Demo)", "松果衣橱（演示）", "apparel",
        (("en", "en", "USD"), ("ru", "ru", "USD"), ("es", "es", "USD"), ("zh", "zh", "USD")),
    ),
    (
        "riverlamp", "Riverlamp Digital (Demo)", "河灯数码（演示）", "electronics",
        (("en", "en", "USD"), ("pt", "pt", "USD"), ("zh", "zh", "USD")),
    ),
    ("halfhill", "Halfhill Home (Demo)", "半山家居（演示）", "home", (("en", "en", "USD"), ("zh", "zh", "USD"))),
)  # fmt: skip
OWNER, OPERATOR_A, OPERATOR_B, VIEWER, STAFF = (email for email, _, _ in ACCOUNTS)


def person(email: str) -> User:
    """A demo account, by e-mail."""
    return User.objects.get(email=email)


def acting(email: str) -> Actor:
    """The audit actor of a demo account."""
    return actor_of(person(email))


@transaction.atomic
def set_up() -> list[Store]:
    """Platform staff, stores with sites and decoration, owner, operators, viewer with their rights."""
    _, staff_name, staff_zh = ACCOUNTS[-1]
    people.make_staff(STAFF, name=staff_name, password=DEMO_PASSWORD, actor=system("demo"))
    made = [_store(*row) for row in STORES]
    for email, name, name_zh in ACCOUNTS:
        user, _known = people.find_or_make(email, actor=system("demo"), now=clock.now(), name=name)
        user.name, user.name_zh = name, name_zh
        user.set_password(DEMO_PASSWORD)
        user.save()
    for store in made:
        with in_store(store.pk):
            _team(store)
    return made


def _store(slug: str, name: str, name_zh: str, category: str, sites: tuple[tuple[str, str, str], ...]) -> Store:
    staff = acting(STAFF)
    store = stores.create_store(
        slug=slug, name=name, name_zh=name_zh, owner_email=OWNER, owner_name=ACCOUNTS[0][1],
        sites=[SiteDraft(*site) for site in sites], actor=staff,
    )  # fmt: skip
    stores.edit_store_state(slug, {"kyc": "verified"}, actor=staff)
    StoreProfile.objects.filter(store=store).update(
        logo=f"/static/demo/{slug}-logo.svg",
        banner=f"/static/demo/{slug}-banner.svg",
        main_category=Category.objects.get(code=category),
    )
    return store


def _team(store: Store) -> None:
    owner, now = acting(OWNER), clock.now()
    for email in (OPERATOR_A, OPERATOR_B, VIEWER):
        members.add_member(store, email, actor=owner)
    reads = [right.code for right in ALL_RIGHTS.values() if right.reads]
    for email in (OPERATOR_A, OPERATOR_B):
        user = person(email)
        for right in sorted({*BUNDLES["marketing"].rights, *reads, "listings.edit", "listings.price", "orders.edit"}):
            lent = email == OPERATOR_A and right == "campaigns.cancel"
            members.lend_right(
                store, user.pk, right, actor=owner,
                max_listings=2000 if lent else None,
                expires_at=clock.now() + timedelta(days=37) if lent else None,
            )  # fmt: skip
    viewer = person(VIEWER)
    for right in reads:
        members.lend_right(store, viewer.pk, right, actor=owner)
    # Lent for the film's first month; it lapsed yesterday when the demo opens.
    members.lend_right(store, viewer.pk, "campaigns.pause", expires_at=now + timedelta(days=29), actor=owner)
