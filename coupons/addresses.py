"""Addresses of claims, for the velocity rule (R69): only as keyed hashes, and only for a day (R193)."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from django.db import connection
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

import policies
from core.errors import FieldError
from policies.rules import CouponRules

_LONGEST = 64
_DROP = """
    DELETE FROM coupons_claimaddress WHERE id IN (
        SELECT id FROM coupons_claimaddress WHERE at < %s ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


def read(value: object, rules: CouponRules) -> str | FieldError:
    """An address as the velocity rule counts it: IPv4 as it is, IPv6 by its first `velocity_ipv6_prefix` bits; empty for none."""
    text = value.strip() if isinstance(value, str) else value
    if text in (None, ""):
        return ""
    try:
        if not isinstance(text, str) or len(text) > _LONGEST:
            raise ValueError
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return FieldError("ip", "ERR_FORMAT", _("Write an address of IPv4 or IPv6, such as 203.0.113.7."))
    mapped = getattr(found, "ipv4_mapped", None)
    if found.version == 4 or mapped:
        return str(mapped or found)
    return str(ip_network((found, rules.velocity_ipv6_prefix), strict=False).network_address)


def digest(store_id: int, address: str) -> bytes | None:
    """The keyed hash of an address; None for none. The key is the installation's, so that nobody can try all addresses elsewhere."""
    return salted_hmac("coupons.addresses", f"{store_id}\0{address}", algorithm="sha256").digest() if address else None


def drop_old(*, now: datetime) -> int:
    """Forget addresses older than `address_kept_hours`, a batch a statement; answers how many."""
    rules = policies.active(CouponRules, now)
    dropped = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_DROP, [now - timedelta(hours=rules.address_kept_hours), rules.batch])
            dropped += cursor.rowcount
            if cursor.rowcount < rules.batch:
                return dropped
