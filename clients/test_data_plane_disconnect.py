"""$disconnect: exactly once for each accepted $connect, with the code and the reason of the end."""

import threading
from collections import Counter

import pytest

from harness.aws import Api, management
from harness.backend import Answer
from harness.frames import BINARY, TEXT, RawClient, Wire

MAPPED = {
    "integration.request.header.connectionId": "context.connectionId",
    "integration.request.header.eventType": "context.eventType",
    "integration.request.header.routeKey": "context.routeKey",
    "integration.request.header.code": "context.disconnectStatusCode",
    "integration.request.header.reason": "context.disconnectReason",
    "integration.request.header.sourceIp": "context.identity.sourceIp",
    "integration.request.header.userAgent": "context.identity.userAgent",
}
NORMAL = "Connection Closed Normally"
NOT_SET = "Client-side close frame status not set"
ABNORMAL = "Connection closed abnormally"
AWAY = "Going away"


def close_without_status(client, api, connection_id):
    client.close_with()


def close_normally(client, api, connection_id):
    assert client.close_with(1000).code == 1000


def close_with_code_and_text(client, api, connection_id):
    client.close_with(4001, "see you, grüße".encode())


def close_with_code_alone(client, api, connection_id):
    client.close_with(4002)


def hang_up(client, api, connection_id):
    client.close()


def reset(client, api, connection_id):
    client.reset()


def be_deleted(client, api, connection_id):
    management(api.callback).delete_connection(ConnectionId=connection_id)
    frame, _ = client.read_close()
    assert frame.code == 1000


def send_binary(client, api, connection_id):
    client.frame(BINARY, b"\x00\x01")
    frame, _ = client.read_close()
    assert frame.code == 1003


def send_too_large_a_frame(client, api, connection_id):
    client.frame(TEXT, b"a" * 32_769)
    frame, _ = client.read_close()
    assert frame.code == 1009


def send_a_reserved_bit(client, api, connection_id):
    client.frame(TEXT, b"a", rsv=1)
    frame, _ = client.read_close()
    assert frame.code == 1002


def send_invalid_utf8(client, api, connection_id):
    client.frame(TEXT, b"\xff")
    frame, _ = client.read_close()
    assert frame.code == 1007


# None as a reason: not known of AWS, anything will do.
ENDS = [
    (close_without_status, "1005", NOT_SET),
    (close_normally, "1000", NORMAL),
    (close_with_code_and_text, "4001", "see you, grüße"),
    (close_with_code_alone, "4002", None),
    (hang_up, "1006", ABNORMAL),
    (reset, "1006", ABNORMAL),
    (be_deleted, "1000", NORMAL),
    (send_binary, "1003", None),
    (send_too_large_a_frame, "1009", None),
    (send_a_reserved_bit, "1002", None),
    (send_invalid_utf8, "1007", None),
]


def counting_api(gateway, backend, name):
    """An API whose `$connect` and `$disconnect` tell the backend everything."""
    api = Api(gateway, name=name)
    for route in ("connect", "disconnect", "echo"):
        integration = api.integration("HTTP_PROXY", f"{backend.url}/{name}/{route}", RequestParameters=MAPPED)
        api.route("$default" if route == "echo" else f"${route}", integration, two_way=route == "echo")
    return api.deploy()


def connect(api, backend):
    """A connected client and its connection id."""
    mark = backend.mark()
    path = f"/{api.name}/connect"
    client = RawClient(api.gateway.port, api.target, [("User-Agent", "the test")])
    assert client.handshake.status == 101
    return client, backend.wait_for(path, since=mark)[0].header("connectionId")


def ended(api, backend, connection_id):
    """The `$disconnect` call of a connection."""
    path = f"/{api.name}/disconnect"
    return backend.wait_for(lambda request: request.path == path and request.header("connectionId") == connection_id)[0]


@pytest.fixture(scope="module")
def api(gateway, backend):
    return counting_api(gateway, backend, "ends")


@pytest.mark.parametrize(("end", "code", "reason"), ENDS, ids=[end.__name__ for end, _, _ in ENDS])
def test_disconnect_tells_code_and_reason(api, backend, end, code, reason):
    client, connection_id = connect(api, backend)
    end(client, api, connection_id)
    client.close()
    call = ended(api, backend, connection_id)
    assert call.header("eventType") == "DISCONNECT"
    assert call.header("routeKey") == "$disconnect"
    assert call.header("code") == code
    if reason is not None:
        assert call.header("reason") == reason
    # As established at $connect.
    assert call.header("sourceIp") == "127.0.0.1"
    assert call.header("userAgent") == "the test"
    assert call.body == b""


def test_disconnect_carries_no_header_of_the_client(api, backend):
    client, connection_id = connect(api, backend)
    client.close_with(1000)
    names = {name.lower() for name, _ in ended(api, backend, connection_id).headers}
    mapped = {name.removeprefix("integration.request.header.").lower() for name in MAPPED}
    assert names - mapped - {"content-length"} == {
        "x-amzn-apigateway-api-id", "x-amzn-trace-id", "user-agent", "content-type", "accept", "host", "connection"
    }  # fmt: skip


def test_a_failing_disconnect_integration_changes_nothing(gateway, backend, api):
    other = Api(gateway)
    other.route("$disconnect", other.integration("HTTP_PROXY", "http://127.0.0.1:1/nobody"))
    other.deploy()
    mark = gateway.mark()
    with RawClient(gateway.port, other.target) as client:
        assert client.close_with(1000).code == 1000
    gateway.wait_for_log("WebSocket Request Route: [$disconnect]", mark, apiId=other.id)
    client, connection_id = connect(api, backend)
    client.close()
    ended(api, backend, connection_id)


def test_disconnect_comes_exactly_once_on_every_path(start_gateway, backend):
    gateway = start_gateway("--limit", "idle-timeout=2s")
    api = counting_api(gateway, backend, "once")
    expected = {}
    open_clients = []
    for end, code, _ in ENDS * 2:
        client, connection_id = connect(api, backend)
        end(client, api, connection_id)
        expected[connection_id] = code
        client.close()
    # One that is idle until the gateway closes it.
    idle, connection_id = connect(api, backend)
    frame, _ = idle.read_close()
    assert frame.code == 1001
    expected[connection_id] = "1001"
    assert ended(api, backend, connection_id).header("reason") == AWAY
    # Two calls at once that both want to end it.
    client, connection_id = connect(api, backend)
    management(api.callback).delete_connection(ConnectionId=connection_id)
    client.close()
    expected[connection_id] = "1000"
    # And three that are open when the program stops.
    for _ in range(3):
        client, connection_id = connect(api, backend)
        open_clients.append(client)
        expected[connection_id] = "1001"
    gateway.ask_to_stop()
    for client in open_clients:
        frame, _ = client.read_close()
        assert frame.code == 1001
        client.close()
    gateway.stop()
    calls = backend.seen("/once/disconnect")
    assert Counter(call.header("connectionId") for call in calls) == Counter(expected.keys())
    assert {call.header("connectionId"): call.header("code") for call in calls} == expected


def upgrade_request(target):
    """The bytes of a correct upgrade request."""
    return (
        f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("reused", [False, True])
def test_a_client_that_hangs_up_during_connect_still_gets_its_disconnect(gateway, backend, reused):
    path = f"/hangs-up-{reused}"
    api = Api(gateway)
    going_on = threading.Event()
    backend.answers[f"{path}/connect"] = Answer(hold=going_on)
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}{path}/connect"))
    api.route("$disconnect", api.integration("HTTP_PROXY", f"{backend.url}{path}/disconnect", RequestParameters=MAPPED))
    api.deploy()
    with Wire(gateway.port) as wire:
        if reused:
            assert wire.request("GET", "/_health").status == 200
        wire.send(upgrade_request(api.target))
        backend.wait_for(f"{path}/connect")
    going_on.set()
    (request,) = backend.wait_for(f"{path}/disconnect")
    assert request.header("code") == "1006"


def test_a_stage_deleted_during_connect_still_runs_disconnect(gateway, backend):
    path = "/deleted-meanwhile"
    api = Api(gateway)
    going_on = threading.Event()
    backend.answers[f"{path}/connect"] = Answer(hold=going_on)
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}{path}/connect"))
    api.route("$disconnect", api.integration("HTTP_PROXY", f"{backend.url}{path}/disconnect", RequestParameters=MAPPED))
    api.deploy()
    with Wire(gateway.port) as wire:
        wire.send(upgrade_request(api.target))
        backend.wait_for(f"{path}/connect")
        api.client.delete_stage(ApiId=api.id, StageName=api.stage)
        # Two more publications, after which nothing but the waiting client needs the stage.
        for _ in range(2):
            other = Api(gateway)
            other.route("$default")
            other.deploy()
        going_on.set()
        (request,) = backend.wait_for(f"{path}/disconnect")
    assert request.header("code") in ("1001", "1006")
