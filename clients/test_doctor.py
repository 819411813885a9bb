"""`gatewright doctor`: what will bite, of a running gateway and of a file."""

import json
import os
import subprocess

from harness.aws import Api
from harness.backend import unused_port


def doctor(*words, code=0):
    """Standard output of the command, which ends with `code`."""
    done = subprocess.run([os.environ["GATEWRIGHT_BIN"], "doctor", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def codes(text):
    """The codes of its findings."""
    return {finding["code"] for api in json.loads(text)["apis"] for finding in api["findings"]}


def test_a_running_gateway_is_looked_at_and_dead_backends_are_found(start_gateway, backend):
    gateway = start_gateway()
    at = ["--endpoint", gateway.url]
    assert "no API yet" in doctor(*at)
    api = Api(gateway, name="sick")
    dead = unused_port()
    mapped = {"integration.request.header.connectionId": "context.connectionId"}
    lost = api.integration("HTTP", f"http://127.0.0.1:{dead}/", method="GET", RequestTemplates={"$default": '{"m": $input.body}'}, RequestParameters=mapped)
    api.response(lost)
    api.route("$default", lost)
    api.deploy(AutoDeploy=False)
    told = doctor("sick", *at, code=1)
    assert f"error integration {lost} [backend-unreachable]" in told and f"127.0.0.1:{dead}: the connection was refused" in told
    assert "error route $default [body-lost]" in told
    assert f"aws apigatewayv2 update-integration --api-id {api.id} --integration-id {lost} --integration-method POST" in told
    assert "backend-unreachable" not in doctor("sick", "--offline", *at, code=1)
    found = subprocess.run([os.environ["GATEWRIGHT_BIN"], "doctor", "--json", *at], capture_output=True, text=True)
    assert found.returncode == 1 and {"backend-unreachable", "body-lost"} <= codes(found.stdout)
    # Mended, and not deployed: that is said, too; then nothing is left.
    api.client.update_integration(ApiId=api.id, IntegrationId=lost, IntegrationMethod="POST", IntegrationUri=f"{backend.url}/doctor")
    told = doctor("sick", *at)
    assert "[not-deployed]" in told and "integrationMethod is `GET` where it is deployed, and `POST` now" in told
    doctor("sick", "--strict", *at, code=1)
    api.client.create_deployment(ApiId=api.id, StageName="dev")
    told = doctor("sick", "--strict", *at)
    assert "nothing will bite" in told and "1 backends tried" in told
    assert "there is no API `nobody`" in doctor("nobody", *at, code=1)


def test_a_file_is_looked_at_without_a_gateway(start_gateway, backend, tmp_path):
    folder = tmp_path / "data"
    gateway = start_gateway(data_dir=folder)
    api = Api(gateway, name="filed")
    api.route("join", api.integration("HTTP_PROXY", f"{backend.url}/"))
    api.deploy(DefaultRouteSettings={"ThrottlingBurstLimit": 0, "ThrottlingRateLimit": 0})
    exported = subprocess.run([os.environ["GATEWRIGHT_BIN"], "export", "--data-dir", str(folder)], capture_output=True, text=True, timeout=30)
    assert exported.returncode == 0, exported.stderr
    file = tmp_path / "definitions.json"
    file.write_text(exported.stdout)
    told = doctor("--file", str(file), code=1)
    assert "[throttled-to-nothing]" in told and "[no-default]" in told and "[connection-id-not-told]" in told
    assert "[throttled-to-nothing]" in doctor("filed", "--file", str(file), code=1)
    file.write_text("{}")
    assert "not a document" in doctor("--file", str(file), code=65)
    assert "no such file" in doctor("--file", str(tmp_path / "none"), code=66)


def test_names_of_others_do_not_steer_the_terminal(start_gateway, backend):
    gateway = start_gateway()
    api = Api(gateway, name="evil \x1b[31m\u202e")
    api.route("a\x1b[2Jb", api.integration("HTTP_PROXY", f"{backend.url}/"))
    api.deploy()
    told = doctor("--endpoint", gateway.url)
    assert "\x1b" not in told and "\u202e" not in told and "\\u{1b}" in told


def test_without_a_gateway_it_says_what_to_start():
    told = doctor("--endpoint", f"http://127.0.0.1:{unused_port()}", code=69)
    assert "gatewright serve" in told


def test_the_addresses_of_vpc_links_are_tried_and_a_link_that_leads_nowhere_is_found(start_gateway, backend, tmp_path):
    dead = unused_port()
    settings = tmp_path / "gatewright.toml"
    settings.write_text(f'[vpc-links.half]\ntargets = ["127.0.0.1:{backend.port}", "127.0.0.1:{dead}"]\n')
    gateway = start_gateway("--config", str(settings))
    api = Api(gateway, name="linked")
    mapped = {"integration.request.header.connectionId": "context.connectionId"}
    for link, key in (("half", "$default"), ("nowhere", "other")):
        integration = api.integration("HTTP_PROXY", "http://inner.example/", ConnectionType="VPC_LINK", ConnectionId=link, RequestParameters=mapped)
        api.route(key, integration)
    api.deploy()
    told = doctor("linked", "--endpoint", gateway.url, code=1)
    assert f"127.0.0.1:{dead}: the connection was refused" in told and f"127.0.0.1:{backend.port}" not in told
    assert "[link-unknown]" in told and "2 backends tried" in told
