"""A terminal of our own, to see what a program draws on one."""

import os
import subprocess
from collections.abc import Sequence

import pytest


def shown_on_a_terminal(command: Sequence[str], *, columns: int) -> bytes:
    """Run a command that must end well, and return what its standard error shows on a terminal."""
    pty = pytest.importorskip("pty", reason="terminals are POSIX")
    here, there = pty.openpty()
    running = subprocess.Popen(command, stderr=there, env=os.environ | {"TERM": "xterm", "COLUMNS": str(columns)})
    os.close(there)
    shown = b""
    while True:
        try:
            piece = os.read(here, 4096)
        except OSError:  # what Linux says when the other side has gone
            break
        if not piece:
            break
        shown += piece
    os.close(here)
    assert running.wait(60) == 0
    return shown
