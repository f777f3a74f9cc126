"""Filters, strict scoping, readable entries, constant queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from audit import actions, reading
from audit.actors import Actor, ActorKind, system
from audit.models import AuditEvent
from audit.reading import Wanted
from audit.record import Entry, Target, record

pytestmark = pytest.mark.django_db
WHEN = datetime(2026, 11, 27, 8, tzinfo=UTC)
ANNE = Actor(ActorKind.USER, 17, "操作员A")
BOB = Actor(ActorKind.USER, 18, "owner@demo.test")


@pytest.fixture
def log():
    """Five entries of store 7, one of store 8, one of none."""

    def put(action, name, actor, minutes, store=7, **more):
        target = Target("campaign", name, f"Campaign {name}", store)
        return record(Entry(action, target, **more), actor=actor, now=WHEN + timedelta(minutes=minutes))

    return [
        put("campaign.create", "C-1", ANNE, 0, after={"state": "draft"}),
        put("campaign.pause", "C-1", ANNE, 1, before={"state": "running"}, after={"state": "paused"}, reason="stock"),
        put(
            "campaign.pause", "C-2", BOB, 2, result="refused", code="ERR_CLOSE_ENDED", after={"detail": "It has ended."}
        ),
        put("campaign.end", "C-1", system("system:sweep"), 3),
        put("listing.edit", "17", ANNE, 4, before={"title": "a"}, after={"title": "b"}),
        put("campaign.pause", "C-1", ANNE, 5, store=8),
        put("user.sign_in", "1", ANNE, 6, store=None),
    ]


def ids(log, **wanted):
    found = reading.of_store(7, Wanted(**wanted)).order_by("id")
    return [log.index(event) for event in found]


def test_a_store_sees_its_own_entries_only(log):
    assert ids(log) == [0, 1, 2, 3, 4]
    assert reading.of_store(9).count() == 0
    assert [log.index(event) for event in reading.of_store(None)] == [6]
    assert {reading.of_number(event.pk) for event in log} == set(log)
    assert reading.of_number(2**63) is None


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"actor": "17"}, [0, 1, 4]),
        ({"actor": "system"}, [3]),
        ({"actor": "操作"}, [0, 1, 4]),
        ({"actor": "9" * 40}, []),
        ({"action": "campaign.pause"}, [1, 2]),
        ({"action": "campaign."}, [0, 1, 2, 3]),
        ({"action": "camp"}, []),
        ({"object": "C-1"}, [0, 1, 3]),
        ({"object": "campaign:17"}, [4]),
        ({"object": "listing:17"}, []),
        ({"since": WHEN + timedelta(minutes=1), "until": WHEN + timedelta(minutes=3)}, [1, 2]),
        ({"result": "refused"}, [2]),
        ({"result": "nonsense"}, [0, 1, 2, 3, 4]),
        ({"actor": "17", "action": "campaign.pause", "object": "C-1"}, [1]),
        ({"actor": "%"}, []),
        ({"object": "C-\x001"}, []),
    ],
)
def test_filters(log, wanted, expected):
    assert ids(log, **wanted) == expected


def test_entries_are_sentences(log):
    shown = reading.present(reading.of_store(7).order_by("id"))
    assert [entry.sentence for entry in shown][1] == "Pause (can resume)"
    assert shown[1].text == "State: Running → Paused · Too little stock for the venue"
    assert [(c.label, c.before, c.after) for c in shown[1].changes] == [("State", "Running", "Paused")]
    assert (shown[2].sentence, shown[2].text) == ("Not carried out: Pause (can resume)", "It has ended.")
    assert shown[2].actor_label == "owner@demo.test"
    assert shown[0].text == "State: Draft"
    with translation.override("zh-hans"):
        again = reading.present(reading.of_store(7).order_by("id"))
    assert again[1].changes[0].after == "已暂停"


def test_queries_do_not_grow(log, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert len(reading.events_of(7, "campaign", "C-1", limit=50)) == 3
    with django_assert_num_queries(2):
        reading.present(reading.of_store(7))


def test_an_unknown_action_speaks_for_itself():
    event = AuditEvent(
        action="new.thing", object_type="gadget", after={"x": {"y": 1}}, before={}, commitments={}, at=WHEN
    )
    [shown] = reading.present([event])
    assert (shown.sentence, shown.icon, shown.object_word) == ("new.thing", "circle", "gadget")
    assert shown.changes[0].after == '{"y": 1}'


def test_values_are_cut_for_the_page():
    event = AuditEvent(
        action="x.y",
        after={"long": "z" * 1000, "flag": True, "many": [1, 2], "b": [{"code": "X", "title": "Y"}, {"code": "Z"}]},
        before={},
        commitments={},
        at=WHEN,
    )
    changes = {change.label: change.after for change in reading.changes_of(event)}
    assert len(changes["long"]) < 400
    assert (changes["flag"], changes["many"], changes["b"]) == ("Yes", "1, 2", "Y [X], Z")


def test_a_new_coupon_reads_in_words():
    after: dict[str, object] = {
        "kind": "no_threshold", "logistics": ["standard", "premium"], "regions": [], "segment": {}, "budget": None, "quota": 50,
        "starts_at": "2026-11-27T08:00:00Z", "first_order_only": False,
    }  # fmt: skip
    event = AuditEvent(action="coupon.create", object_type="coupon", after=after, before={}, commitments={}, at=WHEN)
    with translation.override("zh-hans"):
        [shown] = reading.present([event], ZoneInfo("Asia/Shanghai"))
    assert shown.text == "券类型：无门槛券"
    assert {change.label: change.after for change in shown.changes} == {
        "券类型": "无门槛券", "物流限制": "无忧物流-标准、无忧物流-优先", "发放总量": "50",
        "开始时间": "2026-11-27 16:00 北京时间（08:00 UTC）", "限首单": "否",
    }  # fmt: skip


def test_a_room_declares_its_words():
    actions.declare("room", {"act": ("check", _("Save"))}, objects={"room": _("Name")}, fields={"f": _("Name")})
    assert actions.is_declared("room.act")
    assert actions.sentence("room.act", "failed") == "Failed: Save"
    assert actions.object_word("room") == actions.field_word("f") == "Name"


def test_codes_of_reasons_and_values_speak_by_room():
    with translation.override("zh-hans"):
        assert actions.reason_words("campaign.cancel", "season") == "季节清仓结束"
        assert actions.reason_words("listing.delist", "season") == "季节性调整"
        assert actions.reason_words("campaign.pause", "other: 错价") == "其他：错价"
        assert actions.reason_words("campaign.pause", "Price typed: 1.20") == "Price typed: 1.20"
        assert actions.value_word("kind", "limited_time_discount") == "限时折扣"
        assert actions.value_word("kind", "unheard-of") == "unheard-of"
