"""AWS's services as backends: integrations made with boto3, called by a client, their effect read back from moto.

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
from harness.services import Services
from harness.until import PATIENCE, until

ACCOUNT = "123456789012"
DOCUMENTATION = Path(__file__).resolve().parent.parent / "docs" / "services.md"
KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/session+token=="
ROLE = f"arn:aws:iam::{ACCOUNT}:role/gateway"
# moto, other than AWS, takes no other type from these services' clients.
JSON = {"integration.request.header.Content-Type": "'application/x-amz-json-1.0'"}
FORM = {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"}


def target(action, version="1.1"):
    """What services that speak JSON want, where the gateway does not add it."""
    return {
        "integration.request.header.X-Amz-Target": f"'{action}'",
        "integration.request.header.Content-Type": f"'application/x-amz-json-{version}'",
    }


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
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
    return start_gateway("--aws-endpoint", services.url, environment=keys)


@pytest.fixture
def call(gateway, services):
    """Makes an API whose one route calls a service, sends it a message, and gives the answer."""

    def call(action, template, message, method="POST", parameters=None, to=gateway, answered=None):
        api = Api(to)
        uri = f"arn:aws:apigateway:{REGION}:{action}"
        members = {"CredentialsArn": ROLE, "RequestParameters": parameters or {}}
        if template is not None:
            members |= {"RequestTemplates": {"$default": template}, "TemplateSelectionExpression": "\\$default"}
        integration = api.integration("AWS", uri, method=method, **members)
        api.response(integration, "/200/", ResponseTemplates={"$default": answered} if answered else {})
        api.response(integration, ResponseTemplates={"$default": '{"refused":$input.json(\'$\')}'})
        api.route("go", integration, two_way=True)
        api.deploy()
        before = len(services.calls)
        with open_websocket(api.url) as client:
            client.send(json.dumps({"action": "go", **message}))
            answer = client.recv(timeout=PATIENCE)
        sent = services.calls[before:]
        assert sent and all(one.verified for one in sent), [(one.service, one.key, one.verified) for one in sent]
        assert SECRET not in to.output() and TOKEN not in to.output()
        return answer

    return call


def test_sqs_in_the_query_protocol(aws, call, services):
    url = aws("sqs").create_queue(QueueName="query")["QueueUrl"]
    template = "Action=SendMessage&MessageBody=$util.urlEncode($input.path('$.text'))"
    answer = call(f"sqs:path/{ACCOUNT}/query", template, {"text": "grüße & more"}, parameters=FORM)
    assert "MessageId" in answer
    sent = services.calls[-1]
    assert sent.headers["Accept"] == "application/json" and sent.headers["Host"] == f"sqs.{REGION}.amazonaws.com"
    assert sent.headers["X-Amz-Security-Token"] == TOKEN
    assert [one["Body"] for one in aws("sqs").receive_message(QueueUrl=url)["Messages"]] == ["grüße & more"]


def test_sqs_in_the_json_protocol(aws, call):
    url = aws("sqs").create_queue(QueueName="json")["QueueUrl"]
    template = '{"QueueUrl":"%s","MessageBody":"$util.escapeJavaScript($input.body)"}' % url
    answer = json.loads(call("sqs:action/SendMessage", template, {"text": "hello"}, parameters=target("AmazonSQS.SendMessage", "1.0")))
    (message,) = aws("sqs").receive_message(QueueUrl=url)["Messages"]
    assert message["MessageId"] == answer["MessageId"]
    assert json.loads(message["Body"]) == {"action": "go", "text": "hello"}


def test_sns(aws, call):
    queue = aws("sqs").create_queue(QueueName="subscribed")["QueueUrl"]
    topic = aws("sns").create_topic(Name="topic")["TopicArn"]
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:subscribed")
    template = f"Action=Publish&TopicArn={topic}&Message=$util.urlEncode($input.path('$.text'))"
    assert "MessageId" in call("sns:action/Publish", template, {"text": "a b+c/ü"}, parameters=FORM)
    # moto answers 500 to this form of it; the signature counts, which `call` looks at.
    query = {"integration.request.querystring.TopicArn": f"'{topic}'", "integration.request.querystring.Message": "route.request.body.text"}
    call("sns:action/Publish", None, {"text": "a b+c/ü"}, parameters=query)
    (message,) = aws("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Message"] == "a b+c/ü"


def test_dynamodb(aws, call):
    name = "connections"
    aws("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "room", "KeyType": "HASH"}, {"AttributeName": "who", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("room", "who")],
        BillingMode="PAY_PER_REQUEST",
    )

    def item():
        found = aws("dynamodb").get_item(TableName=name, Key={"room": {"S": "lobby"}, "who": {"S": "ann"}})
        return found.get("Item")

    key = '"room":{"S":"$input.path(\'$.room\')"},"who":{"S":"$input.path(\'$.who\')"}'
    at = {"room": "lobby", "who": "ann"}
    put = '{"TableName":"%s","Item":{%s,"id":{"S":"$context.connectionId"}}}' % (name, key)
    assert call("dynamodb:action/PutItem", put, at, parameters=JSON) == "{}"
    stored = item()
    assert stored["id"]["S"].endswith("=")
    got = call("dynamodb:action/GetItem", '{"TableName":"%s","Key":{%s}}' % (name, key), at, parameters=JSON)
    assert json.loads(got) == {"Item": stored}
    values = '"ExpressionAttributeValues":{":m":{"S":"$input.path(\'$.mood\')"}}'
    update = '{"TableName":"%s","Key":{%s},"UpdateExpression":"SET mood = :m",' + values + "}"
    call("dynamodb:action/UpdateItem", update % (name, key), {**at, "mood": "good"}, parameters=JSON)
    assert item()["mood"] == {"S": "good"}
    query = '{"TableName":"%s","KeyConditionExpression":"room = :r","ExpressionAttributeValues":{":r":{"S":"$input.path(\'$.room\')"}}}'
    assert json.loads(call("dynamodb:action/Query", query % name, at, parameters=JSON))["Items"] == [item()]
    call("dynamodb:action/DeleteItem", '{"TableName":"%s","Key":{%s}}' % (name, key), at, parameters=JSON)
    assert item() is None
    refused = json.loads(call("dynamodb:action/PutItem", put.replace(name, "nowhere"), at, parameters=JSON))
    assert "ResourceNotFoundException" in refused["refused"]["__type"]


def test_eventbridge(aws, call):
    queue = aws("sqs").create_queue(QueueName="events")["QueueUrl"]
    aws("events").put_rule(Name="all", EventPattern='{"source":["chat"]}')
    aws("events").put_targets(Rule="all", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:events"}])
    template = '{"Entries":[{"Source":"chat","DetailType":"said","Detail":"$util.escapeJavaScript($input.body)"}]}'
    answer = call("events:action/PutEvents", template, {"text": "hi"}, parameters=target("AWSEvents.PutEvents"))
    assert json.loads(answer)["FailedEntryCount"] == 0
    (message,) = aws("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["detail"] == {"action": "go", "text": "hi"}


def test_kinesis(aws, call):
    aws("kinesis").create_stream(StreamName="stream", ShardCount=1)
    template = '{"StreamName":"stream","PartitionKey":"$context.connectionId","Data":"$util.base64Encode($input.body)"}'
    answer = json.loads(call("kinesis:action/PutRecord", template, {"text": "hi"}, parameters=target("Kinesis_20131202.PutRecord")))
    start = {"StreamName": "stream", "ShardId": answer["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = aws("kinesis").get_shard_iterator(**start)["ShardIterator"]
    (record,) = aws("kinesis").get_records(ShardIterator=iterator)["Records"]
    assert json.loads(record["Data"]) == {"action": "go", "text": "hi"}


def test_firehose(aws, call):
    aws("s3").create_bucket(Bucket="firehose")
    destination = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::firehose"}
    aws("firehose").create_delivery_stream(DeliveryStreamName="hose", S3DestinationConfiguration=destination)
    template = '{"DeliveryStreamName":"hose","Record":{"Data":"$util.base64Encode($input.body)"}}'
    answer = call("firehose:action/PutRecord", template, {"text": "hi"}, parameters=target("Firehose_20150804.PutRecord"))
    assert "RecordId" in json.loads(answer)
    (stored,) = aws("s3").list_objects_v2(Bucket="firehose")["Contents"]
    body = aws("s3").get_object(Bucket="firehose", Key=stored["Key"])["Body"].read()
    assert json.loads(body) == {"action": "go", "text": "hi"}


def test_step_functions(aws, call):
    definition = '{"StartAt":"a","States":{"a":{"Type":"Pass","End":true}}}'
    arn = aws("stepfunctions").create_state_machine(name="steps", definition=definition, roleArn=ROLE)["stateMachineArn"]
    template = '{"stateMachineArn":"%s","input":"$util.escapeJavaScript($input.body)"}' % arn
    answer = json.loads(call("states:action/StartExecution", template, {"text": "hi"}, parameters=JSON))
    execution = aws("stepfunctions").describe_execution(executionArn=answer["executionArn"])
    assert json.loads(execution["input"]) == {"action": "go", "text": "hi"}


def test_step_functions_that_are_waited_for(call, services):
    """moto does not have this operation: what counts is the host, and the signature, which `call` looks at."""
    call("states:action/StartSyncExecution", "{}", {}, parameters=JSON)
    sent = services.calls[-1]
    assert sent.headers["Host"] == f"sync-states.{REGION}.amazonaws.com"
    assert sent.headers["X-Amz-Target"] == "AWSStepFunctions.StartSyncExecution"


def test_s3(aws, call, services):
    aws("s3").create_bucket(Bucket="bucket")
    parameters = {
        "integration.request.path.key": "route.request.body.key",
        "integration.request.header.Content-Type": "'text/plain'",
    }
    message = {"key": "a b@c", "text": "grüße"}
    # Its answer is empty, and an empty answer is no message.
    answer = call("s3:path/bucket/{key}", "$input.path('$.text')", message, method="PUT", parameters=parameters, answered="stored")
    assert answer == "stored"
    stored = aws("s3").get_object(Bucket="bucket", Key="a b@c")
    assert stored["Body"].read().decode() == "grüße" and stored["ContentType"] == "text/plain"
    assert services.calls[-1].service == "s3"


def test_a_role_is_taken_where_sts_is(start_gateway, services, aws, call):
    url = aws("sqs").create_queue(QueueName="roles")["QueueUrl"]
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    keys |= {"AWS_ENDPOINT_URL": services.url, "AWS_ENDPOINT_URL_STS": services.url}
    gateway = start_gateway(environment=keys)
    gateway.wait_for_line(lambda line: f"services of AWS are called at {services.url} (AWS_ENDPOINT_URL)" in line, "where services are")
    template = "Action=SendMessage&MessageBody=hi"
    before = len(services.calls)
    for _ in range(2):
        call(f"sqs:path/{ACCOUNT}/roles", template, {}, parameters=FORM, to=gateway)
    came = services.calls[before:]
    assert [one.service for one in came] == ["sts", "sqs", "sqs"]
    assert came[0].key == KEY and b"RoleSessionName=BackplaneAssumeRoleSession" in came[0].body
    assert came[1].key == came[2].key != KEY and came[1].headers["X-Amz-Security-Token"]
    assert len(aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 2


def test_without_sts_the_own_key_signs_and_that_is_said(gateway, aws, call):
    aws("sqs").create_queue(QueueName="own")
    call(f"sqs:path/{ACCOUNT}/own", "Action=SendMessage&MessageBody=hi", {}, parameters=FORM)
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
