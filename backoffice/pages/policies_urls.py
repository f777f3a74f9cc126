"""Addresses of the rules, below `s/<store>/rules/`."""

from django.urls import path

from backoffice.pages import policies

app_name = "policies"
urlpatterns = [path("", policies.rule_sets, name="list"), path("<str:key>/", policies.rule_set, name="detail")]
