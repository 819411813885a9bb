"""Tools that people describe their gateways with: run as they are installed, or the test is skipped (README.md)."""

import os
import subprocess
from pathlib import Path

import pytest

# They are slow to start, and machines are busy.
TOOL_PATIENCE = 600


def installed(variable, what):
    """The path that an environment variable names; where it names none the test is skipped."""
    path = os.environ.get(variable)
    if path is None:
        pytest.skip(f"{variable} names no {what} (README.md)")
    return Path(path).resolve(strict=True)


def run(*words, cwd, succeeds=True, **environment):
    """Runs a tool with made-up credentials and gives what it printed; it must succeed unless that is not asked."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GATEWRIGHT_", "TF_"))}
    own = {
        "AWS_ACCESS_KEY_ID": "anything",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # None of them tells anybody that it was run.
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CHECKPOINT_DISABLE": "1",
        "SAM_CLI_TELEMETRY": "0",
        "SLS_TELEMETRY_DISABLED": "1",
        "SLS_NOTIFICATIONS_MODE": "off",
        "NO_COLOR": "1",
        "CI": "1",
    }
    process = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**kept, **own, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TOOL_PATIENCE,
        check=False,
    )
    if succeeds:
        assert process.returncode == 0, f"{words}\n{process.stdout}{process.stderr}"
    return process
