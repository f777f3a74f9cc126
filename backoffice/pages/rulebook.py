"""The rule book, for platform staff: versions of every rule set, a new one from the one in force, differences, withdrawal (R20, R192)."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import SignedInRequest
from accounts.rights import staff_only
from backoffice.pages.rulebook_forms import JOINT, VersionForm
from core import clock
from core.errors import DomainError
from policies import publishing
from policies.models import RuleSet
from policies.reading import Version, all_versions, differences, flat, model_of, named, text, versions_of, words_of
from policies.seeds import MODELS


@staff_only
def book(request: SignedInRequest) -> HttpResponse:
    """Every rule set: what is in force, and what is to come."""
    found = all_versions(clock.now())
    rows = []
    for key in MODELS:
        current = next((one for one in found[key] if one.state == "in_force"), None)
        if current is not None:
            coming = [one for one in found[key] if one.state == "coming"]
            rows.append(
                {"key": key, "current": current, "coming": coming[-1] if coming else None, "count": len(found[key])}
            )
    return render(request, "policies/book.html", {"rows": rows})


@staff_only
def rule_set(request: SignedInRequest, key: str) -> HttpResponse:
    """One rule set: its versions, and the values of the one chosen (the one in force, unless told)."""
    model, versions = model_of(key), versions_of(key, clock.now())
    chosen = _chosen(versions, request.GET.get("version", ""))
    values = [
        {"name": name, "value": text(value), "words": words_of(model, name)}
        for name, value in flat(model, chosen.row.values).items()
    ]
    context = {"key": key, "chosen": chosen, "versions": versions, "values": values}
    return render(request, "policies/book_set.html", context)


@staff_only
def compare(request: SignedInRequest, key: str) -> HttpResponse:
    """What differs between any two versions of a rule set."""
    model, versions = model_of(key), versions_of(key, clock.now())
    before, after = (_chosen(versions, request.GET.get(side, "")) for side in ("before", "after"))
    changes = named(model, differences(flat(model, before.row.values), flat(model, after.row.values)))
    context = {"key": key, "versions": versions, "before": before, "after": after, "changes": changes}
    return render(request, "policies/book_compare.html", context)


@staff_only
def new_version(request: SignedInRequest, key: str) -> HttpResponse:
    """A new version from the one in force: write it, look at the difference, publish it."""
    model, versions = model_of(key), versions_of(key, clock.now())
    base = _chosen(versions, request.GET.get("from", ""))
    newest = max(one.row.pk for one in versions)
    given = request.POST if request.method == "POST" else None
    form = VersionForm(given, model=model, base=base.row, newest=newest, zone=UTC)
    context: dict[str, Any] = {"key": key, "form": form, "base": base}
    if given is None:
        return render(request, "policies/book_new.html", context)
    if not form.is_valid():
        return render(request, "policies/book_new.html", context, status=422)
    if given.get("step") == "publish":
        try:
            row = _publish(form, key, request)
        except DomainError as refusal:
            _blame(form, refusal)
            return render(request, "policies/book_new.html", context, status=refusal.status)
        messages.success(request, _("Published. It comes into force at its date; until then it can be withdrawn."))
        return redirect(f"{reverse('rulebook:set', kwargs={'key': key})}?version={row.pk}")
    if given.get("step") == "edit":
        return render(request, "policies/book_new.html", context)
    follows = _followed(versions, form.cleaned_data["valid_from"]) or base
    context |= {
        "changes": named(model, differences(flat(model, follows.row.values), flat(model, form.values))),
        "follows": follows,
        "valid_from": form.cleaned_data["valid_from"],
        "version": form.cleaned_data["version"],
        "sent": [
            (name, value)
            for name, values in given.lists()
            if name not in ("step", "csrfmiddlewaretoken")
            for value in values
        ],
    }
    return render(request, "policies/book_review.html", context)


@staff_only
@require_POST
def withdraw(request: SignedInRequest, key: str, version: int) -> HttpResponse:
    """Take back a version that is not yet in force."""
    publishing.withdraw(key, version, reason=request.POST.get("reason", ""), actor=request.actor)
    messages.success(request, _("Withdrawn. It will not come into force."))
    return redirect("rulebook:set", key=key)


def _publish(form: VersionForm, key: str, request: SignedInRequest) -> RuleSet:
    data = form.cleaned_data
    return publishing.publish(
        key,
        form.values,
        version=data["version"],
        valid_from=data["valid_from"],
        title=data["title"],
        title_zh=data["title_zh"],
        source=data["source"],
        reason=data["reason"],
        seen=data["seen"],
        actor=request.actor,
    )


def _blame(form: VersionForm, refusal: DomainError) -> None:
    """Put each fault to its field; one without a field stands above the form."""
    for item in refusal.errors:
        name = item.field.replace(".", JOINT)
        form.add_error(name if name in form.fields else None, str(item.message))
    if not refusal.errors:
        field = refusal.extra.get("field")
        form.add_error(field if field in form.fields else None, str(refusal.detail))


def _chosen(versions: list[Version], wanted: str) -> Version:
    """The version with this id, the one in force without. Raises Http404."""
    if wanted:
        found = next((one for one in versions if str(one.row.pk) == wanted), None)
    else:
        found = next((one for one in versions if one.state == "in_force"), None)
    if found is None:
        raise Http404("no such version")
    return found


def _followed(versions: list[Version], moment: Any) -> Version | None:
    """The version that one from `moment` on would take over from."""
    return next((one for one in versions if one.state != "withdrawn" and one.row.valid_from < moment), None)
