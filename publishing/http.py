"""The publisher of a merchant's own site: signed JSON as Standard Webhooks describe it.

    POST <endpoint>    webhook-id, webhook-timestamp, webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">
    {"type": "listings.publish", "timestamp": …, "data": {"store", "site", "language", "listings": [{"listing", "version", "stamp", …}]}}

A page may be sent again with the same version, or late: the receiver keeps the highest version of each listing. Any 2xx is a yes; 413
is answered with a smaller call; all else, a redirect too, is a failure and is tried again later.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection, transaction

import policies
from core import clock, money
from core.faults import Fault
from core.http import Client, Limits, OutboundError
from policies.rules import OutboundRules, PublishingRules
from publishing import refusing
from publishing.builtin import HOLD
from publishing.models import Publisher, Site
from publishing.pace import Pace
from publishing.snapshots import Snapshot, build

SECRET_PREFIX = "whsec_"  # noqa: S105 - how Standard Webhooks mark a secret

_MARK = """
    WITH told AS (
        SELECT * FROM unnest(%(ids)s::bigint[], %(versions)s::bigint[], %(stamps)s::timestamptz[], %(documents)s::jsonb[])
            AS t (id, version, stamp, document)
    ), marked AS (
        UPDATE publishing_publication p SET published_version = told.version, published_at = %(now)s
        FROM told WHERE p.id = told.id AND p.published_version < told.version
        RETURNING p.id
    ), taken AS (
        DELETE FROM publishing_refusedpage r USING marked WHERE r.publication_id = marked.id
    )
    INSERT INTO publishing_publishedpage AS page (publication_id, version, stamp, document)
    SELECT told.id, told.version, told.stamp, told.document FROM told JOIN marked USING (id)
    ON CONFLICT (publication_id) DO UPDATE
    SET version = excluded.version, stamp = excluded.stamp, document = excluded.document
    WHERE page.version < excluded.version
"""


#: What was refused alone at the version that is wanted is no longer due (publishing.refusing).
_CLAIM = """
    SELECT p.id FROM publishing_publication p
    WHERE p.site_id = %(site)s AND p.desired_version > p.published_version AND NOT EXISTS (
        SELECT FROM publishing_refusedpage r WHERE r.publication_id = p.id AND r.version = p.desired_version)
    ORDER BY p.id LIMIT %(limit)s FOR NO KEY UPDATE OF p SKIP LOCKED
"""
_TOO_LARGE = 413


class NotTaken(Exception):
    """The merchant's server did not take what it was told; the outbox keeps `fault` and tries again."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.kept())
        self.fault = fault


class TooLarge(NotTaken):
    """The merchant's server says that the call holds more than it takes."""


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a body (Standard Webhooks 1.0.0)."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def publish_batch(site: Site, *, limit: int, now: datetime) -> int:
    """Tell a merchant's site of up to `limit` due pages; answers how many. Raises NotTaken.

    The call happens outside any transaction and lock: pages are read at a version together with the address of the server, sent, and
    marked as told at that version. What changed meanwhile, the server too, has a higher desired version and stays due. A call that is too
    large for the server is made smaller until it passes (publishing.pace); a page too large alone is set aside and does not hold up others.
    """
    rules, alone = policies.active(PublishingRules, now), 0
    while True:
        pages = _due(site, min(limit, Pace.of(site.pace).limit(rules)), now)
        if not pages:
            return 0
        pace = Pace.of(site.pace)
        try:
            _send(site, pages, now)
        except TooLarge as error:
            _keep(site, pace.refused(len(pages), rules))
            if len(pages) == 1:
                refusing.set_aside(site, pages[0], error.fault, now=now)
                alone += 1
            if alone >= rules.http_refused_pages:
                raise NotTaken(error.fault) from error
            continue
        _told(pages)
        _keep(site, pace.accepted(len(pages), rules))
        return len(pages)


def _due(site: Site, limit: int, now: datetime) -> list[Snapshot]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(HOLD, {"site": site.id, "publisher": Publisher.HTTP.value})
            if cursor.fetchone() is None:
                return []
            cursor.execute(_CLAIM, {"site": site.id, "limit": limit})
            ids = [row[0] for row in cursor.fetchall()]
        pages = build(ids, now=now) if ids else []
        site.refresh_from_db(fields=["endpoint", "secret", "pace"])
    return pages


def _told(pages: Sequence[Snapshot]) -> None:
    asked: dict[str, Any] = {
        "ids": [page.publication_id for page in pages],
        "versions": [page.version for page in pages],
        "stamps": [page.wanted_at for page in pages],
        "documents": [orjson.dumps(page.document).decode() for page in pages],
        "now": clock.read(),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MARK, asked)


def _keep(site: Site, pace: Pace) -> None:
    """Remember the pace, unless another server took over meanwhile."""
    if pace.kept() != site.pace:
        Site.objects.filter(pk=site.pk, endpoint=site.endpoint).update(pace=pace.kept())
        site.pace = pace.kept()


def message_of(site: Site, pages: Sequence[Snapshot], now: datetime) -> tuple[str, bytes]:
    """The stable id and the body of one call: the same pages at the same versions have the same id."""
    versions = ",".join(f"{page.publication_id}:{page.version}" for page in pages)
    message_id = f"pub_{site.id}_{hashlib.sha256(versions.encode()).hexdigest()[:32]}"
    data = {
        "store": site.store.slug,
        "site": site.code,
        "language": site.language,
        "listings": [_public(page) for page in pages],
    }
    return message_id, orjson.dumps({"type": "listings.publish", "timestamp": clock.rfc3339(now), "data": data})


def _send(site: Site, pages: Sequence[Snapshot], now: datetime) -> None:
    message_id, body = message_of(site, pages, now)
    timestamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(site.secret, message_id, timestamp, body),
    }
    rules = policies.active(OutboundRules, now)
    limits = Limits(rules.connect_timeout, rules.read_timeout, rules.total_timeout, rules.max_bytes)
    try:
        reply = _client(limits).request("POST", site.endpoint, headers=headers, body=body)
    except OutboundError as error:
        raise NotTaken(error.fault.about(site=site.code)) from error
    if reply.status == _TOO_LARGE:
        raise TooLarge(Fault("page_too_large", {"bytes": len(body), "site": site.code}))
    if not 200 <= reply.status < 300:
        raise NotTaken(Fault("status", {"status": reply.status, "site": site.code}))


@lru_cache(maxsize=4)
def _client(limits: Limits) -> Client:
    return Client(limits)


def _public(page: Snapshot) -> dict[str, Any]:
    """The document as others read it: amounts with their currency's own places."""
    document = page.document
    currency = {sku["id"]: sku["currency"] for sku in document["skus"]}
    codes = {sku["id"]: sku["sku"] for sku in document["skus"]}
    return {
        **document,
        "version": page.version,
        "stamp": clock.rfc3339(page.wanted_at),
        "skus": [
            {"sku": sku["sku"], "price": _amount(sku["price"], sku["currency"]), "currency": sku["currency"], "stock": sku["stock"]}
            for sku in document["skus"]
        ],
        "offers": [_offer(offer, codes, currency) for offer in document["offers"]],
    }  # fmt: skip


def _offer(offer: Mapping[str, Any], codes: Mapping[int, str], currency: Mapping[int, str]) -> dict[str, Any]:
    price = offer["price"]
    return {
        **offer,
        "sku": codes[offer["sku"]],
        "price": None if price is None else _amount(price, currency[offer["sku"]]),
        "from": clock.rfc3339(datetime.fromisoformat(offer["from"])),
        "until": clock.rfc3339(datetime.fromisoformat(offer["until"])),
    }


def _amount(text: str, currency: str) -> str:
    return money.text(Decimal(text), currency)
