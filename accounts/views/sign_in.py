"""Signing in and out, passwords: django-allauth's pages behind our counters. Accounts cannot be made here."""

from __future__ import annotations

from typing import Any, cast

from allauth.account import views
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import limits, sessions
from accounts.adapter import invite_to_set_password
from accounts.models import User
from accounts.requests import SignedInRequest
from accounts.rights import Access, signed_in

PUBLIC, SIGNED_IN = Access("public"), Access("signed_in")


def _too_many(view: Any, error: limits.TooMany) -> HttpResponse:
    """The page again with what was typed, except passwords, and the time to wait."""
    form = view.get_form_class()(**{**view.get_form_kwargs(), "data": None, "files": None})
    for name in ("login", "email"):
        if name in form.fields:
            form.initial[name] = view.request.POST.get(name, "")[:254]
    context = view.get_context_data(
        form=form, problem={"code": error.code, "detail": error.detail}, retry_after=error.retry_after
    )
    messages.error(view.request, str(error.detail))
    response: HttpResponse = view.render_to_response(context, status=429)
    response["Retry-After"] = str(error.retry_after)
    return response


class SignInView(views.LoginView):
    """E-mail and password."""

    access = PUBLIC

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign in; 429 with Retry-After past the limits."""
        try:
            return super().post(request, *args, **kwargs)
        except limits.TooMany as error:
            return _too_many(self, error)

    def form_valid(self, form: Any) -> HttpResponse:
        """Let the device be known at the next sign-in."""
        response: HttpResponse = super().form_valid(form)
        if self.request.user.is_authenticated:
            limits.remember_device(response, form.cleaned_data["login"])
        return response


class SignOutView(views.LogoutView):
    """A question, then out."""

    access = PUBLIC


class InactiveView(views.AccountInactiveView):
    """The account is switched off."""

    access = PUBLIC


class PasswordResetView(views.PasswordResetView):
    """Ask for a mail with a link; the answer is the same for every address."""

    access = PUBLIC

    def form_valid(self, form: Any) -> HttpResponse:
        """Count, then send; as much work for an unknown address, so that not even the time it takes tells who is known."""
        try:
            limits.begin_reset(self.request, form.cleaned_data["email"])
        except limits.TooMany as error:
            return _too_many(self, error)
        for user in form.users or [None]:
            invite_to_set_password(user)
        return HttpResponseRedirect(self.get_success_url())


class PasswordResetDoneView(views.PasswordResetDoneView):
    """Look at your mail."""

    access = PUBLIC


class PasswordResetFromKeyView(views.PasswordResetFromKeyView):
    """Where the mail's link leads."""

    access = PUBLIC


class PasswordResetFromKeyDoneView(views.PasswordResetFromKeyDoneView):
    """The new password is set."""

    access = PUBLIC


class PasswordChangeView(views.PasswordChangeView):
    """A new password, with the old one; every other session of the person ends."""

    access = SIGNED_IN

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Change it; tries of the old password are counted. Raises TooMany (429)."""
        taken = limits.begin_for_user(cast(User, request.user).pk)
        response: HttpResponse = super().post(request, *args, **kwargs)
        if response.status_code == 302:
            taken.give_back()
        return response


class PasswordSetView(views.PasswordSetView):
    """A first password, for somebody who has none."""

    access = SIGNED_IN


class ReauthenticateView(views.ReauthenticateView):
    """The password again before something grave."""

    access = SIGNED_IN

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Go on to where one was; 429 with Retry-After past the limits."""
        try:
            return super().post(request, *args, **kwargs)
        except limits.TooMany as error:
            return _too_many(self, error)


@require_POST
@signed_in
def sign_out_everywhere(request: SignedInRequest) -> HttpResponse:
    """End the person's other sessions; this one goes on."""
    sessions.end_all(request.user, actor=request.actor)
    update_session_auth_hash(request, request.user)
    messages.success(request, _("Every other device is signed out."))
    return HttpResponseRedirect(resolve_url("account_change_password"))
