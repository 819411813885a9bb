"""`gatewright export --format`: what the AWS CLI made leaves as a template, which makes the same of another gateway."""

import json
import os
import re
import shutil
import subprocess

from harness.aws import Api, Cli, control
from harness.clients import open_websocket, receive

PATIENCE = 60
TEMPLATE = '#set($text = $input.path(\'$.text\'))\n{\n  "said": "$text",\n  "price": "${stageVariables.price}"\n}\n'


def run(*words, **rest):
    return subprocess.run(
        [os.environ["GATEWRIGHT_BIN"], *words], capture_output=True, text=True, timeout=PATIENCE, check=False, **rest
    )  # fmt: skip


def export(folder, *words):
    done = run("export", "--data-dir", str(folder), *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make(url, backend):
    """An API that echoes, as a person types it."""
    aws = Cli(url)
    api = aws("create-api", "--name", "chat", "--protocol-type", "WEBSOCKET", "--route-selection-expression", "$request.body.action")["ApiId"]
    integration = aws(
        "create-integration", "--api-id", api, "--integration-type", "HTTP", "--integration-method", "POST",
        "--integration-uri", f"{backend.url}/exported", "--request-templates", json.dumps({"$default": TEMPLATE}),
        "--template-selection-expression", "\\$default",
    )["IntegrationId"]  # fmt: skip
    aws("create-integration-response", "--api-id", api, "--integration-id", integration, "--integration-response-key", "$default")
    route = aws(
        "create-route", "--api-id", api, "--route-key", "say it!", "--target", f"integrations/{integration}",
        "--route-response-selection-expression", "$default",
    )["RouteId"]  # fmt: skip
    aws("create-route-response", "--api-id", api, "--route-id", route, "--route-response-key", "$default")
    deployment = aws("create-deployment", "--api-id", api)["DeploymentId"]
    aws("create-stage", "--api-id", api, "--stage-name", "dev", "--deployment-id", deployment, "--stage-variables", "price=012")
    return api


def converse(gateway, backend, api):
    """Says something, and gives what the backend was asked."""
    websocket = open_websocket(f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/{api}/dev")
    websocket.send(json.dumps({"action": "say it!", "text": "hello"}))
    answer = receive(websocket)
    websocket.close()
    return answer, [request.body for request in backend.seen("/exported")][-1]


def test_an_api_leaves_as_a_template_and_works_elsewhere(start_gateway, backend, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    first = start_gateway(data_dir=here)
    api = make(first.url, backend)
    text = export(here, "--format", "cloudformation")
    for part in [
        "  SayItRoute:\n    Type: AWS::ApiGatewayV2::Route\n    Properties:\n      ApiId: !Ref ChatApi\n      RouteKey: say it!\n",
        "        $default: |\n          #set($text = $input.path('$.text'))\n          {\n",
        "        price: '012'\n",
        f"# - chat calls {backend.url}/exported, which AWS cannot reach.\n",
    ]:
        assert part in text, text
    said = converse(first, backend, api)
    file = tmp_path / "template.yaml"
    file.write_text(text)

    second = start_gateway(data_dir=there)
    applied = run("apply", str(file), "--stack-name", "moved", "--endpoint", second.url)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    moved = control(second.url).get_apis()["Items"][0]["ApiId"]
    assert converse(second, backend, moved) == said
    assert export(there, "--format", "cloudformation") == text
    again = run("apply", str(file), "--stack-name", "moved", "--endpoint", second.url, "--dry-run")
    assert again.returncode == 0 and not re.search(r"^\s*[+~±-] ", again.stdout, re.M), again.stdout

    template = json.loads(export(there, "--format", "cloudformation", "--json"))
    assert template["Resources"]["SayItRoute"]["Properties"]["Target"] == {"Fn::Sub": "integrations/${SayItIntegration}"}
    second.stop()
    assert export(there, "--format", "cloudformation") == text


def test_terraform_takes_what_is_written_for_it(start_gateway, backend, tmp_path):
    folder = tmp_path / "data"
    gateway = start_gateway(data_dir=folder)
    make(gateway.url, backend)
    text = export(folder, "--format", "terraform")
    assert 'resource "aws_apigatewayv2_route" "say_it" {' in text and '"price": "$${stageVariables.price}"' in text, text
    terraform = shutil.which("terraform")
    if terraform:
        # Not the machine's own settings.
        environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}
        checked = subprocess.run(
            [terraform, "fmt", "-check", "-diff", "-"], input=text, env=environment,
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_one_api_is_chosen_and_secrets_stay(start_gateway, tmp_path):
    folder = tmp_path / "data"
    gateway = start_gateway(data_dir=folder)
    ids = [Api(gateway, name=name).id for name in ("one", "two")]
    aws = Cli(gateway.url)
    key = ["create-api-key", "--name", "partner", "--value", "0123456789012345678901234567890123456789", "--enabled"]
    made = subprocess.run(["aws", "apigateway", *key], env=aws.environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert made.returncode == 0, made.stderr
    text = export(folder, "--format", "cloudformation")
    assert all(part in text for part in ("OneApi:", "TwoApi:", "PartnerApiKey:")) and "01234567890123456789" not in text, text
    assert "Value: '0123456789012345678901234567890123456789'" in export(folder, "--format", "cloudformation", "--with-secrets")
    text = export(folder, "--format", "cloudformation", "--api", ids[0])
    assert "OneApi:" in text and "TwoApi" not in text and "ApiKey:" not in text, text

    for code, words, said in [
        (66, ["--format", "terraform", "--api", "nothere"], "there is no API nothere"),
        (64, ["--api", ids[0]], "--api goes with --format cloudformation or terraform"),
        (64, ["--format", "terraform", "--json"], "--yaml and --json go with --format cloudformation"),
        (64, ["--format", "word"], "invalid value 'word'"),
    ]:
        done = run("export", "--data-dir", str(folder), *words)
        assert (done.returncode, done.stdout) == (code, "") and said in done.stderr, done.stderr
