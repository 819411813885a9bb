"""The ten-second test: of each of the 32 pain points that leaves an event, the cause is said first, and the remedy with it.

corpus/explain/pains.json has what each sentence is; docs/explained.md is the same as a page (UPDATE=1 writes it anew).
"""

import json
import os
import subprocess
import threading
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from harness.aws import Api, management
from harness.backend import Answer, unused_port
from harness.frames import RawClient
from harness.until import PATIENCE, until

ROOT = Path(__file__).parent.parent
CORPUS = json.loads((ROOT / "corpus" / "explain" / "pains.json").read_text())
PAGE = ROOT / "docs" / "explained.md"
BINARY = 2
GONE = "AAAAAAAAAAACAAA="


def define(gateway, backend, path, case):
    """The case's API."""
    said = case.get("backend", {})
    backend.answers[path] = Answer(status=said.get("status", 200), body=said.get("body", "").encode())
    if said.get("stall"):
        backend.answers[path] = Answer(hold=threading.Event())
    api = Api(gateway, name="pain")
    for key, route in case["routes"].items():
        uri = f"http://127.0.0.1:{unused_port()}/" if route.get("dead") else backend.url + path
        more = {"RequestTemplates": {"$default": route["template"]}} if "template" in route else {}
        if "timeout" in route:
            more["TimeoutInMillis"] = route["timeout"]
        integration = api.integration(route["type"], uri, method=route.get("method", "POST"), **more)
        if route["type"] == "HTTP":
            api.response(integration)
        api.route(key, integration)
    settings = case.get("stage", {})
    settings.setdefault("DefaultRouteSettings", {}).update(LoggingLevel="INFO", DataTraceEnabled=True)
    return api.deploy(**settings)


def happen(api, do):
    """What the client does, on a connection of its own."""
    if "refused" in do:
        assert RawClient(api.gateway.port, api.target).handshake.status == do["refused"]
        return
    if "push" in do:
        with pytest.raises(ClientError):
            management(api.callback).post_to_connection(ConnectionId=GONE, Data=b"x")
        return
    with RawClient(api.gateway.port, api.target, headers=list(do.get("connect", {}).items())) as client:
        if "send" in do:
            client.text(do["send"])
        if "told" in do:
            assert json.loads(client.read_text())["message"] == do["told"]
        if "large" in do:
            client.text("x" * do["large"])
            client.read_close()
        if "binary" in do:
            client.frame(BINARY, b"x")
            client.read_close()
        if "wait" in do:
            assert client.read_close(patience=PATIENCE)[0].code == do["wait"]
        if "close" in do:
            client.close_with(do["close"])


@pytest.mark.parametrize("case", CORPUS["cases"], ids=lambda case: f"{case['pain']}-{case['what']}".replace(" ", "-"))
def test_the_cause_is_said_first_and_the_remedy_with_it(start_gateway, gateway, backend, path, case):
    here = start_gateway(*case["options"]) if "options" in case else gateway
    api = define(here, backend, path, case)
    for do in case["client"]:
        happen(api, do)
    def event():
        query = urllib.request.quote(f"api:{api.id} {case['event']}")
        with urllib.request.urlopen(f"{here.url}/_gatewright/v1/events?whole=1&filter={query}", timeout=PATIENCE) as answer:
            found = [event for event in json.load(answer)["events"] if event["story"]["headline"]]
        return found[-1] if found else None
    found = until(event, "the event")
    story = found["story"]
    assert story["headline"].startswith(case["says"]) and story["headline"].endswith("."), story
    remedies = [f"{mend['text']} {mend['command'] or ''}" for mend in story["mend"]]
    assert any(case["mends"] in remedy for remedy in remedies), story
    # The terminal says the same first.
    command = [os.environ["GATEWRIGHT_BIN"], "explain", found["requestId"], "--endpoint", here.url]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert told.stdout.startswith(f"    {story['headline']}\n"), told


def test_every_pain_point_is_one_of_both():
    pains = {case["pain"] for case in CORPUS["cases"]} | {int(number) for number in CORPUS["no trace"]}
    assert pains == set(range(1, 33))


def test_the_page_is_what_the_corpus_says():
    rows = [f"| {case['pain']} | {case['what']} | {case['says']}… | `{case['mends']}` |" for case in CORPUS["cases"]]
    seen = [f"| {number} | {where} |" for number, where in CORPUS["no trace"].items()]
    page = "\n".join([
        "# What it says first", "",
        "What `gatewright explain`, `tail` and the console say first of the events that the pain points of COMPATIBILITY.md leave, and a word of the remedy that follows.",
        "clients/test_explained.py plays each against the program.", "",
        "| # | what people see | what is said first | in the remedy |", "| --- | --- | --- | --- |", *rows, "",
        "The others leave no event; this is where they are seen.", "", "| # | where |", "| --- | --- |", *seen, "",
    ])
    if os.environ.get("UPDATE"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page, "docs/explained.md is behind: UPDATE=1 pytest clients/test_explained.py"
