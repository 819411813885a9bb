"""What happened a while ago can still be looked at: the feed begins with the past that a reader asks for."""

import json
import urllib.request

from harness.aws import Api
from harness.frames import RawClient
from harness.until import PATIENCE

PARTS = ["queue", "select", "authorize", "admit", "validate", "map", "connect", "send", "wait", "read", "map back", "fit", "deliver"]


def feed(gateway, query="", **headers):
    """A reader of the feed that has had its greeting."""
    request = urllib.request.Request(f"{gateway.url}/_gatewright/v1/log{query}", headers=headers)
    reader = urllib.request.urlopen(request, timeout=PATIENCE)
    assert reader.readline().startswith(b":")
    return reader


def messages(reader, count):
    """The next records of messages, each with its id."""
    found, identity = [], None
    while len(found) < count:
        name, _, value = reader.readline().decode().rstrip("\n").partition(": ")
        if name == "id":
            identity = value
        elif name == "data" and json.loads(value)["eventType"] == "MESSAGE":
            found.append((identity, json.loads(value)))
    return found


def bodies(found):
    """What their clients said."""
    return [record["message"]["body"] for _, record in found]


def test_a_reader_who_comes_late_gets_the_past_and_later_what_it_missed(start_gateway, backend, path):
    gateway = start_gateway("--backend", f"{backend.url}{path}")
    with RawClient(gateway.port, "/_aws/execute-api/gatewright/dev") as client:
        for number in range(3):
            client.text(f"hello {number}")
            client.read_frame()
        late = messages(feed(gateway, "?past=200"), 3)
        assert bodies(late) == ["hello 0", "hello 1", "hello 2"]
        assert messages(feed(gateway, f"?after={late[0][0]}"), 2) == late[1:]
        again = feed(gateway, **{"Last-Event-ID": late[1][0]})
        assert messages(again, 1) == late[2:]
        # It goes on with what happens from then on, each once.
        client.text("hello 3")
        assert bodies(messages(again, 1)) == ["hello 3"]
        # The id of another life of the program: everything that this one has.
        assert bodies(messages(feed(gateway, "?after=1f-2"), 4)) == ["hello 0", "hello 1", "hello 2", "hello 3"]
        # Who does not ask for the past has none.
        live = feed(gateway)
        client.text("hello 4")
        assert bodies(messages(live, 1)) == ["hello 4"]


def test_a_record_can_be_drawn(gateway, backend, path):
    api = Api(gateway, name="drawn")
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}{path}"), two_way=True)
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        client.text("hello")
        client.read_frame()
    [(_, record)] = messages(feed(gateway, "?past=200"), 1)
    spans = record["spans"]
    assert [span["part"] for span in spans] == PARTS
    ends = [0] + [span["endedUs"] for span in spans]
    assert [span["beganUs"] for span in spans] == ends[:-1] and ends == sorted(ends)
    # The backend was told the same trace.
    [request] = backend.wait_for(path)
    _, began, rest = request.header("x-amzn-trace-id").split("=")[1].split("-")
    assert (record["traceId"], len(record["spanId"])) == (began + rest, 16)
    deployments = api.client.get_deployments(ApiId=api.id)["Items"]
    assert [record["deploymentId"]] == [deployment["DeploymentId"] for deployment in deployments]


def test_a_huge_body_is_kept_in_part_and_its_length_is_told(start_gateway, backend, path):
    gateway = start_gateway("--backend", f"{backend.url}{path}")
    with RawClient(gateway.port, "/_aws/execute-api/gatewright/dev") as client:
        client.text("x" * 30_000)
        client.read_frame()
    [(_, record)] = messages(feed(gateway, "?past=200"), 1)
    for body in (record["message"], record["request"], record["response"]):
        assert (len(body["body"]), body["bodyBytes"]) == (16 * 1024, 30_000)


def test_without_a_history_the_feed_begins_now(start_gateway, backend, path):
    gateway = start_gateway("--backend", f"{backend.url}{path}", "--limit", "history-bytes=0")
    live = feed(gateway)
    with RawClient(gateway.port, "/_aws/execute-api/gatewright/dev") as client:
        client.text("before")
        assert bodies(messages(live, 1)) == ["before"]
        late = feed(gateway, "?past=200")
        client.text("after")
        assert bodies(messages(late, 1)) == ["after"]
