"""CloudWatch's reading calls on the same endpoint: the AWS CLI, boto3 and the three protocols of its clients."""

import datetime
import json
import subprocess
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness.aws import Api, cli_environment
from harness.frames import RawClient
from harness.until import PATIENCE, until

ACCESS = "arn:aws:logs:us-east-1:000000000000:log-group:access-of-chat"


def client(gateway, service):
    """boto3's client of a service of this gateway."""
    return boto3.client(
        service, endpoint_url=gateway.url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture(scope="module")
def chat(start_gateway, backend):
    """An API that logs, and what a client said to it."""
    gateway = start_gateway()
    api = Api(gateway, name="logged")
    api.route("say", api.integration("HTTP_PROXY", f"{backend.url}/say"), two_way=True)
    api.deploy(
        DefaultRouteSettings={"LoggingLevel": "INFO", "DataTraceEnabled": True, "DetailedMetricsEnabled": True},
        AccessLogSettings={"DestinationArn": ACCESS, "Format": '{"id": "$context.requestId", "status": "$context.status", "route": "$context.routeKey", "event": "$context.eventType"}'},
    )
    with RawClient(gateway.port, api.target) as one:
        for number in range(5):
            one.text(json.dumps({"action": "say", "number": number}))
            one.read_frame()
        one.text('{"action": "nowhere"}')
        one.read_frame()
    group = f"/aws/apigateway/{api.id}/dev"
    logs = client(gateway, "logs")
    def all_there():
        found = logs.filter_log_events(logGroupName=group, filterPattern='"Method completed with status"')
        return len(found["events"]) >= 6
    until(all_there, "the events in the log")
    api.group = group
    return api


def test_groups_and_streams_are_described(chat):
    logs = client(chat.gateway, "logs")
    groups = [group for page in logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 1}) for group in page["logGroups"]]
    names = [group["logGroupName"] for group in groups]
    assert chat.group in names and "access-of-chat" in names and names == sorted(names)
    [group] = logs.describe_log_groups(logGroupNamePrefix="access-of")["logGroups"]
    assert group["logGroupArn"] == ACCESS and group["storedBytes"] > 0
    [stream] = logs.describe_log_streams(logGroupName=chat.group)["logStreams"]
    assert len(stream["logStreamName"]) == 32 and stream["firstEventTimestamp"] <= stream["lastEventTimestamp"]
    with pytest.raises(ClientError, match="The specified log group does not exist") as refused:
        logs.describe_log_streams(logGroupName="nothing")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_events_are_read_forwards_and_backwards(chat):
    logs = client(chat.gateway, "logs")
    [stream] = logs.describe_log_streams(logGroupName=chat.group)["logStreams"]
    at = {"logGroupName": chat.group, "logStreamName": stream["logStreamName"]}
    forwards, token = [], {}
    while True:
        page = logs.get_log_events(**at, startFromHead=True, limit=7, **token)
        forwards += page["events"]
        if token.get("nextToken") == page["nextForwardToken"]:
            break
        token = {"nextToken": page["nextForwardToken"]}
    assert not page["events"]
    whole = logs.get_log_events(**at)["events"]
    assert [event["message"] for event in forwards] == [event["message"] for event in whole]
    assert any("Endpoint request body after transformations" in event["message"] for event in whole)
    last = logs.get_log_events(**at, limit=3)
    assert last["events"] == whole[-3:]
    before = logs.get_log_events(**at, limit=3, nextToken=last["nextBackwardToken"])
    assert before["events"] == whole[-6:-3]


@pytest.mark.parametrize(
    "pattern, count",
    [
        ("", 6),
        ('{ $.status = 200 && $.route = "say" }', 5),
        ("{ $.status != 200 }", 1),
        ("{ $.status = 4* || $.route = s* }", 6),
        ("say", 5),
        ("?say ?nothing", 5),
        ("status -say", 1),
        ("{ $.gone IS NULL }", 0),
    ],
)
def test_events_are_filtered_by_patterns(chat, pattern, count):
    logs = client(chat.gateway, "logs")
    def found():
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName="access-of-chat", filterPattern=pattern, PaginationConfig={"PageSize": 2})
        events = [event for page in pages for event in page["events"]]
        # Handshake and farewell have lines of their own.
        messages = [event for event in events if '"event": "MESSAGE"' in event["message"]]
        assert len({event["eventId"] for event in events}) == len(events)
        return messages if len(messages) == count else None
    if count:
        until(found, f"{count} events of {pattern}")
    else:
        assert found() == []
    with pytest.raises(ClientError, match="Invalid filter pattern"):
        logs.filter_log_events(logGroupName="access-of-chat", filterPattern="{ $.a")


def test_the_cli_reads_a_log_and_what_follows(chat):
    environment = {**cli_environment(chat.gateway.url), "AWS_ENDPOINT_URL": chat.gateway.url}
    def events(*words):
        command = ["aws", "logs", "filter-log-events", "--log-group-name", chat.group, *words]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["events"]
    found = events("--filter-pattern", '"WebSocket Request Route: [say]"')
    assert len(found) >= 5
    assert events("--max-items", "3")[:3] == events("--page-size", "1", "--max-items", "3")[:3]
    # As `aws logs tail --follow` of version 2 asks: again from the newest time on, without what was seen.
    newest = max(event["timestamp"] for event in events())
    seen = {event["eventId"] for event in events("--start-time", str(newest))}
    with RawClient(chat.gateway.port, chat.target) as one:
        one.text('{"action": "say", "number": "the-new-one"}')
        one.read_frame()
        def new():
            later = events("--start-time", str(newest), "--interleaved")
            return [event for event in later if event["eventId"] not in seen and "the-new-one" in event["message"]]
        until(new, "the new event", patience=30)


def test_other_actions_are_named_and_refused(chat):
    with pytest.raises(ClientError, match="PutLogEvents is not answered here"):
        client(chat.gateway, "logs").put_log_events(logGroupName="a", logStreamName="b", logEvents=[{"timestamp": 1, "message": "x"}])
    with pytest.raises(ClientError, match="PutMetricData is not answered here"):
        client(chat.gateway, "cloudwatch").put_metric_data(Namespace="x", MetricData=[{"MetricName": "y", "Value": 1}])


def test_metrics_agree_with_what_was_sent(chat, backend):
    metrics = client(chat.gateway, "cloudwatch")
    stage = [{"Name": "ApiId", "Value": chat.id}, {"Name": "Stage", "Value": "dev"}]
    with RawClient(chat.gateway.port, chat.target) as one:
        for _ in range(10):
            one.text('{"action": "say"}')
            one.read_frame()
        now = datetime.datetime.now(datetime.timezone.utc)
        def read(name, stat, dimensions=stage):
            query = {"Id": "q", "MetricStat": {"Metric": {"Namespace": "AWS/ApiGateway", "MetricName": name, "Dimensions": dimensions}, "Period": 60, "Stat": stat}}
            answer = metrics.get_metric_data(MetricDataQueries=[query], StartTime=now - datetime.timedelta(hours=1), EndTime=now + datetime.timedelta(minutes=5))
            [result] = answer["MetricDataResults"]
            assert result["StatusCode"] == "Complete" and len(result["Values"]) == len(result["Timestamps"])
            assert all(at.second == 0 for at in result["Timestamps"])
            return sum(result["Values"])
        # Fifteen messages with their replies and one without a route; what other tests said is counted, too.
        until(lambda: read("MessageCount", "Sum") >= 32, "the messages in the metrics", patience=30)
        assert read("MessageCount", "Sum", stage[:1]) == read("MessageCount", "Sum")
        assert read("ClientError", "Sum") >= 1 and read("IntegrationError", "Sum") == 0
        assert read("MessageCount", "Sum", stage + [{"Name": "Route", "Value": "say"}]) > 0
        assert read("IntegrationLatency", "p99") >= read("IntegrationLatency", "p50") > 0
    listed = [metric for page in metrics.get_paginator("list_metrics").paginate(Namespace="AWS/ApiGateway") for metric in page["Metrics"]]
    assert {metric["MetricName"] for metric in listed} == {"ConnectCount", "MessageCount", "ClientError", "IntegrationError", "ExecutionError", "IntegrationLatency"}
    assert {"Namespace": "AWS/ApiGateway", "MetricName": "MessageCount", "Dimensions": stage} in listed
    points = metrics.get_metric_statistics(
        Namespace="AWS/ApiGateway", MetricName="MessageCount", Dimensions=stage, StartTime=now - datetime.timedelta(hours=1), EndTime=now + datetime.timedelta(minutes=5), Period=3600,
        Statistics=["Sum", "Average"], ExtendedStatistics=["p90"],
    )
    assert points["Label"] == "MessageCount" and points["Datapoints"][0]["Unit"] == "Count" and points["Datapoints"][0]["ExtendedStatistics"]
    with pytest.raises(ClientError, match="metric math"):
        metrics.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "m1*2"}], StartTime=0, EndTime=600)
    # The other protocols say the same: JSON, and the form that older clients send.
    at = int(now.timestamp())
    call = {"Namespace": "AWS/ApiGateway", "MetricName": "MessageCount", "Dimensions": stage, "StartTime": at - 3600, "EndTime": at + 300, "Period": 3600, "Statistics": ["Sum"]}
    headers = {"X-Amz-Target": "GraniteServiceVersion20100801.GetMetricStatistics", "Content-Type": "application/x-amz-json-1.0"}
    request = urllib.request.Request(chat.gateway.url, data=json.dumps(call).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        said = json.load(answer)
    assert sum(point["Sum"] for point in said["Datapoints"]) >= 32
    iso = lambda seconds: datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    form = (
        f"Action=GetMetricStatistics&Version=2010-08-01&Namespace=AWS%2FApiGateway&MetricName=MessageCount&Dimensions.member.1.Name=ApiId&Dimensions.member.1.Value={chat.id}"
        f"&Dimensions.member.2.Name=Stage&Dimensions.member.2.Value=dev&StartTime={iso(at - 3600)}&EndTime={iso(at + 300)}&Period=3600&Statistics.member.1=Sum"
    )
    scope = "AWS4-HMAC-SHA256 Credential=a/20261201/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=00"
    request = urllib.request.Request(chat.gateway.url, data=form.encode(), headers={"Authorization": scope, "Content-Type": "application/x-www-form-urlencoded"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        xml = answer.read().decode()
    assert xml.startswith("<GetMetricStatisticsResponse") and "<Sum>" in xml and "<Timestamp>20" in xml


def test_the_cli_reads_metrics(chat):
    command = ["aws", "cloudwatch", "list-metrics", "--namespace", "AWS/ApiGateway", "--metric-name", "ConnectCount"]
    environment = {**cli_environment(chat.gateway.url), "AWS_ENDPOINT_URL": chat.gateway.url}
    def listed():
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["Metrics"]
    assert until(listed, "metrics", patience=30)


def test_what_is_no_call_is_refused(chat):
    for headers, body, status in [
        ({"X-Amz-Target": "Logs_20140328.FilterLogEvents"}, b"{", 400),
        ({"X-Amz-Target": "Logs_20140328.FilterLogEvents"}, b'{"logGroupName": 5, "limit": -1}', 400),
        ({"X-Amz-Target": "Logs_20140328.FilterLogEvents"}, b"x" * 1_100_000, 413),
        ({"X-Amz-Target": "GraniteServiceVersion20100801.GetMetricData"}, b'{"MetricDataQueries": [{}], "StartTime": 1, "EndTime": 2}', 400),
    ]:
        request = urllib.request.Request(chat.gateway.url, data=body, headers=headers)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=PATIENCE)
        assert refused.value.code == status


def test_a_watched_stage_that_logs_nothing_has_its_log_too(start_gateway, backend):
    gateway = start_gateway()
    api = Api(gateway, name="watched")
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/watched"), two_way=True)
    api.deploy(DefaultRouteSettings={"LoggingLevel": "OFF"})
    logs, group = client(gateway, "logs"), f"/aws/apigateway/{api.id}/dev"
    body = json.dumps({"apiId": api.id, "stage": "dev", "on": True}).encode()
    with RawClient(gateway.port, api.target) as one:
        one.text("unseen-words")
        one.read_frame()
        urllib.request.urlopen(urllib.request.Request(f"{gateway.url}/_gatewright/v1/watch", data=body), timeout=PATIENCE)
        one.text("seen-words")
        one.read_frame()
    found = lambda: logs.filter_log_events(logGroupName=group, filterPattern='"seen-words" -"unseen-words"')["events"]
    until(found, "the event in the log")
    assert not logs.filter_log_events(logGroupName=group, filterPattern='"unseen-words"')["events"]


def test_with_credentials_calls_are_allowed_by_policies(start_gateway, backend, tmp_path):
    file = tmp_path / "credentials.toml"
    allowed = '{"Statement": [{"Effect": "Allow", "Action": ["logs:FilterLogEvents"], "Resource": "arn:aws:logs:*:*:log-group:/aws/apigateway/*"}, {"Effect": "Allow", "Action": "apigateway:*", "Resource": "*"}]}'
    file.write_text(f"[[access_key]]\nid = \"AKIDEXAMPLE\"\nsecret = \"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\"\nuser = \"reader\"\npolicies = ['{allowed}']\n")
    file.chmod(0o600)
    gateway = start_gateway("--credentials", str(file), "--backend", backend.url)
    def signed(service):
        return boto3.client(service, endpoint_url=gateway.url, region_name="us-east-1", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", config=Config(retries={"max_attempts": 0}))
    signed("logs").filter_log_events(logGroupName="/aws/apigateway/gatewright/dev")
    for refuses in [lambda: signed("logs").describe_log_groups(), lambda: signed("cloudwatch").list_metrics(), lambda: client(gateway, "logs").describe_log_groups()]:
        with pytest.raises(ClientError) as refused:
            refuses()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
