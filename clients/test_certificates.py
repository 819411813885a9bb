"""Certificates of the public address that change, the versions of TLS, and clients that show certificates of their own."""

import os
import re
import signal
import socket
import ssl
import subprocess

import pytest
import trustme

from harness.aws import Api
from harness.frames import RawClient
from harness.gateway import Gateway
from harness.until import PATIENCE

READ_AGAIN = "certificates are read again"
STAYS = "what was read before stays in force"
PARTS = ("subjectDN", "issuerDN", "serialNumber", "validity.notBefore", "validity.notAfter", "subjectAlternativeNames")


def put(certificate, folder, name="server"):
    """Writes a certificate's two files."""
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    return chain, key


def start(folder, *options):
    chain, key = folder / "server.pem", folder / "server.key"
    gateway = Gateway(folder / "data", "--tls-cert", str(chain), "--tls-key", str(key), "--admin", "127.0.0.1:0", *options)
    line = gateway.wait_for_line(lambda line: "ready on https" in line, "the public address")
    gateway.tls_port = int(re.search(r"https://127\.0\.0\.1:(\d+)", line).group(1))
    return gateway


@pytest.fixture
def served(tmp_path):
    """What starts programs with certificates, and ends them."""
    running = []

    def begin(certificate, *options):
        put(certificate, tmp_path)
        running.append(start(tmp_path, *options))
        return running[-1]

    yield begin
    for gateway in running:
        gateway.stop()


def trusting(authority, shown=None, highest=ssl.TLSVersion.TLSv1_3):
    context = ssl.create_default_context()
    context.maximum_version = highest
    authority.configure_trust(context)
    if shown:
        shown.configure_cert(context)
    return context


def deployed(gateway, backend, **parameters):
    api = Api(gateway)
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}/{api.id}/connect", RequestParameters=parameters))
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/{api.id}/default"), two_way=True)
    return api.deploy()


def client_of(api, context):
    """A client on one thread: a library that reads on another may meet an OpenSSL that is busy."""
    client = RawClient(api.gateway.tls_port, api.target, tls=context)
    assert client.handshake.status == 101
    return client


def greeted(gateway, context):
    """The certificate that a new client is shown, or the error that it meets."""
    with socket.create_connection(("127.0.0.1", gateway.tls_port), timeout=PATIENCE) as tcp:
        with context.wrap_socket(tcp, server_hostname="127.0.0.1") as tls:
            # Under TLS 1.3 a client is through before the server has looked at what it showed.
            tls.sendall(b"GET /_health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert tls.recv(1024).startswith(b"HTTP/1.1 200"), "what was asked is answered"
            return tls.getpeercert(binary_form=True)


def refused(gateway, context):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        greeted(gateway, context)


def test_a_certificate_that_changes_is_taken_while_clients_stay(served, backend, tmp_path):
    old, new = trustme.CA(), trustme.CA()
    gateway = served(old.issue_cert("127.0.0.1"))
    api = deployed(gateway, backend)
    with client_of(api, trusting(old)) as client:
        mark = gateway.mark()
        put(new.issue_cert("127.0.0.1"), tmp_path)
        gateway.wait_for_line(lambda line: READ_AGAIN in line and "tls-cert" in line, "the new certificate", mark)
        refused(gateway, trusting(old))
        assert greeted(gateway, trusting(new))
        assert client.ask("still here") == "still here"


def test_a_pair_that_does_not_fit_is_said_and_not_taken(served, tmp_path):
    authority = trustme.CA()
    gateway = served(authority.issue_cert("127.0.0.1"))
    before = greeted(gateway, trusting(authority))
    chain, key = tmp_path / "server.pem", tmp_path / "server.key"
    mark, right = gateway.mark(), key.read_bytes()
    key.write_bytes(authority.issue_cert("127.0.0.1").private_key_pem.bytes() + b"\n")
    line = gateway.wait_for_line(lambda line: STAYS in line, "the complaint", mark)
    assert f"tls-cert: {key}" in line
    assert greeted(gateway, trusting(authority)) == before
    key.write_bytes(right)
    gateway.wait_for_line(lambda line: READ_AGAIN in line, "the right key", mark)
    mark = gateway.mark()
    chain.write_text("no certificate")
    line = gateway.wait_for_line(lambda line: STAYS in line, "the complaint", mark)
    assert f"tls-cert: {chain}: it holds no certificate (PEM)" in line
    assert greeted(gateway, trusting(authority)) == before


def test_certificates_of_names_change_each_for_itself(served, tmp_path):
    authority = trustme.CA()
    names = ("one.example.com", "two.example.com")
    for name in names:
        put(authority.issue_cert(name), tmp_path, name)
    settings = tmp_path / "gatewright.toml"
    settings.write_text("".join(f'[certificates."{name}"]\ncert = "{tmp_path / name}.pem"\nkey = "{tmp_path / name}.key"\n' for name in names))
    gateway = served(authority.issue_cert("127.0.0.1"), "--config", str(settings))

    def shown(name):
        with socket.create_connection(("127.0.0.1", gateway.tls_port), timeout=PATIENCE) as tcp:
            with trusting(authority).wrap_socket(tcp, server_hostname=name) as tls:
                return tls.getpeercert(binary_form=True)

    before = [shown(name) for name in names]
    mark = gateway.mark()
    (tmp_path / "two.example.com.key").write_text("no key")
    put(authority.issue_cert("one.example.com"), tmp_path, "one.example.com")
    gateway.wait_for_line(lambda line: READ_AGAIN in line and "certificates.one.example.com" in line, "the new certificate", mark)
    gateway.wait_for_line(lambda line: "certificates.two.example.com" in line and STAYS in line, "the complaint", mark)
    after = [shown(name) for name in names]
    assert after[0] != before[0] and after[1] == before[1]


def test_sighup_reads_again_and_does_not_end_the_program(served):
    authority = trustme.CA()
    gateway = served(authority.issue_cert("127.0.0.1"))
    mark = gateway.mark()
    gateway.process.send_signal(signal.SIGHUP)
    gateway.wait_for_line(lambda line: READ_AGAIN in line, "the certificates read again", mark)
    assert greeted(gateway, trusting(authority))


@pytest.mark.parametrize(("options", "speaks"), [((), True), (("--tls-min", "1.2"), True), (("--tls-min", "1.3"), False)])
def test_the_oldest_version(served, options, speaks):
    authority = trustme.CA()
    gateway = served(authority.issue_cert("127.0.0.1"), *options)
    assert greeted(gateway, trusting(authority))
    old = trusting(authority, highest=ssl.TLSVersion.TLSv1_2)
    if speaks:
        assert greeted(gateway, old)
    else:
        refused(gateway, old)


@pytest.fixture
def people(tmp_path):
    """Who issues clients' certificates, in the file that the program is given."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "people.pem"))
    return authority


def known(backend, api, context):
    """What the backend hears of a client's certificate."""
    mark = backend.mark()
    with client_of(api, context):
        heard, = backend.wait_for(f"/{api.id}/connect", since=mark)
    return {part: heard.header(part.replace(".", "-")) for part in PARTS}


def test_clients_must_show_a_certificate(served, people, backend, tmp_path):
    authority = trustme.CA()
    gateway = served(authority.issue_cert("127.0.0.1"), "--tls-client-ca", str(tmp_path / "people.pem"))
    parameters = {f"integration.request.header.{part.replace('.', '-')}": f"context.identity.clientCert.{part}" for part in PARTS}
    api = deployed(gateway, backend, **parameters)
    stranger = trustme.CA().issue_cert("client.example.com")
    mark = gateway.mark()
    refused(gateway, trusting(authority))
    handshake = "a client from 127.0.0.1 is refused in the TLS handshake: "
    gateway.wait_for_line(lambda line: handshake + "peer sent no certificates" in line, "what was missing", mark)
    refused(gateway, trusting(authority, stranger))
    gateway.wait_for_line(lambda line: handshake + "invalid peer certificate: UnknownIssuer" in line, "what was wrong", mark)
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        client_of(api, trusting(authority))
    shown = people.issue_cert("client.example.com", organization_name="Ann, Ben", organization_unit_name="Testing")
    for highest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        told = known(backend, api, trusting(authority, shown, highest))
        assert told["subjectDN"] == "OU=Testing,O=Ann\\, Ben"
        assert told["issuerDN"].startswith("OU=Testing CA") and "O=trustme v" in told["issuerDN"]
        assert told["subjectAlternativeNames"] == "DNS:client.example.com"
        assert re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2})+", told["serialNumber"])
        for part in ("validity.notBefore", "validity.notAfter"):
            assert re.fullmatch(r"[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d \d{4} GMT", told[part])


def test_a_late_upgrade_bears_the_certificate_too(served, people, backend, tmp_path):
    authority = trustme.CA()
    gateway = served(authority.issue_cert("127.0.0.1"), "--tls-client-ca", str(tmp_path / "people.pem"))
    api = deployed(gateway, backend, **{"integration.request.header.subjectDN": "context.identity.clientCert.subjectDN"})
    context = trusting(authority, people.issue_cert("client.example.com", organization_name="Ann", organization_unit_name="Testing"))
    with socket.create_connection(("127.0.0.1", gateway.tls_port), timeout=PATIENCE) as tcp:
        with context.wrap_socket(tcp, server_hostname="127.0.0.1") as tls:
            tls.sendall(b"GET /_health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert tls.recv(4096).startswith(b"HTTP/1.1 200")
            upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
            tls.sendall(f"GET {api.target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{upgrade}\r\n\r\n".encode())
            assert tls.recv(4096).startswith(b"HTTP/1.1 101")
            heard, = backend.wait_for(f"/{api.id}/connect")
    assert heard.header("subjectDN") == "OU=Testing,O=Ann"


def test_messages_of_a_client_bear_its_certificate(served, people, backend, tmp_path):
    authority = trustme.CA()
    gateway = served(authority.issue_cert("127.0.0.1"), "--tls-client-ca", str(tmp_path / "people.pem"))
    api = Api(gateway)
    template = '$context.identity.clientCert.subjectDN $context.identity.clientCert.validity.notAfter\n$context.identity.clientCert.clientCertPem'
    integration = api.integration("HTTP", f"{backend.url}/{api.id}/message", RequestTemplates={"$default": template}, TemplateSelectionExpression="\\$default")
    api.route("$default", integration)
    api.deploy()
    shown = people.issue_cert("client.example.com", organization_name="Ann", organization_unit_name="Testing")
    with client_of(api, trusting(authority, shown)) as client:
        client.text("x")
        heard, = backend.wait_for(f"/{api.id}/message")
    first, _, pem = heard.text.partition("\n")
    assert first.startswith("OU=Testing,O=Ann ") and first.endswith(" GMT")
    assert ssl.PEM_cert_to_DER_cert(pem) == ssl.PEM_cert_to_DER_cert(shown.cert_chain_pems[0].bytes().decode())


def test_clients_may_show_a_certificate(served, people, backend, tmp_path):
    authority = trustme.CA()
    gateway = served(authority.issue_cert("127.0.0.1"), "--tls-client-ca", str(tmp_path / "people.pem"), "--tls-client-cert", "optional")
    api = deployed(gateway, backend, **{"integration.request.header.subjectDN": "context.identity.clientCert.subjectDN"})
    shown = people.issue_cert("client.example.com", organization_name="Ann", organization_unit_name="Testing")
    assert known(backend, api, trusting(authority))["subjectDN"] is None
    assert known(backend, api, trusting(authority, shown))["subjectDN"] == "OU=Testing,O=Ann"
    refused(gateway, trusting(authority, trustme.CA().issue_cert("client.example.com")))


def test_whom_clients_come_from_changes_and_sessions_before_are_not_taken_up(served, people, tmp_path):
    authority, others = trustme.CA(), trustme.CA()
    gateway = served(authority.issue_cert("127.0.0.1"), "--tls-client-ca", str(tmp_path / "people.pem"))
    context = trusting(authority, people.issue_cert("client.example.com"), ssl.TLSVersion.TLSv1_2)

    def handshake(session=None):
        with socket.create_connection(("127.0.0.1", gateway.tls_port), timeout=PATIENCE) as tcp:
            with context.wrap_socket(tcp, server_hostname="127.0.0.1", session=session) as tls:
                return tls.session, tls.session_reused

    session, _ = handshake()
    _, is_reused = handshake(session)
    assert is_reused
    mark = gateway.mark()
    others.cert_pem.write_to_path(str(tmp_path / "people.pem"))
    gateway.wait_for_line(lambda line: READ_AGAIN in line and "tls-client-ca" in line, "the new trust store", mark)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(session)
    assert greeted(gateway, trusting(authority, others.issue_cert("client.example.com")))


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--tls-client-ca", "people.pem"], "tls-client-ca: clients show certificates under TLS only"),
        (["--tls-client-cert", "optional"], "tls-client-cert: whom should certificates come from?"),
        (["--tls-min", "1.1"], "tls-min: `1.1` is none of 1.2, 1.3"),
        (["--tls-cert", "/dev/zero", "--tls-key", "/dev/zero"], "tls-cert: /dev/zero: is no regular file"),
        (["--tls-cert", "server.pem", "--tls-key", "server.key", "--tls-client-ca", "server.key"], "tls-client-ca: server.key: it holds no certificate"),
    ],
)
def test_what_is_wrong_is_named(options, part, tmp_path):
    put(trustme.CA().issue_cert("127.0.0.1"), tmp_path)
    command = [os.environ["GATEWRIGHT_BIN"], "serve", "--listen", "127.0.0.1:0", "--ephemeral", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 78 and part in done.stdout + done.stderr, done.stdout + done.stderr
