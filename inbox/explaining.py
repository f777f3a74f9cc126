"""Problem pages of the rooms below say what the catalogue says: a title, and the steps that mend it."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.problems import Words, explainer
from core.errors import DomainError
from inbox.catalogue import fill, lookup, readable


def words_of(request: HttpRequest, error: DomainError) -> Words:
    """Title, steps and address of a code; nothing for one that nobody declared."""
    code = lookup(error.code)
    if code is None:
        return Words()
    store = getattr(request, "store", None)
    url = code.url(store.slug, error.extra) if store is not None else ""
    params = readable(code, error.extra)
    steps = " ".join(fill(step, params) for step in code.steps)
    return Words(title=fill(code.title, params), fix=steps, fix_url=url, fix_label=code.page_label if url else "")


def join() -> None:
    """Lend the words; called when the project starts."""
    explainer.words_of = words_of
