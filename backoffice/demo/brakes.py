"""Many at once and a stop that waits: what the riverlamp store shows of both."""

from __future__ import annotations

from accounts.models import Store
from backoffice.demo.film import Film, Scene
from backoffice.demo.stage import OPERATOR_A, acting
from campaigns import affiliates, bulk, parking
from campaigns.models import AffiliatePlan, BulkJob, Campaign, ParkedClose
from core import clock
from core.scopes import in_store

SPEAKER = "Speaker Affiliate Discount"


def riverlamp(store: Store, film: Film) -> None:
    """Everything paused for an hour and resumed; a permanent cancel that waits for the affiliate plan."""

    def at(scene: Scene, **before: float) -> None:
        def run() -> None:
            with in_store(store.pk):
                scene()

        film.at(run, **before)

    at(lambda: _stop_all(store), hours=30)
    at(lambda: _resume(store), hours=29)
    at(lambda: _promote(store), hours=5)
    at(lambda: _park(store), hours=3)


def _stop_all(store: Store) -> None:
    actor = acting(OPERATOR_A)
    running = len(bulk.running_codes(store, clock.now()))
    draft = bulk.choose(store, "pause", (), scope="live", actor=actor)
    bulk.confirm(
        store, draft.pk, action="pause", reason="other", note="Prices looked wrong after an import", confirm_count=running, actor=actor
    )  # fmt: skip


def _resume(store: Store) -> None:
    actor = acting(OPERATOR_A)
    stopped = BulkJob.objects.filter(store=store, scope="live").latest("id")
    codes = list(stopped.rows.filter(result="done").values_list("code", flat=True))
    draft = bulk.choose(store, "resume", codes, actor=actor)
    bulk.confirm(store, draft.pk, action="resume", actor=actor)


def _promote(store: Store) -> None:
    """A running affiliate plan over the speaker, unless there is one."""
    speaker = Campaign.objects.get(store=store, name=SPEAKER)
    if not AffiliatePlan.objects.filter(store=store, links__campaign=speaker, state="running").exists():
        affiliates.create_plan(store, name="Speaker creators", campaigns=[speaker.code], actor=acting(OPERATOR_A))


def _park(store: Store) -> None:
    speaker = Campaign.objects.get(store=store, name=SPEAKER)
    parking.park(
        store, speaker.code, action="cancel", then=ParkedClose.Then.ASK, reason="poor_effect",
        note="As soon as the creators' plan is paused", confirm_code=speaker.code, actor=acting(OPERATOR_A),
    )  # fmt: skip
