"""The way back from a fix: the page that mends something leads back to the checklist that sent the reader there, to the same row (R33).

The address travels as `?back=…` and is somebody's input: only a path of this installation below the given prefix is taken.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

LONGEST = 500
#: Of a checklist: the row that was being mended.
CHECKED = "checked"


def back_of(request: HttpRequest, prefix: str) -> str:
    """The path to go back to; empty when none was given, or it is not below `prefix` (such as `/s/pinecone/`)."""
    wanted = request.POST.get("back") or request.GET.get("back") or ""
    return wanted if is_own(wanted, prefix) else ""


def is_own(address: str, prefix: str) -> bool:
    """Whether an address is a plain path of ours below `prefix`, query and fragment allowed."""
    if not 0 < len(address) <= LONGEST or not address.startswith(prefix) or not address.isprintable():
        return False
    path = urlsplit(address).path
    walks_up = any(part in (".", "..") for part in path.split("/")) or "%" in path
    return not walks_up and url_has_allowed_host_and_scheme(address, allowed_hosts=None)


def with_back(url: str, back: str) -> str:
    """The address of a fix, carrying the way back; unchanged without either. A fragment stays last."""
    if not url or not back:
        return url
    plain, hash_, fragment = url.partition("#")
    return f"{plain}{'&' if '?' in plain else '?'}{urlencode({'back': back})}{hash_}{fragment}"


def to_row(address: str, row: str) -> str:
    """The address of a checklist at one of its rows, marked as looked at again."""
    plain = address.partition("#")[0]
    return f"{plain}{'&' if '?' in plain else '?'}{urlencode({CHECKED: row})}#guard-{row}"
