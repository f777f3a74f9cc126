"""What rooms above lend to the campaign pages: sections of a campaign’s page, and other pages. They join in `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from accounts.requests import StoreRequest
from campaigns.models import Campaign

Content = Callable[[StoreRequest, Campaign], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a campaign's page for members with `right`: a template, and what it is given (None: not for this campaign)."""

    template: str
    right: str
    content: Content


_sections: list[Section] = []
_pages: dict[str, str] = {}


def lend_section(section: Section, *, first: bool = False) -> None:
    """Put a section under the campaign's products, `first` above those of other rooms."""
    _sections.insert(0 if first else len(_sections), section)


def lend_page(name: str, url_name: str) -> None:
    """Say where a store's page `name` is, such as `past`."""
    _pages[name] = url_name


def sections_for(request: StoreRequest, campaign: Campaign) -> list[dict[str, Any]]:
    """The sections of this campaign that the reader may see, each with its template and content."""
    shown = []
    for section in _sections:
        if section.right in request.rights and (content := section.content(request, campaign)) is not None:
            shown.append({"template": section.template, **content})
    return shown


def page_url(name: str, store: str) -> str:
    """The address of a page that a room above lends; empty when none does."""
    return reverse(_pages[name], kwargs={"store": store}) if name in _pages else ""
