"""The one outbound HTTP client: resolve, check, pin, no redirects, caps on size and time, TLS verified.

Addresses are checked where the connection is made, on what the name resolves to at that moment, and the connection goes to the address
that was checked: a name that answers differently the second time gains nothing. Whatever way an address is written (decimal, octal, mapped,
tunnelled), it is judged as the address that would be dialled.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from django.conf import settings
from django.utils.translation import gettext
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Retry, Timeout, Url, parse_url

from core.faults import Fault

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

URL_LENGTH = 2000
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
#: Special purposes that the standard library of some Python versions takes for public.
_SPECIAL = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))
_CHUNK = 16_384
_NO_RETRY = Retry.from_int(False)


class OutboundError(Exception):
    """A call that brought no usable answer. `kind`: `refused`, `timeout`, `too_large`, `failed`.

    `asked`: the request may have reached the other side. Where it is False, nothing of it was sent. `fault` is what is kept of it for
    readers; the detail is for the log only, for it may tell what a name resolves to on our side.
    """

    def __init__(self, kind: str, detail: str, *, asked: bool = False, fault: Fault | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.asked = asked
        self.fault = fault or Fault(kind)


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of one call: seconds to connect, seconds between two reads, seconds in all, bytes of the answer's body."""

    connect: float
    read: float
    total: float
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end. Header names are lower case; `cookies` are the values of its Set-Cookie, one each."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    cookies: tuple[str, ...] = ()


def parse_target(url: str) -> Url:
    """Take an absolute http(s) address apart; its host and port are set. Raises OutboundError `refused` for anything else.

    Refused are user names in addresses, control characters, spaces and backslashes: what they mean differs from parser to parser.
    """
    if len(url) > URL_LENGTH or not url.isprintable() or any(character in url for character in " \\"):
        raise OutboundError("refused", "the address holds characters that no address may hold, or is too long")
    try:
        parts = parse_url(url)
    except LocationParseError as error:
        raise OutboundError("refused", f"not an address: {error}") from error
    if parts.scheme not in _PORTS or not parts.host:
        raise OutboundError("refused", "the address must begin with http:// or https:// and name a host")
    if parts.auth is not None:
        raise OutboundError("refused", "the address must not hold a user name")
    return parts._replace(port=parts.port or _PORTS[parts.scheme])


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address. Raises OutboundError."""
    parts = parse_target(url)
    return str(parts.scheme), str(parts.host), int(parts.port or 0)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, also by the IPv4 address that it maps, embeds or tunnels to."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and (address in _NAT64 or address in _COMPATIBLE):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is None and address.teredo:
            return False
        if inner is not None:
            return is_public(inner) and address not in _COMPATIBLE
        if address not in _GLOBAL_UNICAST or address.scope_id:
            return False
    if any(address.version == network.version and address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


def resolve(host: str, port: int) -> list[tuple[int, tuple[Any, ...]]]:
    """All stream addresses of a host as (family, socket address). Raises OutboundError when there is none."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutboundError("failed", f"{host} has no address: {error}", fault=Fault("no_address")) from error
    return [(family, address) for family, _, _, _, address in found if family in (socket.AF_INET, socket.AF_INET6)]


def checked_addresses(host: str, port: int, *, private: bool = False) -> list[tuple[int, tuple[Any, ...]]]:
    """The addresses of a host, all of them public unless `private` targets are allowed. Raises OutboundError."""
    found = resolve(host, port)
    if not found:
        raise OutboundError("failed", f"{host} has no address", fault=Fault("no_address"))
    if not private:
        for _, address in found:
            if not is_public(ipaddress.ip_address(str(address[0]))):
                raise OutboundError("refused", f"{host} leads to {address[0]}, which is not on the public internet")
    return found


def check_target(url: str) -> None:
    """Refuse an address that a call would refuse (for forms; the call checks again). Raises OutboundError."""
    parts = parse_target(url)
    checked_addresses(str(parts.host), int(parts.port or 0), private=settings.ALLOW_PRIVATE_TARGETS)


def in_words(error: OutboundError) -> str:
    """Why an address is not called, for whoever typed it: in the reader's language, and without what a name resolves to on our side."""
    if error.kind == "refused":
        return gettext("it must begin with http:// or https:// and lead to a server on the public internet")
    return gettext("its name leads to no server now")


# -- sockets that know when the whole call must be over -----------------------------------------------------------------------


class _Clock(threading.local):
    """The call this thread is making: when it must be over, the longest wait for one read, whether anything of it was sent."""

    deadline: float = 0.0
    read: float = 0.0
    asked: bool = False

    def left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call took too long")
        return min(left, self.read)


_call = _Clock()


class _TimedSocket(socket.socket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Wait at most for what is left of the call, so that a slow drip ends too."""
        self.settimeout(_call.left())
        return super().recv_into(*args, **kwargs)


class _TimedTls(ssl.SSLSocket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """The same for TLS."""
        self.settimeout(_call.left())
        return super().recv_into(*args, **kwargs)


class _Guarded:
    """Mixed into urllib3's connections: dial only what was checked."""

    trusted: frozenset[tuple[str, str, int]] = frozenset()
    scheme: str

    def _new_conn(self) -> socket.socket:
        host, port = str(self._dns_host), int(self.port)  # type: ignore[attr-defined]  # of urllib3's connection
        private = settings.ALLOW_PRIVATE_TARGETS or (self.scheme, host, port) in self.trusted
        last: OSError | None = None
        for family, address in checked_addresses(host, port, private=private):
            dialled = _TimedSocket(family, socket.SOCK_STREAM)
            try:
                dialled.settimeout(min(self.timeout or _call.read, _call.left()))  # type: ignore[attr-defined]  # the same
                dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                dialled.connect(address)
            except OSError as error:
                dialled.close()
                last = error
            else:
                return dialled
        raise last or OSError(f"{host} cannot be reached")

    def send(self, data: Any) -> None:
        """From here on the other side may know of the request; the connection, TLS included, is made before."""
        if self.sock is None:  # type: ignore[attr-defined]  # of http.client's connection
            self.connect()  # type: ignore[attr-defined]  # the same
        _call.asked = True
        super().send(data)  # type: ignore[misc]  # the same


class _Http(_Guarded, HTTPConnection):
    scheme = "http"


class _Https(_Guarded, HTTPSConnection):
    scheme = "https"


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _TimedTls
    return context


class Client:
    """A pool of connections that are kept open. One per purpose; safe to share between threads.

    `trusted` are addresses of our own whose origin may be private (never taken from a user); `connections` is how many per host.
    """

    def __init__(self, limits: Limits, *, trusted: Iterable[str] = (), connections: int = 4) -> None:
        self.limits = limits
        known = {"trusted": frozenset(origin_of(url) for url in trusted)}
        self._pools = urllib3.PoolManager(
            maxsize=connections, block=False, retries=False, ssl_context=_tls(), cert_reqs="CERT_REQUIRED"
        )
        http = type("_TrustedHttp", (_Http,), known)
        https = type("_TrustedHttps", (_Https,), known)
        self._pools.pool_classes_by_scheme = {
            "http": type("_HttpPool", (HTTPConnectionPool,), {"ConnectionCls": http}),
            "https": type("_HttpsPool", (HTTPSConnectionPool,), {"ConnectionCls": https}),
        }

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """Make one call and read its answer whole; a redirect is an answer like any other and is not followed.

        Raises OutboundError: the target is refused, nothing answers in time, or the answer is too large.
        """
        parts = parse_target(url)
        limits, began = self.limits, time.monotonic()
        _call.deadline, _call.read, _call.asked = began + limits.total, limits.read, False
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        try:
            pool = self._pools.connection_from_host(parts.host, parts.port, scheme=parts.scheme)
            response = pool.urlopen(
                method, parts.request_uri, headers=sent, body=body, redirect=False, retries=_NO_RETRY,
                assert_same_host=False, preload_content=False, timeout=Timeout(connect=limits.connect, read=limits.read),
            )  # fmt: skip
            content = _read(response, limits.max_bytes)
        except OutboundError as error:
            error.asked = _call.asked
            raise
        except (HTTPError, OSError, ValueError) as error:
            slow = isinstance(error, (TimeoutError, urllib3.exceptions.TimeoutError))
            words = f"{type(error).__name__}: {error}"[:500]
            fault = Fault("timeout") if slow else _fault_of(error)
            raise OutboundError("timeout" if slow else "failed", words, asked=_call.asked, fault=fault) from error
        known = {name.lower(): response.headers[name] for name in response.headers}
        cookies = tuple(response.headers.getlist("set-cookie"))
        return Reply(response.status, known, content, time.monotonic() - began, cookies)

    def close(self) -> None:
        """Close the kept connections."""
        self._pools.clear()


def _fault_of(error: Exception) -> Fault:
    """What kept a call from its answer, by the names that the system and the encryption give it."""
    inner = [error, *(arg for arg in error.args if isinstance(arg, Exception))]
    for one in inner:
        if isinstance(one, ssl.SSLError):
            return Fault("tls", {"what": one.reason or type(one).__name__})
    for one in inner:
        if isinstance(one, OSError) and (name := errno.errorcode.get(one.errno or 0)):
            return Fault("unreachable", {"what": name})
    return Fault("broken", {"what": type(inner[-1]).__name__})


def _read(response: urllib3.BaseHTTPResponse, most: int) -> bytes:
    encoding = response.headers.get("Content-Encoding", "identity")
    parts, size = [], 0
    try:
        if encoding.strip().lower() not in ("", "identity"):
            fault = Fault("encoded", {"encoding": ascii(encoding[:40]).strip("'")})
            raise OutboundError("failed", f"the answer is encoded ({encoding}), which was not asked for", fault=fault)
        for chunk in response.stream(min(_CHUNK, most + 1), decode_content=False):
            size += len(chunk)
            if size > most:
                fault = Fault("too_large", {"bytes": most})
                raise OutboundError("too_large", f"the answer is larger than {most} bytes", fault=fault)
            parts.append(chunk)
    except BaseException:
        response.close()
        raise
    return b"".join(parts)
