"""`@connections`: POST, GET and DELETE as they come over the wire, in both address forms, ids encoded or not."""

import datetime
import http.client
import json
import re
import threading
from urllib.parse import quote

import pytest

from harness.aws import Api
from harness.frames import TEXT, RawClient, Wire

KNOWN = {"integration.request.header.connectionId": "context.connectionId"}


@pytest.fixture(scope="module")
def api(gateway, backend):
    api = Api(gateway, name="connections")
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}/connections/connect", RequestParameters=KNOWN))
    api.route("$disconnect", api.integration("HTTP_PROXY", f"{backend.url}/connections/disconnect", RequestParameters=KNOWN))
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/connections/echo", RequestParameters=KNOWN), two_way=True)
    return api.deploy()


@pytest.fixture
def connected(api, backend):
    """A connected client and its id."""
    mark = backend.mark()
    with RawClient(api.gateway.port, api.target, [("User-Agent", "the test")]) as client:
        yield client, backend.wait_for("/connections/connect", since=mark)[0].header("connectionId")


# How the callers out there write the path: the CLI and SDKs encode, people with curl do not.
SPELLINGS = {
    "raw": lambda connection_id: f"@connections/{connection_id}",
    "encoded": lambda connection_id: f"%40connections/{quote(connection_id, safe='')}",
    "encoded in lower case": lambda connection_id: f"%40connections/{quote(connection_id, safe='').replace('%3D', '%3d')}",
    "half encoded": lambda connection_id: f"@connections/{quote(connection_id, safe='')}",
}


def call(api, method, connection_id, body=b"", form="by path", spelling="raw", headers=(), stage=None):
    """One call, over a connection of its own."""
    stage = stage or api.stage
    tail = SPELLINGS[spelling](connection_id)
    with Wire(api.gateway.port) as wire:
        if form == "by path":
            return wire.request(method, f"/_aws/execute-api/{api.id}/{stage}/{tail}", headers, body)
        return wire.request(method, f"/{stage}/{tail}", [("Host", api.host), *headers], body)


@pytest.mark.parametrize("form", ["by path", "by host"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_post_get_and_delete_in_every_spelling(api, connected, form, spelling):
    client, connection_id = connected
    posted = call(api, "POST", connection_id, "grüße".encode(), form, spelling, [("Content-Type", "application/octet-stream")])
    assert (posted.status, posted.body) == (200, b"")
    assert client.read_text() == "grüße"

    got = call(api, "GET", connection_id, b"", form, spelling)
    assert got.status == 200 and got.header("Content-Type").split(";")[0] == "application/json"
    about = json.loads(got.body)
    assert set(about) == {"connectedAt", "identity", "lastActiveAt"}
    assert about["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "the test"}
    for name in ("connectedAt", "lastActiveAt"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", about[name]), about[name]
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(about[name])
        assert datetime.timedelta(seconds=-1) < age < datetime.timedelta(minutes=5)

    deleted = call(api, "DELETE", connection_id, b"", form, spelling)
    assert (deleted.status, deleted.body) == (204, b"")
    frame, _ = client.read_close()
    assert frame.code == 1000


def test_a_client_without_a_user_agent_has_an_empty_one(api, backend):
    mark = backend.mark()
    with RawClient(api.gateway.port, api.target):
        connection_id = backend.wait_for("/connections/connect", since=mark)[0].header("connectionId")
        assert json.loads(call(api, "GET", connection_id).body)["identity"] == {"sourceIp": "127.0.0.1", "userAgent": ""}


def test_every_answer_has_a_request_id(api, connected):
    _, connection_id = connected
    for method in ("POST", "GET", "DELETE", "POST"):
        assert call(api, method, connection_id, b"x" if method == "POST" else b"").header("x-amzn-RequestId")


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_connection_that_has_gone_is_410_with_an_empty_body(api, backend, method):
    mark = backend.mark()
    with RawClient(api.gateway.port, api.target) as client:
        connection_id = backend.wait_for("/connections/connect", since=mark)[0].header("connectionId")
        client.close_with(1000)
    backend.wait_for("/connections/disconnect", since=mark)
    answer = call(api, method, connection_id, b"x" if method == "POST" else b"")
    assert (answer.status, answer.header("x-amzn-ErrorType"), answer.body) == (410, "GoneException", b"")


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_an_id_that_never_was_is_410(api, method):
    answer = call(api, method, "L0SM9cOFvHcCIhw=", b"x" if method == "POST" else b"")
    assert (answer.status, answer.header("x-amzn-ErrorType"), answer.body) == (410, "GoneException", b"")


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize(
    "wrong", ["x", "abc=", "L0SM9cOFvHcCIhw", "L0SM9cOFvHcCIhw==", "L0SM9c!FvHcCIhw=", "7f0c9f4e-3b5a-4f8e-9f64-1a2b3c4d5e6f"]
)
def test_an_id_that_cannot_be_one_is_400(api, method, wrong):
    answer = call(api, method, wrong, b"x" if method == "POST" else b"", spelling="encoded")
    assert (answer.status, answer.header("x-amzn-ErrorType")) == (400, "BadRequestException")
    assert json.loads(answer.body) == {"message": f"Invalid connectionId: {wrong}"}


def test_a_wrong_stage_or_api_is_403(api, connected):
    client, connection_id = connected
    answer = call(api, "POST", connection_id, b"x", stage="nope")
    assert (answer.status, answer.header("x-amzn-ErrorType"), json.loads(answer.body)) == (
        403,
        "ForbiddenException",
        {"message": "Forbidden"},
    )
    with Wire(api.gateway.port) as wire:
        answer = wire.request("POST", f"/_aws/execute-api/nosuchapi1/dev/@connections/{connection_id}", body=b"x")
    assert (answer.status, json.loads(answer.body)) == (403, {"message": "Forbidden"})
    # Without the stage, as an SDK sends it whose endpoint lacks it.
    with Wire(api.gateway.port) as wire:
        answer = wire.request("POST", f"/@connections/{connection_id}", [("Host", api.host)], b"x")
    assert (answer.status, json.loads(answer.body)) == (403, {"message": "Forbidden"})
    assert client.ask("still here") == "still here"


def test_an_id_belongs_to_its_api_and_stage(api, gateway, connected):
    client, connection_id = connected
    other = Api(gateway)
    other.route("$default")
    other.deploy()
    assert call(other, "POST", connection_id, b"x").status == 410
    deployment = api.client.get_deployments(ApiId=api.id)["Items"][0]["DeploymentId"]
    api.client.create_stage(ApiId=api.id, StageName="second", DeploymentId=deployment)
    assert call(api, "POST", connection_id, b"x", stage="second").status == 410
    assert client.ask("still here") == "still here"


def test_a_body_of_128_kb_is_delivered_and_a_byte_more_is_413(api, connected):
    client, connection_id = connected
    assert call(api, "POST", connection_id, b"a" * 131_072).status == 200
    assert client.read_text() == "a" * 131_072
    answer = call(api, "POST", connection_id, b"a" * 131_073)
    assert (answer.status, answer.header("x-amzn-ErrorType")) == (413, "PayloadTooLargeException")
    assert isinstance(json.loads(answer.body)["message"], str)
    assert client.ask("still here") == "still here"


def test_an_empty_body_is_an_empty_message(api, connected):
    client, connection_id = connected
    assert call(api, "POST", connection_id, b"").status == 200
    assert client.read_text() == ""


def test_a_body_that_is_not_utf8_is_400(api, connected):
    client, connection_id = connected
    assert call(api, "POST", connection_id, b"\xff\xfe").status == 400
    assert client.ask("still here") == "still here"


def test_pushes_one_after_another_arrive_in_that_order(api, connected):
    client, connection_id = connected
    with Wire(api.gateway.port) as wire:
        for n in range(200):
            assert wire.request("POST", f"{api.target}/@connections/{connection_id}", body=f"n{n}".encode()).status == 200
    assert [client.read_text() for _ in range(200)] == [f"n{n}" for n in range(200)]


def test_pushes_at_once_all_arrive_whole(api, connected):
    client, connection_id = connected
    statuses = []

    def push(number):
        with Wire(api.gateway.port) as wire:
            for n in range(25):
                body = f"{number}:{n}:".encode() + b"x" * 2000
                statuses.append(wire.request("POST", f"{api.target}/@connections/{connection_id}", body=body).status)

    threads = [threading.Thread(target=push, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    got = [client.read_text() for _ in range(150)]
    for thread in threads:
        thread.join(10)
    assert statuses == [200] * 150
    assert sorted(got) == sorted(f"{number}:{n}:" + "x" * 2000 for number in range(6) for n in range(25))
    for number in range(6):
        mine = [text for text in got if text.startswith(f"{number}:")]
        assert mine == [f"{number}:{n}:" + "x" * 2000 for n in range(25)], "each caller's own pushes keep their order"


def test_a_client_that_does_not_read_gets_429_and_not_memory(start_gateway, backend):
    gateway = start_gateway("--limit", "outbox-bytes=256k", "--limit", "outbox-messages=100")
    api = Api(gateway)
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}/slow/connect", RequestParameters=KNOWN))
    api.deploy()
    mark = backend.mark()
    with RawClient(gateway.port, api.target) as client:
        connection_id = backend.wait_for("/slow/connect", since=mark)[0].header("connectionId")
        accepted = 0
        with Wire(gateway.port) as wire:
            # The kernel's socket buffers fill first; 64 MiB are more than any of them.
            for _ in range(512):
                answer = wire.request("POST", f"{api.target}/@connections/{connection_id}", body=b"a" * 131_072)
                if answer.status != 200:
                    break
                accepted += 1
        assert (answer.status, answer.header("x-amzn-ErrorType"), answer.body) == (429, "LimitExceededException", b"")
        assert accepted > 0
        # What was accepted is delivered as soon as the client reads.
        for _ in range(accepted):
            assert len(client.read_text()) == 131_072
        assert call(api, "POST", connection_id, b"again").status == 200
        assert client.read_text() == "again"


def test_a_push_during_a_fragmented_message_of_the_client_is_delivered(api, connected):
    client, connection_id = connected
    client.frame(TEXT, b"first ", fin=False)
    assert call(api, "POST", connection_id, b"pushed").status == 200
    assert client.read_text() == "pushed"
    client.frame(0, b"second")
    assert client.read_text() == "first second"


def test_delete_asks_once_and_is_410_the_second_time(api, backend, connected):
    client, connection_id = connected
    mark = backend.mark()
    assert call(api, "DELETE", connection_id).status == 204
    frame, _ = client.read_close()
    assert frame.code == 1000
    backend.wait_for("/connections/disconnect", since=mark)
    assert call(api, "DELETE", connection_id).status == 410


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(api, connected, method):
    client, connection_id = connected
    assert 400 <= call(api, method, connection_id).status < 500
    assert client.ask("still here") == "still here"


def test_a_body_that_is_too_large_is_answered_413_even_to_clients_that_send_it_whole_first(gateway, backend):
    api = Api(gateway)
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/large"))
    api.deploy()
    target = f"{api.target}/@connections/Gto47d9-DoECGqg="
    for size in (200_000, 1_000_000, 5_000_000) * 5:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
        connection.request("POST", target, b"a" * size)
        assert connection.getresponse().status == 413
        connection.close()
