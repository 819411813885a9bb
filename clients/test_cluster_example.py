"""examples/cluster as its README says: three NATS servers, three nodes, HAProxy in front; each of them may go."""

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from harness.aws import Api, control
from harness.frames import RawClient
from harness.nats import program
from harness.until import PATIENCE, until
from test_cluster import connect, health, post, serves

EXAMPLE = Path(__file__).parent.parent / "examples" / "cluster"
# As they stand in the example's files.
PORTS = ["4510", "4511", "4512", "4513", "14221", "14222", "14223", "16221", "16222", "16223"]


class Front:
    """What stands in for a gateway in `Api`: HAProxy."""

    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"


def free_ports(count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


@pytest.fixture
def house(tmp_path, start_gateway):
    """The whole example on ports of its own: front, nodes, NATS servers by number, and the port that each of its has now."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    moved = re.compile(r"\b(" + "|".join(PORTS) + r")\b")
    for file in EXAMPLE.iterdir():
        (tmp_path / file.name).write_text(moved.sub(lambda port: ports[port.group(1)], file.read_text()))
    servers = {
        number: subprocess.Popen([program(), "-c", f"nats-{number}.conf"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for number in (1, 2, 3)
    }
    front = None
    try:
        urls = ",".join(f"nats://127.0.0.1:{ports[f'1422{number}']}" for number in (1, 2, 3))
        options = ["--cluster", urls, "--cluster-replicas", "3", "--limit", "drain-spread=1s"]
        nodes = []
        for number in (1, 2, 3):
            until(lambda number=number: is_there(ports[f"1422{number}"]), "nats-server")
        for number in (1, 2, 3):
            # Three servers that begin take some seconds to agree on who leads; a node waits for that.
            node = start_gateway(*options, data_dir=tmp_path / f"data-{number}", listen=f"127.0.0.1:{ports[f'451{number}']}", patience=45)
            nodes.append(node)
        front = subprocess.Popen([shutil.which("haproxy") or "/usr/sbin/haproxy", "-f", "haproxy.cfg"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: is_there(ports["4510"], None), "haproxy")
        yield Front(int(ports["4510"])), nodes, servers
    finally:
        for process in [*servers.values(), *([front] if front else [])]:
            process.kill()
            process.wait(PATIENCE)


def is_there(port, greeting=b"INFO"):
    try:
        with socket.create_connection(("127.0.0.1", int(port)), timeout=1) as connection:
            return greeting is None or connection.recv(4096).startswith(greeting)
    except OSError:
        return False


def define(front, backend, path):
    api = Api(front, name="many")
    told = {"integration.request.header.connectionId": "context.connectionId"}
    integration = api.integration("HTTP_PROXY", backend.url + path, RequestParameters=told)
    for key in ("$connect", "$default"):
        api.route(key, integration)
    return api.deploy()


def test_the_example_of_three_nodes_outlives_each_of_its_parts(house, backend, path):
    front, nodes, servers = house
    api = define(front, backend, path)
    for node in nodes:
        until(lambda node=node: serves(node, api), "the stage on each node")
    clients = [connect(front, api, backend, path) for _ in range(6)]
    on = {health(node)[1]["cluster"]["node"]: health(node)[1]["connections"] for node in nodes}
    assert sorted(on.values()) == [2, 2, 2], on
    for number, (client, id) in enumerate(clients):
        assert post(front, api, id, f"to {number}") == 200
        assert client.read_text() == f"to {number}"
    # A NATS server goes: clients stay, posts between nodes go on when the nodes have found another server, and definitions change
    # again when the others have agreed.
    servers[1].kill()
    for number, (client, id) in enumerate(clients):
        until(lambda number=number, id=id: post(nodes[number % 3], api, id, "still") == 200, "posts to go on", patience=30)
        assert client.read_text() == "still"
    until(lambda: renamed(front, api), "definitions to change", patience=30)
    # A node goes without a word: the others' clients stay, and HAProxy sends nobody there.
    lost = {id for (_, id), node in zip(clients, [None] * 6, strict=True)}
    nodes[0].kill()
    for client, id in clients:
        status = post(nodes[1], api, id, "after")
        if status == 200:
            assert client.read_text() == "after"
            lost.discard(id)
    assert len(lost) == 2, lost
    until(lambda: RawClient(front.port, api.target).handshake.status == 101, "clients to be let in again")
    until(lambda: health(nodes[1])[1]["cluster"]["nodes"] == 2, "the number to come free", patience=40)
    for id in lost:
        assert post(nodes[1], api, id, "x") == 410


def renamed(front, api):
    try:
        control(front.url).update_api(ApiId=api.id, Name="renamed")
        return True
    except Exception:
        return False
