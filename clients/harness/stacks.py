"""The program's commands for templates, as a person types them."""

import os
import subprocess

from .aws import control


def program(*words, cwd=None, **environment):
    """Runs one command of the program, and gives the finished process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWRIGHT_", "AWS_"))}
    kept.update(AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_CONFIG_FILE=os.devnull, **environment)
    return subprocess.run(
        [os.environ["GATEWRIGHT_BIN"], *map(str, words)],
        cwd=cwd,
        env=kept,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def done(*words, **rest):
    """Runs one command that must succeed, and gives what it printed."""
    process = program(*words, **rest)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def api_named(gateway, name):
    """The id of the one API of a name."""
    (api,) = [api["ApiId"] for api in control(gateway.url).get_apis()["Items"] if api["Name"] == name]
    return api


def stage_url(gateway, api, stage):
    """Where clients connect, by path."""
    return f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/{api}/{stage}"
