"""The clients of a story: Python's `websockets` as it is, or a hand that makes every frame itself."""

import os

from websockets.exceptions import ConnectionClosed, InvalidStatus

from harness.clients import open_websocket
from harness.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Head, RawClient, Wire, close_payload
from harness.until import PATIENCE

from .pattern import Mismatch

OPCODES = {"continuation": CONTINUATION, "text": TEXT, "binary": BINARY, "close": CLOSE, "ping": PING, "pong": PONG}


class Ordinary:
    """A client as people write it."""

    def __init__(self, gateway, host, target, headers, subprotocols):
        self.websocket = None
        try:
            agent = next((value for name, value in headers if name.lower() == "user-agent"), None)
            rest = [(name, value) for name, value in headers if name.lower() != "user-agent"]
            self.websocket = open_websocket(
                f"ws://{host}{target}",
                port=gateway.port,
                additional_headers=rest,
                user_agent_header=agent,
                subprotocols=subprotocols or None,
            )
            answer = self.websocket.response
        except InvalidStatus as refusal:
            answer = refusal.response
        self.handshake = Head(answer.status_code, list(answer.headers.raw_items()), answer.body or b"")

    def send(self, text):
        self.websocket.send(text)

    def fragments(self, parts):
        self.websocket.send(iter(parts))

    def receive(self, patience=PATIENCE):
        """The next thing: ("text", …), ("binary", …) or ("close", code, reason)."""
        try:
            message = self.websocket.recv(timeout=patience)
        except ConnectionClosed as end:
            return ("close", end.rcvd.code, end.rcvd.reason) if end.rcvd else ("close", None, "")
        return ("text", message) if isinstance(message, str) else ("binary", message)

    def ping(self, payload):
        if not self.websocket.ping(payload).wait(PATIENCE):
            raise Mismatch("a pong", payload, "nothing")

    def fence(self):
        """What came before the gateway answered a ping that is sent now."""
        self.ping(os.urandom(8))
        try:
            return self.receive(patience=0)
        except TimeoutError:
            return None

    def close(self, code=1000, reason=""):
        self.websocket.close(code or 1000, reason)

    def hang_up(self, how):
        self.drop()

    def drop(self):
        """Ends it without ceremony; nothing waits for the gateway's part of it."""
        if self.websocket is not None:
            self.websocket.socket.close()


class ByHand(RawClient):
    """A client whose bytes the story chooses, wrong ones included."""

    def __init__(self, gateway, host, target, headers, subprotocols, method="GET", without=(), early=""):
        Wire.__init__(self, gateway.port)
        given = {name.lower() for name, _ in headers} | {name.lower() for name in without}
        standard = [
            ("Host", host),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]
        lines = [f"{name}: {value}" for name, value in [*((n, v) for n, v in standard if n.lower() not in given), *headers]]
        lines += [f"Sec-WebSocket-Protocol: {', '.join(subprotocols)}"] if subprotocols else []
        self.handshake = None
        self.send_bytes("\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode("utf-8"))
        if early:
            self.frame(TEXT, early.encode("utf-8"))

    # `send` is a story's word for a message here.
    def send_bytes(self, data):
        self.socket.sendall(data)

    def open(self):
        """Reads the answer to the handshake."""
        self.handshake = self.read_head()
        if self.handshake.status != 101:
            self.handshake.body = self.read_exact(int(self.handshake.header("content-length") or 0))

    def send(self, text, chop=None):
        # RawClient sends the bytes of a frame through here; a text is a story's message.
        if isinstance(text, bytes):
            self.send_bytes(text)
        else:
            self.text(text)

    def fragments(self, parts):
        last = len(parts) - 1
        for at, part in enumerate(parts):
            self.frame(CONTINUATION if at else TEXT, part.encode("utf-8"), fin=at == last)

    def send_frame(self, told):
        """One frame as the story describes it."""
        payload = bytes.fromhex(told["hex"]) if "hex" in told else told.get("text", "").encode("utf-8") * told.get("repeat", 1)
        rest = {name: told[name] for name in ("fin", "rsv", "mask", "length") if name in told}
        self.frame(OPCODES[told["opcode"]], payload, **rest)

    def receive(self, patience=None):
        frame = self.read_frame(patience)
        if frame.opcode == CLOSE:
            try:
                self.frame(CLOSE, frame.payload[:2])
            except OSError:
                # After a violation the gateway owes nobody a handshake.
                pass
            return ("close", frame.code, frame.payload[2:].decode("utf-8"))
        kinds = {TEXT: "text", BINARY: "binary", PONG: "pong"}
        if frame.opcode not in kinds or not frame.fin or frame.rsv:
            raise Mismatch("a frame of the gateway", "a whole message", frame)
        return (kinds[frame.opcode], frame.text if frame.opcode == TEXT else frame.payload)

    def ping(self, payload):
        self.frame(PING, payload)
        came = self.receive()
        if came != ("pong", payload):
            raise Mismatch("a pong", payload, came)

    def fence(self):
        payload = os.urandom(8)
        self.frame(PING, payload)
        came = self.receive()
        return None if came == ("pong", payload) else came

    def close(self, code=None, reason=""):
        self.frame(CLOSE, close_payload(code, reason.encode("utf-8")))

    def hang_up(self, how):
        if how == "reset":
            self.reset()
        else:
            self.drop()

    def drop(self):
        self.socket.close()
