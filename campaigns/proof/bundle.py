"""Making the proof of a close: what was decided, foreseen, done and seen, with the audit entries that hold it; no buyer's data (R147).

The same close under the same checkpoint gives the same bytes. `campaigns.proof.verify` says what is checked, and is part of the bundle.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from django.http import HttpResponse
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
from campaigns.models import Campaign, CampaignArchive, Closing, Leftover
from campaigns.proof import verify
from campaigns.report import differences_of
from core import money
from core.errors import Conflict, NotFound
from policies import active
from policies.rules import ClosingRules

#: The export itself is recorded, but is no part of what it exports: or no two bundles were alike.
EXPORT = "campaign.export_proof"
LANGUAGES = (("en", "en"), ("zh", "zh-hans"))
ROOT = Path(verify.__file__)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A finished bundle: file name, bytes and their SHA-256."""

    name: str
    data: bytes
    sha256: str


@verb(EXPORT, right="audit.export")
def export_proof(store: Store, code: str, *, actor: Actor, now: datetime) -> Bundle:
    """Make the proof bundle of a campaign's latest close, and record who took it, with its hash.

    Raises NotFound before any close, PermissionRefused without `audit.export`, Conflict `ERR_AUDIT_UNSEALED` as long as the close itself
    is not sealed and signed (a matter of a minute).
    """
    check(actor, store, "audit.export", now=now)
    campaign = finding.get(store, code)
    about(finding.target(campaign, store))
    data = make(campaign, now=now)
    digest = hashlib.sha256(data).hexdigest()
    after = {"bundle_sha256": digest, "bytes": len(data)}
    write_record(
        Entry(EXPORT, finding.target(campaign, store), after=after, right="audit.export"), actor=actor, now=now
    )
    return Bundle(f"closing-{campaign.code}.zip", data, digest)


def make(campaign: Campaign, *, now: datetime) -> bytes:
    """The bundle of a campaign's latest close; about a dozen queries, however many items it has. Raises NotFound, Conflict."""
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
        **_settings(campaign, entries),
    }
    files["index.html"] = verify.page(files)
    rows = [(name, files[name]) for name in verify.NAMES if name in files]
    rows.append(("manifest.json", verify.manifest_of(rows)))
    return verify.pack(rows)


def zipped(made: Bundle) -> HttpResponse:
    """The bundle as a download; `Digest` holds its SHA-256, as the audit log does."""
    answer = HttpResponse(made.data, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{made.name}"'
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


def _settings(campaign: Campaign, entries: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """The settings before and after, from the archive where there is one; else as they stand, with the items."""
    kept = CampaignArchive.objects.filter(campaign=campaign).first()
    if kept is not None and verify.latest(entries, "campaign.archive") is not None:
        settings = verify.settings_of(kept.document, entries)
        return {"archive.json": archive.canonical(kept.document), "campaign.json": verify.text_of(settings)}
    document = {"store": campaign.store.slug, "campaign": archive.settings_of(campaign)}
    lines = b"".join(
        orjson.dumps(item, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for item in _items(campaign)
    )
    return {"items.jsonl": lines, "campaign.json": verify.text_of(verify.settings_of(document, entries))}


def _items(campaign: Campaign) -> Iterator[dict[str, Any]]:
    rows = campaign.items.order_by("sku__code").values_list(
        "sku__code", "listing_id", "sku__currency", "price", "price_before"
    )
    for sku, listing, currency, price, before in rows.iterator(chunk_size=2000):
        yield {
            "sku": sku,
            "listing": listing,
            "currency": currency,
            "price": None if price is None else money.text(price, currency),
            "price_before": None if before is None else money.text(before, currency),
        }


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
