"""AWS's own runtime clients, which the program takes where a function's folder has them: the same handlers, the same words.

Python's comes with requirements.txt; Node's is compiled for a minute, so it is tried where `GATEWRIGHT_LAMBDA_RIC` names a
`node_modules` that has it (README.md).
"""

import json
import os
import shutil
import sys
from importlib import metadata
from pathlib import Path

import boto3
import pytest

from harness.aws import CONFIG, CREDENTIALS, REGION
from harness.clients import open_websocket, receive
from harness.gateway import Gateway
from harness.processes import children, is_alive
from harness.until import until

PYTHON = """
import os, sys, time
if "BROKEN" in os.environ:
    raise RuntimeError("there is no table")
def handler(event, context):
    if "requestContext" in event:
        return {"statusCode": 200, "body": event.get("body")}
    if "fail" in event:
        raise KeyError(event["fail"])
    if "wait" in event:
        time.sleep(event["wait"])
    print("ran", event["n"])
    by = os.path.basename(os.path.dirname(sys.modules["__main__"].__file__))
    return {"n": event["n"], "pid": os.getpid(), "id": context.aws_request_id, "arn": context.invoked_function_arn, "by": by,
            "name": context.function_name, "left": context.get_remaining_time_in_millis()}
"""
NODE = """
if ('BROKEN' in process.env) throw new RangeError('there is no table')
export const handler = async (event, context) => {
  if (event.requestContext) return { statusCode: 200, body: event.body }
  if (event.fail) throw new TypeError(event.fail)
  if (event.wait) await new Promise((go) => setTimeout(go, event.wait * 1000))
  console.log('ran', event.n)
  const by = process.argv[1].split('/node_modules/')[1].split('/')[0]
  return { n: event.n, pid: process.pid, id: context.awsRequestId, arn: context.invokedFunctionArn, by,
           name: context.functionName, left: context.getRemainingTimeInMillis() }
}
"""
# What `pip install --target` of the client brings into a function's folder.
DISTRIBUTIONS = ("awslambdaric", "simplejson", "snapshot-restore-py")
SETTINGS = """
[functions.app]
handler = "app.handler"
[functions.slow]
handler = "app.handler"
timeout = "2s"
[functions.broken]
handler = "app.handler"
environment = { BROKEN = "1" }
"""


def with_awslambdaric(folder):
    for distribution in map(metadata.distribution, DISTRIBUTIONS):
        for file in distribution.files:
            if file.suffix != ".pyc" and ".." not in file.parts:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), folder / file)
    file = folder / "app.py"
    file.write_text(PYTHON)
    return file


def with_aws_lambda_ric(folder):
    packages = os.environ.get("GATEWRIGHT_LAMBDA_RIC")
    if packages is None:
        pytest.skip("GATEWRIGHT_LAMBDA_RIC names no node_modules with aws-lambda-ric, a native build (README.md)")
    (folder / "node_modules").symlink_to(Path(packages).resolve(strict=True))
    file = folder / "app.mjs"
    file.write_text(NODE)
    return file


CLIENTS = {"awslambdaric": (with_awslambdaric, "KeyError", "'no room'"), "aws-lambda-ric": (with_aws_lambda_ric, "TypeError", "no room")}


@pytest.fixture(scope="module", params=CLIENTS)
def client(request):
    return request.param


@pytest.fixture(scope="module")
def file(client, tmp_path_factory):
    """A handler in a folder that has the client; `python3` is the one that these tests run in, for which that was made."""
    file = CLIENTS[client][0](tmp_path_factory.mktemp("function"))
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    yield file
    os.environ["PATH"] = before


@pytest.fixture(scope="module")
def gateway(start_gateway, file):
    settings = file.parent / "gatewright.toml"
    settings.write_text(SETTINGS)
    return start_gateway("--config", str(settings))


@pytest.fixture(scope="module")
def call(gateway):
    sdk = boto3.client("lambda", endpoint_url=gateway.url, region_name=REGION, config=CONFIG, **CREDENTIALS)

    def call(function, failed=False, **event):
        answer = sdk.invoke(FunctionName=function, Payload=json.dumps(event))
        said = json.load(answer["Payload"])
        assert ("FunctionError" in answer) == failed, said
        return said

    return call


def test_calls_are_answered_one_after_the_other_by_the_official_client(call, client, gateway):
    first, second = call("app", n=1), call("app", n=2)
    assert (first["n"], first["by"], first["name"]) == (1, client, "app")
    assert first["arn"] == f"arn:aws:lambda:{REGION}:000000000000:function:app"
    assert 0 < first["left"] <= 3000
    assert second["pid"] == first["pid"] and second["id"] != first["id"]
    gateway.wait_for_line(lambda line: f"function app {second['id']}: " in line and "ran 2" in line, "what it printed, with its id")


def test_what_a_handler_throws_is_told_in_its_words_and_it_runs_on(call, client):
    pid = call("app", n=1)["pid"]
    _, kind, text = CLIENTS[client]
    said = call("app", failed=True, fail="no room")
    assert (said["errorType"], said["errorMessage"]) == (kind, text)
    assert call("app", n=2)["pid"] == pid


def test_code_that_cannot_be_loaded_is_told_at_each_call(call):
    for _ in range(2):
        assert call("broken", failed=True, n=1)["errorMessage"].endswith("there is no table")


def test_a_call_that_takes_too_long_is_followed_by_a_new_process(call):
    pid = call("slow", n=1)["pid"]
    said = call("slow", failed=True, n=2, wait=600)
    assert said["errorType"] == "Sandbox.Timedout" and said["errorMessage"].endswith("Task timed out after 2.00 seconds")
    until(lambda: not is_alive(pid), "its process to end")
    assert call("slow", n=3)["pid"] not in (pid, None)


def test_a_socket_is_answered_and_no_process_is_left(file, tmp_path):
    gateway = Gateway(tmp_path / "data", "--function", str(file))
    with open_websocket(f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/gatewright/dev") as socket:
        socket.send('{"said":"hello"}')
        assert receive(socket) == {"said": "hello"}
    pids = children(gateway.process.pid)
    assert pids and all(is_alive(pid) for pid in pids)
    gateway.kill()
    until(lambda: not any(is_alive(pid) for pid in pids), "the function's process to end")
