"""New versions take effect exactly at their date, in every process; two publishers never both win; what is in force stays (R20, R192)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction

import policies
from audit.actors import Actor, ActorKind, system
from audit.models import AuditEvent
from core import clock
from core.errors import Conflict, DomainError, InvalidInput, NotFound, PermissionRefused, VersionConflict
from policies import force, publishing, seeds
from policies.models import RuleSet
from policies.reading import differences, flat, versions_of
from policies.rules import ClosingRules, ConflictRules, GuardRules

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
STAFF = Actor(ActorKind.USER, 7, "Demo Platform Staff", staff=True)
TICK = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def fresh_book(db):
    policies.forget()
    with clock.freeze(NOON):
        yield
    policies.forget()


def values(model, **changed):
    return policies.active(model, NOON).model_dump(mode="json") | changed


def put(key="closing", model=ClosingRules, version="2", valid_from=NEXT_YEAR, changed=None, **extra):
    given = {"version": version, "valid_from": valid_from, "reason": "A better number", "actor": STAFF} | extra
    row = publishing.publish(key, values(model, **(changed or {"bulk_cancel_max": 7})), **given)
    policies.forget()  # a test's transaction never commits, so nobody else would say it
    return row


def test_it_takes_effect_exactly_at_its_date():
    put()
    assert policies.active(ClosingRules, NEXT_YEAR - TICK).bulk_cancel_max == 20
    rules = policies.active(ClosingRules, NEXT_YEAR)
    assert (rules.bulk_cancel_max, rules.title) == (7, "Closing campaigns 2")


def test_a_changed_guard_effect_decides_from_its_date_on():
    changed = values(GuardRules)["effects"] | {"ERR_CLOSE_PRICE_CONFLICT": {"pause": "blocked", "cancel": "blocked"}}
    put("guards", GuardRules, "V5.4", changed={"effects": changed})
    before, after = (policies.active(GuardRules, moment) for moment in (NEXT_YEAR - TICK, NEXT_YEAR))
    code = "ERR_CLOSE_PRICE_CONFLICT"
    assert (before.effect(code, "pause"), after.effect(code, "pause")) == ("warning", "blocked")
    assert ("V5.3.1" in before.title, "V5.4" in after.title) == (True, True)


def test_no_process_serves_an_old_version_past_the_date(monkeypatch):
    """A process that looked just before the publishing has looked again by the date, because the date keeps its distance."""
    now = [1000.0]
    monkeypatch.setattr(force.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(settings, "POLICIES_TTL", 5)
    assert policies.active(ClosingRules, NOON).version == "1"
    effect = publishing.earliest(NOON)
    publishing.publish(
        "closing", values(ClosingRules, bulk_cancel_max=7), version="2", valid_from=effect, reason="r", actor=STAFF
    )
    now[0] += settings.POLICIES_TTL  # its last answer from memory; the version's date is not yet there
    assert effect - NOON >= 2 * timedelta(seconds=settings.POLICIES_TTL)
    now[0] += (effect - NOON).total_seconds() - settings.POLICIES_TTL
    assert policies.active(ClosingRules, effect).bulk_cancel_max == 7


@pytest.mark.parametrize(
    ("when", "code"),
    [
        (NOON - timedelta(days=1), "ERR_RULES_PAST"), (NOON, "ERR_RULES_PAST"), (NOON + timedelta(seconds=59), "ERR_RULES_PAST"),
        (NOON + timedelta(days=9999), "ERR_DATE_ABSURD"),
    ],
)  # fmt: skip
def test_dates_that_are_refused(monkeypatch, when, code):
    monkeypatch.setattr(settings, "POLICIES_TTL", 5)
    with pytest.raises(InvalidInput) as refusal:
        put(valid_from=when)
    assert [(error.field, error.code) for error in refusal.value.errors] == [("valid_from", code)]


def test_every_fault_is_said_at_once_and_nothing_is_written():
    count = RuleSet.objects.count()
    with pytest.raises(InvalidInput) as refusal:
        publishing.publish(
            "closing", values(ClosingRules, bulk_cancel_max=0, bulk_warn_percent=101, gone=1), version=" ", valid_from=NOON,
            actor=STAFF,
        )  # fmt: skip
    assert {error.field for error in refusal.value.errors} == {
        "bulk_cancel_max", "bulk_warn_percent", "gone", "version", "reason", "valid_from",
    }  # fmt: skip
    assert RuleSet.objects.count() == count


@pytest.mark.parametrize(
    ("key", "name"),
    [("api", "token_days"), ("coupons", "address_kept_hours"), ("orders", "earliest_year"), ("session", "idle")],
)
def test_a_number_that_no_calendar_holds_is_refused(key, name):
    absurd = 2**70 if name == "idle" else 2_000_000_000
    with pytest.raises(InvalidInput) as refusal:
        put(key, seeds.MODELS[key], changed={name: absurd})
    assert [error.field for error in refusal.value.errors] == [name]
    assert not RuleSet.objects.filter(key=key, version="2").exists()


def test_a_name_or_a_date_is_used_once_and_validities_do_not_overlap():
    put()
    for extra in ({"version": "3"}, {"valid_from": NEXT_YEAR + timedelta(days=1)}):
        with pytest.raises(Conflict) as refusal:
            put(**extra)
        assert refusal.value.code == "ERR_RULES_VERSION"
    put(version="1.5", valid_from=NEXT_YEAR - timedelta(days=10), changed={"bulk_cancel_max": 9})
    found = versions_of("closing", NOON)
    assert [(one.row.version, one.state, one.until) for one in found] == [
        ("2", "coming", None), ("1.5", "coming", NEXT_YEAR), ("1", "in_force", NEXT_YEAR - timedelta(days=10)),
    ]  # fmt: skip


def test_who_began_before_somebody_else_published_is_told():
    seen = RuleSet.objects.filter(key="closing").order_by("-id")[0].pk
    put(seen=seen)
    with pytest.raises(VersionConflict) as refusal:
        put(version="3", valid_from=NEXT_YEAR + timedelta(days=9), seen=seen)
    assert refusal.value.extra["current"]["version"] == "2"


def test_a_version_that_is_not_yet_in_force_can_be_withdrawn_and_its_date_used_again():
    row = put()
    publishing.withdraw("closing", row.pk, reason="typing error", actor=STAFF)
    policies.forget()
    assert policies.active(ClosingRules, NEXT_YEAR).version == "1"
    assert [one.state for one in versions_of("closing", NOON)] == ["withdrawn", "in_force"]
    with pytest.raises(NotFound):
        publishing.withdraw("closing", row.pk, actor=STAFF)
    put(version="2b", changed={"bulk_cancel_max": 8})
    assert policies.active(ClosingRules, NEXT_YEAR).bulk_cancel_max == 8
    seeds.plant()
    assert policies.active(ClosingRules, NEXT_YEAR).bulk_cancel_max == 8


def test_what_is_in_force_or_about_to_be_stays():
    row = put()
    for moment in (NEXT_YEAR - timedelta(seconds=1), NEXT_YEAR, NEXT_YEAR + timedelta(days=1)):
        with pytest.raises(Conflict) as refusal:
            publishing.withdraw("closing", row.pk, actor=STAFF, now=moment)
        assert refusal.value.code == "ERR_RULES_IN_FORCE"


def test_only_platform_staff_and_only_known_rule_sets():
    with pytest.raises(PermissionRefused):
        put(actor=Actor(ActorKind.USER, 8, "Demo Owner"))
    with pytest.raises(NotFound):
        publishing.publish("no-such", {}, version="1", valid_from=NEXT_YEAR, reason="r", actor=STAFF)
    row = put()
    with pytest.raises(PermissionRefused):
        publishing.withdraw("closing", row.pk, actor=Actor(ActorKind.USER, 8, "Demo Owner"))


def test_the_record_says_what_changed_from_what():
    row = put(changed={"bulk_cancel_max": 7, "reason_codes": ["season", "other"]})
    event = AuditEvent.objects.get(action="policy.publish")
    assert (event.object_id, event.actor_label, event.reason) == ("closing", "Demo Platform Staff", "A better number")
    assert event.before == {
        "bulk_cancel_max": "20",
        "reason_codes": "season, ab_test, supply_chain, poor_effect, other",
    }
    assert event.after.items() >= {"version": "2", "bulk_cancel_max": "7", "reason_codes": "season, other"}.items()
    publishing.withdraw("closing", row.pk, reason="no", actor=STAFF)
    assert AuditEvent.objects.get(action="policy.withdraw").reason == "no"


def test_differences_are_line_by_line_into_the_tables():
    first = flat(GuardRules, values(GuardRules))
    second = first | {"effects.ERR_KYC.pause": "warning"}
    del second["lowest_deal_days"]
    assert [(one.label, one.before, one.after) for one in differences(first, second)] == [
        ("effects.ERR_KYC.pause", "blocked", "warning"), ("lowest_deal_days", "30", None),
    ]  # fmt: skip
    assert differences(first, dict(first)) == []


@pytest.mark.django_db(transaction=True)
def test_who_waited_for_another_publisher_is_told_of_the_new_version():
    """Both began from the same version. The second waits for the first, and must see what that one published."""
    seen = RuleSet.objects.filter(key="conflicts").order_by("-id")[0].pk
    outcomes: list[str] = []
    waiting = threading.Event()

    def work(number):
        try:
            publishing.publish(
                "conflicts", ConflictRules(sample=number).model_dump(mode="json"), version=f"v{number}",
                valid_from=NEXT_YEAR + timedelta(days=number), reason="r", seen=seen, actor=system("test"), now=NOON,
            )  # fmt: skip
            outcomes.append(f"{number} done")
        except DomainError as refusal:
            outcomes.append(f"{number} {refusal.code}")

    def second():
        waiting.set()
        work(6)
        connection.close()

    thread = threading.Thread(target=second)
    with transaction.atomic():
        work(5)
        thread.start()
        waiting.wait(60)
        _until_somebody_waits()
    thread.join(60)
    assert outcomes == ["5 done", "6 ERR_VERSION_CONFLICT"]


def _until_somebody_waits():
    patience = threading.Event()
    with connection.cursor() as cursor:
        for _look in range(600):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            patience.wait(0.05)
    raise AssertionError("the second did not wait for the first")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_publish_at_once_one_wins():
    """The same name and date from two connections: one row, and the other is told."""
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def work(number):
        try:
            with clock.freeze(NOON):
                ready.wait()
                publishing.publish(
                    "conflicts", ConflictRules(sample=number).model_dump(mode="json"), version="2", valid_from=NEXT_YEAR,
                    reason="r", actor=system("test"),
                )  # fmt: skip
            outcomes.append("done")
        except DomainError as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in (5, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["ERR_RULES_VERSION", "done"]
    assert RuleSet.objects.filter(key="conflicts", version="2").count() == 1
