"""Authorizers on `$connect`, as people have them: a server in Express, functions behind an Invoke endpoint, real clients."""

import contextlib
import json
import re
import socket
import subprocess
import threading
from pathlib import Path

import boto3
import pytest
import websockets

from harness.aws import CLI_PATIENCE, CONFIG, CREDENTIALS, REGION, Api, cli_environment
from harness.backend import NEVER, Answer, unused_port
from harness.clients import Node, open_websocket, receive
from harness.functions import Functions
from harness.until import until

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "authorizers.md"
EVENTS = []
HELD = threading.Event()


NETWORKS = {"near": "127.0.0.0/8", "far": "10.0.0.0/8"}


def policy(effect, resource, network=None):
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    if network is not None:
        statement["Condition"] = {"IpAddress": {"aws:SourceIp": network}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def gate(event, _):
    """An authorizer as the tutorials have it, and with their mistakes, by what the token says."""
    EVENTS.append(event)
    token, arn = event["queryStringParameters"]["token"], event["methodArn"]
    if token == "unknown":
        raise Exception("Unauthorized")
    if token == "broken":
        raise KeyError("users")
    if token == "list":
        return {"principalId": "u", "policyDocument": policy("Allow", arn), "context": {"roles": ["a"]}}
    if token == "hang":
        HELD.wait()
    resources = {"rest": arn.rpartition("/")[0] + "/*/*", "other": arn.replace("$connect", "join")}
    return {
        "principalId": f"user-{token}",
        "policyDocument": policy("Deny" if token == "denied" else "Allow", resources.get(token, arn), NETWORKS.get(token)),
        "context": {"plan": "gold", "level": 3, "admin": True},
        "usageIdentifierKey": f"key-of-{token}-0123456789",
    }


@pytest.fixture(scope="module")
def functions():
    functions = Functions(gate=gate)
    yield functions
    HELD.set()
    functions.stop()


@pytest.fixture(scope="module")
def gateway(start_gateway, functions):
    return start_gateway("--lambda-endpoint", functions.url, "--limit", "authorizer-timeout=3s")


def uri(name):
    arn = f"arn:aws:lambda:{REGION}:123456789012:function:{name}"
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"


def guarded(gateway, backend, authorizer, path, needs_key=False, **stage):
    """An API behind an authorizer, whose backend is told at `path` what the authorizer said."""
    api = Api(gateway)
    if needs_key:
        api.client.update_api(ApiId=api.id, ApiKeySelectionExpression="$context.authorizer.usageIdentifierKey")
    api.authorizer = api.client.create_authorizer(
        ApiId=api.id, Name="gate", AuthorizerType="REQUEST", AuthorizerUri=authorizer, IdentitySource=["route.request.querystring.token"]
    )["AuthorizerId"]
    said = {f"integration.request.header.{name}": f"context.authorizer.{name}" for name in ("principalId", "plan", "level")}
    connect = api.integration("HTTP_PROXY", f"{backend.url}{path}/connect", RequestParameters=said)
    api.route("$connect", connect, AuthorizationType="CUSTOM", AuthorizerId=api.authorizer, ApiKeyRequired=needs_key)
    template = {"$default": '{"who":"$context.authorizer.principalId","admin":"$context.authorizer.admin"}'}
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}{path}/disconnect"))
    told = api.integration("HTTP", f"{backend.url}{path}/message", RequestTemplates=template, TemplateSelectionExpression="\\$default")
    api.response(told)
    api.route("who", told, two_way=True)
    return api.deploy(**stage)


@pytest.fixture(scope="module")
def api(gateway, backend, functions):
    format = "$context.requestId $context.eventType $context.status $context.authorizer.principalId $context.authorizer.plan $context.authorizer.status"
    log = {"DestinationArn": f"arn:aws:logs:{REGION}:000000000000:log-group:access", "Format": format}
    return guarded(gateway, backend, uri("gate"), "/guarded", AccessLogSettings=log)


def refused(url):
    with pytest.raises(websockets.exceptions.InvalidStatus) as caught:
        open_websocket(url)
    return caught.value.response.status_code


def test_whom_the_authorizer_knows_is_known_to_backend_and_logs(api, backend):
    mark = backend.mark()
    with open_websocket(f"{api.url}?token=ada") as client:
        connect = backend.wait_for("/guarded/connect", since=mark)[0]
        assert [connect.header(name) for name in ("principalId", "plan", "level")] == ["user-ada", "gold", "3"]
        client.send(json.dumps({"action": "who"}))
        assert receive(client) == {"who": "user-ada", "admin": "true"}
    for event, status in (("CONNECT", "200"), ("MESSAGE", "-"), ("DISCONNECT", "-")):
        line = re.compile(rf"\S{{15}}= {event} 200 user-ada gold {status}\"")
        api.gateway.wait_for_line(line.search, f"the access log of {event}")
    event = next(event for event in EVENTS if event["queryStringParameters"] == {"token": "ada"})
    assert event["type"] == "REQUEST" and event["methodArn"] == f"arn:aws:execute-api:{REGION}:000000000000:{api.id}/dev/$connect"
    assert {"Connection", "Upgrade", "content-length"} <= event["headers"].keys() and "authorizer" not in event["requestContext"]


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        ("", 401, "the client has no route.request.querystring.token"),
        ("?token=", 401, "the client has no route.request.querystring.token"),
        ("?token=unknown", 401, "its function raised `Unauthorized`"),
        ("?token=other", 403, "statement 1 of its policy is for arn:"),
        ("?token=rest", 403, "/dev/*/*, which has a slash more than $connect"),
        ("?token=denied", 403, "statement 1 of its policy denies it"),
        ("?token=far", 403, "its condition IpAddress aws:SourceIp "),
        ("?token=broken", 500, "its function failed: 'users'"),
        ("?token=list", 500, "`context.roles` is a list or an object"),
    ],
)
def test_whom_it_does_not_let_in_is_told_the_status_and_the_log_why(api, backend, query, status, why):
    since, mark = api.gateway.mark(), backend.mark()
    asked = len(EVENTS)
    assert refused(api.url + query) == status
    api.gateway.wait_for_log(why, since, apiId=api.id, kind="error")
    assert not backend.seen("/guarded/connect", mark)
    if "no route.request" in why:
        assert len(EVENTS) == asked, "the authorizer was called"


def test_a_policy_may_ask_where_a_client_is(api):
    with open_websocket(f"{api.url}?token=near") as client:
        client.send(json.dumps({"action": "who"}))
        assert receive(client)["who"] == "user-near"


def test_node_clients_are_let_in_and_refused(api, node_folder):
    script = node_folder / "authorized.mjs"
    script.write_text(
        'import WebSocket from "ws";\n'
        "const socket = new WebSocket(process.argv[2]);\n"
        'socket.on("open", () => socket.send(JSON.stringify({ action: "who" })));\n'
        'socket.on("message", (text) => { console.log(String(text)); socket.close(); });\n'
        'socket.on("error", (error) => console.log(error.message));\n'
    )
    for token, said in (("bob", '{"who":"user-bob","admin":"true"}'), ("denied", "Unexpected server response: 403")):
        with Node(script, f"{api.url}?token={token}", cwd=node_folder) as client:
            client.holding(said)


def test_one_that_hangs_is_a_failure_and_keeps_nobody_else_waiting(api):
    since = api.gateway.mark()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(refused(f"{api.url}?token=hang")))
    waiting.start()
    with open_websocket(f"{api.url}?token=eve") as client:
        client.send(json.dumps({"action": "who"}))
        assert receive(client)["who"] == "user-eve"
        assert not answers, "the other client was refused before"
    waiting.join()
    assert answers == [500]
    api.gateway.wait_for_log("timed out after 3000 ms", since, apiId=api.id, kind="error")


def test_one_that_is_nowhere_is_a_failure(gateway, backend):
    dead = guarded(gateway, backend, f"http://127.0.0.1:{unused_port()}/authorize", "/dead")
    assert refused(f"{dead.url}?token=x") == 500
    gateway.wait_for_log("cannot reach http://127.0.0.1:", apiId=dead.id, kind="error")
    backend.answers["/silent"] = NEVER
    silent = guarded(gateway, backend, f"{backend.url}/silent", "/dead")
    assert refused(f"{silent.url}?token=x") == 500


def test_a_bare_answer_of_a_server_is_understood(gateway, backend):
    api = guarded(gateway, backend, f"{backend.url}/short", "/bare")
    for status, answered in ((401, 401), (403, 403), (404, 500)):
        backend.answers["/short"] = Answer(status=status)
        assert refused(f"{api.url}?token=x") == answered
    backend.answers["/short"] = Answer(status=204)
    with open_websocket(f"{api.url}?token=x") as client:
        client.send(json.dumps({"action": "who"}))
        assert receive(client)["who"] == "anonymous"


def test_the_key_can_come_from_the_authorizer(gateway, backend):
    api = guarded(gateway, backend, uri("gate"), "/keyed", needs_key=True)
    keys = boto3.session.Session(region_name=REGION, **CREDENTIALS).client("apigateway", endpoint_url=gateway.url, config=CONFIG)
    key = keys.create_api_key(name="ada", value="key-of-ada-0123456789", enabled=True)["id"]
    plan = keys.create_usage_plan(name="all", apiStages=[{"apiId": api.id, "stage": "dev"}])["id"]
    keys.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    with open_websocket(f"{api.url}?token=ada"):
        pass
    assert refused(f"{api.url}?token=bob") == 403


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def block(language, number=0):
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[number]


def test_the_guide_s_server_and_commands_work_as_they_stand(start_gateway, backend, node_folder):
    gateway = start_gateway("--backend", backend.url)
    port = unused_port()
    script = node_folder / "authorize.cjs"
    script.write_text(block("js"))
    with Node(script, cwd=node_folder, PORT=str(port)):
        until(lambda: listens(port), "the guide's server to listen", patience=60)
        commands = block("sh").replace("127.0.0.1:3100", f"127.0.0.1:{port}")
        done = subprocess.run(
            ["bash", "-e", "-c", commands], env=cli_environment(gateway.url), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=CLI_PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        url = f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/gatewright/dev"
        with open_websocket(f"{url}?token=sesame"):
            pass
        assert refused(f"{url}?token=wrong") == 401
        assert refused(url) == 401
