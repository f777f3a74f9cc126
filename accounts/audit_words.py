"""Words of this room's entries in the audit log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.models import AccountState, PenaltyKind
from audit.actions import declare

declare(
    "store",
    {
        "create": ("store", _("Open store")),
        "edit": ("store", _("Edit store")),
        "set_state": ("shield", _("Set state of the account")),
    },
    objects={"store": _("Store"), "member": _("Member"), "user": _("Person"), "token": _("API token")},
    fields={
        "account_state": _("Account"), "kyc": _("Identity check (KYC)"), "entity": _("Legal form"), "time_zone": _("Time zone"),
        "currency": _("Currency"), "rights": _("Rights"), "expires_at": _("Until"), "max_listings": _("Cap: listings"),
        "max_percent_off": _("Cap: percent off"), "owner": _("Owner"), "revoked_at": _("Revoked at"), "prefix": _("Begins with"),
        "slug": _("Address"), "platform_staff": _("Platform staff"), "switched_on": _("Switched on"),
        "tokens_revoked": _("API tokens ended"), "memberships": _("Memberships ended"),
    },
)  # fmt: skip
declare(
    "member",
    {
        "add": ("user", _("Add member")),
        "remove": ("user", _("Remove member")),
        "set_owner": ("key", _("Set owner")),
        "switch_off": ("ban", _("Switch off")),
        "switch_on": ("check", _("Switch on")),
    },
)
declare(
    "right",
    {
        "lend": ("key", _("Lend right")),
        "set": ("key", _("Set rights")),
        "revoke": ("key", _("Revoke right")),
    },
    objects={"right": _("Right")},
)
declare(
    "token",
    {
        "issue": ("plug", _("Issue API token")),
        "issue_staff": ("plug", _("Issue API token of platform staff")),
        "revoke": ("plug", _("Revoke API token")),
    },
)
declare(
    "user",
    {
        "create": ("user", _("Add person")),
        "make_staff": ("shield", _("Make platform staff")),
        "end_staff": ("shield", _("End the role of platform staff")),
        "switch_off": ("ban", _("Switch off")),
        "switch_on": ("check", _("Switch on")),
        "erase": ("trash", _("Erase person")),
        "sign_in": ("user", _("Sign in")),
        "sign_out": ("logout", _("Sign out")),
        "session_end": ("clock", _("Session ran out")),
        "sign_out_everywhere": ("logout", _("Sign out everywhere")),
        "password_change": ("key", _("Change password")),
    },
)
declare(
    "penalty",
    {"issue": ("ban", _("Issue penalty"))},
    fields={
        "penalty": _("Penalty"), "days": _("Days"), "points": _("Points"), "points_total": _("Points in all"), "until": _("Until"),
    },
    values={"penalty": dict(PenaltyKind.choices), "account_state": dict(AccountState.choices)},
)  # fmt: skip
