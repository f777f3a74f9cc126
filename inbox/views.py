"""消息中心: messages with their error code, its cause and the way to mend it; the table of all codes (R139-R143)."""

from __future__ import annotations

from django.contrib import messages as notices
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import StoreRequest
from accounts.rights import member
from core import clock, keyset
from core.errors import DomainError
from inbox import catalogue, reading
from policies import active
from policies.rules import InboxRules


@require_safe
@member
def messages(request: StoreRequest, store: str) -> HttpResponse:
    """The messages of the store, newest first; `?show=unread` leaves out what was read."""
    rules = active(InboxRules, clock.now())
    only_unread = request.GET.get("show") == "unread"
    rows = reading.messages_of(request.store, unread=only_unread)
    try:
        page = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except DomainError:
        page = keyset.page(rows, size=rules.page_size)
    unread = reading.unread_count(request.store, at_most=rules.badge_max + 1)
    here = reverse("inbox:list", kwargs={"store": store})
    tabs = [
        {"label": _("All messages"), "url": here, "current": not only_unread, "count": None},
        {"label": _("Unread"), "url": f"{here}?show=unread", "current": only_unread, "count": unread},
    ]
    context = {
        "messages_shown": [
            (row, *reading.LOOKS[catalogue.Severity(row.severity)]) for row in reading.present(request.store, page.rows)
        ],
        "page": page,
        "tabs": tabs,
        "unread": unread,
        "only_unread": only_unread,
        "all_url": here,
    }
    return render(request, "inbox/list.html", context)


@require_POST
@member
def read(request: StoreRequest, store: str, message_id: int) -> HttpResponse:
    """Mark one message as read."""
    reading.mark_read(request.store, [message_id], actor=request.actor, now=clock.now())
    return _back(request, store)


@require_POST
@member
def read_all(request: StoreRequest, store: str) -> HttpResponse:
    """Mark every message of the store as read."""
    changed = reading.mark_read(request.store, None, actor=request.actor, now=clock.now())
    said = ngettext("%(n)s message marked as read.", "%(n)s messages marked as read.", changed) % {"n": changed}
    notices.success(request, said)
    return _back(request, store)


def _back(request: StoreRequest, store: str) -> HttpResponse:
    """To the page that the form was on, if it is ours."""
    target = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/")
    return HttpResponseRedirect(target if ours else reverse("inbox:list", kwargs={"store": store}))


@require_safe
@member
def codes(request: StoreRequest, store: str) -> HttpResponse:
    """错误代码速查表: every code with its cause and the steps that mend it; `?q=` looks in all of it."""
    query = request.GET.get("q", "").strip()[: active(InboxRules, clock.now()).query_length]
    rows = [
        {
            "code": code.code,
            "icon": reading.LOOKS[code.severity][0],
            "tone": reading.LOOKS[code.severity][1],
            "severity": code.severity.label,
            "title": catalogue.fill(code.title, {}),
            "cause": catalogue.fill(code.cause, {}),
            "steps": [catalogue.fill(step, {}) for step in code.steps],
            "source": code.source,
        }
        for code in catalogue.all_codes()
    ]
    word = query.casefold()
    found = [
        row
        for row in rows
        if not word or word in " ".join([str(row["code"]), str(row["title"]), str(row["cause"])]).casefold()
    ]
    context = {
        "codes": found,
        "query": query,
        "version": catalogue.VERSION,
        "all_url": reverse("inbox:codes", kwargs={"store": store}),
    }
    return render(request, "inbox/codes.html", context)
