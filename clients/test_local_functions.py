"""Lambda functions run by the program itself: the example, as its README starts it, with handlers that know nothing of it."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
import websockets

from harness.aws import CONFIG, CREDENTIALS, REGION, Api, cli_environment
from harness.clients import open_websocket
from harness.gateway import Gateway
from harness.lambda_chat import EXAMPLE, ask, two_people_chat, whoever_has_no_name_is_refused
from harness.processes import is_alive
from harness.until import until


@pytest.fixture(scope="module")
def path_with_python():
    """`python3` as the gateway finds it is the one that these tests run in."""
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    yield
    os.environ["PATH"] = before


@pytest.fixture(scope="module")
def folder(node_folder, path_with_python):
    folder = node_folder / "lambda-chat"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    return folder


@pytest.fixture(scope="module")
def chat(start_gateway, folder):
    gateway = start_gateway("--config", str(folder / "gatewright.toml"))
    done = subprocess.run(
        ["bash", "setup.sh"],
        cwd=folder,
        env=cli_environment(gateway.url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    gateway.chat = re.search(r"connect: (\S+)\?name=ann", done.stdout).group(1)
    return gateway


def test_two_people_chat(chat):
    two_people_chat(
        lambda query: open_websocket(chat.chat + query),
        lambda text: chat.wait_for_line(lambda line: text in line, "what the function prints"),
    )


def test_a_function_refuses(chat):
    whoever_has_no_name_is_refused(lambda query: open_websocket(chat.chat + query))


def test_what_a_function_prints_is_in_the_log_with_its_id(chat):
    with open_websocket(f"{chat.chat}?name=carol") as client:
        id = ask(client, action="whoami")["you"]
    line = chat.wait_for_line(lambda line: f"connect {id} carol" in line, "what the handler printed")
    assert re.search(r"function chat-connect [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}: connect ", line), line
    chat.wait_for_line(lambda line: "function chat-whoami" in line and "REPORT RequestId: " in line, "its report")


def test_a_function_is_called_by_the_cli_and_the_sdk(chat, tmp_path):
    event = {"requestContext": {"connectionId": "c", "connectedAt": 1}}
    out = tmp_path / "out.json"
    words = ["aws", "lambda", "invoke", "--function-name", "chat-whoami", "--cli-binary-format", "raw-in-base64-out"]
    done = subprocess.run(
        [*words, "--payload", json.dumps(event), str(out)],
        env=cli_environment(chat.url), capture_output=True, text=True, timeout=60, check=False,
    )
    if "Unknown options" in done.stderr:  # version 1 takes payloads as they are
        done = subprocess.run(
            [*words[:5], "--payload", json.dumps(event), str(out)],
            env=cli_environment(chat.url), capture_output=True, text=True, timeout=60, check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["StatusCode"] == 200
    assert json.loads(json.loads(out.read_text())["body"]) == {"you": "c", "since": 1, "function": "chat-whoami"}
    sdk = boto3.client("lambda", endpoint_url=chat.url, region_name=REGION, config=CONFIG, **CREDENTIALS)
    assert {one["FunctionName"] for one in sdk.list_functions()["Functions"]} >= {"chat-connect", "chat-send", "chat-whoami"}
    assert sdk.get_function(FunctionName="chat-send")["Configuration"]["Timeout"] == 10
    failed = sdk.invoke(FunctionName="chat-whoami", Payload=b"{}")
    assert failed["FunctionError"] == "Unhandled" and json.load(failed["Payload"])["errorType"] == "KeyError"
    assert sdk.invoke(FunctionName="chat-whoami", InvocationType="Event", Payload=json.dumps(event))["StatusCode"] == 202
    assert sdk.invoke(FunctionName="chat-whoami", InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(sdk.exceptions.ResourceNotFoundException):
        sdk.invoke(FunctionName="nobody")


def test_a_function_hears_what_its_caller_says_of_the_client(start_gateway, path_with_python, tmp_path):
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return context.client_context and context.client_context.custom\n")
    gateway = start_gateway("--function", str(tmp_path / "app.py"))
    sdk = boto3.client("lambda", endpoint_url=gateway.url, region_name=REGION, config=CONFIG, **CREDENTIALS)
    (name,) = [one["FunctionName"] for one in sdk.list_functions()["Functions"]]
    said = base64.b64encode(json.dumps({"custom": {"who": "ann"}}).encode()).decode()
    assert json.load(sdk.invoke(FunctionName=name, ClientContext=said)["Payload"]) == {"who": "ann"}
    assert json.load(sdk.invoke(FunctionName=name)["Payload"]) is None
    with pytest.raises(sdk.exceptions.InvalidRequestContentException, match="must be a valid Base64-encoded JSON object"):
        sdk.invoke(FunctionName=name, ClientContext="string")


HANDLER = """
import { spawn } from 'node:child_process'
export const handler = async (event) => {
  if (event.requestContext.eventType !== 'MESSAGE') return { statusCode: 200 }
  const { action } = JSON.parse(event.body)
  if (action === 'exit') process.exit(1)
  if (action === 'spin') {
    const daemon = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
    console.log('spinning', process.pid, daemon.pid)
    for (;;) ;
  }
  return { statusCode: 200, body: JSON.stringify({ version: 1, pid: process.pid }) }
}
"""


def test_one_command_from_a_file_to_a_socket(start_gateway, tmp_path):
    file = tmp_path / "handler.mjs"
    file.write_text(HANDLER)
    gateway = start_gateway("--function", str(file))
    url = f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/gatewright/dev"
    with open_websocket(url) as client:
        assert ask(client, action="hi")["version"] == 1
        assert ask(client, action="exit")["message"] == "Internal server error"
        assert ask(client, action="hi")["version"] == 1
        file.write_text(HANDLER.replace("version: 1", "version: 2"))
        until(lambda: ask(client, action="hi")["version"] == 2, "the change to be run")


def test_a_function_takes_the_place_of_a_backend_of_an_earlier_start(start_gateway, tmp_path):
    file = tmp_path / "handler.mjs"
    file.write_text(HANDLER)
    folder = tmp_path / "data"
    for options in (["--backend", "127.0.0.1:9"], ["--backend", "127.0.0.1:9", "--backend-paths"], ["--function", str(file)]):
        gateway = start_gateway(*options, data_dir=folder)
        if options[0] == "--function":
            with open_websocket(f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/gatewright/dev") as client:
                assert ask(client, action="hi")["version"] == 1
        gateway.stop()


def test_no_process_is_left_after_the_program_whichever_way_it_ends(path_with_python, tmp_path):
    file = tmp_path / "handler.mjs"
    file.write_text(HANDLER)
    for way in (signal.SIGKILL, signal.SIGTERM):
        gateway = Gateway(tmp_path / f"data-{way}", "--function", str(file), "--limit", "drain-timeout=2s")
        with open_websocket(f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/gatewright/dev") as client:
            idle = ask(client, action="hi")["pid"]
            # A handler that never returns notices nothing by itself.
            client.send(json.dumps({"action": "spin"}))
            line = gateway.wait_for_line(lambda line: "spinning" in line, "the loop")
            busy, daemon = map(int, re.search(r"spinning (\d+) (\d+)", line).groups())
            assert is_alive(idle) and is_alive(busy) and is_alive(daemon)
            if way == signal.SIGKILL:
                gateway.kill()
                # It has a session of its own, and nobody is there who would look for it.
                os.kill(daemon, signal.SIGKILL)
            else:
                gateway.stop()
        until(lambda: not any(map(is_alive, (idle, busy, daemon))), f"all to end after {way}")


def test_what_is_wrong_with_a_function_is_said_at_the_start(tmp_path):
    for text, part in [
        ('[functions.a]\nhandler = "app.handler"', "functions.a: handler: there is no app.mjs, .js, .cjs or .py in"),
        ('[functions.a]\nhandler = "app.handler"\nruntime = "ruby3.3"', "runtime: `ruby3.3` is not one that runs here by itself"),
        ('[functions.a]\ncommand = ["no-such-program"]', "there is no program no-such-program on the PATH"),
        ("[functions.a]\nhandlr = 1", "unknown field `handlr`"),
        ('[functions.a]\nendpoint = "nonsense"', "functions.a: endpoint: "),
    ]:
        settings = tmp_path / "gatewright.toml"
        settings.write_text(text)
        words = [os.environ["GATEWRIGHT_BIN"], "serve", "--listen", "127.0.0.1:0", "--ephemeral", "--config", str(settings)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode != 0 and part in done.stderr, done.stderr


AUTHORIZER = """
def handler(event, context):
    token = event["queryStringParameters"]["token"]
    if token == "unknown":
        raise Exception("Unauthorized")
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow" if token == "good" else "Deny", "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "ada", "policyDocument": policy, "context": {"plan": "gold"}}
"""
WHO = """
export const handler = async (event) => {
  const { authorizer, eventType } = event.requestContext
  return { statusCode: 200, body: eventType === 'MESSAGE' ? JSON.stringify(authorizer) : undefined }
}
"""


def test_one_function_says_who_may_connect_to_another(start_gateway, path_with_python, tmp_path):
    (tmp_path / "gate.py").write_text(AUTHORIZER)
    (tmp_path / "who.mjs").write_text(WHO)
    settings = tmp_path / "gatewright.toml"
    settings.write_text('[functions.gate]\nhandler = "gate.handler"\n[functions."who:live"]\nhandler = "who.handler"\n')
    api = Api(start_gateway("--config", str(settings)))
    gate = f"arn:aws:lambda:{REGION}:000000000000:function:gate"
    authorizer = api.client.create_authorizer(
        ApiId=api.id, Name="gate", AuthorizerType="REQUEST", AuthorizerUri=gate, IdentitySource=["route.request.querystring.token"]
    )["AuthorizerId"]
    who = api.integration("AWS_PROXY", f"arn:aws:lambda:{REGION}:000000000000:function:who:live")
    api.route("$connect", who, AuthorizationType="CUSTOM", AuthorizerId=authorizer)
    api.route("$default", who, two_way=True)
    api.deploy()
    for query, status in (("", 401), ("?token=unknown", 401), ("?token=bad", 403)):
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            open_websocket(api.url + query)
        assert refused.value.response.status_code == status, query
    with open_websocket(f"{api.url}?token=good") as client:
        assert ask(client, action="hi").items() >= {"principalId": "ada", "plan": "gold"}.items()


def test_two_hundred_cold_calls_at_once_are_bounded(start_gateway, tmp_path):
    (tmp_path / "app.mjs").write_text("export const handler = async (event) => ({ n: event.n, pid: process.pid })")
    settings = tmp_path / "gatewright.toml"
    settings.write_text('[functions.app]\nhandler = "app.handler"\nconcurrency = 5\ntimeout = "30s"\n')
    gateway = start_gateway("--config", str(settings))
    sdk = boto3.client("lambda", endpoint_url=gateway.url, region_name=REGION, config=CONFIG, **CREDENTIALS)

    def call(n):
        return json.load(sdk.invoke(FunctionName="app", Payload=json.dumps({"n": n}))["Payload"])

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(call, range(200)))
    assert [answer["n"] for answer in answers] == list(range(200))
    assert 1 <= len({answer["pid"] for answer in answers}) <= 5
