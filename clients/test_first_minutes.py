"""The first ten minutes with a backend of one's own: it works, or one line says why not and what to do."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from harness.aws import cli_environment
from harness.backend import Answer
from harness.clients import Node
from harness.frames import RawClient

SCRIPT = Path(__file__).parent / "js" / "express-first.mjs"
PATIENCE = 20


class Terminal:
    """`gatewright serve` as somebody types it, with what it prints."""

    def __init__(self, *words, folder):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWRIGHT_", "AWS_"))}
        self.process = subprocess.Popen(
            [os.environ["GATEWRIGHT_BIN"], "serve", "--listen", "127.0.0.1:0", "--ephemeral", *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=folder,
        )  # fmt: skip
        self.lines = []
        self.more = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.port = int(re.search(r"ready on http://127\.0\.0\.1:(\d+)", self.wait_for("ready on")).group(1))

    def _read(self):
        for line in self.process.stdout:
            with self.more:
                self.lines.append(line.rstrip("\n"))
                self.more.notify_all()

    def wait_for(self, part):
        """The first line that holds it."""
        end = time.monotonic() + PATIENCE
        with self.more:
            while True:
                found = next((line for line in self.lines if part in line), None)
                if found:
                    return found
                assert self.more.wait(max(0.0, end - time.monotonic())), f"no `{part}` in\n" + "\n".join(self.lines)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0


@pytest.fixture
def express(node_folder):
    """The application, and the port that it listens on."""
    target = node_folder / SCRIPT.name
    target.write_text(SCRIPT.read_text())
    node = Node(target, cwd=node_folder)
    port = int(node.holding("listening on").split()[-1])
    yield port
    node.stop()


@pytest.fixture
def terminal(tmp_path):
    started = []

    def start(*words):
        started.append(Terminal(*words, folder=tmp_path))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()


TARGET = "/_aws/execute-api/gatewright/dev"


def test_an_application_with_paths_is_reached_or_told_of_in_one_line(terminal, express):
    gateway = terminal("--backend", f"localhost:{express}", "--log-level", "warn")
    with RawClient(gateway.port, TARGET) as client:
        assert client.handshake.status == 404
    line = gateway.wait_for("client refused")
    assert "the backend answered $connect with 404 `Cannot POST /`" in line, line
    assert "--backend sends every event to POST" in line and "--backend-paths to /connect" in line, line


def test_every_log_says_who_refused_and_what_to_do_in_one_line(terminal, express):
    for form in ("brief", "aws", "json"):
        gateway = terminal("--backend", f"localhost:{express}", "--log-format", form)
        with RawClient(gateway.port, TARGET) as client:
            assert client.handshake.status == 404
        line = gateway.wait_for("client refused")
        assert "Cannot POST /" in line and "--backend-paths to /connect" in line, line
        gateway.stop()
        assert sum("--backend-paths" in line for line in gateway.lines) == 1, "\n".join(gateway.lines)


def test_a_backend_that_is_not_there_is_asked_for(terminal):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        free_port = nobody.getsockname()[1]
    gateway = terminal("--backend", f"localhost:{free_port}", "--log-format", "brief")
    with RawClient(gateway.port, TARGET) as client:
        assert client.handshake.status == 504
    assert "the client was refused with 504" in gateway.wait_for("$connect → POST")
    line = gateway.wait_for("cannot reach")
    assert f"is the backend running? --backend says that it listens at http://localhost:{free_port}" in line, line


def test_after_the_end_nobody_is_told_anything(terminal, backend, path):
    gateway = terminal("--backend", f"{backend.url}{path}", "--backend-paths", "--log-format", "brief")
    backend.answers[f"{path}/disconnect"] = Answer(raw=b"", then="close")
    with RawClient(gateway.port, TARGET) as client:
        assert client.handshake.status == 101
    line = gateway.wait_for("$disconnect → POST")
    assert line.endswith("failed") and "the client was told" not in line, line


def test_a_remark_is_said_once_and_then_counted(terminal, backend, path):
    gateway = terminal("--backend", f"{backend.url}{path}", "--log-format", "brief")
    with RawClient(gateway.port, TARGET) as client:
        for text in ("hello", "good morning"):
            assert client.ask(text) == text
        assert client.ask("{}") == "{}"
    gateway.stop()
    messages = [line for line in gateway.lines if "$default →" in line]
    assert [line.endswith("; a remark as before") for line in messages] == [False, True, False], messages
    assert sum("and is no JSON" in line for line in gateway.lines) == 1, "\n".join(gateway.lines)


def test_with_backend_paths_the_same_application_answers(terminal, express):
    gateway = terminal("--backend", f"http://127.0.0.1:{express}", "--backend-paths", "--log-format", "brief")
    gateway.wait_for(f"$connect     → POST http://127.0.0.1:{express}/connect")
    with RawClient(gateway.port, TARGET) as client:
        assert client.handshake.status == 101
        assert client.ask("hello").endswith("= said hello")
    line = gateway.wait_for("→ POST /message 200")
    assert "$default" in line and "reply" in line, line
    gateway.wait_for("→ POST /disconnect 200")
    gateway.stop()
    assert "stopping" in "\n".join(gateway.lines) and "stopped after" in gateway.lines[-1]


def test_the_banner_tells_how_to_push_and_a_push_is_told(terminal, backend):
    gateway = terminal("--backend", f"{backend.url}/echo", "--log-format", "brief")
    callback = gateway.wait_for("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI=").split("=", 1)[1]
    assert f"POST {callback}/@connections/" in gateway.wait_for("push to a client")
    for connection, status in (("abcdefghijklmno=", 410), ("nonsense", 400)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{callback}/@connections/{connection}", data=b"hi", timeout=10)
        assert refused.value.code == status
        gateway.wait_for(f"POST @connections/{connection} (2 bytes) {status}")
    with pytest.raises(urllib.error.HTTPError) as lost:
        urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}/@connections/abc", data=b"hi", timeout=10)
    assert lost.value.code == 404 and b"/_aws/execute-api/API/STAGE" in lost.value.read()


def test_a_push_reaches_the_feed_as_an_event(terminal, backend):
    gateway = terminal("--backend", f"{backend.url}/echo", "--log-level", "warn")
    feed = urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}/_gatewright/v1/log", timeout=10)
    feed.readline()
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}{TARGET}/@connections/abcdefghijklmno=", data=b"hi", timeout=10)
    line = next(line for line in feed if line.startswith(b"data:"))
    record = json.loads(line[5:])
    expected = {"eventType": "PUSH", "apiId": "gatewright", "stage": "dev", "connectionId": "abcdefghijklmno=", "status": 410, "bodyBytes": 2}
    assert {name: record[name] for name in expected} == expected, record


def test_a_wrong_stage_is_told_with_the_stages_that_there_are(terminal, backend):
    gateway = terminal("--backend", f"{backend.url}/echo")
    here = "/_aws/execute-api/gatewright/dev"
    for target, part in (
        ("/_aws/execute-api/gatewright/prod", f"client refused: API gatewright has no stage `prod`; its stage is dev: {here}"),
        ("/_aws/execute-api/nothing/dev", f"client refused: no API `nothing` is deployed here; clients connect to {here}"),
        ("/", f"client refused: / names no API and no stage; clients connect to {here}"),
        ("/dev?token=secret", f"client refused: /dev names no API and no stage; clients connect to {here}"),
        (f"{here}/room", "client refused: there is nothing at /room below the stage gatewright/dev"),
        (f"{here}/@connections/abc", "is for pushes, not for clients"),
    ):
        with RawClient(gateway.port, target) as client:
            assert client.handshake.status == 403
        gateway.wait_for(part)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}/_aws/execute-api/gatewright/prod/@connections/abcdefghijklmno=", data=b"x")
    gateway.wait_for("push refused: API gatewright has no stage `prod`; its stage is dev")
    assert not any("secret" in line for line in gateway.lines)


def test_before_anything_is_deployed_a_client_is_told_of_that(terminal):
    gateway = terminal()
    assert "create-api --name" in gateway.wait_for("aws apigatewayv2")
    with RawClient(gateway.port, "/") as client:
        assert client.handshake.status == 403
    gateway.wait_for("client refused: / names no API and no stage; no stage is deployed yet")


def test_what_the_banner_says_of_pushing_works_as_it_stands(terminal, backend, path, tmp_path):
    gateway = terminal("--backend", f"{backend.url}{path}")
    exports = [gateway.wait_for(name).split("export ", 1)[1] for name in ("AWS_ENDPOINT_URL_APIGATEWAYV2", "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI")]
    command = gateway.wait_for("post-to-connection").strip()
    with RawClient(gateway.port, TARGET) as client:
        assert client.ask("{}") == "{}"
        connection = backend.wait_for(path)[0].header("connectionId")
        environment = cli_environment(f"http://127.0.0.1:{gateway.port}")
        del environment["AWS_ENDPOINT_URL"]
        script = "".join(f"export {line}\n" for line in exports) + command.replace(" ID", f" {connection}")
        subprocess.run(["sh", "-ec", script], env=environment, timeout=60, check=True, capture_output=True)
        assert client.read_text() == "Hello"


def test_behind_a_proxy_the_addresses_are_those_of_the_proxy(terminal, backend, path):
    gateway = terminal("--backend", f"{backend.url}{path}", "--public-url", "https://gw.example.com/", "--admin", "127.0.0.1:0")
    assert "wss://gw.example.com/_aws/execute-api/gatewright/dev" in gateway.wait_for("connect  ")
    admin = re.search(r"http://[\d.:]+", gateway.wait_for("control plane")).group(0)
    with urllib.request.urlopen(f"{admin}/v2/apis/gatewright", timeout=10) as answer:
        assert json.load(answer)["apiEndpoint"] == "wss://gw.example.com/_aws/execute-api/gatewright"
    with RawClient(gateway.port, TARGET) as client:
        assert client.ask("x") == "x"
        connection = backend.wait_for(path)[0].header("connectionId")
        request = urllib.request.Request(f"{admin}{TARGET}/@connections/{connection}", data=b"pushed on the admin address")
        urllib.request.urlopen(request, timeout=10)
        assert client.read_text() == "pushed on the admin address"


def test_calls_of_other_services_get_a_sentence(gateway):
    environment = cli_environment(gateway.url)
    for words in (["iam", "list-users"], ["sns", "list-topics"], ["dynamodb", "list-tables"]):
        done = subprocess.run(["aws", *words], env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0 and "this is gatewright, an API gateway, and not" in done.stderr, (words, done.stderr)


def test_a_folder_that_cannot_be_made_says_so_and_the_way_out(tmp_path):
    def start(folder):
        return subprocess.run(
            [os.environ["GATEWRIGHT_BIN"], "serve", "--listen", "127.0.0.1:0", "--data-dir", folder], capture_output=True, text=True, timeout=20
        )  # fmt: skip

    done = start("/proc/x")
    assert done.returncode == 74 and "data folder /proc/x" in done.stderr and "the folder cannot be made" in done.stderr, done.stderr
    assert "--data-dir takes another folder" in done.stderr


def test_the_log_never_tells_stale_news(start_gateway, backend):
    """A stage that is made and deployed within a moment: no word of its missing deployment, and the news come before the answer."""
    from harness.aws import control

    gateway = start_gateway(log_format="human")
    client = control(gateway.url)
    for number in range(10):
        api = client.create_api(Name=f"quick{number}", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")["ApiId"]
        client.create_route(ApiId=api, RouteKey="$default")
        client.create_stage(ApiId=api, StageName="dev")
        client.create_deployment(ApiId=api, StageName="dev")
        gateway.wait_for_line(lambda line, api=api: f"stage {api}/dev is deployed" in line, "the deployment")
    assert "was created without a deployment" not in gateway.output()


def test_quick_create_is_said_to_make_nothing(start_gateway):
    from harness.aws import control

    gateway = start_gateway(log_format="human")
    client = control(gateway.url)
    made = client.create_api(Name="quick", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action", RouteKey="$default",
        Target="arn:aws:lambda:us-east-1:000000000000:function:f")  # fmt: skip
    gateway.wait_for_line(lambda line: f"Api {made['ApiId']} was created with routeKey, target: that is for HTTP APIs" in line, "the remark")
    assert client.get_routes(ApiId=made["ApiId"])["Items"] == []
