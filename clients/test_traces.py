"""A trace from start to end: backends are told of it, and a collector of OpenTelemetry gets the walk's steps as spans.

What is sent is read by OpenTelemetry's own schema (PyPI's opentelemetry-proto), as a collector reads it.
"""

import base64
import json
import re

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from harness.aws import Api
from harness.backend import Answer
from harness.frames import RawClient
from harness.until import until

TRACES = "/v1/traces"
HEXADECIMAL = {"traceId", "spanId", "parentSpanId"}
PARTS = ["queue", "select", "authorize", "admit", "validate", "map", "connect", "send", "wait", "read", "map back", "fit", "deliver"]
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])")


def with_bytes(value):
    """OTLP's JSON with its ids as protobuf's JSON has bytes: the one thing in which the two differ."""
    if isinstance(value, list):
        return [with_bytes(one) for one in value]
    if not isinstance(value, dict):
        return value
    as_bytes = lambda text: base64.b64encode(bytes.fromhex(text)).decode()
    return {name: as_bytes(one) if name in HEXADECIMAL else with_bytes(one) for name, one in value.items()}


def received(backend):
    """Resource and spans of all that the collector got; an unknown member would be an error."""
    resource, spans = {}, []
    for request in backend.seen(TRACES):
        assert request.header("content-type") == "application/json"
        export = json_format.ParseDict(with_bytes(json.loads(request.body)), ExportTraceServiceRequest())
        for of_resource in export.resource_spans:
            resource = {one.key: one.value.string_value for one in of_resource.resource.attributes}
            spans += [span for scope in of_resource.scope_spans for span in scope.spans]
    return resource, spans


def attributes(span):
    """A span's attributes, as texts and numbers."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def of_event(backend, kind, count=1):
    """The spans of events of a kind, once they are there."""
    def found():
        spans = [span for span in received(backend)[1] if attributes(span).get("gatewright.event_type") == kind]
        return spans if len(spans) >= count else None
    return until(found, f"{count} spans of {kind}")


def below(backend, parent):
    """The spans below one, in the order of their beginning."""
    children = [span for span in received(backend)[1] if span.parent_span_id == parent.span_id]
    return sorted(children, key=lambda span: (span.start_time_unix_nano, span.end_time_unix_nano))


@pytest.fixture
def traced(start_gateway, backend, path):
    """A gateway that sends spans to the scripted backend, and a two-way API of it."""
    backend.answers[TRACES] = Answer(body=b"{}")
    first = backend.mark()
    del backend.requests[:first]
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": backend.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b",
        "OTEL_SERVICE_NAME": "chat-gateway",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
    }
    gateway = start_gateway(environment=environment)
    api = Api(gateway, name="traced")
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}{path}/connect"))
    said = api.integration("HTTP", f"{backend.url}{path}?token=0123456789abcdefghij")
    api.response(said)
    api.route("$default", said, two_way=True)
    return api.deploy()


def test_a_message_is_a_trace_of_the_walks_steps_and_its_backend_is_part_of_it(traced, backend, path):
    with RawClient(traced.gateway.port, traced.target) as client:
        client.text("hello")
        client.read_frame()
    [message] = of_event(backend, "MESSAGE")
    assert (message.name, message.kind) == ("process $default", Span.SPAN_KIND_CONSUMER)
    told = attributes(message)
    assert told["messaging.system"] == "websocket" and told["messaging.operation.type"] == "process"
    assert (told["messaging.destination.name"], told["messaging.message.body.size"]) == ("$default", 5)
    assert (told["gatewright.api_id"], told["gatewright.stage"], told["client.address"]) == (traced.id, "dev", "127.0.0.1")
    children = below(backend, message)
    [call] = [child for child in children if child.kind == Span.SPAN_KIND_CLIENT]
    parts = [child for child in children if child is not call]
    of_call = below(backend, call)
    assert [part.name for part in of_call] == ["connect", "send", "wait", "read"]
    assert sorted(part.name for part in parts + of_call) == sorted(PARTS)
    assert call.start_time_unix_nano <= of_call[0].start_time_unix_nano <= of_call[-1].end_time_unix_nano <= call.end_time_unix_nano
    assert message.start_time_unix_nano < message.end_time_unix_nano
    told = attributes(call)
    assert (told["http.request.method"], told["http.response.status_code"]) == ("POST", 200)
    assert told["url.full"] == f"{backend.url}{path}?token=**************efghij"
    # The backend is told of the same trace, by AWS's header and by W3C's, and of the call as its parent.
    [request] = backend.wait_for(path)
    trace, parent, flags = TRACEPARENT.fullmatch(request.header("traceparent")).groups()
    assert (trace, parent, flags) == (message.trace_id.hex(), call.span_id.hex(), "01")
    assert request.header("x-amzn-trace-id") == f"Root=1-{trace[:8]}-{trace[8:]}"
    resource, spans = received(backend)
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("chat-gateway", "test")
    assert resource["service.version"]
    assert {request.header("x-key") for request in backend.seen(TRACES)} == {"a b"}
    ids = [span.span_id for span in spans]
    assert len(set(ids)) == len(ids) and all(len(one) == 8 for one in ids)


def test_a_clients_trace_goes_on_at_connect(traced, backend, path):
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    for given, continues in [(f"00-{trace}-{parent}-01", True), ("00-nonsense-01", False)]:
        since = backend.mark()
        with RawClient(traced.gateway.port, traced.target, headers=[("traceparent", given)]):
            pass
        [request] = backend.wait_for(f"{path}/connect", since=since)
        told = TRACEPARENT.fullmatch(request.header("traceparent"))
        assert len(request.all("traceparent")) == 1
        def connect():
            return [span for span in of_event(backend, "CONNECT") if span.trace_id.hex() == told[1]]
        [span] = until(connect, "the span of this handshake")
        assert (span.trace_id.hex() == trace, span.parent_span_id.hex() == parent) == (continues, continues)
        assert (span.name, span.kind) == ("GET $connect", Span.SPAN_KIND_SERVER)
        assert attributes(span)["http.response.status_code"] == 101


def test_a_failure_is_one_in_the_trace(traced, backend, path):
    backend.answers[path] = Answer(status=503, body=b"no")
    with RawClient(traced.gateway.port, traced.target) as client:
        client.text("hello")
        client.read_frame()
    [message] = of_event(backend, "MESSAGE")
    [call] = [child for child in below(backend, message) if child.kind == Span.SPAN_KIND_CLIENT]
    assert (call.status.code, attributes(call)["error.type"]) == (Status.STATUS_CODE_ERROR, "503")


def test_a_share_of_events_is_traced_and_all_backends_know(start_gateway, backend, path):
    backend.answers[TRACES] = Answer(body=b"{}")
    environment = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{backend.url}{TRACES}",
        "OTEL_TRACES_SAMPLER": "traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.5",
    }
    gateway = start_gateway(environment=environment)
    api = Api(gateway, name="sampled")
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}{path}"), two_way=True)
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        for _ in range(60):
            client.text("hello")
            client.read_frame()
    flags = [TRACEPARENT.fullmatch(request.header("traceparent")) for request in backend.wait_for(path, count=60)]
    sampled = {flag[1] for flag in flags if flag[3] == "01"}
    # By chance once in 10^17 runs.
    assert 0 < len(sampled) < 60
    def all_there():
        there = {span.trace_id.hex() for span in received(backend)[1] if attributes(span).get("gatewright.api_id") == api.id}
        return there if sampled <= there else None
    assert until(all_there, "the spans of those that are traced") & {flag[1] for flag in flags} == sampled


def test_a_collector_that_is_away_holds_up_nobody_and_is_told_once(start_gateway, backend, path):
    gateway = start_gateway(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
    api = Api(gateway, name="away")
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}{path}"), two_way=True)
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        for number in range(3000):
            client.text(f"{number}")
            client.read_frame()
    line = gateway.wait_for_line(lambda line: "could not be sent" in line, "the line about the collector")
    assert "http://127.0.0.1:1/v1/traces" in line


def test_without_a_collector_nothing_is_told_that_aws_does_not_tell(start_gateway, backend, path):
    gateway = start_gateway()
    api = Api(gateway, name="plain")
    api.route("$default", api.integration("HTTP", f"{backend.url}{path}"), two_way=True)
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        client.text("hello")
        client.read_frame()
    [request] = backend.wait_for(path)
    assert request.header("traceparent") is None and request.header("x-amzn-trace-id")
