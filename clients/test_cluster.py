"""Many nodes as one, over a real nats-server: what is defined on one is served by all, and any node reaches any client."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from harness.aws import Api, control, management
from harness.backend import Answer
from harness.frames import RawClient
from harness.nats import Nats
from harness.until import PATIENCE, until

LEASE = "3s"
GONE = 410


@pytest.fixture
def nats(tmp_path_factory):
    server = Nats(tmp_path_factory.mktemp("nats"))
    yield server
    if server.process.poll() is None:
        server.kill()


@pytest.fixture
def start_node(start_gateway, nats):
    """Starts nodes of one cluster, each with a folder of its own."""

    def start(*options, **rest):
        return start_gateway("--cluster", nats.url, "--cluster-lease", LEASE, *options, **rest)

    return start


def health(node):
    """Status and body of /_health."""
    try:
        with urllib.request.urlopen(node.url + "/_health", timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text)


def define(node, backend, path):
    api = Api(node, name="many")
    integration = api.integration("HTTP_PROXY", backend.url + path, RequestParameters={"integration.request.header.connectionId": "context.connectionId"})
    for key in ("$connect", "$default"):
        api.route(key, integration)
    api.route("$disconnect", api.integration("HTTP_PROXY", f"{backend.url}{path}/end", RequestParameters={"integration.request.header.connectionId": "context.connectionId"}))
    return api.deploy()


def connect(node, api, backend, path):
    """A client of that node, and its id."""
    since = backend.mark()
    client = RawClient(node.port, api.target)
    assert client.handshake.status == 101, client.handshake
    return client, backend.wait_for(path, since=since)[0].header("connectionId")


def serves(node, api):
    """Whether a client of the stage would be let in there."""
    with urllib.request.urlopen(node.url + "/_gatewright/v1/stages", timeout=PATIENCE) as answer:
        return any(stage["apiId"] == api.id and stage["deployed"] for stage in json.load(answer)["stages"])


def post(node, api, connection_id, text):
    """POST @connections at that node: its status."""
    try:
        answer = management(f"{node.url}/_aws/execute-api/{api.id}/{api.stage}").post_to_connection(ConnectionId=connection_id, Data=text)
        return answer["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def test_what_is_defined_on_one_node_is_served_by_all_and_any_node_reaches_any_client(start_node, backend, path):
    nodes = [start_node() for _ in range(3)]
    api = define(nodes[0], backend, path)
    for node in nodes:
        until(lambda node=node: serves(node, api), "the stage on each node")
    clients = [connect(node, api, backend, path) for node in nodes]
    # Each node's ids name it.
    assert len({id for _, id in clients}) == 3
    for at, node in enumerate(nodes):
        for to, (client, id) in enumerate(clients):
            assert post(node, api, id, f"from {at} to {to}") == 200
            assert client.read_text() == f"from {at} to {to}"
    # Whose connection is over, or whose node never was, is gone everywhere.
    clients[2][0].close()
    backend.wait_for(f"{path}/end")
    assert post(nodes[0], api, clients[2][1], "x") == GONE
    assert post(nodes[1], api, "AAAAAAAAAAACAA8=", "x") == GONE
    # And a change on another node acts on all.
    control(nodes[2].url).delete_stage(ApiId=api.id, StageName=api.stage)
    for client, _ in clients[:2]:
        assert client.read_close(patience=PATIENCE)[0].code == 1001


def test_get_and_delete_reach_another_node(start_node, backend, path):
    one, other = start_node(), start_node()
    api = define(one, backend, path)
    until(lambda: serves(other, api), "the stage")
    client, id = connect(other, api, backend, path)
    here = management(f"{one.url}/_aws/execute-api/{api.id}/{api.stage}")
    assert here.get_connection(ConnectionId=id)["Identity"]["SourceIp"] == "127.0.0.1"
    here.delete_connection(ConnectionId=id)
    assert client.read_close(patience=PATIENCE)[0].code == 1000
    backend.wait_for(f"{path}/end")
    with pytest.raises(ClientError):
        here.get_connection(ConnectionId=id)


def test_nodes_are_listed_and_a_number_is_given_back_at_a_clean_stop(start_node):
    one, other = start_node("--node-address", "here:1"), start_node("--node-address", "there:2")
    until(lambda: health(one)[1]["cluster"]["nodes"] == 2, "both to be known")
    listed = subprocess.run([os.environ["GATEWRIGHT_BIN"], "nodes", "--endpoint", one.url], capture_output=True, text=True, timeout=30, check=True)
    assert "here:1" in listed.stdout and "there:2" in listed.stdout and "2 nodes" in listed.stdout, listed.stdout
    told = json.loads(subprocess.run([os.environ["GATEWRIGHT_BIN"], "nodes", "--json", "--endpoint", one.url], capture_output=True, text=True, timeout=30, check=True).stdout)
    numbers = {node["address"]: node["node"] for node in told["nodes"]}
    assert len(set(numbers.values())) == 2 and [node["address"] for node in told["nodes"] if node["isThis"]] == ["here:1"]
    other.stop()
    until(lambda: health(one)[1]["cluster"]["nodes"] == 1, "the number to be free")
    third = start_node()
    assert health(third)[1]["cluster"]["node"] == numbers["there:2"], "the lowest that is free"


def test_a_node_that_slept_through_its_lease_sends_its_clients_away_and_comes_back(start_node, backend, path):
    one, other = start_node(), start_node()
    api = define(one, backend, path)
    until(lambda: serves(other, api), "the stage")
    client, id = connect(one, api, backend, path)
    staying, _ = connect(other, api, backend, path)
    one.process.send_signal(signal.SIGSTOP)
    # Its number comes free, and who asks for its clients is told so at once.
    until(lambda: health(other)[1]["cluster"]["nodes"] == 1, "the lease to end")
    assert post(other, api, id, "x") == GONE
    one.process.send_signal(signal.SIGCONT)
    assert client.read_close(patience=PATIENCE)[0].code == 1012
    backend.wait_for(f"{path}/end")
    until(lambda: health(one)[0] == 200, "it to have a number again")
    assert "the node has lost its number" in one.output() and "the node has number" in one.output()
    again, again_id = connect(one, api, backend, path)
    assert post(other, api, again_id, "there you are") == 200
    assert again.read_text() == "there you are"
    # The others' clients noticed nothing.
    staying.text('{"a":1}')
    backend.wait_for(path, count=4)


def test_without_nats_messages_go_on_writes_are_refused_and_after_the_lease_clients_are_sent_away(start_node, nats, backend, path):
    node = start_node()
    api = define(node, backend, path)
    client, _ = connect(node, api, backend, path)
    nats.kill()
    client.text('{"still":"there"}')
    backend.wait_for(lambda request: request.body == b'{"still":"there"}')
    assert control(node.url).get_api(ApiId=api.id)["Name"] == "many"
    with pytest.raises(ClientError) as refused:
        control(node.url).update_api(ApiId=api.id, Name="other")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert client.read_close(patience=PATIENCE)[0].code == 1012
    status, body = health(node)
    assert status == 503 and body["cluster"]["connected"] is False, body
    assert RawClient(node.port, api.target).handshake.status == 503
    nats.start()
    until(lambda: health(node)[0] == 200, "a number again", patience=60)
    connect(node, api, backend, path)
    control(node.url).update_api(ApiId=api.id, Name="other")
    assert control(node.url).get_api(ApiId=api.id)["Name"] == "other"


def test_a_drain_says_so_first_and_spreads_the_closing(start_node, backend, path):
    one, other = start_node("--limit", "drain-spread=2s"), start_node()
    api = define(one, backend, path)
    until(lambda: serves(other, api), "the stage")
    clients = [connect(one, api, backend, path)[0] for _ in range(10)]
    began = time.monotonic()
    one.ask_to_stop()
    until(lambda: not is_healthy(one), "the health to say so")
    closed = []
    for client in clients:
        assert client.read_close(patience=PATIENCE)[0].code == 1012
        closed.append(time.monotonic() - began)
    assert 1.0 < max(closed) < 4.0, closed
    one.stop()
    assert len(backend.seen(f"{path}/end")) == 10
    connect(other, api, backend, path)


def is_healthy(node):
    try:
        return health(node)[0] == 200
    except OSError:
        return False


def test_a_node_that_starts_anew_has_what_the_others_have(start_node, nats, backend, path):
    one = start_node()
    apis = [define(one, backend, f"{path}/{number}") for number in range(3)]
    one.stop()
    # Nobody is left; NATS has it.
    other = start_node()
    for number, api in enumerate(apis):
        assert serves(other, api)
        connect(other, api, backend, f"{path}/{number}")
    # And a node with a copy of its own finds it ahead of nothing after a restart of NATS.
    nats.kill()
    nats.start()
    until(lambda: is_healthy(other), "NATS to be there again", patience=60)
    define(other, backend, f"{path}/more")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--cluster", "http://127.0.0.1:1"], "is no address of NATS"),
        (["--cluster", "127.0.0.1:1"], "no NATS server answers at"),
        (["--cluster-replicas", "2"], "NATS keeps 1, 3 or 5"),
        (["--cluster-lease", "1s"], "a lease of 1 seconds"),
        (["--cluster-name", "a.b"], "the cluster's name `a.b` is not"),
        (["--cluster-token", "/nowhere/token"], "/nowhere/token"),
        (["--cluster-cert", "/nowhere/cert"], "cluster-cert and cluster-key belong together"),
        (["--cluster-user", "a", "--cluster-nkey", "/dev/null"], "says who the node is"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_cannot_be_is_said_at_the_start(nats, tmp_path, options, said):
    given = options if "--cluster" in options else ["--cluster", nats.url, *options]
    command = [os.environ["GATEWRIGHT_BIN"], "serve", "--listen", "127.0.0.1:0", "--data-dir", str(tmp_path), *given]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWRIGHT_")}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert ended.returncode == 78 and said in ended.stderr, ended
