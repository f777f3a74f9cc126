"""A refused close leads to each fix, and each fix leads back to the same row, checked again (R29, R31, R33)."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts import penalties
from campaigns import affiliates
from campaigns.models import AffiliatePlan, Campaign
from core.scopes import in_store
from finance import deposits
from inbox.models import Message
from listings.models import StoreProfile
from tests import factories as make

pytestmark = pytest.mark.django_db
VIA = re.compile(r"/cancel/\?via=([^\"]+)")


class Desk:
    """A store with a running campaign, and its owner signed in."""

    def __init__(self) -> None:
        self.store = make.make_store()
        self.client = Client()
        owner = make.owner_of(self.store)
        self.actor = make.actor_for(owner)
        self.client.force_login(owner)
        self.staff = make.actor_for(make.make_staff())
        with in_store(self.store.pk):
            make.decorate(self.store)
            make.make_site(self.store)
            self.campaign = make.make_campaign(self.store, make.make_skus(self.store, 2))

    def page(self, name: str) -> str:
        return f"/s/{self.store.slug}/campaigns/{self.campaign.code}/{name}/"

    def cancel_page(self) -> str:
        stop = self.client.get(self.page("stop")).content.decode()
        found = VIA.search(stop)
        assert found
        return self.client.get(f"{self.page('cancel')}?via={found[1]}").content.decode()

    def fix_of(self, html: str, code: str) -> str:
        row = html.partition(f'id="guard-{code}"')[2].partition("</li>")[0]
        found = re.search(r'<a class="bo-btn bo-btn-sm" href="([^"]+)"', row)
        assert found, f"no fix for {code}"
        return unescape(found[1])


@pytest.fixture
def desk() -> Desk:
    return Desk()


def back_in(url: str) -> str:
    return parse_qs(urlsplit(url).query)["back"][0]


def test_paying_the_deposit_leads_back_to_its_row_which_passes_now(desk):
    deposits.charge(desk.store, amount="2000", currency="CNY", reason="Season", actor=desk.staff)
    html = desk.cancel_page()
    assert "阻塞" in html or "Blocked" in html
    fix = desk.fix_of(html, "ERR_CLOSE_DEPOSIT_ARREARS")
    assert fix.startswith(f"/s/{desk.store.slug}/deposit/?back=")
    form = desk.client.get(fix).content.decode()
    assert "CN¥2,000.00" in form
    assert f'name="back" value="{back_in(fix)}"'.replace("&", "&amp;") in form
    given = {"amount": "2000", "currency": "CNY", "note": "Transfer 7", "back": back_in(fix)}
    answer = desk.client.post(f"/s/{desk.store.slug}/deposit/pay/", given)
    assert answer.status_code == 302
    assert answer["Location"] == back_in(fix)
    assert answer["Location"].endswith("checked=ERR_CLOSE_DEPOSIT_ARREARS#guard-ERR_CLOSE_DEPOSIT_ARREARS")
    again = desk.client.get(answer["Location"]).content.decode()
    row = again.partition('id="guard-ERR_CLOSE_DEPOSIT_ARREARS"')[2].partition("</li>")[0]
    assert "Passed" in row
    assert "checked again at" in row
    assert again.count("checked again at") == 1


def test_pausing_the_plan_leads_back_too(desk):
    with in_store(desk.store.pk):
        plan = affiliates.create_plan(desk.store, name="Partners", campaigns=[desk.campaign.code], actor=desk.actor)
    fix = desk.fix_of(desk.cancel_page(), "ERR_CLOSE_AFFILIATE_ACTIVE")
    listed = desk.client.get(fix).content.decode()
    assert desk.campaign.code in listed
    url = f"/s/{desk.store.slug}/campaigns/affiliates/{plan.pk}/pause/"
    assert url in listed
    answer = desk.client.post(url, {"back": back_in(fix)})
    assert answer["Location"] == back_in(fix)
    assert "No affiliate plan running" in desk.client.get(answer["Location"]).content.decode()
    assert desk.client.post(url.replace("pause", "resume"), {"back": "https://evil.test/"})["Location"].startswith(
        f"/s/{desk.store.slug}/campaigns/affiliates/"
    )


def test_decorating_the_store_leads_back(desk):
    with in_store(desk.store.pk):
        StoreProfile.objects.filter(store=desk.store).update(banner="")
    stop = desk.client.get(desk.page("stop")).content.decode()
    fix = desk.fix_of(stop, "ERR_STORE_UNDECORATED")
    assert desk.client.get(fix).status_code == 200
    given = {"logo": "logo.png", "banner": "javascript:1", "main_category": "home", "back": back_in(fix)}
    assert desk.client.post(urlsplit(fix).path, given).status_code == 422
    answer = desk.client.post(urlsplit(fix).path, given | {"banner": "banner.png"})
    assert answer["Location"] == back_in(fix)
    assert (
        "Passed"
        in desk.client.get(answer["Location"])
        .content.decode()
        .partition('id="guard-ERR_STORE_UNDECORATED"')[2]
        .partition("</li>")[0]
    )


def test_an_old_pass_lands_on_the_stop_page_at_the_same_row(desk):
    answer = desk.client.get(f"{desk.page('cancel')}?via=stale&checked=ERR_KYC")
    assert answer["Location"] == f"{desk.page('stop')}?checked=ERR_KYC#guard-ERR_KYC"
    answer = desk.client.get(f"{desk.page('cancel')}?via=stale&checked=%22%3E%3Cscript%3E")
    assert answer["Location"] == desk.page("stop")


def test_a_wrong_payment_says_so_on_the_same_page(desk):
    deposits.charge(desk.store, amount="2000", currency="CNY", reason="Season", actor=desk.staff)
    answer = desk.client.post(f"/s/{desk.store.slug}/deposit/pay/", {"amount": "2001", "currency": "CNY"})
    assert answer.status_code == 422
    assert "in arrears" in answer.content.decode()


def test_the_orders_behind_a_fulfilment_guard_are_listed(desk):
    with in_store(desk.store.pk):
        skus = [item.sku for item in desk.campaign.items.select_related("sku")]
        make.make_order(desk.store, skus, code="PLAIN")
        for code, number in (("MINE", ""), ("SENT", "LP-1")):
            terms: dict[str, object] = {"campaigns": {desk.campaign.code: {}}}
            make.make_order(desk.store, skus, code=code, snapshot=terms, fulfilment_number=number)
        Campaign.objects.update(logistics_guarantee=True)
    fix = desk.fix_of(desk.client.get(desk.page("stop")).content.decode(), "ERR_CLOSE_FULFILMENT_STARTED")
    listed = desk.client.get(fix).content.decode()
    assert "SENT" in listed
    assert "MINE" not in listed
    assert "PLAIN" not in listed


def test_the_ledger_and_the_block_are_read_by_the_owner(desk):
    penalties.issue(desk.store.slug, kind="enrolment_block", reason="Excess withdrawal", actor=desk.staff)
    html = desk.client.get(f"/s/{desk.store.slug}/campaigns/standing/").content.decode()
    assert "Excess withdrawal" in html
    assert "The enrolment right is blocked until" in html
    assert desk.client.get(desk.page("stop")).status_code == 200


def test_platform_staff_stop_what_the_store_cannot(desk):
    person = make.make_staff()
    client = Client()
    client.force_login(person)
    with in_store(desk.store.pk):
        Campaign.objects.update(platform_enforced=True)
    url = "/platform/emergency-stop/"
    assert client.get(url).status_code == 200
    assert client.get(url, {"code": "C-NONE0"}).status_code == 404
    page = client.get(url, {"code": desk.campaign.code.lower()}).content.decode()
    assert "ERR_CLOSE_PLATFORM_ENFORCED" in page
    assert client.post(url, {"code": desk.campaign.code, "reason": ""}).status_code == 422
    assert client.post(url, {"code": desk.campaign.code, "reason": "Wrong price"}).status_code == 302
    with in_store(desk.store.pk):
        assert Campaign.objects.get().state == "paused"
        assert Message.objects.get(code="ERR_EMERGENCY_STOP").params["reason"] == "Wrong price"
    assert client.post(url, {"code": desk.campaign.code, "reason": "Again"}).status_code == 409
    assert desk.client.get(url).status_code == 403


def test_staff_charge_and_punish_on_their_pages(desk):
    client = Client()
    client.force_login(make.make_staff())
    deposit, ledger = (f"/platform/{desk.store.slug}/{name}/" for name in ("deposit", "penalties"))
    assert client.post(deposit, {"amount": "x", "currency": "CNY", "reason": "Season"}).status_code == 422
    assert client.post(deposit, {"amount": "2000", "currency": "CNY", "reason": "Season"}).status_code == 302
    assert "CN¥2,000.00" in client.get(deposit).content.decode()
    assert client.post(ledger, {"kind": "points", "points": "", "reason": "x"}).status_code == 422
    assert client.post(ledger, {"kind": "points", "points": "2", "days": "7", "reason": "Late"}).status_code == 302
    assert "2 points" in client.get(ledger).content.decode()


def test_a_plan_is_made_on_its_page(desk):
    url = f"/s/{desk.store.slug}/campaigns/affiliates/new/"
    assert desk.campaign.code in desk.client.get(url).content.decode()
    assert desk.client.post(url, {"name": "", "campaigns": [desk.campaign.code]}).status_code == 422
    assert desk.client.post(url, {"name": "Partners", "campaigns": ["C-OTHER"]}).status_code == 422
    assert desk.client.post(url, {"name": "Partners", "campaigns": [desk.campaign.code]}).status_code == 302
    with in_store(desk.store.pk):
        assert AffiliatePlan.objects.get().state == "running"


def test_the_prices_behind_price_protection_are_compared_the_worst_first(desk):
    with in_store(desk.store.pk):
        Campaign.objects.update(price_protected=True)
        cheap, dear = [item.sku for item in desk.campaign.items.select_related("sku")]
        make.make_order(desk.store, [dear])
    fix = desk.fix_of(desk.client.get(desk.page("stop")).content.decode(), "ERR_CLOSE_PRICE_PROTECTED")
    html = desk.client.get(fix).content.decode()
    assert html.index(dear.code) < html.index(cheap.code)
    assert "Above the campaign price" in html
    assert "Not sold lately" in html
    assert "Back to the checks" in html
    assert back_in(fix).partition("?")[0] == desk.page("stop")
