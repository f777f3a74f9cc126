"""The outbound client: nothing private is dialled, nothing drips for ever, no redirect is followed."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import core.http
from core.faults import Fault
from core.http import Client, Limits, OutboundError, check_target, is_public, origin_of

LIMITS = Limits(connect=2, read=2, total=2, max_bytes=10_000)
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"

Answer = Callable[[socket.socket], None]


class Listener:
    """A server on the loopback that counts who connects and answers raw bytes."""

    def __init__(self, answer: Answer, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.bind((host, 0))
        self.sock.listen(16)
        self.port = self.sock.getsockname()[1]
        self.connections = 0
        self.requests: list[bytes] = []
        self.answer = answer
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.sock.accept()
            except OSError:
                return
            self.connections += 1
            with peer:
                try:
                    self.requests.append(peer.recv(65536))
                    self.answer(peer)
                except OSError:
                    pass

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.thread.join(5)


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    made: list[Listener] = []

    def make(answer: Answer = lambda peer: peer.sendall(GOOD), host: str = "127.0.0.1") -> Listener:
        made.append(Listener(answer, host))
        return made[-1]

    yield make
    for listener in made:
        listener.close()


CORPUS = [
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}",
    "HTTP://LOCALHOST:{port}/",
    "http://localhost:{port}/",
    "http://localhost.:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://127.8.8.8:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[fc00::1]:{port}/",
    "http://user:secret@127.0.0.1:{port}/",
    "http://good.example@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@good.example/",
    "http://127.0.0.1:{port}?@good.example/",
    "http://good.example\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@good.example/",
    "http://１２７.０.０.１:{port}/",
    "http://127。0。0。1:{port}/",
    "http://⑯⑨.254.169.254:{port}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
    "http://10.0.0.1:{port}/",
    "http://172.16.0.1:{port}/",
    "http://192.168.1.1:{port}/",
    "http://100.64.0.1:{port}/",
    "http://169.254.169.254:{port}/latest/meta-data/",
    "http://224.0.0.1:{port}/",
    "http://255.255.255.255:{port}/",
    "http://240.0.0.1:{port}/",
    "http://0.0.0.1:{port}/",
    "http://127.0.0.1%2f@good.example:{port}/",
    "http://127.0.0.1%00.good.example:{port}/",
    "http://127.0.0.1 .good.example:{port}/",
    "http://\t127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/\r\nX-Evil: 1",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "http:127.0.0.1:{port}",
    "http:///127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd?{port}",
    "gopher://127.0.0.1:{port}/_GET",
    "unix:///var/run/docker.sock?{port}",
    "jar:http://127.0.0.1:{port}!/",
    "",
    "http://" + "a" * 3000 + ":{port}/",
]


@pytest.mark.parametrize("address", CORPUS)
def test_no_way_of_writing_a_private_address_reaches_the_canary(address: str, listen) -> None:
    canary = listen()
    with pytest.raises(OutboundError):
        Client(LIMITS).request("GET", address.format(port=canary.port))
    with pytest.raises(OutboundError):
        check_target(address.format(port=canary.port))
    assert canary.connections == 0


def test_the_canary_hears_what_is_allowed(settings, listen) -> None:
    canary = listen()
    settings.ALLOW_PRIVATE_TARGETS = True
    reply = Client(LIMITS).request("POST", f"http://127.1:{canary.port}/hook", body=b"{}")
    assert (reply.status, reply.body, canary.connections) == (200, b"ok", 1)


def test_an_origin_of_our_own_is_trusted_and_no_other_port_of_it(listen) -> None:
    own, canary = listen(), listen()
    client = Client(LIMITS, trusted=[f"http://127.0.0.1:{own.port}/shop/"])
    assert client.request("GET", f"http://127.0.0.1:{own.port}/shop/x/").status == 200
    with pytest.raises(OutboundError) as refused:
        client.request("GET", f"http://127.0.0.1:{canary.port}/")
    assert (refused.value.kind, canary.connections) == ("refused", 0)


def test_a_name_that_leads_to_any_private_address_is_refused(monkeypatch, listen) -> None:
    canary = listen()

    def both(host, port, **_):
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(OutboundError) as refused:
        Client(LIMITS).request("GET", f"http://mixed.example:{canary.port}/")
    assert (refused.value.kind, canary.connections) == ("refused", 0)


def test_rebinding_gains_nothing_because_the_checked_address_is_the_dialled_one(monkeypatch, listen) -> None:
    canary = listen()
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    dialled = []

    def rebinding(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(self, address):
        dialled.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr("core.http._TimedSocket.connect", connect)
    with pytest.raises(OutboundError):
        Client(LIMITS).request("GET", f"http://rebind.example:{canary.port}/")
    assert (dialled, canary.connections) == (["93.184.216.34"], 0)


def test_a_redirect_is_an_answer_and_is_not_followed(listen) -> None:
    canary = listen()
    head = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{canary.port}/\r\nContent-Length: 0\r\n\r\n"
    own = listen(lambda peer: peer.sendall(head.encode()))
    client = Client(LIMITS, trusted=[f"http://127.0.0.1:{own.port}", f"http://127.0.0.1:{canary.port}"])
    reply = client.request("GET", f"http://127.0.0.1:{own.port}/")
    assert (reply.status, canary.connections) == (302, 0)


def _client(listener: Listener, **caps: float) -> tuple[Client, str]:
    limits = Limits(**{"connect": 1, "read": 1, "total": 1, "max_bytes": 1000} | caps)  # type: ignore[arg-type]  # passed on as given
    url = f"http://127.0.0.1:{listener.port}/"
    return Client(limits, trusted=[url]), url


class Hands:
    """A clock whose hands move only when somebody turns them; put in the place of the module `time`."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def hands(monkeypatch) -> Hands:
    """The clock by which the client measures a call."""
    made = Hands()
    monkeypatch.setattr(core.http, "time", made)
    return made


def drip(peer: socket.socket, head: bytes, hands: Hands) -> None:
    """Answer a byte at a time, each 20 ms after the one before: never silent for long, and never done."""
    peer.sendall(head)
    for _ in range(200):
        hands.now += 0.02
        peer.sendall(b"a")


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"])
def test_a_slow_drip_ends_when_the_whole_call_is_over(head: bytes, listen, hands: Hands) -> None:
    client, url = _client(listen(lambda peer: drip(peer, head, hands)), total=0.3)
    with pytest.raises(OutboundError) as refused:
        client.request("GET", url)
    assert refused.value.kind == "timeout", "and not `failed`, as when the drip ends by itself"


def test_silence_times_out(listen) -> None:
    client, url = _client(listen(lambda peer: peer.recv(1)), read=0.2)
    with pytest.raises(OutboundError) as refused:
        client.request("GET", url)
    assert refused.value.kind == "timeout"


@pytest.mark.parametrize(
    "head", [b"Content-Length: 2000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n10000\r\n", b"\r\n"]
)
def test_an_answer_past_the_cap_is_cut_off(head: bytes, listen) -> None:
    client, url = _client(listen(lambda peer: peer.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"a" * 65_536)))
    with pytest.raises(OutboundError) as refused:
        client.request("GET", url)
    assert refused.value.kind == "too_large"


def test_an_encoded_answer_is_no_way_round_the_cap(listen) -> None:
    bomb = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
    listener = listen(lambda peer: peer.sendall(bomb))
    client, url = _client(listener)
    with pytest.raises(OutboundError) as refused:
        client.request("GET", url)
    assert (refused.value.kind, refused.value.fault) == ("failed", Fault("encoded", {"encoding": "gzip"}))
    assert b"accept-encoding: identity" in listener.requests[0].lower()


@pytest.mark.parametrize("garbage", [b"", b"\x00\xff\xfe", b"HTTP/1.1 abc\r\n\r\n", b"<html>"])
def test_garbage_is_a_failed_call(garbage: bytes, listen) -> None:
    client, url = _client(listen(lambda peer: peer.sendall(garbage)))
    with pytest.raises(OutboundError) as refused:
        client.request("GET", url)
    assert refused.value.kind in {"failed", "timeout"}
    assert refused.value.asked


def test_nobody_there_is_a_failed_call(listen) -> None:
    listener = listen()
    client, url = _client(listener)
    listener.close()
    with pytest.raises(OutboundError) as refused:
        client.request("GET", url)
    assert refused.value.kind == "failed"
    assert refused.value.fault == Fault("unreachable", {"what": "ECONNREFUSED"})
    assert not refused.value.asked


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("2002:0808:0808::1", True),
        ("64:ff9b::8.8.8.8", True),
        ("::ffff:8.8.8.8", True),
        ("::8.8.8.8", False),
        ("2001:0:53aa:64c:0:0:f7f7:f7f7", False),
        ("2001:db8::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("192.0.0.8", False),
        ("198.18.0.1", False),
        ("203.0.113.1", False),
        ("2002:a9fe:a9fe::", False),
    ],
)
def test_what_counts_as_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


def test_origins_fill_in_the_port() -> None:
    assert origin_of("https://Shop.Example/x") == ("https", "shop.example", 443)
    assert origin_of("http://shop.example:8000/x") == ("http", "shop.example", 8000)


@pytest.fixture
def tls_server(tmp_path, hands: Hands):
    """An https server on the loopback with a certificate of its own for `localhost`; answers (port, path of the certificate)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = tmp_path / "cert.pem", tmp_path / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), context.wrap_socket(peer, server_side=True) as secure:
                asked = secure.recv(65536)
                if b"/drip" in asked:
                    drip(secure, b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", hands)
                else:
                    secure.sendall(GOOD)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1], chain
    with contextlib.suppress(OSError):
        listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(5)


def test_an_unknown_certificate_is_refused(tls_server) -> None:
    port, _ = tls_server
    with pytest.raises(OutboundError) as refused:
        Client(LIMITS, trusted=[f"https://localhost:{port}/"]).request("GET", f"https://localhost:{port}/")
    assert refused.value.kind == "failed"
    assert refused.value.fault == Fault("tls", {"what": "CERTIFICATE_VERIFY_FAILED"})


def test_a_certificate_must_name_the_host_that_was_asked_for(tls_server, monkeypatch) -> None:
    port, chain = tls_server
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    named, other = f"https://localhost:{port}/", f"https://127.0.0.1:{port}/"
    client = Client(LIMITS, trusted=[named, other])
    assert client.request("GET", named).body == b"ok"
    with pytest.raises(OutboundError):
        client.request("GET", other)


def test_a_slow_drip_ends_over_tls_too(tls_server, monkeypatch) -> None:
    port, chain = tls_server
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    client = Client(Limits(connect=1, read=1, total=0.3, max_bytes=1000), trusted=[f"https://localhost:{port}/"])
    with pytest.raises(OutboundError) as refused:
        client.request("GET", f"https://localhost:{port}/drip")
    assert refused.value.kind == "timeout"
