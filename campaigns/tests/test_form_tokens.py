"""One-time tokens: bound to person, campaign, version and action; a second submit is shown the first result."""

from __future__ import annotations

import pytest

from campaigns import form_tokens, stopping
from campaigns.models import FormToken
from core.errors import Conflict, DomainError, VersionConflict
from tests import factories as make


@pytest.fixture
def campaign(shop):
    return make.make_campaign(shop.store, shop.skus)


def _issue(shop, campaign, action="pause"):
    return form_tokens.issue(user_id=shop.owner.id, campaign=campaign, action=action)


def _use(nonce, shop, campaign, action="pause", outcome="/first/", user_id=None):
    with form_tokens.redeemed(nonce, user_id=user_id or shop.owner.id, campaign=campaign, action=action) as token:
        seen = token.outcome
        token.outcome = token.outcome or outcome
    return seen


def test_a_second_submit_is_shown_the_first_result(shop, campaign):
    nonce = _issue(shop, campaign)
    assert _use(nonce, shop, campaign) == ""
    assert _use(nonce, shop, campaign, outcome="/second/") == "/first/"


@pytest.mark.parametrize("wrong", ["action", "user", "campaign", "nonce", "age"])
def test_a_token_of_another_form_is_refused(shop, campaign, frozen, wrong):
    nonce = _issue(shop, campaign)
    other = make.make_campaign(shop.store, shop.skus)
    if wrong == "age":
        frozen.tick(3601)
    with pytest.raises(Conflict) as refusal:
        _use(
            "nonsense" if wrong == "nonce" else nonce,
            shop,
            other if wrong == "campaign" else campaign,
            action="cancel" if wrong == "action" else "pause",
            user_id=make.make_user().pk if wrong == "user" else None,
        )
    assert (refusal.value.code, refusal.value.status) == ("ERR_FORM_TOKEN", 409)


def test_a_campaign_that_changed_since_refuses_the_form(shop, campaign):
    nonce = _issue(shop, campaign, "cancel")
    stopping.pause(shop.store, campaign.code, actor=shop.owner)
    campaign.refresh_from_db()
    for _again in range(2):
        with pytest.raises(VersionConflict):
            _use(nonce, shop, campaign, "cancel")


def test_a_refused_act_gives_the_token_back(shop, campaign):
    nonce = _issue(shop, campaign)
    with (
        pytest.raises(DomainError),
        form_tokens.redeemed(nonce, user_id=shop.owner.id, campaign=campaign, action="pause"),
    ):
        raise Conflict("ERR_STATE", "no")
    assert _use(nonce, shop, campaign) == ""


def test_a_submit_whose_first_is_still_at_work_is_told_so(shop, campaign, monkeypatch):
    nonce = _issue(shop, campaign)
    monkeypatch.setattr(form_tokens.time, "sleep", lambda seconds: None)
    moments = iter(range(0, 1000, 2))
    monkeypatch.setattr(form_tokens.time, "monotonic", lambda: next(moments))
    with form_tokens.redeemed(nonce, user_id=shop.owner.id, campaign=campaign, action="pause"):
        with pytest.raises(Conflict) as refusal:
            _use(nonce, shop, campaign)
        assert refusal.value.code == "ERR_FORM_BUSY"


def test_the_way_to_the_cancel_page_leads_through_the_stop_page(shop, campaign, frozen):
    sign = form_tokens.stop_pass(user_id=shop.owner.id, code=campaign.code)
    assert form_tokens.came_through_stop(sign, user_id=shop.owner.id, code=campaign.code)
    assert not form_tokens.came_through_stop(sign, user_id=shop.owner.id + 1, code=campaign.code)
    assert not form_tokens.came_through_stop(sign, user_id=shop.owner.id, code="C-00000")
    assert not form_tokens.came_through_stop("", user_id=shop.owner.id, code=campaign.code)


def test_old_tokens_are_forgotten(shop, campaign, frozen):
    _issue(shop, campaign)
    frozen.tick(7201)
    assert form_tokens.forget_old(frozen.tick(0)) == 1
    assert not FormToken.objects.exists()
