"""The files of deploy/, each as it stands there but for its addresses, before a real gateway."""

import contextlib
import json
import os
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest
import yaml

from harness.aws import Api
from harness.frames import RawClient
from harness.proxies import _program, _running, free_port
from harness.until import until

DEPLOY = Path(__file__).parent.parent / "deploy"
# Addresses of this machine: that of a client, and those of the proxies' sockets.
CLIENT, NGINX, HAPROXY = "127.0.0.2", "127.0.0.1", "127.0.0.4"
# What a name in an expression is where it is no metric: `up` is Prometheus's own.
OF_PROMETHEUS = {"up"}


def deployed(gateway, backend, path):
    api = Api(gateway)
    seen = {"integration.request.header.sourceIp": "context.identity.sourceIp"}
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}{path}", RequestParameters=seen))
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/echo"), two_way=True)
    return api.deploy()


def moved(file, folder, port, to):
    """A copy with its two addresses changed; both must be there."""
    text = (DEPLOY / file).read_text()
    for was, now in (("127.0.0.1:8080", f"127.0.0.1:{port}"), ("127.0.0.1:4510", f"127.0.0.1:{to}")):
        assert was in text, (file, was)
        text = text.replace(was, now)
    copy = folder / file
    copy.write_text(text)
    return copy


def conversation(port, api, backend, path):
    """Opens, asks and is answered; gives the client, which stays open."""
    since = backend.mark()
    client = RawClient(port, api.target, source=CLIENT)
    assert client.handshake.status == 101
    connect, = backend.wait_for(lambda request: request.path == path, since=since)
    assert connect.header("sourceIp") == CLIENT
    assert client.ask('{"a": 1}') == '{"a": 1}'
    return client


def workers(process):
    """Ids of a process's children."""
    return set(Path(f"/proc/{process}/task/{process}/children").read_text().split())


def test_nginx_tells_who_the_client_is_and_a_reload_keeps_it(start_gateway, backend, path, tmp_path):
    gateway = start_gateway("--trusted-proxies", NGINX)
    api = deployed(gateway, backend, path)
    port = free_port()
    settings = moved("nginx.conf", tmp_path, port, gateway.port)
    program = _program("nginx")
    folders = "".join(f"{name}_temp_path {tmp_path}/{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    # Where a package would put its own; the worker runs as whoever runs the tests.
    settings.write_text(settings.read_text().replace("    access_log off;", f"    access_log off; {folders}", 1))
    command = [program, "-p", str(tmp_path), "-e", "stderr", "-c", str(settings), "-g", "daemon off;"]
    subprocess.run([*command, "-t"], check=True, capture_output=True, timeout=30)
    with _running(command, port, tmp_path / "log"):
        master = int((tmp_path / "nginx.pid").read_text())
        with contextlib.closing(conversation(port, api, backend, path)) as client:
            before = workers(master)
            os.kill(master, signal.SIGHUP)
            until(lambda: workers(master) - before, "a new worker of nginx")
            assert client.ask('{"b": 2}') == '{"b": 2}'
            conversation(port, api, backend, path).close()


def test_haproxy_passes_the_address_on_and_a_reload_keeps_it(start_gateway, backend, path, tmp_path):
    gateway = start_gateway("--trusted-proxies", HAPROXY, "--proxy-protocol", "--admin", "127.0.0.1:0")
    line = gateway.wait_for_line(lambda line: "control plane" in line, "the admin address")
    public, gateway.url = gateway.port, re.search(r"http://127\.0\.0\.1:\d+", line).group()
    api = deployed(gateway, backend, path)
    port = free_port()
    settings = moved("haproxy.cfg", tmp_path, port, public)
    # The tests' own questions to the gateway come from 127.0.0.1, and speak no PROXY protocol.
    settings.write_text(settings.read_text().replace(" send-proxy-v2 check", f" source {HAPROXY} send-proxy-v2 check"))
    program = _program("haproxy")
    checked = subprocess.run([program, "-c", "-f", str(settings)], capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0 and "WARNING" not in checked.stderr, checked.stderr
    pid = tmp_path / "pid"
    with _running([program, "-W", "-db", "-p", str(pid), "-f", str(settings)], port, tmp_path / "log"):
        master = int(pid.read_text().split()[0])
        with contextlib.closing(conversation(port, api, backend, path)) as client:
            os.kill(master, signal.SIGUSR2)
            assert client.ask('{"b": 2}') == '{"b": 2}'
            conversation(port, api, backend, path).close()


@pytest.fixture(scope="module")
def metrics(start_gateway):
    """The names that a real gateway's /_metrics tells, a histogram's with their endings."""
    with urllib.request.urlopen(start_gateway().url + "/_metrics", timeout=10) as answer:
        types = re.findall(r"^# TYPE (\S+) (\S+)$", answer.read().decode(), re.MULTILINE)
    endings = ("_bucket", "_sum", "_count")
    return {name + end for name, kind in types for end in (endings if kind == "histogram" else ("",))}


def named(expression):
    """The metrics that an expression names: words that are no function, no label and no part of a text."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring) ?\([^)]*\)', " ", expression)
    return {word for word in re.findall(r"[a-zA-Z_:][\w:]*\b(?!\s*\()", bare) if word not in ("sum", "avg", "min", "max", "and", "or", "unless")}


def test_names_are_found_in_expressions():
    assert named('sum by (a) (rate(one_total{b="two"}[5m])) / three > 0.8') == {"one_total", "three"}


def test_every_alert_is_of_metrics_that_there_are_and_says_what_to_do(metrics):
    groups = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 0
    for rule in rules:
        names = named(rule["expr"])
        assert names and names <= metrics | OF_PROMETHEUS, (rule["alert"], names - metrics)
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "action"}


def test_every_panel_is_of_metrics_that_there_are(metrics):
    dashboard = json.loads((DEPLOY / "grafana/gatewright.json").read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 0
    for panel in panels:
        for target in panel["targets"]:
            names = named(target["expr"])
            assert names and names <= metrics, (panel["title"], names - metrics)
