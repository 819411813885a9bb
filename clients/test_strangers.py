"""Who has no business here: foreign pages, clients that send or read nothing, other users of the machine."""

import http.client
import os
import resource
import select
import signal
import socket
import subprocess
import threading

import pytest

from harness.aws import Api, control
from harness.backend import Answer
from harness.frames import RawClient
from harness.until import until


def ask(port, method, path, headers, body=b"", version="1.1"):
    """One raw request; status and body of its answer."""
    head = f"{method} {path} HTTP/{version}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = http.client.HTTPResponse(wire)
        answer.begin()
        # A feed has no end.
        body = "" if answer.getheader("content-type") == "text/event-stream" else answer.read().decode()
        return answer.status, body


ADMIN = ["/v2/apis", "/apikeys", "/_metrics", "/_gatewright/v1/log", "/"]


@pytest.mark.parametrize("path", ADMIN)
def test_what_a_foreign_page_sends_is_refused_with_a_sentence(gateway, path):
    here = f"127.0.0.1:{gateway.port}"
    for headers, part in (
        ([("Host", "evil.com"), ("Origin", "http://evil.com")], "--allow-host evil.com"),
        ([("Host", f"evil.com:{gateway.port}")], "--allow-host evil.com"),
        ([("Host", here), ("Origin", "http://evil.com")], "a page of http://evil.com"),
        ([("Host", here), ("Sec-Fetch-Site", "cross-site")], "Sec-Fetch-Site: cross-site"),
        ([("Host", here), ("Origin", f"http://{here}"), ("Origin", "http://evil.com")], "several Origin"),
    ):
        status, body = ask(gateway.port, "GET", path, headers)
        assert status == 403 and part in body, (path, headers, status, body)
    for target, headers in ((f"http://evil.com{path}", [("Host", here)]), (path, []), (path, [("Host", here), ("Host", here)])):
        assert ask(gateway.port, "GET", target, headers)[0] == 400, (target, headers)
    assert ask(gateway.port, "GET", path, [("Host", here)])[0] == 200
    assert ask(gateway.port, "GET", path, [("Host", f"localhost:{gateway.port}"), ("Sec-Fetch-Site", "same-origin")])[0] == 200


def test_a_foreign_page_pushes_nothing_and_creates_nothing(gateway, echo):
    here = f"127.0.0.1:{gateway.port}"
    before = len(control(gateway.url).get_apis()["Items"])
    body = b'{"name":"evil","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action"}'
    for headers in ([("Host", "evil.com"), ("Origin", "http://evil.com")], [("Host", here), ("Sec-Fetch-Site", "cross-site")]):
        assert ask(gateway.port, "POST", "/v2/apis", headers, body)[0] == 403
    assert len(control(gateway.url).get_apis()["Items"]) == before
    push = f"/_aws/execute-api/{echo.id}/{echo.stage}/@connections/abcdefghijklmno="
    assert ask(gateway.port, "POST", push, [("Host", here), ("Origin", "http://evil.com")], b"x")[0] == 403
    assert ask(gateway.port, "POST", push, [("Host", "any.name")], b"x")[0] in (400, 410)


def test_a_name_can_be_allowed_and_health_is_asked_under_any(start_gateway):
    gateway = start_gateway("--allow-host", "gateway.internal")
    assert ask(gateway.port, "GET", "/v2/apis", [("Host", "Gateway.Internal:80")])[0] == 200
    assert ask(gateway.port, "GET", "/v2/apis", [("Host", "other.internal")])[0] == 403
    assert ask(gateway.port, "GET", "/_health", [("Host", "other.internal")])[0] == 200


def test_pages_push_under_the_owners_names_only(start_gateway):
    """A page of a name that anybody could let lead here pushes nothing; one of the owner's names does, a backend under any."""
    gateway = start_gateway("--public-url", "https://chat.example.com", "--allow-host", "gateway.internal")
    api = Api(gateway, name="pushed")
    api.route("$default", api.integration("MOCK"))
    api.deploy()
    api.client.create_domain_name(
        DomainName="ws.example.com", DomainNameConfigurations=[{"CertificateArn": "arn:aws:acm:us-east-1:1:certificate/c"}]
    )
    api.client.create_api_mapping(DomainName="ws.example.com", ApiId=api.id, Stage=api.stage)
    with RawClient(gateway.port, f"/_aws/execute-api/{api.id}/{api.stage}") as client:
        there = client.ask('{"who":"am I"}')
        assert "connectionId" in there
        gone = "@connections/abcdefghijklmno="
        path = f"/_aws/execute-api/{api.id}/{api.stage}/{gone}"
        for host, target, is_own in (
            ("evil.com", path, False),
            (f"{api.id}.execute-api.evil.com", f"/{api.stage}/{gone}", False),
            (f"127.0.0.1:{gateway.port}", path, True),
            ("chat.example.com", path, True),
            ("gateway.internal:80", path, True),
            (f"{api.id}.execute-api.localhost", f"/{api.stage}/{gone}", True),
            ("ws.example.com", f"/{gone}", True),
        ):
            for sent in (("Origin", f"http://{host}"), ("Sec-Fetch-Site", "same-origin")):
                status, body = ask(gateway.port, "POST", target, [("Host", host), sent], b"x")
                assert (status == 403) != is_own and ("--allow-host" in body) != is_own, (host, sent, status, body)
            status, body = ask(gateway.port, "POST", target, [("Host", host)], b"x")
            assert status in (400, 410), (host, status, body)
    # The public name is for clients and pushes, not for the control plane.
    assert ask(gateway.port, "GET", "/v2/apis", [("Host", "chat.example.com")])[0] == 403


def test_sixty_four_foreign_readers_do_not_lock_the_owner_out_of_the_feed(gateway):
    here = f"127.0.0.1:{gateway.port}"
    for _ in range(100):
        assert ask(gateway.port, "GET", "/_gatewright/v1/log", [("Host", here), ("Origin", "http://evil.com")])[0] == 403
    assert ask(gateway.port, "GET", "/_gatewright/v1/log", [("Host", here)])[0] == 200


def test_other_users_of_the_machine_read_neither_keys_nor_logs(start_gateway, tmp_path):
    old = os.umask(0o022)
    try:
        data = tmp_path / "data"
        gateway = start_gateway("--access-log", str(tmp_path / "logs/{log-group}.log"), data_dir=data)
        assert (data.stat().st_mode & 0o777, (data / "gatewright.redb").stat().st_mode & 0o777) == (0o700, 0o600)
        gateway.stop()
        data.chmod(0o755)
        again = start_gateway(data_dir=data)
        again.wait_for_line(lambda line: f"chmod 0700 {data}" in line, "the warning about the folder's mode")
    finally:
        os.umask(old)


def test_posts_that_are_refused_anyway_are_not_read(gateway, echo):
    """Four hundred unfinished posts of a megabyte to an API that does not exist are answered at once and hold nothing."""
    wires = []
    try:
        for _ in range(400):
            wire = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
            wires.append(wire)
            path = "/_aws/execute-api/nosuchapi0/dev/@connections"
            wire.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n".encode() + b"x" * 1000)
        for wire in wires:
            assert wire.recv(4096).startswith(b"HTTP/1.1 403"), "answered before its body came"
    finally:
        for wire in wires:
            wire.close()


def test_unfinished_pushes_do_not_lock_out_the_control_plane(gateway, echo):
    """Pushes that hold all the memory there is for them: changes are still taken."""
    path = f"/_aws/execute-api/{echo.id}/{echo.stage}/@connections/abcdefghijklmno="
    size = 128 * 1024
    wires = []
    try:
        for _ in range(600):
            wire = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
            wires.append(wire)
            head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n\r\n"
            try:
                wire.sendall(head.encode() + b"x" * (size - 1))
            except OSError:
                # Refused already, since the others hold everything.
                pass
        # 64 MiB have room for 512 of them. On a machine that takes seconds to read them some are let go, which is an answer, too.
        answers = select.poll()
        for wire in wires:
            answers.register(wire, select.POLLIN)
        while len(answers.poll()) < len(wires) - 512:
            pass
        # As long as what those left that were refused.
        body = b'{"name":"meanwhile","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action"}'
        status, answer = ask(gateway.port, "POST", "/v2/apis", [("Host", "127.0.0.1")], body + b" " * 1_000_000)
        assert status == 201, answer
    finally:
        for wire in wires:
            wire.close()


def test_pushes_that_drip_do_not_lock_out_other_pushes(gateway, echo):
    """Pushes that hold all the memory there is for them, and go on byte by byte: they give way to one that comes whole."""
    path = f"/_aws/execute-api/{echo.id}/{echo.stage}/@connections/abcdefghijklmno="
    size, dripped = 128 * 1024, 4000
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n\r\n".encode()
    wires = [socket.create_connection(("127.0.0.1", gateway.port), timeout=10) for _ in range(400)]
    try:
        for wire in wires:
            try:
                wire.sendall(head + b"x" * (size - dripped))
            except OSError:
                # Refused already, since the others hold everything.
                pass
        # 32 MiB have room for 262 of them: the others are refused once these hold everything.
        answers = select.poll()
        for wire in wires:
            answers.register(wire, select.POLLIN)
        until(lambda: len(answers.poll(0)) >= len(wires) - 262, "the budget to be used up")

        def comes_through():
            for wire in wires:
                try:
                    wire.send(b"x")
                except OSError:
                    pass
            status, answer = ask(gateway.port, "POST", path, [("Host", "127.0.0.1")], b"x" * size)
            assert status in (410, 503), answer
            return status == 410

        until(comes_through, "a push that comes whole to be read")
    finally:
        for wire in wires:
            wire.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted in /proc")
def test_calls_that_come_thick_start_no_more_threads_than_are_needed(gateway):
    """Pipelines of calls from forty clients: as many threads as calls may be under way, and those of the data plane."""
    call = f"GET /v2/apis HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\n\r\n".encode()
    wires = [socket.create_connection(("127.0.0.1", gateway.port), timeout=10) for _ in range(40)]
    try:
        for wire in wires:
            wire.sendall(call * 1000)
        for wire in wires:
            left = 100_000
            while left > 0:
                left -= len(wire.recv(65_536))
        assert len(os.listdir(f"/proc/{gateway.process.pid}/task")) <= 64 + os.cpu_count() + 16
    finally:
        for wire in wires:
            wire.close()


@pytest.mark.parametrize("crowded", ["listen", "admin"])
def test_few_open_files_leave_room_for_the_backend(tmp_path, backend, crowded):
    """Silent sockets up to the limit of open files, at either address: messages still reach the backend."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWRIGHT_")}
    options = ["--admin", "127.0.0.1:0"] if crowded == "admin" else []
    process = subprocess.Popen(
        [os.environ["GATEWRIGHT_BIN"], "serve", "--listen", "127.0.0.1:0", "--ephemeral", "--backend", f"{backend.url}/echo", *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    )  # fmt: skip
    wires = []
    try:
        seen = ""
        awaited = ["ready on http://127.0.0.1:"] + (["control plane  http://127.0.0.1:"] if options else [])
        while not all(part in seen for part in awaited):
            line = process.stdout.readline()
            assert line, seen
            seen += line
        assert "64 files may be open" in seen, seen
        ports = [int(seen.rsplit(part, 1)[1].split()[0]) for part in awaited]
        client = RawClient(ports[0], "/_aws/execute-api/gatewright/dev")
        wires.append(client)
        wires.extend(socket.create_connection(("127.0.0.1", ports[-1]), timeout=10) for _ in range(80))
        for number in range(20):
            assert client.ask(f'{{"n":{number}}}') == f'{{"n":{number}}}'
        if options:
            assert ask(ports[0], "GET", "/_health", [("Host", "localhost")])[0] == 200
    finally:
        for wire in wires:
            wire.close()
        process.send_signal(signal.SIGTERM)
        process.wait(40)


def test_changes_are_refused_while_the_gateway_stops(start_gateway, backend, path):
    gateway = start_gateway()
    api = Api(gateway, name="slow")
    api.route("$disconnect", api.integration("HTTP_PROXY", f"{backend.url}{path}"))
    api.route("$default", api.integration("MOCK"))
    hold = threading.Event()
    backend.answers[path] = Answer(hold=hold)
    kept = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    kept.request("GET", "/v2/apis")
    kept.getresponse().read()
    change = b'{"name":"later","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action"}'
    begun = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
    with begun, RawClient(gateway.port, api.deploy().target) as client:
        assert client.handshake.status == 101
        # A change whose body is awaited when the stop begins.
        length = f"Content-Length: {len(change)}"
        begun.sendall(f"POST /v2/apis HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n{length}\r\n\r\n".encode())
        assert begun.recv(4096).startswith(b"HTTP/1.1 100")
        gateway.process.send_signal(signal.SIGTERM)
        client.read_close()
        client.close()
        # Its $disconnect is under way: the gateway is stopping, and will be until the backend answers.
        backend.wait_for(path)
        begun.sendall(change)
        answer = http.client.HTTPResponse(begun)
        answer.begin()
        assert (answer.status, b"stopping" in answer.read()) == (503, True)
        kept.request("POST", "/v2/apis", b'{"name":"late","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action"}')
        answer = kept.getresponse()
        assert (answer.status, b"stopping" in answer.read()) == (503, True)
    hold.set()
    gateway.stop()
