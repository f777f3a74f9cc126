"""The language sites of a store: made with it, told again on demand."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Min, Q
from django.utils.translation import gettext as _

from accounts.models import Store
from accounts.rights import check
from accounts.signals import SiteDraft
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core import faults, money, outbox
from core.errors import FieldError, InvalidInput, NotFound
from core.http import OutboundError, check_target, in_words
from core.models import OutboxMessage
from core.scopes import in_store
from publishing.addresses import PLACE
from publishing.desire import TOPIC, call, key_of, want_site
from publishing.http import SECRET_PREFIX
from publishing.models import Publication, Publisher, Site
from publishing.refusing import ask_again, refused_counts

_CODE = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,18}[a-z0-9])?$")
_LANGUAGE = re.compile(r"^[a-z]{2,3}(?:-[A-Za-z0-9]{2,6})?$")


def make_sites(store: Store, drafts: Sequence[SiteDraft], *, now: datetime) -> list[Site]:
    """Make the sites of a new store, with this installation as publisher; what is on sale already is wanted on them at once.

    Raises InvalidInput with `sites.<position>.<field>` for every draft that is wrong.
    """
    errors = _broken(drafts)
    if errors:
        raise InvalidInput(_("The sites are not right: please put right what is marked."), errors)
    with transaction.atomic(), in_store(store.id):
        sites = Site.objects.bulk_create(
            [
                Site(store=store, code=draft.code, language=draft.language, currency=draft.currency.upper())
                for draft in drafts
            ]
        )
        for site in sites:
            want_site(store.id, site.id, now=now)
    return sites


def _broken(drafts: Sequence[SiteDraft]) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for position, draft in enumerate(drafts):
        place = f"sites.{position}"
        if not _CODE.fullmatch(draft.code):
            errors.append(FieldError(f"{place}.code", "ERR_SITE", _("1 to 20 lower-case letters, digits and hyphens.")))
        elif draft.code in seen:
            errors.append(FieldError(f"{place}.code", "ERR_SITE", _("This code is there twice.")))
        seen.add(draft.code)
        if not _LANGUAGE.fullmatch(draft.language):
            errors.append(FieldError(f"{place}.language", "ERR_SITE", _("A language code such as en, zh or pt.")))
        if draft.currency.upper() not in money.currencies():
            errors.append(FieldError(f"{place}.currency", "ERR_SITE", _("A currency code of ISO 4217, such as USD.")))
    return errors


def on_store_created(
    sender: object, *, store: Store, sites: Sequence[SiteDraft], now: datetime, **_others: Any
) -> None:
    """Receiver of accounts' `store_created`."""
    make_sites(store, sites, now=now)


# -- how a site stands -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """How far a site is: pages wanted and told, the oldest change it was not told of, its failed calls and, in the reader's words, what
    was answered last. `refused` of the pages that are behind were too large for its server, each alone."""

    site: Site
    pages: int
    current: int
    oldest: datetime | None
    parked: int
    error: str
    refused: int = 0

    @property
    def behind(self) -> int:
        """Pages that do not show the last change yet."""
        return self.pages - self.current

    @property
    def percent(self) -> int:
        """信息更新完成率: whole percent, 100 only when every page is up to date (R50)."""
        return 100 if not self.behind else min(99, self.current * 100 // self.pages)


def statuses(store: Store) -> list[SiteStatus]:
    """How every site of the store stands, failed calls of the publisher included; two queries, one more with merchants' own servers."""
    due = Q(publications__desired_version__gt=F("publications__published_version"))
    sites = list(
        Site.objects.filter(store=store)
        .annotate(
            pages=Count("publications"),
            behind=Count("publications", filter=due),
            oldest=Min("publications__wanted_at", filter=due),
        )
        .order_by("id")
    )
    refused = refused_counts([site.pk for site in sites if site.publisher == Publisher.HTTP])
    calls: dict[str, list[OutboxMessage]] = {}
    for message in OutboxMessage.objects.filter(topic=TOPIC, key__in=[key_of(site.id) for site in sites]).order_by(
        "id"
    ):
        calls.setdefault(message.key, []).append(message)
    found = []
    for site in sites:
        mine = calls.get(key_of(site.id), [])
        found.append(
            SiteStatus(
                site=site, pages=site.pages, current=site.pages - site.behind, oldest=site.oldest,
                parked=sum(1 for message in mine if message.parked_at),
                error=faults.say(next((message.last_error for message in reversed(mine) if message.last_error), "")),
                refused=refused.get(site.pk, 0),
            )
        )  # fmt: skip
    return found


def target_of(store: Store, site: Site) -> Target:
    """A site as the object of an event."""
    return Target("site", site.code, site.code, store.pk, store.name)


@verb("site.retry", right="listings.edit")
def retry(store: Store, code: str, *, actor: Actor, now: datetime) -> Site:
    """Call a publisher to a site at once, whatever its earlier tries came to. Raises NotFound, PermissionRefused."""
    site = Site.objects.select_for_update(of=("self",), no_key=True).filter(store=store, code=code).first()
    if site is None:
        raise NotFound(_("No such site."))
    target = target_of(store, site)
    about(target)
    check(actor, store, "listings.edit", now=now)
    rows = OutboxMessage.objects.filter(topic=TOPIC, key=key_of(site.id), lease_until=None)
    parked = list(rows.filter(parked_at__isnull=False).order_by("id").values_list("id", flat=True))
    OutboxMessage.objects.filter(id__in=parked[1:]).delete()
    outbox.retry_parked(parked[:1], now=now)
    rows.filter(parked_at=None, available_at__gt=now).update(available_at=now)
    ask_again(site)
    call(store.pk, [site.id], now=now)
    behind = Publication.objects.filter(site=site, desired_version__gt=F("published_version")).count()
    record(
        Entry("site.retry", target, after={"behind": behind, "failed_calls": len(parked)}, right="listings.edit"),
        actor=actor,
        now=now,
    )
    return site


def connect(
    store: Store, code: str, *, endpoint: str, page_url: str, actor: Actor, now: datetime | None = None
) -> tuple[Site, str]:
    """Let a site be published by the merchant's own server: signed JSON goes to `endpoint`, buyers find pages at `page_url`, which has
    `{listing}` in it. Everything is told anew. Answers the site and its new secret, which is shown once.

    Raises NotFound, PermissionRefused, InvalidInput (an address that we would not call).
    """
    errors = [error for error in (_wrong_target(endpoint, "endpoint"), _wrong_page(page_url)) if error]
    if errors:
        raise InvalidInput(_("The site was not connected: please put right what is marked."), errors)
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    site = _publish_by(
        store, code, publisher=Publisher.HTTP, endpoint=endpoint, page_url=page_url, secret=secret, actor=actor, now=now
    )
    return site, secret


def disconnect(store: Store, code: str, *, actor: Actor, now: datetime | None = None) -> Site:
    """Let this installation publish a site again. Raises NotFound, PermissionRefused."""
    return _publish_by(
        store, code, publisher=Publisher.BUILTIN, endpoint="", page_url="", secret="", actor=actor, now=now
    )  # fmt: skip


@verb("site.connect", right="settings.manage")
def _publish_by(
    store: Store, code: str, *, publisher: str, endpoint: str, page_url: str, secret: str, actor: Actor, now: datetime
) -> Site:
    site = Site.objects.select_for_update(of=("self",), no_key=True).filter(store=store, code=code).first()
    if site is None:
        raise NotFound(_("No such site."))
    target = target_of(store, site)
    about(target)
    check(actor, store, "settings.manage", now=now)
    before = {"publisher": site.publisher, "endpoint": site.endpoint, "page_url": site.page_url}
    site.publisher, site.endpoint, site.secret, site.page_url = publisher, endpoint, secret, page_url
    site.pace = {}
    site.save(update_fields=["publisher", "endpoint", "secret", "page_url", "pace"])
    want_site(store.pk, site.id, now=now)
    after = {"publisher": site.publisher, "endpoint": site.endpoint, "page_url": site.page_url}
    record(Entry("site.connect", target, before=before, after=after, right="settings.manage"), actor=actor, now=now)
    return site


def _wrong_target(url: str, field: str) -> FieldError | None:
    try:
        check_target(url)
    except OutboundError as error:
        return FieldError(
            field, "ERR_TARGET_REFUSED", _("We do not call this address: %(why)s.") % {"why": in_words(error)}
        )
    return None


def _wrong_page(url: str) -> FieldError | None:
    if url.count(PLACE) != 1:
        return FieldError(
            "page_url", "ERR_PAGE_URL", _("The address must hold {listing} once, where the listing's number goes.")
        )
    return _wrong_target(url.replace(PLACE, "1"), "page_url")
