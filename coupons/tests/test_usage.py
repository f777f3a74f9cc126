"""使用明细: rows by kind, newest first, page by page, each explained."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from core import display
from core.errors import InvalidInput
from core.scopes import in_store
from coupons import explaining, facts, usage
from coupons.models import Claim, Coupon, PausedBy
from coupons.usage import UsageFilter, UsageRow
from tests import factories as make
from tests.coupon_rows import make_claims, make_refusal

pytestmark = pytest.mark.django_db
NOON = datetime.fromisoformat("2026-11-20T12:00:00+00:00")


@pytest.fixture
def coupon() -> Coupon:
    """A coupon with five claims (two used, one void) and three refusals, some at the same moment."""
    store = make.make_store()
    with in_store(store.pk):
        coupon = make.make_coupon(store, code="RU-ONLY-3", regions=["RU"])
        rows = make_claims(coupon, 5, redeemed=2, channel="push", at=NOON, every=timedelta(0))
        Claim.objects.filter(pk=rows[4].pk).update(state="voided", voided_at=NOON, channel="email")
        region = facts.RegionFacts(regions=("RU",))
        make_refusal(coupon, region, buyer="pole", country="PL", at=NOON, times=3, channel="push")
        make_refusal(coupon, region, buyer="pole-2", country="PL", at=NOON + timedelta(days=1))
        make_refusal(coupon, facts.LimitFacts(), buyer="buyer-1", at=NOON - timedelta(days=1))
    return coupon


def _all(coupon: Coupon, wanted: UsageFilter, size: int) -> list[UsageRow]:
    """Every row by walking the pages forward; and the way back shows the same."""
    pages, cursor = [], ""
    while True:
        page = usage.page(coupon, wanted, cursor=cursor, size=size)
        pages.append(page)
        if not page.next:
            break
        cursor = page.next
    for before, after in zip(pages, pages[1:], strict=False):
        assert usage.page(coupon, wanted, cursor=after.previous, size=size).rows == before.rows
    return [row for page in pages for row in page.rows]


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_pages_hold_every_row_once_newest_first(coupon: Coupon, size: int) -> None:
    rows = _all(coupon, UsageFilter(), size)
    assert [(row.status, row.at) for row in rows] == sorted(
        ((row.status, row.at) for row in rows), key=lambda one: one[1], reverse=True
    )
    kinds = [row.status for row in rows]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"claimed": 2, "redeemed": 2, "voided": 1, "refused": 3}
    assert len({(row.status, row.id) for row in rows}) == 8
    assert list(usage.each(coupon, UsageFilter(), chunk=size)) == rows


def test_filters_narrow(coupon: Coupon) -> None:
    def found(**wanted: object) -> list[str]:
        return [row.status for row in usage.page(coupon, UsageFilter(**wanted), size=50).rows]  # type: ignore[arg-type]  # fields by name, each test gives the few it is about

    assert found(status="redeemed") == ["redeemed"] * 2
    assert found(code="ERR_COUPON_REGION") == ["refused"] * 2
    assert found(code="ERR_COUPON_REGION", status="claimed") == []
    assert sorted(found(channel="push")) == ["claimed"] * 2 + ["redeemed"] * 2 + ["refused"]
    assert found(since=NOON + timedelta(hours=1)) == ["refused"]
    assert found(status="refused", until=NOON) == ["refused"]
    assert usage.counts(coupon, UsageFilter(), limit=2) == {"claimed": 2, "redeemed": 2, "voided": 1, "refused": 2}
    assert usage.counts(coupon, UsageFilter(code="ERR_COUPON_LIMIT"), limit=9)["refused"] == 1
    assert usage.codes_of(coupon) == ["ERR_COUPON_LIMIT", "ERR_COUPON_REGION"]


@pytest.mark.parametrize("cursor", ["x", "bm9uc2Vuc2U", "bjEuOS4x", "🙂", "n" * 200])
def test_a_cursor_that_is_none_is_refused(coupon: Coupon, cursor: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        usage.page(coupon, UsageFilter(), cursor=cursor, size=5)
    assert refused.value.code == "ERR_CURSOR"


def test_a_page_is_one_query_whatever_is_asked(coupon: Coupon) -> None:
    for wanted in (UsageFilter(), UsageFilter(status="refused"), UsageFilter(channel="push", since=NOON)):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            usage.page(coupon, wanted, size=2)
        assert len(asked) == 1


def test_each_row_of_another_coupon_stays_there(coupon: Coupon) -> None:
    with in_store(coupon.store_id):
        other = make.make_coupon(Store.objects.get(pk=coupon.store_id))
        assert usage.page(other, UsageFilter(), size=9).rows == []
        assert usage.codes_of(other) == []


def _told(told: facts.Facts, **row: object) -> explaining.Explained:
    store = Store(time_zone="Asia/Shanghai")
    coupon = Coupon(store=store, currency="USD")
    given = {
        "status": "refused", "id": 1, "at": NOON, "claim": "", "buyer": "b", "country": "PL", "channel": "", "claimed_at": None,
        "order": "", "amount": None, "code": told.code, "phase": "claim", "times": 1, "last_at": NOON, "facts": told.stored(),
    }  # fmt: skip
    return explaining.refusal(UsageRow(**given | row), coupon, display.zone("Asia/Shanghai"))  # type: ignore[arg-type]  # fields by name, each test gives the few it is about


def test_a_refusal_is_explained_by_its_facts() -> None:
    assert _told(facts.RegionFacts(regions=("RU",))) == explaining.Explained(
        "The buyer is in Poland; the coupon is for Russia only.", "Create a coupon whose regions include Poland."
    )
    least = facts.MinOrderFacts(eligible=Decimal("18.50"), min_order=Decimal(20))
    assert _told(least).why == "The goods of the pool came to $18.50, the coupon begins at $20.00."
    assert _told(least).mend.startswith("$1.50 more in the basket")
    assert "not valid yet" in _told(facts.WindowFacts(starts_at=NOON + timedelta(1), ends_at=NOON + timedelta(2))).why
    assert "was over" in _told(facts.WindowFacts(starts_at=NOON - timedelta(2), ends_at=NOON)).why
    assert "effect warning" in _told(facts.StateFacts(state="paused", paused_by=PausedBy.EFFECT_WATCH)).why


@pytest.mark.parametrize("kind", list(facts._BY_CODE.values()), ids=lambda kind: kind.code)
def test_every_code_has_words_of_its_own(kind: type[facts.Facts]) -> None:
    if kind.__module__ == facts.__name__:
        assert kind.code in explaining._WORDS
    broken = _told(facts.Facts(), code=kind.code, facts={"nonsense": 1})
    assert broken.why
    assert broken == explaining.general(kind.code), "what the catalogue says, where the facts do not fit"


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert explaining.general("ERR_NOBODY_KNOWS").why == "ERR_NOBODY_KNOWS"
