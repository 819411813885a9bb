"""The protocol cases of corpus/autobahn, over raw sockets, against a two-way route whose backend echoes."""

import json
from pathlib import Path

import pytest

from harness.aws import Api
from harness.backend import Answer
from harness.frames import CLOSE, CONTINUATION, PONG, TEXT, RawClient, encode

CASES = [
    json.loads(line)
    for line in (Path(__file__).resolve().parent.parent / "corpus" / "autobahn" / "cases.jsonl").read_text("utf-8").splitlines()
]
# In front of each echo, so that the echo of an empty message is a frame with something in it: whether a two-way
# route delivers an empty body is no question of the protocol.
MARK = b"="


@pytest.fixture(scope="module")
def targets(gateway, start_gateway, backend):
    """Gives port and request target of an echo below the limits of a case."""
    backend.answers["/autobahn"] = lambda request: Answer(body=MARK + request.body)
    made = {}

    def target(limits):
        key = tuple(sorted(limits.items()))
        if key not in made:
            options = [word for name, value in key for word in ("--limit", f"{name}={value}")]
            api = Api(start_gateway(*options) if options else gateway, name="autobahn")
            api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/autobahn"), two_way=True)
            made[key] = api.deploy()
        return made[key].gateway.port, made[key].target

    return target


def payload(part):
    """The bytes that a part of a case stands for."""
    once = part["text"].encode("utf-8") if "text" in part else bytes.fromhex(part.get("hex", ""))
    return once * part.get("times", 1)


def expected_frame(frame):
    """Opcode and payload of an expected frame."""
    if "pong" in frame:
        return PONG, payload(frame["pong"])
    return TEXT, MARK + payload(frame["message"])


class Run:
    """One case on its way: what was sent, what came, what is still to come."""

    def __init__(self, client, case):
        self.client = client
        self.case = case
        self.waiting = [expected_frame(frame) for frame in case["expect"].get("frames", [])]
        self.came = []
        self.close = None
        self.batch = b""

    def flush(self):
        """Writes what gathered: frames without a chop travel together, as the suite sends them."""
        batch, self.batch = self.batch, b""
        if batch:
            self.client.send(batch)

    def read(self, patience=None):
        """Reads one frame; true when it was the close frame."""
        frame = self.client.read_frame(patience)
        assert frame.fin and frame.rsv == 0, frame
        if frame.opcode == CLOSE:
            self.close = frame
            return True
        self.came.append((frame.opcode, frame.payload))
        return False

    def step(self, step):
        """Takes one step of `send`; false when the gateway closed and nothing more is to be sent."""
        if "read" in step:
            self.flush()
            return not any(self.read() for _ in range(step["read"]))
        if "close_may_come_within_ms" in step:
            self.flush()
            try:
                return not self.read(step["close_may_come_within_ms"] / 1000)
            except TimeoutError:
                return True
        if "raw" in step:
            self.batch += bytes.fromhex(step["raw"])
        elif "fragments_of" in step:
            whole, size = payload(step), step["fragments_of"]
            for at in range(0, len(whole), size):
                self.batch += encode(CONTINUATION if at else TEXT, whole[at : at + size], fin=at + size >= len(whole))
        else:
            data = encode(step["opcode"], payload(step), step.get("fin", True), step.get("rsv", 0))
            chop = step.get("chop")
            if chop is None:
                self.batch += data
            else:
                self.flush()
                self.client.send(data, None if chop == "frame" else chop)
        return True

    def go(self):
        """Sends everything, reads everything, and closes if closing is ours."""
        try:
            for step in self.case["send"]:
                if not self.step(step):
                    break
            self.flush()
        except OSError:
            # It closed while we were sending, as it may; what it said before is still to be read.
            pass
        closed_by = self.case["expect"]["closed_by"]
        if closed_by == "client":
            while len(self.came) < len(self.waiting) and self.close is None:
                self.read()
            assert self.close is None, f"the gateway closed: {self.close}"
            self.client.frame(CLOSE, b"\x03\xe8")
        while self.close is None:
            self.read()
        if closed_by == "gateway":
            try:
                self.client.frame(CLOSE, self.close.payload[:2])
            except OSError:
                # After an error it need not wait for our half of the handshake.
                pass
        assert self.client.read_to_end() == b"", "nothing follows a close frame"


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(targets, case):
    expect = case["expect"]
    port, target = targets(case.get("limits", {}))
    with RawClient(port, target) as client:
        assert client.handshake.status == 101
        run = Run(client, case)
        run.go()
    if expect.get("frames_may_be_missing"):
        assert run.came == run.waiting[: len(run.came)], case["says"]
    else:
        assert run.came == run.waiting, case["says"]
    assert run.close.code in expect["close"], case["says"]


def test_the_groups_are_all_there():
    groups = {}
    for case in CASES:
        group = case["id"].split(".")[0]
        groups[group] = groups.get(group, 0) + 1
    assert len({case["id"] for case in CASES}) == len(CASES)
    # 3 more than the suite in group 1: the `-aws` twins. 1 fewer in group 7: 7.1.6; 7.13 is out as well.
    assert groups == {"1": 19, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 34, "10": 1}, groups
