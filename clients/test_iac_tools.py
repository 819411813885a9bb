"""CDK, the Serverless Framework's fork, SAM and cfn-lint as people run them: what they make is served, and talked to.

They are large and slow to start, so each is tried where an environment variable names it (README.md). Terraform is in
test_terraform.py.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from harness.aws import control
from harness.backend import Answer, Backend
from harness.clients import open_websocket, receive
from harness.lambda_chat import EXAMPLE as LAMBDA_CHAT
from harness.lambda_chat import ask, two_people_chat, whoever_has_no_name_is_refused
from harness.stacks import api_named, done, stage_url
from harness.tools import TOOL_PATIENCE, installed, run

pytestmark = pytest.mark.timeout(TOOL_PATIENCE)

ROOT = Path(__file__).resolve().parent.parent
IAC = Path(__file__).resolve().parent / "iac"


def copied(name, folder):
    """One of our small apps, where tools may write beside it."""
    return Path(shutil.copytree(IAC / name, folder / name))


def refused(url):
    """The status with which a client is not let in."""
    with pytest.raises(InvalidStatus) as said:
        open_websocket(url)
    return said.value.response.status_code


class Cdk:
    """Our app of the CDK, with the packages that somebody installed."""

    def __init__(self, folder, *context):
        packages = installed("GATEWRIGHT_CDK", "node_modules with aws-cdk, aws-cdk-lib and constructs")
        self.folder = copied("cdk", folder)
        (self.folder / "node_modules").symlink_to(packages)
        self.out = self.folder / "cdk.out"
        self.context = [word for pair in context for word in ("-c", pair)]

    def synth(self):
        """Makes `cdk.out`, or makes it anew."""
        run("node", self.folder / "node_modules/aws-cdk/bin/cdk", "synth", "--quiet", "--no-notices", *self.context, cwd=self.folder)

    def edit(self, file, before, after):
        """Changes a file of the app as a person does."""
        path = self.folder / file
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))


SHOUT = """
    api.addRoute('shout', { integration: new WebSocketLambdaIntegration('Shout', functions.chat), returnResponse: true })
"""


# How a stack is told of another's outputs: by an export, as ever, or by the output's name, to which the CDK advises.
@pytest.mark.parametrize("references", ["strong", "weak"])
def test_an_app_of_the_cdk_is_served_and_follows_its_edits(start_gateway, tmp_path, references):
    backend = Backend()
    backend.answers["/echo"] = lambda request: Answer(body=json.dumps({"http": request.text, "by": request.header("X-Who")}))
    cdk = Cdk(tmp_path, f"backend={backend.url}", f"@aws-cdk/core:defaultCrossStackReferences={references}")
    cdk.synth()
    chat = (cdk.out / "Chat.template.json").read_text()
    assert ("Fn::GetStackOutput" in chat) == (references == "weak")
    gateway = start_gateway("--template", str(cdk.out), "--watch")
    api = api_named(gateway, "cdk-chat")
    gateway.wait_for_line(lambda line: f"Url = wss://{api}.execute-api.us-east-1.amazonaws.com/dev" in line, "the output")
    url = stage_url(gateway, api, "dev")
    assert refused(url) == 401
    assert refused(f"{url}?token=stranger") == 403
    with open_websocket(f"{url}?token=ann") as ann, open_websocket(f"{url}?token=bob") as bob:
        assert ask(ann, action="say", text="hello") == {"heard": "hello", "by": "ann", "in": "attic"}
        assert ask(bob, action="say", text="hi") == {"heard": "hi", "by": "bob", "in": "attic"}
        pong = ask(ann, action="ping")
        assert pong["pong"].endswith("=") and pong["stage"] == "dev"
        ann.send("no route knows this")
        assert receive(ann) == {"http": "no route knows this", "by": "ann"}

        # The handler is edited, and the app gets a route: both are in force once the app is synthesised again.
        cdk.edit("functions/chat.js", "const word = 'heard'", "const word = 'understood'")
        cdk.edit("app.js", "ROOM: 'attic'", "ROOM: 'cellar'")
        cdk.edit("app.js", "    this.ping(api)\n", SHOUT + "    this.ping(api)\n")
        mark = gateway.mark()
        cdk.synth()
        gateway.wait_for_line(lambda line: "+ route shout" in line, "the new route", mark, patience=60)
        assert api_named(gateway, "cdk-chat") == api
        assert ask(ann, action="say", text="still here") == {"understood": "still here", "by": "ann", "in": "cellar"}
        assert ask(bob, action="shout", text="I TOO") == {"understood": "I TOO", "by": "bob", "in": "cellar"}
        assert ask(bob, action="ping")["pong"] != pong["pong"]

        # An app that cannot be synthesised leaves everything as it is; a template that is half written, too.
        (cdk.out / "Chat.template.json").write_text(chat[: len(chat) // 2])
        gateway.wait_for_line(lambda line: "the template is left as it was" in line, "the complaint", mark)
        assert ask(ann, action="shout", text="X") == {"understood": "X", "by": "ann", "in": "cellar"}
    backend.stop()


def test_both_stacks_of_an_app_are_valid_without_a_gateway(tmp_path):
    cdk = Cdk(tmp_path, "backend=http://127.0.0.1:9")
    cdk.synth()
    said = done("validate", cdk.out)
    assert said.index("stack Functions: the template is valid") < said.index("stack Chat: the template is valid")
    for made in ["API cdk-chat", "route $connect", "route say", "route ping", "route $default", "stage dev"]:
        assert f"+ {made} " in said, said


def definitions(gateway, name):
    """What is defined of an API, in words that are the same wherever it was made."""
    client, api = control(gateway.url), api_named(gateway, name)

    def items(kind):
        found = getattr(client, f"get_{kind}")(ApiId=api)["Items"]
        hidden = {"CreatedDate", "LastUpdatedDate", "IntegrationId", "AuthorizerId", "DeploymentId"}
        return [{key: value for key, value in item.items() if key not in hidden} for item in found]

    uris = {item["IntegrationId"]: item["IntegrationUri"] for item in client.get_integrations(ApiId=api)["Items"]}
    authorizers = {item["AuthorizerId"]: item["Name"] for item in client.get_authorizers(ApiId=api)["Items"]}
    routes = {}
    for route in client.get_routes(ApiId=api)["Items"]:
        responses = client.get_route_responses(ApiId=api, RouteId=route["RouteId"])["Items"]
        routes[route["RouteKey"]] = {
            "to": uris[route["Target"].removeprefix("integrations/")],
            "authorizer": authorizers.get(route.get("AuthorizerId")),
            "answers": route.get("RouteResponseSelectionExpression"),
            "responses": [response["RouteResponseKey"] for response in responses],
            "key": route["ApiKeyRequired"],
        }
    described = client.get_api(ApiId=api)
    described = {key: described.get(key) for key in ("Description", "RouteSelectionExpression", "Tags", "DisableExecuteApiEndpoint")}
    by_text = {kind: sorted(items(kind), key=str) for kind in ("integrations", "authorizers", "stages", "models")}
    return {"api": described, "routes": routes, **by_text}


def test_a_service_is_the_same_packaged_and_as_it_is_written(start_gateway, tmp_path):
    packages = installed("GATEWRIGHT_OSLS", "node_modules with osls")
    folder = copied("osls", tmp_path)
    run("node", packages / "osls/bin/serverless.js", "package", cwd=folder)
    found = []
    for form in [".serverless", "serverless.yml"]:
        gateway = start_gateway("--template", str(folder / form))
        url = stage_url(gateway, api_named(gateway, "club-sockets"), "dev")
        assert refused(url) == 401
        assert refused(f"{url}?pass=stranger") == 401
        with open_websocket(f"{url}?pass=guest-7") as guest:
            assert ask(guest, do="enter") == {"said": "welcome", "to": "guest-7", "at": "7", "of": "cellar"}
            guest.send("what else?")
            assert receive(guest) == {"what": "what else?", "of": "cellar"}
        gateway.wait_for_line(lambda line: "DISCONNECT $disconnect guest-7" in line, "the function of $disconnect")
        found.append(definitions(gateway, "club-sockets"))
    packaged, written = found
    assert packaged == written
    assert packaged["routes"]["$connect"]["authorizer"] == "bouncer"


def test_what_sam_builds_chats(start_gateway, tmp_path, monkeypatch):
    sam = installed("GATEWRIGHT_SAM", "program sam, of a virtualenv with aws-sam-cli")
    folder = Path(shutil.copytree(LAMBDA_CHAT, tmp_path / "lambda-chat", ignore=shutil.ignore_patterns("node_modules")))
    # SAM builds functions in Python with that of PATH, which has to be the template's, and the program runs them with it.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    linted = run(sam, "validate", "--lint", "--template", "template.yaml", cwd=folder)
    assert "is a valid SAM Template" in linted.stdout + linted.stderr
    run(sam, "build", cwd=folder)
    build = folder / ".aws-sam" / "build"
    assert (build / "Send" / "send.mjs").is_file()
    for form in [build, build / "template.yaml"]:
        gateway = start_gateway("--template", str(form))
        url = stage_url(gateway, api_named(gateway, "Chat"), "dev")
        two_people_chat(
            lambda query, url=url: open_websocket(url + query),
            lambda text, gateway=gateway: gateway.wait_for_line(lambda line: text in line, "what the function prints"),
        )
        whoever_has_no_name_is_refused(lambda query, url=url: open_websocket(url + query))


def test_cfn_lint_finds_nothing_in_our_templates():
    lint = installed("GATEWRIGHT_CFN_LINT", "program cfn-lint")
    examples = sorted((ROOT / "examples").glob("*/template.yaml"))
    assert len(examples) >= 2
    said = run(lint, "--format", "parseable", *examples, IAC / "typescript" / "template.yaml", cwd=ROOT)
    assert said.stdout == ""
