"""Everything at once that a hostile network sends: the program keeps its memory and descriptors, and serves who behaves."""

import contextlib
import os
import random
import resource
import select
import socket
import threading

import pytest

from harness.aws import Api, control
from harness.frames import RawClient, Wire, encode
from harness.until import PATIENCE, until

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="memory and descriptors are read in /proc")

SEED = 20_261_201
# Sockets that are no WebSocket that the program may hold at once, and how long each may take for its head.
SOCKETS_MAX = 2000
HANDSHAKE = "1s"
# What the program may grow by under all of it: some kilobytes for each socket, and what its allocator keeps.
GROWTH_BYTES_MAX = 64 * 1024 * 1024
# Descriptors beside sockets of clients: connections to the backend, and what the tests' own requests hold.
DESCRIPTORS_BESIDE = 64


class Watched:
    """What the program holds."""

    def __init__(self, gateway):
        self.process = gateway.process.pid
        self.descriptors_before, self.bytes_before = self.descriptors(), self.resident("VmRSS")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process}/fd"))

    def resident(self, name):
        with open(f"/proc/{self.process}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith(name))
        return int(line.split()[1]) * 1024

    def check(self):
        """Now, and at the worst moment so far."""
        descriptors = self.descriptors() - self.descriptors_before
        assert descriptors <= SOCKETS_MAX + DESCRIPTORS_BESIDE, f"{descriptors} more descriptors"
        grown = self.resident("VmHWM") - self.bytes_before
        assert grown <= GROWTH_BYTES_MAX, f"grown by {grown} bytes"


class Behaves:
    """A client that asks and is answered, again and again, while the others do their worst."""

    def __init__(self, gateway, api):
        self.client = RawClient(gateway.port, api.target)
        self.answers, self.failure, self.stopping = 0, None, threading.Event()
        self.thread = threading.Thread(target=self._ask, daemon=True)
        self.thread.start()

    def _ask(self):
        try:
            while not self.stopping.is_set():
                text = f'{{"number": {self.answers}}}'
                assert self.client.ask(text) == text
                self.answers += 1
        except Exception as failure:
            self.failure = failure

    def check(self):
        """It was answered since, and nothing failed."""
        before = self.answers
        until(lambda: self.failure or self.answers > before, "the client that behaves to be answered")
        assert self.failure is None, self.failure

    def stop(self):
        self.stopping.set()
        self.thread.join(PATIENCE)
        self.client.close()
        assert self.failure is None and self.answers > 0, self.failure


@pytest.fixture(scope="module")
def stage(start_gateway, backend):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * SOCKETS_MAX if hard == resource.RLIM_INFINITY else min(2 * SOCKETS_MAX, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    gateway = start_gateway("--limit", f"http-connections={SOCKETS_MAX}", "--limit", f"handshake-timeout={HANDSHAKE}")
    api = Api(gateway)
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/echo"), two_way=True)
    api.deploy()
    yield api
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def watched(stage):
    """The client that behaves and the program's belongings, looked at while a test goes on and at its end."""
    seen, behaves = Watched(stage.gateway), Behaves(stage.gateway, stage)

    def look():
        seen.check()
        behaves.check()

    look()
    yield look
    look()
    behaves.stop()
    until(lambda: seen.descriptors() <= seen.descriptors_before + DESCRIPTORS_BESIDE, "descriptors to be given back", patience=30)
    stage.gateway.assert_no_panic()


def count(most):
    """How many sockets at once: fewer where this process may not have so many files."""
    return min(most, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200) // 2)


@contextlib.contextmanager
def sockets(gateway, many):
    """So many sockets at once."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE)) for _ in range(many)]


def all_closed(wires, each=lambda wire: None):
    """Reads until the program has closed every one; `each` is done to those that are open, again and again."""
    poll, left = select.poll(), {wire.fileno(): wire for wire in wires}
    for number in left:
        poll.register(number, select.POLLIN)

    def is_over():
        for wire in left.values():
            each(wire)
        for number, _ in poll.poll(50):
            try:
                over = not left[number].recv(65536)
            except OSError:
                over = True
            if over:
                poll.unregister(number)
                del left[number]
        return not left

    until(is_over, "all sockets to be closed", patience=60)


def test_silent_sockets_are_closed(stage, watched):
    with sockets(stage.gateway, count(1500)) as wires:
        watched()
        all_closed(wires)


def test_handshakes_that_never_end_are_closed(stage, watched):
    head = f"GET {stage.target} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n".encode()
    with sockets(stage.gateway, count(500)) as wires:
        for wire in wires:
            wire.sendall(head)
        watched()

        def drips(wire):
            with contextlib.suppress(OSError):
                wire.send(b"x")

        all_closed(wires, drips)


def test_half_open_ones_cost_nothing_for_long(stage, watched):
    """Clients that say that they send nothing more, before, within and behind their request."""
    head = f"GET {stage.target} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n".encode()
    with sockets(stage.gateway, count(600)) as wires:
        for number, wire in enumerate(wires):
            wire.sendall((b"", head, b"GET /_health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")[number % 3])
            wire.shutdown(socket.SHUT_WR)
        watched()
        all_closed(wires)


def test_junk_in_thousands_is_turned_away(stage, watched):
    chance = random.Random(SEED)
    for _ in range(4):
        with sockets(stage.gateway, count(1000)) as wires:
            for wire in wires:
                with contextlib.suppress(OSError):
                    wire.sendall(chance.choice([chance.randbytes(200), b"\x16\x03\x01" + chance.randbytes(100), b"SSH-2.0-x\r\n", b"\n" * 100]))
            watched()
            all_closed(wires)


def test_bombs_of_headers_are_refused(stage, watched):
    bombs = [
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 500 + b"\r\n", (400, 431)),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 60_000 + b"\r\n\r\n", (431,)),
        (b"GET /" + b"y" * 60_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", (431,)),
        (f"GET {stage.target}?".encode() + b"y" * 10_000 + b" HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
         b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", (414,)),
    ]  # fmt: skip
    for _ in range(50):
        for bytes_, statuses in bombs:
            with Wire(stage.gateway.port) as wire:
                with contextlib.suppress(OSError):
                    wire.send(bytes_)
                assert wire.read_head().status in statuses
    watched()


def test_pages_and_strange_names_get_nothing(stage, watched):
    """DNS rebinding, a form's POST, and a page's WebSocket to the feed, a few hundred times each."""
    gateway, here = stage.gateway, f"127.0.0.1:{stage.gateway.port}"
    body = b'{"name":"evil","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action"}'
    before = len(control(gateway.url).get_apis()["Items"])
    page = [("Origin", "http://evil.com"), ("Sec-Fetch-Site", "cross-site")]
    for _ in range(200):
        with Wire(gateway.port) as wire:
            assert wire.request("GET", "/v2/apis", [("Host", "evil.com")]).status == 403
            assert wire.request("GET", "/_metrics", [("Host", f"evil.com:{gateway.port}"), ("Origin", f"http://evil.com:{gateway.port}")]).status == 403
            assert wire.request("POST", "/v2/apis", [("Host", here), ("Content-Type", "text/plain"), *page], body).status == 403
            assert wire.request("POST", f"{stage.target}/@connections/abcdefghijklmno=", [("Host", here), *page], b"x").status == 403
            assert wire.request("GET", "/_gatewright/v1/log", [("Host", here), *page]).status == 403
        with RawClient(gateway.port, "/_gatewright/v1/log", page) as client:
            assert client.handshake.status == 403
    assert len(control(gateway.url).get_apis()["Items"]) == before
    watched()


def test_frames_that_break_the_rules_end_their_connection(stage, watched):
    for _ in range(50):
        for bytes_, code in (
            (encode(1, b"x", mask=False), 1002),
            (encode(1, b"x", length=1 << 62), 1009),
            (encode(3, b"x"), 1002),
            (encode(1, b"\xff"), 1007),
            (encode(9, b"x", length=126), 1002),
        ):
            with RawClient(stage.gateway.port, stage.target) as client:
                client.send(bytes_)
                assert client.read_close()[0].code == code
    watched()


def test_one_address_cannot_take_the_place_of_others(start_gateway, backend):
    """With a limit for each address, thousands of sockets of one leave room for the next."""
    gateway = start_gateway("--limit", "http-connections=100", "--limit", "connections-per-address=20")
    api = Api(gateway)
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/echo"), two_way=True)
    api.deploy()
    stopping = threading.Event()

    def storms():
        wires = []
        while not stopping.is_set():
            with contextlib.suppress(OSError):
                wires.append(socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE, source_address=("127.0.0.66", 0)))
            if len(wires) > 50:
                wires.pop(0).close()
        for wire in wires:
            wire.close()

    attackers = [threading.Thread(target=storms, daemon=True) for _ in range(2)]
    for attacker in attackers:
        attacker.start()
    try:
        for number in range(50):
            with RawClient(gateway.port, api.target) as client:
                assert client.ask(f"{number}") == f"{number}"
    finally:
        stopping.set()
        for attacker in attackers:
            attacker.join(PATIENCE)
