"""The audit log of platform staff: the installation's own entries, and those of any store."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from audit import checkpoints, sealing
from audit.record import Entry, Target, record
from tests.factories import actor_for, make_member, make_store, make_user, owner_of

pytestmark = pytest.mark.django_db
WHEN = datetime(2026, 11, 27, 8, tzinfo=UTC)
PAGE = "/platform/audit/"


@pytest.fixture
def log(settings, tmp_path):
    """A store, an entry of it, one of another store and one of none."""
    settings.AUDIT_KEY_FILE = tmp_path / "audit.pem"
    settings.AUDIT_CHECKPOINT_DIR = tmp_path
    store, other = make_store(name="Pinecone", time_zone="Asia/Shanghai"), make_store()
    actor = actor_for(owner_of(store))

    def put(name, shop):
        target = Target("campaign", name, name, shop.pk if shop else None, shop.name if shop else "")
        return record(Entry("campaign.pause", target, reason="stock"), actor=actor, now=WHEN)

    return store, put("C-MINE", store), put("C-OTHER", other), put("C-NONE", None)


@pytest.fixture
def staff(client):
    client.force_login(make_user(staff=True))
    return client


def test_the_installation_s_own_entries_come_first_and_a_store_s_by_its_name(staff, log, django_assert_max_num_queries):
    store, *_entries = log
    with django_assert_max_num_queries(12):
        text = staff.get(PAGE).content.decode()
    assert "C-NONE" in text
    assert "C-MINE" not in text
    text = staff.get(PAGE, {"store": store.slug}).content.decode()
    assert "C-MINE" in text
    assert "16:00:00 · 08:00:00 UTC" in text, "in the store's zone"
    assert "C-OTHER" not in text
    assert "C-NONE" not in text
    assert "C-MINE" not in staff.get(PAGE, {"store": store.slug, "object": "C-X"}).content.decode()


@pytest.mark.parametrize("slug", ["nowhere", "a\x00b", "x" * 200])
def test_a_store_that_is_not_there_is_said(staff, log, slug):
    answer = staff.get(PAGE, {"store": slug})
    assert answer.status_code == 200
    assert "C-NONE" not in answer.content.decode()
    assert "There is no store of this short name." in answer.content.decode()
    assert "Nothing has happened yet" not in answer.content.decode()


def test_an_entry_whole_with_its_proof_whosever_it_is(staff, log):
    store, mine, _other, free = log
    sealing.seal()
    checkpoints.checkpoint()
    for event in (mine, free):
        text = staff.get(f"{PAGE}{event.pk}/").content.decode()
        assert event.object_id in text
        assert "Sealed and unchanged" in text
        assert f"{PAGE}{event.pk}/proof.json" in text
        assert staff.get(f"{PAGE}{event.pk}/proof.json").json()
    assert reverse("platform_store", kwargs={"slug": store.slug}) in staff.get(f"{PAGE}{mine.pk}/").content.decode()
    for number in (10**6, 2**70):
        assert staff.get(f"{PAGE}{number}/").status_code == 404
        assert staff.get(f"{PAGE}{number}/proof.json").status_code == 404


def test_it_is_for_platform_staff_alone(client, log):
    store, mine, *_others = log
    for person in (owner_of(store), make_member(store, rights=["audit.view"])):
        client.force_login(person)
        assert client.get(PAGE).status_code in (403, 404)
        assert client.get(f"{PAGE}{mine.pk}/").status_code in (403, 404)
