"""Erasing a person: what goes, what stays, and when it is refused."""

from __future__ import annotations

import pytest

from accounts import erasing, members, people, switching
from accounts.models import User
from audit import checkpoints, sealing
from audit.actors import system
from audit.models import AuditEvent, PersonalValue
from audit.record import Entry, Target, record
from audit.verifying import verify
from core.errors import DomainError, InvalidInput, NotFound, PermissionRefused
from tests.factories import actor_for, make_member, make_staff, make_store, owner_of

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


def test_a_person_is_erased_on_a_page_and_the_record_stays_whole(client, settings, tmp_path):
    settings.AUDIT_CHECKPOINT_DIR, settings.AUDIT_KEY_FILE = tmp_path, tmp_path / "key.pem"
    store, boss = make_store("pinecone"), make_staff(email="boss@shop.test", password=PASSWORD)
    owner = actor_for(owner_of(store))
    user = members.add_member(store, "lena@shop.test", name="Lena", actor=owner).user
    members.lend_right(store, user.pk, "campaigns.view", actor=owner)
    record(Entry("store.example", Target("store", "pinecone", "", store.pk, "")), actor=actor_for(user))
    switching.switch_off_member(store, user.pk, reason="Left", actor=owner)
    sealing.seal()
    checkpoints.checkpoint(force=True)
    path = f"/platform/people/{user.pk}/erase/"
    client.post("/account/login/", {"login": boss.email, "password": PASSWORD})
    assert client.get(path)["Location"].startswith("/account/reauthenticate/")
    client.post(f"/account/reauthenticate/?next={path}", {"password": PASSWORD})
    page = client.get(path).content.decode()
    assert "e-mail addresses (2)" in page, "one of making the person, one of adding the member"
    data = {"reason": "Asked for", "confirm_email": "Lena@Shop.test "}
    for wrong in ({"confirm_email": "lena@shop.tes"}, {"confirm_email": ""}, {"reason": " "}):
        assert client.post(path, data | wrong).status_code == 422
    assert User.objects.get(pk=user.pk).email == "lena@shop.test"

    assert client.post(path, data).status_code == 302
    user.refresh_from_db()
    assert (user.email, user.name, user.name_zh) == (f"erased-{user.pk}@erased.invalid", "", "")
    assert user.erased_at is not None
    assert not user.has_usable_password()
    assert not user.memberships.filter(is_active=True).exists()
    assert "lena@shop.test" not in set(PersonalValue.objects.values_list("value", flat=True))
    event = AuditEvent.objects.get(action="user.erase")
    assert (event.after, event.reason) == ({"values": 2, "memberships": 1, "tokens_revoked": 0}, "Asked for")
    assert "Lena" not in f"{event.object_label}{AuditEvent.objects.get(action='member.remove').object_label}"
    assert AuditEvent.objects.get(action="store.example").actor_label == "Lena", "what was done keeps the name"
    sealing.seal()
    checkpoints.checkpoint(force=True)
    assert verify().personal_erased == 2

    shown = client.get(f"/platform/people/{user.pk}/").content.decode()
    assert f"Erased person {user.pk}" in shown
    assert "erased.invalid" not in shown
    assert "erased already" in client.get(path).content.decode()
    assert client.post(path, data).status_code == 409
    assert client.post(f"/platform/people/{user.pk}/switch/", {"reason": "x", "to": "on"}).status_code == 409
    anew, made = people.find_or_make("lena@shop.test", actor=owner, now=event.at)
    assert made
    assert anew.pk != user.pk
    for act in (
        lambda: members.add_member(store, user.email, actor=owner),
        lambda: people.make_staff(user.email, actor=system()),
    ):
        with pytest.raises(InvalidInput):
            act()
    user.refresh_from_db()
    assert not user.is_active


def test_who_is_switched_on_or_answers_for_a_store_is_not_erased():
    store, staff = make_store(), actor_for(make_staff())
    owner, user = owner_of(store), make_member(store)

    def refused(whom: User, typed: str = "") -> str:
        with pytest.raises(DomainError) as caught:
            erasing.erase(whom.pk, confirm_email=typed or whom.email, reason="Asked for", actor=staff)
        return caught.value.code

    assert refused(user) == "ERR_ERASE_ACTIVE"
    User.objects.update(is_active=False)
    User.objects.filter(pk=staff.id or 0).update(is_active=True)
    assert refused(owner) == "ERR_ERASE_OWNER"
    with pytest.raises(InvalidInput):
        erasing.erase(user.pk, confirm_email=owner.email, reason="Asked for", actor=staff)
    for stranger in (actor_for(owner), actor_for(make_member(store, rights=["staff.manage"]))):
        with pytest.raises(PermissionRefused):
            erasing.erase(user.pk, confirm_email=user.email, reason="Asked for", actor=stranger)
    with pytest.raises(NotFound):
        erasing.erase(0, confirm_email="x@y.test", reason="Asked for", actor=staff)
    assert not User.objects.exclude(erased_at=None).exists()
