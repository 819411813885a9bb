"""`/_metrics`: CloudWatch's numbers and an operator's, counted exactly, within a bound, and gone with their stage."""

import json
import re
import threading
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from harness.aws import Api, management
from harness.backend import Answer, unused_port
from harness.clients import open_websocket
from harness.frames import RawClient
from harness.metrics import Metrics
from harness.until import until


def make(gateway, backend, path, **stage):
    """An API with routes that answer, refuse, are down, or are mocks."""
    api = Api(gateway, name="counted")
    for key in ("$connect", "$disconnect", "echo"):
        api.route(key, api.integration("HTTP_PROXY", f"{backend.url}{path}"), two_way=key == "echo")
    api.route("sour", api.integration("HTTP_PROXY", f"{backend.url}{path}-sour"))
    api.route("down", api.integration("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}/"))
    mock = api.integration("MOCK", RequestTemplates={"$default": '{"statusCode":200}'}, TemplateSelectionExpression="\\$default")
    api.response(mock)
    api.route("mock", mock)
    backend.answers[f"{path}-sour"] = Answer(status=500)
    return api.deploy(DefaultRouteSettings={"LoggingLevel": "OFF"}, **stage)


def use(api):
    """Three connections' worth of everything; waits until each of them is over."""
    with open_websocket(api.url) as client:
        for _ in range(3):
            client.send('{"action":"echo"}')
            client.recv()
        for action in ("down", "nowhere"):
            client.send(json.dumps({"action": action}))
            client.recv()
        client.send('{"action":"sour"}')
        client.send('{"action":"mock"}')
        until(lambda: reading(api, "gatewright_message_count_total") == 12, "12 messages counted")
        assert client.ping().wait(10)
    until(lambda: reading(api, "gatewright_connections") == 0, "the end of the connection")


def reading(api, name, **labels):
    return Metrics(api.gateway.url).get(name, api_id=api.id, stage="dev", **labels)


def test_cloudwatchs_numbers_are_counted_exactly(gateway, backend, path):
    api = make(gateway, backend, path)
    use(api)
    metrics = Metrics(gateway.url)
    found = {name: metrics.get(f"gatewright_{name}_total", api_id=api.id, stage="dev") for name in (
        "connect_count", "message_count", "integration_error", "client_error", "execution_error"
    )}  # fmt: skip
    # Seven messages in; three replies and two error frames out.
    assert found == {"connect_count": 1, "message_count": 12, "integration_error": 1, "client_error": 1, "execution_error": 1}
    name = "gatewright_integration_latency_seconds"
    # $connect, $disconnect, three echoes and the backend that answers 500; neither the mock nor the one that is down.
    assert metrics.get(f"{name}_count", api_id=api.id, stage="dev") == 6
    assert metrics.get(f"{name}_bucket", api_id=api.id, stage="dev", le="+Inf") == 6
    assert 0 < metrics.get(f"{name}_sum", api_id=api.id, stage="dev") < 30
    counts = [metrics.get(f"{name}_bucket", api_id=api.id, stage="dev", le=le) for le in ("0.0005", "0.001", "0.1", "1", "29", "+Inf")]
    assert counts == sorted(counts) and None not in counts
    for name, said in (("connect_count", "ConnectCount"), ("message_count", "MessageCount"), ("integration_error", "IntegrationError")):
        assert f"# HELP gatewright_{name}_total CloudWatch {said}:" in metrics.text


def test_what_an_operator_needs_is_counted(gateway, backend, path):
    api = make(gateway, backend, path)
    use(api)
    metrics = Metrics(gateway.url)
    get = lambda name, **labels: metrics.get(name, api_id=api.id, stage="dev", **labels)
    # Seven messages, a ping and the close; five answers, the pong and the close.
    assert (get("gatewright_frames_in_total"), get("gatewright_frames_out_total")) == (9, 7)
    assert get("gatewright_bytes_in_total") > 7 * len('{"action":"echo"}')
    assert get("gatewright_bytes_out_total") > 3 * len('{"action":"echo"}')
    assert get("gatewright_handshakes_total", status="101") == 1
    assert get("gatewright_handshake_latency_seconds_count") == 1
    assert get("gatewright_disconnects_total", code="1000") == 1
    assert get("gatewright_refusals_total", type="ACCESS_DENIED") == 1
    assert get("gatewright_refusals_total", type="INTEGRATION_FAILURE") == 1
    for gauge in ("gatewright_connections", "gatewright_in_flight", "gatewright_outbox_frames", "gatewright_outbox_bytes"):
        assert get(gauge) == 0
    assert metrics.get("process_resident_memory_bytes") > 1024 * 1024
    assert 3 < metrics.get("process_open_fds") <= metrics.get("process_max_fds")
    assert metrics.get("process_cpu_seconds_total") > 0
    assert metrics.get("gatewright_log_entries_left_out_total", log="standard-output") == 0
    assert metrics.content_type.startswith("text/plain; version=0.0.4")


def test_open_connections_and_messages_in_flight_go_up_and_down(gateway, backend, path):
    api = make(gateway, backend, path)
    with open_websocket(api.url) as client:
        assert reading(api, "gatewright_connections") == 1
        hold = threading.Event()
        backend.answers[path] = Answer(hold=hold)
        mark = backend.mark()
        client.send('{"action":"echo"}')
        backend.wait_for(path, since=mark)
        assert reading(api, "gatewright_in_flight") == 1
        del backend.answers[path]
        hold.set()
        client.send('{"action":"echo"}')
        assert client.recv() == '{"action":"echo"}'
        until(lambda: reading(api, "gatewright_in_flight") == 0, "nothing in flight")


def test_refused_handshakes_and_connections_calls_are_counted_by_status(gateway, backend, path):
    api = make(gateway, backend, path)
    nowhere = Metrics(gateway.url).get("gatewright_handshakes_total", status="403") or 0
    with pytest.raises(InvalidStatus):
        open_websocket(f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/{api.id}/nowhere")
    assert Metrics(gateway.url).get("gatewright_handshakes_total", status="403") == nowhere + 1
    backend.answers[path] = Answer(status=401)
    with pytest.raises(InvalidStatus):
        open_websocket(api.url)
    del backend.answers[path]
    assert reading(api, "gatewright_handshakes_total", status="401") == 1
    with open_websocket(api.url) as client:
        client.send('{"action":"echo"}')
        client.recv()
        callback = management(api.callback)
        with pytest.raises(callback.exceptions.GoneException):
            callback.post_to_connection(ConnectionId="AAAAAAAAAAAAAAA=", Data=b"x")
    assert reading(api, "gatewright_connections_api_total", method="POST", status="410") == 1


def test_a_client_that_does_not_read_shows_in_the_outbox(start_gateway, backend, path):
    gateway = start_gateway("--limit", "outbox-messages=4")
    api = Api(gateway)
    mapped = {"integration.request.header.id": "context.connectionId"}
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}{path}", RequestParameters=mapped))
    api.deploy(DefaultRouteSettings={"LoggingLevel": "OFF"})
    callback = management(api.callback)
    mark = backend.mark()
    client = RawClient(gateway.port, api.target)
    connection = backend.wait_for(path, since=mark)[0].header("id")
    with pytest.raises(callback.exceptions.LimitExceededException):
        for _ in range(10_000):
            callback.post_to_connection(ConnectionId=connection, Data=b"x" * 100_000)
    assert reading(api, "gatewright_outbox_full_total") == 1
    assert reading(api, "gatewright_connections_api_total", method="POST", status="429") == 1
    assert 4 == reading(api, "gatewright_outbox_frames")
    assert reading(api, "gatewright_outbox_bytes") > 300_000
    # A frame that had to wait may still go out when the kernel's buffer grows: at least four waited, none behind more than four.
    assert reading(api, "gatewright_outbox_depth_frames_bucket", le="4") == reading(api, "gatewright_outbox_depth_frames_count") >= 4
    client.close()
    until(lambda: reading(api, "gatewright_connections") == 0, "the end")
    assert (reading(api, "gatewright_outbox_frames"), reading(api, "gatewright_outbox_bytes")) == (0, 0)


def test_routes_are_counted_one_by_one_only_with_detailed_metrics(gateway, backend, path):
    detailed = {"echo": {"DetailedMetricsEnabled": True}, "sour": {"DetailedMetricsEnabled": True}}
    api = make(gateway, backend, path, RouteSettings=detailed)
    use(api)
    metrics = Metrics(gateway.url)
    name = "gatewright_route_message_count_total"
    routes = [labels["route"] for labels in metrics.named(name) if labels["api_id"] == api.id]
    assert sorted(routes) == ["echo", "sour"]
    assert metrics.get(name, api_id=api.id, stage="dev", route="echo") == 6
    assert metrics.get("gatewright_route_integration_error_total", api_id=api.id, stage="dev", route="sour") == 1
    assert metrics.get("gatewright_route_integration_latency_seconds_count", api_id=api.id, stage="dev", route="echo") == 3
    # A new deployment counts on; a route whose metrics are not detailed any more has none.
    api.deploy(DefaultRouteSettings={"LoggingLevel": "OFF"}, RouteSettings={"sour": {"DetailedMetricsEnabled": False}})
    metrics = Metrics(gateway.url)
    assert metrics.get(name, api_id=api.id, stage="dev", route="echo") == 6
    assert metrics.get(name, api_id=api.id, stage="dev", route="sour") is None
    assert metrics.get("gatewright_message_count_total", api_id=api.id, stage="dev") == 12


def test_the_series_of_a_stage_go_with_it(gateway, backend, path):
    api = make(gateway, backend, path)
    assert reading(api, "gatewright_connections") == 0
    with open_websocket(api.url) as client:
        api.client.delete_stage(ApiId=api.id, StageName="dev")
        with pytest.raises(ConnectionClosed):
            client.recv()
    until(lambda: api.id not in Metrics(gateway.url).text, "the series to go")


def test_beyond_the_bound_all_share_one_series(start_gateway, backend, path):
    gateway = start_gateway("--metrics-series", "1")
    assert "other" not in Metrics(gateway.url).text
    first, *rest = (make(gateway, backend, path, RouteSettings={"echo": {"DetailedMetricsEnabled": True}}) for _ in range(3))
    for api in (first, *rest):
        with open_websocket(api.url) as client:
            client.send('{"action":"echo"}')
            client.recv()
    metrics = Metrics(gateway.url)
    assert metrics.get("gatewright_message_count_total", api_id=first.id, stage="dev") == 2
    assert metrics.get("gatewright_message_count_total", api_id="other", stage="other") == 4
    assert metrics.get("gatewright_route_message_count_total", api_id="other", stage="other", route="other") == 6
    assert len(metrics.named("gatewright_message_count_total")) == 2


def test_metrics_are_on_the_admin_address_where_there_is_one(start_gateway):
    gateway = start_gateway("--admin", "127.0.0.1:0")
    with pytest.raises(urllib.error.HTTPError) as refused:
        Metrics(gateway.url)
    assert refused.value.code == 404
    # The log tells both addresses; the one that is not for clients has the metrics.
    said = re.findall(r"http://127\.0\.0\.1:(\d+)", gateway.output())
    admin = next(port for port in said if int(port) != gateway.port)
    assert "process_open_fds" in Metrics(f"http://127.0.0.1:{admin}").text


def test_no_stage_or_host_takes_the_path_away(gateway, echo):
    assert "gatewright_connections" in Metrics(gateway.url).text
    # On the host of an API the path is a stage's name, as on AWS.
    request = urllib.request.Request(f"{gateway.url}/_metrics", headers={"Host": echo.host})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 403
