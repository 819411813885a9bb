"""A full life of an API with all that belongs to it, in both of AWS's APIs: boto3, the AWS CLI, and the JS SDK."""

import datetime
import json
import shutil
import subprocess
import urllib.error
import urllib.request

import boto3
import pytest

from harness.aws import CLI_PATIENCE, CONFIG, CREDENTIALS, REGION, cli_environment, control
from harness.clients import JS, Node
from harness.until import PATIENCE

NLB = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/nlb/1"
SCRIPT_PATIENCE = 60


@pytest.fixture
def v2(gateway):
    return control(gateway.url)


@pytest.fixture
def v1(gateway):
    return boto3.session.Session(region_name=REGION, **CREDENTIALS).client("apigateway", endpoint_url=gateway.url, config=CONFIG)


def replace(path, value):
    return [{"op": "replace", "path": path, "value": value}]


def test_a_full_life_with_boto3(v1, v2):
    api = v2.create_api(Name="life", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")["ApiId"]
    integration = v2.create_integration(ApiId=api, IntegrationType="MOCK")["IntegrationId"]
    v2.create_integration_response(ApiId=api, IntegrationId=integration, IntegrationResponseKey="$default")
    model = v2.create_model(ApiId=api, Name="Chat", Schema='{"type": "object", "properties": {"text": {"type": "string"}}}')
    template = v2.get_model_template(ApiId=api, ModelId=model["ModelId"])["Value"]
    assert '"text" : "$inputRoot.text"' in template
    v2.create_route(ApiId=api, RouteKey="$connect", ApiKeyRequired=True, Target=f"integrations/{integration}")
    certificate = v1.generate_client_certificate(description="d")
    assert certificate["pemEncodedCertificate"].startswith("-----BEGIN CERTIFICATE-----")
    days = (certificate["expirationDate"].date() - certificate["createdDate"].date()).days
    assert days == 365
    stage = v2.create_stage(ApiId=api, StageName="dev", AutoDeploy=True, ClientCertificateId=certificate["clientCertificateId"])
    assert stage["LastDeploymentStatusMessage"].startswith("Successfully deployed stage with deployment ID")

    key = v1.create_api_key(name="partner", enabled=True, tags={"a": "b"})
    assert len(key["value"]) == 40 and isinstance(key["createdDate"], datetime.datetime)
    plan = v1.create_usage_plan(
        name="gold", apiStages=[{"apiId": api, "stage": "dev"}], throttle={"burstLimit": 2, "rateLimit": 1.5}, quota={"limit": 9, "period": "DAY"}
    )  # fmt: skip
    assert v1.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")["value"] == key["value"]
    usage = v1.get_usage(usagePlanId=plan["id"], startDate="2026-01-01", endDate="2026-01-31")
    assert (usage["usagePlanId"], usage["startDate"]) == (plan["id"], "2026-01-01")
    changed = v1.update_usage_plan(usagePlanId=plan["id"], patchOperations=replace("/quota/limit", "10"))
    assert changed["quota"] == {"limit": 10, "offset": 0, "period": "DAY"}
    assert [item["id"] for item in v1.get_usage_plans(keyId=key["id"])["items"]] == [plan["id"]]
    assert "value" not in v1.get_api_key(apiKey=key["id"])
    assert v1.get_api_key(apiKey=key["id"], includeValue=True)["value"] == key["value"]
    imported = v1.import_api_keys(body=f"name,key,usageplanIds\nfile,{'k' * 20},{plan['id']}\n".encode(), format="csv")
    assert imported["warnings"] == [] and len(imported["ids"]) == 1
    names = [item["name"] for page in v1.get_paginator("get_api_keys").paginate(PaginationConfig={"PageSize": 1}) for item in page["items"]]
    assert names == ["partner", "file"]

    link = v1.create_vpc_link(name="nlb", targetArns=[NLB])
    assert link["status"] == "PENDING"
    assert v1.get_vpc_link(vpcLinkId=link["id"])["status"] == "AVAILABLE"
    v2.update_integration(
        ApiId=api, IntegrationId=integration, IntegrationType="HTTP_PROXY", IntegrationMethod="POST",
        IntegrationUri="http://example.net", ConnectionType="VPC_LINK", ConnectionId=link["id"],
    )  # fmt: skip
    with pytest.raises(v1.exceptions.BadRequestException):
        v1.delete_vpc_link(vpcLinkId=link["id"])
    other = v2.create_vpc_link(Name="v2", SubnetIds=["subnet-1"])["VpcLinkId"]
    with pytest.raises(v2.exceptions.BadRequestException):
        v2.update_integration(ApiId=api, IntegrationId=integration, ConnectionId=other)
    v2.delete_vpc_link(VpcLinkId=other)

    v2.create_domain_name(DomainName="boto3.example.com", DomainNameConfigurations=[{"CertificateArn": "arn:aws:acm:us-east-1:1:certificate/c"}])
    mapping = v2.create_api_mapping(DomainName="boto3.example.com", ApiId=api, Stage="dev", ApiMappingKey="chat")
    assert v1.get_domain_name(domainName="boto3.example.com")["regionalCertificateArn"].endswith("certificate/c")
    with pytest.raises(v2.exceptions.BadRequestException) as error:
        v2.delete_api(ApiId=api)
    assert "remove all API mappings" in error.value.response["Error"]["Message"]
    with pytest.raises(v2.exceptions.BadRequestException):
        v2.create_api_mapping(DomainName="boto3.example.com", ApiId=api, Stage="nope")

    arn = f"arn:aws:apigateway:us-east-1::/apikeys/{key['id']}"
    v1.tag_resource(resourceArn=arn, tags={"c": "d"})
    assert v1.get_tags(resourceArn=arn)["tags"] == {"a": "b", "c": "d"}
    v1.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert v1.get_api_key(apiKey=key["id"])["tags"] == {"c": "d"}
    role = "arn:aws:iam::123456789012:role/logs"
    assert v1.update_account(patchOperations=replace("/cloudwatchRoleArn", role))["cloudwatchRoleArn"] == role
    assert v1.get_account()["apiKeyVersion"] == "4"

    v2.delete_api_mapping(DomainName="boto3.example.com", ApiMappingId=mapping["ApiMappingId"])
    v2.delete_domain_name(DomainName="boto3.example.com")
    v2.delete_api(ApiId=api)
    assert v1.get_usage_plan(usagePlanId=plan["id"])["apiStages"] == []
    v1.delete_usage_plan(usagePlanId=plan["id"])
    for each in [key["id"], *imported["ids"]]:
        v1.delete_api_key(apiKey=each)
    v1.delete_vpc_link(vpcLinkId=link["id"])
    v1.delete_client_certificate(clientCertificateId=certificate["clientCertificateId"])
    with pytest.raises(v1.exceptions.NotFoundException) as error:
        v1.get_client_certificate(clientCertificateId=certificate["clientCertificateId"])
    assert error.value.response["Error"]["Message"] == "Invalid Client Certificate identifier specified"


def test_what_this_gateway_is_not_about_says_so(v2):
    with pytest.raises(v2.exceptions.ClientError) as error:
        v2.list_portals()
    assert error.value.response["Error"]["Code"] == "NotImplementedException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    with pytest.raises(v2.exceptions.BadRequestException):
        v2.import_api(Body="{}")


@pytest.fixture
def aws(gateway):
    """`aws SERVICE …`, which must succeed; what it printed as JSON."""

    def run(service, *words):
        done = subprocess.run(
            ["aws", service, *words], env=cli_environment(gateway.url), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=CLI_PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"aws {service} {' '.join(words)}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_a_full_life_with_the_aws_cli(aws, tmp_path):
    api = aws(
        "apigatewayv2", "create-api", "--name", "cli", "--protocol-type", "WEBSOCKET", "--route-selection-expression", "$request.body.action"
    )["ApiId"]  # fmt: skip
    aws("apigatewayv2", "create-route", "--api-id", api, "--route-key", "$default")
    aws("apigatewayv2", "create-stage", "--api-id", api, "--stage-name", "dev", "--auto-deploy")
    key = aws("apigateway", "create-api-key", "--name", "cli", "--enabled")
    plan = aws("apigateway", "create-usage-plan", "--name", "cli", "--api-stages", f"apiId={api},stage=dev", "--throttle", "burstLimit=1,rateLimit=2")
    aws("apigateway", "create-usage-plan-key", "--usage-plan-id", plan["id"], "--key-id", key["id"], "--key-type", "API_KEY")
    keys = aws("apigateway", "get-usage-plan-keys", "--usage-plan-id", plan["id"])
    assert [item["value"] for item in keys["items"]] == [key["value"]]
    aws(
        "apigateway", "update-usage-plan", "--usage-plan-id", plan["id"],
        "--patch-operations", "op=replace,path=/throttle/burstLimit,value=5", f"op=remove,path=/apiStages,value={api}:dev",
    )  # fmt: skip
    shown = aws("apigateway", "get-usage-plan", "--usage-plan-id", plan["id"])
    assert (shown["throttle"], shown["apiStages"]) == ({"burstLimit": 5, "rateLimit": 2.0}, [])
    file = tmp_path / "keys.csv"
    file.write_text(f"name,key\nfrom-file,{'c' * 24}\n")
    imported = aws("apigateway", "import-api-keys", "--format", "csv", "--body", f"fileb://{file}")
    names = [item["name"] for item in aws("apigateway", "get-api-keys")["items"]]
    assert {"cli", "from-file"} <= set(names)
    aws("apigatewayv2", "create-domain-name", "--domain-name", "cli.example.com", "--domain-name-configurations", "CertificateArn=arn:aws:acm:x:1:certificate/c")
    aws("apigatewayv2", "create-api-mapping", "--domain-name", "cli.example.com", "--api-id", api, "--stage", "dev")
    mappings = aws("apigatewayv2", "get-api-mappings", "--domain-name", "cli.example.com")["Items"]
    assert [(item["ApiId"], item["Stage"]) for item in mappings] == [(api, "dev")]
    aws("apigatewayv2", "delete-domain-name", "--domain-name", "cli.example.com")
    certificate = aws("apigateway", "generate-client-certificate")["clientCertificateId"]
    aws("apigateway", "update-client-certificate", "--client-certificate-id", certificate, "--patch-operations", "op=replace,path=/description,value=mine")
    assert aws("apigateway", "get-client-certificate", "--client-certificate-id", certificate)["description"] == "mine"
    aws("apigateway", "delete-client-certificate", "--client-certificate-id", certificate)
    link = aws("apigateway", "create-vpc-link", "--name", "cli", "--target-arns", "127.0.0.1:3000")["id"]
    assert aws("apigateway", "get-vpc-link", "--vpc-link-id", link)["status"] == "AVAILABLE"
    aws("apigateway", "delete-vpc-link", "--vpc-link-id", link)
    assert aws("apigateway", "get-account")["throttleSettings"] == {"burstLimit": 5000, "rateLimit": 10000.0}
    aws("apigateway", "delete-usage-plan", "--usage-plan-id", plan["id"])
    for each in [key["id"], *imported["ids"]]:
        aws("apigateway", "delete-api-key", "--api-key", each)
    aws("apigatewayv2", "delete-api", "--api-id", api)


def test_a_full_life_with_the_js_sdk(gateway, node_folder):
    script = shutil.copy(JS / "full-life.mjs", node_folder / "full-life.mjs")
    with Node(script, gateway.url) as node:
        code, lines = node.finish(SCRIPT_PATIENCE)
    assert code == 0, "\n".join(lines)
    steps = {record.pop("step"): record for record in map(json.loads, lines)}
    assert steps["template"] == {"holdsItsMember": True}
    assert steps["domain"] == {"arn": "arn:aws:apigateway:us-east-1::/domainnames/js.example.com", "status": "AVAILABLE", "type": "REGIONAL"}
    assert steps["mappings"] == {"keys": ["chat"], "pages": 1}
    assert steps["mapped"] == {"typed": True, "stage": True}
    assert steps["link"] == {"status": ["PENDING", "AVAILABLE"], "refused": True, "created": True}
    assert steps["tags"] == {"tags": {"b": "2"}}
    assert steps["gone"] == {"typed": True}


@pytest.mark.parametrize(
    ("body", "status", "name", "text"),
    [
        (b'{"Name": "' + b"n" * (1024 * 1024) + b'"}', 413, "RequestEntityTooLargeException", "limit control-body-bytes"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, 400, "SerializationException", "nested too deep: at most 127 levels"),
    ],
    ids=["too large", "too deep"],
)
def test_a_body_beyond_its_bounds_is_refused_in_words(gateway, body, status, name, text):
    request = urllib.request.Request(f"{gateway.url}/v2/apis", data=body, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=PATIENCE)
    answer = refused.value
    assert (answer.code, answer.headers["x-amzn-ErrorType"]) == (status, name)
    assert text in json.load(answer)["message"]
