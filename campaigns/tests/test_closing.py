"""What a close leaves: forecast against result, prices to decide, the archive, steps that fail and run again (R13-R15, R36, R44-R46)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import orjson
import pytest

import policies
from audit.models import AuditEvent
from campaigns import archive, checks, cleaning, prices, report, stopping, sweeps
from campaigns.labels import IMPACT
from campaigns.models import Campaign, CampaignArchive, Check, Closing, Leftover
from campaigns.tests.conftest import NOON
from core import clock, outbox
from core.errors import Conflict, DomainError, InvalidInput, NotFound, PermissionRefused
from inbox.models import Message
from listings.models import LiveOffer, PriceHistory, Sku
from listings.prices import set_prices
from orders.models import Order
from policies.rules import ClosingRules, ListingRules
from publishing.models import Site
from tests import factories as make


def _cancelled(shop, frozen, campaign):
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, reason="season", actor=shop.owner)
    frozen.tick(600)
    sweeps.run()
    return Closing.objects.get(campaign=campaign)


def test_a_difference_between_forecast_and_result_is_explained(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    frozen.tick(60)
    set_prices(shop.store, [{"sku": shop.skus[0].code, "sale_price": "20.00"}], actor=shop.owner, now=clock.now())
    Sku.objects.filter(pk=shop.skus[1].pk).update(sale_price=Decimal("18.90"))
    frozen.tick(600)
    sweeps.run()
    closing = Closing.objects.get()
    assert closing.forecast["prices_to_review"] == 0
    assert closing.result["prices_to_review"] == 1
    (row,) = report.differences_of(closing)
    assert (row["key"], row["forecast"], row["result"]) == ("prices_to_review", 0, 1)
    assert row["why"] == "Sale prices were changed in between."


def test_prices_that_do_not_return_are_listed_and_put_back(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    frozen.tick(60)
    rows = [{"sku": shop.skus[0].code, "sale_price": "18.90"}, {"sku": shop.skus[1].code, "sale_price": "22.00"}]
    set_prices(shop.store, rows, actor=shop.owner, now=clock.now())
    assert len(prices.prices_to_review(campaign)) == 2
    with pytest.raises(Conflict):
        prices.restore_prices(shop.store, campaign.code, [], actor=shop.owner)
    closing = _cancelled(shop, frozen, campaign)
    campaign.refresh_from_db()
    step = next(step for step in closing.steps if step["key"] == "review_prices")
    assert (step["state"], step["total"], step["evidence"]["to_review"]) == ("done", 2, 2)
    assert [row.as_dict() for row in prices.prices_to_review(campaign)] == [
        {"sku": shop.skus[0].code, "currency": "USD", "before": "24.90", "now": "18.90", "campaign": "18.90"},
        {"sku": shop.skus[1].code, "currency": "USD", "before": "24.90", "now": "22.00", "campaign": "18.90"},
    ]
    assert prices.stores_prices_to_review(shop.store.pk, now=clock.now(), limit=5) == [(campaign, 2)]
    with pytest.raises(InvalidInput):
        prices.restore_prices(shop.store, campaign.code, ["NOPE"], actor=shop.owner)
    assert prices.restore_prices(shop.store, campaign.code, [shop.skus[0].code], actor=shop.owner).applied == 1
    assert prices.restore_prices(shop.store, campaign.code, [], actor=shop.owner).applied == 1
    assert set(Sku.objects.values_list("sale_price", flat=True)) == {Decimal("24.900")}
    assert prices.prices_to_review(campaign) == []
    assert PriceHistory.objects.filter(source="restore").count() == 2


def test_orders_in_between_are_counted_and_said(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    early = make.make_order(shop.store, shop.skus[:1], campaign=campaign.code)
    frozen.tick(1)
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    frozen.tick(60)
    for _ in range(2):
        make.make_order(shop.store, shop.skus[:1], campaign=campaign.code)
    Order.objects.filter(pk=early.pk).update(state="completed")
    frozen.tick(600)
    sweeps.run()
    (row,) = report.differences_of(Closing.objects.get())
    assert (row["key"], row["forecast"], row["result"]) == ("open_orders", 1, 2)
    assert row["facts"] == {"placed": 2, "placed_open": 2}
    assert row["why"] == (
        "2 orders were placed in between, at prices quoted before the stop; they keep their terms."
        " 1 order was completed or cancelled in between."
    )


def test_orders_after_the_end_at_quoted_prices_are_the_difference_of_a_close_by_the_clock(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + timedelta(hours=1))
    make.make_order(shop.store, shop.skus[:1], campaign=campaign.code)
    frozen.tick(3660)
    make.make_order(shop.store, shop.skus[:1], campaign=campaign.code)
    frozen.tick(900)
    sweeps.run()
    (row,) = report.differences_of(Closing.objects.get())
    assert (row["forecast"], row["result"], row["facts"]["placed"]) == (1, 2, 1)
    assert row["why"].startswith("1 order was placed in between")


def test_no_difference_stands_without_a_reason():
    rows = [{"key": key, "forecast": 1, "result": 2, "facts": {"placed_open": 0}} for key in IMPACT]
    assert all(report.why_text(row) for row in rows)


def test_prices_in_between_are_named(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    Sku.objects.filter(pk=shop.skus[0].pk).update(sale_price=Decimal("18.90"))
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    frozen.tick(60)
    prices.restore_prices(shop.store, campaign.code, [], actor=shop.owner)
    frozen.tick(600)
    sweeps.run()
    (row,) = report.differences_of(Closing.objects.get())
    assert (row["key"], row["forecast"], row["result"]) == ("prices_to_review", 1, 0)
    assert row["facts"] == {"changed": 1, "restored": 1, "skus": [shop.skus[0].code]}
    assert shop.skus[0].code in row["why"]


def test_restoring_can_be_undone_where_nobody_changed_a_price_since(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    rows = [{"sku": sku.code, "sale_price": "18.90"} for sku in shop.skus]
    set_prices(shop.store, rows, actor=shop.owner, now=clock.now())
    _cancelled(shop, frozen, campaign)
    campaign.refresh_from_db()
    with pytest.raises(Conflict):
        prices.undo_restore(shop.store, campaign.code, actor=shop.owner)
    frozen.tick(60)
    assert prices.restore_prices(shop.store, campaign.code, [], actor=shop.owner).applied == 3
    frozen.tick(60)
    set_prices(shop.store, [{"sku": shop.skus[2].code, "sale_price": "30.00"}], actor=shop.owner, now=clock.now())
    last = prices.last_restored(campaign)
    assert last is not None
    assert [sku for sku, _currency, _before in last.rows] == [sku.code for sku in shop.skus[:2]]
    frozen.tick(60)
    assert prices.undo_restore(shop.store, campaign.code, actor=shop.owner).applied == 2
    assert sorted(Sku.objects.values_list("sale_price", flat=True)) == [Decimal("18.900")] * 2 + [Decimal("30.000")]
    assert [row.sku for row in prices.prices_to_review(campaign)] == [sku.code for sku in shop.skus[:2]]
    assert prices.count_to_review(campaign) == 2
    with pytest.raises(Conflict):
        prices.undo_restore(shop.store, campaign.code, actor=shop.owner)
    viewer = make.actor_for(make.make_member(shop.store, rights=["campaigns.cancel"]))
    with pytest.raises(PermissionRefused):
        prices.undo_restore(shop.store, campaign.code, actor=viewer)


def test_all_means_all_beyond_one_call_and_its_undoing_too(shop, frozen, monkeypatch):
    campaign = make.make_campaign(shop.store, shop.skus)
    rows = [{"sku": sku.code, "sale_price": "18.90"} for sku in shop.skus]
    set_prices(shop.store, rows, actor=shop.owner, now=clock.now())
    _cancelled(shop, frozen, campaign)
    few = ((ListingRules, {"rows_per_call": 2}), (ClosingRules, {"review_shown": 2}))
    small = {rules: policies.active(rules, NOON).model_copy(update=change) for rules, change in few}
    real = policies.active
    monkeypatch.setattr(policies, "active", lambda rules, now: small.get(rules) or real(rules, now))
    frozen.tick(60)
    assert prices.restore_prices(shop.store, campaign.code, [], actor=shop.owner).applied == 3
    frozen.tick(60)
    assert prices.undo_restore(shop.store, campaign.code, actor=shop.owner).applied == 3
    lent = make.make_member(shop.store, rights=["listings.price"], max_listings=2)
    with pytest.raises(DomainError) as refusal:
        prices.restore_prices(shop.store, campaign.code, [], actor=make.actor_for(lent))
    assert refusal.value.code == "ERR_GRANT_CAP", "the parts of a call count together"
    assert set(Sku.objects.values_list("sale_price", flat=True)) == {Decimal("18.900")}


def test_a_price_that_somebody_sets_until_the_lock_is_not_overwritten(shop, frozen, monkeypatch):
    campaign = make.make_campaign(shop.store, shop.skus)
    rows = [{"sku": sku.code, "sale_price": "18.90"} for sku in shop.skus]
    set_prices(shop.store, rows, actor=shop.owner, now=clock.now())
    _cancelled(shop, frozen, campaign)
    real, setting = prices.lock, ["31.00", "30.00"]

    def late(store, codes):
        if setting:
            row = {"sku": shop.skus[len(setting)].code, "sale_price": setting.pop()}
            set_prices(store, [row], actor=shop.owner, now=clock.now())
            frozen.tick(1)
        return real(store, codes)

    monkeypatch.setattr(prices, "lock", late)
    frozen.tick(60)
    assert prices.restore_prices(shop.store, campaign.code, [], actor=shop.owner).applied == 2
    frozen.tick(60)
    assert prices.undo_restore(shop.store, campaign.code, actor=shop.owner).applied == 1
    assert [sku.sale_price for sku in Sku.objects.order_by("code")] == [Decimal("18.9"), Decimal("31"), Decimal("30")]


def test_a_restoring_is_undone_where_it_belongs_and_not_for_another_campaign_on_the_same_sku(shop, frozen):
    """The first began at 24.90, the second at 20.00; what the second puts back is nothing of the first."""
    first = make.make_campaign(shop.store, shop.skus[:1], price="15.00")
    code = shop.skus[0].code
    frozen.tick(60)
    set_prices(shop.store, [{"sku": code, "sale_price": "20.00"}], actor=shop.owner, now=clock.now())
    second = make.make_campaign(shop.store, shop.skus[:1], price="16.00", stacks=True)
    set_prices(shop.store, [{"sku": code, "sale_price": "22.00"}], actor=shop.owner, now=clock.now())
    for campaign in (first, second):
        Campaign.objects.filter(pk=campaign.pk).update(stacks=True)
        _cancelled(shop, frozen, campaign)
        campaign.refresh_from_db()
    frozen.tick(60)
    prices.restore_prices(shop.store, second.code, [code], actor=shop.owner)
    assert prices.last_restored(first) is None
    with pytest.raises(Conflict):
        prices.undo_restore(shop.store, first.code, actor=shop.owner)
    assert Sku.objects.get(code=code).sale_price == Decimal("20.000")
    assert prices.undo_restore(shop.store, second.code, actor=shop.owner).applied == 1
    assert Sku.objects.get(code=code).sale_price == Decimal("22.000")


def test_a_price_set_after_the_close_is_a_decision(client, shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    frozen.tick(60)
    set_prices(shop.store, [{"sku": shop.skus[0].code, "sale_price": "18.90"}], actor=shop.owner, now=clock.now())
    _cancelled(shop, frozen, campaign)
    campaign.refresh_from_db()
    assert len(prices.prices_to_review(campaign)) == 1
    frozen.tick(60)
    set_prices(shop.store, [{"sku": shop.skus[0].code, "sale_price": "19.90"}], actor=shop.owner, now=clock.now())
    assert prices.prices_to_review(campaign) == []
    client.force_login(make.owner_of(shop.store))
    page = client.get(f"/s/{shop.store.slug}/campaigns/{campaign.code}/closing/").content.decode()
    assert "Every sale price is decided." in page, "not that none was changed"


def test_a_sole_trader_may_put_prices_back_after_a_close(shop, frozen):
    shop.store.entity = "sole_trader"
    shop.store.save()
    campaign = make.make_campaign(shop.store, shop.skus)
    Sku.objects.filter(pk=shop.skus[0].pk).update(sale_price=Decimal("18.90"))
    _cancelled(shop, frozen, campaign)
    assert prices.restore_prices(shop.store, campaign.code, [], actor=shop.owner).applied == 1
    pauser = make.actor_for(make.make_member(shop.store, rights=["campaigns.cancel"]))
    with pytest.raises(PermissionRefused):
        prices.restore_prices(shop.store, campaign.code, [], actor=pauser)


def test_the_archive_holds_what_stood_and_never_changes(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    _cancelled(shop, frozen, campaign)
    frozen.move_to(NOON + timedelta(seconds=7199))
    sweeps.run()
    assert not CampaignArchive.objects.exists()
    frozen.tick(1)
    Closing.objects.update(next_due_at=clock.now())
    sweeps.run()
    kept = CampaignArchive.objects.get()
    assert kept.archived_at == NOON + timedelta(seconds=7200)
    assert archive.intact(kept)
    document = kept.document
    assert [item["sku"] for item in document["items"]] == sorted(sku.code for sku in shop.skus)
    assert document["items"][0]["price_before"] == "24.90"
    assert document["campaign"]["state"] == "cancelled"
    assert '"buyer"' not in orjson.dumps(document).decode()
    assert not LiveOffer.objects.filter(campaign_code=campaign.code).exists(), "offers of history say nothing of now"
    step = next(step for step in Closing.objects.get().steps if step["key"] == "archive")
    assert (step["state"], step["evidence"]["sha256"]) == ("done", kept.sha256)
    kept.document["items"] = []
    assert not archive.intact(kept)


def test_archives_hold_the_figures_of_orders_and_no_buyer(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    order = make.make_order(shop.store, shop.skus[:2], buyer="Somebody", quantity=2)
    closing = _cancelled(shop, frozen, campaign)
    closing = Closing.objects.select_related("campaign__store").get(pk=closing.pk)
    archive.build([closing], now=clock.now())
    text = orjson.dumps(CampaignArchive.objects.get().document).decode()
    assert "Somebody" not in text
    assert Order.objects.get(pk=order.pk).snapshot == order.snapshot


def test_an_archive_that_fails_is_tried_again_shown_and_run_by_hand(shop, frozen, monkeypatch):
    campaign = make.make_campaign(shop.store, shop.skus)
    _cancelled(shop, frozen, campaign)

    def broken(closings, *, now):
        raise OSError("disk full")

    monkeypatch.setattr(archive, "build", broken)
    frozen.move_to(NOON + timedelta(hours=2))
    for _round in range(5):
        Closing.objects.update(next_due_at=clock.now())
        sweeps.run()
        frozen.tick(700)
    step = next(step for step in Closing.objects.get().steps if step["key"] == "archive")
    assert (step["state"], step["attempts"]) == ("failed", 5)
    assert "disk full" in step["error"]
    assert Message.objects.get(code="ERR_CLOSE_STEP", params__step="archive").params["campaign"] == campaign.code
    monkeypatch.undo()
    cleaning.run_step_again(shop.store, campaign.code, "archive", actor=shop.owner)
    sweeps.run()
    step = next(step for step in Closing.objects.get().steps if step["key"] == "archive")
    assert (step["state"], step["error"]) == ("done", "")


@pytest.mark.parametrize(
    "key", ["stop_display", "clear_tags", "void_coupons", "release_stock", "publish_sites", "review_prices", "verify"]
)
def test_any_step_can_be_run_again(shop, frozen, key):
    campaign = make.make_campaign(shop.store, shop.skus)
    with pytest.raises(NotFound):
        cleaning.run_step_again(shop.store, campaign.code, key, actor=shop.owner)
    _cancelled(shop, frozen, campaign)
    cleaning.run_step_again(shop.store, campaign.code, key, actor=shop.owner)
    with pytest.raises(InvalidInput):
        cleaning.run_step_again(shop.store, campaign.code, "nonsense", actor=shop.owner)
    while outbox.deliver_due(topics=["publish.site"]):
        pass
    checks.run_due()
    sweeps.run()
    steps = {step["key"]: step["state"] for step in Closing.objects.get().steps}
    assert steps.pop("archive") == "pending"
    assert set(steps.values()) == {"done"}
    assert AuditEvent.objects.filter(action="campaign.run_step").count() == 1


def test_a_step_that_is_run_again_by_a_person_says_so(client, shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    _cancelled(shop, frozen, campaign)
    client.force_login(make.owner_of(shop.store))
    report = f"/s/{shop.store.slug}/campaigns/{campaign.code}/closing/"
    assert "is run again" in client.post(f"{report}run-step/verify/", follow=True).content.decode()
    assert client.post(f"{report}run-step/nonsense/").status_code == 422


def test_sites_that_are_not_told_in_time_fail_their_step(client, shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    _cancelled(shop, frozen, campaign)
    frozen.tick(300)
    sweeps.run()
    step = next(step for step in Closing.objects.get().steps if step["key"] == "publish_sites")
    assert (step["state"], step["done"], step["total"]) == ("failed", 0, 6)
    client.force_login(make.owner_of(shop.store))
    for language, words in (("zh-hans", "6个页面未按时发布。"), ("en", "6 pages were not published in time.")):
        report_page = client.get(
            f"/s/{shop.store.slug}/campaigns/{campaign.code}/closing/", headers={"Accept-Language": language}
        )
        assert words in report_page.content.decode()  # in the reader's language, not the worker's
    while outbox.deliver_due(topics=["publish.site"]):
        pass
    frozen.tick(61)
    sweeps.run()
    step = next(step for step in Closing.objects.get().steps if step["key"] == "publish_sites")
    assert (step["state"], step["done"], step["total"], step["error"]) == ("done", 6, 6, "")


def test_leftovers_are_gathered_by_page_in_the_report(client, shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    _cancelled(shop, frozen, campaign)
    listing, site = shop.skus[0].listing, Site.objects.filter(store=shop.store).first()
    Leftover.objects.bulk_create(
        Leftover(
            store=shop.store, campaign=campaign, listing=listing, site=site, client=seen_by, what=what,
            page_url="https://shop.test/p/1", first_seen_at=NOON, last_seen_at=NOON,
        )
        for seen_by in ("desktop", "phone")
        for what in ("tag", "price")
    )  # fmt: skip
    client.force_login(make.owner_of(shop.store))
    text = client.get(f"/s/{shop.store.slug}/campaigns/{campaign.code}/closing/").content.decode()
    assert text.count("https://shop.test/p/1") == 1
    assert "on 1 page" in text
    assert "Desktop, Phone" in text
    assert "Campaign tag, Campaign price" in text
    assert f"after/leftovers/?q={campaign.code}" in text


def test_a_close_taken_back_and_a_later_one_are_two_reports(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    assert report.latest(campaign) is not None
    stopping.take_back(shop.store, campaign.code, actor=shop.owner)
    assert report.latest(campaign) is None
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    assert Closing.objects.filter(campaign=campaign).count() == 2
    assert Check.objects.filter(state="pending").count() == 4


def test_a_scheduled_campaign_that_never_started_has_nothing_to_publish(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, state="scheduled")
    closing = _cancelled(shop, frozen, campaign)
    steps = {step["key"]: (step["state"], step["total"]) for step in closing.steps}
    assert steps["stop_display"] == steps["publish_sites"] == ("done", 0)
    assert Campaign.objects.get().state == "cancelled"
