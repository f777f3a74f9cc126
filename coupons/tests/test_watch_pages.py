"""使用明细, the effect tab and the diagnosis report as a browser gets them."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from python_calamine import CalamineWorkbook

from accounts.models import Store
from audit.models import AuditEvent
from core import clock
from core.scopes import in_store
from coupons import facts, lifecycle, tasks
from coupons.models import Coupon, Diagnosis
from tests import factories as make
from tests.coupon_rows import make_claims, make_refusal

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def coupon() -> Coupon:
    """A coupon that does badly: 110 claimed, 3 redeemed, Poles and small baskets refused."""
    now = clock.now()
    store = make.make_store("watched")
    make.decorate(store)
    with in_store(store.pk):
        listing = make.make_listing(store, price="30.00")
        coupon = make.make_coupon(
            store, [listing], code="EARBUD-LOW", quota=500, min_order="20.00", regions=["RU"], created_at=now - 6 * DAY,
            activated_at=now - 5 * DAY, starts_at=now - 5 * DAY,
        )  # fmt: skip
        make_claims(coupon, 110, redeemed=3, channel="email", country="RU", at=now - 5 * DAY, every=timedelta(hours=1))
        for n in range(3):
            make_refusal(
                coupon, facts.RegionFacts(regions=("RU",)), buyer=f"=cmd|{n}", country="PL", channel="push", times=2
            )
        told = facts.MinOrderFacts(eligible=Decimal("18.70"), min_order=Decimal(20))
        make_refusal(coupon, told, buyer="small", phase="order")
    return coupon


@pytest.fixture
def owner(client: Client, coupon: Coupon) -> Client:
    """A browser of the store's owner."""
    client.force_login(make.owner_of(Store.objects.get(slug="watched")))
    return client


def _page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(f"/s/watched/coupons/EARBUD-LOW/{path}")
    assert answer.status_code == status
    return answer.content.decode()


def test_the_usage_tab_filters_explains_and_pages(owner: Client) -> None:
    shown = _page(owner, "usage/?status=refused")
    assert "ERR_COUPON_REGION" in shown
    assert "The buyer is in Poland; the coupon is for Russia only." in shown
    assert "Create a coupon whose regions include Poland." in shown
    assert "2 times within the hour" in shown
    assert "EARBUD-LOW-buyer-1" not in shown
    assert "The goods of the pool came to" not in _page(owner, "usage/?status=refused&code=ERR_COUPON_REGION")
    assert "EARBUD-LOW-buyer-1" in _page(owner, "usage/?status=redeemed")
    assert "Next page" in _page(owner, "usage/")
    assert "Next page" in _page(owner, "usage/?cursor=nonsense"), "a cursor that is none shows the first page"
    assert _page(owner, "usage/?status=nonsense&from=nonsense&channel=nonsense")


def test_the_pages_ask_as_much_for_many_rows_as_for_few(owner: Client, coupon: Coupon) -> None:
    def queries() -> list[int]:
        counts = []
        for path in ("usage/", "effect/"):
            with CaptureQueriesContext(connection) as asked:
                _page(owner, path)
            counts.append(len(asked))
        return counts

    queries()
    few = queries()
    with in_store(coupon.store_id):
        make_claims(coupon, 200, redeemed=20, channel="push", who="more")
        for n in range(20):
            make_refusal(coupon, facts.StockFacts(reason="sold_out"), buyer=f"more-{n}")
            make_refusal(coupon, facts.RegionFacts(regions=("RU",)), buyer=f"more-{n}", country="BY")
    many = queries()
    assert many[0] == few[0]
    assert many[1] <= few[1] + 2, "goods in stock are asked for where a refusal speaks of stock"


def test_the_export_holds_every_row_and_no_buyer(owner: Client, coupon: Coupon) -> None:
    answer = owner.get("/s/watched/coupons/EARBUD-LOW/usage/export/?format=csv&status=refused")
    text = answer.getvalue().decode("utf-8-sig")
    assert answer["Content-Disposition"].startswith('attachment; filename="usage-EARBUD-LOW-')
    assert text.count("\r\n") == 5
    assert "ERR_COUPON_MIN_ORDER" in text
    assert "cmd" not in text
    assert "small" not in text

    book = owner.get("/s/watched/coupons/EARBUD-LOW/usage/export/?format=xlsx")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(book.getvalue())).get_sheet_by_index(0)
    rows = sheet.to_python()
    assert len(rows) == 1 + 110 + 4
    assert "buyer" not in str(rows[0]).lower()
    redeemed = [row for row in rows if row[0] == "Redeemed"]
    assert [row[-1] for row in redeemed] == [2.0, 2.0, 2.0]
    assert AuditEvent.objects.filter(action="coupon.export_usage").count() == 2

    member = make.make_member(Store.objects.get(slug="watched"), rights=["coupons.view"])
    owner.force_login(member)
    assert "usage/export/" not in _page(owner, "usage/")
    _page(owner, "usage/export/", 403)


def test_the_mirror_opens_a_change_as_a_draft(owner: Client, coupon: Coupon) -> None:
    shown = _page(owner, "effect/")
    assert "Add Poland to the regions" in shown
    assert "Minimum order: $20.00 → $18.50" in shown
    answer = owner.post("/s/watched/coupons/EARBUD-LOW/mirror/", {"field": "min_order", "value": '"18.50"'})
    assert answer.status_code == 302
    with in_store(coupon.store_id):
        draft = Coupon.objects.get(state="draft")
    assert draft.min_order == Decimal("18.50")
    assert answer["Location"].endswith(f"/coupons/{draft.code}/edit/")
    odd = (("categories", '["\\u0000"]'), ("categories", '["\\ud800", 7, true]'), ("listings", f"[{10**400}]"))
    for field, value in (("face_value", '"99"'), ("min_order", '"1.00"'), *odd):
        refused = owner.post("/s/watched/coupons/EARBUD-LOW/mirror/", {"field": field, "value": value})
        assert refused.status_code == 422
        assert "Add Poland to the regions" in refused.content.decode(), "the page stands, with the problem above it"


def test_a_warning_leads_to_its_report(owner: Client, coupon: Coupon) -> None:
    assert "No warning so far." in _page(owner, "effect/")
    tasks.effect_watch()
    assert "Effect warning" in _page(owner, "")
    with in_store(coupon.store_id):
        row = Diagnosis.objects.get()
    report = _page(owner, f"diagnosis/{row.pk}/")
    for told in (
        "2.7% of what was claimed had been redeemed; below 15% issuing stops.",
        "3 of 110 redeemed: 2.7%",
        "Minimum order: $20.00 → $18.50",
        "Add Poland to the regions",
        "Issuing stands still",
        "ERR_COUPON_REGION",
    ):
        assert told in report, told
    assert "Effect warning" in owner.get("/s/watched/").content.decode(), "on the dashboard, too"
    assert f"/coupons/EARBUD-LOW/diagnosis/{row.pk}/" in owner.get("/s/watched/messages/").content.decode()
    _page(owner, "diagnosis/999999/", 404)


def test_the_report_shows_before_and_after_a_resume(owner: Client, coupon: Coupon) -> None:
    tasks.effect_watch()
    store, now = Store.objects.get(slug="watched"), clock.now()
    with in_store(store.pk):
        lifecycle.resume(store, coupon.code, actor=make.actor_for(make.owner_of(store)))
        row = Diagnosis.objects.get()
        report = _page(owner, f"diagnosis/{row.pk}/")
        assert "Resumed, look back planned" in report
        assert "the look back comes" in report
        assert "Issuing goes on; what came of it is looked at" in _page(owner, "")
        make_claims(coupon, 10, redeemed=6, at=now + DAY, who="later")
        with clock.freeze(now + 8 * DAY):
            tasks.effect_watch()
    report = _page(owner, f"diagnosis/{row.pk}/")
    for told in ("Looked back at", "7 days after", "60%", "6 of 10 claimed since then redeemed", "63.2%", "2.7%"):
        assert told in report, told
    assert "Issuing goes on; what came of it" not in _page(owner, "")


def test_pages_of_a_coupon_that_nobody_asked_for(owner: Client, coupon: Coupon) -> None:
    with in_store(coupon.store_id):
        make.make_coupon(Store.objects.get(slug="watched"), code="NEW-1")
    for path, told in (("usage/", "Nobody has asked for this coupon yet"), ("effect/", "No refusals in this time")):
        answer = owner.get(f"/s/watched/coupons/NEW-1/{path}")
        assert answer.status_code == 200
        assert told in answer.content.decode()


def test_nothing_here_speaks_english_to_a_chinese_reader(owner: Client, coupon: Coupon) -> None:
    tasks.effect_watch()
    with in_store(coupon.store_id):
        row = Diagnosis.objects.get()
    headers: dict[str, Any] = {"HTTP_ACCEPT_LANGUAGE": "zh-CN"}
    usage = owner.get("/s/watched/coupons/EARBUD-LOW/usage/?status=refused", **headers).content.decode()
    assert "买家在波兰；本券仅限俄罗斯。" in usage
    report = owner.get(f"/s/watched/coupons/EARBUD-LOW/diagnosis/{row.pk}/", **headers).content.decode()
    assert "诊断报告" in report
    assert "最低订单金额：US$20.00 → US$18.50" in report
