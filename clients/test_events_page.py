"""The console's views in a real browser: events, one event, connections, an API, charts; its filters, on their corpus."""

import gzip
import os
import subprocess
from pathlib import Path

from harness.browser import browser

HERE = Path(__file__).parent
ROOT = HERE.parent
# Seconds for all steps in the browser; each of them has a bound of its own.
STEPS_PATIENCE = 240
ASSETS = ROOT / "crates" / "gatewright" / "assets" / "console"
# All of the page's files together, each compressed by itself.
COMPRESSED_MAX = 300_000


def run(*command, timeout):
    """Runs a script of Node; its output is what a failure says."""
    done = subprocess.run(
        ["node", *map(str, command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")


def test_the_page_reads_filters_as_the_program_does():
    run(HERE / "js" / "filter-cases.mjs", ASSETS / "filter.js", ROOT / "corpus" / "filters" / "cases.json", timeout=30)


def test_the_steps_in_a_browser():
    run(HERE / "js" / "events-page.mjs", os.environ["GATEWRIGHT_BIN"], browser(), timeout=STEPS_PATIENCE)


def test_the_other_views_in_a_browser():
    run(HERE / "js" / "views-page.mjs", os.environ["GATEWRIGHT_BIN"], browser(), timeout=STEPS_PATIENCE)


def test_the_page_is_small():
    files = [file for file in ASSETS.rglob("*") if file.suffix in {".html", ".css", ".js"}]
    sizes = {file.name: len(gzip.compress(file.read_bytes())) for file in files}
    assert "preact.js" in sizes and "app.js" in sizes
    assert sum(sizes.values()) <= COMPRESSED_MAX, sizes
