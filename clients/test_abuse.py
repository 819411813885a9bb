"""Limits by source address, and the pace of one client: who takes too much is told or waits, others do not notice."""

import contextlib
import json
import re
import socket
import ssl
import time

import pytest
import trustme

from harness.aws import Api
from harness.frames import PING, PONG, RawClient, Wire, encode
from harness.metrics import Metrics
from harness.until import until

# Addresses of this machine.
CLIENT, OTHER = "127.0.0.2", "127.0.0.3"


def echo_api(gateway, backend):
    api = Api(gateway)
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/echo"), two_way=True)
    return api.deploy()


def refused(gateway, limit):
    return Metrics(gateway.url).get("gatewright_refused_by_address_total", limit=limit)


def test_an_address_has_so_many_connections_and_no_more(start_gateway, backend):
    gateway = start_gateway("--limit", "connections-per-address=3")
    api = echo_api(gateway, backend)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RawClient(gateway.port, api.target, source=CLIENT)) for _ in range(2)]
        # A socket that is no WebSocket is one, too.
        silent = stack.enter_context(Wire(gateway.port, source=CLIENT))
        assert silent.request("GET", "/_health").status == 200
        since = gateway.mark()
        for _ in range(30):
            with RawClient(gateway.port, api.target, source=CLIENT) as more:
                assert more.handshake.status == 429
                assert json.loads(more.handshake.body) == {"message": "Too Many Requests"}
        with Wire(gateway.port, source=CLIENT) as more:
            assert more.request("GET", "/_health").status == 429
        with RawClient(gateway.port, api.target, source=OTHER) as other:
            assert other.ask('{"a": "b"}') == '{"a": "b"}'
        gateway.wait_for_line(lambda line: f"{CLIENT}: it has 3 connections open" in line, "the word in the log", since)
        assert len([line for line in gateway.lines[since:] if "connections open" in line]) <= 20, "no flood in the log"
        assert refused(gateway, "connections-per-address") == 31
        silent.close()

        def comes_in():
            with RawClient(gateway.port, api.target, source=CLIENT) as again:
                return again.handshake.status == 101

        until(comes_in, "the place of the one that left")
        assert all(client.ask("still here") == "still here" for client in clients)
    until(lambda: Metrics(gateway.url).get("gatewright_source_addresses") <= 1, "nothing to be kept of who is gone")


def test_a_socket_that_asked_before_it_became_a_websocket_is_one(start_gateway, backend):
    gateway = start_gateway("--limit", "connections-per-address=1")
    api = echo_api(gateway, backend)
    upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]

    def another():
        with RawClient(gateway.port, api.target, source=CLIENT) as client:
            return client.handshake.status

    with Wire(gateway.port, source=CLIENT) as wire:
        assert wire.request("GET", "/_health").status == 200
        lines = [f"GET {api.target} HTTP/1.1", "Host: h", *(f"{name}: {value}" for name, value in upgrade)]
        wire.send("\r\n".join([*lines, "", ""]).encode())
        assert wire.read_head().status == 101
        assert another() == 429
    until(lambda: another() == 101, "its place")


def test_under_tls_it_is_refused_before_tls(start_gateway, backend, tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    context = ssl.create_default_context()
    authority.configure_trust(context)
    options = ["--tls-cert", str(chain), "--tls-key", str(key), "--admin", "127.0.0.1:0"]
    gateway = start_gateway(*options, "--limit", "connections-per-address=1")
    line = gateway.wait_for_line(lambda line: "ready on https" in line, "the public address")
    port = int(re.search(r"https://127\.0\.0\.1:(\d+)", line).group(1))
    api = echo_api(gateway, backend)
    with RawClient(port, api.target, source=CLIENT, tls=context) as first:
        for _ in range(3):
            with pytest.raises((ssl.SSLError, OSError)):
                RawClient(port, api.target, source=CLIENT, tls=context)
        with RawClient(port, api.target, source=OTHER, tls=context) as other:
            assert other.ask("hi") == "hi"
        assert first.ask("hi") == "hi"


def test_an_address_makes_so_many_handshakes_in_a_second(start_gateway, backend):
    gateway = start_gateway("--limit", "handshakes-per-address=1")
    api = echo_api(gateway, backend)

    def status(source):
        with RawClient(gateway.port, api.target, source=source) as client:
            return client.handshake.status

    # A machine that takes a second for each of them is too slow for this test.
    until(lambda: status(CLIENT) == 429, "a handshake too many")
    assert status(OTHER) == 101
    until(lambda: status(CLIENT) == 101, "the next second")
    # Other requests are no handshakes.
    with Wire(gateway.port, source=CLIENT) as wire:
        assert all(wire.request("GET", "/_health").status == 200 for _ in range(20))
    gateway.wait_for_line(lambda line: f"{CLIENT}: it makes more than 1 handshakes a second" in line, "the word in the log")
    assert refused(gateway, "handshakes-per-address") >= 1


def test_tls_that_need_not_be_is_counted_too(start_gateway, tmp_path):
    """Where functions run here the address in clear text answers TLS, whose handshake costs as much as any."""
    (tmp_path / "handler.mjs").write_text("export const handler = async () => ({ statusCode: 200 })")
    gateway = start_gateway("--function", str(tmp_path / "handler.mjs"), "--limit", "handshakes-per-address=1")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def shakes_hands(source):
        with socket.create_connection(("127.0.0.1", gateway.port), source_address=(source, 0), timeout=10) as tcp:
            try:
                with context.wrap_socket(tcp):
                    return True
            except OSError:
                return False

    until(lambda: not shakes_hands(CLIENT), "a handshake too many")
    assert shakes_hands(OTHER)
    until(lambda: shakes_hands(CLIENT), "the next second")
    assert refused(gateway, "handshakes-per-address") >= 1


@pytest.mark.parametrize("limit, sent, size", [("frames-per-second=20", 60, 10), ("bytes-per-second=20000", 30, 2000)])
def test_who_sends_too_fast_is_read_later_and_loses_nothing(start_gateway, backend, limit, sent, size):
    gateway = start_gateway("--limit", limit)
    api = echo_api(gateway, backend)
    with RawClient(gateway.port, api.target, patience=30) as fast, RawClient(gateway.port, api.target) as other:
        begun = time.monotonic()
        fast.send(b"".join(encode(1, f"{number}".ljust(size).encode()) for number in range(sent)))
        assert other.ask("meanwhile") == "meanwhile"
        answers = [int(fast.read_text()) for _ in range(sent)]
        # Backends answer in any order.
        assert sorted(answers) == list(range(sent))
        # What may come at once, and two seconds' worth more.
        assert time.monotonic() - begun > 1.5
        name = limit.split("=")[0]
        slowed = Metrics(gateway.url).get("gatewright_slowed_total", api_id=api.id, stage=api.stage, limit=name)
        assert slowed >= 1
        gateway.wait_for_log(f"sends too fast and is not read for a while (limit {name})", apiId=api.id)
        # Control frames count, and come in order all the same; a close is heard.
        fast.send(b"".join(encode(PING, str(number).encode()) for number in range(30)))
        assert [fast.read_frame().payload for _ in range(30)] == [str(number).encode() for number in range(30)]
        assert fast.close_with(1000).code == 1000


def test_a_client_that_waits_can_be_closed(start_gateway, backend):
    gateway = start_gateway("--limit", "frames-per-second=1")
    api = echo_api(gateway, backend)
    with RawClient(gateway.port, api.target) as fast:
        fast.send(b"".join(encode(PING, b"x") for _ in range(1000)))
        assert fast.read_frame().opcode == PONG
        api.client.delete_stage(ApiId=api.id, StageName=api.stage)
        frame, _ = fast.read_close()
        assert frame.code == 1001
