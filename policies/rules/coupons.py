"""Limits, brakes and warnings of coupons. Each threshold of the coupon room stands here."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class CouponRules(Rules):
    """What a coupon may be, and when it is refused."""

    key: ClassVar[str] = "coupons"

    min_days: int = Field(default=1, ge=1, description=_("R55: shortest validity."))
    max_days: int = Field(default=90, ge=1, description=_("R55: longest validity."))
    min_order: dict[str, Decimal] = Field(
        default={"USD": Decimal("10.00")},
        description=_("R55: least minimum order, by currency. A coupon can be made in these currencies."),
    )
    per_buyer: int = Field(default=1, ge=1, description=_("R55: claims per buyer and coupon."))
    max_face_percent: Decimal = Field(
        default=Decimal(50), gt=0, le=100, description=_("R56: face value at most this share of any item's price.")
    )
    latest_start_days: int = Field(default=365, ge=1, description=_("How far ahead a coupon may start."))
    alipay_level: int = Field(default=2, ge=0, le=2, description=_("R57: KYC level of the Alipay+ account."))
    freight: Decimal = Field(
        default=Decimal("4.20"), ge=0, description=_("R76: freight of another way of shipping, US$ (ePacket).")
    )
    warning_sample: int = Field(default=5, ge=1, description=_("Items that a warning or refusal names."))
    max_quota: int = Field(default=10_000_000, ge=1, description=_("Claims of one coupon."))
    max_pool_rows: int = Field(default=10_000, ge=1, description=_("Listings, categories and brands named one by one."))
    margin_share_percent: Decimal = Field(
        default=Decimal(30), gt=0, description=_("R61: coupon cost at most this share of gross margin.")
    )
    healthy_margin_percent: Decimal = Field(
        default=Decimal("6.5"), ge=0, description=_("R61: the healthy line of the net margin.")
    )
    advised_margin_percent: Decimal = Field(
        default=Decimal(12), ge=0, description=_("R62: the margin advised for coupon sellers.")
    )
    best_face_from_percent: Decimal = Field(
        default=Decimal(8), ge=0, description=_("R63: best face value from this share of the average price.")
    )
    best_face_to_percent: Decimal = Field(default=Decimal(12), ge=0, description=_("R63: and up to this share."))
    in_stock_percent: Decimal = Field(default=Decimal(98), ge=0, le=100, description=_("R59: wanted in-stock rate."))
    average_cpc: Decimal = Field(
        default=Decimal("0.28"), ge=0, description=_("R60: average cost per click, US$, second quarter 2024.")
    )
    worry_free: tuple[str, ...] = Field(
        default=("standard", "premium"), description=_("R75: the logistics ticked by default.")
    )
    new_store_days: int = Field(
        default=30, ge=0, description=_("R82, R175: younger stores are advised against coupons.")
    )
    low_margin_percent: Decimal = Field(
        default=Decimal(12), ge=0, description=_("R82: goods below this margin are advised against.")
    )
    good_rating_percent: Decimal = Field(
        default=Decimal(95), ge=0, le=100, description=_("R174: positive rating over 90 days.")
    )
    no_threshold_brake: Decimal = Field(
        default=Decimal("5.00"),
        gt=0,
        description=_("A no-threshold coupon above this face value is confirmed by typing the face value."),
    )
    disputes: int = Field(default=2, ge=1, description=_("R73: this many orders in arbitration forbid a claim."))
    dispute_days: int = Field(default=30, ge=1, description=_("R73: counted over this many days."))
    velocity_claims: int = Field(
        default=5, ge=1, description=_("R69: claims of one address in the window; the next is too many.")
    )
    velocity_seconds: int = Field(default=3600, ge=1, description=_("R69: the window."))
    velocity_effect: Literal["pause", "refuse"] = Field(
        default="pause",
        description=_("R69: what too many claims of one address do: stop the issuing, or refuse the address."),
    )
    velocity_ipv6_prefix: int = Field(
        default=64, ge=1, le=128, description=_("R69: so many leading bits of an IPv6 address count as one address.")
    )
    coupons_per_order: int = Field(
        default=1, ge=0, description=_("Coupons that one order may use; of more the best for the buyer count.")
    )
    returns_on_cancellation: bool = Field(
        default=True,
        description=_(
            "An order called off before shipping gives its coupon back to the buyer while the coupon is in force."
        ),
    )
    address_kept_hours: int = Field(
        default=24, ge=1, description=_("R193: keyed address hashes are dropped after this.")
    )
    page_size: int = Field(default=50, ge=1, description=_("Coupons or usage rows on one page."))
    count_limit: int = Field(default=1000, ge=1, description=_("A list counts its matches no further than this."))
    preview_listings: int = Field(default=12, ge=1, description=_("Listings of the pool shown on a coupon's page."))
    timeline_events: int = Field(default=20, ge=1, description=_("Entries of the audit log shown on a coupon's page."))
    messages_singly: int = Field(
        default=20, ge=0, description=_("More coupons of a store that die at once are told in one message.")
    )
    form_choices: int = Field(default=500, ge=1, description=_("Brands that the form of a coupon offers."))
    form_listings: int = Field(default=200, ge=1, description=_("Listings that the form of a coupon shows one by one."))
    search_results: int = Field(default=20, ge=1, description=_("Listings found at once while picking."))
    batch: int = Field(default=5000, ge=1, description=_("Rows written per transaction by sweeps and voids."))


class EffectWatchRules(Rules):
    """券效预警: when issuing stops by itself, and the look back afterwards."""

    key: ClassVar[str] = "effect_watch"

    redemption_percent: Decimal = Field(
        default=Decimal(15), ge=0, le=100, description=_("R68: below this rate issuing stops.")
    )
    min_claims: int = Field(default=100, ge=1, description=_("A coupon with fewer claims is not judged."))
    min_age_hours: int = Field(default=72, ge=0, description=_("A coupon issued for less time is not judged."))
    follow_up_days: int = Field(default=7, ge=1, description=_("R70: the look back after a resume."))
    expected_percent: Decimal = Field(
        default=Decimal("63.2"), ge=0, le=100, description=_("R70: where the platform saw the rate after 7 days.")
    )
    channel_ctr: dict[str, Decimal] = Field(
        default={"push": Decimal("28.4"), "email": Decimal("9.1")},
        description=_("R64: click-through by channel that the platform names, in percent."),
    )
    report_days: int = Field(default=30, ge=1, description=_("Days that a diagnosis report shows one by one."))
    report_claims: int = Field(
        default=20_000, ge=1, description=_("A report looks at the orders of so many unused claims, the latest.")
    )
    report_batch: int = Field(default=50, ge=1, description=_("Reports examined per transaction."))
    mirror_refusals: int = Field(
        default=2000, ge=1, description=_("Refusals of one code that the page of a coupon looks at, the latest.")
    )
    report_rows: int = Field(default=20, ge=1, description=_("Rows of one table in a report, the largest."))
    effect_days: int = Field(
        default=90, ge=1, description=_("Days that the figures of a coupon cover unless told otherwise.")
    )
    export_max: int = Field(
        default=1_000_000, ge=1, le=1_048_000, description=_("Usage rows in one export; a sheet ends at row 1,048,576.")
    )
    export_chunk: int = Field(default=5_000, ge=1, description=_("Usage rows read at a time by an export."))
    batch: int = Field(default=1000, ge=1, description=_("Coupons judged per transaction."))


class SendingRules(Rules):
    """Sending coupons by e-mail and SMS."""

    key: ClassVar[str] = "coupon_sending"

    recipients: int = Field(default=10_000, ge=1, description=_("Recipients of one sending."))
    list_bytes: int = Field(
        default=2 * 1024 * 1024, ge=1, description=_("Largest file with a list of recipients, in bytes.")
    )
    per_second: float = Field(default=10.0, gt=0, description=_("Messages a second of one store by one way."))
    failures_in_a_row: int = Field(
        default=20, ge=1, description=_("So many failures one after another pause a sending.")
    )
    goes: int = Field(default=5, ge=1, description=_("How often a sending may be tried in all."))
    kept_hours: int = Field(
        default=24,
        ge=1,
        description=_("Hours that the addresses of a draft, a pause or a finished sending with failures are kept."),
    )
    subject_length: int = Field(default=150, ge=1, le=200, description=_("Characters of the subject of an e-mail."))
    text_length: int = Field(default=5000, ge=1, description=_("Characters of the text of a message."))
    sms_segments: int = Field(default=5, ge=1, description=_("Parts that one SMS may be split into."))
    connect_timeout: float = Field(default=3.0, gt=0, description=_("Seconds to reach an SMS gateway."))
    read_timeout: float = Field(default=8.0, gt=0, description=_("Seconds between two pieces of a gateway's answer."))
    total_timeout: float = Field(default=10.0, gt=0, description=_("Seconds for one call to an SMS gateway."))
    max_bytes: int = Field(
        default=65_536, ge=1, description=_("Largest answer of an SMS gateway that is read, in bytes.")
    )
    lost_seconds: int = Field(
        default=60, ge=30, description=_("A message without an answer for so long has an unknown outcome.")
    )
    turn_seconds: float = Field(
        default=3.0, gt=0, description=_("Longest turn of a sender before it makes way for other work.")
    )
    batch: int = Field(default=1000, ge=1, description=_("Recipients written at a time."))
    page_size: int = Field(default=50, ge=1, description=_("Recipients or sendings on one page."))
