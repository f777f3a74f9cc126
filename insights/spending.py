"""What a campaign's advertising costs, day by day (R12): told by people or by the system that buys the advertising."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import about, verb
from campaigns.finding import get, target
from campaigns.models import Campaign
from core import display, money
from core.errors import Conflict, FieldError, InvalidInput
from insights.models import AdSpend, CampaignFigures
from listings.outcome import rows_of
from policies.rules import InsightRules

_PUT = """
    INSERT INTO insights_adspend (store_id, campaign_id, day, amount)
    SELECT %s, %s, day, amount FROM unnest(%s::date[], %s::numeric[]) AS v(day, amount) ORDER BY day
    ON CONFLICT (store_id, campaign_id, day) DO UPDATE SET amount = EXCLUDED.amount
"""


@verb("campaign.spend", right="campaigns.edit")
def record_spend(store: Store, code: str, rows: object, *, actor: Actor, now: datetime) -> Campaign:
    """Set the ad spend of some days: `[{"day": "2026-11-27", "amount": "12.50"}]`, in the store's currency and calendar.

    A day told again in a later call takes the new amount; twice in one call it is refused. Every fault comes back at once.
    Raises NotFound, PermissionRefused, InvalidInput, and Conflict (ERR_FIGURES_SEALED) once the archive holds the figures.
    """
    campaign = get(store, code)
    about(target(campaign, store))
    check(actor, store, "campaigns.edit", now=now)
    wanted = _read(store, campaign, rows_of(rows, "spend", policies.active(InsightRules, now).events_per_call), now)
    if CampaignFigures.objects.filter(campaign=campaign).exists():
        raise Conflict("ERR_FIGURES_SEALED", _("The figures of this campaign are archived and final."))
    before = dict(AdSpend.objects.filter(campaign=campaign, day__in=list(wanted)).values_list("day", "amount"))
    if wanted and wanted != before:
        with connection.cursor() as cursor:
            cursor.execute(_PUT, [store.pk, campaign.pk, list(wanted), list(wanted.values())])
        entry = Entry(
            "campaign.spend", target(campaign, store), before=_texts(store, before), after=_texts(store, wanted),
            right="campaigns.edit",
        )  # fmt: skip
        record(entry, actor=actor, now=now)
    return campaign


def _texts(store: Store, amounts: Mapping[date, Decimal]) -> dict[str, Any]:
    return {
        f"{day:%Y-%m-%d}": f"{money.text(amount, store.currency)} {store.currency}" for day, amount in amounts.items()
    }


def _read(store: Store, campaign: Campaign, rows: Sequence[Mapping[str, Any]], now: datetime) -> dict[date, Decimal]:
    zone = display.zone(store.time_zone)
    first = campaign.starts_at.astimezone(zone).date()
    last = min(campaign.ends_at - timedelta(microseconds=1), now).astimezone(zone).date()
    found: dict[date, Decimal] = {}
    faults: list[FieldError] = []
    for index, row in enumerate(rows):
        day, amount = _day(row.get("day")), money.parse(row.get("amount"), store.currency, f"spend.{index}.amount")
        if day is None or not first <= day <= last:
            words = _("Write a day of the campaign up to today, from %(first)s to %(last)s.")
            faults.append(FieldError(f"spend.{index}.day", "ERR_SPEND_DAY", words % {"first": first, "last": last}))
        elif day in found:
            faults.append(FieldError(f"spend.{index}.day", "ERR_SPEND_REPEATED", _("This day is given twice.")))
        if isinstance(amount, FieldError):
            faults.append(amount)
        elif day is not None:
            found[day] = amount
    if faults:
        raise InvalidInput(_("The ad spend cannot be read: please put right what is marked."), faults)
    return found


def _day(value: object) -> date | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None
