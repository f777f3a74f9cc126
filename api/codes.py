"""Codes that the API itself raises."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

ERROR, WARNING = Severity.ERROR, Severity.WARNING

declare(
    Code(
        "ERR_REQUIRED", ERROR, _("A field is missing"),
        cause=_("The request leaves out a field that it must have."), fix=_("Add the field named in errors."),
    ),
    Code(
        "ERR_TYPE", ERROR, _("A value of the wrong type"),
        cause=_("Text where a number belongs, or the like. Nothing is guessed."),
        fix=_("Send the type that the API document names. Amounts are text."),
    ),
    Code(
        "ERR_LENGTH", ERROR, _("Too long or too short"),
        cause=_("A text or a list has more or fewer members than allowed."), fix=_("Keep to the limit named in errors."),
    ),
    Code(
        "ERR_RANGE", ERROR, _("A number out of bounds"),
        cause=_("A number is larger or smaller than allowed."), fix=_("Keep to the bounds named in errors."),
    ),
    Code(
        "ERR_CHOICE", ERROR, _("Not one of the choices"),
        cause=_("The field takes one of a few words."), fix=_("Write one of the words named in errors."),
    ),
    Code(
        "ERR_FORMAT", ERROR, _("Not written as it should be"),
        cause=_("A value does not have the form that its field asks for."), fix=_("Compare it with the API document."),
    ),
    Code(
        "ERR_CONTENT_TYPE", ERROR, _("Not the kind of body that this takes"),
        cause=_("The Content-Type is not the one that the operation takes."),
        fix=_("Send application/json; files go as multipart/form-data."),
    ),
    Code(
        "ERR_BUSY", WARNING, _("Another change came in between"),
        cause=_("Two changes wanted the same rows at the same moment. Nothing of this one was done."),
        fix=_("Send it again; Retry-After says when."),
    ),
    Code(
        "ERR_CONFLICT", ERROR, _("This contradicts what is there"),
        cause=_("Somebody changed or created the same thing in the meantime."),
        fix=(_("Read it again."), _("Decide whether the change is still wanted.")),
    ),
)  # fmt: skip
