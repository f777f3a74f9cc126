"""A HEAD of a download that is recorded takes nothing, so nothing is recorded."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from core.scopes import in_store
from tests import factories as make
from tests.api.client import member_api

pytestmark = pytest.mark.django_db

DOWNLOADS: dict[str, tuple[dict[str, object], str]] = {
    "audit:export": ({}, "text/csv"),
    "coupons:usage_export": ({"code": "SPRING-5"}, "text/csv"),
    "coupons:codes_csv": ({"code": "SPRING-5", "batch": 1}, "text/csv"),
    "campaigns:closing_proof": ({"code": "C-7F3KQ"}, "application/zip"),
    "insights:export": ({}, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def test_head_takes_nothing_and_get_is_recorded(client: Client) -> None:
    store = make.make_store()
    with in_store(store.pk):
        listing = make.make_listing(store, ["A-1"])
        make.make_coupon(store, [listing], code="SPRING-5")
        make.make_campaign(store, list(listing.skus.all()), code="C-7F3KQ")
    client.force_login(make.owner_of(store))
    for name, (args, kind) in DOWNLOADS.items():
        url = reverse(name, kwargs={"store": store.slug, **args})
        before = AuditEvent.objects.count()
        answer = client.head(url)
        assert (answer.status_code, answer["Content-Type"].partition(";")[0], answer.content) == (200, kind, b""), name
        assert AuditEvent.objects.count() == before, name
    assert (
        client.head(reverse("coupons:usage_export", kwargs={"store": store.slug, "code": "NO-SUCH"})).status_code == 404
    )
    assert client.get(reverse("audit:export", kwargs={"store": store.slug})).status_code == 200
    assert AuditEvent.objects.filter(action="audit.export").count() == 1


def test_the_api_has_no_head_of_a_download() -> None:
    store = make.make_store()
    api = member_api(store, make.owner_of(store))
    before = AuditEvent.objects.count()
    for path in (
        "/campaigns/history.xlsx",
        "/campaigns/C-7F3KQ/closing/proof.zip",
        "/coupons/SPRING-5/batches/1/codes.csv",
    ):
        assert api.call("HEAD", path).status_code == 405
    assert AuditEvent.objects.count() == before
