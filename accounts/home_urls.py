"""Addresses of no store: `/`, short ways into the store opened last, and the platform's pages."""

from __future__ import annotations

from django.urls import path, re_path

from accounts.views import home, penalties, people, platform

urlpatterns = [
    path("", home.home, name="home"),
    re_path(
        r"^(?P<rest>(?:campaigns|listings|orders|settings|staff|tokens|audit)/(?:.*/)?)$",
        home.remembered,
        name="remembered",
    ),
    path("platform/", platform.store_list, name="platform"),
    path("platform/new/", platform.open_store, name="platform_new"),
    path("platform/people/", people.people_list, name="platform_people"),
    path("platform/people/<int:user>/", people.person, name="platform_person"),
    path("platform/people/<int:user>/switch/", people.switch, name="platform_switch"),
    path("platform/people/<int:user>/erase/", people.erase, name="platform_erase"),
    path("platform/<slug:slug>/", platform.one_store, name="platform_store"),
    path("platform/<slug:slug>/main-account/", platform.main_account, name="platform_owner"),
    path("platform/<slug:slug>/penalties/", penalties.staff_penalties, name="platform_penalties"),
]
