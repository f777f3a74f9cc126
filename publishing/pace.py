"""How many pages go into one call to a merchant's server: what it takes is learnt from what it refuses as too large (413), per site.

A batch that is refused is halved, down to one page. One page that is refused alone is that page's own fault: the size doubles back to
what it was before. Otherwise the size that works is kept, and grows in small steps after a row of full batches; a step too far goes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from policies.rules import PublishingRules


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one site, in pages. `size` 0: as many as the rule allows, nothing was refused.

    Up to `goal` the size doubles; `before` is the size at which halving began; `last` the one before the latest step; `taken` counts full
    batches at this size.
    """

    size: int = 0
    goal: int = 0
    before: int = 0
    last: int = 0
    taken: int = 0

    @classmethod
    def of(cls, kept: Mapping[str, int]) -> Pace:
        """Read what a site keeps."""
        return cls(**kept)

    def kept(self) -> dict[str, int]:
        """The JSON that a site keeps: nothing but what differs from a site that refused nothing."""
        return {name: value for name, value in asdict(self).items() if value}

    def limit(self, rules: PublishingRules) -> int:
        """How many pages the next call may hold."""
        return min(self.size or rules.http_batch, rules.http_batch)

    def accepted(self, pages: int, rules: PublishingRules) -> Pace:
        """After a call of so many pages that was taken."""
        most, size = rules.http_batch, self.limit(rules)
        if pages < size or not self.size:
            return self
        if size >= most:
            return Pace()
        if size < self.goal:
            return replace(self, size=min(2 * size, self.goal), taken=0)
        if self.taken + 1 < rules.http_grow_after:
            return replace(self, taken=self.taken + 1)
        step = min(most, max(size + 1, size * (100 + rules.http_grow_percent) // 100))
        return Pace(size=step, goal=step, last=size)

    def refused(self, pages: int, rules: PublishingRules) -> Pace:
        """After a call of so many pages that was too large."""
        before = self.before or self.limit(rules)
        if pages == 1:
            return Pace(size=1, goal=before, before=before)
        if 0 < self.last < pages:
            return Pace(size=self.last, goal=self.last)
        return Pace(size=pages // 2, goal=pages // 2, before=before)
