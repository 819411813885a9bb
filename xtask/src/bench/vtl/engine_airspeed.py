"""Renders the bench's templates by airspeed and prints one line of JSON a file.

Usage: engine_airspeed.py CASES SECONDS. API Gateway's objects stand here as far as those templates need them, and are made anew
for each rendering, as ours are.
"""

import json
import pathlib
import re
import sys
import time
import urllib.parse

import airspeed

SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
ESCAPED = re.compile(r"""['"\\/]|[^ -~]""")


def escape(match):
    char = match.group()
    if char in SHORT:
        return SHORT[char]
    return "\\" + char if " " <= char <= "~" else f"\\u{ord(char):04X}"


class Util:
    def escapeJavaScript(self, text):
        return ESCAPED.sub(escape, str(text))

    def urlEncode(self, text):
        return urllib.parse.quote_plus(str(text))


class Input:
    def __init__(self, given):
        self.body = given.get("body", "{}")
        self.given_params = given.get("params", {})
        self.root = None

    def path(self, path):
        """`$.a.b` and `$`, which is all that these templates ask for."""
        if self.root is None:
            self.root = json.loads(self.body)
        value = self.root
        for name in path.split(".")[1:]:
            value = value.get(name)
        return value

    def json(self, path):
        return json.dumps(self.path(path), separators=(",", ":"), ensure_ascii=False)

    def params(self):
        return {kind: self.given_params.get(kind, {}) for kind in ("path", "querystring", "header")}


def namespace(case):
    return {
        "input": Input(case.get("input", {})),
        "util": Util(),
        "context": dict(case.get("context", {})),
        "stageVariables": dict(case.get("stageVariables", {})),
    }


def rate(work, seconds):
    figure = 0.0
    for _ in range(2):  # the first pass warms up
        count, start = 0, time.perf_counter()
        while True:
            work()
            count += 1
            took = time.perf_counter() - start
            if took >= seconds:
                break
        figure = count / took
    return figure


def compared(got, expected):
    if got == expected:
        return "same"
    return "spaces" if bare(got) == bare(expected) else "other"


def bare(text):
    return re.sub(r"\s", "", text)


def main(folder, seconds):
    for file in sorted(pathlib.Path(folder).glob("*.json")):
        said = {"file": file.stem}
        try:
            case = json.loads(file.read_text(encoding="utf-8"))
            template = airspeed.Template(case["template"])
            said["output"] = compared(template.merge(namespace(case)), case["expected"])
            said["both"] = rate(lambda: airspeed.Template(case["template"]).merge(namespace(case)), seconds)
            said["render"] = rate(lambda: template.merge(namespace(case)), seconds)
        except Exception as error:  # whatever the engine cannot do is its answer
            said["error"] = (str(error) or type(error).__name__).splitlines()[0]
        print(json.dumps(said), flush=True)


main(sys.argv[1], float(sys.argv[2]))
