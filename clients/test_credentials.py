"""`--credentials`: who calls is checked, with the unmodified boto3 and AWS CLI."""

import json
import os
import subprocess

import boto3
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from harness.aws import CLI_PATIENCE, CONFIG, REGION, Api, cli_environment
from harness.frames import RawClient, Wire
from harness.gateway import Gateway
from harness.until import until

PUSH = "execute-api:ManageConnections"
ARN = f"arn:aws:execute-api:{REGION}:000000000000"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource} for effect, action, resource in statements]})


def key(identity, user, *policies, secret="sesame", **members):
    lines = [f'id = "{identity}"', f'secret = "{secret}"', f'user = "{user}"', f"policies = {json.dumps(list(policies))}"]
    return "\n".join(["[[access_key]]", *lines, *(f'{name} = "{value}"' for name, value in members.items())]) + "\n\n"


KEYS = (
    key("ADMIN", "admin", policy(("Allow", "*", "*")))
    + key("PUSHER", "pusher", "post.json")
    + key("READER", "reader", policy(("Allow", "apigateway:GET", "*"), ("Deny", "apigateway:GET", "arn:aws:apigateway:*::/apikeys*")))
    + key("NOBODY", "nobody")
    + key("TEMPORARY", "guest", policy(("Allow", "*", "*")), session_token="IQoJ//token==")
)


def client(service, url, identity="ADMIN", secret="sesame", token=None, region=REGION):
    session = boto3.session.Session(aws_access_key_id=identity, aws_secret_access_key=secret, aws_session_token=token, region_name=region)
    return session.client(service, endpoint_url=url, config=CONFIG)


class Made(Api):
    """An API made by somebody who may."""

    def __init__(self, gateway, **rest):
        self.name, self.gateway, self.stage, self.integrations = "test", gateway, "dev", {}
        self.client = client("apigatewayv2", gateway.url)
        self.id = self.client.create_api(Name="test", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action", **rest)["ApiId"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "post.json").write_text(policy(("Allow", PUSH, f"{ARN}:*/*/POST/@connections/*")))
    file = folder / "credentials.toml"
    file.write_text(KEYS)
    gateway = Gateway(folder / "data", "--credentials", str(file))
    gateway.file = file
    yield gateway
    gateway.stop()
    for secret in ("sesame", "token=="):
        assert secret not in gateway.output()


@pytest.fixture(scope="module")
def api(guarded, backend):
    api = Made(guarded)
    known = {"integration.request.header.connectionId": "context.connectionId"}
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}/credentials/connect", RequestParameters=known))
    return api.deploy()


@pytest.fixture
def connected(api, backend):
    mark = backend.mark()
    with RawClient(api.gateway.port, api.target) as there:
        yield there, backend.wait_for("/credentials/connect", since=mark)[0].header("connectionId")


def refusal(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    return answer["Error"]["Code"], answer["Error"]["Message"] or answer.get("Message", "")


def test_the_right_key_works_from_any_region(guarded):
    assert "Items" in client("apigatewayv2", guarded.url).get_apis()
    assert "Items" in client("apigatewayv2", guarded.url, region="eu-west-1").get_apis()
    assert "Items" in client("apigatewayv2", guarded.url, "TEMPORARY", token="IQoJ//token==").get_apis()


def test_awkward_paths_are_signed_as_clients_sign_them(api):
    arn = f"arn:aws:apigateway:{REGION}::/apis/{api.id}"
    api.client.tag_resource(ResourceArn=arn, Tags={"a b": "c/d"})
    api.client.untag_resource(ResourceArn=arn, TagKeys=["a b", "é"])
    assert api.client.get_tags(ResourceArn=arn)["Tags"] == {}


def test_strangers_are_told_what_aws_tells_them(guarded):
    mark = guarded.mark()
    code, text = refusal(client("apigatewayv2", guarded.url, secret="wrong").get_apis)
    assert code == "InvalidSignatureException"
    assert text.startswith("The request signature we calculated does not match the signature you provided.")
    assert "The Canonical String for this request should have been\n'GET\n/v2/apis\n" in text
    assert "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n" in text
    unknown = ("UnrecognizedClientException", "The security token included in the request is invalid.")
    assert refusal(client("apigatewayv2", guarded.url, "STRANGER").get_apis) == unknown
    for identity, token in (("TEMPORARY", None), ("TEMPORARY", "other"), ("ADMIN", "IQoJ//token==")):
        assert refusal(client("apigatewayv2", guarded.url, identity, token=token).get_apis) == unknown
    guarded.wait_for_line(lambda line: "access key STRANGER: there is none of this id" in line, "the refusal in the log", mark)
    with Wire(guarded.port) as wire:
        answer = wire.request("GET", "/v2/apis")
        assert (answer.status, json.loads(answer.body)) == (403, {"message": "Missing Authentication Token"})
        assert answer.header("x-amzn-ErrorType") == "MissingAuthenticationTokenException"
    with Wire(guarded.port) as wire:
        answer = wire.request("GET", "/v2/apis", [("Authorization", "Bearer abc")])
        assert answer.header("x-amzn-ErrorType") == "IncompleteSignatureException"
        expected = "'abc' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer abc'."
        assert (answer.status, json.loads(answer.body)) == (403, {"message": expected})


def test_a_policy_decides_about_the_control_plane(guarded, api):
    reader = client("apigatewayv2", guarded.url, "READER")
    assert any(item["ApiId"] == api.id for item in reader.get_apis()["Items"])
    code, text = refusal(reader.delete_api, ApiId=api.id)
    assert code == "AccessDeniedException"
    resource = f"arn:aws:apigateway:{REGION}::/apis/{api.id}"
    assert text == (
        f"User: arn:aws:iam::000000000000:user/reader is not authorized to perform: apigateway:DELETE on resource: {resource} "
        "because no identity-based policy allows the apigateway:DELETE action"
    )
    code, text = refusal(client("apigateway", guarded.url, "READER").get_api_keys)
    assert code == "AccessDeniedException" and text.endswith("/apikeys with an explicit deny")
    assert refusal(client("apigatewayv2", guarded.url, "NOBODY").get_apis)[0] == "AccessDeniedException"
    assert refusal(client("apigatewayv2", guarded.url, "PUSHER").get_apis)[0] == "AccessDeniedException"


def test_who_may_post_may_not_delete(api, connected):
    there, connection_id = connected
    pusher = client("apigatewaymanagementapi", api.callback, "PUSHER")
    pusher.post_to_connection(ConnectionId=connection_id, Data=b"hello")
    assert there.read_text() == "hello"
    mark = api.gateway.mark()
    code, text = refusal(pusher.delete_connection, ConnectionId=connection_id)
    assert code == "AccessDeniedException"
    assert f"********0000:{api.id}/dev/DELETE/@connections/{{connectionId}} because no identity-based policy allows the {PUSH} action" in text
    api.gateway.wait_for_line(lambda line: "post.json allows POST, and not DELETE" in line, "the nearest miss", mark)
    admin = client("apigatewaymanagementapi", api.callback)
    assert "ConnectedAt" in admin.get_connection(ConnectionId=connection_id)
    admin.delete_connection(ConnectionId=connection_id)


def test_pushes_are_checked_before_anything_is_told_of_connections(api):
    gone = "L0SM9cOFvHcCIhw="
    assert refusal(client("apigatewaymanagementapi", api.callback, "STRANGER").get_connection, ConnectionId=gone)[0] == "UnrecognizedClientException"
    wrong = client("apigatewaymanagementapi", api.callback, secret="wrong")
    code, text = refusal(wrong.post_to_connection, ConnectionId=gone, Data=b"x")
    assert code == "InvalidSignatureException"
    assert f"should have been\n'POST\n/_aws/execute-api/{api.id}/dev/%40connections/L0SM9cOFvHcCIhw%253D\n" in text
    code, text = refusal(client("apigatewaymanagementapi", api.callback, "NOBODY").post_to_connection, ConnectionId=gone, Data=b"x")
    assert code == "AccessDeniedException"
    with Wire(api.gateway.port) as wire:
        answer = wire.request("POST", f"{api.target}/@connections/{gone}", body=b"x")
        assert (answer.status, answer.header("x-amzn-ErrorType")) == (403, "MissingAuthenticationTokenException")
    with pytest.raises(ClientError) as caught:
        client("apigatewaymanagementapi", api.callback).get_connection(ConnectionId=gone)
    assert caught.value.response["Error"]["Code"] == "GoneException"


def test_a_call_signed_in_the_query(api, connected):
    _, connection_id = connected
    # botocore puts what a body holds into the query, so it is a call without one.
    request = AWSRequest("GET", f"{api.callback}/@connections/{connection_id}")
    SigV4QueryAuth(Credentials("ADMIN", "sesame"), "execute-api", REGION, expires=60).add_auth(request)
    target = request.url[len(api.gateway.url) :]
    for changed, status in ((target, 200), (target + "&more=1", 403), (target.replace("Expires=60", "Expires=61"), 403)):
        with Wire(api.gateway.port) as wire:
            answer = wire.request("GET", changed, [("Host", f"127.0.0.1:{api.gateway.port}")])
            assert answer.status == status
            assert answer.header("x-amzn-ErrorType") == (None if status == 200 else "InvalidSignatureException")


def test_the_aws_cli_signs_and_is_told(api, connected):
    there, connection_id = connected

    def aws(*words, identity="ADMIN", secret="sesame", url=api.gateway.url):
        environment = {**cli_environment(url), "AWS_ACCESS_KEY_ID": identity, "AWS_SECRET_ACCESS_KEY": secret}
        return subprocess.run(["aws", *words], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CLI_PATIENCE, check=False)

    assert api.id in aws("apigatewayv2", "get-apis").stdout
    assert "(InvalidSignatureException)" in aws("apigatewayv2", "get-apis", secret="wrong").stderr
    assert "(UnrecognizedClientException)" in aws("apigatewayv2", "get-apis", identity="STRANGER").stderr
    assert "(AccessDeniedException)" in aws("apigatewayv2", "delete-api", "--api-id", api.id, identity="READER").stderr
    post = ("apigatewaymanagementapi", "post-to-connection", f"--connection-id={connection_id}", "--data", "aGVsbG8=", "--endpoint-url", api.callback)
    done = aws(*post, identity="PUSHER")
    assert done.returncode == 0, done.stderr
    assert there.read_text() in ("hello", "aGVsbG8=")
    delete = ("apigatewaymanagementapi", "delete-connection", f"--connection-id={connection_id}", "--endpoint-url", api.callback)
    assert "(AccessDeniedException)" in aws(*delete, identity="PUSHER").stderr


def test_a_file_that_changes_is_read_again_and_one_that_is_wrong_is_not_taken(guarded):
    mark = guarded.mark()
    guarded.file.write_text(KEYS + key("LATER", "later", policy(("Allow", "*", "*"))))
    guarded.wait_for_line(lambda line: "credentials are read again" in line, "the new credentials", mark)
    later = client("apigatewayv2", guarded.url, "LATER")
    assert "Items" in later.get_apis()
    mark = guarded.mark()
    guarded.file.write_text("[[access_key]]\nid = 1\nsecret = \"sesame\"\n")
    line = guarded.wait_for_line(lambda line: "the credentials before stay in force" in line, "the complaint", mark)
    assert "line 2: id: it is no text in quotes" in line
    assert "Items" in later.get_apis()
    mark = guarded.mark()
    guarded.file.write_text(KEYS)
    guarded.wait_for_line(lambda line: "credentials are read again" in line, "the old credentials", mark)
    assert refusal(later.get_apis)[0] == "UnrecognizedClientException"
    # A policy beside it is looked at too.
    beside = guarded.file.parent / "post.json"
    before, mark = beside.read_text(), guarded.mark()
    beside.write_text(policy(("Allow", "*", "*")))
    guarded.wait_for_line(lambda line: "credentials are read again" in line, "the new policy", mark)
    assert "Items" in client("apigatewayv2", guarded.url, "PUSHER").get_apis()
    mark = guarded.mark()
    absent = guarded.file.parent / "absent.json"
    guarded.file.write_text(KEYS + key("LATEST", "latest", "absent.json"))
    guarded.wait_for_line(lambda line: "the credentials before stay in force" in line, "the complaint", mark)
    # What mends it is the other file.
    absent.write_text(policy(("Allow", "*", "*")))
    guarded.wait_for_line(lambda line: "credentials are read again" in line, "the mended credentials", mark)
    mark = guarded.mark()
    guarded.file.write_text(KEYS)
    guarded.wait_for_line(lambda line: "credentials are read again" in line, "the old credentials", mark)
    mark = guarded.mark()
    beside.write_text(before)
    guarded.wait_for_line(lambda line: "credentials are read again" in line, "the old policy", mark)


def test_what_never_ends_is_not_read(guarded, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, "/dev/zero"):
        mark = guarded.mark()
        endless = f'\n[[access_key]]\nid = "ENDLESS"\nuser = "endless"\npolicies = []\nsecret_file = "{path}"\n'
        guarded.file.write_text(KEYS + endless)
        line = guarded.wait_for_line(lambda line: "the credentials before stay in force" in line, "the complaint", mark)
        assert "is no regular file" in line
        assert "Items" in client("apigatewayv2", guarded.url).get_apis()
    mark = guarded.mark()
    guarded.file.write_text(KEYS)
    guarded.wait_for_line(lambda line: "credentials are read again" in line, "the old credentials", mark)
    for path in (pipe, "/dev/zero"):
        command = [os.environ["GATEWRIGHT_BIN"], "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--credentials", str(path)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 78 and f"credentials file {path}: is no regular file" in done.stderr


def test_a_flood_of_unsigned_calls_is_counted_and_hides_nobody(guarded):
    mark = guarded.mark()
    with Wire(guarded.port) as wire:
        for _ in range(300):
            assert wire.request("GET", "/v2/apis").status == 403
        refusal(client("apigatewayv2", guarded.url, "NOBODY").get_apis)
    guarded.wait_for_line(lambda line: "user/nobody may not apigateway:GET" in line, "the signed one", mark)
    guarded.wait_for_line(lambda line: "more refusals: " in line and "not signed" in line, "the count of the others", mark)


def test_a_push_to_a_name_that_nobody_has_tells_who_signed(guarded):
    mark = guarded.mark()
    nowhere = client("apigatewaymanagementapi", f"{guarded.url}/_aws/execute-api/nowhere/dev", "PUSHER")
    assert refusal(nowhere.post_to_connection, ConnectionId="abc=", Data=b"x")[0] == "ForbiddenException"
    guarded.wait_for_line(lambda line: "push refused, signed as access key PUSHER: no API `nowhere`" in line, "who it was", mark)


def test_sighup_reads_again_and_does_not_end_the_program(guarded):
    mark = guarded.mark()
    guarded.process.send_signal(1)
    guarded.wait_for_line(lambda line: "credentials are read again" in line, "the credentials read again", mark)
    assert guarded.is_healthy()


def test_keys_are_made_and_asked(tmp_path, start_gateway):
    program = os.environ["GATEWRIGHT_BIN"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWRIGHT_", "AWS_"))}

    def run(*words):
        return subprocess.run([program, "credentials", *words], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)

    (tmp_path / "push.json").write_text(policy(("Allow", PUSH, f"{ARN}:*/*/POST/@connections/*"), ("Allow", "apigateway:GET", "*")))
    made = run("new", "--user", "ann", "--policy", "push.json", "--credentials", "keys.toml")
    assert made.returncode == 0, made.stderr
    exported = dict(word.split("=", 1) for word in made.stdout.split() if word.startswith("AWS_"))
    assert (tmp_path / "keys.toml").stat().st_mode & 0o777 == 0o600
    assert run("new", "--user", "bob", "--credentials", "keys.toml").returncode == 0
    gateway = start_gateway("--credentials", str(tmp_path / "keys.toml"))
    ann = client("apigatewayv2", gateway.url, exported["AWS_ACCESS_KEY_ID"], exported["AWS_SECRET_ACCESS_KEY"])
    assert ann.get_apis()["Items"] == []
    resource = f"{ARN}:abc/prod/%s/@connections/x"
    post = run("check", "--user", "ann", "--action", PUSH, "--resource", resource % "POST", "--credentials", "keys.toml")
    assert post.returncode == 0 and "statement 1 of" in post.stdout and "allows it" in post.stdout
    delete = run("check", "--user", "ann", "--action", PUSH, "--resource", resource % "DELETE", "--credentials", "keys.toml")
    assert delete.returncode == 1 and "allows POST, and not DELETE" in delete.stdout
    assert run("check", "--user", "bob", "--action", PUSH, "--resource", resource % "POST", "--credentials", "keys.toml").returncode == 1
    assert run("check", "--user", "eve", "--action", PUSH, "--resource", "*", "--credentials", "keys.toml").returncode == 65
    assert run("new", "--user", "ann", "--policy", "/dev/zero", "--credentials", "keys.toml").returncode == 66
    assert run("new", "--user", "ann", "--credentials", "/dev/zero").returncode == 66
    assert run("new", "--user", "ann", "--policy", "nowhere.json", "--credentials", "keys.toml").returncode == 66
    wrong = run("new", "--user", "not a name", "--credentials", "keys.toml")
    assert wrong.returncode == 78 and "user: it is not up to 64" in wrong.stderr
    assert "not a name" not in (tmp_path / "keys.toml").read_text()
    until(gateway.is_healthy, "the gateway to be there still")


@pytest.fixture(scope="module")
def signed_api(guarded, backend):
    api = Made(guarded)
    who = {f"integration.request.header.{name}": f"context.identity.{name}" for name in ("accessKey", "accountId", "caller", "user", "userArn")}
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}/credentials/iam", RequestParameters=who), AuthorizationType="AWS_IAM")
    format = "$context.requestId: signature $context.authenticate.status, policy $context.authorize.status, $context.status"
    return api.deploy(AccessLogSettings={"DestinationArn": f"arn:aws:logs:{REGION}:000000000000:log-group:access", "Format": format})


def presigned(api, identity, secret="sesame", query="", token=None, expires=300):
    """The target of a handshake as botocore signs its URL."""
    request = AWSRequest("GET", f"{api.callback}{query}")
    SigV4QueryAuth(Credentials(identity, secret, token), "execute-api", REGION, expires=expires).add_auth(request)
    return request.url.split("://", 1)[1].partition("/")[2]


def handshake(api, target, headers=()):
    """The status of a handshake's answer."""
    standard = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
    with Wire(api.gateway.port) as wire:
        return wire.request("GET", f"/{target.lstrip('/')}", [("Host", f"127.0.0.1:{api.gateway.port}"), *standard, *headers]).status


def test_a_presigned_url_opens_a_stage_and_says_who_came(signed_api, backend):
    mark = backend.mark()
    assert handshake(signed_api, presigned(signed_api, "ADMIN", query="?room=a%20b&lang=de")) == 101
    call = backend.wait_for("/credentials/iam", since=mark)[0]
    arn = "arn:aws:iam::000000000000:user/admin"
    expected = {"accessKey": "ADMIN", "accountId": "000000000000", "caller": "admin", "user": "admin", "userArn": arn}
    assert {name: call.header(name) for name in expected} == expected
    signed_api.gateway.wait_for_log("signature 200, policy 200, 200", kind="access")
    assert handshake(signed_api, presigned(signed_api, "TEMPORARY", token="IQoJ//token==")) == 101


def test_a_handshake_that_is_not_signed_or_not_allowed_is_refused(signed_api, backend):
    gateway, mark, calls = signed_api.gateway, signed_api.gateway.mark(), backend.mark()
    good = presigned(signed_api, "ADMIN", query="?room=a")
    for target, told in (
        (signed_api.target, "the request is not signed"),
        (signed_api.target, "signature 403, policy -, 403"),
        (good.replace("room=a", "room=b"), "the signature is not that of this request"),
        (presigned(signed_api, "ADMIN", secret="wrong"), "the signature is not that of this request"),
        (presigned(signed_api, "STRANGER"), "there is none of this id"),
        (presigned(signed_api, "TEMPORARY"), "the request lacks its session token"),
        (presigned(signed_api, "PUSHER"), "no statement is about execute-api:Invoke"),
        (presigned(signed_api, "PUSHER"), "signature 200, policy 403, 403"),
    ):
        assert handshake(signed_api, target) == 403, target
        gateway.wait_for_log(told, since=mark)
    assert handshake(signed_api, signed_api.target, [("Authorization", "Bearer abc")]) == 403
    assert not backend.seen("/credentials/iam", since=calls)
