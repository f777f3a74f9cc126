"""What several listing pages share."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from accounts.requests import StoreRequest
from core.errors import NotFound
from listings import reading
from listings.models import Listing


def find(request: StoreRequest, pk: int) -> Listing:
    """The store's listing of that number, or 404."""
    try:
        return reading.get(request.store, pk)
    except NotFound:
        raise Http404("no such listing in this store") from None


def address(request: StoreRequest, name: str, **kwargs: Any) -> str:
    """The address of a listing page of this store."""
    return reverse(f"listings:{name}", kwargs={"store": request.store.slug, **kwargs})


def version_of(request: StoreRequest) -> int | None:
    """The version that a form was made from; None when it is missing or no number."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def sent(request: StoreRequest) -> tuple[QueryDict | None, MultiValueDict[str, UploadedFile] | None]:
    """The form that was sent and its files; None twice when the page is only looked at. An empty form is a form too."""
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)
