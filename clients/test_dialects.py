"""Binary frames, and what `--compat extended` changes on the wire; each beside AWS's own behaviour."""

import json
import urllib.error
import urllib.request

import pytest

from harness.aws import Api, management
from harness.backend import Answer
from harness.clients import open_websocket
from harness.frames import BINARY, TEXT, RawClient
from harness.until import PATIENCE


@pytest.fixture(scope="module")
def extended(start_gateway):
    return start_gateway("--compat", "extended")


def echo_api(gateway, backend, kind="HTTP_PROXY", **members):
    api = Api(gateway)
    for key in ("$connect", "$disconnect", "$default"):
        integration = api.integration(kind, f"{backend.url}/{api.id}/{key[1:]}", **members)
        api.response(integration)
        api.route(key, integration, two_way=key == "$default")
    return api.deploy()


def request(backend, api, key):
    return backend.wait_for(lambda request: request.path == f"/{api.id}/{key}")[0]


def call(url, method, data=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=PATIENCE) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_binary_messages_reach_the_default_route_as_they_are(start_gateway, backend):
    gateway = start_gateway("--binary", "accept")
    api = echo_api(gateway, backend)
    with RawClient(gateway.port, api.target) as client:
        payload = bytes(range(256))
        client.frame(BINARY, payload[:100], fin=False)
        client.frame(0, payload[100:])
        frame = client.read_frame()
        assert (frame.opcode, frame.payload) == (BINARY, payload)
        client.text("text")
        frame = client.read_frame()
        assert (frame.opcode, frame.payload) == (TEXT, b"text")
    assert request(backend, api, "default").body == payload


def test_a_template_sees_binary_messages_as_base64(start_gateway, backend):
    gateway = start_gateway("--binary", "accept")
    api = echo_api(gateway, backend, "HTTP", RequestTemplates={"$default": '{"b64":"$input.body"}'})
    with RawClient(gateway.port, api.target) as client:
        client.frame(BINARY, b"\xff\x00\x01")
        client.read_frame()
    assert request(backend, api, "default").text == '{"b64":"/wAB"}'


def test_backends_push_bytes_where_binary_frames_are_accepted(extended, backend):
    api = echo_api(extended, backend)
    with RawClient(extended.port, api.target) as client:
        connection_id = request(backend, api, "connect").header("connectionId")
        management(api.callback).post_to_connection(ConnectionId=connection_id, Data=b"\xff\xfe")
        frame = client.read_frame()
        assert (frame.opcode, frame.payload) == (BINARY, b"\xff\xfe")


def test_the_backend_is_told_the_connection_without_a_mapping(extended, gateway, backend):
    api, plain = echo_api(extended, backend), echo_api(gateway, backend)
    for made in (api, plain):
        with open_websocket(made.url) as client:
            client.send("x")
            client.recv(timeout=PATIENCE)
    for key in ("connect", "default", "disconnect"):
        came = request(backend, api, key)
        assert came.header("connectionId").endswith("=") and came.header("stage") == "dev"
        assert came.header("domainName") == f"127.0.0.1:{extended.port}/_aws/execute-api/{api.id}"
        assert request(backend, plain, key).header("connectionId") is None
    assert request(backend, api, "connect").header("Sec-WebSocket-Version") is None
    assert request(backend, plain, "connect").header("Sec-WebSocket-Version") == "13"


def test_error_frames_name_a_reason(extended, gateway, backend):
    for made, reason in ((extended, "NO_MATCHING_ROUTE"), (gateway, None)):
        api = Api(made)
        api.route("known", api.integration("HTTP_PROXY", backend.url))
        api.deploy()
        with open_websocket(api.url) as client:
            client.send('{"action":"unknown"}')
            frame = json.loads(client.recv(timeout=PATIENCE))
        assert frame["message"] == "Forbidden" and frame.get("reason") == reason


def test_a_whole_message_may_come_in_one_frame(extended, backend):
    api = echo_api(extended, backend)
    with open_websocket(api.url) as client:
        client.send("x" * 131_072)
        assert len(client.recv(timeout=PATIENCE)) == 131_072


def test_failures_of_connections_calls_say_why(extended, gateway, backend):
    for made, says in ((extended, True), (gateway, False)):
        api = echo_api(made, backend)
        status, headers, body = call(f"{api.callback}/@connections/Gto47d9-DoECGqg=", "POST", b"x")
        assert status == 410 and headers["x-amzn-ErrorType"] == "GoneException"
        assert (b"Gone" in body) == says
        status, _, body = call(f"{made.url}/_aws/execute-api/{api.id}/wrong/@connections/Gto47d9-DoECGqg=", "POST", b"x")
        assert status == 403 and (b"/@connections/ID" in body) == says


def test_the_server_chooses_code_and_reason(extended, backend):
    api = echo_api(extended, backend)
    with RawClient(extended.port, api.target) as client:
        connection_id = request(backend, api, "connect").header("connectionId")
        where = f"{api.callback}/@connections/{connection_id}"
        for query, part in (("code=999", b"no close code"), ("code=x", b"no close code"), (f"reason={'r' * 124}", b"124 bytes")):
            status, _, body = call(f"{where}?{query}", "DELETE")
            assert status == 400 and part in body, query
        assert call(f"{where}?code=4001&reason=kicked+out", "DELETE")[0] == 204
        close, _ = client.read_close()
        assert (close.code, close.payload[2:]) == (4001, b"kicked out")
    extended.wait_for_log("Status code: 4001, reason: kicked out.", apiId=api.id)


def test_what_a_backend_says_during_connect_reaches_the_client_in_order(extended, gateway, backend):
    def greet(request, api):
        calls = management(api.callback)
        for text in ("first", "second"):
            status, _, _ = call(f"{api.callback}/@connections/{request.header('connectionId')}", "POST", text.encode())
            statuses.append(status)
        return Answer(body="welcome")

    for made, expected in ((extended, 200), (gateway, 410)):
        statuses = []
        api = Api(made)
        known = {"RequestParameters": {"integration.request.header.connectionId": "context.connectionId"}}
        api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}/{api.id}/greet", **known))
        api.route("$default", api.integration("HTTP_PROXY", backend.url), two_way=True)
        api.deploy()
        backend.answers[f"/{api.id}/greet"] = lambda request, api=api: greet(request, api)
        with open_websocket(api.url) as client:
            client.send("third")
            got = [client.recv(timeout=PATIENCE) for _ in range(3 if expected == 200 else 1)]
        assert statuses == [expected, expected]
        assert got == (["first", "second", "third"] if expected == 200 else ["third"])


def test_a_path_below_the_stage_is_a_variable(extended, gateway, backend):
    known = {"RequestParameters": {"integration.request.header.path": "context.path"}}
    api = echo_api(extended, backend, **known)
    with open_websocket(f"{api.url}/chargers/CP%20001") as client:
        client.send("x")
        client.recv(timeout=PATIENCE)
    assert {request(backend, api, key).header("path") for key in ("connect", "default", "disconnect")} == {"/chargers/CP 001"}
    plain = echo_api(gateway, backend)
    status, _, body = call(f"{gateway.url}{plain.target}/chargers/1", "GET")
    assert (status, body) == (403, b'{"message":"Forbidden"}')


def test_one_call_reaches_many_and_tells_of_each(extended, gateway, backend):
    api = echo_api(extended, backend)
    with RawClient(extended.port, api.target) as one, RawClient(extended.port, api.target) as two:
        came = backend.wait_for(lambda request: request.path == f"/{api.id}/connect", count=2)
        ids = [request.header("connectionId") for request in came]
        body = json.dumps({"connectionIds": [*ids, "Gto47d9-DoECGqg=", "nonsense"], "data": "hello"}).encode()
        status, _, answer = call(f"{api.callback}/@connections", "POST", body)
        assert status == 200
        assert [result["status"] for result in json.loads(answer)["results"]] == [200, 200, 410, 400]
        assert one.read_text() == two.read_text() == "hello"
        for bad in (b"", b"[]", b'{"connectionIds":[]}', b'{"connectionIds":"x","data":"y"}'):
            status, _, answer = call(f"{api.callback}/@connections", "POST", bad)
            assert status == 400 and b"connectionIds" in answer, bad
    plain = echo_api(gateway, backend)
    assert call(f"{plain.callback}/@connections", "POST", body)[0] == 403
