"""Plain functions that make rows for tests. Each room adds its own at the end; arguments left out get something sensible.

Rows of a store are made inside its scope: `with in_store(store.id): make_listing(store)`. People and stores need no scope.

    store = make_store()                            # company, KYC done, account normal, one owner
    pauser = make_member(store, rights=["campaigns.pause"])
    campaigns.lifecycle.pause(store, code, actor=actor_for(pauser))
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime

from accounts.models import AccountState, Entity, Grant, Kyc, Membership, Store, User
from accounts.requests import actor_of
from audit.actors import Actor
from publishing.models import Site

_serial = itertools.count(1)


def serial() -> int:
    """The next number of this process, for names that must differ."""
    return next(_serial)


# -- accounts ----------------------------------------------------------------------------------------------------------------


def make_user(
    email: str = "",
    *,
    name: str = "",
    name_zh: str = "",
    password: str | None = None,
    staff: bool = False,
    **extra: object,
) -> User:
    """A person; without `password` only tokens and `client.force_login` let them in."""
    number = serial()
    return User.objects.create_user(
        email or f"person{number}@shop.test",
        password,
        name=name or f"Person {number}",
        name_zh=name_zh,
        is_platform_staff=staff,
        **extra,
    )


def make_staff(**extra: object) -> User:
    """Platform staff (平台小二)."""
    return make_user(staff=True, **extra)  # type: ignore[arg-type]


def make_store(
    slug: str = "",
    *,
    owner: User | None = None,
    name: str = "",
    name_zh: str = "",
    entity: str = Entity.COMPANY,
    account_state: str = AccountState.NORMAL,
    kyc: str = Kyc.VERIFIED,
    currency: str = "USD",
    time_zone: str = "Asia/Shanghai",
) -> Store:
    """A store in good order with one owner (`owner_of(store)`)."""
    number = serial()
    store = Store.objects.create(
        slug=slug or f"store-{number}",
        name=name or f"Store {number}",
        name_zh=name_zh or f"店铺{number}",
        entity=entity,
        account_state=account_state,
        kyc=kyc,
        currency=currency,
        time_zone=time_zone,
    )
    make_member(store, owner or make_user(), owner=True)
    return store


def owner_of(store: Store) -> User:
    """The first owner of a store."""
    return User.objects.filter(memberships__store=store, memberships__is_owner=True).order_by("id")[0]


def make_member(
    store: Store,
    user: User | None = None,
    *,
    rights: Iterable[str] = (),
    owner: bool = False,
    expires_at: datetime | None = None,
    max_listings: int | None = None,
    max_percent_off: int | None = None,
) -> User:
    """Make `user` (or somebody new) a member with grants of `rights`, all with the same end and caps; answers the user."""
    user = user or make_user()
    membership = Membership.objects.create(store=store, user=user, is_owner=owner)
    Grant.objects.bulk_create(
        Grant(
            membership=membership,
            right=right,
            expires_at=expires_at,
            max_listings=max_listings,
            max_percent_off=max_percent_off,
        )
        for right in rights
    )
    return user


def actor_for(user: User) -> Actor:
    """The audit actor of a person."""
    return actor_of(user)


# -- publishing --------------------------------------------------------------------------------------------------------------


def make_site(store: Store, code: str = "en", *, language: str = "", currency: str = "", **extra: object) -> Site:
    """A language site of a store, published by this installation unless `publisher` says otherwise."""
    return Site.objects.create(
        store=store, code=code, language=language or code, currency=currency or store.currency, **extra
    )
