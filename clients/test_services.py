"""Whose key signs calls of AWS's services, and where they go. What each service wants is told by stories, corpus/scenarios/3-requests/service_*.

Each request that the gateway sends bears a signature, which botocore's own signer verifies.
"""

import json
import re
import subprocess
from pathlib import Path

import boto3
import pytest

from harness.aws import CONFIG, REGION, Api, cli_environment, control
from harness.clients import open_websocket, receive
from harness.services import ENVIRONMENT, KEY, SECRET, TOKEN, Services
from harness.until import PATIENCE, until

ACCOUNT = "123456789012"
DOCUMENTATION = Path(__file__).resolve().parent.parent / "docs" / "services.md"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/gateway"
FORM = {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"}


@pytest.fixture(scope="module")
def services():
    services = Services(**{KEY: SECRET})
    yield services
    services.stop()


@pytest.fixture(scope="module")
def aws(services):
    """boto3's clients of moto, past the proxy."""
    session = boto3.session.Session(region_name=REGION, aws_access_key_id="mine", aws_secret_access_key="mine")
    clients = {}

    def client(name):
        if name not in clients:
            clients[name] = session.client(name, endpoint_url=services.moto, config=CONFIG)
        return clients[name]

    return client


@pytest.fixture(scope="module")
def gateway(start_gateway, services):
    """Credentials come from the environment, as a container or a shell has them."""
    return start_gateway("--aws-endpoint", services.url, environment=ENVIRONMENT)


@pytest.fixture
def call(gateway, services):
    """Makes an API whose one route puts a message into a queue, and sends it one."""

    def call(queue, to=gateway):
        api = Api(to)
        members = {"RequestTemplates": {"$default": "Action=SendMessage&MessageBody=hi"}, "TemplateSelectionExpression": "\\$default"}
        uri = f"arn:aws:apigateway:{REGION}:sqs:path/{ACCOUNT}/{queue}"
        integration = api.integration("AWS", uri, CredentialsArn=ROLE, RequestParameters=FORM, **members)
        api.response(integration)
        api.route("$default", integration, two_way=True)
        api.deploy()
        before = len(services.calls)
        with open_websocket(api.url) as client:
            client.send("{}")
            assert "MessageId" in client.recv(timeout=PATIENCE)
        sent = services.calls[before:]
        assert sent and all(one.verified for one in sent), [(one.service, one.key, one.verified) for one in sent]
        assert SECRET not in to.output() and TOKEN not in to.output()

    return call


def test_a_role_is_taken_where_sts_is(start_gateway, services, aws, call):
    url = aws("sqs").create_queue(QueueName="roles")["QueueUrl"]
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    keys |= {"AWS_ENDPOINT_URL": services.url, "AWS_ENDPOINT_URL_STS": services.url}
    gateway = start_gateway(environment=keys)
    gateway.wait_for_line(lambda line: f"services of AWS are called at {services.url} (AWS_ENDPOINT_URL)" in line, "where services are")
    before = len(services.calls)
    for _ in range(2):
        call("roles", to=gateway)
    came = services.calls[before:]
    assert [one.service for one in came] == ["sts", "sqs", "sqs"]
    assert came[0].key == KEY and b"RoleSessionName=BackplaneAssumeRoleSession" in came[0].body
    assert came[1].key == came[2].key != KEY and came[1].headers["X-Amz-Security-Token"]
    assert len(aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 2


def test_without_sts_the_own_key_signs_and_that_is_said(gateway, aws, call):
    aws("sqs").create_queue(QueueName="own")
    call("own")
    told = f"credentialsArn {ROLE} is not assumed"
    gateway.wait_for_line(lambda line: told in line, told)
    assert gateway.output().count(told) == 1


def test_credentials_may_come_from_a_profile_or_be_none(start_gateway, services, aws, tmp_path):
    url = aws("sqs").create_queue(QueueName="profile")["QueueUrl"]
    printed = json.dumps({"Version": 1, "AccessKeyId": KEY, "SecretAccessKey": SECRET})
    (tmp_path / "config").write_text(f"[profile work]\ncredential_process = echo '{printed}'\n")
    settings = tmp_path / "gatewright.toml"
    settings.write_text(f'[services.sqs]\nendpoint = "{services.url}"\n')
    profile = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_PROFILE": "work"}
    for environment, key in ((profile, KEY), ({}, None)):
        gateway = start_gateway("--config", str(settings), environment=environment)
        api = Api(gateway)
        members = {"RequestTemplates": {"$default": "Action=SendMessage&MessageBody=hi"}, "TemplateSelectionExpression": "\\$default"}
        integration = api.integration("AWS", f"arn:aws:apigateway:{REGION}:sqs:path/{ACCOUNT}/profile", RequestParameters=FORM, **members)
        api.response(integration)
        api.route("$default", integration, two_way=True)
        # Nothing says where this one is.
        api.route("lost", api.integration("AWS", f"arn:aws:apigateway:{REGION}:sns:action/Publish"))
        api.deploy()
        gateway.wait_for_line(lambda line: "route lost calls a service of AWS, and nothing says where services are" in line, "the remark")
        with open_websocket(api.url) as client:
            client.send("{}")
            # moto knows by the signature which service is called.
            assert ("MessageId" in client.recv(timeout=PATIENCE)) == (key is not None)
        assert services.calls[-1].key == key and services.calls[-1].verified == (key is not None)
        assert SECRET not in gateway.output()
    assert len(aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 1


def test_functions_at_an_endpoint_are_called_signed(start_gateway, services):
    """moto has no such function; what counts is that the signature of the call is right."""
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    api = Api(start_gateway("--lambda-endpoint", services.url, environment=keys))
    api.route("$default", api.integration("AWS_PROXY", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:chat:$LATEST"), two_way=True)
    api.deploy()
    with open_websocket(api.url) as client:
        client.send("{}")
        assert receive(client)["message"] == "Internal server error"
    sent = services.calls[-1]
    assert (sent.service, sent.verified) == ("lambda", True)
    assert sent.path == "/2015-03-31/functions/chat/invocations?Qualifier=%24LATEST"


@pytest.mark.parametrize(("secret", "answered"), [(SECRET, True), ("another", False)])
def test_what_one_gateway_signs_another_verifies(start_gateway, tmp_path, secret, answered):
    """Two of ours: the first calls a function and the control plane of the second, which lets in nobody who does not sign."""
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    lines = [f'id = "{KEY}"', f'secret = "{SECRET}"', 'user = "gateway"', f"policies = {json.dumps([json.dumps(policy)])}"]
    (tmp_path / "credentials.toml").write_text("\n".join(["[[access_key]]", *lines, ""]))
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return {'statusCode': 200, 'body': 'called'}\n")
    (tmp_path / "gatewright.toml").write_text('[functions.chat]\nhandler = "app.handler"\n')
    # Calls of services keep AWS's own host.
    own = ["--allow-host", f"apigateway.{REGION}.amazonaws.com"]
    second = start_gateway(*own, "--config", str(tmp_path / "gatewright.toml"), "--credentials", str(tmp_path / "credentials.toml"))
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": secret}
    api = Api(start_gateway("--lambda-endpoint", second.url, "--aws-endpoint", second.url, environment=keys))
    api.route("call", api.integration("AWS_PROXY", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:chat"), two_way=True)
    listing = api.integration("AWS", f"arn:aws:apigateway:{REGION}:apigateway:path/v2/apis", method="GET")
    api.response(listing, "/200/")
    api.response(listing, ResponseTemplates={"$default": "refused"})
    api.route("list", listing, two_way=True)
    api.deploy()
    with open_websocket(api.url) as client:
        for action, wanted, refused in (("call", "called", "Internal server error"), ("list", '{"items":[]}', "refused")):
            client.send(json.dumps({"action": action}))
            assert (wanted if answered else refused) in client.recv(timeout=PATIENCE)


def test_the_own_address_is_no_service(start_gateway):
    own = "http://gateway.example.com:8080"
    gateway = start_gateway("--public-url", own, environment={"AWS_ENDPOINT_URL": own})
    gateway.wait_for_line(lambda line: "AWS_ENDPOINT_URL is this gateway's own address" in line, "the remark")


def test_a_call_of_aws_without_credentials_is_not_made(start_gateway):
    """Nothing leaves the machine: without a key there is nothing to send."""
    api = Api(start_gateway("--aws-endpoint", "aws"))
    api.route("$default", api.integration("AWS", f"arn:aws:apigateway:{REGION}:sqs:action/SendMessage"), two_way=True)
    api.deploy()
    with open_websocket(api.url) as client:
        client.send("{}")
        assert receive(client)["message"] == "Internal server error"
    api.gateway.wait_for_log("cannot call the service sqs: no credentials were found: AWS_ACCESS_KEY_ID", apiId=api.id)


def test_the_commands_of_the_documentation_make_an_integration(gateway, aws):
    url = aws("sqs").create_queue(QueueName="orders")["QueueUrl"]
    script = re.search(r"```sh\n(.*?)```", DOCUMENTATION.read_text("utf-8"), re.S)[1]
    run = {"env": cli_environment(gateway.url), "capture_output": True, "text": True, "timeout": 60, "check": False}
    done = subprocess.run(["sh", "-ec", script + "\necho $API"], **run)
    assert done.returncode == 0, done.stdout + done.stderr
    api = done.stdout.split()[-1]
    control(gateway.url).create_stage(ApiId=api, StageName="dev", AutoDeploy=True)
    with open_websocket(f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/{api}/dev") as client:
        client.send('{"action":"order"}')
        (message,) = until(lambda: aws("sqs").receive_message(QueueUrl=url).get("Messages"), "the message in the queue")
    assert message["Body"] == '{"action":"order"}'
