"""Words of this room's entries in the audit log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.actions import declare
from policies.stated import cited_words

declare(
    "policy",
    {
        "publish": ("book", _("Publish a version of rules")),
        "withdraw": ("undo", _("Withdraw a version of rules")),
    },
    objects={"policy": _("Rules")},
    fields={"version": _("Version"), "valid_from": _("In force from")},
    readers={"policy": cited_words},
    labels={"policy": cited_words},
)
