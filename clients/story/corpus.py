"""The files of `corpus/scenarios`: stories, the rules that they show, and which of the program's parts are switched on."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "corpus" / "scenarios"
SOURCES = ("documented", "observed", "inferred")
STATES = ("same", "different", "inferred", "later")

# Everything that a story may say, so that a misspelt word is an error and not a check that never runs.
MEMBERS = {"story", "rules", "source", "needs", "known_defect", "settings", "before", "api", "stage", "models", "authorizer", "routes", "backend", "step"}
SETTINGS = {"limits", "options", "file", "own", "services"}
BEFORE = {"call", "service", "with", "expect"}
# What `service` may name that is the program's own.
CONTROL_PLANE = {"apigatewayv2", "apigateway"}
AUTHORIZER = {"uri", "sources"}
ROUTE = {"integration", "two_way", "headers", "route", "with", "responses"}
ANSWER = {"status", "headers", "body", "hex", "repeat", "raw", "hold", "then"}
EXPECT = {"status", "error", "headers", "body"}
HTTP = {"via", "host", "headers", "body", "hex", "repeat", "stage", "spelling", "client_port", "expect"}
STEPS = {
    "connect": {"query", "headers", "subprotocols", "raw", "path", "host", "stage", "without", "wait", "method", "early", "expect"},
    "opened": {"expect"},
    "send": {"from", "repeat"},
    "fragments": {"from", "repeat"},
    "frame": {"from"},
    "ping": {"from"},
    "close": {"from", "reason"},
    "hang_up": {"how"},
    "stop_reading": set(),
    "gets": {"to"},
    "gets_binary": {"to"},
    "quiet": set(),
    "closed": {"to", "reason"},
    "saw": {"query", "headers", "only_headers", "header_order", "body", "hex"},
    "unseen": set(),
    "answer": ANSWER,
    "release": set(),
    "post": HTTP,
    "get": HTTP,
    "delete": HTTP,
    "http": HTTP,
    "flood": {"body", "repeat", "until", "gone"},
    "call": {"service", "with", "expect"},
    "signed": {"headers", "body"},
    "deploy": {"stage"},
    "log": {"kind", "absent"},
    "log_lines": set(),
    "printed": {"absent"},
    "stop": set(),
}


@dataclass(frozen=True)
class Settings:
    """What distinguishes the program that a story runs on: its options, its settings file, whose own it is, and
    whether it calls AWS's services."""

    options: tuple
    file: str
    own: str
    services: bool


@dataclass
class Story:
    """One story as its file tells it."""

    name: str
    path: Path
    text: dict
    steps: list = field(default_factory=list)

    @property
    def section(self):
        """The folder, which is named after a section of docs/aws/data-plane.md."""
        return self.path.parent.name

    @property
    def needs(self):
        """Parts of the program without which it cannot run."""
        return self.text.get("needs", [])

    @property
    def settings(self):
        """What distinguishes the program that it runs on: equal settings share one program."""
        settings = self.text.get("settings", {})
        options = [part for name, value in sorted(settings.get("limits", {}).items()) for part in ("--limit", f"{name}={value}")]
        options += settings.get("options", [])
        return Settings(tuple(options), settings.get("file", ""), self.name if settings.get("own") else "", settings.get("services", False))


class Unreadable(Exception):
    """A story, or a list beside the stories, says something that has no meaning."""


def stories():
    """Every story, sorted by section and name."""
    return [read(path) for path in sorted(FOLDER.glob("*/*.toml"), key=lambda path: (int(path.parent.name.split("-")[0]), path))]


def read(path):
    """One story.

    Raises `Unreadable`, which names the file and what in it has no meaning.
    """
    try:
        text = tomllib.loads(path.read_text("utf-8"))
        story = Story(f"{path.parent.name}/{path.stem}", path, text, text.get("step", []))
        _read(story)
    except (tomllib.TOMLDecodeError, Unreadable) as mistake:
        raise Unreadable(f"{path}: {mistake}") from None
    return story


def _only(what, table, allowed):
    unknown = set(table) - allowed
    if unknown:
        raise Unreadable(f"{what} has no member {', '.join(sorted(unknown))}; it has {', '.join(sorted(allowed))}")


def _read(story):
    text = story.text
    _only("a story", text, MEMBERS)
    if not text.get("story", "").endswith("."):
        raise Unreadable("`story` must say in a sentence what holds")
    if text.get("source") not in SOURCES:
        raise Unreadable(f"`source` must be one of {', '.join(SOURCES)}")
    if not text.get("rules"):
        raise Unreadable("`rules` must name what it shows")
    _only("settings", text.get("settings", {}), SETTINGS)
    _only("authorizer", text.get("authorizer", {}), AUTHORIZER)
    for told in text.get("before", []):
        _only("before", told, BEFORE)
        if told.get("service") in {None, *CONTROL_PLANE}:
            raise Unreadable("before the API there are calls of services only")
    for key, route in text.get("routes", {}).items():
        if isinstance(route, dict):
            _only(f"route {key}", route, ROUTE)
    for path, answers in text.get("backend", {}).items():
        for answer in answers if isinstance(answers, list) else [answers]:
            _only(f"backend {path}", answer, ANSWER)
    if not story.steps:
        raise Unreadable("it has no step")
    for number, step in enumerate(story.steps, 1):
        verb = verb_of(step, number)
        _only(f"step {number} ({verb})", step, STEPS[verb] | {verb})
        _only(f"step {number} ({verb}), expect", step.get("expect", {}), EXPECT)


def verb_of(step, number):
    """The one thing that a step does."""
    # Of `close` and `reason` or `get` and `body` only the first is ever a verb, so the table decides.
    verbs = [member for member in step if member in STEPS]
    if len(verbs) != 1:
        raise Unreadable(f"step {number} must do one thing, not {verbs or sorted(step)}; there are {', '.join(STEPS)}")
    return verbs[0]


@dataclass
class Rule:
    """One rule of docs/aws/data-plane.md, short."""

    id: str
    says: str
    mark: str
    state: str
    why: str = ""
    needs: list = field(default_factory=list)

    @property
    def section(self):
        """Its section of docs/aws/data-plane.md, such as `1.2`."""
        return self.id.split("-")[0]


def rules():
    """The rules in the order of docs/aws/data-plane.md."""
    read = tomllib.loads((FOLDER / "rules.toml").read_text("utf-8"))["rule"]
    out = []
    for table in read:
        rule = Rule(**table)
        if rule.mark not in (*SOURCES, "ours"):
            raise Unreadable(f"rule {rule.id}: mark {rule.mark}")
        if rule.state not in STATES:
            raise Unreadable(f"rule {rule.id}: state {rule.state}")
        if rule.state in ("different", "later") and not rule.why:
            raise Unreadable(f"rule {rule.id}: {rule.state}, but `why` is missing")
        out.append(rule)
    if len({rule.id for rule in out}) != len(out):
        raise Unreadable("a rule stands twice in rules.toml")
    return out


def parts():
    """What stories may need, and whether the program has it: `{name: (on, what it is)}`."""
    read = tomllib.loads((FOLDER / "needs.toml").read_text("utf-8"))
    return {name: (table["on"], table["what"]) for name, table in read.items()}
