"""Functions as backends: handlers as people write them for Lambda, made known with boto3 under ordinary ARNs."""

import json

import pytest
import websockets

from harness.aws import REGION, Api, management
from harness.clients import open_websocket, receive
from harness.functions import Functions
from harness.until import PATIENCE, until

ACCOUNT = "123456789012"
GONE = []
KEPT = []


def chat(event, context):
    """One handler for all three kinds of events, as the tutorials have it."""
    about = event["requestContext"]
    if about["eventType"] == "CONNECT":
        token = (event.get("queryStringParameters") or {}).get("token")
        return {"statusCode": 200 if token == "good" else 401}
    if about["eventType"] == "DISCONNECT":
        GONE.append((about["connectionId"], about["disconnectStatusCode"]))
        return {"statusCode": 200}
    message = json.loads(event["body"])
    if message["action"] == "push":
        client = management(f"http://{about['domainName']}/{about['stage']}")
        client.post_to_connection(ConnectionId=about["connectionId"], Data=json.dumps({"pushed": message["what"]}).encode())
        return {"statusCode": 200}
    if message["action"] == "fail":
        raise KeyError(message["what"])
    said = {"said": message["what"], "version": context.function_version, "to": about["connectionId"]}
    return {"statusCode": 200, "body": json.dumps(said)}


def rename(event, context):
    """A handler that is given what a template makes."""
    if not event["room"]:
        raise ValueError("there is no room without a name")
    return {"room": event["room"].upper(), "by": event["by"]}


def remember(event, _):
    """A handler that nobody waits for."""
    KEPT.append(event)


@pytest.fixture(scope="module")
def functions():
    functions = Functions(chat=chat, rename=rename, remember=remember)
    yield functions
    functions.stop()


@pytest.fixture(scope="module")
def api(start_gateway, functions):
    api = Api(start_gateway("--lambda-endpoint", functions.url))

    def uri(name):
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"

    proxy = api.integration("AWS_PROXY", uri("chat"))
    for key in ("$connect", "$disconnect", "push"):
        api.route(key, proxy)
    for key in ("say", "fail"):
        api.route(key, proxy, two_way=True)
    api.route("live", api.integration("AWS_PROXY", uri("${stageVariables.function}:live")), two_way=True)
    api.route("lost", api.integration("AWS_PROXY", uri("nobody")))
    template = {"$default": '{"room":$input.json(\'$.room\'),"by":"$context.connectionId"}'}
    renaming = api.integration("AWS", uri("rename"), RequestTemplates=template, TemplateSelectionExpression="\\$default")
    api.response(renaming)
    api.response(renaming, "/there is no .*/", ResponseTemplates={"$default": '{"no":"$input.path(\'$.errorMessage\')"}'})
    api.route("rename", renaming, two_way=True)
    later = api.integration("AWS", uri("remember"), RequestParameters={"integration.request.header.X-Amz-Invocation-Type": "'Event'"})
    api.response(later)
    api.route("later", later)
    return api.deploy(StageVariables={"function": "chat"})


def say(client, action, **members):
    client.send(json.dumps({"action": action, **members}))


def test_a_handler_lets_in_answers_pushes_and_learns_of_the_end(api, functions):
    with open_websocket(f"{api.url}?token=good") as client:
        say(client, "say", what="hello")
        answer = receive(client)
        assert answer["said"] == "hello" and answer["version"] == "$LATEST"
        say(client, "live", what="hello")
        assert receive(client)["version"] == "live"
        say(client, "push", what=[1, 2])
        assert receive(client) == {"pushed": [1, 2]}
    until(lambda: (answer["to"], 1000) in GONE, f"$disconnect of {answer['to']}")
    assert {("chat", None, "RequestResponse"), ("chat", "live", "RequestResponse")} <= {call[:3] for call in functions.calls}


def test_a_handler_refuses(api):
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        open_websocket(f"{api.url}?token=bad")
    assert refused.value.response.status_code == 401


def test_a_handler_that_raises_is_told_in_the_log_and_not_to_the_client(api):
    with open_websocket(f"{api.url}?token=good") as client:
        say(client, "fail", what="nothing")
        answer = receive(client)
        assert answer["message"] == "Internal server error"
        wanted = "Lambda execution failed with status 200 due to customer function error: 'nothing'. Lambda request id: "
        api.gateway.wait_for_log(wanted, apiId=api.id)
        say(client, "lost")
        assert receive(client)["message"] == "Internal server error"
        api.gateway.wait_for_log("Lambda invocation failed with status: 404. Lambda request id: ", apiId=api.id)


def test_a_handler_without_proxy_is_given_what_the_template_makes(api, functions):
    with open_websocket(f"{api.url}?token=good") as client:
        say(client, "rename", room="lobby")
        assert receive(client)["room"] == "LOBBY"
        say(client, "rename", room="")
        assert receive(client) == {"no": "there is no room without a name"}
        say(client, "later", what="x")
        until(lambda: KEPT == [{"action": "later", "what": "x"}], "the call that nobody waits for")
        assert "Event" in {call[2] for call in functions.calls}
        say(client, "say", what="still here")
        assert receive(client)["said"] == "still here"
