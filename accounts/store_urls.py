"""Pages of a store's settings, people and tokens, relative to `s/<store>/`."""

from __future__ import annotations

from django.urls import path

from accounts.views import settings, staff, tokens

app_name = "accounts"
urlpatterns = [
    path("settings/", settings.store_settings, name="settings"),
    path("staff/", staff.matrix, name="staff"),
    path("staff/add/", staff.add, name="add"),
    path("staff/<int:user>/", staff.person, name="person"),
    path("staff/<int:user>/remove/", staff.remove, name="remove"),
    path("staff/<int:user>/switch/", staff.switch, name="switch"),
    path("staff/<int:user>/main-account/", staff.owner, name="owner"),
    path("tokens/", tokens.token_list, name="tokens"),
    path("tokens/new/", tokens.create, name="new_token"),
    path("tokens/<int:token>/revoke/", tokens.revoke, name="revoke_token"),
]
