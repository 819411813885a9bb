"""VPC links: where they lead, what happens when an address is down, and links that nobody described."""

import socket
import threading

import pytest

from harness.aws import Api
from harness.backend import Answer, Backend, unused_port
from harness.clients import open_websocket
from harness.until import PATIENCE, until


@pytest.fixture(scope="module")
def pair():
    """Two backends that say who they are."""
    backends = Backend(), Backend()
    for name, backend in zip("ab", backends):
        backend.answers["/who"] = lambda request, name=name: Answer(body=f"{name} {request.header('Host')}")
    yield backends
    for backend in backends:
        backend.stop()


@pytest.fixture(scope="module")
def linked(start_gateway, tmp_path_factory, pair):
    a, b = pair
    settings = tmp_path_factory.mktemp("links") / "gatewright.toml"
    settings.write_text(
        f'[vpc-links.both]\ntargets = ["127.0.0.1:{a.port}", "127.0.0.1:{b.port}"]\ninterval = "200ms"\n'
        f'[vpc-links.half]\ntargets = ["127.0.0.1:{unused_port()}", "127.0.0.1:{b.port}"]\n'
        f'[vpc-links.none]\ntargets = ["127.0.0.1:{unused_port()}"]\n'
        f'[vpc-links."arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/nlb/1"]\ntargets = ["127.0.0.1:{a.port}"]\n'
    )
    return start_gateway("--config", str(settings))


def api_through(gateway, link, uri="http://orders.internal:8080/who", **stage):
    api = Api(gateway)
    integration = api.integration("HTTP_PROXY", uri, ConnectionType="VPC_LINK", ConnectionId=link)
    api.route("$default", integration, two_way=True)
    return api.deploy(**stage)


def answers(api, count):
    with open_websocket(api.url) as client:
        got = []
        for _ in range(count):
            client.send("?")
            got.append(client.recv(timeout=PATIENCE))
        return got


def test_calls_take_turns_between_the_addresses_and_keep_the_uris_host(linked):
    got = answers(api_through(linked, "both"), 6)
    assert sorted(set(got)) == ["a orders.internal:8080", "b orders.internal:8080"], got


def test_an_address_that_is_down_costs_nobody_an_answer(linked):
    assert set(answers(api_through(linked, "half"), 4)) == {"b orders.internal:8080"}


def test_where_all_are_down_the_client_is_told_and_the_log_names_the_address(linked):
    api = api_through(linked, "none")
    with open_websocket(api.url) as client:
        client.send("?")
        assert '"message": "Internal server error"' in client.recv(timeout=PATIENCE)
    linked.wait_for_log("network error communicating with endpoint: cannot reach http://orders.internal:8080: at 127.0.0.1:", apiId=api.id)


def test_the_link_may_be_named_by_a_stage_variable(linked):
    api = api_through(linked, "${stageVariables.link}", StageVariables={"link": "half"})
    assert answers(api, 1) == ["b orders.internal:8080"]


def test_an_unknown_link_connects_to_the_uris_own_host_and_says_so(linked, pair):
    api = api_through(linked, "abc123", uri=f"http://127.0.0.1:{pair[0].port}/who")
    assert answers(api, 1) == [f"a 127.0.0.1:{pair[0].port}"]
    linked.wait_for_line(lambda line: "VPC link abc123" in line and "no address is known" in line, "the remark on the link")


def test_an_address_that_comes_back_is_used_again(start_gateway, tmp_path_factory):
    a, port = Backend(), unused_port()
    settings = tmp_path_factory.mktemp("links") / "gatewright.toml"
    settings.write_text(f'[vpc-links.l]\ntargets = ["127.0.0.1:{a.port}", "127.0.0.1:{port}"]\ninterval = "100ms"\n')
    gateway = start_gateway("--config", str(settings))
    api = api_through(gateway, "l", uri="http://x/echo")
    assert answers(api, 2) == ["?", "?"]
    seen = threading.Event()
    with socket.create_server(("127.0.0.1", port)) as late:

        def serve():
            while not seen.is_set():
                connection, _ = late.accept()
                with connection:
                    if connection.recv(4096).startswith(b"POST"):
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
                        seen.set()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        until(lambda: "late" in answers(api, 2), "the address that came back to be asked")
        thread.join(PATIENCE)
    a.stop()
