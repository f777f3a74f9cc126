"""Plain functions that make rows for tests. Each room adds its own at the end; arguments left out get something sensible.

Rows of a store are made inside its scope: `with in_store(store.id): make_listing(store)`. People and stores need no scope.

    store = make_store()                            # company, KYC done, account normal, one owner
    pauser = make_member(store, rights=["campaigns.pause"])
    campaigns.lifecycle.pause(store, code, actor=actor_for(pauser))
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import AccountState, Entity, Grant, Kyc, Membership, Store, User
from accounts.requests import actor_of
from audit.actors import Actor, system
from campaigns.checking import GoodItem
from campaigns.edges import set_state_of
from campaigns.items import put as put_items
from campaigns.models import Campaign, Kind
from campaigns.offers import switch_off
from campaigns.starting import start_now
from core import clock
from core.codes import ALPHABET, new_code
from coupons import batches, sending
from coupons.models import CodeBatch, Coupon, CouponKind, CouponTally, PoolListing, Sending
from coupons.sending import Plan
from coupons.sending_text import Text
from listings.jobs import run_due
from listings.models import Category, Listing, Sku, StoreProfile
from listings.search import listing_terms
from orders.models import Order
from orders.recording import LineDraft, OrderDraft, record_orders
from publishing.models import Site

_serial = itertools.count(1)
_codes = itertools.count(1)


def serial() -> int:
    """The next number of this process, for names that must differ."""
    return next(_serial)


def campaign_code() -> str:
    """A code that no other of this process has: of thousands at random two would be the same some day."""
    number, letters = next(_codes), ""
    for _ in range(5):
        number, digit = divmod(number, len(ALPHABET))
        letters = ALPHABET[digit] + letters
    return f"C-{letters}"


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
    return make_user(staff=True, **extra)  # type: ignore[arg-type]  # passed on as given


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


# -- listings ----------------------------------------------------------------------------------------------------------------


def make_listing(
    store: Store,
    codes: Iterable[str] = (),
    *,
    title: str = "",
    titles: dict[str, str] | None = None,
    category: str = "home",
    price: str = "24.90",
    currency: str = "",
    cost: str | None = None,
    stock: int = 100,
    **extra: object,
) -> Listing:
    """A listing on sale with one SKU per code (one of its own name without codes); reload `listing.skus.all()` for them."""
    number = serial()
    wanted = list(codes) or [f"SKU-{number}"]
    title = title or f"Thing {number}"
    listing = Listing.objects.create(
        store=store,
        title=title,
        titles=titles or {},
        category=Category.objects.get(code=category),
        search_terms=listing_terms([title, *(titles or {}).values()], wanted),
        **extra,
    )
    Sku.objects.bulk_create(
        Sku(
            store=store, listing=listing, code=code, position=position, sale_price=Decimal(price),
            currency=currency or store.currency, cost=None if cost is None else Decimal(cost), stock=stock,
            stock_as_of=clock.now(),
        )
        for position, code in enumerate(wanted)
    )  # fmt: skip
    return listing


def make_skus(store: Store, count: int, *, prefix: str = "", **extra: object) -> list[Sku]:
    """`count` listings of one SKU each (`<prefix>-1` …), made in a few statements; answers the SKUs in order."""
    prefix = prefix or f"S{serial()}"
    home = Category.objects.get(code=str(extra.pop("category", "home")))
    price, stock = Decimal(str(extra.pop("price", "24.90"))), int(str(extra.pop("stock", 100)))
    listings = Listing.objects.bulk_create(
        Listing(
            store=store,
            title=f"Thing {prefix} {n}",
            category=home,
            search_terms=listing_terms([f"Thing {prefix} {n}"], [f"{prefix}-{n}"]),
            **extra,
        )
        for n in range(1, count + 1)
    )
    return Sku.objects.bulk_create(
        Sku(
            store=store, listing=listing, code=f"{prefix}-{n}", sale_price=price, currency=store.currency, stock=stock,
            stock_as_of=clock.now(),
        )
        for n, listing in enumerate(listings, start=1)
    )  # fmt: skip


# -- orders ------------------------------------------------------------------------------------------------------------------


def make_order(
    store: Store,
    skus: Iterable[Sku],
    *,
    code: str = "",
    quantity: int = 1,
    snapshot: dict[str, object] | None = None,
    campaign: str = "",
    **extra: Any,
) -> Order:
    """An order of these SKUs at their sale prices, recorded through the one door; `campaign` is the code it was sold under."""
    code = code or f"ORDER-{serial()}"
    rows = list(skus)
    lines = [LineDraft(sku.pk, quantity, sku.sale_price, sku.sale_price, campaign_code=campaign) for sku in rows]
    moment = clock.now()
    given: dict[str, Any] = {"code": code, "placed_at": moment, "currency": rows[0].currency, "lines": lines}
    draft = OrderDraft(**given | {"snapshot": snapshot or {}} | extra)
    record_orders(store, [draft], actor=system("test"), now=moment)
    return Order.objects.get(store=store, code=code)


# -- campaigns ---------------------------------------------------------------------------------------------------------------


def decorate(store: Store) -> None:
    """Give the store logo, banner and main category, so that campaigns are open to it (R27)."""
    StoreProfile.objects.update_or_create(
        store=store, defaults={"logo": "logo.png", "banner": "banner.png", "main_category": Category.objects.get(code="home")}
    )  # fmt: skip


def make_campaign(
    store: Store,
    skus: Iterable[Sku] = (),
    *,
    state: str = "running",
    price: str = "18.90",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    code: str = "",
    name: str = "",
    **extra: Any,
) -> Campaign:
    """A limited-time discount over these SKUs in `draft`, `in_review`, `scheduled`, `running` or `paused`; offers as the state has them."""
    now = clock.now()
    late = state in ("draft", "in_review", "scheduled")
    number = serial()
    campaign = Campaign.objects.create(
        **{
            "store": store,
            "code": code or new_code("C"),
            "kind": Kind.LIMITED_TIME_DISCOUNT,
            "name": name or f"Campaign {number}",
            "state": "scheduled" if state in ("running", "paused") else state,
            "starts_at": starts_at or now + timedelta(hours=1 if late else -1),
            "ends_at": ends_at or now + timedelta(days=2),
            "created_at": now,
        }
        | extra
    )
    put_items(campaign, [GoodItem("", sku.code, sku.pk, sku.listing_id, Decimal(price), 0) for sku in skus])
    campaign.save(update_fields=["item_count"])
    if state in ("running", "paused"):
        start_now([campaign], now=now, actor=system("test"))
    if state == "paused":
        set_state_of([campaign.pk], transition="pause", now=now, paused_at=now)
        switch_off([campaign], now=now)
    return Campaign.objects.get(pk=campaign.pk)


# -- coupons -----------------------------------------------------------------------------------------------------------------


def make_coupon(
    store: Store,
    listings: Iterable[Listing] = (),
    *,
    state: str = "active",
    face_value: str = "2.00",
    min_order: str = "10.00",
    quota: int = 100,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    code: str = "",
    **extra: Any,
) -> Coupon:
    """A spend-and-save coupon over these listings, as rows only: no check was asked, no stock is held back."""
    now = clock.now()
    number = serial()
    coupon = Coupon.objects.create(
        **{
            "store": store,
            "code": code or f"COUPON-{number}",
            "name": f"Coupon {number}",
            "kind": CouponKind.SPEND,
            "face_value": Decimal(face_value),
            "currency": store.currency,
            "min_order": Decimal(min_order),
            "starts_at": starts_at or now - timedelta(hours=1),
            "ends_at": ends_at or now + timedelta(days=20),
            "quota": quota,
            "state": state,
            "paused_by": "operator" if state == "paused" else "",
            "created_at": now,
            "activated_at": None if state == "draft" else now,
        }
        | extra
    )
    CouponTally.objects.create(coupon=coupon, store=store, quota=quota, budget=coupon.budget)
    PoolListing.objects.bulk_create([PoolListing(store=store, coupon=coupon, listing=one) for one in listings])
    return Coupon.objects.get(pk=coupon.pk)


def make_codes(coupon: Coupon, size: int) -> CodeBatch:
    """A batch of single-use codes, made by the verb and its job."""
    store = Store.objects.get(pk=coupon.store_id)
    batch = batches.make(store, coupon.code, name=f"Batch {serial()}", size=size, actor=system("test"))
    run_due()
    return CodeBatch.objects.get(pk=batch.pk)


def make_sending(
    coupon: Coupon, recipients: Mapping[str, str], *, channel: str = "email", issue: bool = False, **text: str
) -> Sending:
    """A sending prepared by the verb; `recipients` are addresses by buyer."""
    store = Store.objects.get(pk=coupon.store_id)
    subject = {"subject_en": "Save {value}"} if channel == "email" else {}
    written = Text(**({"text_en": "Enter {code}.", **subject} | text))
    plan = Plan(channel, written, list(recipients.items()), consent=True, issue=issue)
    return sending.prepare(store, coupon.code, plan, actor=system("test"))
