"""Debian's nginx and HAProxy before the program, each with the few lines that a person would write."""

import contextlib
import os
import shutil
import socket
import subprocess

import pytest

from .until import until

# Where their sockets to the program come from, so that they are told from the tests' own.
PROXY = "127.0.0.4"

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    server {{
        listen 127.0.0.1:{port} {tls};
        {certificate}
        location / {{
            proxy_bind {own};
            proxy_pass http://127.0.0.1:{to};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Port $server_port;
        }}
    }}
}}
"""

HAPROXY = """
global
    stats socket {folder}/haproxy.sock
defaults
    mode {mode}
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
frontend public
    bind 127.0.0.1:{port} {tls}
    {headers}
    default_backend gateway
backend gateway
    server gateway 127.0.0.1:{to} source {own} {send}
"""


def free_port():
    """A port that nobody listened on a moment ago."""
    with socket.socket() as wire:
        wire.bind(("127.0.0.1", 0))
        return wire.getsockname()[1]


def _program(name):
    why = os.environ.get("GATEWRIGHT_NO_PROXIES")
    if why:
        pytest.skip(why)
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    assert found, f"this test needs {name}: apt-get install {name}"
    return found


@contextlib.contextmanager
def _running(command, port, log):
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

    def listens():
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    try:
        until(listens, f"{command[0]} to listen")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def nginx(folder, to, certificate=None):
    """nginx as reverse proxy of `to`, with `X-Forwarded-*`; with a certificate's two files TLS ends at it. Gives its port."""
    port = free_port()
    lines = f"ssl_certificate {certificate[0]}; ssl_certificate_key {certificate[1]};" if certificate else ""
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, own=PROXY, port=port, to=to, tls="ssl" if certificate else "", certificate=lines))
    command = [_program("nginx"), "-p", str(folder), "-e", "stderr", "-c", str(settings)]
    return _running(command, port, folder / "nginx.log")


def haproxy(folder, to, send="", mode="tcp", certificate=None):
    """HAProxy before `to`; `send` is what its line says of the PROXY protocol, and `http` has it send `X-Forwarded-*`."""
    port = free_port()
    tls = ""
    if certificate:
        both = folder / "both.pem"
        both.write_bytes(certificate[0].read_bytes() + certificate[1].read_bytes())
        tls = f"ssl crt {both}"
    lines = ["option forwardfor", "http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]", "http-request set-header X-Forwarded-Port %[dst_port]"]
    settings = folder / "haproxy.cfg"
    headers = "\n    ".join(lines) if mode == "http" else ""
    settings.write_text(HAPROXY.format(folder=folder, own=PROXY, port=port, to=to, tls=tls, mode=mode, headers=headers, send=send))
    command = [_program("haproxy"), "-db", "-f", str(settings)]
    return _running(command, port, folder / "haproxy.log")
