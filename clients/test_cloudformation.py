"""CloudFormation's API and what deployers call besides, with the unmodified AWS CLI and boto3."""

import json
import os
import random
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

from harness.aws import CLI_PATIENCE, CONFIG, CREDENTIALS, REGION, cli_environment, control
from harness.clients import open_websocket
from harness.frames import Wire
from harness.gateway import Gateway
from harness.until import until

MOCK = """
Description: "a <chat> & 'friends'"
Parameters:
  Word: {{Type: String, Default: one}}
  Secret: {{Type: String, NoEcho: true, Default: sesame}}
  Needed: {{Type: String{needed}}}
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {{Name: !Ref AWS::StackName, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}}
  Mock:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {{ApiId: !Ref Api, IntegrationType: MOCK, RequestTemplates: {{"200": '{{"statusCode": 200}}'}}, TemplateSelectionExpression: "200"}}
  Join:
    Type: AWS::ApiGatewayV2::Route
    Properties: {{ApiId: !Ref Api, RouteKey: join, Target: !Sub 'integrations/${{Mock}}'}}
  Dev:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {{ApiId: !Ref Api, StageName: dev, AutoDeploy: true, StageVariables: {{word: !Ref Word}}}}
  Table: {{Type: AWS::DynamoDB::Table, Properties: {{KeySchema: []}}}}
{more}
Outputs:
  ApiId: {{Value: !Ref Api}}
  Word: {{Value: !Ref Word, Description: "<b>", Export: {{Name: !Sub '${{AWS::StackName}}-word'}}}}
"""
LEAVE = """
  Leave:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: leave
      Target: {target}
"""
# A second route of one key.
BAD = LEAVE.replace("RouteKey: leave", "RouteKey: join").format(target="!Sub 'integrations/${Mock}'")
FUNCTION = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Word: {Type: String, Default: hello}
Resources:
  Chat:
    Type: AWS::Serverless::Function
    Properties: {Runtime: nodejs20.x, Handler: index.handler, CodeUri: ./code, Environment: {Variables: {WORD: !Ref Word}}}
  Ws:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: dev
      Routes:
        $connect: {FunctionArn: !GetAtt Chat.Arn}
        say: {FunctionArn: !GetAtt Chat.Arn, RouteResponseSelectionExpression: $default}
Outputs:
  ApiId: {Value: !Ref Ws}
"""
HANDLER = """
import { word } from './lib/word.mjs'
export const handler = async (event) => ({ statusCode: 200, body: `${process.env.WORD} ${word} ${event.requestContext.routeKey}` })
"""


def mock(more="", needed=", Default: there"):
    return MOCK.format(more=more, needed=needed)


def client(gateway, service="cloudformation", **keys):
    return boto3.session.Session(region_name=REGION, **(keys or CREDENTIALS)).client(service, endpoint_url=gateway.url, config=CONFIG)


@pytest.fixture(scope="module")
def cloudformation(gateway):
    return client(gateway)


@pytest.fixture
def name(request):
    """A stack's name that belongs to one test alone."""
    letters = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    return letters.strip("-").replace("_", "-")[-60:].lstrip("-0123456789")


def aws(gateway, *words, cwd=None, ends=0):
    if words[0] == "deploy":
        # The CLI calls change sets by the second, and one that has nothing to do stays, here as on AWS.
        second = int(time.time())
        until(lambda: int(time.time()) > second, "the next second")
    done = subprocess.run(
        ["aws", "cloudformation", *words], env=cli_environment(gateway.url), cwd=cwd, capture_output=True, text=True, timeout=CLI_PATIENCE, check=False
    )
    assert done.returncode == ends, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def stack(gateway, name):
    return client(gateway).describe_stacks(StackName=name)["Stacks"][0]


def outputs(of):
    return {output["OutputKey"]: output["OutputValue"] for output in of["Outputs"]}


def routes(gateway, api):
    return {route["RouteKey"] for route in control(gateway.url).get_routes(ApiId=api)["Items"]}


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def test_aws_cloudformation_deploy_goes_all_of_its_way(gateway, name, tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text(mock())
    # Without tags it asks for there to be none.
    deploy = ("deploy", "--template-file", str(template), "--stack-name", name, "--tags", "team=a & b")
    assert "Successfully created/updated stack" in aws(gateway, *deploy)
    aws(gateway, "wait", "stack-create-complete", "--stack-name", name)
    first = stack(gateway, name)
    assert first["StackStatus"] == "CREATE_COMPLETE" and first["Tags"] == [{"Key": "team", "Value": "a & b"}]
    assert first["Description"] == "a <chat> & 'friends'"
    api = outputs(first)["ApiId"]
    assert routes(gateway, api) == {"join"}
    assert "No changes to deploy" in aws(gateway, *deploy, ends=255)
    assert "No changes to deploy" in aws(gateway, *deploy, "--no-fail-on-empty-changeset")
    template.write_text(mock(LEAVE.format(target="!Sub 'integrations/${Mock}'")))
    aws(gateway, *deploy, "--parameter-overrides", "Word=two")
    second = stack(gateway, name)
    assert second["StackStatus"] == "UPDATE_COMPLETE" and outputs(second) == {"ApiId": api, "Word": "two"}
    assert routes(gateway, api) == {"join", "leave"} and second["Tags"] == first["Tags"]
    # What is not said again stays: `deploy` sends UsePreviousValue.
    template.write_text(mock())
    aws(gateway, *deploy)
    assert outputs(stack(gateway, name))["Word"] == "two"
    told = json.loads(aws(gateway, "describe-stack-events", "--stack-name", name, "--output", "json"))["StackEvents"]
    assert (told[0]["ResourceStatus"], told[0]["LogicalResourceId"]) == ("UPDATE_COMPLETE", name)
    assert {"Leave", "Join", "Table"} <= {event["LogicalResourceId"] for event in told}
    assert len({event["EventId"] for event in told}) == len(told)
    aws(gateway, "delete-stack", "--stack-name", name)
    aws(gateway, "wait", "stack-delete-complete", "--stack-name", name)
    assert f"Stack with id {name} does not exist" in aws(gateway, "describe-stacks", "--stack-name", name, ends=255)
    assert stack(gateway, first["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert api not in {item["ApiId"] for item in control(gateway.url).get_apis()["Items"]}


def test_a_stack_that_cannot_be_made_says_why_and_leaves_nothing(gateway, name, tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text(mock(BAD))
    deploy = ("deploy", "--template-file", str(template), "--stack-name", name)
    assert "Failed to create/update the stack" in aws(gateway, *deploy, ends=255)
    failed = stack(gateway, name)
    assert failed["StackStatus"] == "ROLLBACK_COMPLETE" and "[Leave]" in failed["StackStatusReason"]
    events = client(gateway).describe_stack_events(StackName=name)["StackEvents"]
    line = mock(BAD).split("\n").index("      RouteKey: join") + 1
    reason = next(event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED")
    assert "Resources.Leave.Properties.RouteKey" in reason and f"line {line}," in reason
    assert name not in {item["Name"] for item in control(gateway.url).get_apis()["Items"]}
    assert "ROLLBACK_COMPLETE state and can not be updated" in aws(gateway, *deploy, ends=255)
    aws(gateway, "delete-stack", "--stack-name", name)
    template.write_text(mock())
    aws(gateway, *deploy)
    # A change that fails leaves the stack as it was, and it can be changed again.
    template.write_text(mock(BAD))
    aws(gateway, *deploy, ends=255)
    failed = stack(gateway, name)
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE" and routes(gateway, outputs(failed)["ApiId"]) == {"join"}
    events = client(gateway).describe_stack_events(StackName=name)["StackEvents"]
    assert f"line {line}," in next(event["ResourceStatusReason"] for event in events if event["LogicalResourceId"] == "Leave")
    template.write_text(mock(LEAVE.format(target="!Sub 'integrations/${Mock}'")))
    aws(gateway, *deploy)
    assert stack(gateway, name)["StackStatus"] == "UPDATE_COMPLETE"


@pytest.mark.parametrize(("option", "status"), [({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED"), ({"OnFailure": "DELETE"}, "DELETE_COMPLETE")])
def test_what_fails_ends_as_it_was_asked_to(gateway, cloudformation, name, option, status):
    made = cloudformation.create_stack(StackName=name, TemplateBody=mock(BAD), **option)
    assert stack(gateway, made["StackId"])["StackStatus"] == status
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"MaxAttempts": 1})


def test_functions_that_were_packaged_run_here_also_after_a_restart(tmp_path):
    code = tmp_path / "code" / "lib"
    code.mkdir(parents=True)
    (code.parent / "index.mjs").write_text(HANDLER)
    (code / "word.mjs").write_text("export const word = 'packaged'\n")
    # More than goes in one part.
    (code / "ballast.bin").write_bytes(random.Random(7).randbytes(9 * 1024 * 1024))
    (tmp_path / "template.yaml").write_text(FUNCTION)
    gateway = Gateway(tmp_path / "data")
    package = ("package", "--template-file", "template.yaml", "--s3-bucket", "assets", "--output-template-file", "packaged.yaml")
    deploy = ("deploy", "--template-file", "packaged.yaml", "--stack-name", "chat", "--capabilities", "CAPABILITY_IAM")

    def says(word):
        url = f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/{outputs(stack(gateway, 'chat'))['ApiId']}/dev"
        with open_websocket(url) as websocket:
            websocket.send('{"action": "say"}')
            assert websocket.recv(timeout=20) == f"{word} say"

    aws(gateway, *package, cwd=tmp_path)
    aws(gateway, *deploy, cwd=tmp_path)
    says("hello packaged")
    # What was uploaded counts, and not what the folder has become since.
    (code / "word.mjs").write_text("export const word = 'edited'\n")
    aws(gateway, *deploy, "--parameter-overrides", "Word=good day", cwd=tmp_path)
    says("good day packaged")
    aws(gateway, *package, cwd=tmp_path)
    # By TemplateURL.
    aws(gateway, *deploy, "--s3-bucket", "templates", cwd=tmp_path)
    says("good day edited")
    gateway.kill()
    gateway = Gateway(tmp_path / "data")
    says("good day edited")
    gateway.stop()


def test_change_sets_are_made_told_and_executed(gateway, cloudformation, name):
    first = {"StackName": name, "ChangeSetName": "first", "TemplateBody": mock(needed="")}
    assert refused(cloudformation.create_change_set, **first) == ("ValidationError", f"Stack [{name}] does not exist")
    needed = [{"ParameterKey": "Needed", "ParameterValue": "<&>"}]
    text = "Parameters: [Needed] must have values"
    assert refused(cloudformation.create_change_set, **first, ChangeSetType="CREATE") == ("ValidationError", text)
    made = cloudformation.create_change_set(**first, ChangeSetType="CREATE", Parameters=needed, Tags=[{"Key": "k", "Value": "v"}], ClientToken="t")
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])
    assert stack(gateway, name)["StackStatus"] == "REVIEW_IN_PROGRESS"
    again = cloudformation.create_change_set(**first, ChangeSetType="CREATE", Parameters=needed, ClientToken="t")
    assert again["Id"] == made["Id"]
    assert refused(cloudformation.create_change_set, **first, ChangeSetType="CREATE", Parameters=needed)[0] == "AlreadyExistsException"
    told = cloudformation.describe_change_set(ChangeSetName="first", StackName=name)
    changes = {change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"]["Action"] for change in told["Changes"]}
    assert changes == dict.fromkeys(["Api", "Mock", "Join", "Dev", "Table"], "Add") and told["ExecutionStatus"] == "AVAILABLE"
    assert {"ParameterKey": "Secret", "ParameterValue": "****"} in told["Parameters"]
    assert cloudformation.get_template(StackName=name, ChangeSetName="first")["TemplateBody"] == mock(needed="")
    summaries = cloudformation.get_paginator("list_change_sets").paginate(StackName=name).build_full_result()["Summaries"]
    assert [summary["ChangeSetName"] for summary in summaries] == ["first"]
    cloudformation.execute_change_set(ChangeSetName="first", StackName=name)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name)
    assert stack(gateway, name)["ChangeSetId"] == made["Id"]
    assert refused(cloudformation.execute_change_set, ChangeSetName=made["Id"])[0] == "InvalidChangeSetStatus"
    previous = [{"ParameterKey": "Needed", "UsePreviousValue": True}, {"ParameterKey": "Word", "ParameterValue": "two"}]
    update = {"StackName": name, "ChangeSetName": "second", "UsePreviousTemplate": True}
    cloudformation.create_change_set(**update, Parameters=previous)
    told = cloudformation.describe_change_set(ChangeSetName="second", StackName=name)
    (change,) = (change["ResourceChange"] for change in told["Changes"])
    assert (change["Action"], change["LogicalResourceId"], change["Replacement"]) == ("Modify", "Dev", "False")
    assert [detail["Target"]["Name"] for detail in change["Details"]] == ["StageVariables"]
    cloudformation.create_change_set(**{**update, "ChangeSetName": "third"}, Parameters=previous[:1])
    nothing = cloudformation.describe_change_set(ChangeSetName="third", StackName=name)
    assert nothing["Status"] == "FAILED" and nothing["StatusReason"].startswith("The submitted information didn't contain changes.")
    assert refused(cloudformation.execute_change_set, ChangeSetName="third", StackName=name)[0] == "InvalidChangeSetStatus"
    cloudformation.execute_change_set(ChangeSetName="second", StackName=name)
    assert outputs(stack(gateway, name))["Word"] == "two"
    code, text = refused(cloudformation.describe_change_set, ChangeSetName="third", StackName=name)
    assert (code, text) == ("ChangeSetNotFound", "ChangeSet [third] does not exist"), "what was made for another state goes"
    cloudformation.delete_change_set(ChangeSetName="third", StackName=name)


def test_stacks_are_told_in_all_of_their_parts(gateway, cloudformation, name):
    made = cloudformation.create_stack(StackName=name, TemplateBody=mock(), ClientRequestToken="once", EnableTerminationProtection=True)
    assert cloudformation.create_stack(StackName=name, TemplateBody=mock(), ClientRequestToken="once")["StackId"] == made["StackId"]
    assert refused(cloudformation.create_stack, StackName=name, TemplateBody=mock()) == ("AlreadyExistsException", f"Stack [{name}] already exists")
    assert refused(cloudformation.update_stack, StackName=name, TemplateBody=mock()) == ("ValidationError", "No updates are to be performed.")
    assert refused(cloudformation.update_stack, StackName="none", TemplateBody=mock()) == ("ValidationError", "Stack [none] does not exist")
    listed = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name).build_full_result()["StackResourceSummaries"]
    physical = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in listed}
    assert set(physical) == {"Api", "Mock", "Join", "Dev", "Table"} and physical["Dev"] == "dev"
    assert {resource["ResourceStatus"] for resource in listed} == {"CREATE_COMPLETE"}
    (one,) = cloudformation.describe_stack_resources(PhysicalResourceId=physical["Api"])["StackResources"]
    assert (one["StackName"], one["ResourceType"]) == (name, "AWS::ApiGatewayV2::Api")
    detail = cloudformation.describe_stack_resource(StackName=name, LogicalResourceId="Api")["StackResourceDetail"]
    assert detail["PhysicalResourceId"] == outputs(stack(gateway, name))["ApiId"]
    missing = refused(cloudformation.describe_stack_resource, StackName=name, LogicalResourceId="None")
    assert missing == ("ValidationError", f"Resource None does not exist for stack {name}")
    exports = cloudformation.get_paginator("list_exports").paginate().build_full_result()["Exports"]
    assert {"ExportingStackId": made["StackId"], "Name": f"{name}-word", "Value": "one"} in exports
    summary = cloudformation.get_template_summary(StackName=name)
    assert "AWS::DynamoDB::Table" in summary["ResourceTypes"] and len(summary["Parameters"]) == 3
    assert cloudformation.get_template(StackName=name)["TemplateBody"] == mock()
    pages = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["CREATE_COMPLETE"])
    assert name in {item["StackName"] for item in pages.build_full_result()["StackSummaries"]}
    assert "TerminationProtection" in refused(cloudformation.delete_stack, StackName=name)[1]
    cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName=made["StackId"])
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name)


def test_templates_are_validated_and_shown_after_their_transforms(cloudformation, name):
    valid = cloudformation.validate_template(TemplateBody=FUNCTION)
    assert valid["Capabilities"] == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"] and valid["Parameters"][0]["DefaultValue"] == "hello"
    for body, part in [("Resources: [", "line "), ("{}", "at least one resource"), ("Resources: {A: {Type: X, Properties: {B: !Ref None}}}", "None")]:
        code, text = refused(cloudformation.validate_template, TemplateBody=body)
        assert code == "ValidationError" and part in text, text
    cloudformation.create_stack(StackName=name, TemplateBody=FUNCTION.replace("./code", "/none"))
    processed = cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
    assert "AWS::ApiGatewayV2::Api" in json.dumps(processed)
    assert "Serverless::WebSocketApi" in cloudformation.get_template(StackName=name)["TemplateBody"]


def test_many_events_and_resources_come_in_pages(cloudformation, name):
    routes = "".join(LEAVE.replace("Leave", f"Leave{n}").replace("leave", f"leave{n}").format(target="!Sub 'integrations/${Mock}'") for n in range(150))
    cloudformation.create_stack(StackName=name, TemplateBody=mock(routes))
    listed = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name).build_full_result()["StackResourceSummaries"]
    assert len({resource["LogicalResourceId"] for resource in listed}) == len(listed) == 155
    pages = list(cloudformation.get_paginator("describe_stack_events").paginate(StackName=name))
    events = [event for page in pages for event in page["StackEvents"]]
    assert len(pages) == 2 and len({event["EventId"] for event in events}) == len(events) == 157
    assert events[0]["ResourceStatus"] == "CREATE_COMPLETE" and events[-1]["ResourceStatus"] == "CREATE_IN_PROGRESS"
    for token in ("nobody-gave-this", "<x>"):
        assert refused(cloudformation.list_stack_resources, StackName=name, NextToken=token)[0] == "ValidationError"


def test_neighbours_answer_deployers(gateway, tmp_path):
    assert client(gateway, "sts").get_caller_identity()["Account"] == "000000000000"
    role = client(gateway, "sts").assume_role(RoleArn="arn:aws:iam::000000000000:role/deploy", RoleSessionName="me")
    taken = client(gateway, "sts", aws_access_key_id=role["Credentials"]["AccessKeyId"], aws_secret_access_key="x", aws_session_token="y")
    assert taken.get_caller_identity()["Account"] == "000000000000"
    ssm = client(gateway, "ssm")
    names = ["/cdk-bootstrap/hnb659fds/version", "/other"]
    answer = ssm.get_parameters(Names=names)
    assert int(answer["Parameters"][0]["Value"]) > 20 and answer["InvalidParameters"] == ["/other"]
    assert refused(ssm.get_parameter, Name="/other")[0] == "ParameterNotFound"
    assert refused(ssm.delete_parameter, Name="/other")[0] == "UnknownOperationException"
    s3 = client(gateway, "s3")
    s3.head_bucket(Bucket="some-bucket")
    s3.create_bucket(Bucket="some-bucket")
    assert s3.get_bucket_location(Bucket="some-bucket")["LocationConstraint"] is None
    key = "a folder/+ä&<.txt"
    s3.put_object(Bucket="some-bucket", Key=key, Body=b"0123456789", ContentType="text/x")
    head = s3.head_object(Bucket="some-bucket", Key=key)
    assert (head["ContentLength"], head["ContentType"]) == (10, "text/x")
    assert s3.get_object(Bucket="some-bucket", Key=key)["Body"].read() == b"0123456789"
    assert s3.get_object(Bucket="some-bucket", Key=key, Range="bytes=2-4")["Body"].read() == b"234"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="some-bucket", Prefix="a ")["Contents"]] == [key]
    large = tmp_path / "large"
    large.write_bytes(random.Random(3).randbytes(20 * 1024 * 1024))
    s3.upload_file(str(large), "some-bucket", "large")
    s3.download_file("some-bucket", "large", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    s3.delete_objects(Bucket="some-bucket", Delete={"Objects": [{"Key": key}, {"Key": "large"}]})
    assert refused(s3.get_object, Bucket="some-bucket", Key=key)[0] == "NoSuchKey"
    assert refused(s3.head_object, Bucket="some-bucket", Key=key)[0] == "404"
    assert refused(s3.put_bucket_policy, Bucket="some-bucket", Policy="{}")[0] == "NotImplemented"
    # Whose name says that it is no object's path keeps its meaning for those who do not sign for S3.
    s3.put_object(Bucket="v2", Key="apis", Body=b"x")
    assert s3.get_object(Bucket="v2", Key="apis")["Body"].read() == b"x"
    assert "Items" in control(gateway.url).get_apis()


def test_an_archive_that_would_leave_its_folder_is_not_unpacked(gateway, cloudformation, name, tmp_path):
    archive = tmp_path / "slip.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../slipped.mjs", "x")
    client(gateway, "s3").upload_file(str(archive), "assets", "slip.zip")
    mark = gateway.mark()
    cloudformation.create_stack(StackName=name, TemplateBody=FUNCTION.replace("./code", "s3://assets/slip.zip"))
    gateway.wait_for_line(lambda line: "would be outside" in line, "why the function does not run", since=mark)
    assert stack(gateway, name)["StackStatus"] == "CREATE_COMPLETE"


def raw(gateway, body, content_type="application/x-www-form-urlencoded"):
    """A call as no SDK makes it: status and text."""
    request = urllib.request.Request(gateway.url + "/", data=body, headers={"Content-Type": content_type}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_calls_that_are_none_are_told_so_in_xml(gateway, cloudformation, name):
    for body, code in [
        (b"Action=Foo%3Cb%3E&Version=2010-05-15", "<Code>InvalidAction</Code><Message>Could not find operation Foo&lt;b&gt; for version 2010-05-15"),
        (b"Action=CreateStack&Version=1999-01-01", "<Code>InvalidAction</Code>"),
        (b"Version=2010-05-15", "<Code>MissingAction</Code>"),
        (b"", "<Code>MissingAction</Code>"),
        (b"Action=%ff", "<Code>MalformedInput</Code>"),
        (b"Action=DescribeStacks&StackName=%00%1b%3C", "<Code>ValidationError</Code>"),
        (b"&".join(b"a%d=1" % n for n in range(20_000)), "<Code>MalformedInput</Code>"),
        (b"Action=CreateStack&StackName=a", "<Code>ValidationError</Code>"),
        (b"Action=CreateStack&StackName=a&TemplateBody=x&TemplateURL=y", "<Code>ValidationError</Code>"),
        (b"Action=CreateStack&StackName=a&TemplateURL=https://example.com/t.yaml", "<Code>ValidationError</Code>"),
        (b"Action=CreateStack&StackName=a&TemplateURL=file:///etc/passwd", "<Code>ValidationError</Code>"),
        (b"Action=CreateStack&StackName=a&TemplateBody=" + b"x" * 1_100_000, "<Code>ValidationError</Code>"),
        (b"Action=CreateStack&StackName=a&TemplateBody=" + b"%26" * 2_000_000, "<Code>RequestEntityTooLarge</Code>"),
        (b"Action=CreateStack&StackName=a&TemplateBody=" + b"[" * 500_000, "<Code>ValidationError</Code>"),
        (b"Action=ListStacks&StackStatusFilter.member.1=NONE", "<Code>ValidationError</Code>"),
        (b"Action=ListStacks&NextToken=" + b"x" * 2_000, "less than or equal to 1024"),
    ]:
        status, text = raw(gateway, body)
        assert status >= 400 and code in text and text.startswith("<ErrorResponse"), (body[:60], status, text[:300])
    assert not [item for item in cloudformation.list_stacks()["StackSummaries"] if item["StackName"] == "a"]
    # A page of another site cannot call either.
    with Wire(gateway.port) as wire:
        wire.send(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 17\r\n\r\nAction=ListStacks")
        assert wire.read_answer().status == 403


def test_ten_deploys_of_one_stack_at_once_end_in_one_of_them(gateway, cloudformation, name):
    def one(n):
        mine = client(gateway)
        word = [{"ParameterKey": "Word", "ParameterValue": f"w{n}"}]
        try:
            mine.create_stack(StackName=name, TemplateBody=mock(), Parameters=word)
            return "created"
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AlreadyExistsException", error
            mine.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=word)
            return "updated"

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(one, range(10))) == ["created"] + ["updated"] * 9
    made = stack(gateway, name)
    api = outputs(made)["ApiId"]
    stage = control(gateway.url).get_stage(ApiId=api, StageName="dev")
    assert made["StackStatus"] == "UPDATE_COMPLETE" and stage["StageVariables"] == {"word": outputs(made)["Word"]}
    assert [item["ApiId"] for item in control(gateway.url).get_apis()["Items"] if item["Name"] == name] == [api]


def test_a_program_that_is_killed_between_leaves_nothing_half(tmp_path):
    rounds = random.Random(13)
    gateway = Gateway(tmp_path)
    for n in range(4):
        mine, ended = client(gateway), threading.Event()

        def deploy(mine=mine, n=n, ended=ended):
            try:
                for m in range(1_000):
                    word = [{"ParameterKey": "Word", "ParameterValue": f"w{n}-{m}"}]
                    try:
                        mine.create_stack(StackName=f"s{m % 7}", TemplateBody=mock(), Parameters=word)
                    except ClientError:
                        mine.update_stack(StackName=f"s{m % 7}", TemplateBody=mock(LEAVE.format(target="!Sub 'integrations/${Mock}'") if m % 2 else ""), Parameters=word)
            except Exception:  # noqa: BLE001 - the program is gone, which is the point
                ended.set()

        thread = threading.Thread(target=deploy, daemon=True)
        thread.start()
        wanted = rounds.randint(1, 12)
        until(lambda wanted=wanted, mine=mine: len(events(mine)) > wanted * 7, "some stacks")
        gateway.kill()
        assert ended.wait(30)
        gateway = Gateway(tmp_path)
        apis = {item["Name"]: item["ApiId"] for item in control(gateway.url).get_apis()["Items"]}
        there = client(gateway).describe_stacks()["Stacks"]
        assert {made["StackName"]: outputs(made)["ApiId"] for made in there} == apis
        for made in there:
            assert made["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
            stage = control(gateway.url).get_stage(ApiId=apis[made["StackName"]], StageName="dev")
            assert stage["StageVariables"] == {"word": outputs(made)["Word"]}
    gateway.stop()


def events(mine):
    return [event for made in mine.describe_stacks()["Stacks"] for event in mine.describe_stack_events(StackName=made["StackName"])["StackEvents"]]


def test_whoever_calls_is_checked_and_told_in_the_form_of_the_service(tmp_path):
    policies = {
        "ADMIN": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        "CHAT": [{"Effect": "Allow", "Action": "cloudformation:*", "Resource": f"arn:aws:cloudformation:{REGION}:000000000000:stack/chat/*"}],
    }
    keys = [
        f'[[access_key]]\nid = "{name}"\nsecret = "sesame"\nuser = "{name.lower()}"\npolicies = [\'{json.dumps({"Version": "2012-10-17", "Statement": statements})}\']\n'
        for name, statements in policies.items()
    ]
    file = tmp_path / "credentials.toml"
    file.write_text("\n".join(keys))
    gateway = Gateway(tmp_path / "data", "--credentials", str(file))

    def of(service, identity, secret="sesame"):
        return client(gateway, service, aws_access_key_id=identity, aws_secret_access_key=secret)

    of("cloudformation", "CHAT").create_stack(StackName="chat", TemplateBody=mock())
    code, text = refused(of("cloudformation", "CHAT").create_stack, StackName="other", TemplateBody=mock())
    assert code == "AccessDenied" and "cloudformation:CreateStack" in text and "stack/other/" in text
    assert refused(of("cloudformation", "ADMIN", "wrong").describe_stacks)[0] == "SignatureDoesNotMatch"
    assert refused(of("cloudformation", "UNKNOWN").describe_stacks)[0] == "InvalidClientTokenId"
    assert of("sts", "CHAT").get_caller_identity()["Arn"].endswith(":user/chat")
    assert refused(of("sts", "ADMIN").assume_role, RoleArn="arn:aws:iam::000000000000:role/x", RoleSessionName="me")[0] == "AccessDenied"
    assert of("ssm", "ADMIN").get_parameter(Name="/cdk-bootstrap/x/version")["Parameter"]["Type"] == "String"
    assert refused(of("ssm", "CHAT").get_parameter, Name="/cdk-bootstrap/x/version")[0] == "AccessDeniedException"
    s3 = of("s3", "ADMIN")
    key = "a folder/+=:@ä.txt"
    s3.put_object(Bucket="b", Key=key, Body=b"x" * 100)
    assert s3.get_object(Bucket="b", Key=key)["Body"].read() == b"x" * 100
    four = boto3.session.Session("ADMIN", "sesame", region_name=REGION).client("s3", endpoint_url=gateway.url, config=CONFIG.merge(Config(signature_version="s3v4")))
    link = four.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": key})
    assert urllib.request.urlopen(link, timeout=20).read() == b"x" * 100
    with pytest.raises(urllib.error.HTTPError) as wrong:
        urllib.request.urlopen(link.replace(urllib.parse.quote("a folder"), "b"), timeout=20)
    assert wrong.value.code == 403 and b"<Code>SignatureDoesNotMatch</Code>" in wrong.value.read()
    assert refused(of("s3", "CHAT").get_object, Bucket="b", Key=key)[0] == "AccessDenied"
    status, text = raw(gateway, b"Action=ListStacks")
    assert status == 403 and "<Code>MissingAuthenticationToken</Code>" in text
    gateway.stop()


# Heavy tools, where they are named (README.md).
CDK_APP = """
const cdk = require('aws-cdk-lib')
const { WebSocketApi, WebSocketStage } = require('aws-cdk-lib/aws-apigatewayv2')
const { WebSocketLambdaIntegration } = require('aws-cdk-lib/aws-apigatewayv2-integrations')
const lambda = require('aws-cdk-lib/aws-lambda')
const stack = new cdk.Stack(new cdk.App(), 'CdkChat', { env: { account: '000000000000', region: 'us-east-1' } })
const chat = new lambda.Function(stack, 'Chat', {
  runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromAsset('code'), environment: { WORD: process.env.WORD },
})
const api = new WebSocketApi(stack, 'Api')
api.addRoute('say', { integration: new WebSocketLambdaIntegration('Say', chat), returnResponse: true })
new WebSocketStage(stack, 'Dev', { webSocketApi: api, stageName: 'dev', autoDeploy: true })
new cdk.CfnOutput(stack, 'ApiId', { value: api.apiId })
"""
PLAIN_HANDLER = "exports.handler = async (event) => ({ statusCode: 200, body: `${process.env.WORD} ${event.requestContext.routeKey}` })\n"
HEAVY_PATIENCE = 180


def heavy(gateway, command, cwd, **more):
    environment = {**cli_environment(gateway.url), "CDK_DISABLE_CLI_TELEMETRY": "true", "SAM_CLI_TELEMETRY": "0", **more}
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=HEAVY_PATIENCE, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def says(gateway, name, expected):
    url = f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/{outputs(stack(gateway, name))['ApiId']}/dev"
    with open_websocket(url) as websocket:
        websocket.send('{"action": "say"}')
        assert websocket.recv(timeout=20) == expected


@pytest.mark.timeout(4 * HEAVY_PATIENCE)
def test_cdk_deploys_changes_and_destroys(gateway, tmp_path):
    packages = os.environ.get("GATEWRIGHT_CDK")
    if not packages:
        pytest.skip("GATEWRIGHT_CDK names no node_modules with aws-cdk and aws-cdk-lib (README.md)")
    (tmp_path / "node_modules").symlink_to(packages)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "index.js").write_text(PLAIN_HANDLER)
    (tmp_path / "app.js").write_text(CDK_APP)
    (tmp_path / "cdk.json").write_text('{"app": "node app.js"}')
    cdk = [f"{packages}/.bin/cdk", "--no-notices"]
    deploy = [*cdk, "deploy", "--require-approval", "never"]
    heavy(gateway, deploy, tmp_path, WORD="one")
    says(gateway, "CdkChat", "one say")
    assert "(no changes)" in heavy(gateway, deploy, tmp_path, WORD="one")
    heavy(gateway, deploy, tmp_path, WORD="two")
    says(gateway, "CdkChat", "two say")
    heavy(gateway, [*cdk, "destroy", "--force"], tmp_path, WORD="two")
    assert refused(client(gateway).describe_stacks, StackName="CdkChat")[1] == "Stack with id CdkChat does not exist"


@pytest.mark.timeout(4 * HEAVY_PATIENCE)
def test_sam_deploys_into_a_bucket_of_its_own_and_deletes(gateway, tmp_path):
    sam = os.environ.get("GATEWRIGHT_SAM")
    if not sam:
        pytest.skip("GATEWRIGHT_SAM names no sam (README.md)")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "index.js").write_text(PLAIN_HANDLER)
    (tmp_path / "template.yaml").write_text(FUNCTION)
    deploy = [sam, "deploy", "--stack-name", "sam-chat", "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--region", REGION]
    assert "Successfully created/updated stack" in heavy(gateway, deploy, tmp_path)
    says(gateway, "sam-chat", "hello say")
    assert "No changes to deploy" in heavy(gateway, [*deploy, "--no-fail-on-empty-changeset"], tmp_path)
    heavy(gateway, [sam, "delete", "--stack-name", "sam-chat", "--no-prompts", "--region", REGION], tmp_path)
    assert refused(client(gateway).describe_stacks, StackName="sam-chat")[1] == "Stack with id sam-chat does not exist"
