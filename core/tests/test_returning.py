"""Only a path of this installation, below the store, is a way back (open redirects)."""

from __future__ import annotations

import pytest

from core.returning import is_own, to_row, with_back

STORE = "/s/pinecone/"


@pytest.mark.parametrize(
    "address",
    [
        "/s/pinecone/campaigns/C-7F3KQ/stop/",
        "/s/pinecone/campaigns/C-7F3KQ/cancel/?via=4%3AC-7F3KQ%3Ax&checked=ERR_KYC#guard-ERR_KYC",
    ],
)
def test_our_own_pages_are_taken(address):
    assert is_own(address, STORE)


@pytest.mark.parametrize(
    "address",
    [
        "", "https://evil.test/", "//evil.test/s/pinecone/", "/\\evil.test", "javascript:alert(1)", "/s/riverlamp/deposit/",
        "/s/pinecone/../riverlamp/", "/s/pinecone/%2e%2e/riverlamp/", "/s/pinecone/\r\nX: y", "/s/pinecone/" + "a" * 600,
        "s/pinecone/", "http:///s/pinecone/", "/s/pinecone",
    ],
)  # fmt: skip
def test_everything_else_is_not(address):
    assert not is_own(address, STORE)


def test_a_fix_carries_the_way_back_and_keeps_its_own_query_and_fragment():
    back = to_row("/s/a/campaigns/C-1/cancel/?via=x#for-good", "ERR_KYC")
    assert back == "/s/a/campaigns/C-1/cancel/?via=x&checked=ERR_KYC#guard-ERR_KYC"
    assert (
        with_back("/s/a/orders/?campaign=C-1#list", "/s/a/stop/")
        == "/s/a/orders/?campaign=C-1&back=%2Fs%2Fa%2Fstop%2F#list"
    )
    assert with_back("", back) == ""
