"""Waiting for what must become true, with a deadline and without guessing how long it takes."""

import time

# Long enough for a busy machine with two cores; a test that passes never waits this long.
PATIENCE = 10.0


def until(holds, what, patience=PATIENCE):
    """Gives the first true answer of `holds`, or fails naming `what` after `patience` seconds.

    For what can only be asked (a port, a file). Where there is an event, wait for that instead.
    """
    deadline = time.monotonic() + patience
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience} s for {what}")
        time.sleep(0.01)
