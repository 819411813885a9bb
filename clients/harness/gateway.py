"""The real program: started on a free port, listened to, stopped, and looked at for panics."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

from .until import PATIENCE, until

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
# What the drain may take in a test: `--limit drain-timeout` is 30 s by default and nothing here holds it up that long.
STOP_PATIENCE = 20.0


class Gateway:
    """One `gatewright serve` on a free port of 127.0.0.1, with its standard output kept line by line."""

    def __init__(self, data_dir, *options, log_format="json", environment=None, listen="127.0.0.1:0", patience=PATIENCE):
        self.data_dir = str(data_dir)
        self.environment = environment or {}
        self.listen = listen
        self.options = list(options)
        self.patience = patience
        self.log_format = log_format
        self.lines = []
        self._grew = threading.Condition()
        self._asked = False
        self._start()

    def _start(self):
        program = os.environ["GATEWRIGHT_BIN"]
        command = [program, "serve", "--listen", self.listen, "--data-dir", self.data_dir]
        command += ["--log-format", self.log_format, *self.options]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWRIGHT_", "AWS_"))}
        # No credentials of whoever runs the tests.
        environment.update(AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_CONFIG_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true")
        environment.update(self.environment)
        # A backtrace in the output is worth more than the time it takes to make.
        environment["RUST_BACKTRACE"] = "1"
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        line = self.wait_for_line(lambda line: ADDRESS.search(line), "the line with the address", patience=self.patience)
        self.port = int(ADDRESS.search(line).group(1))
        self.url = f"http://127.0.0.1:{self.port}"
        until(self.is_healthy, f"{self.url}/_health to answer 200")

    def _read(self):
        for raw in self.process.stdout:
            with self._grew:
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self._grew.notify_all()
        with self._grew:
            self._grew.notify_all()

    def is_healthy(self):
        """Whether `GET /_health` answers 200 now; fails at once if the program is gone."""
        assert self.process.poll() is None, f"the program ended by itself:\n{self.output()}"
        try:
            with urllib.request.urlopen(self.url + "/_health", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def output(self):
        """Everything it printed so far, in one text."""
        with self._grew:
            return "\n".join(self.lines)

    def mark(self):
        """Where the output stands now; hand it to the waiting functions as `since`."""
        with self._grew:
            return len(self.lines)

    def wait_for_line(self, fits, what, since=0, patience=PATIENCE):
        """The first printed line after `since` for which `fits` holds."""
        deadline = time.monotonic() + patience
        seen = since
        with self._grew:
            while True:
                while seen < len(self.lines):
                    line = self.lines[seen]
                    seen += 1
                    if fits(line):
                        return line
                left = deadline - time.monotonic()
                ended = self.process.poll() is not None and not self._reader.is_alive()
                if left <= 0 or ended:
                    tail = "\n".join(self.lines[max(since, len(self.lines) - 40) :])
                    raise AssertionError(f"waited {patience} s for {what}; the output since then ends in:\n{tail}")
                self._grew.wait(min(left, 0.2))

    def wait_for_log(self, text, since=0, patience=PATIENCE, **members):
        """The first line of the execution log whose message holds `text` and whose members are as given."""

        def fits(line):
            record = parse(line)
            return (
                record is not None and text in str(record["message"]) and all(record.get(name) == value for name, value in members.items())
            )

        wanted = f"a log line with {text!r}" + (f" and {members}" if members else "")
        return parse(self.wait_for_line(fits, wanted, since, patience))

    def log(self, since=0, **members):
        """The execution-log records printed after `since` whose members are as given."""
        with self._grew:
            records = [parse(line) for line in self.lines[since:]]
        return [record for record in records if record is not None and all(record.get(name) == value for name, value in members.items())]

    def ask_to_stop(self):
        """Sends SIGTERM, once, and does not wait."""
        if not self._asked and self.process.poll() is None:
            self._asked = True
            self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """SIGTERM, then what a clean stop owes: exit code 0, in time, without a panic in the output."""
        self.ask_to_stop()
        try:
            code = self.process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self._reader.join(PATIENCE)
            raise AssertionError(f"SIGTERM did not end it within {STOP_PATIENCE} s:\n{self.output()[-4000:]}") from None
        self._reader.join(PATIENCE)
        self.process.stdout.close()
        self.assert_no_panic()
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.output()[-4000:]}"

    def kill(self):
        """SIGKILL, as a power cut does it."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stdout.close()
        self.assert_no_panic()

    def assert_no_panic(self):
        """No thread of it panicked, as far as the output tells."""
        output = self.output()
        assert "panicked" not in output, f"a panic:\n{output[max(0, output.index('panicked') - 500) :][:4000]}"


def parse(line):
    """A line of the execution log as a dict, or None when it is another kind of line."""
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "kind" in record and "message" in record else None
