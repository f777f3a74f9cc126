"""Addresses of a person: signing in and out, passwords. Included at `account/`; the names are those that allauth looks up."""

from __future__ import annotations

from django.urls import path, re_path

from accounts.views import sign_in

urlpatterns = [
    path("login/", sign_in.SignInView.as_view(), name="account_login"),
    path("logout/", sign_in.SignOutView.as_view(), name="account_logout"),
    path("inactive/", sign_in.InactiveView.as_view(), name="account_inactive"),
    path("reauthenticate/", sign_in.ReauthenticateView.as_view(), name="account_reauthenticate"),
    path("password/change/", sign_in.PasswordChangeView.as_view(), name="account_change_password"),
    path("password/set/", sign_in.PasswordSetView.as_view(), name="account_set_password"),
    path("password/reset/", sign_in.PasswordResetView.as_view(), name="account_reset_password"),
    path("password/reset/done/", sign_in.PasswordResetDoneView.as_view(), name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[0-9A-Za-z-]{1,80})/$",
        sign_in.PasswordResetFromKeyView.as_view(),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        sign_in.PasswordResetFromKeyDoneView.as_view(),
        name="account_reset_password_from_key_done",
    ),
    path("sign-out-everywhere/", sign_in.sign_out_everywhere, name="account_sign_out_everywhere"),
]
