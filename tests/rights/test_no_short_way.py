"""No way of a browser, and none of a machine, leads to the final cancel past stop page, cancel page, typed code and hold (R8, R9).

Every page of the URLconf is asked, by GET and by POST, with everything that a form of this product could send. What may be missing from a
way that works is left out in turn; nothing but the one way may move the campaign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.test import Client
from django.urls import reverse

from accounts import tokens
from audit.actors import system
from campaigns import sweeps
from campaigns.models import BulkJob, BulkState, Campaign, ParkedClose
from core import clock
from core.scopes import across_stores, in_store
from tests.factories import decorate, make_campaign, make_skus, make_staff
from tests.rights.matrix import OPERATIONS, PAGES, Page
from tests.rights.robot import Robot, undone
from tests.rights.world import World, make_world

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
#: The pages that may end something for good when everything was done before, each with a token that only its own form carries.
FINAL_PAGES = {"campaigns:cancel", "campaigns:bulk_cancel"}
FINAL = {"cancelling", "cancelled"}
TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
VIA = re.compile(r"/cancel/\?via=([^\"]+)")
ROWS = [row for row in PAGES if row.kind in {"store", "owner", "signed_in"} and not row.name.startswith("account_")]


class Walk:
    """The owner at every page of a store in good order, with one running campaign."""

    def __init__(self, world: World) -> None:
        self.world, self.store = world, world.here.store
        with in_store(self.store.pk):
            decorate(self.store)
            world.here.__dict__["campaign"] = self.campaign = make_campaign(self.store, make_skus(self.store, 2))
        self.client = Client(raise_request_exception=False)
        self.client.force_login(world.here.owner)
        self.stop_url, self.cancel_url = self.url("campaigns:stop"), self.url("campaigns:cancel")

    def url(self, name: str) -> str:
        """A page of the campaign."""
        return reverse(name, kwargs={"store": self.store.slug, "code": self.campaign.code})

    def addresses(self) -> Iterator[tuple[Page, str]]:
        """Every page behind the sign-in, with this campaign wherever a campaign is meant."""
        for row in ROWS:
            place = {"store": self.store.slug} if row.kind != "signed_in" else {}
            kwargs = place | row.fill(self.world.here)
            if "code" in kwargs and row.name.startswith("campaigns:"):
                kwargs["code"] = self.campaign.code
            yield row, reverse(row.name, kwargs=kwargs)

    def state(self) -> str:
        """Where the campaign stands."""
        with across_stores("the test looks"):
            return Campaign.objects.get(pk=self.campaign.pk).state

    def ends(self) -> bool:
        """Whether it is stopped for good, or a worker or the clock will do it: a bulk cancel in the queue, a cancel that waits."""
        with across_stores("the test looks"):
            queued = BulkJob.objects.filter(action="cancel").exclude(state=BulkState.DRAFT).exists()
            return queued or self.state() in FINAL or ParkedClose.objects.filter(action="cancel").exists()

    def stop_page(self) -> tuple[str, str]:
        """The pass and the token that the stop page gives."""
        page = self.client.get(self.stop_url).content.decode()
        via, token = VIA.search(page), TOKEN.search(page)
        assert via
        assert token
        return via[1], token[1]

    def cancel_token(self) -> str:
        """The token of the cancel page, reached through the stop page."""
        token = TOKEN.search(self.client.get(f"{self.cancel_url}?via={self.stop_page()[0]}").content.decode())
        assert token
        return token[1]

    def known_tokens(self) -> list[str]:
        """The tokens of the forms of all pages but the final ones."""
        found: list[str] = []
        for row, url in self.addresses():
            if row.name not in FINAL_PAGES:
                answer = self.client.get(url)
                if not answer.streaming:
                    found += TOKEN.findall(answer.content.decode(errors="replace"))
        return found

    def body(self, token: str, **extra: Any) -> dict[str, Any]:
        """Everything that a form of this product could send about this campaign."""
        code = self.campaign.code
        return {
            "form_token": token, "action": "cancel", "pick": [code], "codes": code, "campaign": code, "code": code, "confirmed": "1",
            "confirm": "1", "final": "1", "reason": "season", "note": "", "version": str(self.campaign.version), "step": "void_coupons",
            "confirm_count": "1", "confirm_code": code, "state": "cancelled", "via": self.stop_page()[0], "then": "act",
        } | extra  # fmt: skip


@pytest.fixture
def walk(db: None, settings, tmp_path) -> Iterator[Walk]:
    settings.AUDIT_CHECKPOINT_DIR = tmp_path
    with clock.freeze(NOON):
        yield Walk(make_world())


def _try_everywhere(
    walk: Walk, body: dict[str, Any], *, but: frozenset[str] = frozenset(), methods: tuple[str, ...] = ("post",)
) -> list[str]:
    """Send the body to every page; answers the states that came of it, by page, where one is final."""
    short = []
    for row, url in walk.addresses():
        if row.name in but:
            continue
        for method in methods:
            with undone():
                getattr(walk.client, method)(url, body)
                if walk.ends():
                    short.append(f"{method} {row.name}: {walk.state()}")
    return short


def test_nothing_ends_it_without_the_token_of_the_cancel_page(walk: Walk) -> None:
    """Typed code and all, and the tokens of every other form: the cancel page itself was not seen."""
    others = list(dict.fromkeys(walk.known_tokens()))
    assert others, "the stop page at least has a token"
    assert _try_everywhere(walk, walk.body(others[0]), methods=("get", "post")) == []
    for token in [*others[1:], "", "x" * 43]:
        with undone():
            walk.client.post(walk.cancel_url, walk.body(token))
            assert not walk.ends()


def test_nothing_ends_it_without_the_typed_code(walk: Walk) -> None:
    token = walk.cancel_token()
    for typed in ("", "C-00000", walk.campaign.name, "1", "yes"):
        with undone():
            answer = walk.client.post(walk.cancel_url, walk.body(token, confirm_code=typed))
            assert (answer.status_code, walk.state()) == (422, "running")


def test_the_token_and_the_code_end_it_on_no_other_page(walk: Walk) -> None:
    assert _try_everywhere(walk, walk.body(walk.cancel_token()), but=frozenset({"campaigns:cancel"})) == []


def test_the_cancel_page_opens_through_the_stop_page_alone(walk: Walk) -> None:
    for url in (walk.cancel_url, f"{walk.cancel_url}?via=x", f"{walk.cancel_url}?via={walk.stop_page()[1]}"):
        answer = walk.client.get(url)
        assert (answer.status_code, answer["Location"]) == (302, walk.stop_url)


def test_whoever_opens_every_link_and_sends_every_form_meets_the_stop_page_the_cancel_page_and_the_line_to_type(
    walk: Walk,
) -> None:
    """Not one body for all pages here, but each form as it was rendered, in the order in which pages lead to each other."""
    robot = Robot(walk.client, walk.campaign.code, walk.ends)
    robot.walk(reverse("dashboard", kwargs={"store": walk.store.slug}))
    ways = {
        "campaigns:cancel": ("campaigns:stop", "confirm_code"),
        "campaigns:bulk_cancel": ("campaigns:bulk_confirm", "confirm_count"),
    }
    assert {one.sent_to for one in robot.endings} == set(ways), "the robot found every way there is, and no other"
    for one in robot.endings:
        question, typed = ways[one.sent_to]
        assert one.trail[-1] == one.sent_to, "sent from the cancel page itself"
        assert question in one.trail[:-1], f"{one.trail} leads past the question"
        assert typed in one.asked - one.without, f"{one.sent_to} ends it without {typed}"
    assert len(robot.opened) > 40, f"the robot saw few pages: {sorted(robot.opened)}"


def test_no_form_of_the_platforms_staff_ends_a_stores_campaign(walk: Walk) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(make_staff())
    robot = Robot(client, walk.campaign.code, walk.ends)
    robot.walk(reverse("platform"))
    assert robot.endings == []
    assert "platform_emergency" in robot.opened


def test_the_one_way_is_held_and_nothing_shortens_the_hold(walk: Walk) -> None:
    """Stop page, cancel page, typed code: held; no page makes it final before the clock does."""
    body = walk.body(walk.cancel_token())
    answer = walk.client.post(walk.cancel_url, body)
    assert (answer.status_code, walk.state()) == (302, "cancelling")
    early = [line for line in _try_everywhere(walk, body) if line.endswith(": cancelled")]
    assert early == []
    with clock.freeze(NOON + timedelta(seconds=599)):
        sweeps.run()
        assert walk.state() == "cancelling"
    with clock.freeze(NOON + timedelta(seconds=600)):
        sweeps.run()
        assert walk.state() == "cancelled"


def test_machines_have_two_ways_and_both_ask_for_proof(walk: Walk, client: Client) -> None:
    """`/cancel` wants the campaign's own code, a bulk cancel the count; no other operation ends anything."""
    raw = tokens.issue(walk.store, walk.world.here.owner, actor=system("test"))[1]
    code = walk.campaign.code

    def send(call: str, path: dict[str, Any], body: dict[str, Any]) -> Any:
        method, _, address = call.partition(" ")
        return client.generic(
            method, "/api/v1" + address.format(**path), orjson.dumps(body), content_type="application/json",
            headers={"authorization": f"Bearer {raw}"},
        )  # fmt: skip

    everything = {
        "action": "cancel", "codes": [code], "reason": "season", "confirm_code": code, "confirm_count": 1, "state": "cancelled", "note": "",
    }  # fmt: skip
    for row in OPERATIONS:
        if row.kind != "store" or row.call in ("POST /campaigns/{code}/cancel", "POST /campaigns/bulk"):
            continue
        path = row.fill(walk.world.here)
        path |= {"code": code} if "/campaigns/" in row.call and "code" in path else {}
        for body in (everything, {"reason": "season"}, {}):
            with undone():
                send(row.call, path, body)
                assert walk.state() not in FINAL, row.call
    for confirm in ({}, {"confirm_code": ""}, {"confirm_code": "C-00000"}):
        assert send("POST /campaigns/{code}/cancel", {"code": code}, {"reason": "season"} | confirm).status_code == 422
    for count in ({}, {"confirm_count": 0}, {"confirm_count": 2}):
        body = {"action": "cancel", "codes": [code], "reason": "season", **count}
        assert send("POST /campaigns/bulk", {}, body).status_code == 422
    assert walk.state() == "running"
    # A campaign of its own: the samples of other operations may stand in the way of this one (a running affiliate plan).
    with in_store(walk.store.pk):
        walk.campaign = make_campaign(walk.store, make_skus(walk.store, 1))
    code = walk.campaign.code
    assert send("POST /campaigns/{code}/cancel", {"code": code}, {"confirm_code": code}).status_code == 200
    assert walk.state() == "cancelling"
