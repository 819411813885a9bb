"""Plays one story: makes its API, then takes its steps one after the other."""

import contextlib
import secrets
import socket
import threading

from botocore.exceptions import BotoCoreError, ClientError

from harness.aws import management
from harness.backend import Answer
from harness.until import PATIENCE

from . import steps
from .corpus import verb_of
from .make import Made
from .pattern import Mismatch, fill

# Reading on after the last step is not worth more patience than a ping takes.
LOOSE_ENDS = "after the last step"


class Failed(AssertionError):
    """A story did not go as told; the text says which file, which step, what was expected and what came."""


class Play:
    """One story on its way: the program, the backend, the clients, and what its placeholders stand for."""

    def __init__(self, story, gateway, backend, services=None, patience=PATIENCE):
        # How long each step waits for what it wants.
        self.patience = patience
        self.story = story
        self.gateway = gateway
        self.backend = backend
        self.services = services
        # So many of its calls of services were told of.
        self.signed = 0
        self.base = f"/{story.name}"
        # Functions are known by their names alone, which all stories share.
        self.functions = f"/2015-03-31/functions/{secrets.token_hex(6)}-"
        self.mark = backend.mark()
        self.log_mark = gateway.mark()
        self.people = {}
        self.closed = set()
        self.consumed = []
        self.told_paths = set()
        self.holds = {}
        # Bound and never listened on: calls are refused there, and no program of another story can get the port.
        self.deaf = socket.socket()
        self.deaf.bind(("127.0.0.1", 0))
        self.names = {
            "story": story.name,
            # For names that only one story of a program may have.
            "unique": secrets.token_hex(10),
            "backend": backend.url + self.base,
            "function": self.functions.rpartition("/")[2],
            "backendHost": f"127.0.0.1:{backend.port}",
            "port": str(gateway.port),
            "host": f"127.0.0.1:{gateway.port}",
            "unusedPort": str(self.deaf.getsockname()[1]),
        }
        self.made = None

    def run(self):
        """Plays it to the end, whatever happens on the way leaves nothing open."""
        number, verb = 0, "making the API"
        try:
            for path, answers in self.story.text.get("backend", {}).items():
                self.script(path, answers)
            for told in self.story.text.get("before", []):
                verb = f"before the API: {told['call']}"
                steps.call(self, told)
            verb = "making the API"
            self.made = Made(self.gateway.url, self.story.text, self.names)
            for number, step in enumerate(self.story.steps, 1):
                verb = verb_of(step, number)
                getattr(steps, verb)(self, step)
            number, verb = len(self.story.steps), LOOSE_ENDS
            self.nothing_is_left()
        except (Mismatch, AssertionError, BotoCoreError, ClientError, OSError, EOFError) as failure:
            raise Failed(f"{self.story.path}\nstep {number} ({verb}): {failure}\nit says: {self.story.text['story']}") from failure
        finally:
            self.clean()

    def script(self, path, told):
        """What the backend answers below `path`: one answer for ever, or one after the other, the last one for ever."""
        answers = [self.answer(path, one) for one in (told if isinstance(told, list) else [told])]
        lock = threading.Lock()

        def next_answer(request):
            with lock:
                return answers.pop(0) if len(answers) > 1 else answers[0]

        self.backend.answers[self.where(path)] = next_answer

    def where(self, path):
        """The path at the backend of what a story calls so: `/functions/NAME` is the invocation of a function."""
        name = path.removeprefix("/functions/")
        return self.base + path if name == path else f"{self.functions}{name}/invocations"

    def told(self, request):
        """What a story calls the path of a request."""
        if request.path.startswith(self.functions):
            return f"/functions/{request.path.removeprefix(self.functions).removesuffix('/invocations')}"
        return request.path.removeprefix(self.base)

    def answer(self, path, told):
        """One answer of the backend."""
        told = fill(told, self.names)
        headers = told.get("headers", {})
        body = bytes.fromhex(told["hex"]) if "hex" in told else told.get("body", "").encode("utf-8") * told.get("repeat", 1)
        raw = told["raw"].replace("\n", "\r\n").encode("utf-8") if "raw" in told else None
        then = told.get("then", "keep")
        if then in ("close", "reset", "stall") and raw is None and "status" not in told:
            raw = b""
        hold = None
        if told.get("hold"):
            hold = threading.Event()
            self.holds.setdefault(path, []).append(hold)
        pairs = list(headers.items()) if isinstance(headers, dict) else [tuple(pair) for pair in headers]
        return Answer(status=told.get("status", 200), body=body, headers=pairs, raw=raw, hold=hold, then=then)

    def person(self, name=None):
        """A client by name; without a name the only one."""
        if name is None:
            if len(self.people) != 1:
                raise Mismatch("a step that names no client", "one client", sorted(self.people))
            name = next(iter(self.people))
        if name not in self.people:
            raise Mismatch("a client that is connected", name, sorted(self.people))
        return name, self.people[name]

    def target(self, stage=None):
        """The path of a stage, in the by-path form."""
        return f"/_aws/execute-api/{self.made.id}/{stage or self.made.stage}"

    def management(self):
        """The SDK's client for `@connections`."""
        return management(f"{self.gateway.url}{self.target()}")

    def own(self, request):
        """Whether a request belongs to this story."""
        return request.path.startswith((self.base + "/", self.functions))

    def calls(self):
        """The calls of services that this story's API made, in their order: what they are about has the story's own name."""
        unique = self.names["unique"]
        return [one for one in self.services.calls if unique in one.path or unique.encode() in one.body]

    def unconsumed(self):
        """Requests of this story that no step has told of."""
        seen = self.backend.seen(self.own, self.mark)
        return [request for request in seen if not any(request is other for other in self.consumed)]

    def nothing_is_left(self):
        """No client got more than was told, and no path that was told of was called more often."""
        for name, person in self.people.items():
            if name not in self.closed and person.handshake is not None and person.handshake.status == 101:
                came = person.fence()
                if came is not None:
                    raise Mismatch(f"what {name} gets", "nothing more", came)
        unsigned = [one for one in (self.calls() if self.services else []) if not one.verified]
        if unsigned:
            raise Mismatch("the calls of services", "a right signature on each", [(one.service, one.path, one.body) for one in unsigned])
        more = [request for request in self.unconsumed() if self.told(request) in self.told_paths]
        if more:
            raise Mismatch("what the backend saw", "nothing more", [(r.method, r.target, r.body) for r in more])

    def clean(self):
        """Lets go of everything, so that no thread of the backend waits for a step that never comes."""
        for events in self.holds.values():
            for event in events:
                event.set()
        for person in self.people.values():
            with contextlib.suppress(OSError):
                person.drop()
        self.deaf.close()

    def wait_for_request(self, fits, what):
        """The first request of the story that fits and that no step has told of yet."""

        def fresh(request):
            return self.own(request) and fits(request) and not any(request is other for other in self.consumed)

        try:
            request = self.backend.wait_for(fresh, since=self.mark, patience=self.patience)[0]
        except AssertionError:
            seen = [(r.method, r.target, r.body[:200]) for r in self.unconsumed()]
            raise Mismatch("what the backend saw", what, seen or "nothing more") from None
        self.consumed.append(request)
        return request
