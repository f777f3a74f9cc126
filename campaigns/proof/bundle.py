"""Making the proof of a close: what was decided, foreseen, done and seen, with the audit entries that hold it; no buyer's data (R147).

The same close under the same checkpoint gives the same bytes. What grows with the items is read and written in pieces.
`campaigns.proof.verify` says what is checked, and is part of the bundle.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import IO, Any

import orjson
from django.db import connection
from django.http import FileResponse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.models import AuditEvent
from audit.proofs import Proofs, prove_many
from audit.record import Entry
from audit.record import record as write_record
from audit.verbs import about, verb
from campaigns import archive, checklist, finding, prices
from campaigns.models import Campaign, Closing, Leftover
from campaigns.proof import verify
from campaigns.proof.packing import Packer
from campaigns.report import differences_of
from core import money
from core.errors import Conflict, NotFound
from policies import active
from policies.rules import ClosingRules

#: The export itself is recorded, but is no part of what it exports: or no two bundles were alike.
EXPORT = "campaign.export_proof"
LANGUAGES = (("en", "en"), ("zh", "zh-hans"))
ROOT = Path(verify.__file__)
#: Items read at once.
CHUNK = 2000

_KEPT = "SELECT (document - 'items')::text FROM campaigns_campaignarchive WHERE campaign_id = %s"
_KEPT_ITEMS = """
    SELECT jsonb_path_query_array(document -> 'items', '$[$from to $upto]', %s::jsonb)::text
    FROM campaigns_campaignarchive WHERE campaign_id = %s
"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A finished bundle: the name it is given, an open file at its beginning, its size in bytes and SHA-256."""

    name: str
    file: IO[bytes]
    size: int
    sha256: str

    def read(self) -> bytes:
        """All of it, for those who want it at once."""
        self.file.seek(0)
        return self.file.read()


@verb(EXPORT, right="audit.export")
def export_proof(store: Store, code: str, *, actor: Actor, now: datetime) -> Bundle:
    """Make the proof bundle of a campaign's latest close, and record who took it, with its hash.

    Raises NotFound before any close, PermissionRefused without `audit.export`, Conflict `ERR_AUDIT_UNSEALED` as long as the close itself
    is not sealed and signed (a matter of a minute).
    """
    check(actor, store, "audit.export", now=now)
    campaign = finding.get(store, code)
    about(finding.target(campaign, store))
    made = make(campaign, now=now)
    after = {"bundle_sha256": made.sha256, "bytes": made.size}
    write_record(
        Entry(EXPORT, finding.target(campaign, store), after=after, right="audit.export"), actor=actor, now=now
    )
    return made


def make(campaign: Campaign, *, now: datetime) -> Bundle:
    """The bundle of a campaign's latest close, written in pieces: memory and queries do not grow with the items.

    Raises NotFound, Conflict.
    """
    closing = (
        Closing.objects.filter(campaign=campaign, taken_back_at=None)
        .select_related("campaign__store")
        .order_by("-id")
        .first()
    )
    if closing is None:
        raise NotFound(_("This campaign has not been closed."))
    proofs = _proofs(campaign)
    audit = proofs.document()
    entries = verify.entries_of(audit)
    if verify.latest(entries, "campaign.cancel", "campaign.end") is None:
        raise Conflict("ERR_AUDIT_UNSEALED", _("The close is not sealed and signed yet. Ask again in a minute."))
    files: dict[str, bytes] = {
        "README.txt": verify.README.encode(),
        "guards.json": verify.text_of(verify.guards_of(entries)),
        "audit.json": verify.text_of(audit),
        "checkpoint.txt": proofs.checkpoint.note.encode(),
        "verifier.txt": f"{proofs.checkpoint.verifier}\n".encode(),
        "verify.py": ROOT.read_bytes(),
        "evidence.json": _evidence(closing, entries),
        "forecast.json": verify.text_of(_forecast(closing)),
        "report.json": verify.text_of(_report(closing, campaign, now)),
    }
    large: dict[str, Iterator[bytes]] = {}
    settings, name, pieces = _settings(campaign, entries)
    files["campaign.json"], large[name] = verify.text_of(settings), pieces
    files["index.html"] = verify.page(files)
    packer = Packer()
    for name in verify.NAMES:
        if name in large:
            packer.add(name, large[name])
        elif name in files:
            packer.add(name, [files[name]])
    size, digest = packer.finish()
    return Bundle(f"closing-{campaign.code}.zip", packer.file, size, digest)


def zipped(made: Bundle) -> FileResponse:
    """The bundle as a download, sent in pieces; `Digest` holds its SHA-256, as the audit log does."""
    answer = FileResponse(made.file, as_attachment=True, filename=made.name, content_type="application/zip")
    answer["Content-Length"] = str(made.size)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "no-store"
    answer["Digest"] = "sha-256=" + base64.b64encode(bytes.fromhex(made.sha256)).decode()
    return answer


def _proofs(campaign: Campaign) -> Proofs:
    events = AuditEvent.objects.filter(store_id=campaign.store_id, object_type="campaign", object_id=campaign.code)
    return prove_many(list(events.exclude(action=EXPORT).order_by("id").values_list("id", flat=True)))


def _evidence(closing: Closing, entries: Sequence[Mapping[str, Any]]) -> bytes:
    """What was seen, in the very bytes that were hashed when the close was complete; open as long as the log does not hold them."""
    if verify.latest(entries, "campaign.close_complete") is None:
        closing.completed_at = None
    return checklist.canonical(checklist.document_of(closing, checklist.checks_of([closing]).get(closing.pk, [])))


def _forecast(closing: Closing) -> dict[str, Any]:
    words: dict[str, list[str]] = {}
    for name, language in LANGUAGES:
        with translation.override(language):
            words[name] = [str(row["why"]) for row in differences_of(closing)]
    differences = [
        dict(row, why={name: words[name][at] for name, _language in LANGUAGES})
        for at, row in enumerate(closing.differences)
    ]
    return {"forecast": closing.forecast, "result": closing.result, "differences": differences}


def _report(closing: Closing, campaign: Campaign, now: datetime) -> dict[str, Any]:
    """How things stand at the moment: steps, the checklist, leftovers, prices that wait for a decision."""
    limit = active(ClosingRules, now).leftovers_shown
    leftovers = Leftover.objects.filter(campaign=campaign).select_related("site").order_by("id")[:limit]
    shown = ("key", "state", "done", "total", "started_at", "finished_at", "attempts", "error", "evidence")
    return {
        "campaign": campaign.code,
        "steps": [{name: step.get(name) for name in shown} for step in closing.steps],
        "checklist": [
            {"point": point.key, "verified_at": _time(point.verified_at), "due_at": _time(point.due_at)}
            for point in checklist.points_of(closing)
        ],
        "leftovers": [
            {
                "page": one.page_url, "site": one.site.code, "client": one.client, "what": one.what, "excerpt": one.excerpt,
                "first_seen_at": _time(one.first_seen_at), "last_seen_at": _time(one.last_seen_at), "cleared_at": _time(one.cleared_at),
            }
            for one in leftovers
        ],
        "prices_to_review": [row.as_dict() for row in prices.prices_to_review(campaign, limit=limit)],
    }  # fmt: skip


def _settings(campaign: Campaign, entries: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], str, Iterator[bytes]]:
    """The settings before and after, and the file with the items: the archive where there is one, else how they stand."""
    if verify.latest(entries, "campaign.archive") is not None:
        with connection.cursor() as cursor:
            cursor.execute(_KEPT, [campaign.pk])
            kept = cursor.fetchone()
        if kept is not None:
            document = json.loads(kept[0])
            return verify.settings_of(document, entries), "archive.json", _archived(campaign, document)
    document = {"store": campaign.store.slug, "campaign": archive.settings_of(campaign)}
    lines = (orjson.dumps(item, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for item in _items(campaign))
    return verify.settings_of(document, entries), "items.jsonl", lines


def _archived(campaign: Campaign, document: Mapping[str, Any]) -> Iterator[bytes]:
    """The archive in the very bytes that were hashed, item by item; `document` is all of it but the items."""
    yield b"{"
    for number, name in enumerate(sorted({*document, "items"})):
        yield (b"," if number else b"") + orjson.dumps(name) + b":"
        if name == "items":
            yield b"["
            yield from _archived_items(campaign)
            yield b"]"
        else:
            yield orjson.dumps(document[name], option=orjson.OPT_SORT_KEYS)
    yield b"}"


def _archived_items(campaign: Campaign) -> Iterator[bytes]:
    for start in count(0, CHUNK):
        place = orjson.dumps({"from": start, "upto": start + CHUNK - 1}).decode()
        with connection.cursor() as cursor:
            cursor.execute(_KEPT_ITEMS, [place, campaign.pk])
            items = orjson.loads(cursor.fetchone()[0])
        if items:
            yield (b"," if start else b"") + orjson.dumps(items, option=orjson.OPT_SORT_KEYS)[1:-1]
        if len(items) < CHUNK:
            return


def _items(campaign: Campaign) -> Iterator[dict[str, Any]]:
    rows = campaign.items.order_by("sku__code").values_list(
        "sku__code", "listing_id", "sku__currency", "price", "price_before"
    )
    for sku, listing, currency, price, before in rows.iterator(chunk_size=CHUNK):
        yield {
            "sku": sku,
            "listing": listing,
            "currency": currency,
            "price": None if price is None else money.text(price, currency),
            "price_before": None if before is None else money.text(before, currency),
        }


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
