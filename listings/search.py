"""Search over Chinese and Latin titles: words and character pairs in an array under a GIN index.

The embedded server has neither `pg_trgm` nor ICU, so the terms are made here and the same path serves production.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from django.db.models import QuerySet

import policies
from core import clock
from listings.models import Listing
from policies.rules import ListingRules

#: Han, kana and hangul are written without spaces: they are cut into single characters and pairs.
_CJK = (
    "\u3005\u3007"  # 々 〇
    "\u3040-\u30ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\uac00-\ud7af"  # hangul
    "\U00020000-\U0003134f"  # Han beyond the first plane
)
_RUNS = re.compile(rf"(?P<cjk>[{_CJK}]+)|(?P<word>[^\W_{_CJK}]+)")
#: The length of the array's element; a longer word is found by its first characters.
LONGEST = 64


def _folded(text: str) -> str:
    """One spelling for full-width and half-width forms, and for upper and lower case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())


def terms(text: str) -> list[str]:
    """The terms under which a text is found: lower-cased words, and of Chinese runs each character and each pair; sorted, each once."""
    found: set[str] = set()
    for run in _RUNS.finditer(_folded(text)):
        cjk = run["cjk"]
        if cjk:
            found.update(cjk)
            found.update(cjk[i : i + 2] for i in range(len(cjk) - 1))
        else:
            found.add(run["word"][:LONGEST])
    return sorted(found)


def listing_terms(titles: Iterable[str], codes: Iterable[str], brand: str = "") -> list[str]:
    """Everything a listing is found by: its titles in all languages, its SKU codes, its brand."""
    return sorted({term for text in (*titles, *codes, brand) for term in terms(text)})


def query_terms(text: str) -> list[str]:
    """What a searcher's text asks for: all of it must be there. A Chinese run asks for its pairs; a single character for itself."""
    wanted: set[str] = set()
    for run in _RUNS.finditer(_folded(text)):
        cjk = run["cjk"]
        if not cjk:
            wanted.add(run["word"][:LONGEST])
        elif len(cjk) == 1:
            wanted.add(cjk)
        else:
            wanted.update(cjk[i : i + 2] for i in range(len(cjk) - 1))
    return sorted(wanted)


def matching(listings: QuerySet[Listing], text: str) -> QuerySet[Listing]:
    """Listings that hold every term of `text`. Blank text filters nothing; text without a letter or digit matches nothing."""
    if not text.strip():
        return listings
    wanted = query_terms(text)[: policies.active(ListingRules, clock.now()).search_terms_max]
    return listings.filter(search_terms__contains=wanted) if wanted else listings.none()
