"""A terminal of our own, to see what a program draws on one."""

import os
import signal
import subprocess
import sys
import time
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


def interrupted_on_a_terminal(
    command: Sequence[str], wanted: bytes, pressed: signal.Signals | bytes
) -> tuple[int, str]:
    """Run a command until its terminal shows something, then kill it politely or press keys; see the other."""
    here, there = _opened()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    # A session of its own, whose terminal this is: what is pressed comes as a signal.
    whole = [sys.executable, "-c", _CONTROLLED, *command]
    running = subprocess.Popen(whole, stdin=there, stdout=there, stderr=there, env=environment, start_new_session=True)
    os.close(there)
    shown = b""
    while wanted not in shown:
        shown += os.read(here, 4096)
    time.sleep(0.2)  # the question has been asked, but perhaps not yet read
    if isinstance(pressed, bytes):
        os.write(here, pressed)
    else:
        running.send_signal(pressed)
    shown += _read(here)
    return running.wait(60), shown.decode()


_CONTROLLED = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


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
