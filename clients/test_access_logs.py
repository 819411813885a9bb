"""Access logs: a line for each event in the stage's own format; on standard output, in files, rotated, and in trouble."""

import json
import os
import signal

import pytest
from websockets.exceptions import InvalidStatus

from harness.aws import Api
from harness.backend import Answer, unused_port
from harness.clients import open_websocket
from harness.metrics import Metrics
from harness.until import until

GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:"
NAMES = (
    "requestId extendedRequestId apiId stage domainName routeKey eventType connectionId connectedAt messageId requestTime "
    "requestTimeEpoch status identity.sourceIp identity.userAgent integration.status integration.latency integration.error "
    "integrationLatency error.responseType error.message error.validationErrorString waf.status authorizer.principalId"
).split()
# Numbers for keys, because a format has at most 1,024 characters.
JSON = json.dumps({str(at): f"$context.{name}" for at, name in enumerate(NAMES)}, separators=(",", ":"))
SHORT = "$context.requestId $context.eventType $context.routeKey $context.status"


def make(gateway, backend, path, form=JSON, group="chat", keys=("$connect", "$disconnect", "echo"), name="logged"):
    """An API whose routes call `path` of the backend and whose stage keeps an access log and nothing else."""
    api = Api(gateway, name=name)
    for key in keys:
        api.route(key, api.integration("HTTP_PROXY", f"{backend.url}{path}"), two_way=key == "echo")
    settings = {"Format": form, "DestinationArn": GROUP + group}
    return api.deploy(AccessLogSettings=settings, DefaultRouteSettings={"LoggingLevel": "OFF"})


def read(line):
    """A line of the format `JSON`, by the names of its variables."""
    values = json.loads(line)
    assert list(values) == [str(at) for at in range(len(NAMES))]
    return dict(zip(NAMES, values.values(), strict=True))


def lines(gateway, api, count):
    """The first `count` access-log lines of an API, once they are there."""
    found = lambda: [record["message"] for record in gateway.log(kind="access", apiId=api.id)]
    return until(lambda: len(found()) >= count and found(), f"{count} lines")


def test_each_event_makes_one_line_in_the_format_of_its_stage(gateway, backend, path):
    api = make(gateway, backend, path)
    with open_websocket(api.url, user_agent_header="probe/1") as client:
        client.send('{"action":"echo","n":1}')
        assert json.loads(client.recv()) == {"action": "echo", "n": 1}
    connect, message, disconnect = map(read, lines(gateway, api, 3))
    for line, kind, route in ((connect, "CONNECT", "$connect"), (message, "MESSAGE", "echo"), (disconnect, "DISCONNECT", "$disconnect")):
        assert (line["eventType"], line["routeKey"], line["status"]) == (kind, route, "200")
        assert (line["apiId"], line["stage"], line["identity.sourceIp"]) == (api.id, "dev", "127.0.0.1")
        assert line["identity.userAgent"] == "probe/1"
        assert (line["integration.status"], line["integration.latency"]) == ("200", line["integrationLatency"])
        assert line["integrationLatency"].isdigit() and line["requestTimeEpoch"].isdigit()
        assert line["requestId"] == line["extendedRequestId"] and len(line["requestId"]) == 16
        # What has no value is a dash.
        for name in ("error.responseType", "error.message", "integration.error", "waf.status", "authorizer.principalId"):
            assert line[name] == "-"
    assert {connect["messageId"], disconnect["messageId"]} == {"-"} and len(message["messageId"]) == 16
    assert len({line["requestId"] for line in (connect, message, disconnect)}) == 3
    assert len({line["connectionId"] for line in (connect, message, disconnect)}) == 1
    # The machine's line around it names the event as every other line does.
    records = gateway.log(kind="access", apiId=api.id)
    assert [record["requestId"] for record in records] == [line["requestId"] for line in (connect, message, disconnect)]


def test_what_went_wrong_is_in_the_line(gateway, backend, path):
    api = make(gateway, backend, path, keys=("$connect",))
    api.route("down", api.integration("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}/"))
    api.route("late", api.integration("HTTP_PROXY", f"{backend.url}{path}-late", TimeoutInMillis=50))
    api.route("sour", api.integration("HTTP_PROXY", f"{backend.url}{path}-sour"))
    api.deploy(DefaultRouteSettings={"LoggingLevel": "OFF"})
    backend.answers[f"{path}-late"] = Answer(raw=b"", then="stall")
    backend.answers[f"{path}-sour"] = Answer(status=503)
    with open_websocket(api.url) as client:
        for action in ("down", "late", "nowhere"):
            client.send(json.dumps({"action": action}))
            client.recv()
        client.send('{"action":"sour"}')
        found = {line["routeKey"]: line for line in map(read, lines(gateway, api, 5))}
    names = ("status", "integration.status", "error.responseType", "error.message")
    facts = {route: tuple(line[name] for name in names) for route, line in found.items()}
    assert facts == {
        "$connect": ("200", "200", "-", "-"),
        "down": ("504", "-", "INTEGRATION_FAILURE", "Internal server error"),
        "late": ("504", "-", "INTEGRATION_TIMEOUT", "Endpoint request timed out"),
        "-": ("403", "-", "ACCESS_DENIED", "Forbidden"),
        "sour": ("503", "503", "-", "-"),
    }
    assert "cannot reach" in found["down"]["integration.error"]
    assert "timed out after 50 ms" in found["late"]["integration.error"]


def test_a_refused_client_has_a_line(gateway, backend, path):
    api = Api(gateway)
    required = {"route.request.querystring.room": {"Required": True}}
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}{path}"), RequestParameters=required)
    api.deploy(AccessLogSettings={"Format": JSON, "DestinationArn": GROUP + "chat"})
    backend.answers[path] = Answer(status=401)
    for url, status in ((api.url, 400), (api.url + "?room=1", 401)):
        with pytest.raises(InvalidStatus) as refused:
            open_websocket(url)
        assert refused.value.response.status_code == status
    missing, denied = map(read, lines(gateway, api, 2))
    assert (missing["status"], missing["error.responseType"]) == ("400", "BAD_REQUEST_PARAMETERS")
    assert missing["error.message"] == "Missing required request parameters: [room]"
    assert "[room]" in missing["error.validationErrorString"]
    assert (denied["status"], denied["error.responseType"], denied["integration.status"]) == ("401", "-", "401")


def test_what_a_client_says_cannot_break_its_line(gateway, backend, path):
    evil = 'a"b\\c","status":"200'
    plain = make(gateway, backend, path, form='$context.requestId "$context.identity.userAgent" $context.status', name="plain")
    api = make(gateway, backend, path)
    for each in (api, plain):
        with open_websocket(each.url, user_agent_header=evil):
            pass
    for line in map(read, lines(gateway, api, 2)):
        assert line["identity.userAgent"] == evil
    for line in lines(gateway, plain, 2):
        assert line.endswith(' "a\\"b\\\\c\\",\\"status\\":\\"200" 200')


def test_for_people_a_line_stands_as_it_is(start_gateway, backend, path):
    gateway = start_gateway(log_format="human")
    api = make(gateway, backend, path, form=f"access {SHORT}")
    with open_websocket(api.url):
        pass
    gateway.wait_for_line(lambda line: line.startswith("access ") and line.endswith(" CONNECT $connect 200"), "the line")


def test_a_name_that_no_event_has_is_told_when_the_stage_is_compiled(gateway, backend, path):
    mark = gateway.mark()
    api = make(gateway, backend, path, form=f"{SHORT} $context.httpMethod")
    gateway.wait_for_log("$context.httpMethod", since=mark, kind="note", apiId=api.id)


def test_a_log_that_is_switched_off_or_on_acts_without_a_deployment(gateway, backend, path):
    api = make(gateway, backend, path, form=SHORT)
    with open_websocket(api.url) as client:
        lines(gateway, api, 1)
        api.client.delete_access_log_settings(ApiId=api.id, StageName="dev")
        client.send('{"action":"echo"}')
        client.recv()
        settings = {"Format": SHORT + " again", "DestinationArn": GROUP + "x"}
        api.client.update_stage(ApiId=api.id, StageName="dev", AccessLogSettings=settings)
        client.send('{"action":"echo"}')
        client.recv()
        assert lines(gateway, api, 2)[1].endswith("MESSAGE echo 200 again")


def test_off_means_nowhere(start_gateway, backend, path):
    gateway = start_gateway("--access-log", "off")
    api = make(gateway, backend, path)
    with open_websocket(api.url):
        pass
    # The disconnect was counted after its line would have been written.
    until(lambda: Metrics(gateway.url).get("gatewright_connections", api_id=api.id, stage="dev") == 0, "the end")
    gateway.stop()
    assert gateway.log(kind="access") == []


def test_log_groups_pick_files_which_rotate_within_their_bounds(start_gateway, backend, path, tmp_path):
    template = str(tmp_path / "logs" / "{log-group}.log")
    gateway = start_gateway("--access-log", template, "--access-log-rotate", "1k", "--access-log-keep", "2")
    chat = make(gateway, backend, path, form=SHORT, group="/aws/chat:*")
    other = make(gateway, backend, path, form=SHORT, group="other", name="other")
    with open_websocket(other.url):
        pass
    with open_websocket(chat.url) as client:
        for _ in range(200):
            client.send('{"action":"echo"}')
            client.recv()
    gateway.stop()
    files = {file.name: file.read_text() for file in (tmp_path / "logs").iterdir()}
    assert set(files) == {"aws-chat.log", "aws-chat.log.1", "aws-chat.log.2", "other.log"}
    assert [line.split(" ", 1)[1] for line in files["other.log"].splitlines()] == ["CONNECT $connect 200", "DISCONNECT $disconnect 200"]
    kept = [line for name in ("aws-chat.log.2", "aws-chat.log.1", "aws-chat.log") for line in files[name].splitlines()]
    assert all(len(files[name]) <= 1024 for name in files)
    # The youngest lines, whole and in order; the oldest are gone.
    assert kept[-1].endswith(" DISCONNECT $disconnect 200")
    assert len(kept) > 40 and {line.split(" ", 1)[1] for line in kept[:-1]} == {"MESSAGE echo 200"}
    assert gateway.log(kind="access") == []


def test_a_file_that_somebody_moved_is_opened_anew_on_sighup(start_gateway, backend, path, tmp_path):
    file, moved = tmp_path / "access.log", tmp_path / "moved.log"
    gateway = start_gateway("--access-log", str(file))
    api = make(gateway, backend, path, form=SHORT)
    with open_websocket(api.url):
        until(lambda: "CONNECT" in file.read_text(), "the first line")
        os.rename(file, moved)
        gateway.process.send_signal(signal.SIGHUP)

        def is_written_anew():
            with open_websocket(api.url):
                return file.exists() and file.read_text()

        until(is_written_anew, "a new file")
    gateway.stop()
    both = moved.read_text() + file.read_text()
    assert both.count(" CONNECT ") == both.count(" DISCONNECT ")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk here is full on demand")
def test_a_full_disk_stops_no_message_and_is_told_and_counted(start_gateway, backend, path):
    gateway = start_gateway("--access-log", "/dev/full")
    api = make(gateway, backend, path, form=SHORT)
    with open_websocket(api.url) as client:
        for n in range(20):
            client.send(json.dumps({"action": "echo", "n": n}))
            assert json.loads(client.recv())["n"] == n
    gateway.wait_for_log("lines of access logs were left out: write /dev/full: No space left on device")
    until(lambda: Metrics(gateway.url).get("gatewright_log_entries_left_out_total", log="access-files") == 22, "22 lines lost")
    assert len(gateway.log(kind="program", apiId=None)) and sum("were left out" in line for line in gateway.lines) == 1


def test_a_file_that_cannot_be_opened_is_told_at_the_start(tmp_path):
    from test_settings import run

    answer = run(tmp_path, "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--access-log", str(tmp_path))
    assert (answer.returncode, "access-log: open" in answer.stderr) == (78, True), answer.stderr
