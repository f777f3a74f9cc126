"""The rights of a store, the marks that views carry, and the one check that every verb makes (R132).

A right is `<room>.<level>`. The owner of a store has them all; other members hold grants, which may end at a time and carry caps. Rights
are read from the database at each check, so that a revocation needs no sign-out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import FilteredRelation, Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.models import Grant, Membership, Store, User
from audit.actors import Actor
from core import display
from core.errors import Conflict, PermissionRefused

Text = str | Promise
View = TypeVar("View", bound=Callable[..., Any])

MAX_LISTINGS = "max_listings"
MAX_PERCENT_OFF = "max_percent_off"


@dataclass(frozen=True, slots=True)
class Right:
    """One right: its code, its words, the caps a loan of it may carry, and whether it only reads."""

    code: str
    label: Text
    caps: tuple[str, ...] = ()
    reads: bool = False

    @property
    def room(self) -> str:
        """The part before the dot."""
        return self.code.partition(".")[0]

    @property
    def level(self) -> str:
        """The part after the dot."""
        return self.code.partition(".")[2]


ROOMS: dict[str, Text] = {
    "campaigns": _("Campaigns"),
    "coupons": _("Coupons"),
    "listings": _("Listings"),
    "orders": _("Orders"),
    "compliance": _("Compliance documents"),
    "finance": _("Deposits"),
    "insights": _("Business analytics"),
    "staff": _("Staff"),
    "audit": _("Audit log"),
    "settings": _("Settings"),
    "api": _("API"),
    "checkout": _("Checkout"),
}

_DECLARED = (
    Right("campaigns.view", _("See campaigns"), reads=True),
    Right("campaigns.pause", _("Pause and resume campaigns"), (MAX_LISTINGS,)),
    Right("campaigns.cancel", _("Cancel campaigns permanently, take a cancel back"), (MAX_LISTINGS,)),
    Right("campaigns.edit", _("Create and edit campaigns"), (MAX_LISTINGS, MAX_PERCENT_OFF)),
    Right("coupons.view", _("See coupons"), reads=True),
    Right("coupons.manage", _("Create, stop and void coupons"), (MAX_LISTINGS, MAX_PERCENT_OFF)),
    Right("listings.view", _("See listings"), reads=True),
    Right("listings.edit", _("Create and edit listings, set stock"), (MAX_LISTINGS,)),
    Right("listings.price", _("Change and restore sale prices"), (MAX_LISTINGS, MAX_PERCENT_OFF)),
    Right("listings.delist", _("Delist listings"), (MAX_LISTINGS,)),
    Right("orders.view", _("See orders"), reads=True),
    Right("orders.edit", _("Change the state of orders")),
    Right("compliance.view", _("See compliance documents"), reads=True),
    Right("compliance.manage", _("Upload and replace compliance documents")),
    Right("finance.view", _("See deposits and arrears"), reads=True),
    Right("finance.manage", _("Pay and reclaim deposits")),
    Right("insights.view", _("See business analytics"), reads=True),
    Right("insights.export", _("Export business analytics")),
    Right("staff.manage", _("Add and remove staff, revoke rights")),
    Right("audit.view", _("See the audit log"), reads=True),
    Right("audit.export", _("Export the audit log")),
    Right("settings.manage", _("Change store settings")),
    Right("api.manage", _("Make and revoke own API tokens")),
    Right("checkout.use", _("Quotes, claims, orders and events of a storefront")),
)

ALL_RIGHTS: dict[str, Right] = {right.code: right for right in _DECLARED}


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rights that are lent together under one name."""

    key: str
    label: Text
    rights: tuple[str, ...]


def _of(*rooms: str) -> tuple[str, ...]:
    return tuple(right.code for right in _DECLARED if right.room in rooms)


BUNDLES: dict[str, Bundle] = {
    bundle.key: bundle
    for bundle in (
        Bundle("marketing", _("Marketing management"), _of("campaigns", "coupons")),
        Bundle("read_only", _("See everything"), tuple(right.code for right in _DECLARED if right.reads)),
    )
}


# -- marks on views ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Access:
    """What a view asks of its visitor. `kind`: `store` (a member, with `right` unless it is empty), `owner` (a main account of the
    store), `signed_in`, `public`, `anonymous` (public, and the session is not read), `staff`.

    `api` marks the mount of the REST API, which checks tokens and rights by itself, operation by operation.
    """

    kind: str
    right: str = ""


def _mark(access: Access) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.access = access  # type: ignore[attr-defined]  # a mark on a function
        return view

    return mark


def requires(right: str) -> Callable[[View], View]:
    """Mark a store page (its URL carries `store`): members with this right only. Raises KeyError for an unknown right."""
    return _mark(Access("store", ALL_RIGHTS[right].code))


def member(view: View) -> View:
    """Mark a store page that every member may open, whatever the rights."""
    return _mark(Access("store"))(view)


def owner_only(view: View) -> View:
    """Mark a store page that only its main accounts may open."""
    return _mark(Access("owner"))(view)


def signed_in(view: View) -> View:
    """Mark a page of the person, not of a store."""
    return _mark(Access("signed_in"))(view)


def public(view: View) -> View:
    """Mark a page for everybody."""
    return _mark(Access("public"))(view)


def anonymous(view: View) -> View:
    """Mark a page that knows no visitor: like `public`, and the session is not even read, so that the answer is the same for all."""
    return _mark(Access("anonymous"))(view)


def staff_only(view: View) -> View:
    """Mark a page of platform staff."""
    return _mark(Access("staff"))(view)


# -- who holds what ----------------------------------------------------------------------------------------------------------


def live(now: datetime, prefix: str = "") -> Q:
    """Grants in force at `now`: half-open, a grant that ends at `now` is over."""
    return Q(**{f"{prefix}expires_at": None}) | Q(**{f"{prefix}expires_at__gt": now})


def rights_of(membership: Membership, now: datetime) -> frozenset[str]:
    """The rights of a member at `now`: all of them for the owner, live grants for others; one query, none for the owner."""
    if not membership.is_active:
        return frozenset()
    if membership.is_owner:
        return frozenset(ALL_RIGHTS)
    held = Grant.objects.filter(live(now), membership=membership).values_list("right", flat=True)
    return frozenset(held) & frozenset(ALL_RIGHTS)


def grantors(store: Store | int) -> list[str]:
    """The names of those who can lend a right in a store: its owners (one query)."""
    owners = User.objects.filter(
        memberships__store=store, memberships__is_owner=True, memberships__is_active=True, is_active=True
    )
    return [user.label for user in owners.order_by("id")[:5]]


@dataclass(frozen=True, slots=True)
class _Hold:
    """What one query finds of a person and a right in a store."""

    is_owner: bool
    granted: bool
    max_listings: int | None
    max_percent_off: int | None


def _hold(user_id: int, store_id: int, right: str, now: datetime) -> _Hold | None:
    """The person's hold on a right; None when the person is no active member."""
    row = (
        Membership.objects.filter(store_id=store_id, user_id=user_id, is_active=True, user__is_active=True)
        .annotate(loan=FilteredRelation("grants", condition=Q(grants__right=right) & live(now, "grants__")))
        .values_list("is_owner", "loan__id", f"loan__{MAX_LISTINGS}", f"loan__{MAX_PERCENT_OFF}")
        .first()
    )
    return None if row is None else _Hold(row[0], row[1] is not None, row[2], row[3])


#: Whether a person (`%(person)s`) holds a right (`%(right)s`) in a store (`%(store)s`) at `%(now)s`, for statements that run so often
#: that a check of its own would cost as much as the work; caps aside. Who uses it raises `refusal()` when it is false.
HOLDS = """EXISTS (
    SELECT FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
    WHERE m.store_id = %(store)s AND m.user_id = %(person)s AND m.is_active AND u.is_active AND (m.is_owner OR EXISTS (
        SELECT FROM accounts_grant g WHERE g.membership_id = m.id AND g."right" = %(right)s
            AND (g.expires_at IS NULL OR g.expires_at > %(now)s))))"""


def _known(right: str) -> Right:
    try:
        return ALL_RIGHTS[right]
    except KeyError:
        raise ValueError(f"no such right: {right}") from None


def can(actor: Actor, store: Store, right: str, now: datetime) -> bool:
    """Whether the actor holds the right in the store at `now`, caps aside; one query, none for the system."""
    _known(right)
    if actor.is_system:
        return True
    if actor.id is None:
        return False
    hold = _hold(actor.id, store.pk, right, now)
    return hold is not None and (hold.is_owner or hold.granted)


def check(
    actor: Actor,
    store: Store,
    right: str,
    *,
    now: datetime,
    listings: int | None = None,
    percent_off: int | None = None,
) -> None:
    """Refuse unless the actor holds the right in the store at `now` and stays inside the loan's caps.

    `listings` is how many listings the act touches, `percent_off` the deepest discount in whole percent; leave out what does not
    apply. One query when the right is held. Raises PermissionRefused (403, with who can grant it) or, past a cap, Conflict
    ERR_GRANT_CAP. The system always passes.
    """
    known = _known(right)
    if actor.is_system:
        return
    hold = _hold(actor.id, store.pk, right, now) if actor.id is not None else None
    if hold is None or not (hold.is_owner or hold.granted):
        raise refusal(right, store)
    if hold.is_owner:
        return
    _check_cap(known, store, MAX_LISTINGS, hold.max_listings, listings)
    _check_cap(known, store, MAX_PERCENT_OFF, hold.max_percent_off, percent_off)


def refusal(right: str, store: Store) -> PermissionRefused:
    """The error for a missing right, with the names of those who can lend it (one query)."""
    label = str(ALL_RIGHTS[right].label)
    names = grantors(store)
    detail = (
        _now("This needs the right “%(right)s”. It can be granted by: %(names)s.")
        if names
        else _now("This needs the right “%(right)s”.")
    )
    return PermissionRefused(detail % {"right": label, "names": display.series(names)}, right, names)


_CAP_WORDS: dict[str, Text] = {
    MAX_LISTINGS: _("You may act on at most %(cap)s listings at once with this right; this would touch %(asked)s. Ask: %(names)s."),
    MAX_PERCENT_OFF: _("You may set at most %(cap)s%% off with this right; this would be %(asked)s%%. Ask: %(names)s."),
}  # fmt: skip


def _check_cap(right: Right, store: Store, name: str, cap: int | None, asked: int | None) -> None:
    if cap is not None and asked is not None and asked > cap:
        raise cap_refusal(right.code, name, cap, asked, grantors(store))


def cap_refusal(right: str, name: str, cap: int, asked: int, names: Sequence[str]) -> Conflict:
    """The error for an act that reaches past the cap `name` of a loan: `asked` of at most `cap`; `names` can lend more."""
    words = str(_CAP_WORDS[name]) % {"cap": cap, "asked": asked, "names": display.series(names)}
    return Conflict("ERR_GRANT_CAP", words, right=right, cap=name, limit=cap, asked=asked, granted_by=list(names))


def listings_cap(actor: Actor, store: Store, right: str, now: datetime) -> int | None:
    """How many listings one act of the actor may touch with this right; None without a limit (one query, none for the system)."""
    _known(right)
    hold = _hold(actor.id, store.pk, right, now) if actor.id is not None and not actor.is_system else None
    return None if hold is None or hold.is_owner else hold.max_listings


def check_staff(actor: Actor) -> None:
    """Refuse unless the actor is platform staff at this moment (one query); the system passes."""
    if actor.is_system:
        return
    person = actor.id if actor.staff and actor.id is not None else 0
    if not User.objects.filter(pk=person, is_active=True, is_platform_staff=True).exists():
        raise PermissionRefused(_("This is for platform staff."), "platform_staff", ())


def check_owner(actor: Actor, store: Store) -> None:
    """Refuse unless the actor owns the store (one query): lending rights and handing the store over are the owner's alone."""
    if actor.is_system:
        return
    owns = Membership.objects.filter(
        store=store, user_id=actor.id or 0, is_active=True, is_owner=True, user__is_active=True
    )
    if not owns.exists():
        raise owner_refusal(store)


def owner_refusal(store: Store) -> PermissionRefused:
    """The error for what only a main account may do, with the names of those (one query)."""
    names = grantors(store)
    detail = _now("Only the main account may do this: %(names)s.") % {"names": display.series(names)}
    return PermissionRefused(detail, "owner", names)


def live_grants(membership: Membership, now: datetime) -> dict[str, Grant]:
    """A member's live grants by right (one query, or none when `grants` was prefetched)."""
    return {
        grant.right: grant for grant in membership.grants.all() if grant.expires_at is None or grant.expires_at > now
    }
