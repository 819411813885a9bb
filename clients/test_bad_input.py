"""Bad input from every side: what is documented comes back, the process lives, and another open connection does not notice."""

import json
import os
import re
import socket
from pathlib import Path

import pytest

from harness.aws import Api, control
from harness.backend import Answer
from harness.frames import BINARY, CLOSE, CONTINUATION, PING, TEXT, RawClient, Wire, close_payload, encode
from harness.until import until

UPGRADE = [
    ("Host", "127.0.0.1"),
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
]


@pytest.fixture(scope="module")
def witness(gateway, echo):
    """A connection that is open before all of this and must echo after each of it."""
    with RawClient(gateway.port, echo.target) as client:
        yield client


@pytest.fixture(autouse=True)
def nobody_noticed(gateway, echo, witness):
    yield
    assert witness.ask("still here") == "still here"
    with RawClient(gateway.port, echo.target) as newcomer:
        assert newcomer.ask("hello") == "hello"
    assert gateway.process.poll() is None
    gateway.assert_no_panic()


def upgrade(without=(), replaced=(), added=()):
    """The headers of a handshake with something wrong."""
    replaced = dict(replaced)
    return [(name, replaced.get(name, value)) for name, value in UPGRADE if name not in without] + list(added)


def handshake(gateway, target, headers, method="GET", version="HTTP/1.1"):
    lines = [f"{method} {target} {version}", *(f"{name}: {value}" for name, value in headers), "", ""]
    with Wire(gateway.port) as wire:
        wire.send("\r\n".join(lines).encode("latin-1"))
        return wire.read_answer()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (upgrade(without=["Upgrade", "Connection"]), 426),
        (upgrade(without=["Upgrade"]), 426),
        (upgrade(replaced={"Upgrade": "h2c"}), 426),
        (upgrade(without=["Sec-WebSocket-Key"]), 400),
        (upgrade(replaced={"Sec-WebSocket-Key": ""}), 400),
        (upgrade(replaced={"Sec-WebSocket-Key": "short"}), 400),
        (upgrade(without=["Sec-WebSocket-Version"]), 400),
        (upgrade(replaced={"Sec-WebSocket-Version": "8"}), 400),
        (upgrade(replaced={"Sec-WebSocket-Version": "x"}), 400),
    ],
)
def test_a_malformed_upgrade_is_refused_with_its_status(gateway, echo, headers, status):
    assert handshake(gateway, echo.target, headers).status == status


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "FOO"])
def test_an_upgrade_with_another_method_is_refused(gateway, echo, method):
    with Wire(gateway.port) as wire:
        lines = [f"{method} {echo.target} HTTP/1.1", *(f"{name}: {value}" for name, value in UPGRADE), "Content-Length: 0", "", ""]
        wire.send("\r\n".join(lines).encode())
        assert 400 <= wire.read_head().status < 500


@pytest.mark.parametrize("how", ["by path", "by host"])
@pytest.mark.parametrize("wrong", ["api", "stage", "deeper", "no stage"])
def test_unknown_addresses_are_forbidden(gateway, echo, how, wrong):
    api = "nosuchapi1" if wrong == "api" else echo.id
    tail = {"stage": "/nope", "deeper": "/dev/more", "no stage": ""}.get(wrong, "/dev")
    if how == "by path":
        answer = handshake(gateway, f"/_aws/execute-api/{api}{tail}", UPGRADE)
    else:
        answer = handshake(gateway, tail or "/", upgrade(replaced={"Host": f"{api}.execute-api.localhost"}))
    assert answer.status == 403
    assert answer.header("x-amzn-ErrorType") == "ForbiddenException"
    assert json.loads(answer.body)["message"] == "Forbidden"


def test_a_stage_without_a_deployment_is_forbidden(gateway):
    api = Api(gateway)
    api.client.create_stage(ApiId=api.id, StageName="dev")
    assert handshake(gateway, api.target, UPGRADE).status == 403


@pytest.mark.parametrize("reused", [False, True], ids=["first request", "second request"])
@pytest.mark.parametrize(
    ("query", "added", "status"),
    [
        ("?x=" + "a" * 5000, [], 414),
        ("", [("X-Large", "a" * 17_000)], 431),
        ("", [("X-Large", "a" * 100_000)], 431),
        ("", [(f"X-{n}", "a" * 250) for n in range(90)], 431),
    ],
    ids=["url", "header just too large", "header far too large", "headers"],
)
def test_large_urls_and_headers_are_refused(gateway, echo, query, added, status, reused):
    lines = [f"GET {echo.target}{query} HTTP/1.1", *(f"{name}: {value}" for name, value in upgrade(added=added)), "", ""]
    with Wire(gateway.port) as wire:
        if reused:
            assert wire.request("GET", "/_health").status == 200
        wire.send("\r\n".join(lines).encode())
        assert wire.read_head().status == status


def send_without_end(wire, start, piece):
    """Sends `start`, then `piece` again and again, 64 MiB at most, for as long as it is taken."""
    try:
        wire.send(start)
        for _ in range((64 << 20) // len(piece)):
            wire.send(piece)
    except OSError:
        # Cut off, which is what we are after; its answer may have come before.
        return


def memory_kib(gateway):
    """What the process holds in memory of its own."""
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1))


@pytest.mark.parametrize(
    ("start", "piece", "status"),
    [
        (b"GET /x HTTP/1.1\r\nHost: x\r\n", b"X-Endless: " + b"a" * 65_536 + b"\r\n", 431),
        (b"GET /x HTTP/1.1\r\nHost: x\r\nX-Endless: ", b"a" * 65_536, 431),
        (b"GET /", b"a" * 65_536, 431),
        (b"POST /v2/apis HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1073741824\r\n\r\n", b"a" * 65_536, 413),
        (b"POST /v2/apis HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"a" * 65_536 + b"\r\n", 413),
    ],
    ids=["headers", "one header", "a URL", "a body", "chunks"],
)
def test_a_request_without_an_end_is_refused_and_kept_nowhere(gateway, start, piece, status):
    before = memory_kib(gateway)
    with Wire(gateway.port) as wire:
        send_without_end(wire, start, piece)
        assert wire.read_head().status == status
    assert memory_kib(gateway) - before < 16 * 1024


GARBAGE = {
    "not http": b"\x00\x01\x02\x03\r\n\r\n",
    "tls": bytes.fromhex("16030100c8010000c40303") + b"a" * 200,
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 9,
    "a bad version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "a bad header": b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
    "a null in a header": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "a space in the target": b"GET /a b c HTTP/1.1\r\nHost: x\r\n\r\n",
    "a bad percent": b"GET /_aws/execute-api/%zz/%f/@connections/%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n",
    "two lengths": b"POST /v2/apis HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}",
    "a negative length": b"POST /v2/apis HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    "a bad chunk": b"POST /v2/apis HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a smuggled request": b"POST /v2/apis HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v2/apis HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused_or_cut_off(gateway, name):
    with Wire(gateway.port) as wire:
        wire.send(GARBAGE[name])
        wire.socket.shutdown(socket.SHUT_WR)
        said = wire.read_to_end()
    assert said == b"" or said.startswith(b"HTTP/1.") and said.split()[1].startswith(b"4"), said[:200]


def open_sockets(gateway):
    """How many sockets the process has open, its listeners among them."""
    folder = Path(f"/proc/{gateway.process.pid}/fd")
    count = 0
    for descriptor in folder.iterdir():
        try:
            count += os.readlink(descriptor).startswith("socket:")
        except FileNotFoundError:
            # Closed since the folder was read.
            continue
    return count


def beginnings(echo):
    """A handshake and a message behind it, cut off in all kinds of places; whether the client was let in by then."""
    head = "\r\n".join([f"GET {echo.target} HTTP/1.1", *(f"{name}: {value}" for name, value in UPGRADE), "", ""]).encode()
    whole = head + encode(TEXT, b"hello")
    for length in (0, 1, 10, len(head) // 2, len(head) - 1, len(head), len(head) + 1, len(whole) - 3):
        yield whole[:length], length >= len(head)


@pytest.fixture
def impatient(start_gateway):
    """A program that waits for nobody for long."""
    return start_gateway("--limit", "handshake-timeout=500ms", "--limit", "idle-timeout=500ms", "--limit", "close-timeout=500ms")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open sockets are counted in /proc")
@pytest.mark.parametrize("how", ["vanishes", "falls silent"])
def test_a_client_that_stops_in_the_middle_of_anything_is_let_go(impatient, backend, path, how):
    """Its socket is closed, and whoever was let in has its $disconnect, once."""
    api = Api(impatient)
    for route in ("$connect", "$disconnect"):
        api.route(route, api.integration("HTTP_PROXY", f"{backend.url}{path}/{route[1:]}"))
    api.route("$default", api.integration("MOCK"))
    api.deploy()
    # Calls to the backend keep a connection for some seconds, which is none of a client's.
    before = open_sockets(impatient)
    since = backend.mark()
    let_in = 0
    wires = []
    for sent, is_in in beginnings(api):
        wire = Wire(impatient.port)
        wires.append(wire)
        wire.send(sent)
        if is_in:
            assert wire.read_head().status == 101
            let_in += 1
        if how == "vanishes":
            wire.reset()
    for wire in wires if how == "falls silent" else ():
        # To its end, a close frame or an answer before it, while this side keeps the socket open.
        wire.read_to_end()
    backend.wait_for(f"{path}/disconnect", count=let_in, since=since)
    until(lambda: open_sockets(impatient) <= before, "the sockets of clients that are gone to be closed")
    assert len(backend.seen(f"{path}/disconnect", since)) == let_in
    for wire in wires:
        wire.close()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (encode(TEXT, b"\xff\xfe"), 1007),
        (encode(TEXT, b"\xc3"), 1007),
        (encode(TEXT, b"x", rsv=4), 1002),
        (encode(TEXT, b"x", rsv=2), 1002),
        (encode(TEXT, b"x", rsv=1), 1002),
        (encode(TEXT, b"x", mask=False), 1002),
        (encode(PING, b"x", mask=False), 1002),
        (encode(3, b"x"), 1002),
        (encode(11, b"x"), 1002),
        (encode(CONTINUATION, b"x"), 1002),
        (encode(TEXT, b"x", fin=False) + encode(TEXT, b"y"), 1002),
        (encode(PING, b"x", fin=False), 1002),
        (encode(PING, b"x" * 126), 1002),
        (encode(CLOSE, b"x"), 1002),
        (encode(CLOSE, close_payload(1005)), 1002),
        (encode(CLOSE, close_payload(1000, b"\xff")), 1007),
        (encode(BINARY, b"x"), 1003),
        (encode(BINARY, b"", fin=False), 1003),
        (encode(TEXT, b"a" * 32_769), 1009),
        # A length with its highest bit set is no length.
        (b"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x05" + b"\0" * 4 + b"hello", 1002),
    ],
)
def test_bad_frames_close_with_their_code(gateway, echo, data, code):
    with RawClient(gateway.port, echo.target) as client:
        client.send(data)
        frame, before = client.read_close()
        assert frame.code == code
        assert not before


BAD_BODIES = {
    "not json": b"{name",
    "empty": b"",
    "a list": b"[]",
    "a string": b'"x"',
    "a number": b"1",
    "not utf-8": b'{"name":"\xff"}',
    "deep": b'{"name":' * 10_000,
    "a number as name": b'{"name":1,"protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action"}',
    "a list as tags": b'{"name":"x","protocolType":"WEBSOCKET","routeSelectionExpression":"x","tags":[]}',
    "a bad enumeration": b'{"name":"x","protocolType":"SMTP","routeSelectionExpression":"x"}',
    "a name that is too long": b'{"name":"' + b"x" * 129 + b'","protocolType":"WEBSOCKET","routeSelectionExpression":"x"}',
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_bad_body_for_the_control_plane_is_400_with_a_message(gateway, name):
    before = len(control(gateway.url).get_apis(MaxResults="500")["Items"])
    with Wire(gateway.port) as wire:
        answer = wire.request("POST", "/v2/apis", [("Content-Type", "application/json")], BAD_BODIES[name])
    assert answer.status == 400
    assert answer.header("x-amzn-ErrorType") in ("BadRequestException", "SerializationException")
    assert json.loads(answer.body)["message"]
    assert len(control(gateway.url).get_apis(MaxResults="500")["Items"]) == before


def test_a_body_of_the_wrong_type_names_the_member(gateway):
    with Wire(gateway.port) as wire:
        answer = wire.request("POST", "/v2/apis", body=BAD_BODIES["a number as name"])
    assert "name" in json.loads(answer.body)["message"]


def test_a_web_page_from_elsewhere_cannot_change_the_gateway(gateway):
    body = b'{"name": "x", "protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"}'
    here = f"127.0.0.1:{gateway.port}"
    for origin, status in ((f"http://{here}", 201), ("https://evil.example", 403), ("null", 403)):
        with Wire(gateway.port) as wire:
            answer = wire.request("POST", "/v2/apis", [("Host", here), ("Origin", origin)], body)
        assert answer.status == status, origin


@pytest.mark.parametrize(
    "target", ["/v2", "/v2/", "/v2/nothing", "/v2/apis/x/y/z/1/2/3", "/v2/apis//routes", "/v2/%2e%2e/x", "/v2/tags/%ff"]
)
def test_an_unknown_path_of_the_control_plane_is_an_error_with_a_message(gateway, target):
    with Wire(gateway.port) as wire:
        answer = wire.request("GET", target)
    assert 400 <= answer.status < 500
    assert json.loads(answer.body)["message"]


@pytest.mark.parametrize(
    "tail", ["@connections", "@connections/", "@connections/a/b", "@connections/%00", "@connections/%", "@connections/" + "a" * 3000]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_garbage_on_connections_is_an_error(gateway, echo, method, tail):
    with Wire(gateway.port) as wire:
        answer = wire.request(method, f"{echo.target}/{tail}", body=b"\x00\xff" if method == "POST" else b"")
    assert 400 <= answer.status < 500


def test_a_push_that_stops_in_the_middle_delivers_nothing(gateway, backend):
    api = Api(gateway)
    known = {"integration.request.header.connectionId": "context.connectionId"}
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}/half/connect", RequestParameters=known))
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        connection_id = backend.wait_for("/half/connect")[0].header("connectionId")
        with Wire(gateway.port) as wire:
            wire.send(f"POST {api.target}/@connections/{connection_id} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf".encode())
            wire.reset()
        with Wire(gateway.port) as wire:
            assert wire.request("POST", f"{api.target}/@connections/{connection_id}", body=b"whole").status == 200
        assert client.read_text() == "whole"


BAD_ANSWERS = {
    "closes without a word": Answer(raw=b"", then="close"),
    "resets": Answer(raw=b"", then="reset"),
    "closes in the headers": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Le", then="close"),
    "closes in the body": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it", then="close"),
    "resets in the body": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it", then="reset"),
    "closes in a chunk": Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf", then="close"),
    "sends a bad chunk": Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n", then="close"),
    "speaks something else": Answer(raw=b"220 mail.example ESMTP ready\r\n" * 3, then="close"),
    "sends null bytes": Answer(raw=b"\x00" * 4096, then="close"),
    "sends a bad status": Answer(raw=b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", then="close"),
    "sends a bad length": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", then="close"),
    "sends headers without an end": Answer(
        raw=b"HTTP/1.1 200 OK\r\n" + b"X-Endless: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 50_000, then="close"
    ),
    "claims a body of exabytes": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\nx", then="close"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_a_backend_that_answers_badly_is_an_error_frame_and_a_refused_connect(gateway, backend, path, name):
    backend.answers[path] = BAD_ANSWERS[name]
    api = Api(gateway)
    integration = api.integration("HTTP_PROXY", backend.url + path, TimeoutInMillis=2000)
    api.route("bad", integration, two_way=True)
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/echo"), two_way=True)
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        assert client.ask('{"action":"bad"}').startswith('{"message": "Internal server error", "connectionId":"')
        assert client.ask("still here") == "still here"
        api.route("$connect", integration)
        api.deploy()
        with RawClient(gateway.port, api.target) as refused:
            assert refused.handshake.status in (502, 504), refused.handshake
        assert client.ask("still here") == "still here"


def test_a_body_without_an_end_is_bounded_by_the_timeout_or_the_size(gateway, backend, path):
    backend.answers[path] = Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", then="stall")
    api = Api(gateway)
    api.route("$default", api.integration("HTTP_PROXY", backend.url + path, TimeoutInMillis=300), two_way=True)
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        assert client.ask("x").startswith('{"message": "Endpoint request timed out", "connectionId":"')
