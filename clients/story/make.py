"""Makes the API that a story describes, with boto3, and deploys it."""

import functools

import boto3
from botocore import xform_name
from botocore.config import Config

from harness.aws import CONFIG, CREDENTIALS, REGION

from .pattern import fill

# The URI by which tools name a function, around its name and what stands behind that.
FUNCTION = (
    f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/arn:aws:lambda:{REGION}:123456789012:function:<function>",
    "/invocations",
)
# What a story without routes of its own has.
ECHO = {"$default": "HTTP_PROXY POST /echo, two-way"}
# A story sees every line of the execution log unless it says otherwise.
LOGGED = {"LoggingLevel": "INFO", "DataTraceEnabled": True}


@functools.cache
def client(service, url):
    """One SDK client for a service of one program; they are safe to share among threads and slow to make."""
    # Stories send wrong input too; it is the program that has to refuse it.
    config = CONFIG.merge(Config(parameter_validation=False))
    return boto3.session.Session(region_name=REGION, **CREDENTIALS).client(service, endpoint_url=url, config=config)


def call(service, url, operation, members):
    """One call of the SDK, named as AWS names it."""
    return getattr(client(service, url), xform_name(operation))(**members)


class Made:
    """The API of one story; `names` gets the ids of what it makes."""

    def __init__(self, url, story, names):
        self.url = url
        self.names = names
        self.stage = story.get("stage", {}).get("StageName", "dev")
        self.stage_members = {key: value for key, value in story.get("stage", {}).items() if key != "StageName"}
        members = {
            "Name": names["story"],
            "ProtocolType": "WEBSOCKET",
            "RouteSelectionExpression": "$request.body.action",
            **fill(story.get("api", {}), names),
        }
        self.id = self.call("CreateApi", members, with_api=False)["ApiId"]
        names["apiId"] = self.id
        names["stage"] = self.stage
        for name, schema in story.get("models", {}).items():
            model = self.call("CreateModel", {"Name": name, "ContentType": "application/json", "Schema": fill(schema, names)})
            names[f"model {name}"] = model["ModelId"]
        self.authorizer = self.made_authorizer(story["authorizer"]) if "authorizer" in story else None
        for key, route in story.get("routes", ECHO).items():
            self.route(key, {"integration": route} if isinstance(route, str) else route)
        self.deployed = False
        self.deploy()

    def call(self, operation, members, with_api=True, service="apigatewayv2"):
        """One control-plane call about this API."""
        return call(service, self.url, operation, {**({"ApiId": self.id} if with_api else {}), **members})

    def made_authorizer(self, told):
        """The authorizer that $connect asks."""
        uri = told["uri"]
        if uri.startswith("function:"):
            uri = uri.removeprefix("function:").join(FUNCTION)
        uri = fill(f"<backend>{uri}" if uri.startswith("/") else uri, self.names)
        members = {"Name": "gate", "AuthorizerType": "REQUEST", "AuthorizerUri": uri, "IdentitySource": told.get("sources", [])}
        self.names["authorizer"] = self.call("CreateAuthorizer", members)["AuthorizerId"]
        return self.names["authorizer"]

    def route(self, key, told):
        """A route with all that hangs on it."""
        members = {"RouteKey": key, **fill(told.get("route", {}), self.names)}
        if key == "$connect" and self.authorizer is not None:
            members |= {"AuthorizationType": "CUSTOM", "AuthorizerId": self.authorizer}
        short = told.get("integration", "")
        two_way = told.get("two_way", False)
        if short.endswith(", two-way"):
            short, two_way = short.removesuffix(", two-way"), True
        if short:
            self.names[f"integration {key}"] = self.integration(short, told)
            members["Target"] = f"integrations/{self.names[f'integration {key}']}"
        if two_way in (True, "expression"):
            members["RouteResponseSelectionExpression"] = "$default"
        route = self.call("CreateRoute", members)["RouteId"]
        self.names[f"route {key}"] = route
        if two_way in (True, "response"):
            self.call("CreateRouteResponse", {"RouteId": route, "RouteResponseKey": "$default"})

    def integration(self, short, told):
        """An integration from its short form, such as `HTTP POST /path`, `MOCK`, `AWS_PROXY POST function:name:alias`."""
        kind, _, rest = short.partition(" ")
        method, _, uri = rest.partition(" ")
        members = {"IntegrationType": kind, **fill(told.get("with", {}), self.names)}
        if uri.startswith("function:"):
            uri = uri.removeprefix("function:").join(FUNCTION)
        if method:
            members.setdefault("IntegrationMethod", method)
        if uri:
            members.setdefault("IntegrationUri", fill(f"<backend>{uri}" if uri.startswith("/") else uri, self.names))
        for name, source in fill(told.get("headers", {}), self.names).items():
            members.setdefault("RequestParameters", {})[f"integration.request.header.{name}"] = source
        made = self.call("CreateIntegration", members)["IntegrationId"]
        # Most stories about non-proxy integrations want the plain way back; `responses = {}` wants none.
        plain = {} if kind.endswith("_PROXY") else {"$default": {}}
        for key, response in told.get("responses", plain).items():
            members = {"IntegrationId": made, "IntegrationResponseKey": key, **fill(response, self.names)}
            self.names[f"response {key}"] = self.call("CreateIntegrationResponse", members)["IntegrationResponseId"]
        return made

    def deploy(self, stage=None):
        """Deploys; makes the stage the first time."""
        stage = stage or self.stage
        deployment = self.call("CreateDeployment", {})["DeploymentId"]
        members = {"StageName": stage, "DeploymentId": deployment}
        if self.deployed:
            self.call("UpdateStage", members)
        else:
            if self.stage_members.get("AutoDeploy"):
                # Such a stage chooses its deployment itself.
                del members["DeploymentId"]
            self.call("CreateStage", {"DefaultRouteSettings": LOGGED, **members, **fill(self.stage_members, self.names)})
            self.deployed = True
