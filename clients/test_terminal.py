"""The terminal: `tail`, `explain`, `connections`, `send`, `close`, `watch` against a running gateway."""

import json
import os
import re
import subprocess
import threading
import urllib.request

import pytest

from harness.aws import Api
from harness.backend import Answer, unused_port
from harness.frames import RawClient
from harness.until import PATIENCE, until


class Follower:
    """A `tail` that runs until the test is over, with what it printed."""

    def __init__(self, gateway, *words):
        command = [os.environ["GATEWRIGHT_BIN"], "tail", "--endpoint", gateway.url, *words]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines, self.said = [], []
        for stream, lines in [(self.process.stdout, self.lines), (self.process.stderr, self.said)]:
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()

    @staticmethod
    def _read(stream, lines):
        for raw in stream:
            lines.append(raw.decode("utf-8", "replace").rstrip("\n"))

    def wait_for(self, pattern, lines=None):
        """The first line of standard output (or of `lines`) that has the pattern."""
        lines = self.lines if lines is None else lines
        def found():
            return next((line for line in list(lines) if re.search(pattern, line)), None)
        return until(found, f"{pattern!r} in {lines!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE)


def run(gateway, *words, code=0, text=None):
    """A command's standard output; its exit code is `code`, and there is no word on standard error where that is 0."""
    command = [os.environ["GATEWRIGHT_BIN"], *words, "--endpoint", gateway.url]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def quiet(start_gateway, backend):
    """A gateway with an API that logs nothing: a GET that loses bodies, a dead backend, an echo."""
    gateway = start_gateway()
    api = Api(gateway, name="quiet")
    api.route("echo", api.integration("HTTP_PROXY", f"{backend.url}/echo"), two_way=True)
    api.route("lost", api.integration("HTTP_PROXY", f"{backend.url}/lost", method="GET"))
    api.route("dead", api.integration("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}/"), two_way=True)
    api.deploy(DefaultRouteSettings={"LoggingLevel": "OFF"})
    return api


def test_tail_tells_each_event_in_a_line_and_opens_up_what_failed(quiet):
    gateway = quiet.gateway
    with Follower(gateway, "quiet/dev", "--past", "0") as tail, RawClient(gateway.port, quiet.target) as client:
        def follows():
            client.text('{"action": "echo"}')
            client.read_frame()
            return any("POST /echo" in line for line in tail.lines)
        until(follows, "the first event in the tail")
        client.text('{"action": "lost", "text": "gone"}')
        client.text('{"action": "dead"}')
        client.read_frame()
        lost = tail.wait_for(r"GET /lost")
        assert f"{quiet.id}/dev" in lost and " lost " in lost
        assert "The backend got no body" in tail.wait_for(r"got no body")
        command = tail.wait_for(r"update-integration .*--integration-method POST")
        assert quiet.id in command and "INTEGRATION" not in command
        assert "refused" in tail.wait_for(r"The backend is not there: http://127\.0\.0\.1")


def test_tail_filters_and_speaks_json(quiet):
    gateway = quiet.gateway
    with Follower(gateway, "--json", "--past", "0", "--filter", "route:lost is:lost") as tail:
        with RawClient(gateway.port, quiet.target) as client:
            def follows():
                client.text('{"action": "echo"}')
                client.read_frame()
                client.text('{"action": "lost"}')
                return tail.lines
            until(follows, "an event in the tail")
        rows = [json.loads(line) for line in tail.lines]
        assert {row["routeKey"] for row in rows} == {"lost"}
        assert rows[0]["kind"] == "loss" and rows[0]["headline"].startswith("The backend got no body")


def test_tail_goes_on_when_the_gateway_comes_back(start_gateway, backend):
    with_port = f"127.0.0.1:{unused_port()}"
    first = start_gateway("--backend", backend.url, listen=with_port)
    with Follower(first, "--past", "50") as tail:
        with RawClient(first.port, "/_aws/execute-api/gatewright/dev") as client:
            client.text("one")
            client.read_frame()
        tail.wait_for(r"\$default")
        first.stop()
        tail.wait_for(r"no gateway answers at .*; trying again", tail.said)
        second = start_gateway("--backend", backend.url, listen=with_port)
        tail.wait_for(r"is there again", tail.said)
        before = len(tail.lines)
        with RawClient(second.port, "/_aws/execute-api/gatewright/dev") as client:
            client.text("two")
            client.read_frame()
        until(lambda: len(tail.lines) > before, "an event of the second life")


def test_what_cannot_be_followed_is_said(quiet):
    gateway = quiet.gateway
    assert "no API `nobody`" in run(gateway, "tail", "nobody", code=1)
    assert "no stage `prod`" in run(gateway, "tail", "quiet/prod", code=1)
    assert "status: `abc` is no status" in run(gateway, "tail", "--filter", "status:abc", code=64)
    class Away:
        url = f"http://127.0.0.1:{unused_port()}"
    said = run(Away, "explain", "--last-failure", code=69)
    assert "no gateway answers at" in said and "gatewright serve" in said


def test_explain_tells_the_cause_first(quiet, backend):
    gateway = quiet.gateway
    assert "watched" in run(gateway, "watch", "quiet/dev")
    assert f"{quiet.id}/dev" in run(gateway, "watch")
    with RawClient(gateway.port, quiet.target) as client:
        backend.answers["/lost"] = Answer(body=b"fine")
        client.text('{"action": "lost", "text": "where am I?"}')
        client.text('{"action": "dead"}')
        error = json.loads(client.read_frame().text)
    told = run(gateway, "explain", error["requestId"])
    assert told.splitlines()[0].startswith("    The backend is not there: ")
    assert f"connection {error['connectionId']}" in told and "Where its " in told
    assert run(gateway, "explain", "--last-failure").splitlines()[0] == told.splitlines()[0]
    rows = json.loads(run(gateway, "explain", "--last-failure", "--json"))
    assert rows["story"]["kind"] == "failure"
    # The lost body: with the body that stayed here, and the command that sends it.
    with urllib.request.urlopen(f"{gateway.url}/_gatewright/v1/events?filter=is:lost", timeout=PATIENCE) as answer:
        newest = json.load(answer)["events"][-1]
    told = run(gateway, "explain", newest["requestId"])
    assert told.startswith("    The backend got no body: the integration's method is GET")
    assert "NOT the body" in told and "where am I?" in told and "--integration-method POST" in told
    assert "longer" in run(gateway, "watch", "quiet/dev", "--off")
    assert "no stage is watched" in run(gateway, "watch")
    assert "nothing is kept" in run(gateway, "explain", "nonsense", code=1)


def test_connections_are_listed_reached_and_closed(quiet):
    gateway = quiet.gateway
    with RawClient(gateway.port, quiet.target, headers=[("User-Agent", "tester/1.0")]) as client:
        client.text('{"action": "dead"}')
        connection = json.loads(client.read_frame().text)["connectionId"]
        listed = run(gateway, "connections", "tester/1.0")
        assert connection in listed and f"{quiet.id}/dev" in listed and "1 shown of" in listed
        [row] = [json.loads(line) for line in run(gateway, "connections", connection, "--api", "quiet/dev", "--json").splitlines()]
        assert (row["connectionId"], row["sourceIp"], row["userAgent"]) == (connection, "127.0.0.1", "tester/1.0")
        assert "0 shown" in run(gateway, "connections", "nobody-has-this")
        assert run(gateway, "send", connection, "hello") == "sent\n"
        assert client.read_frame().text == "hello"
        assert run(gateway, "send", connection, text="from a pipe") == "sent\n"
        assert client.read_frame().text == "from a pipe"
        assert "no close code" in run(gateway, "close", connection, "--code", "999", code=64)
        assert "close frame has room" in run(gateway, "close", connection, "--reason", "x" * 124, code=64)
        assert run(gateway, "close", connection, "--code", "4001", "--reason", "enough") == "closed with 4001\n"
        frame = client.read_frame()
        assert (frame.code, frame.payload[2:]) == (4001, b"enough")
    until(lambda: "0 shown" in run(gateway, "connections", connection), "the connection to be gone")
    assert "is not connected" in run(gateway, "send", connection, "hello", code=1)
    # Ids may begin with a sign that options begin with, too.
    assert "is no connection's id" in run(gateway, "send", "-6fz", "hello", code=64)
    assert "nothing is kept" in run(gateway, "explain", "-6fz13zuOBQCAAA=", code=1)


def test_a_thousand_connections_come_in_pages(quiet):
    gateway = quiet.gateway
    clients = [RawClient(gateway.port, quiet.target) for _ in range(150)]
    try:
        rows = [json.loads(line) for line in run(gateway, "connections", "--json", "--limit", "1000").splitlines()]
        ids = [row["connectionId"] for row in rows]
        assert len(ids) == len(set(ids)) >= 150
        seen, after = [], ""
        while True:
            with urllib.request.urlopen(f"{gateway.url}/_gatewright/v1/connections?limit=40{after}", timeout=PATIENCE) as answer:
                page = json.load(answer)
            seen += [row["connectionId"] for row in page["connections"]]
            if page["next"] is None:
                break
            after = f"&after={page['next'].replace('=', '%3D')}"
        assert sorted(seen) == sorted(ids)
    finally:
        for client in clients:
            client.close()


def test_with_credentials_clients_are_reached_by_signed_calls_alone(start_gateway, backend, tmp_path):
    credentials = tmp_path / "credentials.toml"
    credentials.write_text('[[access_key]]\nid = "AKIDEXAMPLE"\nsecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"\nuser = "me"\npolicies = []\n')
    credentials.chmod(0o600)
    gateway = start_gateway("--credentials", str(credentials), "--backend", backend.url)
    with RawClient(gateway.port, "/_aws/execute-api/gatewright/dev") as client:
        client.text("hello")
        client.read_frame()
        [row] = [json.loads(line) for line in run(gateway, "connections", "--json").splitlines()]
        for words in [["send", row["connectionId"], "x"], ["close", row["connectionId"]]]:
            assert "signed calls alone" in run(gateway, *words, code=1)
