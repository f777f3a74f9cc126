"""A campaign as the rows of a list need it: twelve columns of its forty, and no model instance around them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from django.db.models import QuerySet

from campaigns.models import Campaign, Kind
from core import display


@dataclass(frozen=True, slots=True)
class Listed:
    """What is shown of a campaign, and what decides on its buttons. Moments are aware."""

    pk: int
    code: str
    kind: str
    name: str
    name_zh: str
    state: str
    starts_at: datetime
    ends_at: datetime
    cancel_final_at: datetime | None
    item_count: int
    platform_enforced: bool

    @property
    def label(self) -> str:
        """The name in the page's language."""
        return self.name_zh if self.name_zh and display.is_chinese() else self.name

    def get_kind_display(self) -> str:
        """The word of the kind."""
        return str(dict(Kind.choices).get(self.kind, self.kind))


_COLUMNS = tuple(field.name for field in fields(Listed))


def listed(rows: QuerySet[Campaign]) -> list[Listed]:
    """The rows of a queryset; one query."""
    return [Listed(*row) for row in rows.values_list(*_COLUMNS)]
