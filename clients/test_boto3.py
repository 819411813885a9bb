"""The life of a chat client with boto3: control plane, pushes, questions, the typed error of a client that has gone."""

import datetime
import json

import pytest
from websockets.exceptions import ConnectionClosed

from harness.aws import Api, control, management, resolve_localhost_names
from harness.clients import open_websocket, receive


@pytest.fixture(scope="module")
def api(gateway, backend):
    api = Api(gateway, name="boto3")
    known = {"RequestParameters": {"integration.request.header.connectionId": "context.connectionId"}}
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}/boto3/connect", **known))
    api.route("$disconnect", api.integration("HTTP_PROXY", f"{backend.url}/boto3/disconnect", **known))
    api.route("echo", api.integration("HTTP_PROXY", f"{backend.url}/boto3/echo", **known), two_way=True)
    return api.deploy()


@pytest.fixture(params=["by path", "by host"])
def form(request):
    return request.param


@pytest.fixture
def posts(api, form, monkeypatch):
    """The SDK's client of `@connections`, in the address form at hand."""
    if form == "by path":
        return management(api.callback)
    resolve_localhost_names(monkeypatch)
    return management(f"http://{api.host}/{api.stage}")


def connect(api, backend, form):
    """A client in the address form at hand, and its connection id as the backend learnt it."""
    mark = backend.mark()
    if form == "by path":
        client = open_websocket(api.url)
    else:
        client = open_websocket(f"ws://{api.host}/{api.stage}", port=api.gateway.port)
    return client, backend.wait_for("/boto3/connect", since=mark)[0].header("connectionId")


def test_a_client_is_pushed_to_asked_about_and_closed(api, backend, posts, form):
    began = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=2)
    client, connection_id = connect(api, backend, form)
    assert posts.post_to_connection(ConnectionId=connection_id, Data=b'{"n": 1}')["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert receive(client) == {"n": 1}

    about = posts.get_connection(ConnectionId=connection_id)
    assert about["Identity"]["SourceIp"] == "127.0.0.1"
    assert about["Identity"]["UserAgent"].startswith("Python/")
    assert began <= about["ConnectedAt"] <= about["LastActiveAt"] <= datetime.datetime.now(datetime.UTC)

    mark = backend.mark()
    gone = posts.delete_connection(ConnectionId=connection_id)["ResponseMetadata"]["HTTPStatusCode"]
    assert gone == 204
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=10)
    assert closed.value.rcvd.code == 1000
    assert backend.wait_for("/boto3/disconnect", since=mark)[0].header("connectionId") == connection_id


def test_a_client_that_has_gone_is_a_gone_exception(api, backend, posts, form):
    client, connection_id = connect(api, backend, form)
    mark = backend.mark()
    client.close()
    backend.wait_for("/boto3/disconnect", since=mark)
    calls = [
        lambda: posts.post_to_connection(ConnectionId=connection_id, Data=b"x"),
        lambda: posts.get_connection(ConnectionId=connection_id),
        lambda: posts.delete_connection(ConnectionId=connection_id),
    ]
    for call in calls:
        with pytest.raises(posts.exceptions.GoneException) as error:
            call()
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


def test_a_payload_beyond_128_kb_is_a_payload_too_large_exception(api, backend, posts, form):
    client, connection_id = connect(api, backend, form)
    posts.post_to_connection(ConnectionId=connection_id, Data=b"a" * 131_072)
    assert client.recv(timeout=10) == "a" * 131_072
    with pytest.raises(posts.exceptions.PayloadTooLargeException):
        posts.post_to_connection(ConnectionId=connection_id, Data=b"a" * 131_073)
    client.close()


def test_an_echo_comes_back_on_a_two_way_route(api, backend, form):
    client, _ = connect(api, backend, form)
    client.send(json.dumps({"action": "echo", "text": "grüße"}))
    assert receive(client) == {"action": "echo", "text": "grüße"}
    client.close()


def test_errors_of_the_control_plane_are_typed(gateway):
    client = control(gateway.url)
    with pytest.raises(client.exceptions.NotFoundException) as error:
        client.get_api(ApiId="doesnotexist")
    assert error.value.response["Error"]["Message"] == "Invalid API identifier specified 000000000000:doesnotexist"
    with pytest.raises(client.exceptions.BadRequestException) as error:
        client.create_api(Name="x", ProtocolType="WEBSOCKET")
    assert error.value.response["Error"]["Message"] == "Invalid routeSelectionExpression"
    api = client.create_api(Name="x", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    client.create_route(ApiId=api["ApiId"], RouteKey="$connect")
    with pytest.raises(client.exceptions.ConflictException) as error:
        client.create_route(ApiId=api["ApiId"], RouteKey="$connect")
    assert error.value.response["Error"]["Message"] == "Route with key $connect already exists for this API"


def test_paginators_give_each_item_once_and_in_order(gateway):
    client = control(gateway.url)
    api_id = client.create_api(Name="pages", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")["ApiId"]
    made = [client.create_route(ApiId=api_id, RouteKey=f"route{n}")["RouteId"] for n in range(60)]
    pages = list(client.get_paginator("get_routes").paginate(ApiId=api_id, PaginationConfig={"PageSize": 7}))
    assert [route["RouteId"] for page in pages for route in page["Items"]] == made
    assert [len(page["Items"]) for page in pages] == [7] * 8 + [4]
    pages = client.get_paginator("get_routes").paginate(ApiId=api_id)
    assert [route["RouteId"] for page in pages for route in page["Items"]] == made


def test_tags_of_a_creation_call_come_back(gateway):
    client = control(gateway.url)
    api = client.create_api(
        Name="tagged", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action", Tags={"team": "blue", "a/b": "c d"}
    )
    assert client.get_api(ApiId=api["ApiId"])["Tags"] == {"team": "blue", "a/b": "c d"}
    stage = client.create_stage(ApiId=api["ApiId"], StageName="dev", Tags={"tier": "1"})
    assert stage["Tags"] == {"tier": "1"}
    assert client.get_stage(ApiId=api["ApiId"], StageName="dev")["Tags"] == {"tier": "1"}
