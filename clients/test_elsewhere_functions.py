"""The chat of the example on a Lambda that is not ours: the script and the handlers as they go to AWS, run by ministack."""

import os
import re
import shutil
import ssl
import subprocess
import sys

import pytest
import trustme

from harness.aws import cli_environment
from harness.clients import open_websocket
from harness.lambda_chat import EXAMPLE, two_people_chat, whoever_has_no_name_is_refused
from harness.ministack import Ministack
from harness.until import until

# `zip -q ARCHIVE FILE…`, which is not on every machine.
ZIP = f'#!/bin/sh\nshift\nexec "{sys.executable}" -m zipfile -c "$@"\n'
# The ARN of a role, which nobody asks about here.
ROLE = "arn:aws:iam::000000000000:role/chat"


@pytest.fixture(scope="module")
def authority(node_folder):
    """Who vouches for the gateway, as one of the public authorities does for AWS."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(node_folder / "authority.pem"))
    return authority


@pytest.fixture(scope="module")
def ministack(node_folder, authority):
    """Its functions find the SDK where they are unpacked, as AWS's runtime has it, and trust the authority."""
    folder = node_folder / "ministack"
    folder.mkdir()
    # With an endpoint its workers turn every `https` request to this machine into one in clear text, and to the wrong host.
    ministack = Ministack(folder, NODE_EXTRA_CA_CERTS=str(node_folder / "authority.pem"), AWS_ENDPOINT_URL="")
    yield ministack
    ministack.stop()


@pytest.fixture(scope="module")
def gateway(start_gateway, ministack, authority, node_folder):
    """On `https`, where handlers look for AWS's; every function is elsewhere."""
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(node_folder / "gateway.pem"))
    settings = node_folder / "gatewright.toml"
    settings.write_text(f'[functions."*"]\nendpoint = "{ministack.url}"\n')
    files = ["--tls-cert", str(node_folder / "gateway.pem"), "--tls-key", str(node_folder / "gateway.pem")]
    gateway = start_gateway("--config", str(settings), *files, "--admin", "127.0.0.1:0")
    line = gateway.wait_for_line(lambda line: "ready on https" in line, "the public address")
    gateway.address = re.search(r"https://(127\.0\.0\.1:\d+)", line).group(1)
    return gateway


@pytest.fixture(scope="module")
def join(gateway, ministack, authority, node_folder):
    """Opens a connection to the chat that the example's script has made, for AWS."""
    folder = node_folder / "lambda-chat"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    tools = node_folder / "tools"
    tools.mkdir()
    (tools / "zip").write_text(ZIP)
    (tools / "zip").chmod(0o755)
    environment = cli_environment(ministack.url)
    environment |= {"AWS_ENDPOINT_URL_APIGATEWAYV2": gateway.url, "ON_AWS": "1", "ROLE_ARN": ROLE}
    environment["PATH"] = f"{tools}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "setup.sh"], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=80, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # The name that it tells needs a resolver which knows what is below `.localhost`; the same by path needs none.
    api = re.search(r"connect: wss://([a-z0-9]+)\.execute-api\.\S+/dev\?name=ann", done.stdout).group(1)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return lambda query: open_websocket(f"wss://{gateway.address}/_aws/execute-api/{api}/dev{query}", ssl=context)


def test_the_same_two_people_chat(join, ministack):
    def wait_until_printed(text):
        until(lambda: text in ministack.printed("chat-disconnect"), f"{text!r} in the log of chat-disconnect")

    two_people_chat(join, wait_until_printed)
    spawned = re.findall(r"Lambda worker spawned for (\S+)", ministack.output.read_text())
    assert set(spawned) == {"chat-connect", "chat-disconnect", "chat-send", "chat-whoami"}


def test_a_function_elsewhere_refuses(join):
    whoever_has_no_name_is_refused(join)


def test_a_function_that_is_not_there_is_told(gateway, join, ministack):
    ministack.client("lambda").delete_function(FunctionName="chat-whoami")
    since = gateway.mark()
    with join("?name=ann") as ann:
        ann.send('{"action":"whoami"}')
        assert '"message": "Internal server error"' in ann.recv(timeout=10)
    gateway.wait_for_line(lambda line: "Function not found" in line or "ResourceNotFound" in line, "why", since)
