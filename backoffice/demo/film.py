"""The demo as a film: the verbs of the product, run at past moments of a moved clock, oldest first.

So every state, report, archive and audit event of the demo is one that the product made itself.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from backoffice.demo.due import run_due
from core import clock
from core.clock import FrozenClock

Scene = Callable[[], object]
#: No two looks at due work lie further apart than this while the film runs.
STEP = timedelta(hours=12)


class Film:
    """Scenes by moment. `play()` moves the clock from scene to scene and lets due work happen in between."""

    def __init__(self, premiere: datetime) -> None:
        self.premiere = premiere
        self._scenes: list[tuple[datetime, int, Scene]] = []
        self._order = count()
        self._looked = False

    def at(self, scene: Scene, **before: float) -> None:
        """Add a scene `before` (days, hours, minutes …) the premiere; scenes of one moment keep their order."""
        heapq.heappush(self._scenes, (self.premiere - timedelta(**before), next(self._order), scene))

    def after(self, scene: Scene, moment: datetime) -> None:
        """Add a scene at a moment."""
        heapq.heappush(self._scenes, (moment, next(self._order), scene))

    def play(self) -> None:
        """Run every scene, then stand at the premiere."""
        if not self._scenes:
            return
        with clock.freeze(self._scenes[0][0]) as hand:
            while self._scenes:
                moment, _, scene = heapq.heappop(self._scenes)
                self._wind(hand, min(moment, self.premiere))
                scene()
                run_due()
            self._wind(hand, self.premiere)
            run_due()

    def _wind(self, hand: FrozenClock, moment: datetime) -> None:
        if moment == clock.now() and self._looked:
            return  # a second scene of the same moment: nothing fell due since the first
        self._looked = True
        while clock.now() + STEP < moment:
            hand.tick(STEP)
            run_due()
        hand.move_to(max(moment, clock.now()))
        run_due()
