"""The password again before something grave (ASVS 7.5)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode


def recently_confirmed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Send whoever has not typed the password in the last minutes (ACCOUNT_REAUTHENTICATION_TIMEOUT) to do so, then back to the page.

    A form that was sent is not sent again by itself: the person looks at the page once more.
    """

    @functools.wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if did_recently_reauthenticate(request):
            return view(request, *args, **kwargs)
        query = urlencode({"next": request.get_full_path()})
        return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{query}")

    return asked
