"""What a store as a whole may do to its listings: by the state of its account (R136) and by its legal form (R111, R178).

Sole traders may close campaigns (000), yet may only *view* in the update console (002); the sources contradict what any shop needs, so the
reading is literal and narrow: what the console updates (title, picture, SKU, price, template: R83) is closed to the people of a sole
trader, while putting goods on the shelf, reporting stock and taking goods off stay open. Restoring a price after a close is part of the
close (R187e). Which acts are closed is policy.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.utils.translation import gettext as _

import policies
from accounts.models import AccountState, Entity, Store
from accounts.rights import check
from audit.actors import Actor
from core.errors import Conflict
from policies.rules import ListingRules

Act = Literal["create", "edit", "price", "stock", "delist"]

RIGHT_OF: dict[Act, str] = {
    "create": "listings.edit",
    "edit": "listings.edit",
    "price": "listings.price",
    "stock": "listings.edit",
    "delist": "listings.delist",
}


def ensure_may(
    store: Store,
    act: Act,
    *,
    actor: Actor,
    now: datetime,
    listings: int | None = None,
    percent_off: int | None = None,
    part_of_close: bool = False,
) -> None:
    """Refuse unless the actor holds the right of `act` (within its caps) and the store may do it.

    Raises PermissionRefused or Conflict ERR_GRANT_CAP, then Conflict ERR_ACCOUNT_STATE, then Conflict ERR_ENTITY_VIEW_ONLY. The system
    is held by the account's state only.
    """
    check(actor, store, RIGHT_OF[act], now=now, listings=listings, percent_off=percent_off)
    ensure_store_may(store, act, actor=actor, now=now, part_of_close=part_of_close)


def ensure_store_may(store: Store, act: Act, *, actor: Actor, now: datetime, part_of_close: bool = False) -> None:
    """The same without the question of rights."""
    rules = policies.active(ListingRules, now)
    if store.account_state != AccountState.NORMAL and act in rules.abnormal_account_refused:
        raise Conflict(
            "ERR_ACCOUNT_STATE",
            _("The account is not in normal operation (%(state)s), so listings cannot be changed.")
            % {"state": store.get_account_state_display()},
            account_state=store.account_state,
        )
    view_only = store.entity == Entity.SOLE_TRADER and act in rules.sole_trader_refused
    if view_only and not actor.is_system and not part_of_close:
        raise Conflict(
            "ERR_ENTITY_VIEW_ONLY",
            _(
                "A sole trader may look at listings and prices here, but not change them. Company verification opens it."
            ),
            entity=store.entity,
        )
