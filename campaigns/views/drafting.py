"""The desk: create and edit, the list of items, the check of a field that is being left (R54)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import conflicts, lifecycle, picking
from campaigns.checking import check_window
from campaigns.draft_forms import PICKING, AddForm, DraftForm, EndTimeForm, field_of, initial_of
from campaigns.examining import Examined, examine
from campaigns.inputs import CampaignInput
from campaigns.kinds import offered, offered_specs, read_rules, spec
from campaigns.models import Campaign, CampaignState, Kind
from campaigns.outcomes import CampaignWarning
from campaigns.picking import Filter, Line
from campaigns.views.common import address, find, page, problem_of, takes_more
from core import clock, display
from core.errors import DomainError, FieldError
from core.forms import MomentField

S = CampaignState
STARTED = (S.RUNNING, S.PAUSED)
#: What the buttons of the form ask for; only the first writes anything.
SAVE, LOOK, ASIDE = "save", "look", "aside"


@dataclass
class Desk:
    """A form on its way: who, which kind, which campaign (None for a new one), and what is shown beside the fields."""

    request: StoreRequest
    kind: str
    campaign: Campaign | None = None
    adding: bool = False
    status: int = 200
    problem: dict[str, Any] | None = None
    examined: Examined | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def form(self, *args: Any, **kwargs: Any) -> DraftForm:
        """A form of this desk."""
        shape = AddForm if self.adding else DraftForm
        return shape(*args, store=self.request.store, kind=self.kind, campaign=self.campaign, **kwargs)

    def render(self, form: forms.Form) -> HttpResponse:
        """The page."""
        context: dict[str, Any] = {
            "form": form,
            "spec": spec(self.kind),
            "adding": self.adding,
            "kinds": _kind_tabs(self.request, self.kind) if self.campaign is None else (),
            "problem": self.problem,
            "examined": self.examined,
            "back_url": address(self.request, "detail", self.campaign)
            if self.campaign
            else address(self.request, "list"),
            **self.extra,
        }
        if self.campaign is not None:
            return page(self.request, "campaigns/form.html", self.campaign, context, status=self.status)
        return render(self.request, "campaigns/form.html", context, status=self.status)


@requires("campaigns.edit")
def create(request: StoreRequest, store: str) -> HttpResponse:
    """新建活动. Saved as a draft; buyers see nothing before it is submitted."""
    kind = request.POST.get("kind") or request.GET.get("kind") or Kind.LIMITED_TIME_DISCOUNT
    offered(kind)
    desk = Desk(request, kind)
    return _written(desk) if request.method == "POST" else desk.render(desk.form())


@requires("campaigns.edit")
def edit(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Everything before the start; the end only while it runs."""
    campaign = find(request, code)
    if campaign.state not in lifecycle.OPEN_FIELDS or not lifecycle.is_own(campaign):
        messages.error(
            request, _("While it is “%(state)s” it cannot be edited.") % {"state": campaign.get_state_display()}
        )
        return redirect(address(request, "detail", campaign))
    desk = Desk(request, campaign.kind, campaign)
    if campaign.state in STARTED:
        return _moved_end(desk, campaign)
    return _written(desk) if request.method == "POST" else desk.render(desk.form(initial=initial_of(campaign)))


@requires("campaigns.edit")
def add(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """More products for a campaign that has started, where its kind allows it; they are before buyers at once."""
    campaign = find(request, code)
    if campaign.state not in STARTED or not takes_more(campaign):
        return redirect(address(request, "edit", campaign))
    desk = Desk(request, campaign.kind, campaign, adding=True)
    return _written(desk) if request.method == "POST" else desk.render(desk.form())


def _moved_end(desk: Desk, campaign: Campaign) -> HttpResponse:
    """Move the end of a campaign that has started."""
    request = desk.request
    desk.extra["running"] = True
    form = EndTimeForm(
        request.POST or None, store=request.store, campaign=campaign, initial={"ends_at": campaign.ends_at}
    )
    if request.method == "POST":
        desk.status = 422
        if form.is_valid():
            try:
                saved = lifecycle.edit_campaign(
                    request.store, campaign.code, form.cleaned_data, version=_version(request), actor=request.actor
                )
            except DomainError as refusal:
                _refused(desk, form, refusal, ())
            else:
                return _done(desk, saved.campaign, saved.warnings)
    return desk.render(form)


def _written(desk: Desk) -> HttpResponse:
    """What was typed: saved, or looked at with nothing lost."""
    request, act = desk.request, desk.request.POST.get("act", SAVE)
    form = desk.form(request.POST, request.FILES)
    lines = _gathered(desk, form)
    if act in (LOOK, ASIDE):
        return _looked_at(desk, form, lines, aside=act == ASIDE)
    if form.is_valid():
        try:
            saved = _save(desk, form, lines)
        except DomainError as refusal:
            _refused(desk, form, refusal, lines)
        else:
            return _done(desk, saved.campaign, saved.warnings)
    desk.status = desk.status if desk.status >= 400 else 422
    if desk.examined is None and lines:
        desk.examined = _examined(desk, form, lines)
    _keep(form, lines)
    return desk.render(form)


def _save(desk: Desk, form: DraftForm, lines: Sequence[Line]) -> Any:
    request, items = desk.request, tuple(line.item for line in lines)
    if desk.campaign is not None and desk.adding:
        return lifecycle.add_items(
            request.store, desk.campaign.code, items, version=_version(request), actor=request.actor
        )
    if desk.campaign is None:
        given = CampaignInput(kind=desk.kind, items=items, **form.settings)
        return lifecycle.create_campaign(request.store, given, actor=request.actor)
    changes = {**form.settings, "items": items}
    return lifecycle.edit_campaign(
        request.store, desk.campaign.code, changes, version=_version(request), actor=request.actor
    )


def _gathered(desk: Desk, form: DraftForm) -> list[Line]:
    """The typed lines, those of the file, and those of the filter; a fault of the file stands beside its field."""
    form.is_valid()
    data, request, now = form.cleaned_data, desk.request, clock.now()
    typed = picking.read_lines(request.POST.get("items", ""))
    from_file: list[Line] = []
    if data.get("file"):
        try:
            from_file = picking.read_file(request.store, data["file"], now)
        except DomainError as refusal:
            form.add_error("file", str(refusal.detail))
    picked: list[Line] = []
    percent, category, q = data.get("percent_off"), data.get("category"), (data.get("q") or "").strip()
    if (category or q) and not ({"category", "percent_off", "q", "most"} & set(form.errors)):
        wanted = Filter(q, category.code if category else "", percent, data.get("most"))
        known = [line.sku for line in (*typed, *from_file)]
        picked = picking.pick(request.store, wanted, now, known=known)
    if not from_file and not picked:
        return typed
    return picking.joined(typed, from_file, picked)


def _looked_at(desk: Desk, form: DraftForm, lines: list[Line], *, aside: bool) -> HttpResponse:
    """The form again with everything that was typed, the whole list in it, and what is to be said about the list."""
    faults = [str(text) for name in PICKING if name in form.errors for text in form.errors[name]]
    shown: dict[str, Any] = {name: values[-1] for name, values in desk.request.POST.lists() if values}
    desk.examined = _examined(desk, form, lines)
    if aside and desk.examined.wrong:
        shown["items"], bad = picking.set_aside(lines, desk.examined.wrong)
        shown["aside"] = "\n".join(text for text in (str(shown.get("aside", "")).strip(), bad) if text)
        desk.examined = _examined(desk, form, picking.read_lines(shown["items"]))
    else:
        shown["items"] = picking.text_of(lines)
    # A moment typed while the store had another zone is shown again in the zone that this page names.
    shown |= {name: form[name].value() for name, one in form.fields.items() if isinstance(one, MomentField)}
    kept = PICKING if faults else ()
    initial = {name: value for name, value in shown.items() if name not in PICKING or name in kept}
    if faults:
        desk.status, desk.problem = 422, {"title": _("Nothing was added to the list"), "detail": " ".join(faults)}
    desk.extra["unsaved"] = True
    return desk.render(desk.form(initial=_checked_boxes(form, initial)))


def _checked_boxes(form: forms.Form, initial: dict[str, Any]) -> dict[str, Any]:
    boxes = [name for name, one in form.fields.items() if isinstance(one, forms.BooleanField)]
    return initial | {name: name in initial for name in boxes}


def _examined(desk: Desk, form: forms.Form, lines: Sequence[Line]) -> Examined:
    data = form.cleaned_data
    window = (data["starts_at"], data["ends_at"]) if data.get("starts_at") and data.get("ends_at") else None
    stacks = bool(data.get("stacks"))
    if desk.campaign is not None and "starts_at" not in desk.request.POST:
        window, stacks = (desk.campaign.starts_at, desk.campaign.ends_at), desk.campaign.stacks
    return examine(
        desk.request.store,
        spec(desk.kind),
        lines,
        window=window,
        stacks=stacks,
        now=clock.now(),
        campaign=desk.campaign,
    )


def _refused(desk: Desk, form: Any, refusal: DomainError, lines: Sequence[Line]) -> None:
    """Show a refusal of a verb: faults beside their fields, wrong lines in their table, blockers as a box."""
    desk.status = refusal.status
    wrong, rest = picking.blamed(lines, refusal.errors)
    if wrong:
        seen = _examined(desk, form, lines)
        desk.examined = replace(seen, wrong=wrong, good=len(lines) - len({one.line.number for one in wrong}))
        words = ngettext(
            "%(n)s line is not right; it is listed below.",
            "%(n)s lines are not right; they are listed below.",
            len(wrong),
        )
        form.add_error("items", words % {"n": display.number(len(wrong))})
    if hasattr(form, "blame"):
        form.blame(rest)
    else:
        for error in rest:
            form.add_error(field_of(error) if field_of(error) in form.fields else None, str(error.message))
    if not refusal.errors:
        desk.problem = problem_of(refusal, desk.request)


def _keep(form: DraftForm, lines: Sequence[Line]) -> None:
    """The form shows the whole list again, so that a file need not be chosen a second time."""
    kept = QueryDict(mutable=True)
    kept.update(form.data)
    kept["items"] = picking.text_of(lines)
    for name in PICKING:
        if name not in form.errors:
            kept.pop(name, None)
    form.data = kept


def _done(desk: Desk, campaign: Campaign, warnings: Sequence[CampaignWarning]) -> HttpResponse:
    for warning in warnings:
        messages.warning(desk.request, str(warning.message))
    return redirect(address(desk.request, "detail", campaign))


def _version(request: StoreRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _kind_tabs(request: StoreRequest, kind: str) -> list[dict[str, Any]]:
    base = address(request, "new")
    return [
        {"label": one.kind.label, "url": f"{base}?kind={one.kind}", "current": one.kind == kind, "count": None}
        for one in offered_specs()
    ]


# -- while it is being typed -------------------------------------------------------------------------------------------------


@requires("campaigns.edit")
@require_POST
def check(request: StoreRequest, store: str) -> HttpResponse:
    """What is wrong with one field of the form as it stands, and for the list what deserves a look; saves nothing."""
    name, code = request.GET.get("field", ""), request.GET.get("code", "")
    campaign = find(request, code) if code else None
    kind = campaign.kind if campaign else request.POST.get("kind") or Kind.LIMITED_TIME_DISCOUNT
    offered(kind)
    desk = Desk(request, kind, campaign)
    moving = campaign is not None and campaign.state in STARTED and name == "ends_at"
    form: Any = (
        EndTimeForm(request.POST, store=request.store, campaign=campaign)
        if campaign is not None and moving
        else desk.form(request.POST)
    )
    form.is_valid()
    context: dict[str, Any] = {"region": f"live_id_{name}" if name in form.fields else "live_id", "name": name}
    context["errors"] = [str(text) for text in form.errors.get(name, ())]
    if not context["errors"] and name in form.fields:
        context["errors"] = _sense(desk, form, name)
        if not context["errors"]:
            context |= _remarks(desk, form, name)
    return render(request, "campaigns/_live.html", context)


def _sense(desk: Desk, form: Any, name: str) -> list[str]:
    """What the verbs would say about this field, as far as the rest of the form is there."""
    data, now = form.cleaned_data, clock.now()
    errors: list[FieldError] = []
    starts_at = data.get("starts_at") or (desk.campaign.starts_at if desk.campaign else None)
    if name in ("starts_at", "ends_at") and starts_at and data.get("ends_at"):
        errors += check_window(starts_at, data["ends_at"], now)
    elif isinstance(form, DraftForm):
        errors += read_rules(form.found, form.rules, desk.request.store.currency)[1]
    return [str(error.message) for error in errors if field_of(error) == name]


def _remarks(desk: Desk, form: Any, name: str) -> dict[str, Any]:
    """What is right, in a few words: how long it runs, what the list holds."""
    data = form.cleaned_data
    if name == "items":
        return {"examined": _examined(desk, form, picking.read_lines(data.get("items", "")))}
    starts_at = data.get("starts_at") or (desk.campaign.starts_at if desk.campaign else None)
    if name == "ends_at" and starts_at and data.get("ends_at"):
        remark = _("It runs for %(span)s.") % {"span": display.span(starts_at, data["ends_at"])}
        return {"remark": remark, "rivals": _rivals(desk, data["ends_at"])}
    return {}


def _rivals(desk: Desk, ends_at: datetime) -> conflicts.Summary | None:
    """What would stand against a campaign that has started, if its end were moved there."""
    if desk.campaign is None or desk.campaign.state not in STARTED:
        return None
    return conflicts.of_moved(desk.campaign, ends_at=ends_at, now=clock.now())
