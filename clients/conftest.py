"""Fixtures of the tests with real clients; what each needs is in README.md."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

# What it asserts is shown as in a test.
pytest.register_assert_rewrite("harness.lambda_chat")

from harness.aws import Api
from harness.backend import Backend
from harness.clients import node_modules
from harness.gateway import Gateway

# Everything here is on loopback; a proxy of the surroundings has no part in it.
for variable in ("http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(variable, None)
    os.environ.pop(variable.upper(), None)
os.environ["NO_PROXY"] = "*"


@pytest.fixture(scope="module")
def start_gateway(tmp_path_factory):
    """Starts programs that are stopped, and looked at for panics, when the module's tests are over."""
    started = []

    def start(*options, data_dir=None, **rest):
        folder = data_dir or tmp_path_factory.mktemp("data")
        gateway = Gateway(folder, *options, **rest)
        started.append(gateway)
        return gateway

    yield start
    running = [gateway for gateway in started if gateway.process.returncode is None]
    failures = []
    for gateway in running:
        try:
            gateway.stop()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n\n".join(failures)


@pytest.fixture(scope="module")
def gateway(start_gateway):
    """One program with AWS's limits, for a whole module."""
    return start_gateway()


@pytest.fixture(scope="module")
def backend():
    """One scripted backend for a whole module; tests keep apart by path."""
    backend = Backend()
    yield backend
    backend.stop()


@pytest.fixture
def path(request):
    """A path of the backend that belongs to one test alone."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name).strip("-")
    return f"/{name}"


@pytest.fixture(scope="module")
def echo(gateway, backend):
    """An API whose `$default` route is two-way and echoes: what other connections must keep doing, come what may."""
    api = Api(gateway, name="echo")
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/echo"), two_way=True)
    return api.deploy()


@pytest.fixture(scope="module")
def node_folder():
    """A folder from which Node finds the installed packages by walking upwards, as ES modules need it."""
    folder = Path(tempfile.mkdtemp(prefix="gatewright-", dir=node_modules().parent))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
