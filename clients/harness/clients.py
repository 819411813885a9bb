"""WebSocket clients as people use them: Python's `websockets` and Node's `ws`."""

import json
import os
import queue
import socket
import subprocess
import threading
from pathlib import Path

from websockets.sync.client import connect

from .until import PATIENCE

JS = Path(__file__).resolve().parent.parent / "js"


def open_websocket(url, port=None, **options):
    """A connection of Python's `websockets`; with `port` it dials 127.0.0.1 and keeps the URL's name as `Host`."""
    options = {"proxy": None, "ping_interval": None, "open_timeout": PATIENCE, "close_timeout": PATIENCE, **options}
    if port is not None:
        options["sock"] = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    return connect(url, legacy=True, **options)


def receive(websocket):
    """The next message of a `websockets` connection, as parsed JSON."""
    return json.loads(websocket.recv(timeout=PATIENCE))


def node_modules():
    """The folder of the installed npm packages."""
    return Path(os.environ["GATEWRIGHT_NODE_MODULES"])


def node_environment(**more):
    """An environment in which Node finds the packages (for CommonJS) and no credentials but made-up ones."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment.update(
        NODE_PATH=str(node_modules()),
        AWS_ACCESS_KEY_ID="anything",
        AWS_SECRET_ACCESS_KEY="anything",
        AWS_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        NO_COLOR="1",
        # The SDK's notes on Node's age are no output of the script.
        NODE_NO_WARNINGS="1",
        **more,
    )
    return environment


class Node:
    """A Node program that talks in lines: its standard output line by line, its standard input on demand."""

    def __init__(self, script, *arguments, cwd=None, **environment):
        self.name = Path(script).name
        self.process = subprocess.Popen(
            ["node", str(script), *arguments],
            cwd=cwd,
            env=node_environment(**environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        self.seen = []
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def line(self, fits=lambda line: True, what="a line", patience=PATIENCE):
        """The next line of its output for which `fits` holds; lines before it are kept in `seen` as well."""
        while True:
            try:
                line = self._lines.get(timeout=patience)
            except queue.Empty:
                raise AssertionError(f"{self.name}: waited {patience} s for {what}; so far: {self.seen}") from None
            if line is None:
                raise AssertionError(f"{self.name} ended while waiting for {what}; it said: {self.seen}")
            self.seen.append(line)
            if fits(line):
                return line

    def holding(self, text, **rest):
        """The next line that holds `text`."""
        return self.line(lambda line: text in line, f"a line with {text!r}", **rest)

    def type(self, line):
        """Types a line into it."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def finish(self, patience=PATIENCE):
        """Waits for its end and gives exit code and all its lines."""
        code = self.process.wait(patience)
        self._reader.join(patience)
        while not self._lines.empty():
            line = self._lines.get()
            if line is not None:
                self.seen.append(line)
        self._release()
        return code, self.seen

    def stop(self):
        """Ends it, if it has not ended by itself."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(PATIENCE)
        self._release()

    def _release(self):
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except OSError:
                # What was still to be written has no reader any more.
                pass
