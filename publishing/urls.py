"""Addresses of the language sites, below `s/<store>/sites/`."""

from django.urls import path

from publishing import views

app_name = "publishing"
urlpatterns = [
    path("", views.sites, name="sites"),
    path("<slug:site>/retry/", views.retry, name="retry"),
    path("<slug:site>/connect/", views.connect, name="connect"),
    path("<slug:site>/disconnect/", views.disconnect, name="disconnect"),
]
