"""The events of functions as typed handlers see them: npm's @types/aws-lambda, and AWS's Powertools for Python.

Both are asked about the recorded events of the corpus, which the program's own are compared with to the byte, and about those
that a running program makes.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import websockets
from aws_lambda_powertools.utilities.data_classes import APIGatewayWebSocketEvent
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import APIGatewayAuthorizerRequestEvent, parse_api_gateway_arn
from aws_lambda_powertools.utilities.parser import envelopes, parse
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayWebSocketConnectEventModel,
    APIGatewayWebSocketDisconnectEventModel,
    APIGatewayWebSocketMessageEventModel,
)
from pydantic import BaseModel

from harness import golden
from harness.aws import REGION, Api
from harness.clients import node_modules, open_websocket, receive

TYPED = Path(__file__).resolve().parent / "typed"
TYPES = {"CONNECT": "ConnectEvent", "MESSAGE": "MessageEvent", "DISCONNECT": "DisconnectEvent", "REQUEST": "AuthorizerEvent"}
MODELS = {
    "CONNECT": APIGatewayWebSocketConnectEventModel,
    "MESSAGE": APIGatewayWebSocketMessageEventModel,
    "DISCONNECT": APIGatewayWebSocketDisconnectEventModel,
}
# The handlers of one application, in Python.
POWERTOOLS = """
from aws_lambda_powertools.utilities.data_classes import APIGatewayWebSocketEvent, event_source
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import (
    APIGatewayAuthorizerRequestEvent, APIGatewayAuthorizerResponseWebSocket,
)
from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayWebSocketConnectEventModel, APIGatewayWebSocketDisconnectEventModel, APIGatewayWebSocketMessageEventModel,
)

@event_source(data_class=APIGatewayAuthorizerRequestEvent)
def gate(event, context):
    if event.query_string_parameters["token"] != "good":
        raise Exception("Unauthorized")
    answer = APIGatewayAuthorizerResponseWebSocket.from_route_arn(event.method_arn, "ada", {"plan": "gold", "level": 3})
    answer.allow_route("$connect")
    return answer.asdict()

@event_parser(model=APIGatewayWebSocketConnectEventModel)
def connect(event, context):
    return {"statusCode": 200 if event.request_context.route_key == "$connect" else 403}

@event_source(data_class=APIGatewayWebSocketEvent)
def message(event, context):
    APIGatewayWebSocketMessageEventModel.model_validate(event.raw_event)
    about = event.request_context
    said = {"connectionId": about.connection_id, "routeKey": about.route_key, "messageDirection": about.message_direction}
    return {"statusCode": 200, "body": __import__("json").dumps({**said, "said": event.decoded_body})}

@event_parser(model=APIGatewayWebSocketDisconnectEventModel)
def disconnect(event, context):
    print("gone", event.request_context.disconnect_status_code)
"""
HANDLERS = ("gate", "connect", "message", "disconnect")
FUNCTIONS = """
[functions.{name}]
handler = "{file}.{name}"
timeout = "20s"
"""


def compiled(folder):
    """The TypeScript of a folder, as `tsc` makes JavaScript of it."""
    command = [node_modules() / ".bin" / "tsc", "--project", folder, "--pretty", "false"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=80, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def literals(events):
    """TypeScript in which each event is written down as a value of its type."""
    lines = ["import type { AuthorizerEvent, ConnectEvent, DisconnectEvent, MessageEvent } from './events.js'"]
    for name, event in events.items():
        lines.append(f"export const {name}: {TYPES[golden.kind_of(event)]} = {json.dumps(event)}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def folder(node_folder):
    """The handlers, compiled together with the recorded events."""
    folder = node_folder / "typed"
    shutil.copytree(TYPED, folder)
    (folder / "recorded.ts").write_text(literals(golden.events()))
    compiled(folder)
    return folder


def deployed(start_gateway, folder, file):
    """An API of which every route, and the authorizer, is a function of this file."""
    settings = folder / "gatewright.toml"
    settings.write_text("".join(FUNCTIONS.format(name=name, file=file) for name in HANDLERS))
    api = Api(start_gateway("--config", str(settings)))
    arns = {name: f"arn:aws:lambda:{REGION}:000000000000:function:{name}" for name in HANDLERS}
    authorizer = api.client.create_authorizer(
        ApiId=api.id, Name="gate", AuthorizerType="REQUEST", AuthorizerUri=arns["gate"], IdentitySource=["route.request.querystring.token"]
    )["AuthorizerId"]
    api.route("$connect", api.integration("AWS_PROXY", arns["connect"]), AuthorizationType="CUSTOM", AuthorizerId=authorizer)
    api.route("$default", api.integration("AWS_PROXY", arns["message"]), two_way=True)
    api.route("$disconnect", api.integration("AWS_PROXY", arns["disconnect"]))
    return api.deploy(StageVariables={"colour": "blue"})


def talk(api):
    """Is refused, comes in, says something, goes."""
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        open_websocket(f"{api.url}?token=bad")
    assert refused.value.response.status_code == 401
    with open_websocket(f"{api.url}?token=good&room=a&room=b") as client:
        client.send("no JSON")
        answer = receive(client)
    assert answer.pop("connectionId").endswith("=")
    assert answer == {"routeKey": "$default", "messageDirection": "IN", "said": "no JSON"}


@pytest.fixture(scope="module")
def made(start_gateway, folder):
    """What the handlers in TypeScript were given by a running program, by the name of the handler; the last of each."""
    api = deployed(start_gateway, folder, "chat")
    talk(api)
    found = {}
    api.gateway.wait_for_line(lambda line: "function disconnect " in line and "event {" in line, "the end to be told")
    for line in api.gateway.output().splitlines():
        with contextlib.suppress(ValueError):
            line = json.loads(line)["message"]
        if ": event {" in line:
            found[line.split("function ")[1].split(" ")[0]] = json.loads(line.split(": event ", 1)[1])
    return found


def test_handlers_in_typescript_run_and_what_they_are_given_is_of_its_type(made, folder):
    assert set(made) == set(HANDLERS)
    assert made["connect"]["multiValueQueryStringParameters"]["room"] == ["a", "b"]
    assert made["message"]["stageVariables"] == {"colour": "blue"}
    (folder / "made.ts").write_text(literals(made))
    compiled(folder)


def test_an_event_that_has_more_or_less_is_not_of_its_type(node_folder):
    wrong = node_folder / "wrong"
    shutil.copytree(TYPED, wrong)
    more, less = golden.events()["message"], golden.events()["message"]
    more["requestContext"]["surprise"] = 1
    del less["requestContext"]["connectionId"]
    (wrong / "wrong.ts").write_text(literals({"more": more, "less": less}))
    with pytest.raises(AssertionError) as refused:
        compiled(wrong)
    said = str(refused.value)
    assert "\"surprise\"' does not exist in type" in said and "'connectionId' is missing in type" in said


@pytest.fixture(params=[*golden.events(), *HANDLERS])
def event(request):
    """Each recorded event, and each that a running program made."""
    recorded = golden.events()
    return recorded[request.param] if request.param in recorded else request.getfixturevalue("made")[request.param]


def test_powertools_read_it(event):
    kind, about = golden.kind_of(event), event["requestContext"]
    if kind == "REQUEST":
        read = APIGatewayAuthorizerRequestEvent(event)
        assert read.get_type == "REQUEST" and read.headers["host"] == event["headers"]["Host"]
        assert read.query_string_parameters == event["queryStringParameters"] and read.stage_variables == event["stageVariables"]
        place = parse_api_gateway_arn(read.method_arn, is_websocket_authorizer=True)
        assert (place.api_id, place.stage, place.resource) == (about["apiId"], about["stage"], "$connect")
        assert place.arn == event["methodArn"]
        return
    read = APIGatewayWebSocketEvent(event)
    assert read.request_context.connection_id == about["connectionId"] and read.request_context.connected_at == about["connectedAt"]
    parsed = MODELS[kind].model_validate(event)
    assert parsed.request_context.request_id == about["requestId"]
    assert int(parsed.request_context.connected_at.timestamp() * 1000) == about["connectedAt"]
    if kind == "MESSAGE":
        assert parsed.body == event["body"] and read.body == event["body"]
    else:
        assert parsed.headers == event["headers"] and parsed.multi_value_headers == event["multiValueHeaders"]
        assert read.headers == {name.lower(): value for name, value in event["headers"].items()}
    for other in MODELS.keys() - {kind}:
        with pytest.raises(ValueError):
            MODELS[other].model_validate(event)


class Said(BaseModel):
    """What the message of the corpus holds."""

    action: str


def test_powertools_envelope_opens_a_message():
    read = parse(event=golden.events()["message"], model=Said, envelope=envelopes.ApiGatewayWebSocketEnvelope)
    assert read == Said(action="hello")


def test_handlers_with_powertools_run(start_gateway, tmp_path, monkeypatch):
    # They are installed where these tests run.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "tools.py").write_text(POWERTOOLS)
    api = deployed(start_gateway, tmp_path, "tools")
    talk(api)
    api.gateway.wait_for_line(lambda line: "gone 1000" in line, "the end to be told")
