"""The database's clock jumps +16 minutes, back 2 hours, on 1 day, over a change to summer time, under live workers (bench 11).

The clock is moved where the product reads it: every connection of the test's database finds a `clock_timestamp()` of ours before
PostgreSQL's own, and its offset is a row that the test changes. PostgreSQL's process itself is not deceived, so timeouts stay true.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from campaigns.models import Campaign, CampaignArchive, Closing
from campaigns.tests.conftest import Shop, open_shop
from core import clock
from core.scopes import across_stores, in_store
from tests import factories as make
from tests.faults.conftest import Crew
from tests.faults.material import report

_MOVE = """
    CREATE SCHEMA moved;
    CREATE TABLE moved.offset_of_clock (by interval NOT NULL);
    INSERT INTO moved.offset_of_clock VALUES ('0');
    CREATE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
        'SELECT pg_catalog.clock_timestamp() + by FROM moved.offset_of_clock';
"""
GRACE = timedelta(seconds=900)


class MovedClock:
    """The offset between the world's clock and the one that everybody reads."""

    def by(self, offset: timedelta) -> None:
        """Jump."""
        with connection.cursor() as cursor:
            cursor.execute("UPDATE moved.offset_of_clock SET by = make_interval(secs => %s)", [offset.total_seconds()])

    def to(self, moment: datetime) -> None:
        """Jump so that it is `moment` now."""
        self.by(moment - datetime.now(UTC))


@pytest.fixture
def moved(transactional_db: None) -> Iterator[MovedClock]:
    """Every connection from here on reads the moved clock."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(_MOVE)
        cursor.execute(f"ALTER DATABASE {name} SET search_path = moved, pg_catalog, public")
        cursor.execute("SET search_path = moved, pg_catalog, public")
    try:
        yield MovedClock()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} RESET search_path")
            cursor.execute("RESET search_path")
            cursor.execute("DROP SCHEMA moved CASCADE")


class World:
    """A campaign that is watched, and others whose close proves that the sweeps have looked since the last jump."""

    def __init__(self, crew: Crew, clockwork: MovedClock, shop: Shop) -> None:
        self.crew, self.clock, self.shop = crew, clockwork, shop

    def campaign(self, *, ends_at: datetime, starts_at: datetime | None = None) -> Campaign:
        """A running campaign with this window."""
        with in_store(self.shop.store.pk):
            return make.make_campaign(self.shop.store, self.shop.skus, starts_at=starts_at, ends_at=ends_at)

    def state(self, campaign: Campaign) -> str:
        """Where it stands."""
        with across_stores("the test looks"):
            return Campaign.objects.get(pk=campaign.pk).state

    def swept(self) -> None:
        """Wait until a campaign whose end has passed this minute was met: whatever else is due has been met, too."""
        now = clock.read()
        witness = self.campaign(starts_at=now - timedelta(days=2), ends_at=now - timedelta(seconds=1))
        self.crew.until(lambda: self.state(witness) == "ending", "the sweeps have looked since the jump")


@pytest.fixture
def world(crew: Crew, moved: MovedClock) -> World:
    staffed = Crew(crew.environment | {"CAMPAIGN_EXPIRY_GRACE": "900"}, crew.held, crew.folder, ever=crew.ever)
    shop = open_shop()
    staffed.start("lifecycle", "beat")
    return World(staffed, moved, shop)


def test_a_clock_that_jumps_closes_nothing_early_and_nothing_twice(world: World) -> None:
    start = clock.read()
    campaign = world.campaign(ends_at=start + timedelta(minutes=10))
    world.swept()
    assert world.state(campaign) == "running"

    world.clock.by(timedelta(minutes=16))  # past the end, not past the grace
    world.crew.until(lambda: world.state(campaign) == "ending", "the end is reached")
    world.swept()
    assert world.state(campaign) == "ending"

    world.clock.by(timedelta(hours=-2))  # before the end again
    world.swept()
    assert world.state(campaign) == "ending", "what is over stays over"

    world.clock.by(timedelta(days=1))
    world.crew.until(lambda: world.state(campaign) == "ended", "the close")
    with across_stores("the test looks"):
        closing = Closing.objects.get(campaign=campaign)
        assert closing.closed_at >= campaign.ends_at + GRACE
        assert not CampaignArchive.objects.filter(campaign=campaign).exists(), (
            "two hours have not passed since the close"
        )

    world.clock.by(timedelta(days=1, hours=-2))  # back once more, now behind the close
    world.swept()
    world.clock.by(timedelta(days=1, minutes=1))
    world.swept()
    with across_stores("the test looks"):
        assert Closing.objects.filter(campaign=campaign).count() == 1, "no second close"
        assert not CampaignArchive.objects.filter(
            campaign=campaign, archived_at__lt=closing.closed_at + timedelta(hours=2)
        ).exists()
    assert world.state(campaign) == "ended"
    _summer_time(world)
    report("11", jumps="+16 min, −2 h, +1 day, −2 h, +1 day, summer time", closed_early=0, closed_twice=0)


def _summer_time(world: World) -> None:
    """At 2:00 on 14 March 2027 the clocks of the west coast jump to 3:00; an end at 3:10 there is ten minutes ahead, not seventy."""
    spring = datetime(2027, 3, 14, 10, 0, tzinfo=UTC)
    with in_store(world.shop.store.pk):
        world.shop.store.time_zone = "America/Los_Angeles"
        world.shop.store.save()
    world.clock.to(spring - timedelta(seconds=30))
    campaign = world.campaign(starts_at=spring - timedelta(hours=1), ends_at=spring + timedelta(minutes=10))
    world.swept()
    assert world.state(campaign) == "running"
    world.clock.to(spring + timedelta(minutes=9))
    world.swept()
    assert world.state(campaign) == "running", "not at the jump of the wall clock"
    world.clock.to(spring + timedelta(minutes=10))
    world.crew.until(lambda: world.state(campaign) == "ending", "the end")
