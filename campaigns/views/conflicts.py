"""活动诊断工具: overlap groups of the store, of one campaign, of one SKU, and the ways out of them (R30)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import conflicts, resolving, ways_out
from campaigns.conflict_forms import ConflictFilterForm, WayForm
from campaigns.conflicts import Group, Party, Rival, Wanted
from campaigns.models import Campaign
from campaigns.price_chain import price_chain
from campaigns.tables import ConflictTable
from campaigns.timeline import picture
from campaigns.views.common import address, find, page, problem_of
from campaigns.ways_out import WayOut
from core import clock, display, keyset
from core.errors import DomainError
from core.returning import back_of, with_back
from core.tables import Empty
from policies import active
from policies.rules import ConflictRules


@requires("campaigns.view")
def overview(request: StoreRequest, store: str) -> HttpResponse:
    """The store's overlap groups, page by page; only the page shown is computed."""
    now = clock.now()
    form = ConflictFilterForm(request.GET or None)
    form.is_valid()
    data: dict[str, Any] = getattr(form, "cleaned_data", {})
    wanted = Wanted(request.store.pk, now, _named(request, data.get("campaign", "")), data.get("q", "").strip())
    missing = bool(data.get("campaign")) and wanted.campaign is None
    found = conflicts.Groups(()) if missing else _read(request, wanted)
    filtered = bool(data.get("campaign") or wanted.like)
    table = _table(request, found.groups)
    live = conflicts.live_count(request.store.pk, now)
    table.empty = Empty(kind="filtered", clear_url=address(request, "conflicts")) if filtered else _none(request, live)
    context = {
        "form": form,
        "table": table,
        "groups": found.groups,
        "next": keyset.encode("n", found.next) if found.next else "",
        "later": bool(request.GET.get("cursor")),
        "matrix": _matrix(found.groups),
        "checked_at": now,
        "live": live,
        "clear_url": address(request, "conflicts"),
    }
    return render(request, "campaigns/conflicts.html", context)


@requires("campaigns.view")
def of_sku(request: StoreRequest, store: str, sku: int) -> HttpResponse:
    """One SKU: the windows as a picture, what buyers pay when, and the ways out."""
    now, zone = clock.now(), display.zone(request.store.time_zone)
    group = conflicts.of_sku(Wanted(request.store.pk, now), sku)
    if group is None:
        if not _is_here(request, sku):
            raise Http404("no such SKU in this store")
        return render(request, "campaigns/conflict.html", {"checked_at": now, "group": None})
    here = request.get_full_path()
    context = {
        "group": group,
        "picture": picture([party.campaign for party in group.parties], now=now, zone=zone),
        "windows": group.parties,
        "priced": True,
        "chain": price_chain(group, now),
        "ways": _linked(request, ways_out.of_group(group, now=now, zone=zone), here),
        "checked_at": now,
    }
    return render(request, "campaigns/conflict.html", context)


@requires("campaigns.view")
def of_campaign(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """One campaign: what stands against it, campaign by campaign, and its overlap groups."""
    campaign = find(request, code)
    now, zone = clock.now(), display.zone(request.store.time_zone)
    rules = active(ConflictRules, now)
    context: dict[str, Any] = {
        "back": back_of(request, f"/s/{request.store.slug}/"),
        "checked_at": now,
        "counts": conflicts.is_diagnosed(campaign, now),
    }
    if context["counts"]:
        mine = ways_out.rival_of(campaign)
        summary = conflicts.first_met(request.store.pk, [campaign], now=now, sample=rules.sample).get(campaign.pk)
        found = _read(request, Wanted(request.store.pk, now, campaign)) if summary else conflicts.Groups(())
        here = request.get_full_path()
        context |= {
            "summary": summary,
            "picture": picture([mine, *summary.rivals], now=now, zone=zone) if summary else None,
            "windows": [Party(one, None) for one in (mine, *(summary.rivals if summary else ()))],
            "against": [
                {"campaign": rival, "ways": _linked(request, ways_out.between(mine, rival, now=now, zone=zone), here)}
                for rival in (summary.rivals if summary else ())
            ],
            "table": _table(request, found.groups),
            "next": keyset.encode("n", found.next) if found.next else "",
            "later": bool(request.GET.get("cursor")),
        }
    return page(request, "campaigns/campaign_conflicts.html", campaign, context)


@requires("campaigns.edit")
def resolve(request: StoreRequest, store: str) -> HttpResponse:
    """GET shows what a way out would do, POST takes it. Without a way (another store was chosen here) the list is shown."""
    if request.method != "POST" and "way" not in request.GET:
        return redirect(address(request, "conflicts"))
    form = WayForm(request.POST if request.method == "POST" else request.GET)
    back = back_of(request, f"/s/{request.store.slug}/") or address(request, "conflicts")
    if not form.is_valid():
        return render(request, "campaigns/resolve.html", {"form": form, "back": back, "broken": True}, status=422)
    way = form.way_out
    problem, status = None, 200
    if request.method == "POST":
        try:
            resolving.take(request.store, way, versions=form.versions, actor=request.actor)
        except DomainError as refusal:
            problem, status = problem_of(refusal, request), refusal.status
        else:
            messages.success(request, _("Done. The conflicts below were looked for again."))
            return redirect(back)
    return _resolve_page(request, way, back, problem, status)


def _resolve_page(
    request: StoreRequest, way: WayOut, back: str, problem: dict[str, Any] | None, status: int
) -> HttpResponse:
    try:
        effects = resolving.effects(request.store, way, now=clock.now())
    except DomainError as refusal:
        if problem is None:
            problem, status = problem_of(refusal, request), refusal.status
        effects = []
    context = {
        "way": way,
        "fields": _fields(way, effects),
        "effects": effects,
        "back": back,
        "problem": problem,
    }
    return render(request, "campaigns/resolve.html", context, status=status)


def _fields(way: WayOut, effects: Sequence[resolving.Effect]) -> list[tuple[str, str]]:
    """Hidden fields of the form: the way again, and what the reader saw."""
    fields = [("way", way.way), *(("campaign", code) for code in way.campaigns), ("sku", way.sku), ("other", way.other)]
    fields += [(name, moment.isoformat()) for name in ("starts_at", "ends_at") if (moment := getattr(way, name))]
    seen = " ".join(f"{effect.campaign.code}:{effect.campaign.version}" for effect in effects)
    return [(name, value) for name, value in [*fields, ("seen", seen)] if value]


def _named(request: StoreRequest, code: str) -> Campaign | None:
    return Campaign.objects.filter(store_id=request.store.pk, code=code).first() if code else None


def _read(request: StoreRequest, wanted: Wanted) -> conflicts.Groups:
    size = active(ConflictRules, wanted.now).page_size
    try:
        _way, after = keyset.decode(request.GET.get("cursor", "")) if request.GET.get("cursor") else ("n", 0)
    except DomainError:
        after = 0
    return conflicts.page(wanted, after=after, size=size)


def _table(request: StoreRequest, groups: Sequence[Group]) -> ConflictTable:
    table = ConflictTable(list(groups))
    table.context = {"request": request, "store": request.store, "now": clock.now()}
    return table


def _none(request: StoreRequest, live: int) -> Empty:
    return Empty(
        kind="ok",
        title=_("No conflict"),
        text=ngettext(
            "Checked at %(moment)s, over %(n)s campaign that runs, is paused or will start.",
            "Checked at %(moment)s, over %(n)s campaigns that run, are paused or will start.",
            live,
        )
        % {
            "moment": display.sentence(clock.now(), display.zone(request.store.time_zone)),
            "n": display.number(live),
        },
    )


def _matrix(groups: Sequence[Group]) -> dict[str, Any] | None:
    """Which campaigns meet on this page, and on how many of its SKUs: the most entangled ones against each other."""
    meet: Counter[tuple[str, str]] = Counter()
    names: dict[str, Rival] = {}
    for group in groups:
        for one, two in combinations([party.campaign for party in group.parties], 2):
            if one.conflicts(two):
                meet[(one.code, two.code)] += 1
                meet[(two.code, one.code)] += 1
                names |= {one.code: one, two.code: two}
    total: Counter[str] = Counter()
    for (code, _other), n in meet.items():
        total[code] += n
    chosen = [code for code, _n in sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))][
        : active(ConflictRules, clock.now()).matrix
    ]
    if len(chosen) < 3:
        return None  # two campaigns need no matrix
    rows = [{"campaign": names[row], "cells": [meet[(row, column)] for column in chosen]} for row in chosen]
    return {"heads": [names[code] for code in chosen], "rows": rows, "more": len(total) - len(chosen)}


def _is_here(request: StoreRequest, sku: int) -> bool:
    return request.store.skus.filter(pk=sku).exists()


def _linked(request: StoreRequest, ways: Sequence[WayOut], back: str) -> list[dict[str, str]]:
    """The ways as links for who may take them."""
    if "campaigns.edit" not in request.rights:
        return []
    url = reverse("campaigns:resolve_conflict", kwargs={"store": request.store.slug})
    icons = {"withdraw": "minus", "move": "clock", "stack": "copy"}
    return [{"label": way.label, "url": with_back(f"{url}?{way.query}", back), "icon": icons[way.way]} for way in ways]
