"""Categories, listings, prices, stock, jobs."""

from __future__ import annotations

from typing import Any, Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Amount, Answer, Body, Count, Currency, Money, Time, Version, optional
from api.lists import ListQuery
from listings.models import ListingState, Management

State = Literal["draft", "in_review", "on_sale", "delisting", "delisted", "taken_down"]
Reason = Literal["stock", "slow", "policy", "season"]


class CategoryOut(Answer):
    """A node of the category tree."""

    code: str
    parent: str | None
    name: str
    name_zh: str


class Categories(Answer):
    """The whole tree, parents before children."""

    items: list[CategoryOut]
    next_cursor: None


class SkuIn(Body):
    """One SKU of a new listing."""

    sku: str = Field(
        min_length=1, max_length=200, description=_("Unique in the store, case-sensitive; letters, digits, hyphens.")
    )
    sale_price: Amount
    currency: Currency | None = Field(None, description=_("The store's currency unless given."))
    cost: Amount | None = None
    stock: Count = 0


class ListingIn(Body):
    """A new listing with its SKUs."""

    title: str = Field(min_length=1, max_length=2000)
    category: str = Field(min_length=1, max_length=80, description=_("A code of `GET /categories`."))
    skus: list[SkuIn] = Field(min_length=1)
    titles: dict[str, str] | None = Field(None, description=_("Titles by language, such as `en` and `zh`."))
    brand: str = Field("", max_length=400, description=_("Free text, made on first use."))
    state: Literal["on_sale", "draft"] = "on_sale"
    management: Literal["self", "fully_managed"] = "self"
    fulfilment: Literal["stock", "jit"] | None = None
    logistics_template: str = Field("", max_length=400)
    main_image: str = Field("", max_length=2000, description=_("Not needed to be on sale."))


class ListingPatch(Body):
    """What changes; fields left out stay. `skus` changes the SKUs that it names and adds new ones; prices need `listings.price`, all else
    `listings.edit`. `state` may become `on_sale`."""

    title: str = optional(max_length=2000)
    category: str = optional(max_length=80)
    skus: list[SkuPatch] = optional()
    titles: dict[str, str] = optional()
    brand: str = optional(max_length=400)
    state: State = optional()
    management: Literal["self", "fully_managed"] = optional()
    fulfilment: Literal["stock", "jit"] | None = None
    logistics_template: str = optional(max_length=400)
    main_image: str = optional(max_length=2000)
    version: Version = None


class SkuPatch(Body):
    """Changes of one SKU."""

    sku: str = Field(max_length=200)
    sale_price: Amount = optional()
    currency: Currency = optional()
    cost: Amount | None = None
    stock: Count = optional()


class SkuOut(Answer):
    """One SKU."""

    sku: str
    sale_price: Money
    currency: str
    cost: Money | None
    stock: int
    reserved: int
    available: int


class TagOut(Answer):
    """A campaign that the listing shows at this moment."""

    campaign: str
    label: str


class ListingOut(Answer):
    """One listing."""

    id: int
    title: str
    titles: dict[str, str]
    category: str
    brand: str
    state: State
    management: Literal["self", "fully_managed"]
    fulfilment: Literal["stock", "jit"] | None
    logistics_template: str
    main_image: str
    tags: list[TagOut]
    public_urls: dict[str, str] = Field(description=_("The public page on each language site."))
    skus: list[SkuOut]
    version: int


class ListingQuery(ListQuery):
    """Filters of the listings."""

    q: str = Field("", max_length=200, description=_("Words of a title, SKU codes, a brand."))
    state: ListingState | None = None
    management: Management | None = None
    category: str = Field("", max_length=80)


class PriceRow(Body):
    """A new sale price of a SKU, in the SKU's own currency."""

    sku: str
    sale_price: Amount


class StockRow(Body):
    """Counted stock of a SKU at a moment; an older count than the last is rejected."""

    sku: str
    quantity: Count
    as_of: Time | None = Field(None, description=_("When it was counted; now unless given."))


class PricesIn(Body):
    """Rows, as many as the rules allow in one call."""

    prices: list[PriceRow]


class StockIn(Body):
    """Rows, as many as the rules allow in one call."""

    stock: list[StockRow]


class DelistIn(Body):
    """Listings to take off sale. Gradual: stock to zero now, delisted later."""

    ids: list[int] = Field(min_length=1)
    reason: Reason
    mode: Literal["now", "gradual"] = "now"


class DelistOut(Answer):
    """What became of the listings."""

    applied: int
    rejected: list[DelistRejected]


class DelistRejected(Answer):
    """A listing that was not delisted, and why."""

    id: int
    code: str
    message: str


class JobError(Answer):
    """Why a job failed as a whole."""

    code: str
    message: str


class JobOut(Answer):
    """How a job stands; `rows` are those that failed, the first of them."""

    id: int
    kind: str
    state: Literal["queued", "running", "done", "failed"]
    total: int
    done: int
    failed: int
    rows: list[dict[str, Any]]
    result: dict[str, Any] = Field(description=_("Figures of the whole job."))
    error: JobError | None


ListingPatch.model_rebuild()
DelistOut.model_rebuild()
