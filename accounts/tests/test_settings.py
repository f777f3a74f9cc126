"""The store's own settings: its name and its time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from accounts import stores
from accounts.models import Grant
from audit.models import AuditEvent
from core import clock, zones
from core.errors import InvalidInput
from tests.factories import actor_for, make_member, make_store, owner_of

pytestmark = pytest.mark.django_db
SUMMER = datetime(2026, 7, 1, tzinfo=UTC)
PATH = "/s/pinecone/settings/"


def test_zones_stand_in_the_order_of_their_clocks_with_the_distance_of_the_moment():
    often, rest = zones.choices(SUMMER, "US/Pacific")
    assert [name for name, _label in often[1]] == ["Asia/Shanghai", "America/Los_Angeles", "UTC"]
    labels = dict(rest[1])
    assert labels["Europe/Paris"] == "UTC+2 · Europe/Paris · Paris"
    assert dict(zones.choices(datetime(2026, 12, 1, tzinfo=UTC))[1][1])["Europe/Paris"].startswith("UTC+1 · ")
    order = list(labels)
    assert order.index("Pacific/Honolulu") < order.index("US/Pacific") < order.index("Asia/Kolkata")
    assert not {"localtime", "Factory", "Asia/Shanghai"} & set(order)


def test_a_name_that_only_this_machine_knows_is_no_zone():
    store = make_store()
    for name in ("localtime", "posix/Asia/Shanghai", "Mars/Base", ""):
        with pytest.raises(InvalidInput):
            stores.edit_store(store, {"time_zone": name}, actor=actor_for(owner_of(store)))


def test_the_main_account_changes_name_and_zone_on_a_page(client):
    store = make_store("pinecone", name="Pinecone", name_zh="松果店", time_zone="Asia/Shanghai")
    client.force_login(owner_of(store))
    with clock.freeze(SUMMER):
        page = client.get(PATH).content.decode()
        assert re.search(r'<option value="Asia/Shanghai" selected>UTC\+8 · Asia/Shanghai · Beijing time</option>', page)
        data = {"name": "Pine & Cone", "name_zh": "松果", "time_zone": "America/Los_Angeles", "version": "1"}
        told = client.post(PATH, data, follow=True).content.decode()
        assert "US Pacific time (UTC-7)" in told
        store.refresh_from_db()
        assert (store.name, store.time_zone, store.version) == ("Pine & Cone", "America/Los_Angeles", 2)
        event = AuditEvent.objects.get(action="store.edit")
        assert event.before == {"name": "Pinecone", "name_zh": "松果店", "time_zone": "Asia/Shanghai"}
        assert event.after == {"name": "Pine & Cone", "name_zh": "松果", "time_zone": "America/Los_Angeles"}
        assert event.right == "settings.manage"

        stale = client.post(PATH, data | {"name": "Other"})
        assert stale.status_code == 409
        assert "ERR_VERSION_CONFLICT" in stale.content.decode()
        assert 'name="version" value="2"' in stale.content.decode(), "the next submit means what the page shows"
        for wrong in ({"name": " "}, {"time_zone": "localtime"}, {"version": "x"}):
            assert client.post(PATH, data | {"version": "2"} | wrong).status_code == 422
        assert "Nothing was different" in client.post(PATH, data | {"version": "2"}, follow=True).content.decode()
        assert AuditEvent.objects.filter(action="store.edit", result="done").count() == 1
        assert PATH in client.get("/s/pinecone/").content.decode(), "the menu leads there"


def test_a_form_that_was_open_while_the_zone_changed_means_the_zone_it_showed(client):
    store = make_store("pinecone", time_zone="Asia/Shanghai")
    user = make_member(store, rights=["campaigns.view"])
    client.force_login(owner_of(store))
    path = f"/s/pinecone/staff/{user.pk}/"
    page = client.get(path).content.decode()
    named, seen = (re.search(rf'name="{name}" value="([^"]*)"', page) for name in ("until.campaigns.view.zone", "seen"))
    assert named
    assert seen
    stores.edit_store(store, {"time_zone": "America/Los_Angeles"}, actor=actor_for(owner_of(store)))
    data = {
        "seen": seen[1],
        "lend.campaigns.view": "on",
        "until.campaigns.view": "2099-12-04 16:00",
        "until.campaigns.view.zone": named[1],
    }
    review = client.post(path, data | {"step": "review"}).content.decode()
    assert 'value="2099-12-04 00:00"' in review, "shown again in the zone that the page names now"
    client.post(path, data | {"step": "save"})
    grant = Grant.objects.get(membership__user=user)
    assert grant.expires_at == datetime(2099, 12, 4, 8, tzinfo=UTC)
