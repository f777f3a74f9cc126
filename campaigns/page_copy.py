"""The text of a campaign's page after items left: a task that stays open until somebody says it was rewritten (R48).

The page of a campaign stands with the venue, in a post or a mail, where no publisher of ours reaches. So the act by which items leave
writes the task itself, with words to put there; the product pages are ours, and are read again by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import verb
from campaigns import finding
from campaigns.models import Campaign, CampaignItem, PageCopy
from core import display
from core.errors import Conflict
from policies.rules import CampaignRules

RIGHT = "campaigns.edit"
LANGUAGES = (("en", "en"), ("zh", "zh-hans"))


@dataclass(frozen=True, slots=True)
class Task:
    """What is open for one campaign: the tasks, oldest first, and words for its page by language (`en`, `zh`)."""

    copies: Sequence[PageCopy]
    words: Mapping[str, str]

    @property
    def total(self) -> int:
        """How many items left."""
        return sum(copy.total for copy in self.copies)


def ask(campaign: Campaign, items: Sequence[CampaignItem], *, now: datetime) -> PageCopy:
    """Open a task for items that just left; their SKUs and listings are at hand."""
    shown = policies.active(CampaignRules, now).warning_sample
    named = [
        {"sku": item.sku.code, "title": item.listing.title, "title_zh": item.listing.titles.get("zh", "")}
        for item in items[:shown]
    ]
    return PageCopy.objects.create(
        store_id=campaign.store_id, campaign=campaign, items=named, total=len(items), made_at=now
    )


def open_ones(store_id: int) -> QuerySet[PageCopy]:
    """The open tasks of a store, oldest first."""
    return PageCopy.objects.filter(store_id=store_id, done_at=None).order_by("id")


def task_of(campaign: Campaign) -> Task | None:
    """The open task of a campaign with words for its page; None when there is nothing to rewrite. One query."""
    copies = list(open_ones(campaign.store_id).filter(campaign=campaign))
    return Task(copies, _words(campaign, copies)) if copies else None


@verb("campaign.page_text", right=RIGHT)
def confirm(store: Store, code: str, *, actor: Actor, now: datetime) -> Campaign:
    """Say that the text of the campaign's page was rewritten: its open tasks are done, with the name of who says so.

    Raises NotFound, PermissionRefused, Conflict `ERR_NOTHING_OPEN` when nothing was to be rewritten.
    """
    check(actor, store, RIGHT, now=now)
    campaign = finding.lock(store, code)
    copies = list(open_ones(store.pk).filter(campaign=campaign))
    if not copies:
        raise Conflict("ERR_NOTHING_OPEN", _("No text of %(code)s waits to be rewritten.") % {"code": campaign.code})
    PageCopy.objects.filter(pk__in=[copy.pk for copy in copies]).update(done_at=now, done_by=actor.label[:160])
    skus = [item["sku"] for copy in copies for item in copy.items]
    after = {"removed": skus[:100], "count": sum(copy.total for copy in copies)}
    record(Entry("campaign.page_text", finding.target(campaign, store), after=after, right=RIGHT), actor=actor, now=now)
    return campaign


def document_of(campaign: Campaign) -> dict[str, Any]:
    """As the API answers it: what is open, and words for the page."""
    task = task_of(campaign)
    copies = task.copies if task else ()
    return {
        "open": task is not None,
        "total": task.total if task else 0,
        "items": [item for copy in copies for item in copy.items],
        "since": copies[0].made_at if copies else None,
        "words": dict(task.words) if task else {},
    }


def _words(campaign: Campaign, copies: Sequence[PageCopy]) -> dict[str, str]:
    items = [item for copy in copies for item in copy.items]
    more = sum(copy.total for copy in copies) - len(items)
    found = {}
    for name, language in LANGUAGES:
        with translation.override(language):
            chinese = name == "zh"
            titles = [(chinese and item["title_zh"]) or item["title"] for item in items]
            series = display.series(dict.fromkeys(titles))
            if more > 0:
                series = _("%(items)s and %(n)s more") % {"items": series, "n": display.number(more)}
            given = {"items": series, "campaign": (chinese and campaign.name_zh) or campaign.name}
            found[name] = _("No longer part of %(campaign)s: %(items)s. The other products stay in it.") % given
    return found
