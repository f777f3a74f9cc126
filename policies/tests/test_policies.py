"""Versions of rule sets switch at their date, are read seldom, and are seeded once (R20, R192)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.utils import translation

import policies
from policies import force, seeds, timing
from policies.models import RuleSet
from policies.reading import model_of, words_of
from policies.rules import ClosingRules, GuardRules, Rules

pytestmark = pytest.mark.django_db
SWITCH = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh_book():
    """The book of the process outlives the rollback of a test; start and leave with a true one."""
    policies.forget()
    yield
    policies.forget()


def new_version(model=ClosingRules, version="2", when=SWITCH, **values):
    rules = model(**values)
    return RuleSet.objects.create(
        key=model.key, version=version, title="New rules", title_zh="新规则", source="Somewhere", valid_from=when,
        values=rules.model_dump(mode="json"),
    )  # fmt: skip


def test_a_version_is_in_force_from_its_first_moment():
    new_version(bulk_cancel_max=7)
    before = policies.active(ClosingRules, SWITCH - timedelta(microseconds=1))
    at = policies.active(ClosingRules, SWITCH)
    assert (before.bulk_cancel_max, before.version) == (20, "1")
    assert (at.bulk_cancel_max, at.version, at.provenance.source) == (7, "2", "Somewhere")
    assert policies.active(ClosingRules, SWITCH + timedelta(days=10_000)).version == "2"


def test_guards_follow_the_marketing_rules_of_march_2024():
    rules = policies.active(GuardRules, datetime(2026, 11, 27, tzinfo=UTC))
    assert (rules.version, rules.provenance.source) == ("V5.3.1", "速卖通营销活动规则 V5.3.1")
    assert policies.active(GuardRules, datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)).version != "V5.3.1"
    assert policies.active(GuardRules, datetime(2024, 3, 1, tzinfo=UTC)).version == "V5.3.1"
    with translation.override("zh-hans"):
        assert rules.title == "速卖通营销活动规则 V5.3.1"


@pytest.mark.parametrize(
    ("code", "pause", "cancel"),
    [
        ("ERR_CLOSE_ENDED", "blocked", "blocked"),
        ("ERR_CLOSE_PLATFORM_LOCKED", "blocked", "blocked"),
        ("ERR_CLOSE_PLATFORM_ENFORCED", "blocked", "blocked"),
        ("ERR_CLOSE_FULFILMENT_STARTED", "blocked", "blocked"),
        ("ERR_CLOSE_PRICE_PROTECTED", "blocked", "blocked"),
        ("ERR_CLOSE_AFFILIATE_ACTIVE", "warning", "blocked"),
        ("ERR_CLOSE_PRICE_CONFLICT", "warning", "blocked"),
        ("ERR_CLOSE_DEPOSIT_ARREARS", "warning", "blocked"),
        ("ERR_ACCOUNT_STATE", "blocked", "blocked"),
        ("ERR_KYC", "blocked", "blocked"),
        ("ERR_STORE_UNDECORATED", "blocked", "blocked"),
        ("ERR_PERMISSION", "blocked", "blocked"),
        ("ERR_OPERATION_LOCKED", "blocked", "blocked"),
        ("ERR_VERSION_CONFLICT", "blocked", "blocked"),
        ("ERR_NEVER_HEARD_OF", "blocked", "blocked"),
    ],
)
def test_effects_of_guards(code, pause, cancel):
    rules = policies.active(GuardRules, SWITCH)
    assert (rules.effect(code, "pause"), rules.effect(code, "cancel")) == (pause, cancel)
    assert (rules.effect(code, "pause", unknown=True), rules.effect(code, "cancel", unknown=True)) == (
        "warning",
        "blocked",
    )


def test_rules_cannot_be_changed_in_place():
    rules = policies.active(ClosingRules, SWITCH)
    with pytest.raises(ValueError, match="frozen"):
        rules.bulk_cancel_max = 1


def test_a_field_added_later_takes_its_default_and_a_forgotten_one_is_left_out():
    row = new_version()
    del row.values["bulk_cancel_max"]
    row.values["gone"] = 5
    row.save()
    assert policies.active(ClosingRules, SWITCH).bulk_cancel_max == 20


def test_values_that_break_their_bounds_are_refused():
    row = new_version()
    row.values["bulk_cancel_max"] = 0
    row.save()
    with pytest.raises(ValueError, match="bulk_cancel_max"):
        policies.active(ClosingRules, SWITCH)


def test_nothing_in_force_is_said_plainly():
    class Unseeded(Rules):
        key = "unseeded"

    with pytest.raises(policies.NoRulesInForce, match="unseeded"):
        policies.active(Unseeded, SWITCH)


def test_a_process_asks_seldom(django_assert_num_queries, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(force.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(settings, "POLICIES_TTL", 5)
    with django_assert_num_queries(1):
        policies.active(ClosingRules, SWITCH)
        policies.active(GuardRules, SWITCH)
    now[0] += 4.9
    with django_assert_num_queries(0):
        policies.active(ClosingRules, SWITCH)
    now[0] += 0.2
    with django_assert_num_queries(1):
        policies.active(ClosingRules, SWITCH)


def test_a_version_written_by_another_process_is_seen_after_a_while(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(force.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(settings, "POLICIES_TTL", 5)
    assert policies.active(ClosingRules, SWITCH).version == "1"
    RuleSet.objects.bulk_create(  # sends no signal, as another process would not
        [
            RuleSet(
                key="closing", version="2", title="t", valid_from=SWITCH, values=ClosingRules().model_dump(mode="json")
            )
        ]
    )
    assert policies.active(ClosingRules, SWITCH).version == "1"
    now[0] += 6
    assert policies.active(ClosingRules, SWITCH).version == "2"


def test_seeds_are_planted_once_and_never_change_what_is_there():
    RuleSet.objects.filter(key="closing").update(values={"bulk_cancel_max": 3})
    count = RuleSet.objects.count()
    seeds.plant()
    assert RuleSet.objects.count() == count == len(seeds.SEEDS)
    assert policies.active(ClosingRules, SWITCH).bulk_cancel_max == 3


def test_every_rule_set_is_seeded_valid_and_named_in_both_languages():
    assert {type(seed.rules) for seed in seeds.SEEDS} == {
        model for model in Rules.__subclasses__() if model.key != "unseeded"
    }
    for seed in seeds.SEEDS:
        loaded = type(seed.rules).load(seed.rules.model_dump(mode="json"), policies.history(seed.rules.key)[0])
        assert loaded.model_dump() == seed.rules.model_dump()
        assert seed.title
        assert seed.title_zh


def test_versions_are_listed_newest_first():
    new_version(GuardRules, version="V6")
    assert [version.version for version in policies.history("guards")][:2] == ["V6", "V5.3.1"]


def test_times_are_timedeltas_of_the_settings(monkeypatch):
    assert timing.expiry_grace() == timedelta(seconds=settings.CAMPAIGN_EXPIRY_GRACE)
    monkeypatch.setattr(settings, "POST_CLOSE_CHECK_DELAYS", [1, 2])
    assert timing.post_close_check_delays() == (timedelta(seconds=1), timedelta(seconds=2))
    for ask in (
        timing.archive_delay, timing.operation_lock, timing.cancel_hold, timing.quote_ttl, timing.stock_sync_period,
        timing.stock_stale_after, timing.sweep_interval,
    ):  # fmt: skip
        assert ask() > timedelta(0)


def test_every_value_of_every_rule_set_says_in_both_languages_what_it_means():
    """A field without a help text, or one without its Chinese, is named."""
    silent = []
    for key in seeds.MODELS:
        model = model_of(key)
        for name, info in model.model_fields.items():
            with translation.override("zh-hans"):
                words = words_of(model, name)
            if not info.description or not re.search(r"[\u4e00-\u9fff]", words):
                silent.append(f"{key}.{name}")
    assert silent == []
