"""操作日志: who did what, before and after; the proof of one entry; the export. Nothing here changes anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.models import Membership
from accounts.requests import SignedInRequest, StoreRequest
from accounts.rights import requires
from audit import proofs, reading
from audit.actions import all_actions, object_word
from audit.models import AuditEvent, Result
from audit.reading import Shown, Wanted
from audit.record import Entry, Target, record
from audit.tree import BrokenTree
from core import clock, csvfile, display, keyset
from core.downloads import announced
from core.errors import Conflict, DomainError, NotFound
from core.forms import MomentField
from policies import active
from policies.rules import AuditRules

RESULTS = [
    ("", gettext_lazy("All results")),
    (Result.DONE, gettext_lazy("Done")),
    (Result.REFUSED, gettext_lazy("Not carried out")),
    (Result.FAILED, gettext_lazy("Failed")),
]


class AuditFilter(forms.Form):
    """The query form. The address holds the filter, so that a link restores the page."""

    actor = forms.ChoiceField(label=gettext_lazy("Who"), required=False)
    action = forms.ChoiceField(label=gettext_lazy("Action"), required=False)
    object = forms.CharField(label=gettext_lazy("Object code"), required=False)
    since = MomentField(label=gettext_lazy("From"), required=False)
    until = MomentField(label=gettext_lazy("To"), required=False, end_of_day=True)
    result = forms.ChoiceField(label=gettext_lazy("Result"), required=False, choices=RESULTS)

    def __init__(self, data: QueryDict, rules: AuditRules, zone: tzinfo, people: Iterable[tuple[str, Any]]) -> None:
        super().__init__(data)
        fields: dict[str, Any] = self.fields
        fields["since"].zone = fields["until"].zone = zone
        fields["object"].max_length = rules.query_length
        fields["object"].validators.append(MaxLengthValidator(rules.query_length))
        fields["object"].widget.attrs["maxlength"] = str(rules.query_length)
        fields["object"].widget.attrs["placeholder"] = "C-7F3KQ"
        fields["actor"].choices = [
            ("", _("Everybody")),
            *people,
            (reading.SYSTEM, _("The system, by the clock")),
        ]
        fields["action"].choices = _actions()
        fields["action"].widget.attrs["data-search"] = ""

    def wanted(self) -> Wanted:
        """The filter; a field with an error does not filter."""
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if value and name in Wanted.__slots__}
        if "until" in given:
            given["until"] += timedelta(minutes=1)  # the minute itself is meant, too
        return Wanted(**given)

    def is_used(self) -> bool:
        """Whether anything is filtered."""
        return any(self.cleaned_data.get(name) for name in self.fields)


def members_of(store_id: int) -> list[tuple[str, Any]]:
    """The people of a store, as choices."""
    members = Membership.objects.filter(store_id=store_id).select_related("user").order_by("user__name", "user_id")
    return [(str(member.user_id), member.user.label) for member in members]


def _form(request: StoreRequest, rules: AuditRules) -> AuditFilter:
    return AuditFilter(request.GET, rules, display.zone(request.store.time_zone), members_of(request.store.pk))


def _actions() -> list[tuple[str, Any]]:
    choices: list[tuple[str, Any]] = [("", _("All actions"))]
    for group, members in groupby(all_actions(), key=lambda action: action.group):
        word = object_word(group)
        every = (f"{group}.", _("%(group)s: everything") % {"group": word})
        choices.append((word, [every, *((action.name, action.label) for action in members)]))
    return choices


@require_safe
@requires("audit.view")
def events(request: StoreRequest, store: str) -> HttpResponse:
    """The record of the store, newest first."""
    rules = active(AuditRules, clock.now())
    form = _form(request, rules)
    rows = reading.of_store(request.store.pk, form.wanted())
    export = request.GET.copy()
    export.pop("cursor", None)
    context = listed(request, rows, form, display.zone(request.store.time_zone), rules) | {
        "clear_url": reverse("audit:list", kwargs={"store": store}),
        "export_url": reverse("audit:export", kwargs={"store": store}) + (f"?{export.urlencode()}" if export else ""),
        "may_export": "audit.export" in request.rights,
        "export_rows": rules.export_rows,
        "section": _("Administration"),
    }
    return render(request, "audit/list.html", context)


def listed(
    request: SignedInRequest, rows: QuerySet[AuditEvent], form: AuditFilter, zone: tzinfo, rules: AuditRules
) -> dict[str, Any]:
    """A page of entries, newest first, for `audit/list.html`; a cursor that is none begins at the newest."""
    try:
        page = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except DomainError:
        page = keyset.page(rows, size=rules.page_size)
    days = list(_by_day(reading.present(page.rows, zone), zone))
    return {"form": form, "days": days, "page": page, "filtered": form.is_used(), "time_zone": zone}


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the list, with its time of day in the store's zone (the day stands above) and its moment in UTC."""

    entry: Shown
    time: str
    utc: str


def _by_day(shown: list[Shown], zone: tzinfo) -> Iterator[tuple[date, list[Line]]]:
    """The entries under the days of the store's zone, each with its time of day there and in UTC."""
    for day, entries in groupby(shown, key=lambda entry: entry.at.astimezone(zone).date()):
        yield day, [_line(entry, zone) for entry in entries]


def _line(entry: Shown, zone: tzinfo) -> Line:
    local, utc = display.local_and_utc(entry.at, zone, seconds=True)
    return Line(entry, local.partition(" ")[2], "" if display.zone_key(zone) == "UTC" else utc)


def _find(request: StoreRequest, event_id: int) -> AuditEvent:
    found = reading.of_store(request.store.pk).filter(pk=event_id).first() if event_id < 2**63 else None
    if found is None:
        raise NotFound(_("There is no such entry in the audit log."))
    return found


@require_safe
@requires("audit.view")
def entry(request: StoreRequest, store: str, event_id: int) -> HttpResponse:
    """One entry, whole, with its proof."""
    event = _find(request, event_id)
    context = shown_whole(event, display.zone(request.store.time_zone)) | {
        "list_url": reverse("audit:list", kwargs={"store": store}),
        "proof_url": reverse("audit:proof", kwargs={"store": store, "event_id": event_id}),
        "section": _("Administration"),
    }
    return render(request, "audit/entry.html", context)


def shown_whole(event: AuditEvent, zone: tzinfo) -> dict[str, Any]:
    """An entry with its proof, or why there is none yet, for `audit/entry.html`."""
    proof, waiting, broken = None, "", ""
    try:
        proof = proofs.prove(event.pk)
    except Conflict as not_yet:
        waiting = str(not_yet.detail)
    except BrokenTree as fault:
        broken = str(fault)
    [shown] = reading.present([event], zone)
    holds = proof.holds() if proof else None
    told = {"proof": proof, "holds": holds, "waiting": waiting, "broken": broken}
    return {"entry": shown, "event": event, "time_zone": zone, **told}


@require_safe
@requires("audit.view")
def proof(request: StoreRequest, store: str, event_id: int) -> HttpResponse:
    """The proof as a file for a third party."""
    _find(request, event_id)
    return proof_file(event_id)


def proof_file(event_id: int) -> HttpResponse:
    """The proof of an entry that the caller may read, as a file. Raises Conflict when it is not sealed yet."""
    document = proofs.prove(event_id).document()
    response = HttpResponse(json.dumps(document, ensure_ascii=False, indent=2), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="audit-proof-{event_id}.json"'
    return response


@require_safe
@requires("audit.export")
def export(request: StoreRequest, store: str) -> HttpResponseBase:
    """The filtered record as csv, newest first, without personal values; the export itself is recorded."""
    if head := announced(request, csvfile.CONTENT_TYPE):
        return head
    rules = active(AuditRules, clock.now())
    form = _form(request, rules)
    rows = reading.of_store(request.store.pk, form.wanted())
    target = Target("audit", request.store.slug, store_id=request.store.pk, store_label=request.store.name)
    wanted = {name: str(value) for name, value in form.cleaned_data.items() if value}
    record(Entry("audit.export", target, after={"filter": wanted}, right="audit.export"), actor=request.actor)
    zone, language = display.zone(request.store.time_zone), translation.get_language()
    name = f"audit-{request.store.slug}-{clock.now():%Y%m%dT%H%M%SZ}.csv"
    return csvfile.response(_lines(rows, zone, language or "en", rules), name)


def _lines(rows: QuerySet[AuditEvent], zone: tzinfo, language: str, rules: AuditRules) -> Iterator[list[object]]:
    """The header and the rows, read in pages so that memory stays flat."""
    with translation.override(language):
        yield [
            _("Number"), _("Time (%(zone)s)") % {"zone": display.zone_label(zone, clock.now())}, _("Time (UTC)"), _("Who"),
            _("Action code"), _("Action"), _("Object"), _("Object code"), _("Object name"), _("Result"), _("Code"), _("Reason"),
            _("Right"), _("Before"), _("After"), _("Request"),
        ]  # fmt: skip
    left, edge = rules.export_rows, None
    while left > 0:
        batch = rows.filter(pk__lt=edge) if edge is not None else rows
        found = list(batch.order_by("-pk")[: min(left, rules.page_size_max)])
        with translation.override(language):
            yield from ([*_cells(shown, zone)] for shown in reading.present(found))
        left -= len(found)
        if len(found) < rules.page_size_max:
            return
        edge = found[-1].pk


def _cells(shown: Shown, zone: tzinfo) -> Iterator[object]:
    event = shown.event
    yield event.pk
    yield _stamp(event.at, zone)
    yield event.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    yield event.actor_label
    yield event.action
    yield shown.sentence
    yield shown.object_word
    yield event.object_id
    yield event.object_label
    yield dict(RESULTS)[Result(event.result)]
    yield event.code
    yield shown.reason
    yield event.right
    yield _json(event.before)
    yield _json(event.after)
    yield event.request_id


def _stamp(moment: datetime, zone: tzinfo) -> str:
    return display.stamp(moment.astimezone(zone), seconds=True)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""
