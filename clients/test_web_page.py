"""How a page in a real browser says who it is: a token among its subprotocols, and an address that the AWS SDK's signer signed."""

import json

import boto3
import pytest

from harness.aws import CONFIG, REGION, Api
from harness.backend import Answer
from harness.browser import browser
from harness.clients import JS, Node
from harness.tokens import Issuer, guarded

# What a browser says of a WebSocket that did not open, whatever the reason.
ABNORMAL = 1006
# A browser's start on a busy machine.
START_PATIENCE = 60


class Page(Node):
    """A page of another origin than the gateway's, in Chromium."""

    def __init__(self, address):
        super().__init__(JS / "web-page.mjs", address, browser())
        self.origin = json.loads(self.line(patience=START_PATIENCE))["ready"]

    def do(self, what, **members):
        """Has it do something and gives its answer."""
        self.type(json.dumps({"does": what, **members}))
        return json.loads(self.line(patience=START_PATIENCE))

    def open(self, url, *protocols):
        """What becomes of `new WebSocket(url, protocols)`."""
        return self.do("open", url=url, protocols=list(protocols))


@pytest.fixture(scope="module")
def page(backend):
    backend.answers["/page"] = Answer(body="<!doctype html><title>page</title>", headers=[("Content-Type", "text/html")])
    with Page(f"{backend.url}/page") as started:
        assert started.origin == backend.url
        yield started


@pytest.fixture(scope="module")
def issuer():
    with Issuer() as started:
        yield started


@pytest.fixture(scope="module")
def settled(start_gateway, tmp_path_factory, issuer):
    settings = tmp_path_factory.mktemp("page") / "gatewright.toml"
    settings.write_text(f'[jwt."{issuer.url}"]\naudiences = ["chat"]\n')
    return start_gateway("--config", str(settings))


def test_a_token_in_the_subprotocol(settled, backend, page, issuer):
    api = guarded(settled, backend, issuer.url, path="/page-jwt")
    token = issuer.token()
    mark = backend.mark()
    assert page.open(api.url, "access_token", token) == {"opened": True, "protocol": "access_token", "said": "hello"}
    assert backend.wait_for("/page-jwt/message", since=mark)[0].header("principal") == "user-7"
    # Other subprotocols may stand before it, and the backend may choose one of those.
    backend.answers["/page-jwt/connect"] = Answer(headers=[("Sec-WebSocket-Protocol", "chat")])
    assert page.open(api.url, "chat", "access_token", token)["protocol"] == "chat"
    # Alone it must be chosen itself.
    backend.answers["/page-jwt/connect"] = lambda request: Answer(headers=[("Sec-WebSocket-Protocol", request.header("Sec-WebSocket-Protocol"))])
    assert page.open(api.url, token) == {"opened": True, "protocol": token, "said": "hello"}
    # A bad one.
    assert page.open(api.url, "access_token", token[:-4]) == {"opened": False, "code": ABNORMAL}
    assert page.open(api.url, "access_token") == {"opened": False, "code": ABNORMAL}
    assert token not in settled.output()


def test_where_no_subprotocol_is_chosen_the_browser_hangs_up_and_the_log_says_why(settled, backend, page, issuer):
    api = guarded(settled, backend, issuer.url, path="/page-silent")
    backend.answers["/page-silent/connect"] = Answer()
    token = issuer.token()
    mark = settled.mark()
    assert page.open(api.url, "access_token", token) == {"opened": False, "code": ABNORMAL}
    told = settled.wait_for_log("returned no Sec-WebSocket-Protocol header; browsers close such a connection at once", mark)
    assert "offered the subprotocols `access_token, …`" in told["message"]
    backend.answers["/page-silent/connect"] = Answer(headers=[("Sec-WebSocket-Protocol", "chat")])
    mark = settled.mark()
    assert page.open(api.url, "access_token", token) == {"opened": False, "code": ABNORMAL}
    settled.wait_for_log("chose the subprotocol `chat`, but the client offered `access_token, …`", mark)
    # Nobody is there who could choose one.
    routes = {item["RouteKey"]: item["RouteId"] for item in api.client.get_routes(ApiId=api.id)["Items"]}
    api.client.update_route(ApiId=api.id, RouteId=routes["$connect"], Target="")
    api.deploy()
    mark = settled.mark()
    assert page.open(api.url, "access_token", token) == {"opened": False, "code": ABNORMAL}
    settled.wait_for_log("the $connect route has no integration that could choose one", mark)
    assert token not in settled.output()


def test_an_address_that_the_sdk_signed(start_gateway, tmp_path, backend, page):
    def key(identity, resource):
        statement = {"Effect": "Allow", "Action": ["execute-api:Invoke", "apigateway:*"], "Resource": ["arn:aws:apigateway:*", resource]}
        policies = json.dumps([json.dumps({"Statement": [statement]})])
        return f'[[access_key]]\nid = "{identity}"\nsecret = "sesame"\nuser = "{identity.lower()}"\npolicies = {policies}\n'

    file = tmp_path / "credentials.toml"
    file.write_text(key("GUEST", "arn:aws:execute-api:*:*:*/dev/$connect") + key("STRANGER", "arn:aws:execute-api:*:*:*/prod/*"))
    gateway = start_gateway("--credentials", str(file))
    session = boto3.session.Session(aws_access_key_id="GUEST", aws_secret_access_key="sesame", region_name=REGION)
    api = Api.__new__(Api)
    api.name, api.gateway, api.stage, api.integrations = "page", gateway, "dev", {}
    api.client = session.client("apigatewayv2", endpoint_url=gateway.url, config=CONFIG)
    api.id = api.client.create_api(Name="page", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")["ApiId"]
    who = {"integration.request.header.user": "context.identity.user", "integration.request.header.room": "route.request.querystring.room"}
    declared = {"route.request.querystring.room": {"Required": True}}
    connect = api.integration("HTTP_PROXY", f"{backend.url}/page-iam", RequestParameters=who)
    api.route("$connect", connect, AuthorizationType="AWS_IAM", RequestParameters=declared)
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/page-iam/message"), two_way=True)
    api.deploy()

    def signed(identity="GUEST", secret="sesame", **rest):
        return page.do("sign", address=api.callback, key=identity, secret=secret, query={"room": "a b/ü"}, **rest)["url"]

    mark = backend.mark()
    url = signed()
    answer = page.open(url)
    assert (answer["opened"], answer["said"]) == (True, "hello"), gateway.output()[-3000:]
    call = backend.wait_for("/page-iam", since=mark)[0]
    assert (call.header("user"), call.header("room")) == ("guest", "a b/ü")
    for wrong, told in [
        (url.replace("room=a", "room=b"), "the signature is not that of this request"),
        (signed(secret="wrong"), "the signature is not that of this request"),
        (signed(expires=60, ago=120), "expire"),
        (signed("STRANGER"), "/prod/*"),
        (api.url, "the request is not signed"),
    ]:
        mark = gateway.mark()
        assert page.open(wrong) == {"opened": False, "code": ABNORMAL}, told
        gateway.wait_for_log(told, since=mark)
    assert url.rpartition("X-Amz-Signature=")[2][:40] not in gateway.output()
