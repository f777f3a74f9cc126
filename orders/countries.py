"""Names of countries as people write them, brought to ISO 3166 where they are unambiguous; nothing is guessed."""

from __future__ import annotations

import unicodedata
from functools import cache

from babel import Locale

#: Names that files use and CLDR does not: each means one country only.
_ALSO = {
    "eire": "IE",
    "rsa": "ZA",
    "usa": "US",
    "u.s.a.": "US",
    "united states of america": "US",
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "uae": "AE",
    "czech republic": "CZ",
    "hong kong": "HK",
    "macau": "MO",
    "korea": "KR",
    "republic of korea": "KR",
    "russian federation": "RU",
    "holland": "NL",
    "the netherlands": "NL",
    "swaziland": "SZ",
    "macedonia": "MK",
    "burma": "MM",
    "ivory coast": "CI",
    "cape verde": "CV",
    "viet nam": "VN",
    "turkey": "TR",
    "中国大陆": "CN",
    "台湾": "TW",
    "香港": "HK",
    "澳门": "MO",
}
#: Codes of CLDR that name no country of ISO 3166.
_NO_COUNTRY = frozenset({"EU", "EZ", "UN", "XA", "XB", "XK", "ZZ", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})


def _key(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


@cache
def _known() -> dict[str, str]:
    names: dict[str, str] = {}
    for language in ("zh_Hans", "en"):
        for code, name in Locale.parse(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRY:
                names[_key(name)] = code
                names[code.casefold()] = code
    return names | _ALSO


@cache
def country_code(name: str) -> str:
    """The two letters of a country given by name or code; empty when it is unknown, several, or none (`Channel Islands`)."""
    return _known().get(_key(name), "") if len(name) <= 80 else ""
