"""Templates: `serve --template`, `apply`, `validate`, `delete-stack`, and `--watch` under load."""

import json
import random
import re
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.aws import control
from harness.backend import unused_port
from harness.clients import Node, open_websocket, receive
from harness.lambda_chat import EXAMPLE as LAMBDA_CHAT
from harness.lambda_chat import two_people_chat, whoever_has_no_name_is_refused
from harness.stacks import api_named, done, program, stage_url
from harness.until import until

ROOT = Path(__file__).resolve().parent.parent
EXPRESS_CHAT = ROOT / "examples" / "express-chat"
IAC = ROOT / "corpus" / "iac"

CHAT = """
Parameters:
  Backend: {Type: String}
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: watched, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Echo:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: HTTP_PROXY
      IntegrationMethod: POST
      IntegrationUri: !Ref Backend
      RequestParameters: {integration.request.header.x-edit: "'EDIT'"}
  Default:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $default, Target: !Sub 'integrations/${Echo}', RouteResponseSelectionExpression: $default}
  Response:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref Default, RouteResponseKey: $default}
  Dev:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: dev, AutoDeploy: true}
"""


@pytest.fixture
def path_with_python(monkeypatch):
    """`python3` as the gateway finds it is the one that these tests run in."""
    import os

    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def test_the_founders_stack_is_a_template(start_gateway, node_folder):
    folder = node_folder / "express-chat-template"
    shutil.copytree(EXPRESS_CHAT, folder, ignore=shutil.ignore_patterns("node_modules"))
    port = unused_port()
    gateway = start_gateway("--template", str(folder / "template.yaml"), "--parameter", f"BackendUrl=http://127.0.0.1:{port}")
    api = api_named(gateway, "chat")
    gateway.wait_for_log(f"output   Url = ws://{api}.execute-api.localhost:{gateway.port}/dev")
    callback = f"{gateway.url}/_aws/execute-api/{api}/dev"
    server = Node(folder / "server.js", cwd=folder, PORT=str(port), CALLBACK_URL=callback)
    try:
        server.holding("listening on")
        with open_websocket(stage_url(gateway, api, "dev") + "?user=ann") as ann:
            server.holding("connect: ann")
            ann.send(json.dumps({"action": "sendmessage", "text": "hello"}))
            got = sorted((receive(ann) for _ in range(2)), key=lambda message: "delivered" in message)
            assert got == [{"from": "ann", "text": "hello"}, {"delivered": 1}]
        server.holding("disconnect: ann")
    finally:
        server.stop()


def test_the_sam_example_chats(start_gateway, node_folder, path_with_python):
    folder = node_folder / "lambda-chat-template"
    shutil.copytree(LAMBDA_CHAT, folder, ignore=shutil.ignore_patterns("node_modules"))
    gateway = start_gateway("--template", str(folder / "template.yaml"))
    url = stage_url(gateway, api_named(gateway, "Chat"), "dev")
    two_people_chat(
        lambda query: open_websocket(url + query),
        lambda text: gateway.wait_for_line(lambda line: text in line, "what the function prints"),
    )
    whoever_has_no_name_is_refused(lambda query: open_websocket(url + query))


HANDLER = """
exports.auth = async () => ({principalId: 'me', policyDocument: {Version: '2012-10-17', Statement: [{Action: 'execute-api:Invoke', Effect: 'Allow', Resource: '*'}]}})
exports.connect = async () => ({statusCode: 200})
exports.disconnect = async () => ({statusCode: 200})
exports.fallback = async (event) => ({statusCode: 200, body: 'fallback ' + event.body})
exports.join = async (event) => ({statusCode: 200, body: JSON.stringify({joined: event.requestContext.routeKey, by: event.requestContext.authorizer.principalId})})
"""


@pytest.mark.parametrize("form", ["serverless.yml", ".serverless"])
def test_a_service_of_the_serverless_framework(start_gateway, tmp_path, form):
    (tmp_path / "handler.js").write_text(HANDLER)
    if form == "serverless.yml":
        shutil.copy(IAC / "05-serverless.yml", tmp_path / "serverless.yml")
    else:
        (tmp_path / form).mkdir()
        shutil.copy(IAC / "05-serverless.compiled.json", tmp_path / form / "cloudformation-template-update-stack.json")
    gateway = start_gateway("--template", str(tmp_path / form), "--region", "eu-west-1")
    url = stage_url(gateway, api_named(gateway, "lobby-ws-dev"), "dev")
    with open_websocket(f"{url}?token=t", additional_headers={"Authorization": "t"}) as client:
        client.send(json.dumps({"action": "join"}))
        assert receive(client) == {"joined": "join", "by": "me"}


def test_code_that_stands_in_the_template_runs(start_gateway, tmp_path, path_with_python):
    (tmp_path / "inline.yaml").write_text(
        """
Transform: AWS::Serverless-2016-10-31
Resources:
  Ws:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: prod
      Routes: {$default: {FunctionArn: !GetAtt Py.Arn, RouteResponseSelectionExpression: $default}, js: {FunctionArn: !GetAtt Js.Arn, RouteResponseSelectionExpression: $default}}
  Py:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: index.handler
      Environment: {Variables: {WHO: python}}
      InlineCode: |
        import os
        def handler(event, context):
            return {"statusCode": 200, "body": os.environ["WHO"] + " " + context.function_name}
  Js:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs20.x
      Handler: index.handler
      InlineCode: |
        exports.handler = async () => ({statusCode: 200, body: 'node'})
"""
    )
    data = tmp_path / "data"
    gateway = start_gateway("--template", str(tmp_path / "inline.yaml"), data_dir=data)
    url = stage_url(gateway, api_named(gateway, "Ws"), "prod")

    def ask(word):
        with open_websocket(url) as client:
            client.send(json.dumps({"action": word}))
            return client.recv(timeout=30)

    assert (ask("x"), ask("js")) == ("python inline-Py", "node")
    # After a restart without the template API and functions are still there.
    gateway.stop()
    gateway = start_gateway(data_dir=data)
    url = url.replace(url.split("/")[2], f"127.0.0.1:{gateway.port}")
    assert (ask("x"), ask("js")) == ("python inline-Py", "node")


INLINE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Ws:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: dev
      Routes: {$default: {FunctionArn: !GetAtt Fn.Arn, RouteResponseSelectionExpression: $default}}
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Runtime: nodejs22.x, Handler: index.handler, InlineCode: "exports.handler = async () => ({statusCode: 200, body: 'CODE'})"}
"""


def test_a_plan_leaves_the_code_alone_that_runs(start_gateway, tmp_path):
    gateway = start_gateway()
    template = tmp_path / "planned.yaml"

    def ask():
        with open_websocket(stage_url(gateway, api_named(gateway, "Ws"), "dev")) as client:
            client.send("x")
            return client.recv(timeout=30)

    template.write_text(INLINE.replace("CODE", "old"))
    done("apply", template, "--endpoint", gateway.url)
    assert ask() == "old"
    (code,) = (Path(gateway.data_dir) / "functions").rglob("planned-Fn/index.js")
    before = code.read_text()
    template.write_text(INLINE.replace("CODE", "new"))
    done("apply", template, "--dry-run", "--endpoint", gateway.url)
    assert code.read_text() == before
    done("apply", template, "--endpoint", gateway.url)
    assert ask() == "new"


def test_apply_plan_update_and_delete(start_gateway, backend, tmp_path):
    gateway = start_gateway()
    template = tmp_path / "watched.yaml"
    template.write_text(CHAT)
    words = [template, "--parameter", f"Backend={backend.url}/echo", "--endpoint", gateway.url]
    planned = done("apply", *words, "--dry-run")
    assert planned.startswith("stack watched: would be made\n") and "  + route $default (Default)\n" in planned
    assert control(gateway.url).get_apis()["Items"] == []
    applied = done("apply", *words)
    assert "stack watched is there" in applied
    api = api_named(gateway, "watched")
    assert f"connect  ws://127.0.0.1:{gateway.port}/_aws/execute-api/{api}/dev" in applied
    assert done("apply", *words).startswith("stack watched: nothing changes")
    with open_websocket(stage_url(gateway, api, "dev")) as client:
        template.write_text(CHAT.replace("EDIT", "new") + "  More:\n    Type: AWS::DynamoDB::Table\n")
        changed = done("apply", *words)
        lines = changed.splitlines()
        assert lines[0] == "stack watched is changed"
        assert f"  ~ integration {backend.url}/echo (Echo): requestParameters.integration.request.header.x-edit" in lines
        assert "  left out AWS::DynamoDB::Table: More" in lines
        client.send("still here")
        assert client.recv(timeout=30)
    # What is refused changes nothing, and names resource, property and line.
    template.write_text(CHAT.replace("RouteKey: $default", "RouteKey: $wrong"))
    refused = program("apply", *words)
    assert refused.returncode == 65
    line = 1 + next(n for n, text in enumerate(template.read_text().splitlines()) if "$wrong" in text)
    assert f"watched.yaml:{line}:" in refused.stderr and "Resources.Default.Properties.RouteKey" in refused.stderr
    assert "^" in refused.stderr
    assert api_named(gateway, "watched") == api
    gone = done("delete-stack", "watched", "--endpoint", gateway.url)
    assert gone.startswith("stack watched is gone\n") and "  - API watched (Api)\n" in gone
    assert control(gateway.url).get_apis()["Items"] == []
    missing = program("delete-stack", "watched", "--endpoint", gateway.url)
    assert missing.returncode == 65 and "there is no stack watched" in missing.stderr


def test_nobody_answers_there(tmp_path):
    (tmp_path / "t.yaml").write_text(CHAT)
    port = unused_port()
    asked = program("apply", tmp_path / "t.yaml", "--parameter", "Backend=http://x", "--endpoint", f"http://127.0.0.1:{port}")
    assert asked.returncode == 78 and f"no gateway answers at http://127.0.0.1:{port}" in asked.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Resources:\n  A: !Foo 3\n", ["2:6", "there is no tag `!Foo`", "  2 |   A: !Foo 3"]),
        ("Resources: [", ["t.yaml:"]),
        ("Resources:\n  A: {Type: AWS::ApiGatewayV2::Api, Properties: {Nmae: x}}\n", ["extraneous key [Nmae]", "did you mean Name?"]),
        ("Parameters: {P: {Type: String}, Q: {Type: String}}\nResources: {A: {Type: 'X::Y::Z'}}\n", ["neither a default nor a given value: P, Q"]),
        ("Resources: {A: {Type: 'X::Y::Z', DependsOn: B}, B: {Type: 'X::Y::Z', DependsOn: A}}\n", ["A", "B"]),
        ("", ["t.yaml"]),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, text, said):
    (tmp_path / "t.yaml").write_text(text)
    checked = program("validate", tmp_path / "t.yaml")
    assert checked.returncode == 65, checked.stdout
    assert all(part in checked.stderr for part in said), checked.stderr


def test_every_template_of_the_corpus_is_valid():
    for name in ["01-express-vpclink.yaml", "02-room-sam-plain.yaml", "03-authorizer-apikey.json", "04-cdk-chat.template.json", "05-serverless.compiled.json", "05-serverless.yml", "07-sam-websocketapi.yaml"]:
        assert "the template is valid" in done("validate", IAC / name)
    for example in ["express-chat", "lambda-chat"]:
        assert "the template is valid" in done("validate", ROOT / "examples" / example / "template.yaml")


def test_parameters_come_from_a_file_too(tmp_path):
    (tmp_path / "t.yaml").write_text(CHAT)
    for text in ['{"Backend": "http://a"}', '[{"ParameterKey": "Backend", "ParameterValue": "http://a"}]', "Parameters:\n  Backend: http://a\n"]:
        (tmp_path / "parameters").write_text(text)
        assert "integration http://a" in done("validate", tmp_path / "t.yaml", "--parameters-file", tmp_path / "parameters")
        both = ["--parameters-file", tmp_path / "parameters", "--parameter", "Backend=http://b"]
        assert "integration http://b" in done("validate", tmp_path / "t.yaml", *both)


def test_an_api_has_its_url_again_where_nothing_is_kept(tmp_path):
    (tmp_path / "t.yaml").write_text(CHAT)
    from harness.gateway import Gateway

    ids = []
    for n in range(2):
        gateway = Gateway(tmp_path / f"data{n}", "--template", str(tmp_path / "t.yaml"), "--parameter", "Backend=http://127.0.0.1:9")
        ids.append(api_named(gateway, "watched"))
        gateway.stop()
    assert ids[0] == ids[1]


def test_calls_must_be_signed_where_keys_are_asked_for(tmp_path):
    from harness.gateway import Gateway

    (tmp_path / "t.yaml").write_text(CHAT)
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "cloudformation:*", "Resource": "arn:aws:cloudformation:*:*:stack/t/*"}]}
    (tmp_path / "keys.toml").write_text(
        f"[[access_key]]\nid = 'AKIDSTACKS'\nsecret = 'secret'\nuser = 'ann'\npolicies = ['''{json.dumps(may)}''']\n"
    )
    (tmp_path / "keys.toml").chmod(0o600)
    gateway = Gateway(tmp_path / "data", "--credentials", str(tmp_path / "keys.toml"))
    try:
        words = ["apply", tmp_path / "t.yaml", "--parameter", "Backend=http://127.0.0.1:9", "--endpoint", gateway.url]
        unsigned = program(*words)
        assert unsigned.returncode == 78 and "answers 403" in unsigned.stderr, unsigned.stderr
        key = {"AWS_ACCESS_KEY_ID": "AKIDSTACKS", "AWS_SECRET_ACCESS_KEY": "secret"}
        wrong = program(*words, **{**key, "AWS_SECRET_ACCESS_KEY": "guess"})
        assert wrong.returncode == 78 and "signature" in wrong.stderr.lower(), wrong.stderr
        assert "stack t is there" in done(*words, **key)
        # Whoever may make stacks may not have code run for that.
        function = "  Fn:\n    Type: AWS::Lambda::Function\n    Properties: {Runtime: python3.11, Handler: index.handler, Code: {ZipFile: 'x = 1'}}\n"
        (tmp_path / "t.yaml").write_text(CHAT + function)
        assert "t-Fn does not run here: its functions do not run: ann may not lambda:CreateFunction" in done(*words, **key)
        other = program(*words, "--stack-name", "other", **key)
        assert other.returncode == 78 and "not authorized" in other.stderr, other.stderr
    finally:
        gateway.stop()


def test_another_projects_template_of_the_same_name_takes_nothings_place(start_gateway, tmp_path):
    gateway = start_gateway()
    words = ["--parameter", "Backend=http://127.0.0.1:9", "--endpoint", gateway.url]
    for project in ["one", "two"]:
        (tmp_path / project).mkdir()
        (tmp_path / project / "template.yaml").write_text(CHAT.replace("watched", project))
    done("apply", tmp_path / "one" / "template.yaml", *words)
    refused = program("apply", tmp_path / "two" / "template.yaml", *words)
    assert refused.returncode == 65 and "--stack-name" in refused.stderr, refused.stderr
    assert api_named(gateway, "one")
    done("apply", tmp_path / "two" / "template.yaml", "--stack-name", "two", *words)
    assert api_named(gateway, "one") and api_named(gateway, "two")


def test_what_nobody_may_read_is_not_shown(start_gateway, tmp_path):
    template = tmp_path / "secret.yaml"
    template.write_text(CHAT.replace("Parameters:\n", "Parameters:\n  Key: {Type: String, NoEcho: true, Default: hushhush}\n").replace("!Ref Backend", "!Sub '${Backend}/${Key}'"))
    gateway = start_gateway()
    parameter = ["--parameter", "Backend=http://127.0.0.1:9"]
    shown = done("validate", template, "--json", *parameter) + done("validate", template, *parameter)
    shown += done("apply", template, "--endpoint", gateway.url, *parameter)
    assert "hushhush" not in shown and shown.count("http://127.0.0.1:9/****") >= 3, shown


class Talker(threading.Thread):
    """Sends numbered messages over one connection, waits for each answer, and counts."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.count, self.failure, self.stopping = url, 0, None, threading.Event()

    def run(self):
        try:
            with open_websocket(self.url) as client:
                while not self.stopping.is_set():
                    client.send(f"message {self.count}")
                    assert f"message {self.count}" in client.recv(timeout=30)
                    self.count += 1
        except Exception as failure:
            self.failure = failure


EDITS = 200


def test_edits_under_load_lose_nothing(start_gateway, backend, tmp_path):
    template = tmp_path / "t.yaml"
    template.write_text(CHAT.replace("EDIT", "0"))
    gateway = start_gateway("--template", str(template), "--parameter", f"Backend={backend.url}/echo", "--watch")
    api = api_named(gateway, "watched")
    talkers = [Talker(stage_url(gateway, api, "dev")) for _ in range(5)]
    for talker in talkers:
        talker.start()
    chance = random.Random(13)
    for edit in range(1, EDITS + 1):
        time.sleep(chance.random() * 0.2)
        text = CHAT.replace("EDIT", str(edit))
        if chance.random() < 0.2:
            # As some editors do: another file takes its place.
            (tmp_path / "new").write_text(text)
            (tmp_path / "new").replace(template)
        elif chance.random() < 0.1:
            template.write_text(text[: len(text) // 2])
        else:
            template.write_text(text)
    template.write_text(CHAT.replace("EDIT", "last"))

    def edited():
        (integration,) = control(gateway.url).get_integrations(ApiId=api)["Items"]
        return integration["RequestParameters"]["integration.request.header.x-edit"]

    until(lambda: edited() == "'last'", "the last edit to be in force")
    counts = [talker.count for talker in talkers]
    until(lambda: all(talker.failure or talker.count > count for talker, count in zip(talkers, counts, strict=True)), "everyone to go on")
    for talker in talkers:
        talker.stopping.set()
    for talker in talkers:
        talker.join(timeout=60)
    assert [talker.failure for talker in talkers] == [None] * 5
    assert re.search(r"~ integration .*x-edit", gateway.output())


def test_a_template_that_does_not_parse_changes_nothing(start_gateway, backend, tmp_path):
    template = tmp_path / "t.yaml"
    template.write_text(CHAT)
    gateway = start_gateway("--template", str(template), "--parameter", f"Backend={backend.url}/echo", "--watch")
    api = api_named(gateway, "watched")
    mark = gateway.mark()
    template.write_text(CHAT + "  Broken: !Foo x\n")
    line = gateway.wait_for_line(lambda line: "the template is left as it was" in line, "the complaint", mark)
    assert "there is no tag `!Foo`" in line and "^" in line
    mark = gateway.mark()
    template.unlink()
    gateway.wait_for_line(lambda line: "the template is left as it was" in line and "t.yaml" in line, "the complaint", mark)
    assert api_named(gateway, "watched") == api
    mark = gateway.mark()
    template.write_text(CHAT.replace("RouteKey: $default", "RouteKey: other"))
    gateway.wait_for_line(lambda line: "~ route other" in line, "the change", mark)
