"""Finding a store's campaigns by code, with or without their locks, and naming them for the record."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Store
from audit.record import Target
from audit.verbs import about
from campaigns.models import Campaign
from core import codes
from core.errors import NotFound, VersionConflict
from core.scopes import across_stores


def get(store: Store, code: str) -> Campaign:
    """The store's campaign with this code. Raises NotFound, also for another store's."""
    return _one(Campaign.objects.all(), store, code)


def across(code: str) -> Campaign:
    """A campaign of any store, with its store, for platform staff. Raises NotFound."""
    with across_stores("platform staff find the campaigns of all stores"):
        found = Campaign.objects.filter(code=codes.normalise(code)).select_related("store").first()
    if found is None:
        raise NotFound(_("There is no campaign %(code)s.") % {"code": code[:24]})
    return found


def get_all(store: Store, wanted: Sequence[str]) -> list[Campaign]:
    """The store's campaigns with these codes, in the order asked, in one query. Raises NotFound for the first that it does not have."""
    names = [codes.normalise(code) for code in wanted]
    found = {campaign.code: campaign for campaign in Campaign.objects.filter(store_id=store.pk, code__in=names)}
    for code, name in zip(wanted, names, strict=True):
        if name not in found:
            raise unknown(code)
    return [found[name] for name in names]


def lock(store: Store, code: str, *, version: int | None = None) -> Campaign:
    """Lock the campaign and name it for the record; a stale `version` raises VersionConflict with the campaign as it stands."""
    campaign = _one(locked(Campaign.objects.all()), store, code)
    about(target(campaign, store))
    check_version(campaign, version)
    return campaign


def locked(rows: QuerySet[Campaign]) -> QuerySet[Campaign]:
    """The house's row lock: the campaigns alone, not what they point to, in id order."""
    return rows.select_for_update(of=("self",), no_key=True).order_by("id")


def lock_all(store: Store, wanted: Sequence[str]) -> dict[str, Campaign]:
    """Lock many of a store's campaigns in id order (one query); by code, unknown ones left out."""
    names = {codes.normalise(code) for code in wanted} - {""}
    rows = locked(Campaign.objects.filter(store_id=store.pk, code__in=names))
    return {campaign.code: campaign for campaign in rows}


def check_version(campaign: Campaign, version: int | None) -> None:
    """Raise VersionConflict when the caller read another version than the one that stands (R17)."""
    if version is not None and version != campaign.version:
        raise VersionConflict(
            _("%(code)s was changed after you read it. Look at it again, then repeat your change.")
            % {"code": campaign.code},
            current(campaign),
        )


def current(campaign: Campaign) -> dict[str, object]:
    """The few fields that tell a stale reader what happened."""
    return {
        "code": campaign.code,
        "state": campaign.state,
        "version": campaign.version,
        "name": campaign.name,
        "starts_at": campaign.starts_at,
        "ends_at": campaign.ends_at,
        "item_count": campaign.item_count,
    }


def target(campaign: Campaign, store: Store) -> Target:
    """The campaign as the audit log names it."""
    return Target("campaign", campaign.code, campaign.name, store_id=campaign.store_id, store_label=store.name)


def unknown(code: str) -> NotFound:
    """The error for a code that this store does not have."""
    return NotFound(_("There is no campaign %(code)s in this store.") % {"code": code[:24]})


def _one(rows: QuerySet[Campaign], store: Store, code: str) -> Campaign:
    campaign = rows.filter(store_id=store.pk, code=codes.normalise(code)).first()
    if campaign is None:
        raise unknown(code)
    return campaign
