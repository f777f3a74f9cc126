"""Files over the API: sent, queued, worked on, reported row by row."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Store
from core.scopes import in_store
from listings import jobs
from listings.models import Job, Sku
from orders.models import Order
from tests.api.client import Api, member_api, new_key, ok, problem
from tests.factories import make_member, make_skus

GOODS = b"sku,title,category,sale_price,currency\nA-1,Tote,bags,9.90,USD\nB&2,Bad,bags,1.00,USD\n"


def csv(content: bytes = GOODS, name: str = "goods.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "text/csv")


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_a_catalogue_file_becomes_a_job(owner: Api, store: Store, django_capture_on_commit_callbacks: Any) -> None:
    started = ok(owner.upload("/listings/import", {"file": csv()}), 202)
    assert ok(owner.get(f"/jobs/{started['job']}"))["state"] == "queued"
    jobs.run_due()
    job = ok(owner.get(f"/jobs/{started['job']}"))
    assert (job["state"], job["total"], job["failed"]) == ("done", 2, 1)
    assert job["rows"][0]
    with in_store(store.pk):
        assert list(Sku.objects.values_list("code", flat=True)) == ["A-1"]


def test_columns_are_mapped(owner: Api, store: Store) -> None:
    content = b"Code,Name,Price\nA-1,Tote,9.90\n"
    fields = {
        "file": csv(content),
        "mapping": '{"Code": "sku", "Name": "title", "Price": "sale_price"}',
        "currency": "USD",
        "category": "bags",
        "stock": "5",
    }
    started = ok(owner.upload("/listings/import", fields), 202)
    jobs.run_due()
    job = ok(owner.get(f"/jobs/{started['job']}"))
    assert (job["state"], job["failed"]) == ("done", 0), job


def test_orders_come_as_a_file_too(owner: Api, store: Store) -> None:
    with in_store(store.pk):
        (sku,) = make_skus(store, 1)
    content = f"order,placed_at,sku,quantity,unit_price,currency\nO-1,2026-01-05T10:00:00Z,{sku.code},2,9.90,USD\n"
    started = ok(owner.upload("/orders/import", {"file": csv(content.encode(), "orders.csv")}), 202)
    jobs.run_due()
    job = ok(owner.get(f"/jobs/{started['job']}"))
    assert (job["state"], job["failed"]) == ("done", 0), job
    with in_store(store.pk):
        assert Order.objects.count() == 1


def test_rows_of_orders_are_for_those_who_may_see_orders(owner: Api, store: Store) -> None:
    """Refused rows quote the file, and a file of orders holds buyers; goods are as closed to those who see orders only."""
    goods = ok(owner.upload("/listings/import", {"file": csv()}), 202)["job"]
    with in_store(store.pk):
        (sku,) = make_skus(store, 1)
    content = f"order,placed_at,sku,quantity,unit_price,currency\nO-1,2026-01-05T10:00:00Z,{sku.code},2,9.90,USD\n"
    sold = ok(owner.upload("/orders/import", {"file": csv(content.encode(), "orders.csv")}), 202)["job"]
    seller = member_api(store, make_member(store, rights=["listings.view"]))
    clerk = member_api(store, make_member(store, rights=["orders.view"]))
    problem(seller.get(f"/jobs/{sold}"), 403, "ERR_PERMISSION")
    problem(clerk.get(f"/jobs/{goods}"), 403, "ERR_PERMISSION")
    assert ok(seller.get(f"/jobs/{goods}"))["id"] == goods
    assert ok(clerk.get(f"/jobs/{sold}"))["id"] == sold


def test_the_same_file_under_the_same_key_is_one_job(owner: Api, store: Store) -> None:
    key = new_key()
    first = ok(owner.upload("/listings/import", {"file": csv()}, key=key), 202)
    assert ok(owner.upload("/listings/import", {"file": csv()}, key=key), 202) == first
    problem(
        owner.upload("/listings/import", {"file": csv(GOODS + b"C-3,X,bags,1.00,USD\n")}, key=key),
        422,
        "ERR_IDEMPOTENCY_MISMATCH",
    )
    with in_store(store.pk):
        assert Job.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"file": "text, no file"},
        {"file": csv(b"")},
        {"file": csv(b"\x00\x01\x02\xff")},
        {"file": csv(b"nothing,known\n1,2\n")},
        {"file": csv(), "mapping": "[1]"},
        {"file": csv(), "mapping": '{"a": 1}'},
        {"file": csv(), "mapping": "{" * 5000},
        {"file": csv(), "currency": "ZZZ"},
        {"file": csv(), "category": "nope"},
        {"file": csv(), "stock": "-1"},
        {"file": csv(), "stock": "a\x00"},
    ],
)
def test_bad_uploads_are_422_and_leave_nothing(owner: Api, store: Store, fields: dict[str, Any], tmp_path: Any) -> None:
    problem(owner.upload("/listings/import", fields), 422)
    with in_store(store.pk):
        assert not Job.objects.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_file_above_the_limit_is_refused(owner: Api) -> None:
    answer = owner.upload("/listings/import", {"file": csv(b"sku,title\n" + b"x" * 5_500_000)})
    assert problem(answer, answer.status_code)["code"] == "ERR_TOO_LARGE"
    assert answer.status_code in {413, 422}
    problem(owner.upload("/listings/import", {"file": csv(b"x" * 10_000_000)}), 413, "ERR_TOO_LARGE")


def test_a_form_where_json_belongs_and_the_other_way_round(owner: Api) -> None:
    problem(owner.post("/listings/import", {"file": "x"}), 415)
    problem(owner.upload("/prices", {"file": csv()}), 415)
    broken = owner.call(
        "POST", "/listings/import", raw=b"--x\r\nbroken", content_type="multipart/form-data; boundary=y"
    )
    problem(broken, 422)
    problem(owner.call("POST", "/listings/import", raw=b"abc", content_type="multipart/form-data"), 422)
