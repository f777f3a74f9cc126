"""The basic decoration of a store: logo, banner, main category. Without them campaigns are closed to it (R27, R102, R177)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Store
from accounts.rights import check
from accounts.stores import target_of
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import about, verb
from core.errors import FieldError, InvalidInput
from core.prepared import Prepared
from listings import fields
from listings.fields import Findings
from listings.models import Category, StoreProfile

RIGHT = "settings.manage"
PARTS = ("logo", "banner", "main_category")
_PARTS_OF = Prepared(
    "SELECT decoration_waived, logo <> '', banner <> '', main_category_id IS NOT NULL"
    " FROM listings_storeprofile WHERE store_id = %(store)s",
    [("store", "bigint")],
)


def decoration_of(store: Store) -> dict[str, str]:
    """The three parts as they stand: addresses of pictures, and the code of the main category; empty where missing (one query)."""
    profile = StoreProfile.objects.filter(store=store).select_related("main_category").first() or StoreProfile()
    return {
        "logo": profile.logo,
        "banner": profile.banner,
        "main_category": profile.main_category.code if profile.main_category else "",
    }


def parts_of(store: Store) -> dict[str, bool] | None:
    """Which of the three parts the store has; None where nobody asks for them, for staff waived them. One query, planned once."""
    found = _PARTS_OF.rows({"store": store.pk})
    waived, *there = found[0] if found else (False, False, False, False)
    return None if waived else dict(zip(PARTS, there, strict=True))


@verb("store.decorate", right=RIGHT)
def decorate(store: Store, changes: Mapping[str, Any], *, actor: Actor, now: datetime) -> dict[str, str]:
    """Set parts of the basic decoration; an empty value takes a part away. Right `settings.manage`. Answers all three.

    Raises InvalidInput with every broken field: `logo` and `banner` are addresses of pictures, `main_category` a first-level category.
    """
    about(target_of(store))
    check(actor, store, RIGHT, now=now)
    findings = Findings()
    for name in changes.keys() - set(PARTS):
        findings.add(str(name), "ERR_FIELD_UNKNOWN", _("There is no such field, or it never changes."))
    profile, _made = StoreProfile.objects.select_for_update(of=("self",), no_key=True).get_or_create(store=store)
    before = decoration_of(store)
    for name in ("logo", "banner"):
        if name in changes:
            setattr(profile, name, findings.take(fields.image(changes[name], name), ""))
    if "main_category" in changes:
        profile.main_category = findings.take(_category(changes["main_category"]), None)
    if findings.errors:
        raise InvalidInput(_("Nothing was changed: please put right what is marked."), findings.errors)
    profile.save(update_fields=list(PARTS))
    after = decoration_of(store)
    changed = [name for name in PARTS if before[name] != after[name]]
    if changed:
        entry = Entry(
            "store.decorate",
            target_of(store),
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
            right=RIGHT,
        )
        record(entry, actor=actor, now=now)
    return after


def _category(code: object) -> Category | None | FieldError:
    text = str(code or "").strip()
    if not text:
        return None
    found = Category.objects.filter(code=text, parent=None).first()
    return found or FieldError("main_category", "ERR_CATEGORY_UNKNOWN", _("Choose a first-level category."))
