"""The browser that the tests of the pages drive."""

import os
import shutil

import pytest


def browser():
    """Its path. The gate names one, or says why there is none; by hand, Debian's is looked for."""
    why = os.environ.get("GATEWRIGHT_NO_BROWSER")
    if why:
        pytest.skip(why)
    found = os.environ.get("GATEWRIGHT_BROWSER") or shutil.which("chromium")
    assert found, "this test needs a Chromium: apt-get install chromium, or GATEWRIGHT_BROWSER=PATH"
    return found
