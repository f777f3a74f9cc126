"""One e-mail of a sending, by the installation's mail server. What it answers is told apart: not taken, or nobody knows."""

from __future__ import annotations

import smtplib
from email.headerregistry import Address
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from coupons.gateways import ANSWER, SENT, UNKNOWN, UNREACHABLE, Result
from coupons.models import RecipientState
from coupons.sending_list import BAD_ADDRESS

#: Backends that hand letters to a server; the others write them where nobody receives them.
_REAL = "smtp"


def reaches_people() -> bool:
    """Whether this installation has a mail server; without one letters are written to files."""
    return _REAL in settings.EMAIL_BACKEND


def deliver(to: str, subject: str, text: str, sender: str, key: str) -> Result:
    """Send one letter in the name of `sender`, a store; `key` is its Message-ID, so that a server may know a repeated one."""
    house = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    domain = house.rpartition("@")[2] or "localhost"
    connection = get_connection(fail_silently=False)
    try:
        connection.open()
    except smtplib.SMTPResponseException as error:
        return Result(RecipientState.FAILED, UNREACHABLE, _status(error.smtp_code))
    except (smtplib.SMTPException, OSError):
        return Result(RecipientState.FAILED, UNREACHABLE)
    letter = EmailMessage(
        subject, text, _named(sender, house), [to], connection=connection, headers={"Message-ID": f"<{key}@{domain}>"}
    )
    try:
        letter.send()
    except smtplib.SMTPRecipientsRefused as error:
        return Result(RecipientState.FAILED, ANSWER, _status(next(iter(error.recipients.values()))[0]))
    except smtplib.SMTPResponseException as error:
        return Result(RecipientState.FAILED, ANSWER, _status(error.smtp_code))
    except ValueError:
        # Django's own guard of headers, and addresses that cannot be written as one: nothing was sent.
        return Result(RecipientState.FAILED, BAD_ADDRESS)
    except (smtplib.SMTPException, OSError):
        return Result(RecipientState.UNKNOWN, UNKNOWN)
    finally:
        connection.close()
    return SENT


def _named(sender: str, house: str) -> str:
    """`"Store" <shop@example.com>`; quoted by the library, whatever the store is called."""
    name = " ".join(sender.split())
    return str(Address(display_name=name, addr_spec=house)) if name and "@" in house else house


def _status(code: object) -> int | None:
    return code if isinstance(code, int) and 0 < code < 1000 else None
