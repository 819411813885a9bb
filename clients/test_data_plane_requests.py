"""What a backend gets: the default headers, the client's headers where they travel, mapped parameters, bodies by method."""

import json
import re
from urllib.parse import parse_qs

import pytest

from harness.aws import Api
from harness.clients import open_websocket
from harness.frames import RawClient

TRACE = re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}")
ID = re.compile(r"[A-Za-z0-9_-]{15}=")
HEADER = "integration.request.header."
QUERY = "integration.request.querystring."
PATH = "integration.request.path."


LIFE = ("$connect", "$disconnect", "$default")


def life(
    gateway, backend, path, kind, method="POST", uri="", parameters=None, mapped=LIFE, query="", headers=(), message='{"a":1}', **stage
):
    """Lets one client connect, send a message and leave; gives the backend's three requests.

    The routes in `mapped` get `uri` and `parameters`, the others the bare path.
    """
    api = Api(gateway)
    with_parameters = api.integration(kind, f"{backend.url}{path}{uri}", method, RequestParameters=parameters or {})
    without = api.integration(kind, f"{backend.url}{path}", method)
    for integration in (with_parameters, without):
        api.response(integration)
    # What of the handshake is mapped, $connect must declare.
    sources = [source.replace("multivalue", "") for source in (parameters or {}).values()]
    declared = {source: {"Required": False} for source in sources if source.startswith(("route.request.header.", "route.request.querystring."))}
    for key in LIFE:
        members = {"RequestParameters": declared} if key == "$connect" and declared else {}
        api.route(key, with_parameters if key in mapped else without, **members)
    api.deploy(**stage)
    mark = backend.mark()

    def mine(request):
        return request.path.startswith(path)

    with RawClient(gateway.port, api.target + query, headers) as client:
        assert client.handshake.status == 101
        client.text(message)
        backend.wait_for(mine, 2, mark)
        client.close_with(1000)
    return api, backend.wait_for(mine, 3, mark)


def default_headers(api, backend, request):
    """What every request to an HTTP backend carries, spelled as recorded on AWS."""
    expected = {
        "X-Amzn-Apigateway-Api-Id": api.id,
        "User-Agent": f"AmazonAPIGateway_{api.id}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Host": f"127.0.0.1:{backend.port}",
        "Connection": "Keep-Alive",
    }
    if request.body:
        expected["Content-Length"] = str(len(request.body))
    return expected


def assert_default_headers(api, backend, request):
    got = dict(request.headers)
    assert len(got) == len(request.headers), request.headers
    assert TRACE.fullmatch(got.pop("X-Amzn-Trace-Id"))
    if not request.body:
        # Said or unsaid, an empty body is the same to a backend; with GET it must be unsaid.
        assert got.pop("Content-Length", "0") == "0"
    assert got == default_headers(api, backend, request)


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
def test_http_sends_its_default_headers_on_every_event(gateway, backend, path, method):
    headers = [("X-Client", "1"), ("User-Agent", "the client"), ("Cookie", "a=b")]
    api, requests = life(gateway, backend, path, "HTTP", method, query="?a=1", headers=headers)
    assert [request.method for request in requests] == [method] * 3
    assert [request.target for request in requests] == [path] * 3
    assert [request.version for request in requests] == ["HTTP/1.1"] * 3
    assert [request.text for request in requests] == ["", "" if method == "GET" else '{"a":1}', ""]
    for request in requests:
        assert_default_headers(api, backend, request)
        if method == "GET":
            assert request.header("Content-Length") is None


def test_http_proxy_forwards_the_clients_headers_at_connect_only(gateway, backend, path):
    headers = [
        ("X-Client", "one"), ("X-Spelled-LIKE-this", "2"), ("User-Agent", "the client"), ("Origin", "https://example.com"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"), ("Cookie", "a=b; c=d"),
        ("Via", "1.1 somebody"), ("TE", "trailers"),
    ]  # fmt: skip
    api, (connect, message, disconnect) = life(
        gateway, backend, path, "HTTP_PROXY", uri="?fixed=1", query="?token=a&token=b&x=%C3%BC", headers=headers
    )
    assert connect.header("X-Client") == "one"
    assert dict(connect.headers).get("X-Spelled-LIKE-this") == "2", "the client's spelling"
    assert connect.header("User-Agent") == "the client"
    assert connect.header("Origin") == "https://example.com"
    assert connect.header("Cookie") == "a=b; c=d"
    assert connect.header("Sec-WebSocket-Version") == "13"
    assert connect.header("Sec-WebSocket-Extensions") == "permessage-deflate; client_max_window_bits"
    assert len(connect.header("Sec-WebSocket-Key")) == 24
    assert connect.header("X-Forwarded-For") == "127.0.0.1"
    assert connect.header("X-Forwarded-Port") == str(gateway.port)
    assert connect.header("X-Forwarded-Proto") == "http"
    assert TRACE.fullmatch(connect.header("X-Amzn-Trace-Id"))
    assert connect.header("X-Amzn-Apigateway-Api-Id") == api.id
    assert connect.header("Host") == f"127.0.0.1:{backend.port}", "the backend's, not the client's"
    assert (connect.header("Connection") or "").lower() == "keep-alive"
    for name in ("Upgrade", "Via", "TE"):
        assert connect.header(name) is None, name
    assert parse_qs(connect.query) == {"fixed": ["1"], "token": ["a", "b"], "x": ["ü"]}
    for request in (message, disconnect):
        assert_default_headers(api, backend, request)
        assert request.query == "fixed=1"
    assert message.text == '{"a":1}'


def test_http_proxy_names_itself_when_the_client_did_not(gateway, backend, path):
    api, (connect, _, _) = life(gateway, backend, path, "HTTP_PROXY")
    assert connect.header("User-Agent") == f"AmazonAPIGateway_{api.id}"


def test_a_trace_id_of_the_client_is_kept(gateway, backend, path):
    mine = "Root=1-65d2ff2e-718990494fd688f062bf1571"
    _, (connect, _, _) = life(gateway, backend, path, "HTTP_PROXY", headers=[("X-Amzn-Trace-Id", mine)])
    assert connect.header("X-Amzn-Trace-Id") == mine


def test_every_source_of_a_parameter_that_connect_has(gateway, backend, path):
    parameters = {
        f"{HEADER}q": "route.request.querystring.token",
        f"{HEADER}h": "route.request.header.X-Room",
        f"{HEADER}h-in-another-case": "route.request.header.x-room",
        f"{HEADER}hs": "route.request.multivalueheader.X-Room",
        f"{QUERY}tokens": "route.request.multivaluequerystring.token",
        f"{HEADER}variable": "stageVariables.color",
        f"{HEADER}static": "'just so'",
        f"{HEADER}body": "route.request.body",
        f"{HEADER}none": "route.request.querystring.nothing",
        f"{HEADER}user": "context.identity.userAgent",
        f"{HEADER}ip": "context.identity.sourceIp",
        f"{HEADER}message-id": "context.messageId",
    }
    _, (connect, message, _) = life(
        gateway, backend, path, "HTTP", parameters=parameters, query="?token=a&token=b%20c",
        headers=[("X-Room", "7"), ("X-Room", "8"), ("User-Agent", "me")], StageVariables={"color": "blue"},
    )  # fmt: skip
    got = {name: connect.header(name) for name in ("q", "h", "h-in-another-case", "hs", "variable", "static", "user", "ip")}
    assert got.pop("hs").replace(" ", "") == "7,8"
    assert got == {"q": "b c", "h": "8", "h-in-another-case": "8", "variable": "blue", "static": "just so", "user": "me", "ip": "127.0.0.1"}
    assert parse_qs(connect.query) == {"tokens": ["a", "b c"]}
    for absent in ("body", "none", "message-id"):
        assert connect.header(absent) is None, absent
    # On a message nothing of the handshake is left, but the identity is.
    assert message.header("q") is None and message.header("h") is None and message.header("hs") is None
    assert (message.header("variable"), message.header("static"), message.header("user")) == ("blue", "just so", "me")
    assert ID.fullmatch(message.header("message-id"))
    assert message.query == ""


def test_parts_of_the_path_come_from_parameters(gateway, backend, path):
    parameters = {f"{PATH}room": "route.request.querystring.room", f"{PATH}color": "stageVariables.color", f"{PATH}fixed": "'x%20y'"}
    _, (connect, _, _) = life(
        gateway, backend, path, "HTTP_PROXY", uri="/{room}/{color}/{fixed}", parameters=parameters, mapped=("$connect",),
        query="?room=a%2Fb%20c", StageVariables={"color": "blue"},
    )  # fmt: skip
    # A value stays in its segment, whatever the client writes; a static one is encoded already.
    assert connect.path == f"{path}/a%2Fb%20c/blue/x%20y"


def test_every_source_of_a_parameter_that_a_message_has(gateway, backend, path):
    parameters = {
        f"{HEADER}whole": "route.request.body",
        f"{HEADER}text": "route.request.body.data.text",
        f"{HEADER}number": "route.request.body.data.number",
        f"{HEADER}truth": "route.request.body.data.truth",
        f"{HEADER}object": "route.request.body.data.object",
        f"{HEADER}array": "route.request.body.data.array",
        f"{HEADER}second": "route.request.body.data.array[1]",
        f"{HEADER}missing": "route.request.body.data.missing",
        f"{HEADER}empty": "route.request.body.data.empty",
        f"{HEADER}null": "route.request.body.data.null",
        f"{QUERY}q": "route.request.body.data.query",
        f"{PATH}id": "route.request.body.data.number",
    }
    data = {
        "text": "hello", "number": 42, "truth": True, "object": {"b": 1, "a": [2]}, "array": ["x", "y"],
        "empty": "", "null": None, "query": "a b&c=d/ü+%",
    }  # fmt: skip
    message = json.dumps({"data": data}, ensure_ascii=True)
    _, (_, request, _) = life(gateway, backend, path, "HTTP", uri="/{id}", parameters=parameters, mapped=("$default",), message=message)
    assert request.path == f"{path}/42"
    assert request.header("whole") == message
    got = {name: request.header(name) for name in ("text", "number", "truth", "object", "array", "second")}
    assert got == {"text": "hello", "number": "42", "truth": "true", "object": '{"b":1,"a":[2]}', "array": '["x","y"]', "second": "y"}
    for absent in ("missing", "empty", "null"):
        assert request.header(absent) is None, absent
    assert parse_qs(request.query) == {"q": ["a b&c=d/ü+%"]}
    assert request.text == message


def test_parameters_of_a_message_that_is_not_json_find_nothing(gateway, backend, path):
    parameters = {f"{HEADER}whole": "route.request.body", f"{HEADER}part": "route.request.body.a"}
    _, (_, request, _) = life(gateway, backend, path, "HTTP_PROXY", parameters=parameters, message="plain text")
    assert request.header("whole") == "plain text"
    assert request.header("part") is None
    assert request.text == "plain text"


def test_context_variables_are_there_on_every_event(gateway, backend, path):
    names = [
        "apiId", "stage", "connectionId", "requestId", "extendedRequestId", "routeKey", "eventType", "messageDirection",
        "domainName", "connectedAt", "requestTime", "requestTimeEpoch", "messageId", "disconnectStatusCode", "disconnectReason",
    ]  # fmt: skip
    parameters = {f"{HEADER}{name}": f"context.{name}" for name in names}
    api, requests = life(gateway, backend, path, "HTTP", parameters=parameters)
    events = [{name: request.header(name) for name in names} for request in requests]
    connect, message, disconnect = events
    assert [event["eventType"] for event in events] == ["CONNECT", "MESSAGE", "DISCONNECT"]
    assert [event["routeKey"] for event in events] == ["$connect", "$default", "$disconnect"]
    for event in events:
        assert event["apiId"] == api.id and event["stage"] == "dev" and event["messageDirection"] == "IN"
        assert event["connectionId"] == connect["connectionId"] and ID.fullmatch(event["connectionId"])
        assert event["extendedRequestId"] == event["requestId"] and ID.fullmatch(event["requestId"])
        assert event["connectedAt"] == connect["connectedAt"]
        assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", event["requestTime"])
        assert int(event["requestTimeEpoch"]) >= int(event["connectedAt"]) > 1_600_000_000_000
        assert event["domainName"]
    assert len({event["requestId"] for event in events}) == 3
    assert connect["messageId"] is None and disconnect["messageId"] is None and ID.fullmatch(message["messageId"])
    assert message["disconnectStatusCode"] is None and connect["disconnectReason"] is None
    assert disconnect["disconnectStatusCode"] == "1000"


def test_a_mapped_header_replaces_a_default_one(gateway, backend, path):
    parameters = {f"{HEADER}Content-Type": "'text/plain'", f"{HEADER}User-Agent": "'mine'", f"{HEADER}Sec-WebSocket-Version": "'0'"}
    _, (connect, message, _) = life(gateway, backend, path, "HTTP_PROXY", parameters=parameters)
    for request in (connect, message):
        assert (request.header("Content-Type"), request.header("User-Agent"), request.header("Sec-WebSocket-Version")) == (
            "text/plain",
            "mine",
            "0",
        )


def test_a_message_cannot_smuggle_a_header(gateway, backend, path):
    parameters = {f"{HEADER}text": "route.request.body.text"}
    message = json.dumps({"text": "a\r\nX-Injected: 1\r\n\r\nGET /other HTTP/1.1"})
    _, (_, request, _) = life(gateway, backend, path, "HTTP", parameters=parameters, message=message)
    assert request.header("text") == "aX-Injected: 1GET /other HTTP/1.1"
    assert request.header("X-Injected") is None


def test_stage_variables_stand_in_uris_and_act_without_a_deployment(gateway, backend, path):
    api = Api(gateway)
    uri = "http://127.0.0.1:${stageVariables.port}" + path + "/${stageVariables.color}?c=${stageVariables.color}"
    api.route("$default", api.integration("HTTP_PROXY", uri), two_way=True)
    api.deploy(StageVariables={"port": str(backend.port), "color": "blue"})
    with RawClient(gateway.port, api.target) as client:
        client.ask("one")
        api.client.update_stage(ApiId=api.id, StageName="dev", StageVariables={"color": "green"})
        client.ask("two")
    assert [request.target for request in backend.requests if request.path.startswith(path)] == [
        f"{path}/blue?c=blue",
        f"{path}/green?c=green",
    ]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS"])
def test_bodies_travel_but_with_get_head_and_options(gateway, backend, path, method):
    mark = gateway.mark()
    body = '{"text":"grüße"}'
    api, (_, message, _) = life(gateway, backend, path, "HTTP_PROXY", method, message=body)
    assert message.method == method
    discarded = f"Request body discarded: integration method {method} carries no body ({len(body.encode())} bytes)"
    if method in ("GET", "HEAD", "OPTIONS"):
        assert message.body == b"" and message.header("Content-Length") is None
        record = gateway.wait_for_log(discarded, mark, apiId=api.id)
        assert record["message"].startswith(f"({record['requestId']}) {discarded}")
        shown = gateway.wait_for_log(f"Endpoint request body after transformations: {body}", mark, apiId=api.id)
        assert shown["requestId"] == record["requestId"]
    else:
        assert message.text == body
        gateway.wait_for_log("WebSocket Request Route: [$disconnect]", mark, apiId=api.id)
        assert not [record for record in gateway.log(mark, apiId=api.id) if "discarded" in record["message"]]


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding", "X-Amzn-Trace-Id", "X-Amzn-Apigateway-Api-Id"])
def test_headers_that_cannot_be_mapped_are_a_configuration_error(gateway, backend, path, name):
    api = Api(gateway)
    integration = api.integration("HTTP_PROXY", backend.url + path, RequestParameters={HEADER + name: "'1'"})
    api.route("$default", integration)
    api.deploy()
    client = open_websocket(api.url)
    client.send("x")
    assert json.loads(client.recv(timeout=10))["message"] == "Internal server error"
    client.close()
    said = gateway.wait_for_log("Execution failed due to configuration error: ", apiId=api.id)["message"].lower()
    assert f"execution failed due to configuration error: {name.lower()} header already present" in said
    assert not backend.seen(path)
