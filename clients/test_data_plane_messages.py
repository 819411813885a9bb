"""Messages: which route they take, what comes back, and the error frames, to the byte."""

import json
import re
import threading

import pytest

from harness.aws import Api
from harness.backend import NEVER, Answer, unused_port
from harness.frames import CONTINUATION, TEXT, RawClient

KNOWN = {"integration.request.header.connectionId": "context.connectionId", "integration.request.header.routeKey": "context.routeKey"}
ERROR = re.compile(r'\{"message": "([^"]*)", "connectionId":"([A-Za-z0-9_-]{15}=)", "requestId":"([A-Za-z0-9_-]{15}=)"\}')


def error_message(frame):
    """The message of an error frame, whose every byte must be as on AWS."""
    match = ERROR.fullmatch(frame)
    assert match, frame
    return match.group(1)


def routed_api(gateway, backend, path, keys, selection="$request.body.action"):
    """An API whose two-way routes answer with their own key."""
    backend.answers[path] = lambda request: Answer(body=f"route {request.header('routeKey')}")
    api = Api(gateway, selection)
    integration = api.integration("HTTP_PROXY", backend.url + path, RequestParameters=KNOWN)
    for key in keys:
        api.route(key, integration, two_way=True)
    return api.deploy()


def ask_all(api, cases):
    with RawClient(api.gateway.port, api.target) as client:
        return {message: client.ask(message) for message in cases}


def test_the_selection_expression_chooses_the_route(gateway, backend, path):
    api = routed_api(gateway, backend, path, ["join", "leave", "7", "true", "$default", "$connect", "$disconnect"])
    cases = {
        '{"action":"join"}': "join",
        '{"x":{"action":"no"},"action":"leave"}': "leave",
        '{ "action" : "join" , "rest": [1,2,3] }': "join",
        '{"action":"Join"}': "$default",
        '{"action":"other"}': "$default",
        '{"action":""}': "$default",
        '{"action":null}': "$default",
        '{"action":7}': "7",
        '{"action":true}': "true",
        "{}": "$default",
        "[]": "$default",
        "not json": "$default",
        '{"action":"join"': "$default",
        '"join"': "$default",
        "join": "$default",
        # A client must not play the life cycle.
        '{"action":"$connect"}': "$default",
        '{"action":"$disconnect"}': "$default",
        '{"action":"$default"}': "$default",
        '{"action":"\\u006aoin"}': "join",
    }
    assert ask_all(api, cases) == {message: f"route {key}" for message, key in cases.items()}


@pytest.mark.parametrize(
    ("selection", "message", "key"),
    [
        ("$request.body.a.b.c", '{"a":{"b":{"c":"deep"}}}', "deep"),
        ("${request.body.service}/${request.body.action}", '{"service":"chat","action":"join"}', "chat/join"),
        ("${request.body.action}-${request.body.missing}", '{"action":"join"}', "join-"),
        ("$request.body.items[1].t", '{"items":[{"t":"x"},{"t":"second"}]}', "second"),
        ("${request.body['a b']}", '{"a b":"spaced"}', "spaced"),
        ("$request.body.list", '{"list":["one","two"]}', "[one, two]"),
        ("always", "not json at all", "always"),
        ("\\$default", '{"action":"x"}', "$default"),
    ],
)
def test_selection_expressions_reach_into_messages(gateway, backend, path, selection, message, key):
    api = routed_api(gateway, backend, path, {key, "$default"}, selection)
    assert ask_all(api, [message]) == {message: f"route {key}"}


def test_no_route_and_no_default_is_a_forbidden_frame_and_no_end(gateway, backend, path):
    api = routed_api(gateway, backend, path, ["join", "$connect"])
    mark = backend.mark()
    with RawClient(gateway.port, api.target) as client:
        connection_id = backend.wait_for(path, since=mark)[0].header("connectionId")
        requests = set()
        for message in ['{"action":"other"}', "not json", '{"action":"$connect"}', '{"action":"$disconnect"}']:
            frame = client.ask(message)
            assert error_message(frame) == "Forbidden"
            assert ERROR.fullmatch(frame).group(2) == connection_id
            requests.add(ERROR.fullmatch(frame).group(3))
        assert len(requests) == 4
        assert client.ask('{"action":"join"}') == "route join"


def test_a_static_expression_needs_no_json(gateway, backend, path):
    api = routed_api(gateway, backend, path, ["always", "$default"], "always")
    assert ask_all(api, ["x", '{"action":"y"}']) == {"x": "route always", '{"action":"y"}': "route always"}


def two_routes(gateway, backend, integration, two_way):
    """An API with the route `go` to `integration(api)` and an echoing `$default`."""
    api = Api(gateway)
    api.route("go", integration(api), two_way=two_way)
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/echo"), two_way=True)
    return api.deploy()


FAILURES = {
    "a backend that is down": (
        lambda api, url: api.integration("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}/"),
        "Internal server error",
    ),
    "a backend that never answers": (
        lambda api, url: api.integration("HTTP_PROXY", f"{url}/never", TimeoutInMillis=60),
        "Endpoint request timed out",
    ),
    "a host that does not exist": (
        lambda api, url: api.integration("HTTP_PROXY", "http://nowhere.invalid/"),
        "Internal server error",
    ),
    "a mock without a status": (
        lambda api, url: api.integration("MOCK", RequestTemplates={"$default": '{"status": 200}'}),
        "Internal server error",
    ),
    "passthrough NEVER": (
        lambda api, url: api.integration("HTTP", f"{url}/refused", PassthroughBehavior="NEVER"),
        "Unsupported Media Type",
    ),
    "passthrough WHEN_NO_TEMPLATES with a template that does not fit": (
        lambda api, url: api.integration(
            "HTTP", f"{url}/refused", PassthroughBehavior="WHEN_NO_TEMPLATES", RequestTemplates={"other": "{}"},
            TemplateSelectionExpression="$request.body.action",
        ),
        "Unsupported Media Type",
    ),
}  # fmt: skip


@pytest.mark.parametrize("two_way", [False, True], ids=["one-way", "two-way"])
@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_is_an_error_frame_on_any_route_and_the_connection_lives(gateway, backend, case, two_way):
    integration, expected = FAILURES[case]
    backend.answers["/never"] = NEVER
    api = two_routes(gateway, backend, lambda api: integration(api, backend.url), two_way)
    with RawClient(gateway.port, api.target) as client:
        assert error_message(client.ask('{"action":"go"}')) == expected
        assert client.ask("still here") == "still here"
    assert not backend.seen("/refused")


def test_a_route_without_an_integration_is_an_error_frame(gateway, backend):
    api = Api(gateway)
    api.route("go")
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/echo"), two_way=True)
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        assert error_message(client.ask('{"action":"go"}')) == "Internal server error"
        assert client.ask("x") == "x"


def test_a_two_way_http_route_without_an_integration_response_is_an_error_frame(gateway, backend, path):
    backend.answers[path] = Answer(status=202, body="x")
    api = two_routes(gateway, backend, lambda api: api.integration("HTTP", backend.url + path), True)
    with RawClient(gateway.port, api.target) as client:
        assert error_message(client.ask('{"action":"go"}')) == "Internal server error"
    said = gateway.wait_for_log("No match for output mapping", apiId=api.id)["message"]
    assert said.endswith(
        "Execution failed due to configuration error: No match for output mapping and no default output mapping configured. "
        "Endpoint Response Status Code: 202"
    )


@pytest.mark.parametrize("status", [200, 301, 404, 500])
@pytest.mark.parametrize("kind", ["HTTP", "HTTP_PROXY"])
def test_a_two_way_route_delivers_the_body_whatever_the_status(gateway, backend, path, kind, status):
    backend.answers[path] = Answer(status=status, body=f"answer {status}", headers=[("X-Anything", "1")])

    def integration(api):
        made = api.integration(kind, backend.url + path)
        api.response(made)
        return made

    api = two_routes(gateway, backend, integration, True)
    with RawClient(gateway.port, api.target) as client:
        assert client.ask('{"action":"go"}') == f"answer {status}"


@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_one_way_route_delivers_nothing_whatever_the_status(gateway, backend, path, status):
    backend.answers[path] = Answer(status=status, body="for nobody")
    api = two_routes(gateway, backend, lambda api: api.integration("HTTP_PROXY", backend.url + path), False)
    mark = gateway.mark()
    with RawClient(gateway.port, api.target) as client:
        client.text('{"action":"go"}')
        # Its end in the log is the moment from which nothing can come any more.
        gateway.wait_for_log(f"Method completed with status: {status}", mark, apiId=api.id)
        assert client.ask("next") == "next"


def test_integration_responses_are_chosen_by_status(gateway, backend, path):
    backend.answers[path] = lambda request: Answer(status=json.loads(request.text)["status"], body="body")
    api = Api(gateway)
    integration = api.integration("HTTP", backend.url + path)
    api.response(integration, "/2\\d\\d/")
    api.response(integration, "/4\\d/")
    api.route("$default", integration, two_way=True)
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        assert client.ask('{"status":201}') == "body"
        # A pattern covers the whole status, or it does not fit.
        assert error_message(client.ask('{"status":404}')) == "Internal server error"


def test_a_mock_on_a_one_way_route_is_silent(gateway, backend):
    def integration(api):
        made = api.integration("MOCK", RequestTemplates={"$default": '{"statusCode": 200}'})
        api.response(made)
        return made

    api = two_routes(gateway, backend, integration, False)
    mark = gateway.mark()
    with RawClient(gateway.port, api.target) as client:
        client.text('{"action":"go"}')
        gateway.wait_for_log("Method completed with status: 200", mark, apiId=api.id)
        assert client.ask("next") == "next"


@pytest.mark.parametrize("behavior", ["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES"])
def test_without_templates_the_message_passes_through(gateway, backend, path, behavior):
    def integration(api):
        made = api.integration("HTTP", backend.url + path, PassthroughBehavior=behavior)
        api.response(made)
        return made

    api = two_routes(gateway, backend, integration, True)
    message = '{"action":"go", "text":"grüße 👋 \\u0000 \\ud83d\\ude00"}'
    with RawClient(gateway.port, api.target) as client:
        assert client.ask(message) == message
    assert backend.seen(path)[0].body == message.encode()


def test_either_of_the_two_resources_makes_a_route_two_way(gateway, backend):
    api = Api(gateway)
    integration = api.integration("HTTP_PROXY", f"{backend.url}/echo")
    api.route("expression", integration, RouteResponseSelectionExpression="$default")
    route = api.route("response", integration)
    api.client.create_route_response(ApiId=api.id, RouteId=route, RouteResponseKey="$default")
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        for message in ('{"action":"expression"}', '{"action":"response"}'):
            assert client.ask(message) == message


def test_fragments_are_one_message(gateway, backend, path):
    api = two_routes(gateway, backend, lambda api: api.integration("HTTP_PROXY", backend.url + path), True)
    whole = '{"action":"go","text":"grüße 👋"}'.encode()
    with RawClient(gateway.port, api.target) as client:
        for at in range(len(whole)):
            client.frame(TEXT if at == 0 else CONTINUATION, whole[at : at + 1], fin=at == len(whole) - 1)
        assert client.read_text() == whole.decode()
    assert [request.body for request in backend.seen(path)] == [whole]


def test_open_connections_follow_the_next_deployment(gateway, backend, path):
    for name in "ab":
        backend.answers[f"{path}/{name}"] = Answer(body=name)
    api = Api(gateway)
    integration = api.integration("HTTP_PROXY", f"{backend.url}{path}/a")
    api.route("$default", integration, two_way=True)
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        assert client.ask("x") == "a"
        api.client.update_integration(ApiId=api.id, IntegrationId=integration, IntegrationUri=f"{backend.url}{path}/b")
        assert client.ask("x") == "a", "changed but not deployed"
        api.client.create_deployment(ApiId=api.id, StageName="dev")
        assert client.ask("x") == "b"


def test_a_message_under_way_is_not_touched_by_a_deployment(gateway, backend, path):
    hold = threading.Event()
    backend.answers[path] = Answer(body="late", hold=hold)
    api = Api(gateway)
    integration = api.integration("HTTP_PROXY", backend.url + path)
    route = api.route("$default", integration, two_way=True)
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        client.text("x")
        backend.wait_for(path)
        api.client.delete_route(ApiId=api.id, RouteId=route)
        api.route("other")
        api.client.create_deployment(ApiId=api.id, StageName="dev")
        hold.set()
        assert client.read_text() == "late"
        assert error_message(client.ask("x")) == "Forbidden"


def test_the_log_of_a_message_has_its_lines_by_level(gateway, backend, path):
    api = two_routes(gateway, backend, lambda api: api.integration("HTTP_PROXY", backend.url + path, RequestParameters=KNOWN), True)
    with RawClient(gateway.port, api.target) as client:

        def lines_of(**settings):
            api.client.update_stage(ApiId=api.id, StageName="dev", DefaultRouteSettings=settings)
            mark = gateway.mark()
            client.ask('{"action":"go"}')
            # The reply is on its way before the log is closed; a second message on a level that logs marks the end.
            api.client.update_stage(ApiId=api.id, StageName="dev", DefaultRouteSettings={"LoggingLevel": "INFO", "DataTraceEnabled": False})
            client.ask("end")
            last = gateway.wait_for_log("WebSocket Request Route: [$default]", mark, apiId=api.id)["requestId"]
            gateway.wait_for_log("Method completed", mark, apiId=api.id, requestId=last)
            records = [record for record in gateway.log(mark, apiId=api.id) if record["requestId"] != last and record["kind"] != "note"]
            ids = {record["requestId"] for record in records}
            assert len(ids) <= 1
            return [record["message"].replace(next(iter(ids)), "REQ") for record in records]

        info = lines_of(LoggingLevel="INFO", DataTraceEnabled=False)
        connection_id = backend.seen(path)[0].header("connectionId")
        assert [re.sub(r"latency: \d+ ms", "latency: N ms", line) for line in info] == [
            "(REQ) Extended Request Id: REQ",
            "(REQ) Starting execution for request: REQ",
            "(REQ) WebSocket Request Route: [go]",
            f"(REQ) WebSocket API [{api.id}] received message from client [Connection Id: {connection_id}].",
            f"(REQ) Endpoint request URI: {backend.url}{path}",
            f"(REQ) Sending request to {backend.url}{path}",
            "(REQ) Received response. Status: 200, Integration latency: N ms",
            "(REQ) Successfully completed execution",
            "(REQ) Method completed with status: 200",
        ]
        traced = lines_of(LoggingLevel="INFO", DataTraceEnabled=True)
        assert '(REQ) Endpoint request body after transformations: {"action":"go"}' in traced
        assert '(REQ) Endpoint response body before transformations: {"action":"go"}' in traced
        assert any(line.startswith("(REQ) Endpoint request headers: {") for line in traced)
        assert any(line.startswith("(REQ) Endpoint response headers: {") for line in traced)
        assert [line for line in info if "latency" not in line] == [
            line for line in traced if "latency" not in line and "headers: {" not in line and "body " not in line
        ]
        assert lines_of(LoggingLevel="ERROR", DataTraceEnabled=False) == []
        assert lines_of(LoggingLevel="OFF", DataTraceEnabled=False) == []
