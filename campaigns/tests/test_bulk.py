"""Many at once: a result per row, one refusal stops no other, the count is typed."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from campaigns import bulk, stopping
from campaigns.models import BulkJob, Campaign
from core.errors import InvalidInput, PermissionRefused
from listings.models import LiveOffer
from tests import factories as make


def test_one_refusal_stops_no_other(shop, frozen):
    running = [make.make_campaign(shop.store, shop.skus) for _ in range(3)]
    draft = make.make_campaign(shop.store, state="draft")
    held = make.make_campaign(shop.store, shop.skus)
    other = make.actor_for(make.make_member(shop.store, owner=True))
    stopping.pause(shop.store, held.code, actor=other)
    stopping.resume(shop.store, held.code, actor=other)
    codes = [
        running[0].code,
        draft.code,
        running[1].code.lower(),
        "C-00000",
        held.code,
        running[2].code,
        running[0].code,
    ]
    job = bulk.run(shop.store, "pause", codes, reason="season", actor=shop.owner)
    results = {row["code"]: (row["result"], row["error"] and row["error"]["code"]) for row in bulk.results(job)}
    assert results == {
        running[0].code: ("done", None), draft.code: ("refused", "ERR_STATE"), running[1].code: ("done", None),
        "C-00000": ("refused", "ERR_NOT_FOUND"), held.code: ("refused", "ERR_OPERATION_LOCKED"), running[2].code: ("done", None),
    }  # fmt: skip
    assert [row["code"] for row in bulk.results(job)] == list(results)
    assert AuditEvent.objects.filter(action="campaign.pause", result="done", reason="season").count() == 3
    assert AuditEvent.objects.filter(action="campaign.pause", result="refused").count() == 2
    assert BulkJob.objects.get().finished_at is not None
    assert BulkJob.objects.get().state == "done"


def test_a_fault_is_pinned_to_its_row(shop, monkeypatch):
    campaigns = [make.make_campaign(shop.store, shop.skus) for _ in range(3)]
    real = stopping.EFFECTS["pause"]

    def faulty(command, rows, checklist):
        if any(row.pk == campaigns[1].pk for row in rows):
            raise RuntimeError("a fault")
        return real(command, rows, checklist)

    monkeypatch.setitem(stopping.EFFECTS, "pause", faulty)
    job = bulk.run(shop.store, "pause", [row.code for row in campaigns], actor=shop.owner)
    assert [row["result"] for row in bulk.results(job)] == ["done", "failed", "done"]
    assert bulk.results(job)[1]["error"]["code"] == "ERR_INTERNAL"
    assert set(Campaign.objects.order_by("id").values_list("state", flat=True)) == {"paused", "running"}
    assert LiveOffer.objects.filter(active=True).count() == 3


@pytest.mark.parametrize(
    ("action", "number", "count", "field"),
    [("cancel", 21, 21, "codes"), ("cancel", 3, None, "confirm_count"), ("cancel", 3, 2, "confirm_count"),
     ("pause", 0, None, "codes"), ("delete", 1, 1, "action"), ("pause", 2, 3, "confirm_count"), ("pause", 1001, None, "codes")],
)  # fmt: skip
def test_requests_that_are_wrong_change_nothing(shop, action, number, count, field):
    campaign = make.make_campaign(shop.store, shop.skus)
    codes = [campaign.code, *(f"C-{n:05}" for n in range(2, number + 1))][:number]
    with pytest.raises(InvalidInput) as refusal:
        bulk.run(shop.store, action, codes, confirm_count=count, actor=shop.owner)
    assert refusal.value.errors[0].field == field
    assert not BulkJob.objects.exists()
    assert Campaign.objects.get().state == "running"


def test_bulk_cancel_with_the_typed_count(shop):
    campaigns = [make.make_campaign(shop.store, shop.skus, stacks=True) for _ in range(20)]
    codes = [row.code for row in campaigns]
    pauser = make.actor_for(make.make_member(shop.store, rights=["campaigns.pause"]))
    with pytest.raises(PermissionRefused):
        bulk.run(shop.store, "cancel", codes, confirm_count=20, actor=pauser)
    job = bulk.run(shop.store, "cancel", codes, confirm_count=20, actor=shop.owner)
    assert {row["result"] for row in bulk.results(job)} == {"done"}
    assert set(Campaign.objects.values_list("state", flat=True)) == {"cancelling"}


def test_stop_all_pauses_what_runs(shop):
    for _ in range(3):
        make.make_campaign(shop.store, shop.skus)
    make.make_campaign(shop.store, shop.skus, state="scheduled")
    with pytest.raises(InvalidInput):
        bulk.stop_all(shop.store, reason="wrong_price", confirm_count=4, actor=shop.owner)
    job = bulk.stop_all(shop.store, reason="wrong_price", confirm_count=3, actor=shop.owner)
    assert len(bulk.results(job)) == 3
    assert Campaign.objects.filter(state="paused").count() == 3


def test_a_cap_is_held_row_by_row(shop):
    big, small = make.make_campaign(shop.store, shop.skus), make.make_campaign(shop.store, shop.skus[:1])
    capped = make.actor_for(make.make_member(shop.store, rights=["campaigns.pause"], max_listings=1))
    job = bulk.run(shop.store, "pause", [big.code, small.code], actor=capped)
    assert [(row["result"], row["error"] and row["error"]["code"]) for row in bulk.results(job)] == [
        ("refused", "ERR_GRANT_CAP"), ("done", None),
    ]  # fmt: skip
