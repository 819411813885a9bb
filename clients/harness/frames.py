"""A WebSocket client that does exactly what it is told, wrong things included."""

import base64
import os
import socket
import struct
import time
from dataclasses import dataclass

from .until import PATIENCE

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


@dataclass
class Frame:
    """One frame from the gateway."""

    fin: bool
    rsv: int
    opcode: int
    payload: bytes

    @property
    def code(self):
        """The code of a close frame; None when it carries none."""
        return struct.unpack("!H", self.payload[:2])[0] if len(self.payload) >= 2 else None

    @property
    def text(self):
        """The payload as text."""
        return self.payload.decode("utf-8")


@dataclass
class Head:
    """Status line and headers of an HTTP answer, with the body where one was read."""

    status: int
    headers: list
    body: bytes = b""

    def header(self, name):
        """The value of the first header of that name in any case; None when it is absent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def encode(opcode, payload=b"", fin=True, rsv=0, mask=True, length=None):
    """The bytes of one frame. `length` may lie about the payload's size."""
    size = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    flag = 0x80 if mask else 0
    if size < 126:
        head += bytes([flag | size])
    elif size < 65536:
        head += bytes([flag | 126]) + struct.pack("!H", size)
    else:
        head += bytes([flag | 127]) + struct.pack("!Q", size)
    if not mask:
        return head + payload
    key = os.urandom(4)
    stretched = (key * (len(payload) // 4 + 1))[: len(payload)]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(stretched, "big")
    return head + key + masked.to_bytes(len(payload), "big")


def close_payload(code=None, reason=b""):
    """The payload of a close frame."""
    return b"" if code is None else struct.pack("!H", code) + reason


class Wire:
    """A TCP connection to the gateway, read with a deadline; from `source`, another address of this machine, and under TLS with a
    context."""

    def __init__(self, port, patience=PATIENCE, source=None, tls=None, before=b""):
        self.patience = patience
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience, source_address=source and (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(before)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the socket as a client does that was killed."""
        self.socket.close()

    def reset(self):
        """Drops the connection with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data, chop=None):
        """Sends bytes, `chop` at a time as separate writes."""
        if chop is None:
            self.socket.sendall(data)
        else:
            for at in range(0, len(data), chop):
                self.socket.sendall(data[at : at + chop])

    def _more(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"nothing came within {self.patience} s; unread so far: {self.buffer[:200]!r}")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError(f"the connection ended; unread so far: {self.buffer[:200]!r}")
        self.buffer += data

    def read_exact(self, count, deadline=None):
        """Reads `count` bytes."""
        deadline = deadline or time.monotonic() + self.patience
        while len(self.buffer) < count:
            self._more(deadline)
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read_head(self):
        """Reads the status line and headers of an HTTP answer."""
        deadline = time.monotonic() + self.patience
        while b"\r\n\r\n" not in self.buffer:
            self._more(deadline)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *rest = head.decode("latin-1").split("\r\n")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in rest)]
        return Head(int(first.split()[1]), headers)

    def read_answer(self):
        """Reads a whole HTTP answer."""
        answer = self.read_head()
        length = answer.header("content-length")
        if length is not None:
            answer.body = self.read_exact(int(length))
        elif "chunked" in (answer.header("transfer-encoding") or ""):
            answer.body = self._read_chunks()
        elif answer.status >= 200 and answer.status not in (204, 304):
            answer.body = self.read_to_end()
        return answer

    def _read_chunks(self):
        body = b""
        while True:
            while b"\r\n" not in self.buffer:
                self._more(time.monotonic() + self.patience)
            size, self.buffer = self.buffer.split(b"\r\n", 1)
            chunk = self.read_exact(int(size.split(b";")[0], 16) + 2)[:-2]
            if not chunk:
                return body
            body += chunk

    def read_to_end(self):
        """Everything until the gateway closes."""
        deadline = time.monotonic() + self.patience
        try:
            while True:
                self._more(deadline)
        except EOFError:
            data, self.buffer = self.buffer, b""
            return data

    def request(self, method, target, headers=(), body=b""):
        """Sends one plain HTTP request and reads its answer."""
        given = {name.lower() for name, _ in headers}
        lines = [f"{method} {target} HTTP/1.1"]
        if "host" not in given:
            lines.append("Host: 127.0.0.1")
        lines += [f"{name}: {value}" for name, value in headers]
        if "content-length" not in given and (body or method == "POST"):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return self.read_answer()


class RawClient(Wire):
    """A WebSocket connection whose frames are made by hand."""

    def __init__(self, port, target, headers=(), patience=PATIENCE, **wire):
        super().__init__(port, patience, **wire)
        self.key = base64.b64encode(os.urandom(16)).decode()
        given = {name.lower() for name, _ in headers}
        standard = [
            ("Host", f"127.0.0.1:{port}"),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", self.key),
        ]
        lines = [f"{name}: {value}" for name, value in standard if name.lower() not in given]
        lines += [f"{name}: {value}" for name, value in headers]
        self.send("\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""]).encode("utf-8"))
        self.handshake = self.read_head()
        if self.handshake.status != 101:
            length = int(self.handshake.header("content-length") or 0)
            self.handshake.body = self.read_exact(length)

    def frame(self, opcode, payload=b"", chop=None, **rest):
        """Sends one frame."""
        self.send(encode(opcode, payload, **rest), chop)

    def text(self, text):
        """Sends a text message in one frame."""
        self.frame(TEXT, text.encode("utf-8") if isinstance(text, str) else text)

    def read_frame(self, patience=None):
        """Reads one frame of the gateway."""
        deadline = time.monotonic() + (patience or self.patience)
        first, second = self.read_exact(2, deadline)
        assert not second & 0x80, "a server must not mask"
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", self.read_exact(2, deadline))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.read_exact(8, deadline))[0]
        return Frame(bool(first & 0x80), first >> 4 & 7, first & 0x0F, self.read_exact(size, deadline))

    def read_text(self):
        """Reads one text message, which the gateway sends as one frame."""
        frame = self.read_frame()
        assert frame.fin and frame.rsv == 0 and frame.opcode == TEXT, frame
        return frame.text

    def ask(self, text):
        """Sends a text message and reads the reply."""
        self.text(text)
        return self.read_text()

    def read_close(self, patience=None):
        """Reads up to the close frame, answers it, and gives it with what came before it."""
        before = []
        while (frame := self.read_frame(patience)).opcode != CLOSE:
            before.append(frame)
        try:
            self.frame(CLOSE, frame.payload[:2])
        except OSError:
            # The gateway may have shut the socket at once: after a protocol error it owes nobody a handshake.
            pass
        return frame, before

    def close_with(self, code=None, reason=b""):
        """Closes as a client does, and gives the gateway's close frame."""
        self.frame(CLOSE, close_payload(code, reason))
        while (frame := self.read_frame()).opcode != CLOSE:
            pass
        return frame
