"""The campaign pages: what they show, how few queries they need, and that no way to the final cancel is short."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from campaigns import checks, form_tokens
from campaigns.models import Campaign, Check, Closing
from core import clock
from core.scopes import across_stores, in_store
from listings.models import LiveOffer, Sku
from tests.factories import decorate, make_campaign, make_member, make_site, make_skus, make_store, owner_of

pytestmark = pytest.mark.django_db

LIST_QUERIES = 6
TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
VIA = re.compile(r"/cancel/\?via=([^\"]+)")


@pytest.fixture
def store() -> Store:
    """A store in good order."""
    made = make_store("shop")
    with in_store(made.pk):
        decorate(made)
    return made


@pytest.fixture
def owner(store: Store) -> Client:
    """Its owner, signed in."""
    client = Client()
    client.force_login(owner_of(store))
    return client


def campaign_of(store: Store, count: int = 3, **extra: object) -> Campaign:
    """A running campaign on one site."""
    with in_store(store.pk):
        make_site(store, code=f"s{Campaign.objects.count()}")
        return make_campaign(store, make_skus(store, count), **extra)  # type: ignore[arg-type]  # passed on as given


def address(campaign: Campaign, page: str = "") -> str:
    return f"/s/shop/campaigns/{campaign.code}/{page}"


def form_token(client: Client, url: str) -> str:
    found = TOKEN.search(client.get(url).content.decode())
    assert found
    return found[1]


def cancel_page(client: Client, campaign: Campaign) -> str:
    """The address of the cancel page, as the stop page gives it."""
    found = VIA.search(client.get(address(campaign, "stop/")).content.decode())
    assert found
    return address(campaign, f"cancel/?via={found[1]}")


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_the_list_needs_the_same_few_queries_for_one_row_and_for_many(store: Store, owner: Client) -> None:
    with in_store(store.pk):
        skus = make_skus(store, 2)
        make_campaign(store, skus)
        owner.get("/s/shop/campaigns/")
        one = queries_of(owner, "/s/shop/campaigns/")
        for number in range(60):
            make_campaign(store, skus, state=["draft", "running", "paused", "scheduled"][number % 4])
    many = queries_of(owner, "/s/shop/campaigns/")
    assert many == one <= LIST_QUERIES


def test_pages_of_the_list_lead_forward_and_back_and_show_every_row_once(store: Store, owner: Client) -> None:
    with in_store(store.pk):
        skus = make_skus(store, 1)
        codes = {make_campaign(store, skus, state="draft").code for _ in range(120)}
    seen: list[str] = []
    url = "/s/shop/campaigns/"
    while url:
        page = owner.get(url).content.decode()
        seen += re.findall(r'name="pick" value="(C-[0-9A-Z]+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        url = f"/s/shop/campaigns/{following[1].replace('&amp;', '&')}" if following else ""
    assert len(seen) == 120
    assert set(seen) == codes


@pytest.mark.parametrize("cursor", ["x", "🙂", "bjk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "cHg", "'--"])
def test_a_cursor_that_is_none_shows_the_first_page(store: Store, owner: Client, cursor: str) -> None:
    campaign = campaign_of(store)
    answer = owner.get("/s/shop/campaigns/", {"cursor": cursor})
    assert answer.status_code == 200
    assert campaign.code in answer.content.decode()


def test_a_store_without_campaigns_and_a_filter_without_matches_read_differently(store: Store, owner: Client) -> None:
    assert "No campaigns yet" in owner.get("/s/shop/campaigns/").content.decode()
    campaign_of(store)
    filtered = owner.get("/s/shop/campaigns/", {"q": "no such thing"}).content.decode()
    assert "Nothing matches these filters" in filtered
    assert "No campaigns yet" not in filtered


def test_a_pause_goes_through_the_stop_page_and_is_off_for_buyers_at_once(store: Store, owner: Client) -> None:
    campaign = campaign_of(store)
    token = form_token(owner, address(campaign, "stop/"))
    answer = owner.post(address(campaign, "stop/"), {"form_token": token, "reason": "season"})
    assert answer.status_code == 302
    with in_store(store.pk):
        assert Campaign.objects.get().state == "paused"
        assert not LiveOffer.objects.filter(active=True).exists()
    page = owner.get(answer["Location"]).content.decode()
    assert "What buyers see now" in page
    assert "0 offers of this campaign can still be had." in page


def test_a_change_between_the_form_and_the_lock_stops_the_stop(
    store: Store, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form was read at one version; what comes in between, however late, is looked at first (R17)."""
    campaign = campaign_of(store)
    token = form_token(owner, address(campaign, "stop/"))
    claim = form_tokens._claim

    def late(nonce: str, now: datetime) -> bool:
        Campaign.objects.filter(pk=campaign.pk).update(version=F("version") + 1)
        return claim(nonce, now)

    monkeypatch.setattr(form_tokens, "_claim", late)
    answer = owner.post(address(campaign, "stop/"), {"form_token": token, "reason": "season"})
    assert answer.status_code == 409
    with in_store(store.pk):
        assert Campaign.objects.get().state == "running"


def test_a_refused_button_leads_back_to_the_page_it_stood_on(store: Store, owner: Client) -> None:
    campaign = campaign_of(store)
    came = {"referer": f"http://testserver{address(campaign)}?page=2"}
    page = owner.post(address(campaign, "resume/"), headers=came)
    assert page.status_code == 409
    assert f'href="{address(campaign)}?page=2">Go back, change nothing' in page.content.decode()
    for elsewhere in (
        "http://evil.example/s/shop/",
        f"http://testserver{address(campaign, 'resume/')}",
        "javascript:x",
    ):
        page = owner.post(address(campaign, "resume/"), HTTP_REFERER=elsewhere)
        assert 'href="/">To the start page' in page.content.decode()


def test_a_second_submit_of_the_same_form_shows_the_first_result(store: Store, owner: Client) -> None:
    campaign = campaign_of(store)
    token = form_token(owner, address(campaign, "stop/"))
    data = {"form_token": token, "reason": "season"}
    first = owner.post(address(campaign, "stop/"), data)
    second = owner.post(address(campaign, "stop/"), data)
    assert (second.status_code, second["Location"]) == (302, first["Location"])
    with in_store(store.pk):
        assert Campaign.objects.get().state == "paused"


def test_a_pause_token_at_the_address_of_the_cancel_is_refused(store: Store, owner: Client) -> None:
    campaign = campaign_of(store)
    token = form_token(owner, address(campaign, "stop/"))
    data = {"form_token": token, "reason": "season", "confirm_code": campaign.code}
    answer = owner.post(cancel_page(owner, campaign), data)
    assert answer.status_code == 409
    with in_store(store.pk):
        assert Campaign.objects.get().state == "running"


@pytest.mark.parametrize("token", ["", "made-up", "x" * 43])
def test_no_token_no_cancel(store: Store, owner: Client, token: str) -> None:
    campaign = campaign_of(store)
    data = {"form_token": token, "reason": "season", "confirm_code": campaign.code}
    assert owner.post(address(campaign, "cancel/"), data).status_code == 409
    with in_store(store.pk):
        assert Campaign.objects.get().state == "running"


def test_the_cancel_page_cannot_be_opened_past_the_stop_page(store: Store, owner: Client) -> None:
    campaign = campaign_of(store)
    for url in (address(campaign, "cancel/"), address(campaign, "cancel/?via=made-up")):
        answer = owner.get(url)
        assert (answer.status_code, answer["Location"]) == (302, address(campaign, "stop/"))


def test_the_pass_of_one_campaign_opens_no_other(store: Store, owner: Client) -> None:
    one, other = campaign_of(store), campaign_of(store)
    stolen = form_tokens.stop_pass(user_id=owner_of(store).pk, code=one.code)
    assert owner.get(address(other, f"cancel/?via={stolen}")).status_code == 302


def test_a_wrong_code_is_told_beside_its_field_and_changes_nothing(store: Store, owner: Client) -> None:
    campaign = campaign_of(store)
    url = cancel_page(owner, campaign)
    answer = owner.post(url, {"form_token": form_token(owner, url), "reason": "season", "confirm_code": "C-00000"})
    assert answer.status_code == 422
    (focused,) = re.findall(r"<[^>]*data-focus[^>]*>", answer.content.decode())
    assert 'name="confirm_code"' in focused
    assert "autofocus" in focused
    assert "id_confirm_code" in answer.content.decode()
    with in_store(store.pk):
        assert Campaign.objects.get().state == "running"


@pytest.mark.parametrize("spelling", ["{0}", " {1} ", "{2}"])
def test_the_code_may_be_typed_as_people_type_it(store: Store, owner: Client, spelling: str) -> None:
    campaign = campaign_of(store)
    wide = "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in campaign.code)
    typed = spelling.format(campaign.code.lower(), campaign.code.replace("-", ""), wide)
    url = cancel_page(owner, campaign)
    answer = owner.post(url, {"form_token": form_token(owner, url), "reason": "season", "confirm_code": typed})
    assert (answer.status_code, answer["Location"]) == (302, address(campaign, "closing/"))
    with in_store(store.pk):
        assert Campaign.objects.get().state == "cancelling"


def test_the_close_report_shows_steps_forecast_and_the_way_back(store: Store, owner: Client) -> None:
    campaign = campaign_of(store)
    url = cancel_page(owner, campaign)
    owner.post(url, {"form_token": form_token(owner, url), "reason": "season", "confirm_code": campaign.code})
    page = owner.get(address(campaign, "closing/")).content.decode()
    for words in (
        "Stop the display and the discount",
        "Forecast and result",
        "Take back the cancel",
        "Sale prices to decide",
    ):
        assert words in page
    assert owner.get(address(campaign, "closing/live/")).status_code == 200
    assert owner.post(address(campaign, "take-back/")).status_code == 302
    with in_store(store.pk):
        assert Campaign.objects.get().state == "running"
        assert Closing.objects.get().taken_back_at is not None
    assert "This cancel was taken back" in owner.get(address(campaign, "closing/")).content.decode()


def test_a_report_of_a_campaign_that_never_closed_is_not_there(store: Store, owner: Client) -> None:
    assert owner.get(address(campaign_of(store), "closing/")).status_code == 404


def test_create_shows_every_broken_field_and_keeps_what_was_typed(store: Store, owner: Client) -> None:
    with in_store(store.pk):
        sku = make_skus(store, 1)[0]
    data = {
        "kind": "limited_time_discount",
        "name": "",
        "starts_at": "2026-13-40 99:00",
        "ends_at": "yesterday",
        "items": f"{sku.code} 9.90\nnonsense line here\n",
    }
    answer = owner.post("/s/shop/campaigns/new/", data)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert page.count("Write the time as 2026-11-27 16:00.") >= 2
    assert "nonsense line here" in page
    with across_stores("nothing may have been made"):
        assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("place", "filter_"),
    [("new/", {}), ("edit/", {}), ("items/add/", {}), ("new/", {"q": "listing", "percent_off": "10"})],
)
def test_a_line_with_a_nul_names_no_sku_and_breaks_nothing(
    store: Store, owner: Client, place: str, filter_: dict[str, str]
) -> None:
    with in_store(store.pk):
        sku, other = make_skus(store, 2)
        known = make_campaign(store, [sku], state="running" if place == "items/add/" else "draft")
    path = "/s/shop/campaigns/new/" if place == "new/" else address(known, place)
    data = {
        "kind": "limited_time_discount", "name": "Tea week", "starts_at": "2020-01-01 00:00", "ends_at": "2033-01-01 00:00",
        "items": f"{other.code} 9.90\nTEA\x001 9.90", "version": str(known.version),
    }  # fmt: skip
    assert owner.post(path, data | filter_).status_code == 422
    with in_store(store.pk):
        assert Campaign.objects.count() == 1


def test_create_and_submit_then_edit_only_the_end(store: Store, owner: Client) -> None:
    with in_store(store.pk):
        make_site(store)
        sku = make_skus(store, 1)[0]
    data = {
        "kind": "limited_time_discount",
        "name": "Tea week",
        "starts_at": "2020-01-01 00:00",
        "ends_at": "2033-01-01 00:00",
        "items": f"{sku.code}\t9.90",
    }
    made = owner.post("/s/shop/campaigns/new/", data)
    assert made.status_code == 302
    with in_store(store.pk):
        campaign = Campaign.objects.get()
    owner.post(address(campaign, "submit/"))
    with in_store(store.pk):
        assert Campaign.objects.get().state == "running"
    form = owner.get(address(campaign, "edit/")).content.decode()
    assert 'name="ends_at"' in form
    assert 'name="items"' not in form
    version = re.search(r'name="version" value="(\d+)"', form)
    assert version
    moved = owner.post(address(campaign, "edit/"), {"ends_at": "2034-05-06 00:00", "version": version[1]})
    assert moved.status_code == 302
    stale = owner.post(address(campaign, "edit/"), {"ends_at": "2035-05-06 00:00", "version": version[1]})
    assert stale.status_code == 409
    with in_store(store.pk):
        assert Campaign.objects.get().ends_at.year == 2034


def test_a_whole_category_at_a_percentage(store: Store, owner: Client) -> None:
    with in_store(store.pk):
        skus = make_skus(store, 3, price="10.00")
        category = skus[0].listing.category_id
    data = {
        "kind": "limited_time_discount",
        "name": "Home week",
        "starts_at": "2030-01-01 00:00",
        "ends_at": "2030-01-08 00:00",
        "category": category,
        "percent_off": "20",
    }
    assert owner.post("/s/shop/campaigns/new/", data).status_code == 302
    with in_store(store.pk):
        assert [f"{item.price:.2f}" for item in Campaign.objects.get().items.all()] == ["8.00"] * 3


def test_the_evidence_fragment_asks_again_only_while_a_check_is_at_work(store: Store, owner: Client) -> None:
    campaign = campaign_of(store)
    token = form_token(owner, address(campaign, "stop/"))
    owner.post(address(campaign, "stop/"), {"form_token": token, "reason": "season"})
    assert "hx-get" in owner.get(address(campaign, "evidence/")).content.decode()
    with in_store(store.pk):
        Check.objects.filter(number=0).update(state="running", started_at=clock.now())
    verified = owner.get(address(campaign, "evidence/")).content.decode().partition('id="verified"')[2]
    assert ("Not yet" in verified, "<time" in verified) == (True, False)
    with in_store(store.pk):
        Check.objects.filter(number=0).update(state="pending", started_at=None)
    with across_stores("the workers serve every store"):
        checks.run_due()
    page = owner.get(address(campaign, "evidence/")).content.decode()
    assert "public pages read" in page


def test_an_amount_in_another_currency_than_the_headings_bears_its_own_sign(store: Store, owner: Client) -> None:
    campaign = campaign_of(store, count=2)
    with in_store(store.pk):
        Sku.objects.filter(pk=campaign.items.order_by("id")[0].sku_id).update(currency="EUR")
    for page in ("items/", "prices/"):
        text = owner.get(address(campaign, page)).content.decode()
        assert "(USD)" in text
        assert "€" in text, "not euros under a heading of dollars"
    assert owner.get(address(campaign, "items/")).content.decode().count("€") == 2


def test_a_viewer_sees_no_button_that_would_be_refused(store: Store) -> None:
    campaign = campaign_of(store)
    client = Client()
    client.force_login(make_member(store, rights=["campaigns.view"]))
    page = client.get(address(campaign)).content.decode()
    assert "Pause (can resume)" not in page
    assert "permanently" not in page
    assert client.get(address(campaign, "stop/")).status_code == 403
