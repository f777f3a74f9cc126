"""The refusals of this room in plain words. The catalogue of codes lives one floor up and takes them from here."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from core.errors import Text


class Refusal(NamedTuple):
    """A code, what it says, why, and the steps that mend it."""

    code: str
    title: Text
    cause: Text
    fix: tuple[Text, ...]


REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        "ERR_TOKEN",
        _("The API token does not work"),
        _("It is missing, mistyped, unknown, revoked or expired, or its person is no member of the store any more."),
        (_("Compare it with the one you were shown."), _("Make a new token and put it into the program.")),
    ),
    Refusal(
        "ERR_GRANT_CAP",
        _("More than your right allows"),
        _("The right was lent to you up to an upper limit, and this goes beyond it."),
        (_("Do less at once."), _("Ask the main account for a higher limit.")),
    ),
    Refusal(
        "ERR_GRANT_CAP_RANGE",
        _("The upper limit is out of range"),
        _("An upper limit starts at 1."),
        (_("Write a larger or smaller number, or leave it empty for no limit."),),
    ),
    Refusal(
        "ERR_GRANT_CAP_UNUSED",
        _("This right has no such limit"),
        _("Only rights that touch listings or prices know upper limits."),
        (_("Leave the limit empty."),),
    ),
    Refusal(
        "ERR_GRANT_EXPIRY",
        _("The end has passed"),
        _("A right can be lent only until a moment in the future."),
        (_("Choose a later moment, or leave it empty for no end."),),
    ),
    Refusal(
        "ERR_RIGHT_UNKNOWN",
        _("There is no such right"),
        _("The name of the right is misspelt."),
        (_("Choose one of the rights on the staff page."),),
    ),
    Refusal(
        "ERR_LAST_OWNER",
        _("The last main account stays"),
        _("A store always has one main account."),
        (_("Make somebody else a main account."), _("Then repeat this.")),
    ),
    Refusal(
        "ERR_MEMBER_ALREADY",
        _("Already a member"),
        _("The person works in this store already."),
        (_("Open the person on the staff page and lend rights there."),),
    ),
    Refusal(
        "ERR_MEMBER_OWNER",
        _("A main account needs no loan"),
        _("A main account has every right, without end or limit."),
        (_("Lend rights to sub-accounts."),),
    ),
    Refusal(
        "ERR_OWNER_OFF",
        _("Switched off"),
        _("A store needs a main account that can sign in."),
        (_("Switch the account on."), _("Or name somebody else.")),
    ),
    Refusal(
        "ERR_OWNER_SELF",
        _("Not yourself"),
        _("Who could name themselves could take any store that has lost its main account."),
        (_("Ask a colleague of the platform staff."),),
    ),
    Refusal(
        "ERR_SWITCH_SELF",
        _("Not your own account"),
        _("Nobody switches their own account off: who is out cannot switch it on again."),
        (_("Ask another main account, or platform staff."),),
    ),
    Refusal(
        "ERR_SWITCH_OWNER",
        _("A main account stays on"),
        _("A store switches off its sub-accounts only."),
        (_("End the main account first."), _("Or ask platform staff.")),
    ),
    Refusal(
        "ERR_SWITCH_BEYOND",
        _("The account is used beyond your stores"),
        _("A main account switches off only people who work in its own stores and nowhere else."),
        (_("Remove the person from the store: rights here and API tokens end at once."), _("Or ask platform staff.")),
    ),
    Refusal(
        "ERR_SWITCH_FOREIGN",
        _("Switched off by somebody else"),
        _("Platform staff or another store switched the account off, and a store takes back only what it did itself."),
        (_("Ask platform staff to switch it on."),),
    ),
    Refusal(
        "ERR_SWITCH_LAST_STAFF",
        _("The last platform staff stays on"),
        _("Somebody must be able to switch people on again."),
        (_("Make somebody else platform staff."), _("Then repeat this.")),
    ),
    Refusal(
        "ERR_ERASE_ACTIVE",
        _("The account is switched on"),
        _("Only an account that is off is erased, so that nobody loses what they are working on."),
        (_("Switch the account off."), _("Then repeat this.")),
    ),
    Refusal(
        "ERR_ERASE_OWNER",
        _("A main account is not erased"),
        _("The store would be left without the person who answers for it."),
        (
            _("Name another main account for the store."),
            _("Have that one end this main account."),
            _("Then repeat this."),
        ),
    ),
    Refusal(
        "ERR_PERSON_ERASED",
        _("The person was erased"),
        _("Name, e-mail and password are gone for good, so that nobody can sign in as this person."),
        (_("Add the person anew, by e-mail."),),
    ),
    Refusal(
        "ERR_EMAIL",
        _("This is no e-mail address"),
        _("Something is missing or misspelt, such as the part after @."),
        (_("Write it as name@example.com."),),
    ),
    Refusal(
        "ERR_SLUG_TAKEN",
        _("The short name is taken"),
        _("Another store has this short name."),
        (_("Choose another short name."),),
    ),
    Refusal(
        "ERR_PASSWORD_WEAK",
        _("The password is too weak"),
        _("It is short, common, or made of your own name or e-mail."),
        (_("Take at least 12 characters, best several words."),),
    ),
)
