"""`gatewright import-aws`: an API is read from AWS and serves the same conversation here. AWS is moto, and a gateway of ours."""

import json
import os
import subprocess
import sys
import types

import boto3
import pytest

# moto's API Gateway asks for a validator of OpenAPI documents as soon as it is loaded. Nothing here imports such documents.
for name in ("openapi_spec_validator", "openapi_spec_validator.validation", "openapi_spec_validator.validation.exceptions"):
    sys.modules.setdefault(name, types.ModuleType(name))
sys.modules["openapi_spec_validator"].validate = None
sys.modules["openapi_spec_validator.validation.exceptions"].OpenAPIValidationError = ValueError

from harness.aws import CONFIG, REGION, Api, control
from harness.backend import Answer
from harness.frames import RawClient
from harness.services import ENVIRONMENT, KEY, SECRET, Services

PATIENCE = 60
ASSUMED_FUNCTION = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:greet/invocations"


def run(*words, **environment):
    """The command, with made-up credentials and no settings of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GATEWRIGHT_"))}
    kept.update(AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_CONFIG_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true")
    kept.update(ENVIRONMENT, AWS_REGION=REGION)
    kept.update(environment)
    return subprocess.run(
        [os.environ["GATEWRIGHT_BIN"], "import-aws", *words], env=kept, capture_output=True, text=True, timeout=PATIENCE, check=False
    )  # fmt: skip


def build(client, backend, path, name="chat"):
    """An API as people have them: a template on the way in and out, a two-way route, a stage with a variable."""
    api = client.create_api(Name=name, ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")["ApiId"]
    integration = client.create_integration(
        ApiId=api, IntegrationType="HTTP", IntegrationMethod="POST", IntegrationUri=f"{backend.url}{path}",
        RequestTemplates={"$default": '{"said": $input.json("$.text"), "by": "$context.connectionId"}'},
        TemplateSelectionExpression="\\$default", PassthroughBehavior="NEVER", TimeoutInMillis=5000,
    )["IntegrationId"]  # fmt: skip
    client.create_integration_response(
        ApiId=api, IntegrationId=integration, IntegrationResponseKey="$default",
        ResponseTemplates={"$default": '{"heard": $input.json("$.said"), "in": "$stageVariables.room"}'}, TemplateSelectionExpression="\\$default",
    )  # fmt: skip
    route = client.create_route(ApiId=api, RouteKey="say", Target=f"integrations/{integration}", RouteResponseSelectionExpression="$default")
    client.create_route_response(ApiId=api, RouteId=route["RouteId"], RouteResponseKey="$default")
    plain = client.create_integration(ApiId=api, IntegrationType="HTTP_PROXY", IntegrationMethod="POST", IntegrationUri=f"{backend.url}{path}-plain")
    client.create_route(ApiId=api, RouteKey="$default", Target=f"integrations/{plain['IntegrationId']}", RouteResponseSelectionExpression="$default")
    return api


def converse(port, api, stage="prod"):
    """The same words to each: what comes back."""
    with RawClient(port, f"/_aws/execute-api/{api}/{stage}") as client:
        assert client.handshake.status == 101, client.handshake
        return [client.ask(json.dumps({"action": "say", "text": "hello"})), client.ask("anything")]


@pytest.fixture
def answers(backend, path):
    backend.answers[path] = Answer(body='{"said": "hello back"}')
    backend.answers[f"{path}-plain"] = Answer(body="plainly")


def test_an_api_of_ours_as_aws_serves_the_same_here(start_gateway, backend, path, answers):
    there, here = start_gateway(), start_gateway()
    client = control(there.url)
    api = build(client, backend, path)
    client.create_model(ApiId=api, Name="Said", Schema='{"type": "object"}', ContentType="application/json")
    client.create_authorizer(
        ApiId=api, Name="door", AuthorizerType="REQUEST", AuthorizerUri=ASSUMED_FUNCTION, IdentitySource=["route.request.header.Auth"]
    )
    deployment = client.create_deployment(ApiId=api)["DeploymentId"]
    client.create_stage(ApiId=api, StageName="prod", DeploymentId=deployment, StageVariables={"room": "blue"}, Tags={"team": "chat"})
    client.create_stage(ApiId=api, StageName="bare")
    dry = run(api, "--endpoint-url", there.url, "--endpoint", here.url, "--dry-run")
    assert dry.returncode == 0 and "Nothing was made" in dry.stdout, dry.stderr
    assert control(here.url).get_apis()["Items"] == []

    done = run(api, "--endpoint-url", there.url, "--endpoint", here.url)
    assert done.returncode == 0, done.stderr
    assert f"Imported API {api} (chat)" in done.stdout and "2 routes, 2 integrations, 1 model, 1 authorizer, 2 stages" in done.stdout
    assert f"connect: ws://127.0.0.1:{here.port}/_aws/execute-api/{api}/prod" in done.stdout
    for part in ("function greet: its code", "stage bare has no deployment there", "ids of routes"):
        assert part in done.stdout, done.stdout
    expected = ['{"heard": "hello back", "in": "blue"}', "plainly"]
    assert converse(there.port, api) == expected
    assert converse(here.port, api) == expected

    def bare(item):
        """A resource without what is new of it."""
        new = {"IntegrationId", "RouteId", "AuthorizerId", "Target", "ModelId", "CreatedDate", "LastUpdatedDate", "DeploymentId"}
        return {name: value for name, value in item.items() if name not in new}

    for call in ("get_routes", "get_integrations", "get_models", "get_authorizers", "get_stages"):
        both = [getattr(control(gateway.url), call)(ApiId=api)["Items"] for gateway in (there, here)]
        one, other = (sorted((bare(item) for item in items), key=str) for items in both)
        assert one == other, call
    again = run(api, "--endpoint-url", there.url, "--endpoint", here.url)
    assert again.returncode == 1 and "409" in again.stderr and api in again.stderr, again.stderr
    assert converse(here.port, api) == expected, "what is there stays"


def test_pages_usage_plans_and_api_keys_come_along(start_gateway, backend, path):
    there, here = start_gateway(), start_gateway()
    client = control(there.url)
    api = Api(there, name="many")
    target = api.integration("HTTP_PROXY", f"{backend.url}{path}")
    api.route("$connect", ApiKeyRequired=True)
    for number in range(120):
        api.route(f"route{number}", target)
    api.deploy()
    v1 = boto3.session.Session(region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b").client(
        "apigateway", endpoint_url=there.url, config=CONFIG
    )
    plan = v1.create_usage_plan(name="gold", apiStages=[{"apiId": api.id, "stage": "dev"}], throttle={"rateLimit": 5.0, "burstLimit": 10})["id"]
    other = v1.create_usage_plan(name="of another")["id"]
    key = v1.create_api_key(name="ann", value="a-key-of-twenty-characters", enabled=True)["id"]
    v1.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    assert other and client.get_routes(ApiId=api.id, MaxResults="50").get("NextToken"), "there are pages"
    done = run(api.id, "--endpoint-url", there.url, "--endpoint", here.url)
    assert done.returncode == 0, done.stderr
    assert "121 routes" in done.stdout and "1 usage plan" in done.stdout, done.stdout
    target = f"/_aws/execute-api/{api.id}/dev"
    with RawClient(here.port, target) as refused:
        assert refused.handshake.status == 403
    with RawClient(here.port, target, headers=[("x-api-key", "a-key-of-twenty-characters")]) as let_in:
        assert let_in.handshake.status == 101


def test_an_api_of_moto_is_read_with_signed_calls_into_a_data_folder(start_gateway, backend, path, answers, tmp_path):
    services = Services(**{KEY: SECRET})
    try:
        session = boto3.session.Session(region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key=SECRET)
        client = session.client("apigatewayv2", endpoint_url=services.moto, config=CONFIG)
        api = build(client, backend, path)
        client.create_stage(ApiId=api, StageName="prod", AutoDeploy=True, StageVariables={"room": "green"})
        folder = tmp_path / "data"
        done = run(api, "--endpoint-url", services.url, "--data-dir", str(folder))
        assert done.returncode == 0, done.stderr
        assert services.calls and all(call.verified and call.service == "apigateway" and call.method == "GET" for call in services.calls)
        # moto does not list these; it is said, and not silent.
        assert "not read: " in done.stdout, done.stdout
    finally:
        services.stop()
    here = start_gateway(data_dir=folder)
    assert converse(here.port, api) == ['{"heard": "hello back", "in": "green"}', "plainly"]


def test_what_cannot_be_done_is_told_and_leaves_nothing(start_gateway, backend, path):
    there, here = start_gateway(), start_gateway()
    nothing = run("nosuchapi1", "--endpoint-url", there.url, "--endpoint", here.url)
    assert nothing.returncode == 1 and "404" in nothing.stderr and "nosuchapi1" in nothing.stderr
    assert run("../x", "--endpoint-url", there.url).returncode == 64
    nobody = run("a1b2c3d4e5", "--endpoint-url", "http://127.0.0.1:9", "--endpoint", here.url)
    assert nobody.returncode == 69 and "127.0.0.1:9" in nobody.stderr, nobody.stderr
    without = run("a1b2c3d4e5", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert without.returncode == 64 and "no credentials were found" in without.stderr, without.stderr
    nowhere = run("a1b2c3d4e5", AWS_REGION="")
    assert nowhere.returncode == 64 and "--region" in nowhere.stderr, nowhere.stderr
    api = build(control(there.url), backend, path)
    away = run(api, "--endpoint-url", there.url, "--endpoint", "http://127.0.0.1:9")
    assert away.returncode == 1 and "no gateway answers at http://127.0.0.1:9" in away.stderr, away.stderr
    # This side takes fewer routes: what was begun is taken back.
    small = start_gateway("--limit", "routes-per-api=1")
    refused = run(api, "--endpoint-url", there.url, "--endpoint", small.url)
    assert refused.returncode == 1 and "/routes with " in refused.stderr and refused.stderr.endswith("; nothing was kept\n"), refused.stderr
    assert control(small.url).get_apis()["Items"] == []


def test_an_api_of_that_id_is_left_alone(start_gateway, backend, path):
    there, here = start_gateway(), start_gateway()
    api = build(control(there.url), backend, path)
    client = control(here.url)
    client.create_api(Name="taken", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action", Tags={"_custom_id_": api})
    assert run(api, "--endpoint-url", there.url, "--endpoint", here.url).returncode == 1
    assert [(item["ApiId"], item["Name"]) for item in client.get_apis()["Items"]] == [(api, "taken")]


def test_another_control_plane_than_ours_is_left_as_it_was(start_gateway, backend, path):
    """A variable that still leads to AWS: the API there has the id of the one that is read, and must not be touched."""
    services = Services(**{KEY: SECRET})
    try:
        session = boto3.session.Session(region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key=SECRET)
        client = session.client("apigatewayv2", endpoint_url=services.moto, config=CONFIG)
        api = build(client, backend, path)
        apis = [item["ApiId"] for item in client.get_apis()["Items"]]
        before = client.get_routes(ApiId=api)["Items"]
        done = run(api, "--endpoint-url", services.moto, AWS_ENDPOINT_URL=services.moto)
        assert done.returncode == 1 and "is no gateway of this kind" in done.stderr, done.stderr
        assert [item["ApiId"] for item in client.get_apis()["Items"]] == apis, done.stderr
        assert client.get_routes(ApiId=api)["Items"] == before
    finally:
        services.stop()


def test_a_profile_says_key_and_region(start_gateway, backend, path, tmp_path):
    services = Services(**{KEY: SECRET})
    try:
        session = boto3.session.Session(region_name="eu-west-3", aws_access_key_id=KEY, aws_secret_access_key=SECRET)
        client = session.client("apigatewayv2", endpoint_url=services.moto, config=CONFIG)
        api = build(client, backend, path)
        config = tmp_path / "config"
        config.write_text(f"[profile work]\nregion = eu-west-3\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")
        words = [api, "--endpoint-url", services.url, "--profile", "work", "--dry-run"]
        done = run(*words, AWS_CONFIG_FILE=str(config), AWS_ACCESS_KEY_ID="other", AWS_SECRET_ACCESS_KEY="other", AWS_SESSION_TOKEN="", AWS_REGION="")
        assert done.returncode == 0, done.stderr
        assert all(call.verified and call.key == KEY and "eu-west-3" in call.headers["Authorization"] for call in services.calls)
    finally:
        services.stop()
