"""The staff page, tokens, the way home, and the platform's pages, as people use them."""

from __future__ import annotations

import re
from datetime import UTC, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import members, tokens
from accounts.models import ApiToken, Grant, Membership, Store
from audit.models import AuditEvent
from core import clock, display
from core.scopes import in_store
from publishing.models import Site
from tests.factories import actor_for, make_member, make_staff, make_store, make_user, owner_of

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


@pytest.fixture
def store():
    return make_store("pinecone", time_zone="Asia/Shanghai")


@pytest.fixture
def owner(client, store):
    client.force_login(owner_of(store))
    return client


def hidden(page, name) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.content.decode())
    assert found, name
    return found[1]


def ticked(user) -> dict:
    """What the form of a person sends when nothing is touched."""
    data = {}
    for grant in Grant.objects.filter(membership__user=user):
        data[f"lend.{grant.right}"] = "on"
        if grant.expires_at:
            data[f"until.{grant.right}"] = display.stamp(grant.expires_at.astimezone(display.zone("Asia/Shanghai")))
        if grant.max_listings:
            data[f"max_listings.{grant.right}"] = str(grant.max_listings)
    return data


# -- the matrix --------------------------------------------------------------------------------------------------------------


def test_the_matrix_shows_who_may_do_what(owner, store):
    now = clock.now()
    make_member(
        store, make_user(name="Opal"), rights=["campaigns.cancel"], max_listings=200, expires_at=now + timedelta(days=7)
    )
    make_member(store, make_user(name="Vera"), rights=["campaigns.cancel"], expires_at=now - timedelta(days=1))
    page = owner.get("/s/pinecone/staff/").content.decode()
    for words in ("Opal", "Vera", "at most 200 listings", "Beijing time", "Lapsed", "Main account"):
        assert words in page


def test_the_matrix_costs_the_same_for_two_and_for_eight(owner, store):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            owner.get("/s/pinecone/staff/")
        return len(queries)

    make_member(store, rights=["campaigns.view"])
    owner.get("/s/pinecone/staff/")
    few = cost()
    for _person in range(6):
        make_member(store, rights=["campaigns.view", "campaigns.pause"])
    assert cost() == few <= 12


def test_lending_shows_the_difference_first_and_then_saves(owner, store):
    user = make_member(store, rights=["campaigns.view", "campaigns.edit"])
    path = f"/s/pinecone/staff/{user.pk}/"
    seen = hidden(owner.get(path), "seen")
    data = {
        "seen": seen,
        "lend.campaigns.view": "on",
        "lend.campaigns.cancel": "on",
        "until.campaigns.cancel": "2099-12-04 16:00",
        "max_listings.campaigns.cancel": "200",
    }
    review = owner.post(path, data | {"step": "review"})
    text = review.content.decode()
    assert review.status_code == 200
    assert "This will change" in text
    assert "at most 200 listings" in text
    assert Grant.objects.filter(membership__user=user).count() == 2, "a look changes nothing"
    saved = owner.post(path, data | {"step": "save"})
    assert saved.status_code == 302
    grant = Grant.objects.get(membership__user=user, right="campaigns.cancel")
    assert grant.max_listings == 200
    assert grant.expires_at is not None
    assert grant.expires_at.astimezone(UTC).isoformat() == "2099-12-04T08:00:00+00:00"
    assert not Grant.objects.filter(membership__user=user, right="campaigns.edit").exists()


def test_saving_what_one_saw_changes_nothing(owner, store):
    until = clock.now() + timedelta(days=7, seconds=13)
    user = make_member(store, rights=["campaigns.cancel", "listings.edit"], expires_at=until, max_listings=5)
    path = f"/s/pinecone/staff/{user.pk}/"
    data = ticked(user) | {"seen": hidden(owner.get(path), "seen")}
    assert "Nothing would change" in owner.post(path, data | {"step": "review"}).content.decode()
    owner.post(path, data | {"step": "save"})
    assert not AuditEvent.objects.filter(action="right.lend").exists()
    assert set(Grant.objects.values_list("expires_at", flat=True)) == {until}


def test_a_stale_form_is_not_saved(owner, store):
    user = make_member(store, rights=["campaigns.view"])
    path = f"/s/pinecone/staff/{user.pk}/"
    seen = hidden(owner.get(path), "seen")
    members.lend_right(store, user.pk, "orders.view", actor=actor_for(owner_of(store)))
    answer = owner.post(path, {"seen": seen, "step": "save"})
    assert answer.status_code == 409
    assert "Somebody else changed these rights" in answer.content.decode()
    assert Grant.objects.filter(membership__user=user).count() == 2


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("until.campaigns.view", "yesterday", 422),
        ("until.campaigns.view", "2001-01-01 00:00", 422),
        ("max_listings.campaigns.pause", "-5", 422),
        ("max_listings.campaigns.pause", "99999999999", 422),
    ],
)
def test_absurd_terms_come_back_with_the_field(owner, store, field, value, status):
    user = make_member(store)
    path = f"/s/pinecone/staff/{user.pk}/"
    data = {
        "seen": hidden(owner.get(path), "seen"),
        "lend.campaigns.view": "on",
        "lend.campaigns.pause": "on",
        field: value,
    }
    assert owner.post(path, data | {"step": "save"}).status_code == status
    assert not Grant.objects.filter(membership__user=user).exists()


def test_bundles_and_copying_fill_the_form_in(owner, store):
    user = make_member(store)
    model = make_member(store, rights=["orders.view"], expires_at=clock.now() + timedelta(days=1))
    path = f"/s/pinecone/staff/{user.pk}/"
    marketing = owner.get(f"{path}?bundle=marketing").content.decode()
    assert len(re.findall(r'name="lend\.(?:campaigns|coupons)\.\w+"[^>]* checked', marketing)) == 6
    copied = owner.get(f"{path}?like={model.pk}").content.decode()
    assert re.search(r'name="lend\.orders\.view"[^>]* checked', copied)
    for odd in ("abc", "-1", "99999999999999999999", "²"):
        assert owner.get(f"{path}?like={odd}&bundle=nothing").status_code == 200
    assert owner.get(f"{path}?like={owner_of(make_store()).pk}").status_code == 404


def test_a_manager_may_take_back_and_not_lend(client, store):
    user = make_member(store, rights=["campaigns.view", "campaigns.edit"])
    client.force_login(make_member(store, rights=["staff.manage"]))
    path = f"/s/pinecone/staff/{user.pk}/"
    seen = hidden(client.get(path), "seen")
    more = {
        "seen": seen,
        "lend.campaigns.view": "on",
        "lend.campaigns.edit": "on",
        "lend.campaigns.cancel": "on",
        "step": "save",
    }
    client.post(path, more)
    assert set(Grant.objects.filter(membership__user=user).values_list("right", flat=True)) == {
        "campaigns.view",
        "campaigns.edit",
    }
    assert client.post(path, {"seen": seen, "lend.campaigns.view": "on", "step": "save"}).status_code == 302
    assert list(Grant.objects.filter(membership__user=user).values_list("right", flat=True)) == ["campaigns.view"]
    assert client.get(f"{path}main-account/").status_code == 403


def test_adding_and_removing_somebody(owner, store):
    added = owner.post("/s/pinecone/staff/add/", {"email": "new@shop.test", "name": "Newcomer"})
    membership = Membership.objects.get(user__email="new@shop.test")
    assert added["Location"] == f"/s/pinecone/staff/{membership.user_id}/"
    assert owner.post("/s/pinecone/staff/add/", {"email": "new@shop.test"}).status_code == 422
    assert owner.post("/s/pinecone/staff/add/", {"email": "nonsense"}).status_code == 422
    assert owner.get(f"/s/pinecone/staff/{membership.user_id}/remove/").status_code == 200
    assert owner.post(f"/s/pinecone/staff/{membership.user_id}/remove/").status_code == 302
    assert owner.get(f"/s/pinecone/staff/{membership.user_id}/").status_code == 404
    last = owner.post(f"/s/pinecone/staff/{owner_of(store).pk}/remove/")
    assert last.status_code == 409
    assert "ERR_LAST_OWNER" in last.content.decode()


def test_making_a_main_account_asks_for_the_password(client, store):
    boss = make_member(store, make_user("boss@shop.test", password=PASSWORD), owner=True)
    user = make_member(store)
    client.post("/account/login/", {"login": boss.email, "password": PASSWORD})
    path = f"/s/pinecone/staff/{user.pk}/main-account/"
    for method in (client.get, client.post):
        asked = method(path)
        assert asked.status_code == 302
        assert asked["Location"].startswith("/account/reauthenticate/?next=")
    assert not Membership.objects.get(user=user).is_owner
    wrong = client.post(f"/account/reauthenticate/?next={path}", {"password": "wrong"})
    assert wrong.status_code == 200
    right = client.post(f"/account/reauthenticate/?next={path}", {"password": PASSWORD})
    assert right["Location"] == path
    assert client.post(path).status_code == 302
    assert Membership.objects.get(user=user).is_owner


def test_no_browser_keeps_a_page_that_somebody_had_to_sign_in_for(client, store):
    client.force_login(owner_of(store))
    for path in ("/s/pinecone/", "/s/pinecone/staff/", "/account/password/change/", "/preferences/"):
        assert "no-store" in client.get(path).get("Cache-Control", ""), path


# -- tokens ------------------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_works(client, store):
    user = make_member(store, rights=["api.manage"])
    client.force_login(user)
    made = client.post("/s/pinecone/tokens/new/", {"name": "ERP", "days": "90"})
    found = re.search(r"bo_[0-9A-Za-z]{30}_[0-9A-Za-z]{6}", made.content.decode())
    assert found
    assert "no-store" in made["Cache-Control"]
    assert tokens.authenticate(found[0]).user == user
    assert found[0] not in client.get("/s/pinecone/tokens/").content.decode()
    assert client.post("/s/pinecone/tokens/new/", {"name": "ERP", "days": "0"}).status_code == 422
    assert client.post("/s/pinecone/tokens/new/", {"name": "", "days": "90000"}).status_code == 422
    assert client.post(f"/s/pinecone/tokens/{ApiToken.objects.get().pk}/revoke/").status_code == 302
    with pytest.raises(tokens.TokenRefused):
        tokens.authenticate(found[0])


def test_others_tokens_are_seen_by_managers_only(client, store):
    maker = make_member(store, rights=["api.manage"])
    token, _raw = tokens.issue(store, maker, name="Secret project", actor=actor_for(maker))
    client.force_login(make_member(store, rights=["api.manage"]))
    assert "Secret project" not in client.get("/s/pinecone/tokens/").content.decode()
    assert client.post(f"/s/pinecone/tokens/{token.pk}/revoke/").status_code == 403
    client.force_login(make_member(store, rights=["api.manage", "staff.manage"]))
    assert "Secret project" in client.get("/s/pinecone/tokens/").content.decode()


def test_working_tokens_stand_above_those_that_were_revoked(client, store):
    maker = make_member(store, rights=["api.manage"])
    for name in ("first", "second", "third"):
        tokens.issue(store, maker, name=f"The {name}", actor=actor_for(maker))
    tokens.revoke(store, ApiToken.objects.get(name="The third").pk, actor=actor_for(maker))
    client.force_login(maker)
    page = client.get("/s/pinecone/tokens/").content.decode()
    assert page.index("The second") < page.index("The first") < page.index("The third")


# -- the way home ------------------------------------------------------------------------------------------------------------


def test_the_way_home(client, store):
    user = make_user()
    client.force_login(user)
    assert "a member of no store" in client.get("/").content.decode()
    make_member(store, user)
    assert client.get("/")["Location"] == "/s/pinecone/"
    make_member(make_store("riverlamp"), user)
    choice = client.get("/").content.decode()
    assert "/s/pinecone/" in choice
    assert "/s/riverlamp/" in choice
    client.get("/s/riverlamp/")
    assert client.get("/")["Location"] == "/s/riverlamp/"
    assert client.get("/campaigns/?state=running")["Location"] == "/s/riverlamp/campaigns/?state=running"
    client.force_login(make_staff())
    assert client.get("/")["Location"] == "/platform/"


# -- platform staff ----------------------------------------------------------------------------------------------------------


def test_platform_staff_open_a_store_and_set_its_state(client):
    client.force_login(make_staff())
    form = {
        "slug": "plumtree", "name": "Plum Tree", "name_zh": "李树", "owner_email": "plum@shop.test", "entity": "company",
        "sites": "en en USD\nzh zh USD",
    }  # fmt: skip
    opened = client.post("/platform/new/", form)
    assert opened["Location"] == "/platform/plumtree/"
    store = Store.objects.get(slug="plumtree")
    with in_store(store.pk):
        assert set(Site.objects.values_list("code", "currency")) == {("en", "USD"), ("zh", "USD")}
    for query in ("plum", "plum%00"):
        assert "plumtree" in client.get(f"/platform/?q={query}").content.decode()
    assert client.post("/platform/new/", form).status_code == 422
    assert client.post("/platform/new/", form | {"slug": "other", "sites": "en"}).status_code == 422
    assert client.post("/platform/new/", form | {"slug": "other", "sites": "en en DOLLARS"}).status_code == 422
    page = client.get("/platform/plumtree/")
    state = {
        "account_state": "frozen",
        "kyc": "verified",
        "entity": "company",
        "reason": "Complaint",
        "decoration_waived": "on",
    }
    assert client.post("/platform/plumtree/", state | {"version": hidden(page, "version")}).status_code == 302
    store.refresh_from_db()
    assert (store.account_state, store.kyc) == ("frozen", "verified")
    stale = client.post("/platform/plumtree/", state | {"version": "1", "kyc": "none"})
    assert stale.status_code == 409
    assert hidden(stale, "version") == hidden(client.get("/platform/plumtree/"), "version")
    assert client.post("/platform/plumtree/", state | {"kyc": "maybe", "version": "2"}).status_code == 422
    assert AuditEvent.objects.get(action="store.set_state", result="done").reason == "Complaint"
    assert client.get("/platform/nowhere/").status_code == 404


@pytest.mark.parametrize("slug", ["new", "campaigns", "rule-sets", "emergency-stop"])
def test_no_store_is_called_like_a_page_of_the_platform(client, slug):
    client.force_login(make_staff())
    form = {"slug": slug, "name": "Plum", "owner_email": "plum@shop.test", "entity": "company", "sites": "en en USD"}
    assert client.post("/platform/new/", form).status_code == 422
    assert not Store.objects.exists()
