"""$connect: what makes a client welcome, what refuses it and with which status, subprotocols, and what is not allowed early."""

import json
import re
import threading

import pytest
from websockets.exceptions import InvalidStatus

from harness.aws import Api, management
from harness.backend import NEVER, Answer, unused_port
from harness.clients import open_websocket
from harness.frames import TEXT, RawClient, Wire, encode

ID = re.compile(r"[A-Za-z0-9_-]{15}=")
KNOWN = {"RequestParameters": {"integration.request.header.connectionId": "context.connectionId"}}


def api_with_connect(gateway, backend, integration, two_way=False, **members):
    """An API whose `$connect` goes to `integration(api)`, beside an echoing `$default`."""
    api = Api(gateway)
    api.route("$connect", integration(api), two_way=two_way, **members)
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/echo"), two_way=True)
    return api.deploy()


def refused(api, **options):
    """The answer to a handshake that must fail, as `websockets` met it."""
    with pytest.raises(InvalidStatus) as failure:
        open_websocket(api.url, **options)
    return failure.value.response


def test_without_a_connect_route_everybody_is_welcome(gateway, backend):
    api = Api(gateway)
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/echo"), two_way=True)
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        assert client.handshake.status == 101
        assert client.ask("hello") == "hello"


def test_a_connect_route_without_a_target_is_skipped(gateway):
    api = Api(gateway)
    api.route("$connect")
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        assert client.handshake.status == 101


@pytest.mark.parametrize("kind", ["HTTP", "HTTP_PROXY"])
@pytest.mark.parametrize("status", [200, 201, 204])
def test_2xx_of_the_backend_accepts(gateway, backend, path, kind, status):
    def integration(api):
        made = api.integration(kind, backend.url + path)
        api.response(made)
        return made

    raw = b"HTTP/1.1 204 No Content\r\n\r\n" if status == 204 else None
    backend.answers[path] = Answer(status=status, body="welcome", raw=raw)
    api = api_with_connect(gateway, backend, integration)
    with RawClient(gateway.port, api.target) as client:
        assert client.handshake.status == 101
        # What the backend said to the handshake is no message.
        assert client.ask("first") == "first"


@pytest.mark.parametrize("kind", ["HTTP", "HTTP_PROXY"])
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 500, 503])
def test_any_other_status_of_the_backend_refuses_with_it(gateway, backend, path, kind, status):
    def integration(api):
        made = api.integration(kind, backend.url + path)
        api.response(made)
        return made

    backend.answers[path] = Answer(status=status, body="a reason for nobody")
    answer = refused(api_with_connect(gateway, backend, integration))
    assert answer.status_code == status
    assert b"a reason for nobody" not in (answer.body or b"")


def test_a_refusal_carries_the_backends_body_when_connect_has_a_route_response(gateway, backend, path):
    backend.answers[path] = Answer(status=403, body='{"why": "not today"}', headers=[("Content-Type", "application/json")])
    api = api_with_connect(gateway, backend, lambda api: api.integration("HTTP_PROXY", backend.url + path), two_way=True)
    answer = refused(api)
    assert answer.status_code == 403
    assert json.loads(answer.body) == {"why": "not today"}


def gateway_refusal(answer, status, error=None):
    """Checks the form of a refusal that the gateway made itself, and gives its message."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    assert answer.headers["x-amzn-RequestId"]
    if error is not None:
        assert answer.headers["x-amzn-ErrorType"] == error
    body = json.loads(answer.body)
    assert ID.fullmatch(body["connectionId"]) and ID.fullmatch(body["requestId"])
    return body["message"]


def test_a_backend_that_is_down_refuses_with_504(gateway, backend):
    api = api_with_connect(gateway, backend, lambda api: api.integration("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}/"))
    gateway_refusal(refused(api), 504, "InternalServerErrorException")


def test_a_backend_that_is_slow_refuses_with_504_after_its_timeout(gateway, backend, path):
    backend.answers[path] = NEVER
    api = api_with_connect(gateway, backend, lambda api: api.integration("HTTP_PROXY", backend.url + path, TimeoutInMillis=60))
    message = gateway_refusal(refused(api), 504, "InternalServerErrorException")
    assert message == "Endpoint request timed out"


def test_a_mock_accepts_or_refuses_with_its_status(gateway, backend):
    for template, status in [
        ('{"statusCode": 200}', 101),
        ('{"statusCode": 403}', 403),
        ("{statusCode: 204}", 101),
        ('{"statusCode": "x"}', 500),
    ]:

        def integration(api, template=template):
            made = api.integration("MOCK", RequestTemplates={"$default": template})
            api.response(made)
            return made

        api = api_with_connect(gateway, backend, integration)
        with RawClient(gateway.port, api.target) as client:
            assert client.handshake.status == status, template


def test_a_non_proxy_integration_without_an_integration_response_refuses_with_500(gateway, backend, path):
    api = api_with_connect(gateway, backend, lambda api: api.integration("HTTP", backend.url + path))
    assert refused(api).status_code == 500
    gateway.wait_for_log("No match for output mapping and no default output mapping configured", apiId=api.id)


def test_passthrough_never_refuses_with_415(gateway, backend, path):
    def integration(api):
        made = api.integration("HTTP", backend.url + path, PassthroughBehavior="NEVER")
        api.response(made)
        return made

    answer = refused(api_with_connect(gateway, backend, integration))
    assert gateway_refusal(answer, 415) == "Unsupported Media Type"
    assert not backend.seen(path)


def test_missing_required_parameters_refuse_with_400_and_are_named(gateway, backend, path):
    required = {"route.request.querystring.token": {"Required": True}, "route.request.header.x-room": {"Required": True}}
    api = api_with_connect(gateway, backend, lambda api: api.integration("HTTP_PROXY", backend.url + path), RequestParameters=required)
    message = gateway_refusal(refused(api), 400, "BadRequestException")
    named = re.fullmatch(r"Missing required request parameters: \[(.*)\]", message)
    assert named and sorted(named.group(1).split(", ")) == ["token", "x-room"], message
    assert not backend.seen(path)
    with RawClient(gateway.port, api.target + "?token=1", [("X-Room", "7")]) as client:
        assert client.handshake.status == 101


def test_no_disconnect_follows_a_refused_connect(gateway, backend, path):
    backend.answers[f"{path}/connect"] = lambda request: Answer(status=200 if "ok" in request.query else 401)
    api = Api(gateway)
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}{path}/connect", **KNOWN))
    api.route("$disconnect", api.integration("HTTP_PROXY", f"{backend.url}{path}/disconnect", **KNOWN))
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        assert client.handshake.status == 401
    # A later connection's whole life is the event to wait for.
    with RawClient(gateway.port, api.target + "?ok=1") as client:
        client.close_with(1000)
    (only,) = backend.wait_for(f"{path}/disconnect")
    accepted = backend.seen(f"{path}/connect")[1].header("connectionId")
    assert only.header("connectionId") == accepted
    assert len(backend.seen(f"{path}/disconnect")) == 1


def test_a_client_that_vanished_during_connect_is_disconnected_with_1006(gateway, backend, path):
    hold = threading.Event()
    backend.answers[f"{path}/connect"] = Answer(hold=hold)
    parameters = {**KNOWN["RequestParameters"], "integration.request.header.code": "context.disconnectStatusCode"}
    api = Api(gateway)
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}{path}/connect", **KNOWN))
    api.route("$disconnect", api.integration("HTTP_PROXY", f"{backend.url}{path}/disconnect", RequestParameters=parameters))
    api.deploy()
    wire = Wire(gateway.port)
    wire.send(
        f"GET {api.target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    connect = backend.wait_for(f"{path}/connect")[0]
    wire.reset()
    hold.set()
    disconnect = backend.wait_for(f"{path}/disconnect")[0]
    assert disconnect.header("connectionId") == connect.header("connectionId")
    assert disconnect.header("code") == "1006"


def test_what_a_client_sends_before_the_101_waits_for_it(gateway, backend, path):
    hold = threading.Event()
    backend.answers[path] = Answer(hold=hold)
    api = api_with_connect(gateway, backend, lambda api: api.integration("HTTP_PROXY", backend.url + path, **KNOWN))
    mark = backend.mark()
    with Wire(gateway.port) as wire:
        wire.send(
            f"GET {api.target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            + encode(TEXT, b"early")
        )
        connection_id = backend.wait_for(path)[0].header("connectionId")
        # Nor is it there to be pushed to: 410, and at once.
        posts = management(api.callback)
        with pytest.raises(posts.exceptions.GoneException):
            posts.post_to_connection(ConnectionId=connection_id, Data=b"x")
        assert not backend.seen("/echo", mark)
        hold.set()
        assert wire.read_head().status == 101
        assert wire.read_exact(7) == b"\x81\x05early"


def test_an_upgrade_may_follow_other_requests_on_a_connection(gateway, backend, path):
    api = api_with_connect(gateway, backend, lambda api: api.integration("HTTP_PROXY", backend.url + path))
    with Wire(gateway.port) as wire:
        assert wire.request("GET", "/_health").status == 200
        wire.send(
            f"GET {api.target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            + encode(TEXT, b"early")
        )
        assert wire.read_head().status == 101
        assert wire.read_exact(7) == b"\x81\x05early"


def test_the_backend_chooses_the_subprotocol(gateway, backend, path):
    backend.answers[path] = Answer(headers=[("sec-websocket-protocol", "chat.v2")])
    api = api_with_connect(gateway, backend, lambda api: api.integration("HTTP_PROXY", backend.url + path))
    client = open_websocket(api.url, subprotocols=["chat.v1", "chat.v2"])
    assert client.subprotocol == "chat.v2"
    client.close()
    assert backend.seen(path)[0].header("Sec-WebSocket-Protocol") == "chat.v1, chat.v2"


def test_without_the_backends_word_there_is_no_subprotocol(gateway, backend, path):
    api = api_with_connect(gateway, backend, lambda api: api.integration("HTTP_PROXY", backend.url + path))
    with RawClient(gateway.port, api.target, [("Sec-WebSocket-Protocol", "a, b")]) as client:
        assert client.handshake.status == 101
        assert client.handshake.header("Sec-WebSocket-Protocol") is None
        assert client.handshake.header("Sec-WebSocket-Extensions") is None


def test_a_subprotocol_that_was_not_offered_is_sent_unchanged(gateway, backend, path):
    backend.answers[path] = Answer(headers=[("Sec-WebSocket-Protocol", "other")])
    api = api_with_connect(gateway, backend, lambda api: api.integration("HTTP_PROXY", backend.url + path))
    with RawClient(gateway.port, api.target, [("Sec-WebSocket-Protocol", "a, b")]) as client:
        assert client.handshake.header("Sec-WebSocket-Protocol") == "other"


def test_a_non_proxy_connect_maps_the_subprotocol(gateway, backend, path):
    backend.answers[path] = Answer(headers=[("x-chosen", "chat.v2")])

    def integration(api):
        made = api.integration("HTTP", backend.url + path)
        mapped = {"method.response.header.Sec-WebSocket-Protocol": "integration.response.header.x-chosen"}
        api.response(made, ResponseParameters=mapped)
        return made

    api = api_with_connect(gateway, backend, integration)
    client = open_websocket(api.url, subprotocols=["chat.v2"])
    assert client.subprotocol == "chat.v2"
    client.close()


@pytest.mark.parametrize("ending", ["", "/", "?a=1", "/?a=1"])
def test_the_stage_may_end_in_a_slash_and_carry_a_query(gateway, echo, ending):
    with RawClient(gateway.port, echo.target + ending) as client:
        assert client.ask("hello") == "hello"
    with RawClient(gateway.port, f"/{echo.stage}{ending}", [("Host", echo.host)]) as client:
        assert client.ask("hello") == "hello"


def test_the_host_form_takes_any_domain(gateway, echo):
    for host in [
        f"{echo.id}.execute-api.us-east-1.amazonaws.com",
        f"{echo.id}.execute-api.localhost",
        f"{echo.id.upper()}.EXECUTE-API.example",
    ]:
        with RawClient(gateway.port, f"/{echo.stage}", [("Host", host)]) as client:
            assert client.handshake.status == 101, host


def test_a_trace_of_connect_has_the_lines_of_aws(gateway, backend, path):
    api = api_with_connect(gateway, backend, lambda api: api.integration("HTTP_PROXY", backend.url + path, **KNOWN))
    with RawClient(gateway.port, api.target) as client:
        client.ask("hello")
    connection_id = backend.seen(path)[0].header("connectionId")
    done = gateway.wait_for_log("Method completed with status: 200", apiId=api.id)
    request_id = done["requestId"]
    assert ID.fullmatch(request_id)
    records = [record for record in gateway.log(apiId=api.id, requestId=request_id) if record["kind"] != "note"]
    assert {record["connectionId"] for record in records} == {connection_id}
    assert {record["stage"] for record in records} == {"dev"}
    lines = [record["message"] for record in records]
    assert all(line.startswith(f"({request_id}) ") for line in lines)
    expected = [
        re.escape(f"Extended Request Id: {request_id}"),
        re.escape(f"Verifying Usage Plan for request: {request_id}. API Key:  API Stage: {api.id}/dev"),
        re.escape(
            "API Key  authorized because route '$connect' does not require API Key. Request will not contribute to throttle or quota limits"
        ),
        re.escape(f"Usage Plan check succeeded for API Key  and API Stage {api.id}/dev"),
        re.escape(f"Starting execution for request: {request_id}"),
        re.escape("WebSocket Request Route: [$connect]"),
        re.escape(f"Client [UserAgent: null, SourceIp: 127.0.0.1] is connecting to WebSocket API [{api.id}]."),
        re.escape(f"Endpoint request URI: {backend.url}{path}"),
        rf"Endpoint request headers: \{{.*connectionId={re.escape(connection_id)}.*",
        "Endpoint request body after transformations: ",
        re.escape(f"Sending request to {backend.url}{path}"),
        r"Received response\. Status: 200, Integration latency: \d+ ms",
        r"Endpoint response headers: \{.*\}",
        "Endpoint response body before transformations: ",
    ]
    texts = [line.removeprefix(f"({request_id}) ") for line in lines]
    for text, pattern in zip(texts, expected, strict=False):
        assert re.fullmatch(pattern, text), (text, pattern)
    assert texts[-1] == "Method completed with status: 200"
    assert len(texts) > len(expected)
