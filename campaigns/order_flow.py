"""A dry quote after a close: would a buyer who orders now still get anything of the campaign (R47)? Saying "off" is no proof.

The storefront stands above this room; it joins with `joined`, and is asked about many closes at once. Nothing is written for it: no quote,
no order. What it answered is kept with the close as evidence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

import policies
from campaigns.models import Closing
from policies.rules import ClosingRules

logger = logging.getLogger(__name__)

CLEAN, LEFTOVER, UNSOLD = "clean", "leftover", "unsold"
PASSED, LEFT, NOTHING, BROKEN = "passed", "leftover", "nothing", "broken"
#: Answers with which a close may be verified: clean, or nothing of the campaign can be ordered at all.
GOOD = (PASSED, NOTHING)

# The same SKUs at every look at one close, others at another close.
_SAMPLE = """
    SELECT k.id, s.code
    FROM campaigns_closing k CROSS JOIN LATERAL (
        SELECT i.sku_id FROM campaigns_campaignitem i WHERE i.campaign_id = k.campaign_id
        ORDER BY hashint8(i.sku_id # k.id), i.sku_id LIMIT %(samples)s
    ) picked JOIN listings_sku s ON s.id = picked.sku_id
    WHERE k.id = ANY(%(ids)s) ORDER BY k.id, s.code
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """What to ask about one close: its campaign's code, and some of its SKUs."""

    closing_id: int
    store_id: int
    campaign: str
    skus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a quote for one unit of a SKU came to. `outcome`: clean, leftover (the campaign gives something), or unsold with `detail`."""

    sku: str
    outcome: str
    unit_price: str = ""
    currency: str = ""
    campaigns: tuple[str, ...] = ()
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data for the report."""
        return {
            "sku": self.sku,
            "outcome": self.outcome,
            "unit_price": self.unit_price,
            "currency": self.currency,
            "campaigns": list(self.campaigns),
            "detail": self.detail,
        }


Ask = Callable[[Sequence[Sample], datetime], Mapping[int, Sequence[Reading]]]
_asked: list[Ask] = []


def joined(ask: Ask) -> Ask:
    """Join: `ask` answers the readings of many samples by closing id, in a fixed number of queries per store."""
    _asked.append(ask)
    return ask


def look(closings: Sequence[Closing], *, now: datetime) -> dict[int, dict[str, Any]]:
    """Ask for dry quotes of some SKUs of each of these closes (with `campaign` loaded); answers what to keep, by closing id.

    `{"at", "state", "asked", "readings": […]}`; state `passed`, `leftover`, `nothing` (no SKU can be ordered at all) or `broken` with
    `error`. A fault says so for the whole batch, and is looked at again.
    """
    limit = policies.active(ClosingRules, now).flow_samples
    if not closings or not limit or not _asked:
        return {}
    skus: dict[int, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, {"ids": [closing.pk for closing in closings], "samples": limit})
        for pk, sku in cursor.fetchall():
            skus.setdefault(pk, []).append(sku)
    samples = [
        Sample(one.pk, one.store_id, one.campaign.code, tuple(skus[one.pk])) for one in closings if one.pk in skus
    ]
    moment = now.isoformat()
    answers: dict[int, list[Reading]] = {}
    try:
        with transaction.atomic():
            for ask in _asked:
                for pk, readings in ask(samples, now).items():
                    answers.setdefault(pk, []).extend(readings)
    except Exception as error:
        logger.exception("dry quotes of %s closes failed", len(samples))
        broken = {"at": moment, "state": BROKEN, "asked": 0, "readings": [], "error": type(error).__name__}
        return {one.pk: dict(broken) for one in closings}
    return {one.pk: _kept(answers.get(one.pk, ()), moment) for one in closings}


def _kept(readings: Sequence[Reading], moment: str) -> dict[str, Any]:
    outcomes = {reading.outcome for reading in readings}
    state = LEFT if LEFTOVER in outcomes else PASSED if CLEAN in outcomes else NOTHING
    return {
        "at": moment,
        "state": state,
        "asked": len(readings),
        "readings": [reading.as_dict() for reading in readings],
    }
