"""The AWS SDK for Python and the AWS CLI, pointed at the program, and a short way to make an API with them."""

import functools
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import boto3
from botocore.config import Config

from .until import PATIENCE

REGION = "us-east-1"
# Any key will do: without `--credentials` the program takes every signature, and the SDKs insist on making one.
CREDENTIALS = {"aws_access_key_id": "anything", "aws_secret_access_key": "anything"}
CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=PATIENCE, read_timeout=35, proxies={})
CLI_PATIENCE = 60


@functools.cache
def _session():
    return boto3.session.Session(region_name=REGION, **CREDENTIALS)


@functools.cache
def control(url):
    """The SDK's client of the control plane at `url`."""
    return _session().client("apigatewayv2", endpoint_url=url, config=CONFIG)


def management(endpoint):
    """The SDK's client of `@connections` below `endpoint`."""
    return _session().client("apigatewaymanagementapi", endpoint_url=endpoint, config=CONFIG)


def resolve_localhost_names(monkeypatch):
    """Makes names below `.localhost` mean 127.0.0.1, as RFC 6761 asks of resolvers and not all do.

    For the by-host form of addresses only; which server answers is not touched.
    """
    ask = socket.getaddrinfo

    def answer(host, *rest, **named):
        name = host.decode() if isinstance(host, bytes) else host
        return ask("127.0.0.1" if name and name.endswith(".localhost") else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def cli_environment(url):
    """The environment in which `aws` speaks to the program and to nobody else."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment.update(
        AWS_ENDPOINT_URL=url,
        AWS_ACCESS_KEY_ID="anything",
        AWS_SECRET_ACCESS_KEY="anything",
        AWS_DEFAULT_REGION=REGION,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_MAX_ATTEMPTS="1",
        AWS_PAGER="",
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )
    return environment


class Cli:
    """`aws apigatewayv2` as a person types it."""

    def __init__(self, url):
        self.environment = cli_environment(url)

    def run(self, *words):
        """Runs one command and gives the finished process."""
        return subprocess.run(
            ["aws", "apigatewayv2", *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CLI_PATIENCE,
            check=False,
        )

    def __call__(self, *words):
        """Runs one command that must succeed, and gives what it printed as JSON (None for nothing)."""
        done = self.run(*words)
        assert done.returncode == 0, f"aws apigatewayv2 {' '.join(words)}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, *words):
        """Runs one command that must fail with an error of the service, and gives what it said."""
        done = self.run(*words)
        # These words stand for an answer of the service; a mistyped command fails with others.
        said = "An error occurred (" in done.stderr
        assert done.returncode != 0 and said, f"aws apigatewayv2 {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stderr.strip()


class Api:
    """One WebSocket API of a test, made with boto3 and deployed to a stage named `dev`."""

    def __init__(self, gateway, selection="$request.body.action", stage="dev", name="test"):
        self.name = name
        self.gateway = gateway
        self.stage = stage
        self.client = control(gateway.url)
        made = self.client.create_api(Name=name, ProtocolType="WEBSOCKET", RouteSelectionExpression=selection)
        self.id = made["ApiId"]
        self.integrations = {}

    def integration(self, kind, uri=None, method="POST", **members):
        """Makes an integration and gives its id."""
        if uri is not None:
            members["IntegrationUri"] = uri
        if kind != "MOCK":
            members["IntegrationMethod"] = method
        return self.client.create_integration(ApiId=self.id, IntegrationType=kind, **members)["IntegrationId"]

    def route(self, key, integration=None, two_way=False, **members):
        """Makes a route, with the two resources of a two-way one where asked, and gives its id."""
        if integration is not None:
            members["Target"] = f"integrations/{integration}"
        if two_way:
            members["RouteResponseSelectionExpression"] = "$default"
        route = self.client.create_route(ApiId=self.id, RouteKey=key, **members)["RouteId"]
        if two_way:
            self.client.create_route_response(ApiId=self.id, RouteId=route, RouteResponseKey="$default")
        return route

    def response(self, integration, key="$default", **members):
        """Makes an integration response, without which a non-proxy integration has no way back."""
        return self.client.create_integration_response(ApiId=self.id, IntegrationId=integration, IntegrationResponseKey=key, **members)[
            "IntegrationResponseId"
        ]

    def deploy(self, **stage):
        """Deploys; makes the stage the first time, with execution logging and data trace switched on."""
        deployment = self.client.create_deployment(ApiId=self.id)["DeploymentId"]
        settings = {"LoggingLevel": "INFO", "DataTraceEnabled": True}
        stages = {item["StageName"] for item in self.client.get_stages(ApiId=self.id)["Items"]}
        change = self.client.update_stage if self.stage in stages else self.client.create_stage
        members = {"DefaultRouteSettings": settings, **stage}
        change(ApiId=self.id, StageName=self.stage, DeploymentId=deployment, **members)
        return self

    @property
    def target(self):
        """The request target of a handshake, in the by-path form."""
        return f"/_aws/execute-api/{self.id}/{self.stage}"

    @property
    def url(self):
        """The WebSocket URL, in the by-path form."""
        return f"ws://127.0.0.1:{self.gateway.port}{self.target}"

    @property
    def callback(self):
        """What an SDK takes as the endpoint of `@connections`, in the by-path form."""
        return f"{self.gateway.url}{self.target}"

    @property
    def host(self):
        """The name of the by-host form, with the port."""
        return f"{self.id}.execute-api.localhost:{self.gateway.port}"
