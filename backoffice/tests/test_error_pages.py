"""Pages of failures: what a person needs to go on, or to tell support."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import get_resolver

from accounts.models import Store
from tests import factories as make


@pytest.fixture
def store(db) -> Store:
    return make.make_store()


def test_a_broken_page_names_the_number_of_its_request(rf):
    request = rf.get("/s/pinecone/orders/")
    request.request_id = "req-4711-abcd"
    answer = get_resolver().resolve_error_handler(500)(request)
    assert answer.status_code == 500
    assert "req-4711-abcd" in answer.content.decode()


@pytest.mark.parametrize(
    ("referer", "href"),
    [
        ("http://testserver/s/{slug}/coupons/A-1/?tab=x", "/s/{slug}/coupons/A-1/?tab=x"),
        ("http://elsewhere.test/s/{slug}/coupons/", ""),
        ("", ""),
    ],
)
def test_a_stale_form_leads_back_to_its_page_and_names_its_code(store: Store, referer: str, href: str):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make.owner_of(store))
    headers = {"Referer": referer.format(slug=store.slug)} if referer else {}
    answer = client.post(f"/s/{store.slug}/coupons/A-1/resume/", headers=headers)
    text = answer.content.decode()
    assert answer.status_code == 403
    assert "ERR_CSRF" in text
    assert f'bo-btn-primary" href="{href.format(slug=store.slug)}"' in text
