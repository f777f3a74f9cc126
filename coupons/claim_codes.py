"""Single-use codes at the claim: such a code leads to its coupon, and a coupon that has them is claimed with nothing else (R81)."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext as _

from coupons import batches, claiming, facts
from coupons.claiming import ClaimAsk
from coupons.facts import Facts
from coupons.refusing import explains


@facts.declare
class CodeNeededFacts(Facts):
    """The coupon's own code was entered."""

    code: ClassVar[str] = "ERR_COUPON_CODE_NEEDED"


@explains(CodeNeededFacts)
def _words(told: CodeNeededFacts) -> str:
    return _("This coupon is claimed with a single-use code only.")


def needs_code(ask: ClaimAsk) -> Facts | None:
    """A condition of a claim."""
    return CodeNeededFacts() if ask.codes_only and ask.entered == ask.coupon else None


claiming.readers.append(batches.resolve)
claiming.conditions.append(needs_code)
