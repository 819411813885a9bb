"""The console: served where the control plane is, to browsers that ask for it, with every API's events in it."""

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from harness.aws import Api
from harness.browser import browser
from harness.until import PATIENCE

SCRIPTS = Path(__file__).parent / "js"
# Seconds for all steps in the browser; each of them has a bound of its own.
TOUR_PATIENCE = 240
BROWSER_ACCEPTS = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Hands redirects over as they are."""

    def redirect_request(self, *_):
        """None follows."""
        return None


def get(url, **headers):
    """Status, headers and text of an answer, whatever it is."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        answer = urllib.request.build_opener(NoRedirect).open(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers, answer.read().decode("utf-8")


def test_a_browser_is_led_to_the_console_and_a_program_is_not(gateway):
    status, headers, _ = get(gateway.url + "/", Accept=BROWSER_ACCEPTS)
    assert (status, headers["location"], headers["vary"]) == (303, "/_console/", "accept")
    for accept in ["*/*", "application/json"]:
        status, _, text = get(gateway.url + "/", Accept=accept)
        assert status == 200 and json.loads(text)["console"] == "/_console/", accept
    assert get(gateway.url + "/_console")[0] == 308


def test_its_files_come_with_a_policy_that_lets_nothing_else_run(gateway):
    for path, content_type in [("", "text/html"), ("base.css", "text/css"), ("app.js", "text/javascript")]:
        status, headers, _ = get(f"{gateway.url}/_console/{path}")
        assert (status, headers["content-type"]) == (200, f"{content_type}; charset=utf-8"), path
        policy = headers["content-security-policy"]
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]:
            assert part in policy, path
        assert "unsafe" not in policy
        assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff"), path
    for path in ["nothing", "../v1/log", "%2e%2e/app.js", "app.js/"]:
        assert get(f"{gateway.url}/_console/{path}")[0] == 404, path


@pytest.mark.parametrize("path", ["/_console/", "/_console/app.js", "/_gatewright/v1/stages"])
def test_it_is_nobody_elses(gateway, path):
    assert get(gateway.url + path, Origin="http://elsewhere.test")[0] == 403
    assert get(gateway.url + path, Sec_Fetch_Site="cross-site")[0] == 403
    assert get(gateway.url + path, Host="elsewhere.test")[0] == 403


def test_stages_are_listed_with_their_names(gateway):
    api = Api(gateway, name="listed <b>")
    facts = json.loads(get(gateway.url + "/_gatewright/v1/stages")[2])
    assert (facts["region"], facts["clients"], facts["demo"], facts["more"]) == ("us-east-1", None, None, 0)
    assert api.id not in {stage["apiId"] for stage in facts["stages"]}
    api.route("$default", api.integration("MOCK"))
    api.deploy()
    facts = json.loads(get(gateway.url + "/_gatewright/v1/stages")[2])
    stage = {"apiId": api.id, "apiName": "listed <b>", "stage": "dev", "deployed": True, "watched": False, "loggingLevel": "INFO", "dataTrace": True}
    assert stage in facts["stages"]


def test_with_admin_it_is_there_alone_and_knows_where_clients_connect(start_gateway):
    with socket.create_server(("127.0.0.1", 0)) as free:
        admin = f"127.0.0.1:{free.getsockname()[1]}"
    gateway = start_gateway("--admin", admin)
    admin = f"http://{admin}"
    for path in ["/_console/", "/_console/app.js", "/_gatewright/v1/stages", "/_gatewright/v1/log"]:
        assert get(gateway.url + path)[0] == 404, path
    assert get(admin + "/_console/")[0] == 200
    facts = json.loads(get(admin + "/_gatewright/v1/stages")[2])
    assert facts["clients"] == {"scheme": "ws", "host": "127.0.0.1", "port": gateway.port}


@pytest.mark.parametrize("script", ["console-page.mjs", "client-page.mjs"])
def test_the_steps_in_a_browser(tmp_path, script):
    steps = subprocess.run(
        ["node", str(SCRIPTS / script), os.environ["GATEWRIGHT_BIN"], browser(), str(tmp_path / "data")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TOUR_PATIENCE,
    )
    assert steps.returncode == 0, steps.stdout.decode("utf-8", "replace")
