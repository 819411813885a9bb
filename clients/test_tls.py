"""TLS on the public address: real clients, the certificate of the name that they ask for, and TLS towards backends."""

import os
import re
import socket
import ssl
import subprocess

import pytest
import trustme
from websockets.exceptions import ConnectionClosedOK

from harness.aws import Api, management
from harness.backend import Answer
from harness.clients import node_environment, node_modules, open_websocket
from harness.until import PATIENCE, until


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def written(certificate, folder, name):
    """A certificate's two files."""
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    return chain, key


@pytest.fixture(scope="module")
def secure(authority, start_gateway, tmp_path_factory):
    """A program whose public address speaks TLS, with a certificate for everybody and one for a domain name."""
    folder = tmp_path_factory.mktemp("tls")
    chain, key = written(authority.issue_cert("127.0.0.1", "localhost"), folder, "default")
    named, named_key = written(authority.issue_cert("ws.example.com"), folder, "named")
    settings = folder / "gatewright.toml"
    settings.write_text(f'[certificates."ws.example.com"]\ncert = "{named}"\nkey = "{named_key}"\n')
    options = ["--config", str(settings), "--tls-cert", str(chain), "--tls-key", str(key), "--admin", "127.0.0.1:0"]
    gateway = start_gateway(*options)
    line = gateway.wait_for_line(lambda line: "ready on https" in line, "the public address")
    gateway.tls_port = int(re.search(r"https://127\.0\.0\.1:(\d+)", line).group(1))
    return gateway


@pytest.fixture(scope="module")
def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def api(secure, backend):
    api = Api(secure)
    for key in ("$connect", "$disconnect", "$default"):
        api.route(key, api.integration("HTTP_PROXY", f"{backend.url}/{api.id}/{key[1:]}"), two_way=key == "$default")
    return api.deploy()


def url(api):
    return f"wss://127.0.0.1:{api.gateway.tls_port}{api.target}"


def test_messages_of_every_size_go_there_and_back_under_tls(api, backend, trusting):
    since = backend.mark()
    with open_websocket(url(api), ssl=trusting) as client:
        for size in (0, 1, 125, 126, 16_000, 32_768):
            client.send("x" * size)
            if size:
                assert client.recv(timeout=PATIENCE) == "x" * size
        assert client.ping().wait(PATIENCE)
        client.close(4000, "enough")
    connect, = backend.wait_for(lambda request: request.path == f"/{api.id}/connect", since=since)
    assert connect.header("X-Forwarded-Proto") == "https"
    assert connect.header("X-Forwarded-Port") == str(api.gateway.tls_port)
    backend.wait_for(lambda request: request.path == f"/{api.id}/disconnect", since=since)


def test_a_backend_pushes_and_closes_over_https(api, backend, trusting, authority, tmp_path, monkeypatch):
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    backend.answers[f"/{api.id}/default"] = lambda request: Answer(body=request.header("connectionId") or "none")
    with open_websocket(url(api), ssl=trusting) as client:
        backend.wait_for(lambda request: request.path == f"/{api.id}/connect")
        line = api.gateway.wait_for_log("is connecting to WebSocket API", apiId=api.id)
        calls = management(f"https://127.0.0.1:{api.gateway.tls_port}{api.target}")
        big = "y" * 131_072
        until(lambda: posted(calls, line["connectionId"], big), "the connection to take a message")
        assert client.recv(timeout=PATIENCE) == big
        calls.delete_connection(ConnectionId=line["connectionId"])
        with pytest.raises(ConnectionClosedOK):
            client.recv(timeout=PATIENCE)


def posted(calls, connection_id, data):
    try:
        calls.post_to_connection(ConnectionId=connection_id, Data=data)
    except calls.exceptions.GoneException:
        return False
    return True


def test_a_name_gets_its_own_certificate(secure, trusting):
    for name, expected in (("ws.example.com", "ws.example.com"), ("localhost", "localhost")):
        with socket.create_connection(("127.0.0.1", secure.tls_port), timeout=PATIENCE) as tcp:
            with trusting.wrap_socket(tcp, server_hostname=name) as tls:
                names = [value for _, value in tls.getpeercert()["subjectAltName"]]
                assert expected in names
                assert tls.version() in ("TLSv1.2", "TLSv1.3")


def test_clear_text_is_refused_and_hurts_nobody(api, trusting):
    with socket.create_connection(("127.0.0.1", api.gateway.tls_port), timeout=PATIENCE) as tcp:
        tcp.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        tcp.settimeout(PATIENCE)
        assert b"HTTP/1.1 200" not in tcp.recv(1024)
    with open_websocket(url(api), ssl=trusting) as client:
        client.send("still")
        assert client.recv(timeout=PATIENCE) == "still"


def test_nodes_ws_speaks_to_it(api, authority, tmp_path):
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    script = """
const WebSocket = require('ws');
const socket = new WebSocket(process.argv[1], { ca: require('fs').readFileSync(process.argv[2]) });
socket.on('open', () => socket.send('z'.repeat(20000)));
socket.on('message', (data) => { console.log(data.length); socket.close(1000); });
socket.on('close', (code) => process.exit(code === 1000 ? 0 : 1));
socket.on('error', (error) => { console.log(String(error)); process.exit(2); });
"""
    done = subprocess.run(
        ["node", "-e", script, url(api), str(bundle)],
        env=node_environment(),
        cwd=node_modules().parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "20000"), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--tls-cert", "nowhere.pem", "--tls-key", "nowhere.key"], "tls-cert: nowhere.pem"),
        (["--tls-cert", "nowhere.pem"], "tls-key is missing"),
        (["--tls-cert", __file__, "--tls-key", __file__], "it holds no certificate"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_named(options, part, tmp_path):
    command = [os.environ["GATEWRIGHT_BIN"], "serve", "--listen", "127.0.0.1:0", "--ephemeral", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 78 and part in done.stdout + done.stderr, done.stdout + done.stderr
