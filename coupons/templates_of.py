"""Ready-made coupons to begin with (R77): what the best sellers use, and two plain ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.errors import Text
from coupons.models import CouponKind
from policies.rules import CouponRules


@dataclass(frozen=True, slots=True)
class Template:
    """A beginning of a form; amounts in the store's currency, the window counted from now."""

    key: str
    label: Text
    about: Text
    days: int
    initial: dict[str, Any] = field(default_factory=dict)


TEMPLATES: tuple[Template, ...] = (
    Template(
        "spend30",
        _("Spend 30 save 5"),
        _("First order only, stacked with the venue's subsidy for a time: what 92.3% of top sellers combine."),
        23,
        {
            "kind": CouponKind.SPEND,
            "face_value": "5.00",
            "min_order": "30.00",
            "first_order_only": True,
            "stacks_with_platform": True,
        },
    ),
    Template(
        "spend20",
        _("Spend 20 save 2"),
        _("A small step for returning buyers, inside the best band for goods of about 20."),
        14,
        {"kind": CouponKind.SPEND, "face_value": "2.00", "min_order": "20.00"},
    ),
    Template(
        "welcome",
        _("No threshold, 1 off"),
        _("For low prices; counts from the platform's minimum order on."),
        7,
        {"kind": CouponKind.NO_THRESHOLD, "face_value": "1.00"},
    ),
)


def initial_of(key: str, rules: CouponRules, now: datetime) -> dict[str, Any]:
    """What the form begins with: a template's terms (unknown key: none), Worry-free logistics (R75), a window from the next minute on."""
    starts_at = now.replace(second=0, microsecond=0)
    found: dict[str, Any] = {
        "logistics": list(rules.worry_free),
        "starts_at": starts_at,
        "freight": f"{rules.freight:f}",
    }
    for template in TEMPLATES:
        if template.key == key:
            found |= template.initial | {"ends_at": starts_at + timedelta(days=template.days)}
            if template.initial.get("stacks_with_platform"):
                found["stacks_until"] = starts_at + timedelta(days=min(7, template.days))
    return found
