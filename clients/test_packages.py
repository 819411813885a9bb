"""What packages lean on: systemd is told and passes sockets, `health` says by its code, the unit is as tight as promised."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from harness.proxies import free_port
from harness.until import PATIENCE, until

UNIT = Path(__file__).parent.parent / "packaging/debian/gatewright.service"
# The most that `systemd-analyze security` may say; 10 is a service that may do everything.
EXPOSURE_MAX = 2.0


def health(port):
    command = [os.environ["GATEWRIGHT_BIN"], "health", "--endpoint", f"http://127.0.0.1:{port}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)


def systemd(name):
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not on this machine: apt-get install systemd")
    return found


def test_systemd_is_told_of_the_start_and_of_the_end(start_gateway, tmp_path):
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(place))
        listener.settimeout(PATIENCE)
        gateway = start_gateway(environment={"NOTIFY_SOCKET": str(place)})
        assert listener.recv(100) == b"READY=1"
        assert health(gateway.port).returncode == 0
        gateway.ask_to_stop()
        assert listener.recv(100) == b"STOPPING=1"
        gateway.stop()


def test_health_of_nobody_is_one_and_says_so():
    port = free_port()
    answer = health(port)
    assert answer.returncode == 1 and f"no gateway answers at http://127.0.0.1:{port}" in answer.stderr


def test_a_socket_of_systemd_takes_the_place_of_listen():
    port = free_port()
    program = systemd("systemd-socket-activate")
    command = [program, "-l", f"127.0.0.1:{port}", os.environ["GATEWRIGHT_BIN"], "serve", "--ephemeral"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: health(port).returncode == 0, "the gateway on the socket that was passed")
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_what_the_shell_reads(shell):
    script = subprocess.run([os.environ["GATEWRIGHT_BIN"], "config", "--completions", shell], capture_output=True, check=True, timeout=PATIENCE)
    assert b"data-dir" in script.stdout
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script.stdout, check=True, timeout=PATIENCE)


def test_the_unit_may_do_little():
    answer = subprocess.run([systemd("systemd-analyze"), "security", "--offline=true", str(UNIT)], capture_output=True, text=True, timeout=60)
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", answer.stdout)
    assert level, answer.stderr
    assert float(level.group(1)) <= EXPOSURE_MAX
