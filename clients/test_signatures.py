"""What botocore and the JS SDK sign is right, over requests of a fixed seed; and what strangers are told, to the letter."""

import datetime
import hashlib
import hmac
import itertools
import json
import random
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.aws import CONFIG, REGION
from harness.clients import node_environment
from harness.frames import RawClient, Wire
from harness.gateway import Gateway
from harness.until import PATIENCE

SEED = 11
REQUESTS = 300
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////token=="
EVERYTHING = json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
NOTHING_OF_PUSHES = json.dumps({"Statement": [{"Effect": "Allow", "Action": "apigateway:*", "Resource": "*"}]})
REFUSALS = ("MissingAuthenticationTokenException", "IncompleteSignatureException", "UnrecognizedClientException",
            "ExpiredTokenException", "InvalidSignatureException", "AccessDeniedException")  # fmt: skip


def key(identity, policy, **members):
    lines = [f'id = "{identity}"', f'secret = "{SECRET}"', f'user = "{identity.lower()}"', f"policies = {json.dumps([policy])}"]
    return "\n".join(["[[access_key]]", *lines, *(f"{name} = {value}" for name, value in members.items())]) + "\n\n"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signatures")
    file = folder / "credentials.toml"
    file.write_text(
        key("ADMIN", EVERYTHING)
        + key("GUEST", EVERYTHING, session_token=f'"{TOKEN}"')
        + key("OVER", EVERYTHING, session_token=f'"{TOKEN}"', expires="2020-01-01T00:00:00Z")
        + key("CLERK", NOTHING_OF_PUSHES)
    )
    gateway = Gateway(folder / "data", "--credentials", str(file))
    yield gateway
    gateway.stop()
    assert SECRET not in gateway.output() and TOKEN not in gateway.output()


@pytest.fixture(scope="module")
def stage(guarded):
    """The target of a stage."""
    control = boto3.session.Session(aws_access_key_id="ADMIN", aws_secret_access_key=SECRET, region_name=REGION)
    control = control.client("apigatewayv2", endpoint_url=guarded.url, config=CONFIG)
    api = control.create_api(Name="test", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")["ApiId"]
    integration = control.create_integration(ApiId=api, IntegrationType="MOCK", RequestTemplates={"$default": '{"statusCode": 200}'})["IntegrationId"]
    control.create_route(ApiId=api, RouteKey="$default", Target=f"integrations/{integration}")
    control.create_stage(ApiId=api, StageName="prod", AutoDeploy=True)
    return f"/_aws/execute-api/{api}/prod"


def texts(chance, pieces, most):
    return "".join(chance.choice(pieces) for _ in range(chance.randint(0, most)))


def requests(stage, count=REQUESTS, seed=SEED):
    """Requests that clients could send: of the control plane and of `@connections`, none of which changes anything."""
    chance = random.Random(seed)
    paths = ["a", "Z9", "@", "%40", "=", "%3D", "%3d", "%2F", "%25", "~", "!", "'", "(", ")", "*", ",", ";", ":", "-", "_", "+", "%C3%A9"]
    names = ["a", "B", "é", " ", "/", "?", ":", "@", "~", "*", "'", "(", "+", "&", "=", "%"]
    for _ in range(count):
        pushes = chance.random() < 0.4
        segment = "x" + texts(chance, paths, 5)
        path = f"{stage}/{chance.choice(['@connections', '%40connections'])}/{segment}" if pushes else f"/v2/{chance.choice(['apis', 'tags'])}/{segment}"
        query = {"q" + texts(chance, names, 3): texts(chance, names, 4) for _ in range(chance.randint(0, 3))}
        method, in_query = chance.choice(["GET", "POST"] if pushes else ["GET"]), chance.random() < 0.4
        yield {
            "method": method,
            "path": path,
            "query": query,
            "headers": {chance.choice(["content-type", "x-custom", "accept"]): chance.choice(["a", "", "two  spaces", "a, b", "text/plain; charset=utf-8"]) for _ in range(2)},
            # Only a POST has a body here and on AWS; botocore makes a body that is signed in the query a part of the query.
            "body": chance.choice(["", "{}", "hello é"]) if method == "POST" and not in_query else "",
            "service": "execute-api" if pushes else "apigateway",
            "inQuery": in_query,
            "token": chance.random() < 0.3,
        }


def encoded(query):
    return "&".join(f"{urllib.parse.quote(name, safe='-_.~')}={urllib.parse.quote(value, safe='-_.~')}" for name, value in query.items())


def sent(port, method, target, headers, body):
    with Wire(port) as wire:
        return wire.request(method, target, list(headers.items()), body.encode())


def check(port, method, target, headers, body):
    """The request is let in, and one with something changed is not."""
    answer = sent(port, method, target, headers, body)
    assert answer.header("x-amzn-ErrorType") not in REFUSALS, (method, target, headers, body, answer.body.decode())
    assert answer.status != 403 or answer.header("x-amzn-ErrorType") == "ForbiddenException", answer.body
    other = target + ("&" if "?" in target else "?") + "more=1"
    answer = sent(port, method, other, headers, body)
    assert (answer.status, answer.header("x-amzn-ErrorType")) == (403, "InvalidSignatureException"), (other, answer.body)


def test_what_botocore_signs_is_right(guarded, stage):
    host = f"127.0.0.1:{guarded.port}"
    for given in requests(stage):
        query = "?" + encoded(given["query"]) if given["query"] else ""
        request = AWSRequest(given["method"], f"http://{host}{given['path']}{query}", dict(given["headers"]), given["body"].encode())
        credentials = Credentials("GUEST", SECRET, TOKEN) if given["token"] else Credentials("ADMIN", SECRET)
        kind = SigV4QueryAuth if given["inQuery"] else SigV4Auth
        kind(credentials, given["service"], "eu-central-1").add_auth(request)
        target = request.url.split(host, 1)[1]
        check(guarded.port, given["method"], target, {**dict(request.headers.items()), "Host": host}, given["body"])


def test_what_the_js_sdk_signs_is_right(guarded, stage, node_folder):
    host = f"127.0.0.1:{guarded.port}"
    script = node_folder / "sign.mjs"
    shutil.copy(Path(__file__).parent / "js" / "sign.mjs", script)
    given = [{**each, "headers": {**each["headers"], "host": host}} for each in requests(stage, seed=SEED + 1)]
    done = subprocess.run(
        ["node", str(script), SECRET, TOKEN],
        input="".join(json.dumps(each) + "\n" for each in given), env=node_environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    signed = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(signed) == len(given)
    for before, after in zip(given, signed, strict=True):
        query = "?" + encoded(after["query"]) if after["query"] else ""
        check(guarded.port, before["method"], before["path"] + query, after["headers"], before["body"])


def authorization(identity, method, target, headers, when, service="apigateway", secret=SECRET):
    """A signature by the book."""
    path, _, query = target.partition("?")
    names = ";".join(sorted(name.lower() for name in headers))
    lines = "".join(f"{name.lower()}:{value}\n" for name, value in sorted(headers.items(), key=lambda item: item[0].lower()))
    quoted = urllib.parse.quote(path, safe="/-_.~")
    canonical = f"{method}\n{quoted}\n{query}\n{lines}\n{names}\n{hashlib.sha256(b'').hexdigest()}"
    scope = f"{when[:8]}/{REGION}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{when}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    secret = f"AWS4{secret}".encode()
    for part in (when[:8], REGION, service, "aws4_request"):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(secret, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"AWS4-HMAC-SHA256 Credential={identity}/{scope}, SignedHeaders={names}, Signature={signature}", canonical, to_sign


def at(minutes=0):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%SZ")


def refused(guarded, target, headers, method="GET"):
    """Status, type and body of an answer to a request that is refused."""
    host = f"127.0.0.1:{guarded.port}"
    answer = sent(guarded.port, method, target, {"Host": host, **headers}, "")
    assert answer.header("x-amzn-RequestId")
    return answer.status, answer.header("x-amzn-ErrorType"), json.loads(answer.body)


def signed(guarded, target, identity="ADMIN", minutes=0, method="GET", more=None, **rest):
    headers = {"host": f"127.0.0.1:{guarded.port}", "x-amz-date": at(minutes), **(more or {})}
    value, canonical, to_sign = authorization(identity, method, target, headers, headers["x-amz-date"], **rest)
    headers.pop("host")
    return {**headers, "Authorization": value}, canonical, to_sign


def test_signatures_by_the_book_are_right(guarded, stage):
    headers, *_ = signed(guarded, "/v2/apis")
    assert sent(guarded.port, "GET", "/v2/apis", {"Host": f"127.0.0.1:{guarded.port}", **headers}, "").status == 200


def test_who_does_not_say_who_it_is(guarded, stage):
    missing = (403, "MissingAuthenticationTokenException", {"message": "Missing Authentication Token"})
    assert refused(guarded, "/v2/apis", {}) == missing
    assert refused(guarded, f"{stage}/@connections/abc=", {}) == missing
    incomplete = "IncompleteSignatureException"
    expected = "'eyJh' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer eyJh'."
    assert refused(guarded, "/v2/apis", {"Authorization": "Bearer eyJh"}) == (403, incomplete, {"message": expected})
    expected = (
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires "
        "'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256 a=b"
    )
    assert refused(guarded, "/v2/apis", {"Authorization": "AWS4-HMAC-SHA256 a=b"}) == (403, incomplete, {"message": expected})


def test_whom_nobody_knows(guarded):
    unknown = (403, "UnrecognizedClientException", {"message": "The security token included in the request is invalid."})
    assert refused(guarded, "/v2/apis", signed(guarded, "/v2/apis", "STRANGER")[0]) == unknown
    assert refused(guarded, "/v2/apis", signed(guarded, "/v2/apis", "GUEST")[0]) == unknown
    token = {"x-amz-security-token": TOKEN}
    assert refused(guarded, "/v2/apis", signed(guarded, "/v2/apis", "ADMIN", more=token)[0]) == unknown
    expired = (403, "ExpiredTokenException", {"message": "The security token included in the request is expired"})
    assert refused(guarded, "/v2/apis", signed(guarded, "/v2/apis", "OVER", more=token)[0]) == expired


def test_a_wrong_signature_is_told_what_should_have_been_signed(guarded):
    headers, canonical, to_sign = signed(guarded, "/v2/apis?maxResults=3", secret="another")
    expected = (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. "
        f"Consult the service documentation for details.\n\nThe Canonical String for this request should have been\n'{canonical}'\n\n"
        f"The String-to-Sign should have been\n'{to_sign}'\n"
    )
    assert refused(guarded, "/v2/apis?maxResults=3", headers) == (403, "InvalidSignatureException", {"message": expected})


def test_a_signature_of_one_path_is_none_of_another(guarded, stage):
    headers, *_ = signed(guarded, f"{stage}/@connections/abc=", method="POST", service="execute-api")
    other = f"/_aws/execute-api/other/../{stage.removeprefix('/_aws/execute-api/')}/@connections/abc="
    status, kind, _ = refused(guarded, other, headers, method="POST")
    assert (status, kind) in ((403, "InvalidSignatureException"), (403, "ForbiddenException"))
    headers, *_ = signed(guarded, "/v2/apis")
    for path in ("/v2/x/../apis", "/v2/./apis", "/v2//apis"):
        assert refused(guarded, path, headers)[:2] == (403, "InvalidSignatureException"), path


def test_times_and_services(guarded, stage):
    invalid = "InvalidSignatureException"
    headers, *_ = signed(guarded, "/v2/apis", minutes=-30)
    status, kind, body = refused(guarded, "/v2/apis", headers)
    then = headers["x-amz-date"]
    start, _, rest = body["message"].partition(" is now earlier than ")
    assert (status, kind, start) == (403, invalid, f"Signature expired: {then}") and rest.endswith(" - 5 min.)")
    headers, *_ = signed(guarded, "/v2/apis", minutes=30)
    status, kind, body = refused(guarded, "/v2/apis", headers)
    then = headers["x-amz-date"]
    start, _, rest = body["message"].partition(" is still later than ")
    assert (status, kind, start) == (403, invalid, f"Signature not yet current: {then}") and rest.endswith(" + 5 min.)")
    for path, right, wrong in (("/v2/apis", "apigateway", "execute-api"), (f"{stage}/@connections/abc=", "execute-api", "apigateway")):
        headers, *_ = signed(guarded, path, service=wrong)
        expected = {"message": f"Credential should be scoped to correct service: '{right}'. "}
        assert refused(guarded, path, headers) == (403, invalid, expected)


def test_who_may_not(guarded, stage):
    headers, *_ = signed(guarded, f"{stage}/@connections/abc=", "CLERK", service="execute-api")
    api = stage.split("/")[3]
    resource = f"arn:aws:execute-api:{REGION}:********0000:{api}/prod/GET/@connections/{{connectionId}}"
    expected = (
        f"User: arn:aws:iam::000000000000:user/clerk is not authorized to perform: execute-api:ManageConnections on resource: {resource} "
        "because no identity-based policy allows the execute-api:ManageConnections action"
    )
    assert refused(guarded, f"{stage}/@connections/abc=", headers) == (403, "AccessDeniedException", {"Message": expected})
    headers, *_ = signed(guarded, "/_aws/execute-api/nowhere/prod/@connections/abc=", service="execute-api")
    assert refused(guarded, "/_aws/execute-api/nowhere/prod/@connections/abc=", headers) == (403, "ForbiddenException", {"message": "Forbidden"})


def test_api_keys_are_in_no_log_and_in_no_feed(start_gateway):
    gateway = start_gateway()
    v1 = boto3.client("apigateway", endpoint_url=gateway.url, config=CONFIG, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="a")
    v2 = boto3.client("apigatewayv2", endpoint_url=gateway.url, config=CONFIG, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="a")
    api = v2.create_api(Name="keyed", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")["ApiId"]
    integration = v2.create_integration(ApiId=api, IntegrationType="MOCK", RequestTemplates={"$default": '{"statusCode": 200}'})["IntegrationId"]
    v2.create_route(ApiId=api, RouteKey="$connect", Target=f"integrations/{integration}", ApiKeyRequired=True)
    v2.create_stage(ApiId=api, StageName="dev", AutoDeploy=True, DefaultRouteSettings={"LoggingLevel": "INFO", "DataTraceEnabled": True})
    key = v1.create_api_key(name="partner", enabled=True)
    plan = v1.create_usage_plan(name="gold", apiStages=[{"apiId": api, "stage": "dev"}])
    v1.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    target = f"/_aws/execute-api/{api}/dev"
    with RawClient(gateway.port, target, [("x-api-key", key["value"])]):
        line = gateway.wait_for_log("Verifying Usage Plan for request", apiId=api)
        assert key["value"][-6:] in line["message"]
    with Wire(gateway.port) as wire:
        wrong = "k" * 20 + "wrong1"
        upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
        assert wire.request("GET", target, [*upgrade, ("x-api-key", wrong)]).status == 403
    gateway.wait_for_log("Method completed with status: 403", apiId=api)
    # The console has nothing but this feed, and the control plane, which gives values to who asks for them.
    with urllib.request.urlopen(f"{gateway.url}/_gatewright/v1/log?past=10", timeout=PATIENCE) as feed:
        records = list(itertools.islice((line.decode() for line in feed if line.startswith(b"data: ")), 2))
    assert any('"status":403' in record.replace(" ", "") for record in records), records
    for text in (gateway.output(), *records):
        assert key["value"] not in text and wrong not in text
