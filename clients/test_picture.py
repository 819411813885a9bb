"""The README's picture of the console: taken anew each time, so that there is one; `UPDATE=1` puts it into docs/console.png."""

import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

from harness.aws import Api
from harness.backend import Answer
from harness.browser import browser
from harness.frames import RawClient

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "console.png"
SCRIPT = Path(__file__).parent / "js" / "picture.mjs"
PATIENCE = 60


def size(picture):
    """Width and height, as a PNG's first chunk says them."""
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n" and head[12:16] == b"IHDR", head
    return struct.unpack(">II", head[16:24])


def test_the_picture_of_the_console_is_taken_anew(gateway, backend, tmp_path):
    backend.answers["/chat"] = Answer(body='{"heard": true}')
    backend.answers["/broken"] = Answer(status=500, body="oops")
    api = Api(gateway, name="chat")
    good = api.integration("HTTP_PROXY", f"{backend.url}/chat")
    for route, target in (("$connect", good), ("say", good), ("rename", api.integration("HTTP_PROXY", f"{backend.url}/broken"))):
        api.route(route, target, two_way=route != "$connect")
    api.deploy()
    with RawClient(gateway.port, api.target) as client:
        for text in ("Hello, everybody", "Who is there?", "Ada is"):
            assert client.ask(json.dumps({"action": "say", "text": text})) == '{"heard": true}'
        client.text(json.dumps({"action": "rename", "name": "Ada"}))
        client.text(json.dumps({"action": "leave"}))
        taken = tmp_path / "console.png"
        done = subprocess.run(
            ["node", str(SCRIPT), browser(), gateway.url, str(taken)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    if os.environ.get("UPDATE"):
        shutil.copy(taken, PICTURE)
    assert size(taken) == (1200, 720)
    assert PICTURE.exists() and size(PICTURE) == (1200, 720), "UPDATE=1 puts it there"
