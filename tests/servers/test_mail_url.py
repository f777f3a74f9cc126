"""Where mail goes out is one variable."""

from __future__ import annotations

import pytest

from backoffice.mail_url import parse_mail_url


def test_submission_port_with_starttls() -> None:
    found = parse_mail_url("smtp://shop:p%40ss@mail.example?from=shop@example.com")
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example", 587)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("shop", "p@ss")
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (True, False)
    assert found["DEFAULT_FROM_EMAIL"] == "shop@example.com"


def test_tls_from_the_first_byte() -> None:
    found = parse_mail_url("smtps://mail.example:2465")
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (2465, False, True)


def test_plain_only_when_asked_for() -> None:
    assert parse_mail_url("smtp://127.0.0.1:25?tls=no")["EMAIL_USE_TLS"] is False


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://"])
def test_refused(url: str) -> None:
    with pytest.raises(ValueError, match="smtp"):
        parse_mail_url(url)
