"""The rule book in the browser: a form generated from the model, the difference first, then published; read only for stores (R192)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client

import policies
from backoffice.pages.rulebook_forms import VersionForm
from core import clock
from policies.models import RuleSet
from policies.rules import ClosingRules, GuardRules
from policies.seeds import MODELS
from tests.factories import make_staff, make_store, make_user, owner_of

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@pytest.fixture(autouse=True)
def frozen():
    policies.forget()
    with clock.freeze(NOON) as moving:
        yield moving
    policies.forget()


@pytest.fixture
def staff():
    client = Client()
    client.force_login(make_staff())
    return client


def form_of(key: str) -> VersionForm:
    rows = RuleSet.objects.filter(key=key).order_by("-valid_from")
    return VersionForm(None, model=MODELS[key], base=rows[0], newest=max(row.pk for row in rows), zone=UTC)


def filled(key: str, **changed: str) -> dict[str, str]:
    """The form as a browser would send it untouched, and what is changed."""
    form, sent = form_of(key), {}
    for bound in form:
        value = bound.field.prepare_value(bound.initial) if hasattr(bound.field, "prepare_value") else bound.initial
        if value is not None and value is not False:
            sent[bound.html_name] = str(value)
    about = {"version": "V9", "valid_from": "2027-01-01 00:00", "reason": "A better number"}
    return sent | about | changed


@pytest.mark.parametrize("key", list(MODELS))
def test_every_rule_set_has_a_form_that_gives_back_what_it_was_given(key):
    rows = RuleSet.objects.filter(key=key).order_by("-valid_from")
    form = VersionForm(filled(key), model=MODELS[key], base=rows[0], newest=rows[0].pk, zone=UTC)
    assert form.is_valid(), form.errors
    assert MODELS[key].model_validate(form.values) == MODELS[key].model_validate(rows[0].values)


def test_the_difference_is_shown_before_anything_is_written(staff):
    sent = filled("closing", bulk_cancel_max="7")
    shown = staff.post("/platform/rule-sets/closing/new/", sent)
    page = shown.content.decode()
    assert shown.status_code == 200
    assert re.search(r"bulk_cancel_max.*<del>20</del>.*<ins>7</ins>", page)
    assert "<del>1000</del>" not in page, "only what differs"
    assert RuleSet.objects.filter(key="closing").count() == 1
    hidden = {
        name: unescape(value)
        for name, value in FIELD.findall(page.partition("<main")[2])
        if name != "csrfmiddlewaretoken"
    }
    done = staff.post("/platform/rule-sets/closing/new/", hidden | {"step": "publish"})
    assert done.status_code == 302, done.content.decode()[-3000:]
    policies.forget()
    effect = datetime(2027, 1, 1, tzinfo=UTC)
    assert policies.active(ClosingRules, effect).bulk_cancel_max == 7
    assert policies.active(ClosingRules, effect - timedelta(microseconds=1)).bulk_cancel_max == 20
    row = RuleSet.objects.get(key="closing", version="V9")
    assert (row.reason, bool(row.created_by)) == ("A better number", True)
    again = staff.post("/platform/rule-sets/closing/new/", hidden | {"step": "publish"})
    assert again.status_code == 409
    assert RuleSet.objects.filter(key="closing").count() == 2


def test_a_guard_is_changed_by_two_choices(staff):
    name = "effects__ERR_CLOSE_PRICE_CONFLICT__pause"
    page = staff.get("/platform/rule-sets/guards/new/").content.decode()
    assert f'name="{name}"' in page
    staff.post("/platform/rule-sets/guards/new/", filled("guards", **{name: "blocked"}) | {"step": "publish"})
    policies.forget()
    rules = policies.active(GuardRules, datetime(2027, 1, 1, tzinfo=UTC))
    assert (rules.effect("ERR_CLOSE_PRICE_CONFLICT", "pause"), rules.effect("ERR_CLOSE_ENDED", "pause")) == (
        "blocked",
        "blocked",
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"bulk_cancel_max": "9" * 20}, "less than or equal to"),
        ({"bulk_cancel_max": "0"}, "greater than or equal to 1"), ({"bulk_warn_percent": "101"}, "less than or equal to 100"),
        ({"valid_from": "2026-11-27 12:00"}, "not earlier"), ({"version": ""}, "required"), ({"reason": ""}, "required"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field(staff, changed, words):
    answer = staff.post("/platform/rule-sets/closing/new/", filled("closing", **changed) | {"step": "publish"})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert RuleSet.objects.filter(key="closing").count() == 1


def test_a_span_that_no_calendar_holds_is_refused_before_it_breaks_every_page(staff):
    """`now + timedelta(days=2_000_000_000)` raises: from its date on nobody could make a token, or sign in."""
    for key, name in (("api", "token_days"), ("sign_in", "device_days"), ("penalties", "block_days_max")):
        answer = staff.post(
            f"/platform/rule-sets/{key}/new/", filled(key, **{name: "2000000000"}) | {"step": "publish"}
        )
        assert answer.status_code == 422, name
        assert RuleSet.objects.filter(key=key, version="V9").count() == 0


def test_yes_and_no_stand_in_the_readers_language():
    store = make_store()
    client = Client()
    client.force_login(owner_of(store))
    page = client.get(f"/s/{store.slug}/rules/storefront/", headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "quotes_survive_stop" in page
    assert ">True<" not in page
    assert ">False<" not in page


def test_withdraw_compare_and_what_stores_see(staff, frozen):
    staff.post("/platform/rule-sets/closing/new/", filled("closing", bulk_cancel_max="7") | {"step": "publish"})
    row = RuleSet.objects.get(version="V9")
    first = RuleSet.objects.get(key="closing", version="1")
    compared = staff.get(f"/platform/rule-sets/closing/compare/?before={first.pk}&after={row.pk}").content.decode()
    assert "bulk_cancel_max" in compared
    assert staff.get("/platform/rule-sets/closing/compare/?before=x").status_code == 404
    store = make_store()
    owner = Client()
    owner.force_login(owner_of(store))
    seen = owner.get(f"/s/{store.slug}/rules/closing/").content.decode()
    assert "V9" in seen.partition("<main")[2]
    assert "to come" in seen
    assert "rule-sets" not in seen.partition("<main")[2]
    assert staff.post(f"/platform/rule-sets/closing/{row.pk}/withdraw/").status_code == 302
    assert "withdrawn" in staff.get("/platform/rule-sets/closing/").content.decode()
    # Tokens in the frame of a page are letters and digits as they fall: only what the page itself says counts.
    assert "V9" not in owner.get(f"/s/{store.slug}/rules/closing/").content.decode().partition("<main")[2]
    assert staff.get("/platform/rule-sets/").status_code == 200
    assert staff.get("/platform/rule-sets/nothing/").status_code == 404


def test_only_platform_staff():
    client = Client()
    client.force_login(make_user())
    assert client.get("/platform/rule-sets/").status_code == 403
    assert client.post("/platform/rule-sets/closing/new/", filled("closing")).status_code == 403
