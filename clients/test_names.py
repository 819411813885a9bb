"""A name server that does not answer about one API's backend: nobody else waits."""

import socket
import threading
import urllib.request

import pytest

from harness.aws import Api
from harness.clients import open_websocket
from harness.until import PATIENCE, until

ADDRESS = 1  # the record type A


class NameServer:
    """Answers with 127.0.0.1 for a minute, but says nothing about names below `slow.test`."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.at = "%s:%d" % self.socket.getsockname()
        self.asked = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            question, source = self.socket.recvfrom(1500)
            end, labels = 12, []
            while question[end]:
                labels.append(question[end + 1 : end + 1 + question[end]].decode().lower())
                end += 1 + question[end]
            kind = int.from_bytes(question[end + 1 : end + 3], "big")
            name = ".".join(labels)
            if kind == ADDRESS:
                self.asked.append(name)
            if name.endswith("slow.test"):
                continue
            found = kind == ADDRESS
            head = question[:2] + b"\x81\x80\0\1" + (b"\0\1" if found else b"\0\0") + bytes(4)
            record = b"\xc0\x0c\0\1\0\1" + (60).to_bytes(4, "big") + b"\0\4\x7f\0\0\1" if found else b""
            self.socket.sendto(head + question[12 : end + 5] + record, source)


@pytest.fixture(scope="module")
def names():
    return NameServer()


@pytest.fixture(scope="module")
def named(start_gateway, names):
    return start_gateway("--name-server", names.at, "--limit", "drain-timeout=1s")


def api_to(gateway, uri):
    api = Api(gateway)
    api.route("$default", api.integration("HTTP_PROXY", uri), two_way=True)
    return api.deploy()


def get(gateway, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}{path}", timeout=PATIENCE) as answer:
        return answer.status


def test_a_name_that_nobody_answers_about_holds_up_nobody_else(named, names, backend):
    slow = api_to(named, "http://orders.slow.test/echo")
    good = api_to(named, f"http://orders.test:{backend.port}/echo")
    waiting = [open_websocket(slow.url) for _ in range(8)]
    try:
        for client in waiting:
            client.send("?")
        until(lambda: "orders.slow.test" in names.asked, "the name server to be asked")
        with open_websocket(good.url) as client:
            client.send('"hello"')
            assert client.recv(timeout=PATIENCE) == '"hello"'
        assert [get(named, path) for path in ("/v2/apis", "/_metrics", "/_health")] == [200, 200, 200]
        assert names.asked.count("orders.test") == 1
    finally:
        for client in waiting:
            client.close()
