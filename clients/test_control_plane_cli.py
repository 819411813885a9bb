"""The control plane as the AWS CLI sees it: each resource made, read, listed, changed and deleted, and the errors in words."""

import json
import re

import pytest

from harness.aws import Cli

API_DEFAULTS = {
    "ApiKeySelectionExpression": "$request.header.x-api-key",
    "ProtocolType": "WEBSOCKET",
    "RouteSelectionExpression": "$request.body.action",
    "DisableExecuteApiEndpoint": False,
}


@pytest.fixture(scope="module")
def aws(gateway):
    return Cli(gateway.url)


@pytest.fixture(scope="module")
def api(aws):
    """An API that the tests of this module share, each with resources of its own."""
    return aws(*create_api("shared"))["ApiId"]


def create_api(name, *more):
    return [
        "create-api", "--name", name, "--protocol-type", "WEBSOCKET", "--route-selection-expression", "$request.body.action", *more
    ]  # fmt: skip


def ids(answer, member):
    return [item[member] for item in answer["Items"]]


def holds(whole, part):
    assert {name: whole.get(name) for name in part} == part


def test_an_api_from_birth_to_death(aws, gateway):
    made = aws(*create_api("chat", "--description", "a chat", "--tags", "team=blue,tier=1"))
    api = made["ApiId"]
    assert re.fullmatch(r"[a-z0-9]{10}", api)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00)", made["CreatedDate"]), made["CreatedDate"]
    holds(made, {**API_DEFAULTS, "Name": "chat", "Description": "a chat", "Tags": {"team": "blue", "tier": "1"}})
    assert made["ApiEndpoint"] == f"ws://{api}.execute-api.localhost:{gateway.port}"
    assert aws("get-api", "--api-id", api) == made
    assert made in aws("get-apis")["Items"]

    changed = aws(
        "update-api", "--api-id", api, "--name", "talk", "--description", "", "--route-selection-expression", "$request.body.kind"
    )
    assert changed == {
        **{name: value for name, value in made.items() if name != "Description"},
        "Name": "talk",
        "RouteSelectionExpression": "$request.body.kind",
    }
    assert aws("get-api", "--api-id", api) == changed

    assert aws("delete-api", "--api-id", api) is None
    gone = f"Invalid API identifier specified 000000000000:{api}"
    assert aws.refused("get-api", "--api-id", api).endswith(
        f"An error occurred (NotFoundException) when calling the GetApi operation: {gone}"
    )
    assert api not in ids(aws("get-apis"), "ApiId")


def test_a_route_from_birth_to_death(aws, api):
    made = aws("create-route", "--api-id", api, "--route-key", "join", "--operation-name", "Join")
    route = made["RouteId"]
    assert re.fullmatch(r"[a-z0-9]{7}", route)
    assert made == {
        "RouteId": route, "RouteKey": "join", "OperationName": "Join", "ApiKeyRequired": False, "AuthorizationType": "NONE"
    }  # fmt: skip
    name = ("--api-id", api, "--route-id", route)
    assert aws("get-route", *name) == made
    assert made in aws("get-routes", "--api-id", api)["Items"]
    changed = aws(
        "update-route", *name, "--operation-name", "", "--route-key", "leave", "--route-response-selection-expression", "$default"
    )
    assert changed == {
        "RouteId": route, "RouteKey": "leave", "RouteResponseSelectionExpression": "$default", "ApiKeyRequired": False, "AuthorizationType": "NONE"
    }  # fmt: skip
    assert aws("delete-route", *name) is None
    assert "NotFoundException" in aws.refused("get-route", *name)


def test_an_integration_from_birth_to_death(aws, api):
    uri = ("--integration-uri", "http://127.0.0.1:9/x")
    made = aws("create-integration", "--api-id", api, "--integration-type", "HTTP_PROXY", "--integration-method", "POST", *uri)
    integration = made["IntegrationId"]
    assert re.fullmatch(r"[a-z0-9]{7}", integration)
    holds(
        made,
        {
            "IntegrationType": "HTTP_PROXY",
            "IntegrationMethod": "POST",
            "IntegrationUri": "http://127.0.0.1:9/x",
            "ConnectionType": "INTERNET",
            "PassthroughBehavior": "WHEN_NO_MATCH",
            "TimeoutInMillis": 29000,
        },
    )
    name = ("--api-id", api, "--integration-id", integration)
    assert aws("get-integration", *name) == made
    assert made in aws("get-integrations", "--api-id", api)["Items"]

    # The line of the founding user, then a second one: the map merges, and an empty value takes a key out.
    first = "integration.request.header.connectionId=context.connectionId"
    assert aws("update-integration", *name, "--request-parameters", first)["RequestParameters"] == {
        "integration.request.header.connectionId": "context.connectionId"
    }
    second = json.dumps({"integration.request.header.userinfo": "route.request.body", "integration.request.header.fixed": "'a b'"})
    merged = aws("update-integration", *name, "--request-parameters", second, "--timeout-in-millis", "5000")
    holds(
        merged,
        {
            "TimeoutInMillis": 5000,
            "RequestParameters": {
                "integration.request.header.connectionId": "context.connectionId",
                "integration.request.header.userinfo": "route.request.body",
                "integration.request.header.fixed": "'a b'",
            },
        },
    )
    without = json.dumps({"integration.request.header.userinfo": "", "integration.request.header.fixed": ""})
    assert aws("update-integration", *name, "--request-parameters", without)["RequestParameters"] == {
        "integration.request.header.connectionId": "context.connectionId"
    }
    assert "Timeout should be between 50 ms and 29000 ms" in aws.refused("update-integration", *name, "--timeout-in-millis", "29001")

    route = aws("create-route", "--api-id", api, "--route-key", "used", "--target", f"integrations/{integration}")["RouteId"]
    assert aws.refused("delete-integration", *name).endswith(
        "An error occurred (ConflictException) when calling the DeleteIntegration operation: "
        f"Cannot delete Integration because it is referenced by the following Routes with Ids: [{route}]"
    )
    aws("delete-route", "--api-id", api, "--route-id", route)
    assert aws("delete-integration", *name) is None
    assert "Invalid Integration identifier specified" in aws.refused("get-integration", *name)


def test_an_integration_response_from_birth_to_death(aws, api):
    integration = aws(
        "create-integration", "--api-id", api, "--integration-type", "MOCK", "--request-templates", '{"$default": "{\\"statusCode\\": 200}"}'
    )  # fmt: skip
    holds(
        integration,
        {
            "RequestTemplates": {"$default": '{"statusCode": 200}'},
            "IntegrationResponseSelectionExpression": "${integration.response.statuscode}",
        },
    )
    parent = ("--api-id", api, "--integration-id", integration["IntegrationId"])
    made = aws(
        "create-integration-response", *parent, "--integration-response-key", "/2\\d\\d/", "--response-templates", '{"$default": "x"}'
    )
    name = (*parent, "--integration-response-id", made["IntegrationResponseId"])
    assert re.fullmatch(r"[a-z0-9]{6}", made["IntegrationResponseId"])
    holds(made, {"IntegrationResponseKey": "/2\\d\\d/", "ResponseTemplates": {"$default": "x"}})
    assert aws("get-integration-response", *name) == made
    assert aws("get-integration-responses", *parent)["Items"] == [made]
    changed = aws(
        "update-integration-response", *name, "--integration-response-key", "$default", "--template-selection-expression", "\\$default"
    )
    assert changed == {**made, "IntegrationResponseKey": "$default", "TemplateSelectionExpression": "\\$default"}
    assert aws("delete-integration-response", *name) is None
    assert aws("get-integration-responses", *parent)["Items"] == []


def test_a_route_response_from_birth_to_death(aws, api):
    route = aws("create-route", "--api-id", api, "--route-key", "ask", "--route-response-selection-expression", "$default")["RouteId"]
    parent = ("--api-id", api, "--route-id", route)
    refused = aws.refused("create-route-response", *parent, "--route-response-key", "other")
    assert "Currently, only $default is supported as a RouteResponseKey." in refused
    made = aws("create-route-response", *parent, "--route-response-key", "$default")
    name = (*parent, "--route-response-id", made["RouteResponseId"])
    assert re.fullmatch(r"[a-z0-9]{6}", made["RouteResponseId"])
    assert aws("get-route-response", *name) == made
    assert aws("get-route-responses", *parent)["Items"] == [made]
    changed = aws("update-route-response", *name, "--response-models", '{"$default": "Empty"}')
    assert changed == {**made, "ResponseModels": {"$default": "Empty"}}
    assert aws("delete-route-response", *name) is None
    assert aws("get-route-responses", *parent)["Items"] == []


def test_deployments_and_stages_from_birth_to_death(aws):
    api = aws(*create_api("deployed"))["ApiId"]
    assert "At least one route is required before deploying the Api" in aws.refused("create-deployment", "--api-id", api)
    aws("create-route", "--api-id", api, "--route-key", "$default")
    first = aws("create-deployment", "--api-id", api, "--description", "the first")
    holds(first, {"DeploymentStatus": "DEPLOYED", "AutoDeployed": False, "Description": "the first"})
    deployment = ("--api-id", api, "--deployment-id", first["DeploymentId"])
    assert aws("get-deployment", *deployment) == first
    assert aws("update-deployment", *deployment, "--description", "still the first")["Description"] == "still the first"

    stage = ("--api-id", api, "--stage-name", "dev")
    made = aws(
        "create-stage", *stage, "--deployment-id", first["DeploymentId"],
        "--default-route-settings", "DataTraceEnabled=true,LoggingLevel=INFO", "--stage-variables", "a=1,b=2", "--tags", "team=blue",
    )  # fmt: skip
    holds(
        made,
        {
            "StageName": "dev",
            "DeploymentId": first["DeploymentId"],
            "DefaultRouteSettings": {"DataTraceEnabled": True, "DetailedMetricsEnabled": False, "LoggingLevel": "INFO"},
            "StageVariables": {"a": "1", "b": "2"},
            "RouteSettings": {},
            "Tags": {"team": "blue"},
        },
    )
    assert aws("get-stage", *stage) == made
    assert aws("get-stages", "--api-id", api)["Items"] == [made]
    assert "ConflictException" in aws.refused("create-stage", *stage)
    changed = aws("update-stage", *stage, "--stage-variables", "a=,c=3", "--description", "for us")
    holds(changed, {"StageVariables": {"b": "2", "c": "3"}, "Description": "for us"})

    second = aws("create-deployment", "--api-id", api, "--stage-name", "dev")
    assert aws("get-stage", *stage)["DeploymentId"] == second["DeploymentId"]
    assert ids(aws("get-deployments", "--api-id", api), "DeploymentId") == [first["DeploymentId"], second["DeploymentId"]]
    in_use = aws.refused("delete-deployment", "--api-id", api, "--deployment-id", second["DeploymentId"])
    assert "Active stages pointing to this deployment must be moved or deleted" in in_use
    assert aws("delete-deployment", *deployment) is None
    assert aws("delete-stage", *stage) is None
    assert "NotFoundException" in aws.refused("get-stage", *stage)
    assert aws("delete-deployment", "--api-id", api, "--deployment-id", second["DeploymentId"]) is None


def test_a_stage_that_deploys_itself_follows_each_change(aws):
    api = aws(*create_api("auto"))["ApiId"]
    stage = ("--api-id", api, "--stage-name", "dev")
    assert aws("create-stage", *stage, "--auto-deploy")["AutoDeploy"] is True
    aws("create-route", "--api-id", api, "--route-key", "$default")
    deployment = aws("get-stage", *stage)["DeploymentId"]
    assert aws("get-deployment", "--api-id", api, "--deployment-id", deployment)["AutoDeployed"] is True
    aws("create-route", "--api-id", api, "--route-key", "more")
    assert aws("get-stage", *stage)["DeploymentId"] != deployment


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        (
            ["create-api", "--name", "x", "--protocol-type", "WEBSOCKET"],
            "BadRequestException",
            "Invalid routeSelectionExpression",
        ),
        (["create-api", "--name", "x", "--protocol-type", "HTTP"], "BadRequestException", "WebSocket"),
        (
            ["create-route", "--api-id", "API", "--route-key", "$wrong"],
            "BadRequestException",
            "The provided route key is not formatted properly",
        ),
        (
            ["create-route", "--api-id", "API", "--route-key", "x", "--target", "nowhere"],
            "BadRequestException",
            "Unexpected or malformed target in route. Correct format should be integrations/<integration_id>.",
        ),
        (
            ["create-route", "--api-id", "API", "--route-key", "x", "--authorization-type", "AWS_IAM"],
            "BadRequestException",
            "Currently, authorization is restricted to the $connect route only",
        ),
        (
            ["create-integration", "--api-id", "API", "--integration-type", "HTTP_PROXY", "--integration-method", "POST"]
            + ["--integration-uri", "http://127.0.0.1", "--connection-type", "VPC_LINK"],
            "BadRequestException",
            "ConnectionId must be set to vpcLinkId for ConnectionType VPC_LINK",
        ),
        (["get-stage", "--api-id", "API", "--stage-name", "none"], "NotFoundException", "Invalid stage identifier specified"),
        (["get-routes", "--api-id", "none"], "NotFoundException", "Invalid API identifier specified 000000000000:none"),
    ],
    ids=lambda value: value.replace("/", " ") if isinstance(value, str) else None,
)
def test_errors_are_those_of_aws_in_words(aws, api, words, error, text):
    said = aws.refused(*[api if word == "API" else word for word in words])
    assert f"An error occurred ({error}) when calling the " in said
    assert text in said
