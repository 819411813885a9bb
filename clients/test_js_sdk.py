"""The same life with the AWS SDK for JavaScript, version 3, and Node's `ws`; the script is js/life.mjs."""

import json
import shutil

import pytest

from harness.backend import Answer
from harness.clients import JS, Node

SCRIPT_PATIENCE = 60


@pytest.mark.parametrize("form", ["by-path", "by-host"])
def test_a_client_lives_its_life_with_the_js_sdk(gateway, backend, node_folder, form):
    backend.answers["/js/echo"] = lambda request: Answer(body=json.dumps({"id": request.header("connectionId")}))
    # Node looks for the packages of a module from the module's own folder upwards.
    script = shutil.copy(JS / "life.mjs", node_folder / "life.mjs")
    mark = backend.mark()
    with Node(script, gateway.url, backend.url, form) as node:
        code, lines = node.finish(SCRIPT_PATIENCE)
    assert code == 0, "\n".join(lines)
    steps = {record.pop("step"): record for record in map(json.loads, lines)}

    api_id = steps["api"]["id"]
    assert steps["api"] == {
        "tags": {"made": "by js"},
        "created": True,
        "endpoint": f"ws://{api_id}.execute-api.localhost:{gateway.port}",
        "id": api_id,
    }
    assert steps["integration"] == {
        "timeout": 29000,
        "parameters": {"integration.request.header.connectionId": "context.connectionId"},
    }
    assert steps["errors"] == {
        "typed": [True, True, True],
        "messages": [
            "Invalid API identifier specified 000000000000:missing",
            "Route with key whoami already exists for this API",
            "Invalid routeSelectionExpression",
        ],
    }
    assert steps["routes"] == {"pages": [["$connect", "$disconnect"], ["whoami"]]}
    assert steps["pushed"] == {"got": "grüße 👋"}
    assert steps["asked"] == {"ip": "127.0.0.1", "dates": [True, True]}
    assert steps["closed"] == {"code": 1000}
    assert steps["gone"] == {"typed": True, "name": "GoneException", "status": 410}
    assert steps["deleted"] == {"typed": True}
    ids = [backend.wait_for(f"/js/{name}", since=mark)[0].header("connectionId") for name in ("connect", "echo", "disconnect")]
    assert len(set(ids)) == 1, ids
