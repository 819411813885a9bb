"""No `$disconnect` is lost: a program that is killed tells it when it is there again, and a backend that fails is told again."""

import json
import os
import resource
import signal
import time
import urllib.request

from harness.aws import Api
from harness.backend import Answer, Backend
from harness.frames import RawClient
from harness.metrics import Metrics
from harness.until import PATIENCE, until

DELIVERY = "X-Gatewright-Delivery"
DELIVERY_ID = "X-Gatewright-Delivery-Id"


def define(gateway, backend, path, disconnect=True):
    """An API whose backend is told who connects and who goes."""
    api = Api(gateway, name="journal")
    told = {
        f"integration.request.header.{name}": f"context.{value}"
        for name, value in {"connectionId": "connectionId", "code": "disconnectStatusCode", "reason": "disconnectReason", "user": "identity.userAgent"}.items()
    }
    integration = api.integration("HTTP_PROXY", backend.url + path, RequestParameters={"integration.request.header.connectionId": "context.connectionId"})
    api.route("$connect", integration)
    if disconnect:
        api.route("$disconnect", api.integration("HTTP_PROXY", f"{backend.url}{path}/end", RequestParameters=told))
    return api.deploy(DefaultRouteSettings={"LoggingLevel": "INFO", "DataTraceEnabled": True})


def connect(gateway, api, backend, path, user="a client"):
    """A client that was let in, and its connection id."""
    since = backend.mark()
    client = RawClient(gateway.port, api.target, headers=[("User-Agent", user)])
    assert client.handshake.status == 101
    return client, backend.wait_for(path, since=since)[0].header("connectionId")


def again(start_gateway, gateway, *options, **rest):
    """The same program on the same folder."""
    return start_gateway(*options, data_dir=gateway.data_dir, **rest)


def events(gateway, text):
    url = f"{gateway.url}/_gatewright/v1/events?whole=1&filter={urllib.request.quote(text)}"
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return json.load(answer)["events"]


def test_who_was_connected_when_the_program_was_killed_is_told_of_when_it_is_back(start_gateway, backend, path):
    gateway = start_gateway()
    api = define(gateway, backend, path)
    clients = [connect(gateway, api, backend, path, f"client {number}") for number in range(3)]
    # One leaves before: it is told of once.
    gone, gone_id = clients.pop()
    gone.close()
    [first] = backend.wait_for(f"{path}/end")
    assert first.header("connectionId") == gone_id and first.header(DELIVERY) is None and first.header(DELIVERY_ID) is None
    until(lambda: Metrics(gateway.url).get("gatewright_journal_open") == 2, "the end to be written down")
    time.sleep(0.1)
    since = backend.mark()
    gateway.kill()
    gateway = again(start_gateway, gateway)
    told = backend.wait_for(f"{path}/end", count=2, since=since)
    assert {request.header("connectionId") for request in told} == {id for _, id in clients}
    for request in told:
        assert request.header("code") == "1006", request
        assert request.header("reason") == "Connection lost: the gateway ended before the connection did"
        # What was known of the client is still known.
        assert request.header("user").startswith("client ")
        assert request.header(DELIVERY) == "replay" and request.header(DELIVERY_ID) is None
    assert "2 connections were open when the program ended last" in gateway.output()
    gateway.wait_for_log("replay: the gateway ended before this $disconnect was known to be answered")
    assert {event["disconnect"]["delivery"] for event in events(gateway, f"api:{api.id} type:disconnect")} == {"replay"}
    metrics = Metrics(gateway.url)
    assert metrics.get("gatewright_disconnects_replayed_total") == 2
    until(lambda: Metrics(gateway.url).get("gatewright_journal_open") == 0, "nothing to be open")
    # And that is that: the next start has nothing to tell.
    since = backend.mark()
    gateway.stop()
    gateway = again(start_gateway, gateway)
    assert "were open" not in gateway.output() and "was open" not in gateway.output()
    assert backend.seen(f"{path}/end", since=since) == []


def test_a_stop_in_order_leaves_nothing_to_tell(start_gateway, backend, path):
    gateway = start_gateway()
    api = define(gateway, backend, path)
    clients = [connect(gateway, api, backend, path) for _ in range(5)]
    gateway.stop()
    assert len(backend.seen(f"{path}/end")) == 5
    since = backend.mark()
    gateway = again(start_gateway, gateway)
    assert Metrics(gateway.url).get("gatewright_journal_open") == 0
    assert "open when the program ended" not in gateway.output()
    assert backend.seen(f"{path}/end", since=since) == []
    del clients


def test_a_backend_that_comes_later_than_the_gateway_is_told_all_the_same(start_gateway, path):
    first = Backend()
    gateway = start_gateway()
    api = define(gateway, first, path)
    _client, id = connect(gateway, api, first, path)
    gateway.kill()
    first.stop()
    gateway = again(start_gateway, gateway)
    until(lambda: Metrics(gateway.url).get("gatewright_disconnects_waiting") == 1, "the call to wait for its next try")
    # Killed once more while it waits.
    gateway.kill()
    gateway = again(start_gateway, gateway)
    until(lambda: Metrics(gateway.url).get("gatewright_disconnects_waiting") == 1, "the call to wait again")
    second = Backend(port=first.port)
    try:
        [told] = second.wait_for(f"{path}/end")
        assert told.header("connectionId") == id and told.header(DELIVERY) == "replay"
        until(lambda: Metrics(gateway.url).get("gatewright_journal_open") == 0, "it to be written down")
    finally:
        second.stop()


def failing(times, status=503):
    """Answers with that status so often, then with 200."""
    left = [times]

    def answer(_):
        left[0] -= 1
        return Answer(status=status if left[0] >= 0 else 200)

    return answer


def test_aws_tells_an_end_once_and_the_extended_mode_again(start_gateway, backend, path):
    for options, expected in [((), [None]), (("--compat", "extended"), [None, "retry", "retry"])]:
        gateway = start_gateway(*options)
        here = f"{path}/{len(options)}"
        backend.answers[f"{here}/end"] = failing(2)
        api = define(gateway, backend, here)
        client, id = connect(gateway, api, backend, here)
        client.close()
        told = backend.wait_for(f"{here}/end", count=len(expected))
        assert [request.header(DELIVERY) for request in told] == expected
        assert {request.header(DELIVERY_ID) for request in told} == ({id} if options else {None})
        until(lambda: Metrics(gateway.url).get("gatewright_journal_open") == 0, "it to be written down")
        metrics = Metrics(gateway.url)
        assert metrics.get("gatewright_disconnects_retried_total") == len(expected) - 1
        assert metrics.get("gatewright_disconnects_given_up_total") == (0 if options else 1)
        assert len(backend.seen(f"{here}/end")) == len(expected)


def test_what_a_backend_refuses_for_good_is_not_told_again_and_there_is_an_end_to_trying(start_gateway, backend, path):
    gateway = start_gateway("--limit", "disconnect-retries=100", "--limit", "disconnect-retry-for=3s")
    backend.answers[f"{path}/end"] = Answer(status=404)
    api = define(gateway, backend, path)
    client, _ = connect(gateway, api, backend, path)
    client.close()
    until(lambda: Metrics(gateway.url).get("gatewright_disconnects_given_up_total") == 1, "it to be given up")
    assert len(backend.seen(f"{path}/end")) == 1
    backend.answers[f"{path}/end"] = Answer(status=500)
    client, _ = connect(gateway, api, backend, path)
    client.close()
    until(lambda: Metrics(gateway.url).get("gatewright_disconnects_given_up_total") == 2, "the time to be over")
    assert 2 <= len(backend.seen(f"{path}/end")) - 1 <= 4
    assert Metrics(gateway.url).get("gatewright_journal_open") == 0


def test_who_is_refused_and_whose_api_has_no_disconnect_route_has_nothing_to_end(start_gateway, backend, path):
    gateway = start_gateway()
    backend.answers[path] = Answer(status=403)
    api = define(gateway, backend, path)
    assert RawClient(gateway.port, api.target).handshake.status == 403
    until(lambda: Metrics(gateway.url).get("gatewright_journal_open") == 0, "the refusal to be written down")
    backend.answers[path] = Answer()
    other = define(gateway, backend, f"{path}/other", disconnect=False)
    _client, _ = connect(gateway, other, backend, f"{path}/other")
    gateway.kill()
    since = backend.mark()
    gateway = again(start_gateway, gateway)
    until(lambda: Metrics(gateway.url).get("gatewright_journal_open") == 0, "the end of whom nobody has to be told of")
    assert backend.mark() == since


def test_without_a_journal_a_crash_loses_them_as_it_says(start_gateway, backend, path):
    gateway = start_gateway("--journal", "off")
    api = define(gateway, backend, path)
    _client, _ = connect(gateway, api, backend, path)
    gateway.kill()
    gateway = again(start_gateway, gateway, "--journal", "off")
    time.sleep(0.3)
    assert backend.seen(f"{path}/end") == []
    assert Metrics(gateway.url).get("gatewright_journal_open") is None


def test_a_function_is_told_in_its_event(start_gateway, path, tmp_path):
    handler = tmp_path / "handler.py"
    told = tmp_path / "told.jsonl"
    handler.write_text(
        "import json\n"
        "def handler(event, context):\n"
        f"    with open({str(told)!r}, 'a') as file:\n"
        "        file.write(json.dumps(event) + '\\n')\n"
        "    return {'statusCode': 200}\n"
    )
    options = ("--function", str(handler), "--compat", "extended")
    gateway = start_gateway(*options)
    client = RawClient(gateway.port, "/_aws/execute-api/gatewright/dev")
    assert client.handshake.status == 101
    gateway.kill()
    again(start_gateway, gateway, *options)

    def ends():
        seen = [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []
        return [event for event in seen if event["requestContext"]["eventType"] == "DISCONNECT"]

    until(ends, "the function to be told")
    [event] = ends()
    assert event["headers"][DELIVERY] == "replay"
    assert event["headers"][DELIVERY_ID] == event["requestContext"]["connectionId"]


def test_a_disk_that_is_full_refuses_nobody_and_is_said_loudly(start_gateway, backend, path, monkeypatch, tmp_path):
    # What a file that may not grow gives is an error like a full disk's, once the signal is ignored.
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntrap '' XFSZ\nexec {os.environ['GATEWRIGHT_BIN']} \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("GATEWRIGHT_BIN", str(program))
    gateway = start_gateway()
    api = define(gateway, backend, path)
    first, _ = connect(gateway, api, backend, path)
    files = [os.path.join(gateway.data_dir, "journal", name) for name in os.listdir(os.path.join(gateway.data_dir, "journal"))]
    [size] = [os.path.getsize(name) for name in files]
    soft, hard = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (size + 10, hard))
    began = time.monotonic()
    clients = [connect(gateway, api, backend, path)[0] for _ in range(20)]
    assert time.monotonic() - began < 10
    metrics = Metrics(gateway.url)
    assert metrics.get("gatewright_journal_failing") == 1 and metrics.get("gatewright_journal_lost_total") == 0
    said = [line for line in gateway.output().splitlines() if "may lose their $disconnect" in line]
    assert len(said) == 1 and "File too large" in said[0], said
    clients[0].close()
    backend.wait_for(f"{path}/end")
    # When there is room again nothing is lost.
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (soft, hard))
    until(lambda: Metrics(gateway.url).get("gatewright_journal_failing") == 0, "the disk to work again")
    since = backend.mark()
    gateway.kill()
    again(start_gateway, gateway)
    backend.wait_for(f"{path}/end", count=20, since=since)
    del clients, first


def test_a_journal_that_somebody_damaged_is_read_as_far_as_it_goes(start_gateway, backend, path):
    gateway = start_gateway()
    api = define(gateway, backend, path)
    _one, first = connect(gateway, api, backend, path)
    _two, _ = connect(gateway, api, backend, path)
    gateway.kill()
    folder = os.path.join(gateway.data_dir, "journal")
    [name] = os.listdir(folder)
    assert os.stat(os.path.join(folder, name)).st_mode & 0o777 == 0o600
    with open(os.path.join(folder, name), "r+b") as file:
        file.seek(-20, os.SEEK_END)
        file.write(b"\xff" * 20)
    since = backend.mark()
    gateway = again(start_gateway, gateway)
    [told] = backend.wait_for(f"{path}/end", since=since)
    assert told.header("connectionId") == first
    assert "are no records, and were left out" in gateway.output()


def test_a_signal_in_the_middle_of_a_drain_leaves_the_rest_to_the_next_start(start_gateway, backend, path):
    gateway = start_gateway("--limit", "drain-timeout=20s")
    backend.answers[f"{path}/end"] = Answer(raw=b"", then="stall")
    api = define(gateway, backend, path)
    _client, id = connect(gateway, api, backend, path)
    gateway.ask_to_stop()
    backend.wait_for(f"{path}/end")
    gateway.process.send_signal(signal.SIGTERM)
    gateway.process.wait(PATIENCE)
    del backend.answers[f"{path}/end"]
    since = backend.mark()
    gateway = again(start_gateway, gateway)
    [told] = backend.wait_for(f"{path}/end", since=since)
    assert told.header("connectionId") == id and told.header(DELIVERY) == "replay"
