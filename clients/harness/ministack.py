"""ministack's server: a Lambda API that is not ours, which runs functions with the Python and the Node of this machine."""

import os
import socket
import subprocess

import boto3
import pytest

from .aws import CONFIG, CREDENTIALS, REGION
from .backend import unused_port
from .until import PATIENCE, until

# Where the gate has put it, in a virtualenv of its own (README.md).
PROGRAM = os.environ.get("GATEWRIGHT_MINISTACK")


class Ministack:
    """One server on a free port of loopback, with its files below `folder`; `environment` is for it and its functions."""

    def __init__(self, folder, **environment):
        if PROGRAM is None:
            pytest.skip("GATEWRIGHT_MINISTACK names no ministack (README.md)")
        port = unused_port()
        self.url = f"http://127.0.0.1:{port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GATEWRIGHT_"))}
        own = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "LAMBDA_EXECUTOR": "local", "TMPDIR": str(folder)}
        self.output = folder / "ministack.log"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [PROGRAM], cwd=folder, env={**kept, **own, **environment}, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        until(lambda: self.listens(port), f"ministack to listen on {port}", patience=3 * PATIENCE)

    def listens(self, port):
        assert self.process.poll() is None, self.output.read_text()
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    def client(self, service):
        """The SDK's client of one of its services."""
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, config=CONFIG, **CREDENTIALS)

    def printed(self, function):
        """What a function has printed, as CloudWatch tells it."""
        logs = self.client("logs")
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return ""
        return "\n".join(event["message"] for event in events)

    def stop(self):
        """Ends it, and what it began."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)
