"""Random sequences of acts against a model written anew from the design. `STATEFUL_STEPS` makes it longer."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from campaigns import lifecycle, stopping, sweeps
from campaigns.models import Campaign, Closing
from campaigns.tests.conftest import NOON, Shop, open_shop
from core import clock
from core.errors import DomainError
from core.scopes import in_store
from listings.models import LiveOffer
from tests import factories as make

STEPS = int(os.environ.get("STATEFUL_STEPS", "30"))
EXAMPLES = int(os.environ.get("STATEFUL_EXAMPLES", "12"))
GRACE, HOLD = timedelta(seconds=900), timedelta(seconds=600)

# Written from the design's drawing, not from the code.
LEGAL = {
    "draft": {"in_review", "scheduled"},
    "in_review": {"scheduled", "rejected", "draft"},
    "rejected": {"draft"},
    "scheduled": {"running", "ending", "cancelling"},
    "running": {"paused", "ending", "cancelling"},
    "paused": {"running", "ending", "cancelling"},
    "ending": {"ended"},
    "cancelling": {"cancelled", "scheduled", "running", "paused"},
    "ended": set(),
    "cancelled": set(),
}


class Life(RuleBasedStateMachine):
    """One campaign, one clock, and what the design says about both."""

    shop: Shop
    taken = 0

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.frozen = clock.freeze(NOON)
        self.time = self.frozen.__enter__()
        self.scope = in_store(self.shop.store.pk)
        self.scope.__enter__()

    def teardown(self) -> None:
        self.scope.__exit__(None, None, None)
        self.frozen.__exit__(None, None, None)
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    @initialize(starts=st.sampled_from([-60, 600, 4000]), lasts=st.sampled_from([300, 1500, 100_000]))
    def born(self, starts: int, lasts: int) -> None:
        self.starts = NOON + timedelta(seconds=starts)
        self.ends = self.starts + timedelta(seconds=max(lasts, 120))
        campaign = make.make_campaign(
            self.shop.store,
            self.shop.skus,
            state="draft",
            starts_at=self.starts,
            ends_at=self.ends,
        )
        self.code, self.state, self.before = campaign.code, "draft", ""
        self.final: datetime | None = None
        self.started = False
        self.closes = 0

    def now(self) -> datetime:
        return clock.now()

    def do(self, act: str, allowed: bool, **more: object) -> bool:
        """Act and compare with the model; answers whether it was allowed."""
        room = lifecycle if act in ("submit", "edit_campaign", "delete_draft") else stopping
        args = (more.pop("changes"),) if "changes" in more else ()
        refusal = None
        try:
            getattr(room, act)(self.shop.store, self.code, *args, actor=self.shop.owner, **more)
        except DomainError as error:
            refusal = error
        assert (refusal is None) == allowed, f"{act} in {self.state}: {refusal or 'allowed'}"
        assert refusal is None or refusal.status in (409, 422)
        return allowed

    @rule()
    def submit(self) -> None:
        if self.do("submit", self.state == "draft" and self.now() < self.ends):
            self.state = "running" if self.starts <= self.now() else "scheduled"
            self.started = self.state == "running"

    @rule()
    def pause(self) -> None:
        if self.do("pause", self.state == "running" and self.now() < self.ends):
            self.state = "paused"

    @rule()
    def resume(self) -> None:
        if self.do("resume", self.state == "paused" and self.now() < self.ends):
            self.state = "running"

    @rule()
    def cancel(self) -> None:
        live = self.state in ("scheduled", "running", "paused")
        if self.do("cancel", live and self.now() < self.ends, confirm_code=self.code):
            self.before, self.state, self.final = self.state, "cancelling", self.now() + HOLD
            self.closes += 1

    @rule()
    def take_back(self) -> None:
        held = self.state == "cancelling" and self.final is not None and self.now() < self.final
        if self.do("take_back", held and self.now() < self.ends):
            self.state = self.before

    @rule(hours=st.sampled_from([1, 5]))
    def move_the_end(self, hours: int) -> None:
        end = self.now() + timedelta(hours=hours)
        open_ = self.state == "draft" or (self.state in ("scheduled", "running", "paused") and self.now() < self.ends)
        if self.do("edit_campaign", open_ and end > self.starts, changes={"ends_at": end}):
            self.ends = end
            if self.state == "scheduled" and self.starts <= self.now():
                self.state, self.started = "running", True

    @rule(seconds=st.sampled_from([1, 30, 599, 600, 901, 5000]))
    def wait(self, seconds: int) -> None:
        self.time.tick(seconds)

    @rule()
    def sweep(self) -> None:
        sweeps.run()
        now = self.now()
        if self.state == "scheduled" and self.starts <= now < self.ends:
            self.state, self.started = "running", True
        if self.state in ("scheduled", "running", "paused") and self.ends <= now:
            self.state = "ending"
        if self.state == "ending" and self.ends + GRACE <= now:
            self.state = "ended"
            self.closes += 1
        if self.state == "cancelling" and self.final is not None and self.final <= now:
            self.state = "cancelled"

    @rule(to=st.sampled_from(sorted(LEGAL)))
    def raw_update(self, to: str) -> None:
        """PostgreSQL itself refuses what is no edge; what is one is undone again."""
        legal = to == self.state or to in LEGAL[self.state]
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("UPDATE campaigns_campaign SET state = %s WHERE code = %s", [to, self.code])
                assert legal, f"the trigger let {self.state} go to {to}"
                raise InterruptedError
        except InterruptedError:
            return
        except IntegrityError:
            refused = True
        assert refused != legal

    @invariant()
    def the_row_is_what_the_model_says(self) -> None:
        type(self).taken += 1
        if not hasattr(self, "code"):
            return
        row = Campaign.objects.get(code=self.code)
        assert row.state == self.state
        on = LiveOffer.objects.filter(campaign_code=self.code, active=True).count()
        if self.state == "running":
            assert on == 3
        elif self.state != "ending":
            assert on == 0
        assert Closing.objects.filter(campaign=row).count() == self.closes


def live(*, examples: int, steps: int, surprise: bool = False) -> int:
    """So many lives of so many steps; `surprise` draws them anew instead of repeating the same ones. Answers the steps taken."""
    Life.shop, Life.taken = open_shop(), 0
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=not surprise,
            database=None,
        ),
    )
    return Life.taken


@pytest.mark.django_db
def test_random_lives_agree_with_the_model():
    assert live(examples=EXAMPLES, steps=STEPS, surprise="STATEFUL_EXAMPLES" in os.environ) >= EXAMPLES
