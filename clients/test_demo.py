"""`gatewright demo`: one command, a page in a real browser, and a clean stop."""

import http.client
import os
import re
import signal
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness.browser import browser

PAGE = re.compile(r"http://127\.0\.0\.1:\d+/_console/")
SCRIPT = Path(__file__).parent / "js" / "demo-page.mjs"
# Seconds until the program has printed its address, and until it has stopped.
PATIENCE = 20
# Seconds for the whole tour in the browser; each of its steps has a bound of its own.
TOUR_PATIENCE = 180


class Demo:
    """A running `gatewright demo` without a terminal; what it prints is kept."""

    def __init__(self, folder, listen=("--listen", "127.0.0.1:0")):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWRIGHT_", "AWS_"))}
        self.process = subprocess.Popen(
            [os.environ["GATEWRIGHT_BIN"], "demo", *listen],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.lines = []
        self.page = None
        self._address = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._address.wait(PATIENCE) or self.page is None:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it printed no address of the page:\n{self.output()}")

    def _read(self):
        for raw in self.process.stdout:
            line = raw.decode("utf-8", "replace")
            self.lines.append(line)
            found = PAGE.search(line)
            if found and self.page is None:
                self.page = found.group()
                self._address.set()
        # The end of the output wakes the waiting one too: the program is gone.
        self._address.set()

    def output(self):
        return "".join(self.lines)

    def get(self):
        """The status of the page."""
        parts = urlsplit(self.page)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def stop(self, how=signal.SIGINT):
        """Ends the program as Ctrl-C does and gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it did not stop within {PATIENCE} s:\n{self.output()}") from None
        self._reader.join(PATIENCE)
        assert "panicked" not in self.output(), self.output()
        return code


@pytest.fixture
def demo(tmp_path):
    running = Demo(tmp_path)
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0, running.output()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_without_a_terminal_it_prints_the_address_and_stops_cleanly(demo, how, tmp_path):
    assert demo.get() == 200
    assert demo.stop(how) == 0, demo.output()
    assert list(tmp_path.iterdir()) == [], "the demo keeps nothing"


def test_it_stops_cleanly_with_a_reader_of_the_log_still_there(demo):
    parts = urlsplit(demo.page)
    reader = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    reader.request("GET", "/_gatewright/v1/log")
    answer = reader.getresponse()
    assert (answer.status, answer.getheader("content-type").split(";")[0]) == (200, "text/event-stream")
    assert demo.stop() == 0, demo.output()
    reader.close()


def test_where_the_page_was_leads_to_where_it_is(demo):
    parts = urlsplit(demo.page)
    for path in ["/_gatewright/demo", "/_gatewright/demo/"]:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("location")) == (308, "/_console/"), path
        connection.close()


def test_the_tour_in_a_browser(demo):
    tour = subprocess.run(
        ["node", str(SCRIPT), demo.page, browser()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TOUR_PATIENCE,
    )
    assert tour.returncode == 0, f"{tour.stdout.decode('utf-8', 'replace')}\n--- the program:\n{demo.output()}"


def test_a_second_demo_takes_the_next_free_port(tmp_path):
    demos = []
    try:
        for _ in range(2):
            demos.append(Demo(tmp_path, listen=()))
        ports = [urlsplit(demo.page).port for demo in demos]
        assert 4510 <= ports[0] < ports[1] < 4530, ports
    finally:
        for demo in demos:
            demo.process.send_signal(signal.SIGTERM)
            demo.process.wait(PATIENCE)
