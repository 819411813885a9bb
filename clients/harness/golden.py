"""The events of functions as AWS writes them, from ../corpus/proxy, where the program's own are compared with them to the byte."""

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent.parent / "corpus" / "proxy"


def kind_of(event):
    """CONNECT, MESSAGE, DISCONNECT; REQUEST for what an authorizer is given."""
    return event.get("type") or event["requestContext"]["eventType"]


def events():
    """Each event of the corpus by the name of its case."""
    found = {}
    for file in sorted(FOLDER.glob("*.txt")):
        lines = file.read_text(encoding="utf-8").split("\n")
        found[file.stem] = json.loads(lines[lines.index("-- expect") + 1])
    return found
