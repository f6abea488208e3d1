"""A terminal of our own, to see what a program draws on one."""

import os
import subprocess
from collections.abc import Sequence

import pytest


def shown_on_a_terminal(command: Sequence[str], *, columns: int) -> bytes:
    """Run a command that must end well, and return what its standard error shows on a terminal."""
    here, there = _opened()
    running = subprocess.Popen(command, stderr=there, env=os.environ | {"TERM": "xterm", "COLUMNS": str(columns)})
    os.close(there)
    shown = _read(here)
    assert running.wait(60) == 0
    return shown


def answered_on_a_terminal(command: Sequence[str], answer: str) -> tuple[int, str]:
    """Run a command that asks one question; return its exit code, and all that the terminal shows."""
    here, there = _opened()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    running = subprocess.Popen(command, stdin=there, stdout=there, stderr=there, env=environment)
    os.write(here, f"{answer}\n".encode())  # it lies ready when the question comes
    os.close(there)
    shown = _read(here)
    return running.wait(60), shown.decode()


def _opened() -> tuple[int, int]:
    pty = pytest.importorskip("pty", reason="terminals are POSIX")
    here, there = pty.openpty()
    return here, there


def _read(here: int) -> bytes:
    """Read a terminal until the other side has gone."""
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
    return shown
