"""Coupons in quotes and orders: what they take off, when not, and that each is used once (R52, R55, R59, R75, R77, R182)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import policies
from accounts.models import Store
from audit.actors import Actor
from core import clock
from core.errors import Conflict, DomainError, InvalidInput
from core.outbox import deliver_due
from core.scopes import in_store
from coupons import claiming, joined, reserving
from coupons.edges import set_state
from coupons.models import Claim, Coupon, CouponTally, PoolListing, Refusal
from listings.models import Sku
from orders import editing
from orders.models import Order, OrderLine
from policies.models import RuleSet
from policies.rules import CouponRules
from storefront import checkout, quoting
from storefront.models import Quote
from tests import factories as make

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)


@pytest.fixture
def frozen() -> Iterator[clock.FrozenClock]:
    with clock.freeze(NOW) as hand:
        yield hand


@pytest.fixture
def store(frozen: clock.FrozenClock) -> Iterator[Store]:
    made = make.make_store()
    with in_store(made.pk):
        yield made


@pytest.fixture
def actor(store: Store) -> Actor:
    return make.actor_for(make.owner_of(store))


@pytest.fixture
def skus(store: Store) -> list[Sku]:
    """Three products at 20.00."""
    return make.make_skus(store, 3, price="20.00")


@pytest.fixture(autouse=True)
def fresh_book() -> Iterator[None]:
    """A rule set of a test is forgotten with it."""
    policies.forget()
    yield
    policies.forget()


def _rules(**values: Any) -> None:
    """A version of the coupon rules that is in force from now."""
    rules = CouponRules(**values).model_dump(mode="json")
    RuleSet.objects.create(key="coupons", version="test", title="test", valid_from=NOW, values=rules)
    policies.forget()


def _coupon(store: Store, skus: list[Sku], *, claimed: bool = True, **more: Any) -> Coupon:
    coupon = make.make_coupon(store, [sku.listing for sku in skus], **more)
    if claimed:
        _claim(store, coupon)
    return coupon


def _claim(store: Store, coupon: Coupon, buyer: str = "anna") -> Claim:
    return claiming.claim(store, coupon.code, {"buyer": buyer, "country": "RU"}, actor=make.system("test"))


def _basket(skus: list[Sku], *coupons: Coupon | str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "buyer": "anna",
        "country": "RU",
        "logistics": "standard",
        "lines": [{"sku": sku.code, "quantity": quantity} for sku in skus],
        "coupons": [str(one) for one in coupons],
    } | more


def _quote(store: Store, actor: Actor, body: dict[str, Any]) -> tuple[Quote, dict[str, Any]]:
    quote = quoting.make_quote(store, body, actor=actor)
    return quote, quoting.document(quote)


def _order(store: Store, actor: Actor, quote: Quote, code: str = "A-1") -> Order:
    return checkout.place_order(store, {"order": code, "quote": quote.code}, actor=actor)


def _why(document: dict[str, Any]) -> list[str]:
    return [one["refusal"]["code"] if one["refusal"] else "" for one in document["coupons"]]


def test_a_quote_and_its_order_use_a_coupon_once(store: Store, actor: Actor, skus: list[Sku]) -> None:
    coupon = _coupon(store, skus[:2], face_value="5.01", min_order="40.00", code="SPEND40")
    quote, shown = _quote(store, actor, _basket(skus, "spend40"))
    assert shown["coupons"] == [{"code": "SPEND40", "applied": True, "amount": "5.01", "refusal": None}]
    assert (shown["subtotal"], shown["discount"], shown["total"]) == ("60.00", "5.01", "54.99")
    assert [line["unit_price"] for line in shown["lines"]] == ["20.00"] * 3
    assert shown["lines"][0]["why"][-1] == "SPEND40 takes $2.51 off this line's share of the order."
    order = _order(store, actor, quote)
    assert (order.subtotal, order.discount, order.total) == (Decimal(60), Decimal("5.01"), Decimal("54.99"))
    shares = OrderLine.objects.filter(order=order).order_by("position").values_list("order_discount", flat=True)
    assert list(shares) == [Decimal("2.51"), Decimal("2.50"), Decimal(0)]
    claim = Claim.objects.get()
    assert (claim.state, claim.order_code, claim.amount, claim.redeemed_at) == ("redeemed", "A-1", Decimal("5.01"), NOW)
    tally = CouponTally.objects.get(coupon=coupon)
    assert (tally.claimed, tally.redeemed, tally.spent) == (1, 1, Decimal("5.01"))
    kept = order.snapshot["coupons"][0]
    assert kept == {
        "code": "SPEND40", "applied": True, "amount": "5.01", "refusal": None, "claim": claim.code, "name": coupon.name,
        "kind": "spend", "face_value": "5.01", "min_order": "40.00",
    }  # fmt: skip
    assert order.snapshot["discounts"] == [
        {"coupon": "SPEND40", "label": coupon.name, "kind": "coupon", "amount": "5.01"}
    ]
    _quoted, again = _quote(store, actor, _basket(skus, coupon))
    assert (_why(again), again["discount"]) == (["ERR_COUPON_LIMIT"], "0.00")


def test_each_reason_is_shown_and_kept(store: Store, actor: Actor, skus: list[Sku], frozen: clock.FrozenClock) -> None:
    far = NOW + timedelta(days=1)
    make.make_order(store, [skus[2]], buyer="anna")
    cases: list[tuple[str, Coupon]] = [
        ("ERR_COUPON_NOT_CLAIMED", _coupon(store, skus, claimed=False)),
        ("ERR_COUPON_MIN_ORDER", _coupon(store, skus[:1], min_order="20.01")),
        ("ERR_COUPON_MIN_ORDER", _coupon(store, make.make_skus(store, 1))),
        ("ERR_COUPON_LOGISTICS", _coupon(store, skus, logistics=["premium"])),
        ("ERR_COUPON_REGION", _coupon(store, skus, claimed=False, regions=["PL"])),
        ("ERR_COUPON_FIRST_ORDER", _coupon(store, skus, claimed=False, first_order_only=True)),
        ("ERR_COUPON_WINDOW", _coupon(store, skus, claimed=False, starts_at=far)),
        ("ERR_COUPON_WINDOW", _coupon(store, skus, claimed=False, state="expired", ends_at=NOW)),
        ("ERR_COUPON_STATE", _coupon(store, skus, claimed=False, state="voided")),
        ("ERR_COUPON_STATE", _coupon(store, skus, claimed=False, state="paused", freeze_claimed=True)),
        ("ERR_COUPON_EXHAUSTED", _coupon(store, skus, claimed=False, budget=Decimal("1.99"))),
    ]
    for _code, coupon in cases[4:]:
        if not Claim.objects.filter(coupon=coupon).exists():
            CouponTally.objects.filter(coupon=coupon).update(claimed=1)
            Claim.objects.create(store=store, coupon=coupon, code=f"K-{coupon.pk}", buyer="anna", claimed_at=NOW)
    codes = [code for code, _coupon in cases]
    quote, shown = _quote(store, actor, _basket(skus, *(coupon for _code, coupon in cases), "NO-SUCH"))
    assert _why(shown) == [*codes, "ERR_COUPON_UNKNOWN"]
    assert all(one["refusal"]["message"] and one["amount"] == "0.00" for one in shown["coupons"])
    rows = Refusal.objects.filter(phase="quote").order_by("coupon_id").values_list("code", flat=True)
    assert list(rows) == codes
    little = Refusal.objects.get(coupon=cases[1][1]).facts
    assert (Decimal(little["eligible"]), little["min_order"]) == (Decimal(20), "20.010")
    assert {int(listing) for listing in little["outside"]} == {skus[1].listing_id, skus[2].listing_id}
    assert _order(store, actor, quote).discount == 0


def test_a_coupon_of_some_sites_is_refused_on_another_in_quote_and_order(
    store: Store, actor: Actor, skus: list[Sku]
) -> None:
    coupon = _coupon(store, skus, sites=["ru", "en"])
    for site, codes in (("ru", [""]), ("", [""]), ("zh", ["ERR_COUPON_SITE"])):
        _quoted, shown = _quote(store, actor, _basket(skus, coupon, site=site))
        assert _why(shown) == codes
    assert shown["coupons"][0]["refusal"]["message"] == "This coupon is for these sites: ru, en."
    row = Refusal.objects.get(coupon=coupon)
    assert (row.phase, row.code, row.facts) == ("quote", "ERR_COUPON_SITE", {"sites": ["ru", "en"], "site": "zh"})
    quote, _shown = _quote(store, actor, _basket(skus, coupon, site="ru"))
    Coupon.objects.filter(pk=coupon.pk).update(sites=["en"])
    with pytest.raises(Conflict, match="ERR_COUPON_SITE"):
        _order(store, actor, quote)
    assert Refusal.objects.get(coupon=coupon, phase="order").facts["site"] == "ru"


def test_after_item_campaigns_and_spend_and_save(store: Store, actor: Actor, skus: list[Sku]) -> None:
    make.make_campaign(store, skus[:1], price="15.00")
    saving = make.make_campaign(
        store, skus, kind="spend_and_save", rules={"threshold": "30.00", "discount": "10.00"}, price="1.00"
    )
    _offers_on_the_order(saving.code)
    coupon = _coupon(store, skus, face_value="50.00", min_order="55.00")
    _quoted, shown = _quote(store, actor, _basket(skus, coupon))
    assert (shown["subtotal"], shown["discount"], shown["total"]) == ("55.00", "55.00", "0.00")
    assert shown["coupons"][0]["amount"] == "45.00", "no more than what the order discount leaves"


def _offers_on_the_order(code: str) -> None:
    """As the kind itself writes them: a tag without a price."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE listings_liveoffer SET price = NULL WHERE campaign_code = %s", [code])


def test_platform_subsidies_combine_only_in_their_window(
    store: Store, actor: Actor, skus: list[Sku], frozen: clock.FrozenClock
) -> None:
    promotion = make.make_campaign(store, skus[:2], kind="platform_promotion", price="10.00", rules={"venue": "11.11"})
    alone = _coupon(store, skus, min_order="20.01")
    window: dict[str, Any] = {
        "stacks_with_platform": True,
        "stacks_from": NOW,
        "stacks_until": NOW + timedelta(hours=1),
    }
    stacking = _coupon(store, skus, min_order="20.01", **window)
    _quoted, shown = _quote(store, actor, _basket(skus, alone))
    assert _why(shown) == ["ERR_COUPON_NOT_COMBINED"]
    assert promotion.code in shown["coupons"][0]["refusal"]["message"]
    _quoted, shown = _quote(store, actor, _basket(skus, stacking))
    assert (_why(shown), shown["total"]) == ([""], "38.00")
    frozen.move_to(NOW + timedelta(hours=1))
    _quoted, shown = _quote(store, actor, _basket(skus, stacking))
    assert _why(shown) == ["ERR_COUPON_NOT_COMBINED"]
    cheap = _coupon(store, skus, min_order="20.00")
    _quoted, shown = _quote(store, actor, _basket(skus, cheap))
    assert [line["why"][-1].startswith(cheap.code) for line in shown["lines"]] == [False, False, True]


def test_of_several_coupons_the_best_counts(store: Store, actor: Actor, skus: list[Sku]) -> None:
    small, big = _coupon(store, skus, face_value="2.00"), _coupon(store, skus, face_value="6.00")
    _quoted, shown = _quote(store, actor, _basket(skus, small, big, small))
    assert _why(shown) == ["ERR_COUPON_NOT_COMBINED", ""]
    assert big.code in shown["coupons"][0]["refusal"]["message"]
    assert shown["discount"] == "6.00"
    _rules(coupons_per_order=2)
    quote, shown = _quote(store, actor, _basket(skus, small, big))
    assert (_why(shown), shown["discount"]) == (["", ""], "8.00")
    _order(store, actor, quote)
    assert Claim.objects.filter(state="redeemed").count() == 2


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("void", "ERR_COUPON_STATE"),
        ("freeze", "ERR_COUPON_STATE"),
        ("used", "ERR_COUPON_LIMIT"),
        ("ordered", "ERR_COUPON_FIRST_ORDER"),
        ("spent", "ERR_COUPON_EXHAUSTED"),
        ("pause", ""),
    ],
)
def test_an_order_looks_at_every_limit_again(store: Store, actor: Actor, skus: list[Sku], what: str, code: str) -> None:
    coupon = _coupon(store, skus, first_order_only=True, budget=Decimal(3))
    quote, _shown = _quote(store, actor, _basket(skus, coupon))
    other, _shown = _quote(store, actor, _basket(skus, coupon))
    _meanwhile(store, actor, coupon, skus, other, what)
    if not code:
        assert _order(store, actor, quote).discount == 2
        return
    stock = Sku.objects.get(pk=skus[0].pk).stock
    with pytest.raises(Conflict) as refused:
        _order(store, actor, quote)
    assert (refused.value.code, refused.value.extra["coupon"]) == (code, coupon.code)
    row = Refusal.objects.get(phase="order")
    assert (row.code, row.buyer, row.coupon_id) == (code, "anna", coupon.pk)
    assert not Order.objects.filter(code="A-1").exists()
    assert Sku.objects.get(pk=skus[0].pk).stock == stock
    assert Quote.objects.get(pk=quote.pk).order_code == ""


def _meanwhile(store: Store, actor: Actor, coupon: Coupon, skus: list[Sku], other: Quote, what: str) -> None:
    rows = Coupon.objects.filter(pk=coupon.pk)
    if what == "void":
        set_state(rows, transition="void", now=NOW)
        Claim.objects.update(state="voided", voided_at=NOW)
    elif what in ("freeze", "pause"):
        set_state(rows, transition="pause", now=NOW, paused_by="operator", freeze_claimed=what == "freeze")
    elif what == "used":
        _order(store, actor, other, "B-1")
    elif what == "ordered":
        make.make_order(store, skus[:1], buyer="anna")
    else:
        CouponTally.objects.filter(coupon=coupon).update(spent=Decimal("1.50"))


def test_a_quote_does_not_outlive_its_coupon(
    store: Store, actor: Actor, skus: list[Sku], frozen: clock.FrozenClock
) -> None:
    coupon = _coupon(store, skus, ends_at=NOW + timedelta(minutes=5))
    quote, shown = _quote(store, actor, _basket(skus, coupon))
    assert quote.expires_at == coupon.ends_at
    frozen.move_to(coupon.ends_at)
    with pytest.raises(Conflict, match="ERR_QUOTE_EXPIRED"):
        _order(store, actor, quote)


def test_what_a_coupon_holds_back_is_for_those_who_use_it(store: Store, actor: Actor, skus: list[Sku]) -> None:
    Sku.objects.filter(pk=skus[0].pk).update(stock=5)
    coupon = _coupon(store, skus[:1], quota=4, min_order="20.00")
    reserving.hold([coupon.pk], now=NOW)
    with pytest.raises(InvalidInput, match="ERR_STOCK"):
        _quote(store, actor, _basket(skus[:1], quantity=2))
    with pytest.raises(InvalidInput, match="ERR_STOCK"):
        _quote(store, actor, _basket(skus[:1], coupon, quantity=2, buyer="boris"))
    quote, shown = _quote(store, actor, _basket(skus[:1], coupon, quantity=4))
    assert shown["coupons"][0]["applied"]
    _order(store, actor, quote)
    sku = Sku.objects.get(pk=skus[0].pk)
    assert (sku.stock, sku.reserved, sku.available) == (1, 1, 0)
    assert reserving.release([coupon.pk], now=NOW) == {coupon.pk: 1}
    assert Sku.objects.get(pk=skus[0].pk).reserved == 0


def test_a_quota_that_is_used_up_holds_nothing_back(store: Store, actor: Actor, skus: list[Sku]) -> None:
    """R59: nor do the products of the pool that nobody bought."""
    coupon = _coupon(store, skus, claimed=False, quota=3)
    reserving.hold([coupon.pk], now=NOW)
    held = []
    for buyer in ("anna", "boris", "clara"):
        _claim(store, coupon, buyer)
        quote, _shown = _quote(store, actor, _basket(skus[:1], coupon, buyer=buyer))
        _order(store, actor, quote, f"A-{buyer}")
        deliver_due(topics=[reserving.SURPLUS])
        held.append(list(Sku.objects.filter(store=store).order_by("id").values_list("reserved", flat=True)))
    assert held == [[2, 2, 2], [1, 1, 1], [0, 0, 0]]


def test_a_refused_coupon_gives_no_stock(store: Store, actor: Actor, skus: list[Sku]) -> None:
    Sku.objects.filter(pk=skus[0].pk).update(stock=4)
    coupon = _coupon(store, skus[:1], quota=4, min_order="100.00")
    reserving.hold([coupon.pk], now=NOW)
    with pytest.raises(InvalidInput) as refused:
        _quote(store, actor, _basket(skus[:1], coupon))
    told = [(error.field, error.code) for error in refused.value.errors]
    assert told == [("lines.0.quantity", "ERR_STOCK"), ("coupons.0", "ERR_COUPON_MIN_ORDER")]


@pytest.mark.parametrize(
    ("before", "over", "policy", "state"),
    [
        ("unpaid", False, True, "claimed"),
        ("paid", False, True, "claimed"),
        ("paid", True, True, "redeemed"),
        ("paid", False, False, "redeemed"),
        ("shipped", False, True, "redeemed"),
    ],
)
def test_an_order_called_off_before_shipping_gives_its_coupon_back(
    store: Store,
    actor: Actor,
    skus: list[Sku],
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    over: bool,
    policy: bool,
    state: str,
) -> None:
    told: list[joined.Returned] = []
    monkeypatch.setattr(joined.on_returned, "receivers", [*joined.on_returned.receivers, told.append])
    coupon = _coupon(store, skus)
    quote, _shown = _quote(store, actor, _basket(skus, coupon))
    _order(store, actor, quote)
    if before != "unpaid":
        editing.patch_order(store, "A-1", {"state": before}, actor=actor)
    if over:
        set_state(Coupon.objects.filter(pk=coupon.pk), transition="void", now=NOW)
    _rules(returns_on_cancellation=policy)
    editing.patch_order(store, "A-1", {"state": "cancelled"}, actor=actor)
    claim, tally = Claim.objects.get(), CouponTally.objects.get(coupon=coupon)
    shipped = before == "shipped"
    assert claim.state == state
    assert tally.redeemed == (0 if state == "claimed" else 1)
    assert tally.spent == (2 if shipped else 0)
    assert [(one.order_code, one.amount, one.reusable) for one in told] == (
        [] if shipped else [("A-1", Decimal(2), state == "claimed")]
    )
    if state == "claimed":
        quote, shown = _quote(store, actor, _basket(skus, coupon))
        assert _order(store, actor, quote, "A-2").discount == 2


def test_the_number_of_statements_is_constant(store: Store, actor: Actor) -> None:
    counts = set()
    first = make.make_skus(store, 1)
    _quote(store, actor, _basket(first, _coupon(store, first)))  # plans the statements of this connection
    for lines, campaigns in ((5, 1), (20, 10), (200, 30)):
        skus = make.make_skus(store, lines)
        for _ in range(campaigns):
            make.make_campaign(store, skus, price="20.00")
        coupons = make.Coupon.objects.bulk_create(
            make.Coupon(
                store=store, code=f"X{lines}-{n}", name="x", kind="spend", face_value=1, currency="USD", min_order=10, quota=9,
                starts_at=NOW, ends_at=NOW + timedelta(days=9), state="active",
            )
            for n in range(campaigns * 3)
        )  # fmt: skip
        CouponTally.objects.bulk_create(CouponTally(coupon=one, store=store, quota=9) for one in coupons)
        PoolListing.objects.bulk_create(
            PoolListing(store=store, coupon=one, listing_id=sku.listing_id) for one in coupons for sku in skus[:3]
        )
        for coupon in coupons[:3]:
            _claim(store, coupon)
        body = _basket(skus, *coupons[:3])
        with CaptureQueriesContext(connection) as captured:
            _quoted, shown = _quote(store, actor, body)
        assert sum(one["applied"] for one in shown["coupons"]) == 1
        counts.add(len(captured))
    assert len(counts) == 1, counts
    assert counts.pop() <= 14


def test_an_order_at_given_prices_takes_no_coupon(store: Store, actor: Actor, skus: list[Sku]) -> None:
    coupon = _coupon(store, skus)
    body = _basket(skus, coupon, order="A-9")
    for line in body["lines"]:
        line["unit_price"] = "20.00"
    with pytest.raises(DomainError, match="ERR_COUPON_UNKNOWN"):
        checkout.place_order(store, body, actor=actor)
