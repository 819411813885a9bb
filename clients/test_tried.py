"""What would become of a message: tried without sending, deployed or as it is edited; and which template line wrote what."""

import json
import urllib.error
import urllib.request

import pytest

from harness.aws import Api
from harness.frames import RawClient
from harness.until import PATIENCE, until

TEMPLATE = """#set($user = $input.path('$.user'))
{
  "user": "$util.escapeJavaScript($user)",
  "from": "$context.connectionId",
#foreach($tag in $input.path('$.tags'))
  "$tag": true,
#end
  "end": 1
}"""


def ask(gateway, path, body=None):
    """Status and answer of a question to the program."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{gateway.url}/_gatewright/v1/{path}", data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def told(gateway, path, body=None):
    """The answer of one that is answered."""
    status, answer = ask(gateway, path, body)
    assert status == 200, answer
    return answer


@pytest.fixture(scope="module")
def api(gateway, backend):
    """An API with a template, a model, a required parameter, and no `$default`."""
    api = Api(gateway, name="tried")
    model = api.client.create_model(ApiId=api.id, Name="Say", ContentType="application/json", Schema='{"type":"object","required":["user"]}')
    said = api.integration("HTTP", f"{backend.url}/tried?token=0123456789abcdefghij", RequestTemplates={"$default": TEMPLATE})
    api.said = said
    api.response(said)
    api.route("say", said, two_way=True, RequestModels={"say": model["Name"]}, ModelSelectionExpression="$request.body.action")
    api.route("get", api.integration("HTTP_PROXY", f"{backend.url}/tried", method="GET"))
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}/tried"), RequestParameters={"route.request.querystring.room": {"Required": True}})
    return api.deploy()


def tried(api, message, **rest):
    """What would become of a message."""
    return told(api.gateway, "try", {"apiId": api.id, "stage": "dev", "message": message, **rest})


def test_the_route_and_the_request_are_told_and_nothing_is_sent(api, backend):
    since = backend.mark()
    answer = tried(api, '{"action": "say", "user": "ada\\"", "tags": ["a", "b"]}')
    assert (answer["routeKey"], answer["twoWay"], answer["failure"]) == ("say", True, None)
    assert answer["selection"] == {"expression": "$request.body.action", "value": "say"}
    request = answer["request"]
    assert request["method"] == "POST" and request["url"] == f"{backend.url}/tried?token=**************efghij"
    body = json.loads(request["body"])
    assert (body["user"], body["a"], body["b"], body["end"]) == ('ada"', True, True, 1)
    raw = request["body"].encode()
    wrote = [(raw[piece["from"] : piece["to"]].decode(), piece["line"]) for piece in answer["template"]["lines"]]
    assert wrote == [('ada\\"', 3), (body["from"], 4), ("a", 6), ("b", 6)]
    assert answer["template"]["text"] == TEMPLATE
    assert not backend.seen(lambda request: request.path == "/tried", since)


@pytest.mark.parametrize(
    "message, failure",
    [
        ('{"action": "nowhere"}', "gave `nowhere`; the deployed routes are [$connect, get, say]"),
        ("no json", "is not a JSON object"),
        ('{"action": "say"}', "user"),
    ],
)
def test_what_a_client_would_be_told_is_told(api, message, failure):
    answer = tried(api, message)
    assert answer["request"] is None and failure in answer["failure"]["detail"]
    assert answer["failure"]["message"] in ("Forbidden", "Bad request body")


def test_the_lost_body_is_remarked_before_it_is_lost(api):
    answer = tried(api, '{"action": "get", "x": 1}')
    assert answer["request"]["bodySent"] is False
    [note] = [note for note in answer["notes"] if "carry none" in note["headline"]]
    assert "--integration-method POST" in note["mend"]["command"]


def test_a_handshake_can_be_tried(api):
    answer = tried(api, None, eventType="CONNECT", query="", headers={})
    assert (answer["failure"]["status"], answer["request"]) == (400, None)
    answer = tried(api, None, eventType="CONNECT", query="room=a%20b", headers={"X-Mine": "1"})
    assert answer["routeKey"] == "$connect" and answer["request"]["url"].endswith("/tried?room=a%20b")
    assert ["X-Mine", "1"] in answer["request"]["headers"]


def test_what_is_edited_is_told_apart_from_what_is_deployed(gateway, backend):
    api = Api(gateway, name="edited")
    integration = api.integration("HTTP_PROXY", f"{backend.url}/edited", method="GET")
    api.route("say", integration)
    api.deploy(AutoDeploy=False)
    changes = f"changes?api={api.id}&stage=dev"
    assert told(gateway, changes)["differences"] == []
    api.client.update_integration(ApiId=api.id, IntegrationId=integration, IntegrationMethod="POST")
    api.route("new", integration)
    says = [difference["says"] for difference in told(gateway, changes)["differences"]]
    assert says == [
        f"integration {integration}: integrationMethod is `GET` where it is deployed, and `POST` now",
        "route new is new, and not deployed",
    ]
    message = '{"action": "say"}'
    assert tried(api, message)["request"]["method"] == "GET"
    assert tried(api, message, edited=True)["request"]["method"] == "POST"
    assert tried(api, '{"action": "new"}', edited=True)["routeKey"] == "new"
    api.client.create_deployment(ApiId=api.id, StageName="dev")
    assert told(gateway, changes)["differences"] == []
    assert tried(api, message)["request"]["method"] == "POST"
    assert ask(gateway, "changes?api=nothing&stage=dev")[0] == 404
    assert ask(gateway, "try", {"apiId": api.id, "stage": "nothing", "message": ""})[0] == 404


def test_a_past_event_tells_which_line_wrote_what(api):
    with RawClient(api.gateway.port, f"{api.target}?room=1") as client:
        client.text('{"action": "say", "user": "grace", "tags": []}')
        client.read_frame()
    # The log's thread keeps it a moment later.
    events = until(lambda: told(api.gateway, "events?filter=route:say&whole=1")["events"], "the event")
    event = told(api.gateway, f"events/{urllib.request.quote(events[-1]['requestId'])}")
    raw = event["request"]["body"].encode()
    assert [raw[piece["from"] : piece["to"]] for piece in event["template"]["lines"]][0] == b"grace"
    # Of another deployment nothing is said that may be wrong.
    api.client.update_integration(ApiId=api.id, IntegrationId=api.said, RequestTemplates={"$default": "{}"})
    api.client.create_deployment(ApiId=api.id, StageName="dev")
    assert told(api.gateway, f"events/{urllib.request.quote(events[-1]['requestId'])}")["template"] is None


def test_a_template_is_played_with(gateway):
    answer = told(gateway, "render", {"template": "a\n$input.path('$.x')$context.stage $stageVariables.v", "body": '{"x": "ü"}', "context": {"stage": "dev"}, "stageVariables": {"v": "1"}})
    assert answer["output"] == "a\nüdev 1"
    assert answer["lines"] == [{"from": 2, "to": 4, "line": 2}, {"from": 4, "to": 7, "line": 2}, {"from": 8, "to": 9, "line": 2}]
    error = told(gateway, "render", {"template": "ok\n#if($x", "body": ""})["error"]
    assert (error["kind"], error["line"]) == ("parse", 2) and error["message"]
    looping = "#foreach($a in [1..1000])#foreach($b in [1..1000])#foreach($c in [1..1000])$c#end#end#end"
    assert "error" in told(gateway, "render", {"template": looping, "body": ""})
    assert ask(gateway, "render", {"template": 1})[0] == 400
    assert ask(gateway, "render", {"template": "x" * 2_000_000})[0] == 413


def test_secrets_are_masked_unless_people_ask_to_see_them(start_gateway, backend):
    for options, is_shown in [([], False), (["--show-secrets"], True)]:
        gateway = start_gateway(*options)
        api = Api(gateway, name="secret")
        api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}/secret"))
        api.deploy()
        with RawClient(gateway.port, f"{api.target}?token=0123456789abcdefghij", headers=[("Authorization", "Bearer 0123456789abcdefghij")]):
            pass
        [event] = until(lambda: told(gateway, "events?filter=type:connect&whole=1")["events"], "the event")
        whole = json.dumps(told(gateway, f"events/{urllib.request.quote(event['requestId'])}"))
        assert ('"?token=0123456789abcdefghij' in whole.replace('"token', '"?token')) == is_shown
        assert ('["Authorization", "Bearer 0123456789abcdefghij"]' in whole) == is_shown
        # Lines of the log are AWS's, whatever is shown.
        assert "Bearer 0123" not in json.dumps(event["lines"])
