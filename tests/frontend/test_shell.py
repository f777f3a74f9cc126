"""The frame of real pages: menu by rights, store switcher, demo doors, preferences, languages."""

from __future__ import annotations

import pytest
from django.test import Client

from backoffice import navigation
from tests.factories import make_member, make_staff, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return make_store("pinecone", name="Pinecone", name_zh="松果")


def page_of(user, store, path="", language="en"):
    client = Client(headers={"Accept-Language": language})
    client.force_login(user)
    response = client.get(f"/s/{store.slug}/{path}")
    assert response.status_code == 200, response.content
    return response


def menu_of(response):
    return [str(link.label) for section in response.context["nav"] for link in section.entries]


def test_every_entry_of_the_menu_leads_somewhere():
    entries = [entry for section in navigation.MENU for entry in section.entries]
    assert [entry.url_name for entry in entries if not navigation.address(entry.url_name, "x")] == []


def test_a_member_sees_only_what_the_rights_open(store):
    everything = menu_of(page_of(store.memberships.get().user, store, "campaigns/"))
    little = menu_of(page_of(make_member(store, rights=["campaigns.view"]), store, "campaigns/"))
    assert set(little) < set(everything)
    assert "Campaigns" in little
    assert "Listings" not in little
    assert "Audit log" in everything


def test_labels_are_the_sources_own_and_one_entry_is_current(store):
    response = page_of(store.memberships.get().user, store, "campaigns/", "zh-hans")
    assert {"工作台", "活动管理", "历史活动", "商品管理", "员工管理", "操作日志"} <= set(menu_of(response))
    links = [link for section in response.context["nav"] for link in section.entries]
    assert [str(link.label) for link in links if link.current] == ["活动管理"]
    assert "北京时间 UTC+8" in response.content.decode()
    assert '<html lang="zh-Hans"' in response.content.decode()


def test_the_switcher_keeps_the_page_and_shows_own_stores_only(store):
    owner = store.memberships.get().user
    other = make_store("riverlamp", owner=owner, name="Riverlamp")
    make_store("stranger", name="Stranger")
    response = page_of(owner, store, "campaigns/")
    assert [(choice.label, choice.url, choice.current) for choice in response.context["stores"]] == [
        ("Pinecone", "/s/pinecone/campaigns/", True),
        ("Riverlamp", f"/s/{other.slug}/campaigns/", False),
    ]


def test_staff_find_the_platform(store):
    staff = make_staff()
    membership = store.memberships.get()
    membership.user = staff
    membership.save()
    assert "/platform/" in page_of(staff, store).content.decode()


def test_preferences_are_kept_in_cookies_and_nonsense_is_ignored(client):
    answer = client.post(
        "/preferences/", {"theme": "dark", "density": "<x>", "shortcuts": "off", "next": "//evil.example"}
    )
    assert answer.headers["Location"] == "/preferences/"
    assert {key: morsel.value for key, morsel in client.cookies.items() if key.startswith("bo_")} == {
        "bo_theme": "dark",
        "bo_shortcuts": "off",
    }
    page = client.get("/preferences/").content.decode()
    assert 'data-bs-theme="dark" data-theme="dark" data-density="normal" data-shortcuts="off"' in page
    client.cookies["bo_theme"] = "evil"
    assert 'data-theme="auto"' in client.get("/preferences/").content.decode()


def test_the_language_switch_outlives_the_request(client):
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/preferences/"})
    assert "显示设置" in client.get("/preferences/", headers={"Accept-Language": "en"}).content.decode()


def test_sign_in_lists_demo_people_only_in_a_demo(client, settings):
    settings.DEMO_MODE = False
    assert "owner@demo.test" not in client.get("/account/login/").content.decode()
    settings.DEMO_MODE = True
    page = client.get("/account/login/", headers={"Accept-Language": "zh-CN"}).content.decode()
    assert "店主（演示）" in page
    assert "demo-promotion-2026" in page


def test_the_frame_costs_few_queries(store, django_assert_max_num_queries):
    user = make_member(store, rights=["campaigns.view"])
    client = Client()
    client.force_login(user)
    client.get(f"/s/{store.slug}/campaigns/")
    with django_assert_max_num_queries(6):
        client.get(f"/s/{store.slug}/campaigns/")


def test_the_csp_is_the_promised_one(client):
    assert set(client.get("/account/login/").headers["Content-Security-Policy"].split("; ")) == {
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    }
