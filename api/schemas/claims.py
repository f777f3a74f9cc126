"""Claims of coupons."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Answer, Body, Time


class ClaimIn(Body):
    """Who claims a coupon, and from where."""

    buyer: str = Field(min_length=1, max_length=400, description=_("The storefront's own id of the buyer."))
    country: str = Field("", max_length=80, description=_("Two letters, ISO 3166."))
    ip: str = Field(
        "",
        max_length=200,
        description=_("Kept as a keyed hash for %(coupons__address_kept_hours__hours)s, for the limit of one address."),
    )
    channel: str = Field("", max_length=80, description=_("Where the buyer met the coupon, such as push or email."))
    site: str = Field("", max_length=80, description=_("The code of the language site, where it is known."))
    logistics: str = Field("", max_length=80, description=_("The way of shipping, where it is known already."))


class ClaimOut(Answer):
    """A claim, and until when it can be used."""

    claim: str
    expires_at: Time
