"""Codes of this room."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

declare(
    Code(
        "ERR_SITE", Severity.ERROR, _("A language site is not right"),
        cause=_("Its code, language or currency cannot be used."),
        fix=_("Put right the fields that are marked."),
    ),
    Code(
        "ERR_TARGET_REFUSED", Severity.ERROR, _("This address is not called"),
        cause=_("It does not lead to the public internet, or it is not an address at all."),
        fix=(_("Give an address that anybody can reach, beginning with https://."),
             _("For a server in your own network: whoever runs this installation can allow private targets.")),
    ),
    Code(
        "ERR_PAGE_TOO_LARGE", Severity.ERROR, _("A product page is too large for site %(site)s: %(title)s"),
        cause=_("Its server refused this page alone: %(why)s. The other pages of the site are told as before."),
        fix=(_("Let the server of the site take larger calls, then publish the site again."),
             _("Or make the page smaller: fewer SKUs or shorter texts; it is sent again with its next change.")),
        page="listings:detail", page_args=("pk",), page_label=_("Product"),
    ),
    Code(
        "ERR_PAGE_URL", Severity.ERROR, _("The page address has no place for the listing"),
        cause=_("Without the listing's number in it, pages cannot be checked."),
        fix=_("Write {listing} where the number goes."),
    ),
)  # fmt: skip
