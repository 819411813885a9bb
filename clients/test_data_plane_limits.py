"""Limits and the codes that connections end with: silence, age, frames and messages that are too large, bounded work."""

import os
import threading
import time

import pytest

from harness.aws import Api
from harness.backend import Answer
from harness.frames import CONTINUATION, PING, TEXT, RawClient

IDLE = 1.0
AGE = 2.0


def echo_api(gateway, backend, path="/echo"):
    """A two-way echo on `gateway`."""
    api = Api(gateway)
    api.route("$default", api.integration("HTTP_PROXY", backend.url + path), two_way=True)
    return api.deploy()


@pytest.fixture(scope="module")
def idle_gateway(start_gateway):
    return start_gateway("--limit", f"idle-timeout={IDLE:g}s")


def test_a_silent_connection_is_closed_with_1001(idle_gateway, backend):
    api = echo_api(idle_gateway, backend)
    with RawClient(idle_gateway.port, api.target) as client:
        began = time.monotonic()
        frame, before = client.read_close()
        lasted = time.monotonic() - began
    assert frame.code == 1001
    assert not before
    assert IDLE * 0.9 <= lasted <= IDLE * 3


@pytest.mark.parametrize("kind", ["messages", "pings"])
def test_a_connection_that_is_not_silent_stays_open(idle_gateway, backend, kind):
    api = echo_api(idle_gateway, backend)
    with RawClient(idle_gateway.port, api.target) as client:
        until = time.monotonic() + 2.5 * IDLE
        while time.monotonic() < until:
            if kind == "messages":
                assert client.ask("still here") == "still here"
            else:
                client.frame(PING, b"p")
                assert client.read_frame().payload == b"p"
        assert client.ask("and now") == "and now"


def test_a_connection_ends_at_its_age_whatever_it_does(start_gateway, backend):
    gateway = start_gateway("--limit", f"connection-duration={AGE:g}s")
    api = echo_api(gateway, backend)
    with RawClient(gateway.port, api.target) as client:
        began = time.monotonic()
        frame = None
        while frame is None and time.monotonic() - began < 4 * AGE:
            client.frame(PING, b"p")
            got = client.read_frame()
            frame = got if got.opcode == 8 else None
        lasted = time.monotonic() - began
    assert frame is not None and frame.code == 1001
    assert AGE * 0.9 <= lasted <= AGE * 2


def test_a_frame_of_32_kb_passes_and_a_byte_more_is_1009(gateway, echo):
    with RawClient(gateway.port, echo.target) as client:
        assert client.ask("a" * 32_768) == "a" * 32_768
        client.frame(TEXT, b"a" * 32_769)
        frame, before = client.read_close()
        assert frame.code == 1009 and not before


def test_the_head_of_a_frame_that_is_too_large_is_enough_for_1009(gateway, echo):
    for length in (32_769, 65_536, 1 << 40, 1 << 60):
        with RawClient(gateway.port, echo.target) as client:
            client.frame(TEXT, b"", length=length)
            frame, _ = client.read_close()
            assert frame.code == 1009, length


def test_a_message_of_128_kb_passes_and_a_byte_more_is_1009(gateway, echo):
    part = b"a" * 32_768
    with RawClient(gateway.port, echo.target) as client:
        for last in (False, True):
            client.frame(TEXT, part, fin=False)
            client.frame(CONTINUATION, part, fin=False)
            client.frame(CONTINUATION, part, fin=False)
            client.frame(CONTINUATION, part, fin=not last)
            if not last:
                assert client.read_text() == "a" * 131_072
        client.frame(CONTINUATION, b"a")
        frame, before = client.read_close()
        assert frame.code == 1009 and not before


def test_a_frame_limit_of_none_leaves_the_message_limit(start_gateway, backend):
    gateway = start_gateway("--limit", "frame-bytes=0", "--limit", "message-bytes=64k")
    api = echo_api(gateway, backend)
    with RawClient(gateway.port, api.target) as client:
        assert client.ask("a" * 65_536) == "a" * 65_536
        client.frame(TEXT, b"a" * 65_537)
        frame, _ = client.read_close()
        assert frame.code == 1009


def test_an_answer_beyond_128_kb_is_an_error_frame(gateway, backend, path):
    backend.answers[path] = lambda request: Answer(body=b"a" * int(request.text))
    api = echo_api(gateway, backend, path)
    with RawClient(gateway.port, api.target) as client:
        assert len(client.ask("131072")) == 131_072
        assert client.ask("131073").startswith('{"message": "Internal server error", ')
        assert len(client.ask("10")) == 10


class Gate:
    """A backend's answer that counts how many calls are inside at once, and lets them out one by one."""

    def __init__(self):
        self.inside = 0
        self.most = 0
        self.changed = threading.Condition()
        self.passes = 0

    def __call__(self, request):
        with self.changed:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.passes > 0, timeout=30)
            self.passes -= 1
            self.inside -= 1
            self.changed.notify_all()
        return Answer(body=request.body)

    def let_out(self, count):
        with self.changed:
            self.passes += count
            self.changed.notify_all()

    def wait_inside(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: self.inside >= count, timeout=10), f"{self.inside} of {count} inside"


def test_messages_in_flight_of_one_connection_are_bounded(gateway, backend, path):
    gate = Gate()
    backend.answers[path] = gate
    api = echo_api(gateway, backend, path)
    with RawClient(gateway.port, api.target) as client:
        for n in range(60):
            client.text(f"m{n}")
        gate.wait_inside(16)
        # Another connection of the same API is not held up by the full one.
        with RawClient(gateway.port, api.target) as other:
            other.text("other")
            gate.wait_inside(17)
            gate.let_out(61)
            assert other.read_text() == "other"
        replies = {client.read_text() for _ in range(60)}
    assert replies == {f"m{n}" for n in range(60)}
    assert gate.most == 17, "16 of the one, 1 of the other"


def test_messages_in_flight_of_one_api_leave_the_others_their_room(start_gateway, backend, path):
    gateway = start_gateway("--limit", "in-flight-bytes=64k")
    gate = Gate()
    backend.answers[path] = gate
    hung, well = echo_api(gateway, backend, path), echo_api(gateway, backend, path + "/well")
    text = "x" * 2000
    clients = [RawClient(gateway.port, hung.target) for _ in range(10)]
    for client in clients:
        for _ in range(8):
            client.text(text)
    # 33 fill the common room, however large the last one is, and 3 the stage's own part of 4 KB.
    gate.wait_inside(36)
    with RawClient(gateway.port, well.target) as other:
        other.text("other")
        assert other.read_text() == "other"
    gate.let_out(80)
    for client in clients:
        assert [client.read_text() for _ in range(8)] == [text] * 8
        client.close()
    # Each thread looks before it takes, so that each may go one message beyond.
    assert 36 <= gate.most <= 36 + (os.cpu_count() or 1)


def test_with_one_in_flight_backend_and_client_see_the_order_of_sending(start_gateway, backend, path):
    gateway = start_gateway("--limit", "in-flight-per-connection=1")
    api = echo_api(gateway, backend, path)
    texts = [f"m{n}" for n in range(200)]
    with RawClient(gateway.port, api.target) as client:
        for text in texts:
            client.text(text)
        assert [client.read_text() for _ in texts] == texts
    assert [request.text for request in backend.seen(path)] == texts
