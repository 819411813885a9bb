"""The founding user's stack, whole: real AWS CLI, real Express, real WebSocket clients, and the story of the lost body."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.aws import Cli, cli_environment
from harness.backend import unused_port
from harness.clients import Node, open_websocket, receive

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "express-chat"
SETUP_PATIENCE = 80


class Chat:
    """The example as its README starts it: the API made by `setup.sh`, the server told where to push."""

    def __init__(self, gateway, folder):
        self.gateway = gateway
        self.folder = folder
        self.server_port = unused_port()
        done = subprocess.run(
            ["bash", str(folder / "setup.sh")],
            env={**cli_environment(gateway.url), "BACKEND_URL": f"http://127.0.0.1:{self.server_port}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SETUP_PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.printed = done.stdout
        printed = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in done.stdout.splitlines())
        self.api = printed["API"]
        self.message_integration = printed["message integration"]
        self.by_path = printed["WebSocket, by path"]
        self.by_host = printed["WebSocket, by host"]
        self.callback = printed["callback URL"]
        self.server = Node(folder / "server.js", cwd=folder, PORT=str(self.server_port), CALLBACK_URL=self.callback)
        self.server.holding("listening on")

    def node_client(self, url, name):
        """The example's own client, connected and known to the server."""
        client = Node(self.folder / "client.js", url, name, cwd=self.folder)
        client.holding(f"* connected as {name}")
        self.server.holding(f"connect: {name}")
        return client

    def python_client(self, url, name, **options):
        """A client of Python's `websockets`, connected and known to the server."""
        client = open_websocket(f"{url}?user={name}", **options)
        self.server.holding(f"connect: {name}")
        return client


@pytest.fixture(scope="module")
def chat(gateway, node_folder):
    folder = node_folder / "express-chat"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    chat = Chat(gateway, folder)
    yield chat
    chat.server.stop()


def say(client, text, **more):
    client.send(json.dumps({"action": "sendmessage", "text": text, **more}))


def test_the_example_and_the_tests_agree_on_versions():
    tests = json.loads((ROOT / "clients" / "package.json").read_text())["dependencies"]
    example = json.loads((EXAMPLE / "package.json").read_text())["dependencies"]
    assert example == {name: tests[name] for name in example}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in tests.values()), tests


def test_setup_prints_both_addresses_and_the_callback_url(chat, gateway):
    assert chat.by_path == f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/{chat.api}/dev"
    assert re.fullmatch(rf"ws://{chat.api}\.execute-api\.localhost:{gateway.port}/dev", chat.by_host), chat.by_host
    assert chat.callback == f"{gateway.url}/_aws/execute-api/{chat.api}/dev"


def test_two_clients_chat_one_by_path_in_node_one_by_host_in_python(chat, gateway):
    with chat.node_client(chat.by_path, "ann") as ann:
        bob = chat.python_client(chat.by_host, "bob", port=gateway.port)
        ann.type("hello everybody")
        ann.holding("ann: hello everybody")
        ann.holding('* {"delivered":2}')
        assert receive(bob) == {"from": "ann", "text": "hello everybody"}

        say(bob, "only for ann", to="ann")
        ann.holding("bob (to you): only for ann")
        assert receive(bob) == {"delivered": 1}

        ann.type("@bob only for bob")
        assert receive(bob) == {"from": "ann", "text": "only for bob", "to": "bob"}
        ann.holding('* {"delivered":1}')
        assert not [line for line in ann.seen if "only for bob" in line]

        bob.close()
        chat.server.holding("disconnect: bob")
        ann.type("is bob there?")
        ann.holding('* {"delivered":1}')
    chat.server.holding("disconnect: ann")


def test_two_clients_chat_one_by_host_in_node_one_by_path_in_python(chat):
    with chat.node_client(chat.by_host, "cora") as cora:
        dan = chat.python_client(chat.by_path, "dan")
        say(dan, "grüße 👋")
        cora.holding("dan: grüße 👋")
        # The push to oneself and the reply of the two-way route travel apart; either may be first.
        got = sorted((receive(dan) for _ in range(2)), key=lambda message: "delivered" in message)
        assert got == [{"from": "dan", "text": "grüße 👋"}, {"delivered": 2}]
        dan.close()
        chat.server.holding("disconnect: dan")
    chat.server.holding("disconnect: cora")


def test_a_message_to_nobody_is_delivered_to_nobody(chat):
    eve = chat.python_client(chat.by_path, "eve")
    say(eve, "anyone?", to="nobody")
    assert receive(eve) == {"delivered": 0}
    eve.close()
    chat.server.holding("disconnect: eve")


def test_the_lost_body_is_told_and_mended(chat, gateway):
    aws = Cli(gateway.url)
    finn = chat.python_client(chat.by_path, "finn")
    body = json.dumps({"action": "sendmessage", "text": "where is my body?"})

    aws("update-integration", "--api-id", chat.api, "--integration-id", chat.message_integration, "--integration-method", "GET")
    # Not deployed: the body still arrives.
    finn.send(body)
    got = [receive(finn), receive(finn)]
    assert {"delivered": 1} in got and {"from": "finn", "text": "where is my body?"} in got

    aws("create-deployment", "--api-id", chat.api, "--stage-name", "dev")
    mark = gateway.mark()
    finn.send(body)
    assert receive(finn) == {"error": "the server got GET with an empty body"}
    # What AWS logs too, and what made the loss so hard to find: the body, as if it had been sent.
    shown = gateway.wait_for_log(f"Endpoint request body after transformations: {body}", mark, apiId=chat.api)
    told = gateway.wait_for_log("Request body discarded", mark, apiId=chat.api, requestId=shown["requestId"])
    # Ours, and to the byte: the sentence people will search for.
    loss = f"Request body discarded: integration method GET carries no body ({len(body)} bytes)"
    assert told["message"].startswith(f"({shown['requestId']}) {loss}")
    # And the remedy: what will arrive, what to change it to, and that it takes a deployment.
    notes = " ".join(record["message"] for record in gateway.log(mark, kind="note", requestId=shown["requestId"])).lower()
    for word in ("empty", "post", "update-integration", chat.message_integration, "deploy"):
        assert word in notes, notes

    aws("update-integration", "--api-id", chat.api, "--integration-id", chat.message_integration, "--integration-method", "POST")
    aws("create-deployment", "--api-id", chat.api, "--stage-name", "dev")
    mark = gateway.mark()
    finn.send(body)
    got = [receive(finn), receive(finn)]
    assert {"delivered": 1} in got and {"from": "finn", "text": "where is my body?"} in got
    gateway.wait_for_log("Method completed with status: 200", mark, apiId=chat.api)
    assert not [record for record in gateway.log(mark, apiId=chat.api) if "discarded" in record["message"]]
    finn.close()
    chat.server.holding("disconnect: finn")
