"""Addresses of the message centre, below `s/<store>/messages/`."""

from django.urls import path

from inbox import views

app_name = "inbox"
urlpatterns = [
    path("", views.messages, name="list"),
    path("read/", views.read_all, name="read_all"),
    path("<int:message_id>/read/", views.read, name="read"),
    path("codes/", views.codes, name="codes"),
]
