"""Behind a proxy: Debian's nginx and HAProxy, with headers and with both versions of the PROXY protocol."""

import contextlib
import json
import os
import re
import ssl
import struct
import subprocess

import pytest
import trustme
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.aws import REGION, Api
from harness.frames import RawClient, Wire
from harness.metrics import Metrics
from harness.proxies import PROXY, haproxy, nginx
from harness.until import until

# Addresses of this machine: those of two clients.
CLIENT, OTHER = "127.0.0.2", "127.0.0.3"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    issued = authority.issue_cert("127.0.0.1")
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return chain, key


@pytest.fixture(scope="module")
def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def deployed(gateway, backend, path):
    api = Api(gateway)
    seen = {f"integration.request.header.{name}": f"context.{name}" for name in ("connectionId", "domainName", "stage")}
    seen["integration.request.header.sourceIp"] = "context.identity.sourceIp"
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}{path}", RequestParameters=seen))
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/echo"), two_way=True)
    return api.deploy()


def connected(backend, path, since):
    """The `$connect` request that reached the backend."""
    request, = backend.wait_for(lambda request: request.path == path, since=since)
    return request


BY_HEADER = ["--trusted-proxies", PROXY]
BY_PROTOCOL = [*BY_HEADER, "--proxy-protocol"]


@pytest.mark.parametrize(
    "options, proxy, at_proxy, at_gateway",
    [
        (BY_HEADER, lambda *given, **rest: nginx(*given, **rest), False, False),
        (BY_HEADER, lambda *given, **rest: nginx(*given, **rest), True, False),
        (BY_HEADER, lambda *given, **rest: haproxy(*given, mode="http", **rest), False, False),
        (BY_HEADER, lambda *given, **rest: haproxy(*given, mode="http", **rest), True, False),
        (BY_PROTOCOL, lambda *given, **rest: haproxy(*given, send="send-proxy", **rest), False, False),
        (BY_PROTOCOL, lambda *given, **rest: haproxy(*given, send="send-proxy", **rest), False, True),
        (BY_PROTOCOL, lambda *given, **rest: haproxy(*given, send="send-proxy-v2", **rest), False, False),
        (BY_PROTOCOL, lambda *given, **rest: haproxy(*given, send="send-proxy-v2", **rest), False, True),
        (BY_PROTOCOL, lambda *given, **rest: haproxy(*given, send="send-proxy-v2-ssl proxy-v2-options unique-id,crc32c", **rest), True, False),
    ],
    ids=["nginx", "nginx-tls", "haproxy-http", "haproxy-http-tls", "proxy-1", "proxy-1-tls-here", "proxy-2", "proxy-2-tls-here", "proxy-2-tls-there"],
)  # fmt: skip
def test_the_client_is_who_stands_before_the_proxy(start_gateway, backend, path, tmp_path, certificate, trusting, options, proxy, at_proxy, at_gateway):
    options = [*options, "--admin", "127.0.0.1:0"]
    if at_gateway:
        options += ["--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1])]
    gateway = start_gateway(*options)
    scheme = "https" if at_gateway else "http"
    line = gateway.wait_for_line(lambda line: f"ready on {scheme}" in line, "the public address")
    public = int(re.search(rf"ready on {scheme}://127\.0\.0\.1:(\d+)", line).group(1))
    if not at_gateway:
        line = gateway.wait_for_line(lambda line: "control plane" in line, "the admin address")
        gateway.url = re.search(r"http://127\.0\.0\.1:\d+", line).group()
    api = deployed(gateway, backend, path)
    since = backend.mark()
    tls = trusting if at_proxy or at_gateway else None
    with proxy(tmp_path, public, certificate=certificate if at_proxy else None) as port:
        with RawClient(port, api.target, source=CLIENT, tls=tls) as client:
            assert client.handshake.status == 101
            connect = connected(backend, path, since)
            known = {name: connect.header(name) for name in ("X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "sourceIp", "domainName")}
            assert known == {
                "X-Forwarded-For": CLIENT,
                "X-Forwarded-Port": str(port),
                "X-Forwarded-Proto": "https" if tls else "http",
                "sourceIp": CLIENT,
                "domainName": f"127.0.0.1:{port}/_aws/execute-api/{api.id}",
            }
            assert client.ask('{"a": 1}') == '{"a": 1}'
            # The address that the backend made of it leads back, through the proxy.
            callback = f"/_aws/execute-api/{api.id}/{connect.header('stage')}/@connections/{connect.header('connectionId')}"
            with Wire(port, source=OTHER, tls=tls) as backends:
                assert backends.request("POST", callback, [("Host", known["domainName"].split("/")[0])], b"pushed").status == 200
                assert client.read_text() == "pushed"
                answer = backends.request("GET", callback, [("Host", known["domainName"].split("/")[0])])
                assert json.loads(answer.body)["identity"]["sourceIp"] == CLIENT
            # What a client itself says of others stands where it would without a proxy.
            since = backend.mark()
            with RawClient(port, api.target, [("X-Forwarded-For", "6.6.6.6")], source=OTHER, tls=tls):
                connect = connected(backend, path, since)
                assert connect.all("X-Forwarded-For") == [f"6.6.6.6, {OTHER}"] and connect.header("sourceIp") == OTHER


def test_headers_of_others_are_what_they_are(start_gateway, backend, path):
    gateway = start_gateway("--trusted-proxies", "10.0.0.0/8,fd00::/8")
    api = deployed(gateway, backend, path)
    since = backend.mark()
    headers = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "443")]
    with RawClient(gateway.port, api.target, headers, source=CLIENT):
        connect = connected(backend, path, since)
        assert connect.header("sourceIp") == CLIENT
        assert [connect.header(f"X-Forwarded-{name}") for name in ("For", "Proto", "Port")] == [f"6.6.6.6, {CLIENT}", "http", str(gateway.port)]


def version_2(source, to, more=b"", command=0x21):
    addresses = bytes(int(part) for ip in (source, to) for part in ip.split(".")) + struct.pack("!HH", 5000, 443) + more
    return SIGNATURE + bytes([command, 0x11]) + struct.pack("!H", len(addresses)) + addresses


def test_a_trusted_proxy_must_say_whose_socket_it_is(start_gateway, backend, path):
    gateway = start_gateway("--trusted-proxies", "127.0.0.8/30", "--proxy-protocol", "--limit", "handshake-timeout=500ms")
    api = deployed(gateway, backend, path)
    proxy = "127.0.0.9"
    ask = f"GET /_health HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\n\r\n".encode()
    for before, answered in (
        (b"PROXY TCP4 127.0.0.2 127.0.0.9 5000 443\r\n", True),
        (b"PROXY UNKNOWN\r\n", True),
        (version_2("127.0.0.2", "127.0.0.9"), True),
        (version_2("127.0.0.2", "127.0.0.9", more=b"\x05\x00\x02id"), True),
        (SIGNATURE + b"\x20\x00\x00\x00", True),
        (b"", False),
        (b"PROXY TCP4 127.0.0.2 127.0.0.9 5000\r\n", False),
        (b"PROXY TCP4 " + b"1" * 200, False),
        (SIGNATURE + b"\x21\x11\x00\x04\x01\x02\x03\x04", False),
        (SIGNATURE + b"\x21\x11\xff\xff", False),
    ):
        with Wire(gateway.port, source=proxy, before=before) as wire:
            if answered:
                wire.send(ask)
                assert wire.read_answer().status == 200, before
            else:
                with contextlib.suppress(OSError):
                    wire.send(ask)
                assert wire.read_to_end() == b"", before
    gateway.wait_for_line(lambda line: f"{proxy} is a trusted proxy and sent no head" in line, "the word in the log")
    # Half of it, and no more: closed when the time for handshakes is over.
    for before in (b"", b"PROXY TCP4 127.0", SIGNATURE, version_2("127.0.0.2", "127.0.0.9")[:20]):
        with Wire(gateway.port, source=proxy, before=before) as wire:
            assert wire.read_to_end() == b""
    # Others speak for themselves, and what they say of others as proxies do is malformed.
    with Wire(gateway.port, source=CLIENT) as wire:
        wire.send(ask)
        assert wire.read_answer().status == 200
    with Wire(gateway.port, source=CLIENT, before=b"PROXY TCP4 127.0.0.7 127.0.0.9 5000 443\r\n") as wire:
        wire.send(ask)
        assert wire.read_answer().status == 400
    # A byte at a time is as good.
    since = backend.mark()
    head = version_2(OTHER, "127.0.0.9")
    with Wire(gateway.port, source=proxy) as wire:
        wire.send(head, chop=1)
        key = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        wire.send(f"GET {api.target} HTTP/1.1\r\nHost: h\r\n{key}\r\n\r\n".encode())
        assert wire.read_head().status == 101
        assert connected(backend, path, since).header("sourceIp") == OTHER


def test_limits_are_the_clients_and_not_the_proxys(start_gateway, backend, path, tmp_path):
    gateway = start_gateway("--trusted-proxies", PROXY, "--limit", "connections-per-address=2")
    api = deployed(gateway, backend, path)
    with nginx(tmp_path, gateway.port) as port, contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(RawClient(port, api.target, source=CLIENT)) for _ in range(2))
        with RawClient(port, api.target, source=CLIENT) as third:
            assert third.handshake.status == 429
        with RawClient(port, api.target, source=OTHER) as other:
            assert other.handshake.status == 101
        gateway.wait_for_line(lambda line: f"{CLIENT}: it has 2 connections open" in line, "the word in the log")
        first.close_with(1000)
        first.close()

        def comes_in():
            with RawClient(port, api.target, source=CLIENT) as client:
                return client.handshake.status == 101

        until(comes_in, "the place of the client that left")
        assert second.ask('{"still": "here"}') == '{"still": "here"}'
    refused = Metrics(gateway.url).get("gatewright_refused_by_address_total", limit="connections-per-address")
    assert refused >= 1


def test_policies_see_the_client(start_gateway, tmp_path):
    """`aws:SourceIp` and `aws:SecureTransport` are the client's, in a call that nginx passes on."""
    condition = {"IpAddress": {"aws:SourceIp": f"{CLIENT}/32"}, "Bool": {"aws:SecureTransport": "false"}}
    policy = json.dumps({"Statement": {"Effect": "Allow", "Action": "apigateway:*", "Resource": "*", "Condition": condition}})
    file = tmp_path / "credentials.toml"
    file.write_text(f"[[access_key]]\nid = 'AKID'\nsecret = 'sesame'\nuser = 'one'\npolicies = ['{policy}']\n")
    gateway = start_gateway("--trusted-proxies", PROXY, "--credentials", str(file))
    with nginx(tmp_path, gateway.port) as port:
        request = AWSRequest("GET", f"http://127.0.0.1:{port}/v2/apis")
        SigV4Auth(Credentials("AKID", "sesame"), "apigateway", REGION).add_auth(request)
        headers = [("Host", f"127.0.0.1:{port}"), *request.headers.items()]
        for source, status, more in ((CLIENT, 200, []), (OTHER, 403, []), (OTHER, 403, [("X-Forwarded-For", CLIENT)])):
            with Wire(port, source=source) as wire:
                assert wire.request("GET", "/v2/apis", [*headers, *more]).status == status, (source, more)
        # Pages for which nobody signs are for the machine itself: all of loopback, and nobody behind another address.
        for client, status in ((CLIENT, 200), ("192.0.2.1", 403)):
            with Wire(gateway.port, source=PROXY) as wire:
                assert wire.request("GET", "/_metrics", [("Host", "127.0.0.1"), ("X-Forwarded-For", client)]).status == status


@pytest.mark.parametrize(
    "options, part",
    [
        (["--trusted-proxies", "10.0.0.1/8"], "`10.0.0.1/8` is no network"),
        (["--trusted-proxies", "10.0.0.0/8,proxy"], "`proxy` is no network"),
        (["--proxy-protocol"], "--trusted-proxies"),
    ],
)
def test_what_is_no_network_is_named(tmp_path, options, part):
    done = subprocess.run(
        [os.environ["GATEWRIGHT_BIN"], "config", *options], capture_output=True, text=True, cwd=tmp_path, timeout=30, check=False
    )
    assert done.returncode != 0 and part in done.stderr, done
