"""What the system tells of processes."""

from pathlib import Path


def is_alive(pid):
    """Whether it runs; one that has ended and that nobody has asked for does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid):
    """The processes that a program has begun and that are still there."""
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text().split()]
