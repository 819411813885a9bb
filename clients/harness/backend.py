"""A backend that plays a script: it keeps each request as it came and answers as the test says, or not at all."""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field

from .until import PATIENCE

HEAD_BYTES_MAX = 256 * 1024


@dataclass
class Request:
    """One request as it came over the wire, header names in their own spelling and order."""

    method: str
    target: str
    version: str
    headers: list
    body: bytes

    @property
    def path(self):
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self):
        """The query as sent, without the question mark."""
        return self.target.partition("?")[2]

    def header(self, name):
        """The value of the one header of that name in any case; None when it is absent."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {self.headers}"
        return values[0] if values else None

    def all(self, name):
        """The values of every header of that name, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self):
        """The body as text."""
        return self.body.decode("utf-8")


@dataclass
class Answer:
    """What to answer. `raw` replaces everything by bytes; `hold` is waited for before the first byte goes out."""

    status: int = 200
    body: bytes | str = b""
    headers: list = field(default_factory=list)
    raw: bytes | None = None
    hold: threading.Event | None = None
    # After the bytes: "keep" the connection, "close" it, "reset" it, or "stall": keep it open and say nothing more.
    then: str = "keep"

    def wire(self):
        """The bytes to send."""
        if self.raw is not None:
            return self.raw
        body = self.body.encode("utf-8") if isinstance(self.body, str) else self.body
        lines = [f"HTTP/1.1 {self.status} Scripted", *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body


NEVER = Answer(raw=b"", then="stall")


class Backend:
    """An HTTP/1.1 server on a free port of 127.0.0.1, a thread for each connection, scripted by path.

    `answers[path]` is an [`Answer`] or a function from a request to one; without a script it echoes the body
    with status 200.
    """

    def __init__(self, port=0):
        self.answers = {}
        self.requests = []
        self._came = threading.Condition()
        self._stopping = threading.Event()
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self):
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rb") as reader:
                while (request := read_request(reader)) is not None:
                    with self._came:
                        self.requests.append(request)
                        self._came.notify_all()
                    if not self._answer(connection, request):
                        return
        except OSError:
            # The gateway may hang up whenever it likes, a time-out being the usual reason.
            pass
        finally:
            self._open.discard(connection)

    def _answer(self, connection, request):
        script = self.answers.get(request.path)
        answer = script(request) if callable(script) else script
        if answer is None:
            answer = Answer(body=request.body, headers=[("Content-Type", "application/json")])
        if answer.hold is not None:
            while not answer.hold.wait(0.1):
                if self._stopping.is_set():
                    return False
        connection.sendall(answer.wire())
        if answer.then == "stall":
            # Until the gateway gives up: its end closes and this read ends.
            with contextlib.suppress(OSError):
                while connection.recv(4096):
                    pass
        if answer.then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        return answer.then == "keep"

    def wait_for(self, fits, count=1, since=0, patience=PATIENCE):
        """The first `count` requests after number `since` for which `fits` holds (a path stands for itself)."""
        test = fits if callable(fits) else (lambda request: request.path == fits)
        deadline = time.monotonic() + patience
        with self._came:
            while True:
                found = [request for request in self.requests[since:] if test(request)]
                if len(found) >= count:
                    return found[:count]
                left = deadline - time.monotonic()
                if left <= 0:
                    seen = [(request.method, request.target) for request in self.requests[since:]][-20:]
                    raise AssertionError(f"waited for {count} × {fits}, saw {len(found)} of them; the last of all: {seen}")
                self._came.wait(left)

    def seen(self, fits, since=0):
        """The requests after number `since` that came so far and for which `fits` holds."""
        test = fits if callable(fits) else (lambda request: request.path == fits)
        with self._came:
            return [request for request in self.requests[since:] if test(request)]

    def mark(self):
        """How many requests came so far; hand it on as `since`."""
        with self._came:
            return len(self.requests)

    def stop(self):
        """Ends every thread of it."""
        self._stopping.set()
        # On Linux a blocked accept() ends with shutdown(), not with close().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._accepting.join(PATIENCE)


def read_request(reader):
    """Reads one request; None at the end of the connection."""
    line = reader.readline(HEAD_BYTES_MAX)
    if not line.strip():
        return None
    method, target, version = line.decode("latin-1").split()
    headers = []
    while (line := reader.readline(HEAD_BYTES_MAX)) not in (b"\r\n", b""):
        name, _, value = line.decode("utf-8", "surrogateescape").partition(":")
        headers.append((name, value.strip()))
    lowered = {name.lower(): value for name, value in headers}
    body = b""
    if "chunked" in lowered.get("transfer-encoding", ""):
        while (size := int(reader.readline(HEAD_BYTES_MAX).split(b";")[0], 16)) > 0:
            body += reader.read(size)
            reader.readline(HEAD_BYTES_MAX)
        reader.readline(HEAD_BYTES_MAX)
    elif (length := int(lowered.get("content-length", "0"))) > 0:
        body = reader.read(length)
    return Request(method, target, version, headers, body)


def unused_port():
    """A port that was free a moment ago and that nobody listens on: a backend that is down."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
