"""The readings of days behind the dashboard's small charts: kept by a sweep, shown only where they were made."""

from __future__ import annotations

from datetime import timedelta

from campaigns import stopping
from campaigns.tests.conftest import NOON
from insights import daily
from insights.models import StoreDay
from publishing import tasks as publishing_tasks
from tests import factories as make


def kept() -> list[tuple[int, ...]]:
    rows = StoreDay.objects.order_by("day")
    return [(row.day.day, row.promoted_skus, row.pages, row.pages_shown) for row in rows]


def test_the_last_reading_of_a_stores_own_day_stays(shop, frozen, django_assert_num_queries):
    """Noon is 20:00 in the store's zone: five hours on, its next day has begun."""
    campaign = make.make_campaign(shop.store, shop.skus[:2])
    daily.read_all(now=NOON)
    assert kept() == [(27, 2, 4, 0)]
    publishing_tasks.sweep()
    with django_assert_num_queries(2):
        assert daily.read_all(now=NOON + timedelta(hours=3)) == 1
    assert kept() == [(27, 2, 4, 4)]
    stopping.pause(shop.store, campaign.code, reason="season", actor=shop.owner)
    frozen.move_to(NOON + timedelta(hours=5))
    daily.read_all(now=NOON + timedelta(hours=5))
    assert kept() == [(27, 2, 4, 4), (28, 0, 4, 0)]
    daily.read_all(now=NOON + timedelta(hours=4, minutes=30))  # a sweep that was late writes over nothing newer
    assert kept()[1] == (28, 0, 4, 0)


def test_the_dashboard_draws_the_days_that_were_read_and_no_others(client, shop, frozen):
    make.make_campaign(shop.store, shop.skus[:2], ends_at=NOON + timedelta(days=9))
    client.force_login(make.owner_of(shop.store))
    bare = client.get(f"/s/{shop.store.slug}/").content.decode()
    assert bare.count('class="bo-spark"') == 2, "nothing was read yet: running campaigns and leftovers only"
    publishing_tasks.sweep()
    daily.read_all(now=NOON)
    frozen.move_to(NOON + timedelta(days=2))
    client.force_login(make.owner_of(shop.store))
    page = client.get(f"/s/{shop.store.slug}/").content.decode()
    assert page.count('class="bo-spark"') == 4
    assert "2026-11-27: 2<" in page
    assert "2026-11-28: not recorded<" in page, "a day without a reading is said to be one"
    assert "2026-11-29: 2<" in page, "today is the figure beside it"
    assert "2026-11-27: 100%<" in page
