"""Terraform and its provider for AWS against the control plane: what is applied is there, and a second plan is empty.

The provider is large and slow to start: it is tried where an environment variable names it (README.md).
"""

import json
import shutil
from pathlib import Path

import boto3
import pytest

from harness.aws import CONFIG, CREDENTIALS, REGION, control
from harness.backend import Answer, Backend
from harness.clients import open_websocket, receive
from harness.stacks import api_named
from harness.tools import installed, run

# A dozen runs of a minute on a machine that does other things, too.
pytestmark = pytest.mark.timeout(3600)

HERE = Path(__file__).resolve().parent
ORDERS = HERE.parent / "corpus" / "iac" / "06-terraform.tf"
# What `plan -detailed-exitcode` says.
NOTHING_CHANGES, SOMETHING_CHANGES = 0, 2
APPLY = ("apply", "-input=false", "-auto-approve")


class Terraform:
    """One folder with a configuration, and what it is given."""

    def __init__(self, folder, text, **variables):
        providers = installed("GATEWRIGHT_TERRAFORM_PROVIDERS", "folder of providers for -plugin-dir")
        self.folder = folder
        self.variables = [f"-var={name}={value}" for name, value in variables.items()]
        (folder / "main.tf").write_text(text)
        self.run("init", "-input=false", f"-plugin-dir={providers}")

    def run(self, *words, succeeds=True):
        """Runs it; gives the finished process."""
        return run("terraform", words[0], "-no-color", *words[1:], cwd=self.folder, succeeds=succeeds)

    def plan(self, *more):
        """What a plan says that would happen, as its exit code, and its text."""
        planned = self.run("plan", "-input=false", "-detailed-exitcode", *self.variables, *more, succeeds=False)
        return planned.returncode, planned.stdout + planned.stderr

    def apply(self, *more):
        """Applies it; nothing is left to do then."""
        said = self.run(*APPLY, *self.variables, *more).stdout
        code, text = self.plan(*more)
        assert code == NOTHING_CHANGES, text
        return said

    def destroy(self, *more):
        """Destroys what it made."""
        return self.run("destroy", "-input=false", "-auto-approve", *self.variables, *more).stdout


def left(gateway):
    """What there is in the control plane that a configuration can make, by kind."""
    v1 = boto3.client("apigateway", endpoint_url=gateway.url, region_name=REGION, config=CONFIG, **CREDENTIALS)
    v2 = control(gateway.url)
    kinds = {
        "APIs": v2.get_apis()["Items"],
        "domain names": v2.get_domain_names()["Items"],
        "VPC links": v2.get_vpc_links()["Items"] + v1.get_vpc_links()["items"],
        "API keys": v1.get_api_keys()["items"],
        "usage plans": v1.get_usage_plans()["items"],
        "client certificates": v1.get_client_certificates()["items"],
    }
    return {kind: there for kind, there in kinds.items() if there}


def test_the_orders_of_the_corpus_are_applied_used_and_destroyed(start_gateway, tmp_path):
    text = ORDERS.read_text()
    # The provider that can be had is older than this endpoint, and the port is another.
    for before, after in [('version = ">= 5.0"', 'version = ">= 3.39"'), ('    apigatewayv2 = "http://127.0.0.1:4510"\n', "")]:
        assert before in text
        text = text.replace(before, after)
    backend = Backend()
    backend.answers["/ws/connect"] = Answer()
    backend.answers["/ws/subscribe"] = lambda request: Answer(body=json.dumps({"of": request.header("eventType"), "was": request.text}))
    place = backend.url.removeprefix("http://")
    settings = tmp_path / "gatewright.toml"
    settings.write_text(f'[vpc-links."orders"]\ntargets = ["{place}"]\n')
    gateway = start_gateway("--config", str(settings))
    orders = tmp_path / "orders"
    orders.mkdir()
    terraform = Terraform(orders, text.replace("http://127.0.0.1:4510", gateway.url), backend=backend.url)
    # Its deployment hangs on a hash of whole resources. What has no value is null in that when they are made and "" or {} when
    # they are read, whoever answers: it is deployed once more, and nothing else happens.
    assert "0 changed, 0 destroyed" in terraform.run(*APPLY, *terraform.variables).stdout
    assert "1 added, 1 changed, 1 destroyed" in terraform.apply()
    api = api_named(gateway, "orders")
    with open_websocket(f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/{api}/live?token=t") as client:
        client.send('{"op":"subscribe"}')
        assert receive(client) == {"of": "MESSAGE", "was": '{"op":"subscribe"}'}
    terraform.destroy()
    assert left(gateway) == {}
    backend.stop()


# Groups of resources of iac/terraform/main.tf, whose attributes change together.
GROUPS = ["api", "backend", "routes", "stage", "account"]
AS_MADE, CHANGED, CLEARED = 0, 1, 2


def test_every_attribute_is_made_changed_cleared_and_destroyed(start_gateway, tmp_path):
    gateway = start_gateway()
    shutil.copytree(HERE / "iac" / "terraform", tmp_path / "all")
    terraform = Terraform(tmp_path / "all", (HERE / "iac" / "terraform" / "main.tf").read_text(), endpoint=gateway.url)

    def in_states(**states):
        return f"-var=states={json.dumps(states)}"

    terraform.apply()
    api = api_named(gateway, "terraformed")
    # One group after the other, each by itself: what one of them needs of another is there before and after.
    states = {}
    for group in GROUPS:
        states[group] = CHANGED
        code, _ = terraform.plan(in_states(**states))
        assert code == SOMETHING_CHANGES
        terraform.apply(in_states(**states))
    assert api_named(gateway, "renamed") == api
    client = control(gateway.url)
    integrations = {item["IntegrationType"]: item for item in client.get_integrations(ApiId=api)["Items"]}
    assert integrations["HTTP"]["ConnectionType"] == "VPC_LINK" and integrations["HTTP"]["RequestTemplates"].keys() == {"a", "b"}
    assert client.get_api(ApiId=api)["Tags"] == {"team": "b", "new": "n"}
    # All at once, to no values and back.
    terraform.apply(in_states(**dict.fromkeys(GROUPS, CLEARED)))
    integrations = {item["IntegrationType"]: item for item in client.get_integrations(ApiId=api)["Items"]}
    assert not {"ConnectionId", "RequestTemplates", "RequestParameters"} & integrations["HTTP"].keys()
    stage = client.get_stage(ApiId=api, StageName="live")
    assert (stage["StageVariables"], stage["RouteSettings"], stage.get("AccessLogSettings")) == ({}, {}, None)
    (connect,) = [route for route in client.get_routes(ApiId=api)["Items"] if route["RouteKey"] == "$connect"]
    assert (connect["AuthorizationType"], connect["ApiKeyRequired"], connect.get("RequestParameters")) == ("NONE", False, None)
    terraform.apply(in_states(**dict.fromkeys(GROUPS, AS_MADE)))
    terraform.destroy()
    assert left(gateway) == {}
