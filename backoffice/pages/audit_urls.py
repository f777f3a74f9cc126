"""Addresses of the audit pages, below `s/<store>/audit/`."""

from django.urls import path

from backoffice.pages import audit

app_name = "audit"
urlpatterns = [
    path("", audit.events, name="list"),
    path("export.csv", audit.export, name="export"),
    path("<int:event_id>/", audit.entry, name="entry"),
    path("<int:event_id>/proof.json", audit.proof, name="proof"),
]
