"""The public pages. They know no visitor: no session, no cookie, no language of the browser; the site decides."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

import policies
from accounts.rights import anonymous
from core import clock
from policies.rules import StorefrontRules
from storefront import pages, render
from storefront.render import Rendered

_LARGEST = 2**63 - 1


@anonymous
@require_safe
def product(request: HttpRequest, shop: str, site: str, listing: int) -> HttpResponse:
    """A listing on a site. 404 where there never was a page, 410 where the listing is no longer on sale."""
    found = pages.find_page(shop, site, listing) if listing <= _LARGEST else None
    if found is None:
        return _answer(request, render.gone_page(None), status=404)
    if not found.is_visible:
        return _answer(request, render.gone_page(found.shop), status=410)
    rules = policies.active(StorefrontRules, clock.now())
    return _answer(request, render.product_page(found, rules.coupons_shown))


@anonymous
@require_safe
def front(request: HttpRequest, shop: str, site: str) -> HttpResponse:
    """What a site sells, newest first; `?after=` goes on."""
    text = request.GET.get("after", "")
    after = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    rules = policies.active(StorefrontRules, clock.now())
    found = pages.find_shop(shop, site, after=after, limit=rules.front_page)
    if found is None:
        return _answer(request, render.gone_page(None), status=404)
    return _answer(request, render.front_page(found, rules.coupons_shown))


def _answer(request: HttpRequest, page: Rendered, *, status: int = 200) -> HttpResponse:
    response = HttpResponse(page.body, status=status)
    response["Cache-Control"] = "no-cache"
    response["Content-Language"] = page.language
    if status != 200:
        return response
    response["ETag"] = page.etag
    return get_conditional_response(request, etag=page.etag, response=response) or response
