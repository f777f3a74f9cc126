"""Addresses of the rule book, below `platform/rule-sets/`."""

from django.urls import path

from backoffice.pages import rulebook

app_name = "rulebook"
urlpatterns = [
    path("", rulebook.book, name="book"),
    path("<str:key>/", rulebook.rule_set, name="set"),
    path("<str:key>/new/", rulebook.new_version, name="new"),
    path("<str:key>/compare/", rulebook.compare, name="compare"),
    path("<str:key>/<int:version>/withdraw/", rulebook.withdraw, name="withdraw"),
]
