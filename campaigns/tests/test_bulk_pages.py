"""The pages of many at once: question first, cancel behind it, typed number, live progress, an answer per row."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from audit.actors import system
from campaigns import affiliates, bulk
from campaigns.models import BulkJob, Campaign
from campaigns.tests.test_pages import TOKEN, campaign_of, owner, store
from core.scopes import in_store
from tests.factories import actor_for as make_actor
from tests.factories import make_campaign, make_member, make_skus, make_store, owner_of

__all__ = ["owner", "store"]

pytestmark = pytest.mark.django_db
START = "/s/shop/campaigns/bulk/"
VIA = re.compile(r'href="([^"]+/cancel/\?via=[^"]+)"')


def choose(client: Client, *campaigns: Campaign, action: str = "pause") -> str:
    """Tick rows and press the bar's button; answers the address of the page that comes."""
    answer = client.post(START, {"action": action, "pick": [row.code for row in campaigns]})
    assert answer.status_code == 302
    return str(answer["Location"])


def token(page: str) -> str:
    found = TOKEN.search(page)
    assert found
    return found[1]


def states(store: Store) -> dict[str, str]:
    with in_store(store.pk):
        return dict(Campaign.objects.values_list("code", "state"))


def work() -> None:
    bulk.work_due()


def test_pause_asks_first_then_works_and_answers_row_by_row(store: Store, owner: Client) -> None:
    running, draft = campaign_of(store), campaign_of(store, state="draft")
    url = choose(owner, running, draft)
    page = owner.get(url).content.decode()
    assert "2 campaigns chosen" in page
    assert "Might these campaigns come back later?" in page
    assert "1 of them does not run" in page
    assert owner.post(url, {"form_token": token(page)}).status_code == 422
    done = owner.post(url, {"form_token": token(page), "reason": "season"})
    assert done.status_code == 302
    report = owner.get(done["Location"]).content.decode()
    assert 'hx-trigger="every 1.5s"' in report
    assert 'value="0" max="2"' in report
    live = done["Location"] + "live/"
    assert "hx-trigger" in owner.get(live).content.decode()
    work()
    after = owner.get(live).content.decode()
    assert "hx-trigger" not in after
    assert "<progress" not in after
    assert "Try these again" in after
    assert "ERR_STATE" in after
    assert states(store) == {running.code: "paused", draft.code: "draft"}
    assert "this needs: Running" in after
    chinese = owner.get(live, headers={"accept-language": "zh-hans"}).content.decode()
    assert "this needs" not in chinese, (
        "what was said in the language of who started it is no sentence for other readers"
    )
    only = owner.get(done["Location"] + "?show=refused").content.decode()
    assert draft.code in only
    assert running.code not in only
    assert owner.post(url, {"form_token": token(page), "reason": "other"})["Location"] == done["Location"]


def test_all_that_match_are_frozen_with_their_filter(store: Store, owner: Client) -> None:
    spring, autumn = campaign_of(store, name="Spring sale"), campaign_of(store, name="Autumn sale")
    answer = owner.post(START, {"action": "pause", "all": "1", "filter": "q=spring"})
    late = campaign_of(store, name="Spring sale, late")
    page = owner.get(answer["Location"]).content.decode()
    assert spring.code in page
    assert autumn.code not in page
    assert late.code not in page
    with in_store(store.pk):
        job = BulkJob.objects.get()
        assert (job.scope, job.filter, job.total) == ("matching", "q=spring", 1)
    long = owner.post(START, {"action": "pause", "all": "1", "filter": f"utm={'x' * 3000}&q=autumn"})
    assert spring.code not in owner.get(long["Location"]).content.decode(), "what is cut off a filter would choose more"


def test_a_foreign_code_says_no_more_than_that_it_is_unknown(store: Store, owner: Client) -> None:
    other = make_store("other")
    with in_store(other.pk):
        secret = make_campaign(other, make_skus(other, 1), name="Secret plan")
    url = choose(owner, secret)
    page = owner.get(url).content.decode()
    assert "Secret plan" not in page
    done = owner.post(url, {"form_token": token(page), "reason": "season"})
    work()
    report = owner.get(done["Location"]).content.decode()
    assert "Secret plan" not in report
    assert "No right, or no such campaign" in report
    with in_store(other.pk):
        assert Campaign.objects.get(pk=secret.pk).state == "running"


def test_nothing_chosen_says_so(store: Store, owner: Client) -> None:
    answer = owner.post(START, {"action": "pause"})
    assert answer.status_code == 422
    assert "Choose at least one campaign." in answer.content.decode()
    assert owner.post(START, {"action": "cancel", "pick": ["C-7F3KQ"]}).status_code == 404


def test_the_permanent_cancel_of_many_lies_behind_stop_page_checks_and_typed_number(
    store: Store, owner: Client
) -> None:
    first, second = campaign_of(store), campaign_of(store)
    url = choose(owner, first, second)
    stop = owner.get(url).content.decode()
    found = VIA.search(stop)
    assert found
    cancel_url = found[1].partition("?")[0]
    assert owner.get(cancel_url)["Location"] == url, "only through the stop page"
    page = owner.get(found[1]).content.decode()
    assert first.code in page
    assert "More than 30% at once" in page
    given = {"reason": "season", "form_token": token(stop), "confirm_count": "2"}
    assert owner.post(cancel_url, given).status_code == 409, "the token of the pause form"
    given["form_token"] = token(page)
    wrong = owner.post(cancel_url, given | {"confirm_count": "3"})
    assert wrong.status_code == 422
    assert "Type how many campaigns this is about: 2." in wrong.content.decode()
    assert owner.post(url, {"form_token": token(page), "reason": "season"}).status_code == 409, (
        "nor the other way round"
    )
    assert set(states(store).values()) == {"running"}
    done = owner.post(cancel_url, given)
    assert done.status_code == 302
    work()
    assert set(states(store).values()) == {"cancelling"}
    assert "All done" in owner.get(done["Location"]).content.decode()
    with in_store(store.pk):
        assert set(Campaign.objects.exclude(cancel_final_at=None).values_list("code", flat=True)) == {
            first.code,
            second.code,
        }


def test_what_a_check_blocks_is_named_and_no_part_of_the_cancel(store: Store, owner: Client) -> None:
    running, over = campaign_of(store), campaign_of(store, state="cancelled")
    found = VIA.search(owner.get(choose(owner, running, over)).content.decode())
    assert found
    page = owner.get(found[1]).content.decode()
    assert "1 campaign will be cancelled permanently" in page
    assert "1 is blocked and left as it is" in page
    given = {"form_token": token(page), "reason": "season", "confirm_count": "1"}
    done = owner.post(found[1].partition("?")[0], given)
    work()
    assert states(store) == {running.code: "cancelling", over.code: "cancelled"}
    assert over.code not in owner.get(done["Location"]).content.decode()
    found = VIA.search(owner.get(choose(owner, over)).content.decode())
    assert found
    nothing = owner.get(found[1]).content.decode()
    assert "None of these campaigns can be cancelled permanently now" in nothing
    assert 'name="confirm_count"' not in nothing


def test_a_fix_leads_back_to_the_checks_of_many_at_its_row(store: Store, owner: Client) -> None:
    held, free = campaign_of(store), campaign_of(store)
    boss = make_actor(owner_of(store))
    with in_store(store.pk):
        plan = affiliates.create_plan(store, name="Partners", campaigns=[held.code], actor=boss)
    found = VIA.search(owner.get(choose(owner, held, free)).content.decode())
    assert found
    row = owner.get(found[1]).content.decode().partition(f'id="guard-{held.code}"')[2].partition("</li>")[0]
    fix = re.search(r'<a class="bo-btn bo-btn-sm" href="([^"]+)"', row)
    assert fix
    back = parse_qs(urlsplit(unescape(fix[1])).query)["back"][0]
    assert back.endswith(f"#guard-{held.code}")
    assert "Back to the checks" in owner.get(unescape(fix[1])).content.decode()
    with in_store(store.pk):
        affiliates.pause_plan(store, plan.pk, actor=boss)
    again = owner.get(back.partition("#")[0]).content.decode()
    assert "2 campaigns will be cancelled permanently" in again
    assert f'<tr id="guard-{held.code}">' in again


def test_more_than_twenty_are_not_offered_the_permanent_cancel(store: Store, owner: Client) -> None:
    with in_store(store.pk):
        skus = make_skus(store, 1)
        many = [make_campaign(store, skus) for _ in range(21)]
    url = choose(owner, *many)
    page = owner.get(url).content.decode()
    assert "At most 20 campaigns" in page
    assert not VIA.search(page)
    assert owner.get(url.replace("confirm", "cancel"))["Location"] == url


def test_without_the_right_there_is_no_way_to_the_permanent_cancel(store: Store) -> None:
    client = Client()
    client.force_login(make_member(store, rights=["campaigns.view", "campaigns.pause"]))
    url = choose(client, campaign_of(store))
    assert not VIA.search(client.get(url).content.decode())
    assert client.get(url.replace("confirm", "cancel")).status_code == 403


def test_a_selection_is_shown_to_its_maker_only(store: Store, owner: Client) -> None:
    url = choose(owner, campaign_of(store))
    other = Client()
    other.force_login(make_member(store, owner=True))
    assert other.get(url).status_code == 404


def test_resume_of_what_was_paused(store: Store, owner: Client) -> None:
    campaigns = [campaign_of(store), campaign_of(store)]
    url = choose(owner, *campaigns)
    done = owner.post(url, {"form_token": token(owner.get(url).content.decode()), "reason": "season"})
    work()
    back = owner.post(done["Location"] + "resume/")["Location"]
    page = owner.get(back).content.decode()
    assert "Resume 2 campaigns" in page
    owner.post(back, {"form_token": token(page)})
    work()
    assert set(states(store).values()) == {"running"}


def test_the_bar_offers_pause_and_on_the_paused_tab_resume(store: Store, owner: Client) -> None:
    campaign_of(store, state="paused")
    for query, action in (("", "pause"), ("?state=paused", "resume")):
        page = owner.get(f"/s/shop/campaigns/{query}").content.decode()
        bar = page[page.index('class="bo-batch"') :].partition("</form>")[0]
        assert re.findall(r'name="action" value="(\w+)"', bar) == [action]


def test_stop_all_counts_anew_and_reports(store: Store, owner: Client) -> None:
    campaign_of(store)
    url = "/s/shop/campaigns/stop-all/"
    page = owner.get(url).content.decode()
    waiting = campaign_of(store, state="scheduled")
    campaign_of(store)
    given = {"form_token": token(page), "reason": "other", "confirm_count": "1"}
    refused = owner.post(url, given)
    assert refused.status_code == 422
    assert "1 campaign has not started" in refused.content.decode()
    done = owner.post(url, given | {"confirm_count": "2"})
    assert done.status_code == 302
    work()
    report = owner.get(done["Location"]).content.decode()
    assert "Stop all: report" in report
    assert sorted(states(store).values()) == ["paused", "paused", "scheduled"]
    assert waiting.code not in report
    assert "Nothing runs at this moment" in owner.get(url).content.decode()
    jobs = owner.get("/s/shop/campaigns/bulk/jobs/").content.decode()
    assert "Stop all: pause everything that runs" in jobs


def test_pages_of_many_cost_no_query_more_than_pages_of_few(store: Store, owner: Client) -> None:
    with in_store(store.pk):
        skus = make_skus(store, 2)
        many = [make_campaign(store, skus) for _ in range(12)]
    counted: dict[int, list[int]] = {}
    for number in (2, 12):
        url = choose(owner, *many[:number])
        stop = owner.get(url).content.decode()
        found = VIA.search(stop)
        assert found
        for address in (url, found[1]):
            with CaptureQueriesContext(connection) as queries:
                owner.get(address)
            counted.setdefault(number, []).append(len(queries))
        done = owner.post(url, {"form_token": token(stop), "reason": "season"})
        work()
        with CaptureQueriesContext(connection) as queries:
            owner.get(done["Location"])
        counted[number].append(len(queries))
        with in_store(store.pk):
            bulk.run(store, "resume", [row.code for row in many[:number]], actor=system("test"))
    assert counted[2] == counted[12]
