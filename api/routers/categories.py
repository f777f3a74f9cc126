"""The category tree."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Router

from api.access import any_member
from api.frame import reply
from api.present import listings as present
from api.requests import ApiRequest
from api.schemas.listings import Categories
from listings.models import Category

router = Router(tags=["categories"])


@router.get(
    "/categories",
    response=Categories,
    summary=_("The category tree"),
    description=_("All categories, parents before children; the tree is small and comes whole."),
)
@any_member
def list_categories(request: ApiRequest) -> HttpResponse:
    """`GET /categories`."""
    rows = Category.objects.select_related("parent").order_by("parent__position", "position", "id")
    roots = [row for row in rows if row.parent is None]
    return reply(
        {"items": [present.category(row) for row in (*roots, *(r for r in rows if r.parent))], "next_cursor": None}
    )
