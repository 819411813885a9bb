"""Pages of other origins: those that may drive the gateway (`--allow-origin`), and those that may connect to a stage."""

import json
import subprocess
from pathlib import Path

from harness.aws import Api
from harness.browser import browser
from harness.clients import node_environment, node_modules
from harness.frames import RawClient, Wire

SCRIPT = Path(__file__).parent / "js" / "foreign-page.mjs"
# Seconds for all that the browser does.
PAGE_PATIENCE = 120
APP = "https://app.example.com"


def ask(gateway, method, path, *headers):
    with Wire(gateway.port) as wire:
        return wire.request(method, path, [("Host", f"127.0.0.1:{gateway.port}"), *headers])


def test_a_page_of_an_allowed_origin_drives_the_gateway_and_others_do_not(start_gateway):
    gateway = start_gateway("--allow-origin", APP, "--allow-origin", "http://localhost:3000")
    question = [("Access-Control-Request-Method", "DELETE"), ("Access-Control-Request-Headers", "authorization,x-amz-date")]
    for origin, is_allowed in ((APP, True), ("http://localhost:3000", True), ("http://localhost:3001", False), ("null", False)):
        page = [("Origin", origin), ("Sec-Fetch-Site", "cross-site")]
        for path in ("/v2/apis", "/apikeys", "/_metrics", "/_gatewright/v1/stages", "/"):
            answer = ask(gateway, "GET", path, *page)
            assert (answer.status, answer.header("Access-Control-Allow-Origin")) == ((200, origin) if is_allowed else (403, None)), path
            if is_allowed:
                assert "origin" in answer.header("Vary") and "x-amzn-RequestId" in answer.header("Access-Control-Expose-Headers")
        answer = ask(gateway, "OPTIONS", "/v2/apis/abc", *page, *question)
        if is_allowed:
            assert answer.status == 204 and "DELETE" in answer.header("Access-Control-Allow-Methods")
            assert answer.header("Access-Control-Allow-Headers") == "authorization,x-amz-date"
        else:
            assert answer.status == 403 and answer.header("Access-Control-Allow-Methods") is None
            assert f"--allow-origin {origin}".encode() in answer.body
        # Under a name that could be anybody's it is refused all the same.
        with Wire(gateway.port) as wire:
            assert wire.request("GET", "/v2/apis", [("Host", "evil.com"), *page]).status == 403
    # Programs are answered as ever.
    answer = ask(gateway, "GET", "/v2/apis")
    assert answer.status == 200 and answer.header("Access-Control-Allow-Origin") is None


def test_with_an_admin_address_pages_are_answered_there(start_gateway):
    gateway = start_gateway("--allow-origin", APP, "--admin", "127.0.0.1:0")
    question = [("Origin", APP), ("Access-Control-Request-Method", "GET")]
    assert ask(gateway, "OPTIONS", "/v2/apis", *question).status == 404
    assert ask(gateway, "GET", "/v2/apis", ("Origin", APP)).status == 404


def test_a_stage_says_whose_pages_may_connect(start_gateway, tmp_path):
    settings = tmp_path / "gatewright.toml"
    # By name for one API; the other is not named.
    settings.write_text(
        f'[stages."guarded/dev"]\norigins = ["{APP}", "http://localhost:3000"]\n'
        '[stages."open/dev"]\norigins = ["*"]\n[stages."nosuch/prod"]\norigins = []\n'
    )
    gateway = start_gateway("--config", str(settings))
    gateway.wait_for_line(lambda line: "nosuch/prod" in line and "no such API" in line, "the remark")
    apis = {}
    for name in ("guarded", "open", "other"):
        api = Api(gateway, name=name)
        api.route("$default", api.integration("MOCK"))
        apis[name] = api.deploy()
    for name, origin, status in (
        ("guarded", APP, 101),
        ("guarded", "https://APP.example.com:443", 101),
        ("guarded", "http://localhost:3000", 101),
        ("guarded", None, 101),
        ("guarded", "http://localhost:3001", 403),
        ("guarded", "https://app.example.com:8443", 403),
        ("guarded", "http://app.example.com", 403),
        ("guarded", "null", 403),
        ("open", "https://evil.com", 101),
        ("other", "https://evil.com", 101),
    ):
        with RawClient(gateway.port, apis[name].target, [("Origin", origin)] if origin else []) as client:
            assert client.handshake.status == status, (name, origin)
            if status == 403:
                assert json.loads(client.handshake.body) == {"message": "Forbidden"}
    gateway.wait_for_log("a page of null may not connect", apiId=apis["guarded"].id)


def test_a_real_browser_keeps_pages_apart(start_gateway, tmp_path):
    process = subprocess.Popen(
        ["node", str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=node_environment(GATEWRIGHT_NODE_MODULES=str(node_modules())),
    )  # fmt: skip
    try:
        origins = json.loads(process.stdout.readline())
        settings = tmp_path / "gatewright.toml"
        settings.write_text(f'[stages."paged/dev"]\norigins = ["{origins["allowed"]}"]\n')
        gateway = start_gateway("--config", str(settings), "--allow-origin", origins["allowed"])
        api = Api(gateway, name="paged")
        api.route("$default", api.integration("MOCK"))
        api.deploy()
        given = {"gateway": gateway.url, "target": api.target, "executablePath": browser()}
        said, _ = process.communicate(json.dumps(given) + "\n", timeout=PAGE_PATIENCE)
        told = json.loads(said)
    finally:
        process.kill()
        process.wait()
    assert told["allowed"] == {
        "list": 200,
        "create": 204,
        "create as a form does": "opaque",
        "metrics": True,
        "feed": "open",
        "push": [410, True],
        "WebSocket to the feed": "refused: Error",
        "WebSocket to the stage": "open",
    }
    assert told["foreign"] == {
        "list": "refused: TypeError",
        "create": "refused: TypeError",
        "create as a form does": "opaque",
        "metrics": "refused: TypeError",
        "feed": "refused: Error",
        "push": "refused: TypeError",
        "WebSocket to the feed": "refused: Error",
        "WebSocket to the stage": "refused: Error",
    }
    # What the foreign page sent as a form does, whose answer nobody reads, made nothing; what the allowed one sent did.
    names = [item["Name"] for item in api.client.get_apis()["Items"]]
    assert names.count("by a page") == 1, names
