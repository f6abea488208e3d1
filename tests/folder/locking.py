"""Locks to test with: taken, left behind, and refused."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from msclip_search import IndexLocked
from msclip_search.store import Layout, hold, require_unlocked
from tests.folder.making import files_of

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "msclip_search"]


def run_index(tiles: Path, root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "index", str(tiles), "--index", str(root), "--model", "untrained", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def leave_lock(root: Path, **changes: object) -> dict[str, Any]:
    """Leave a lock as the process 1 << 30 of this host would, which is beyond what Linux and macOS number."""
    plain = {"host": socket.gethostname(), "process": 1 << 30, "start": None, "doing": "removing", "token": "t"}
    body = {**plain, "since": "2026-03-01T09:05:07+00:00", **changes}
    (root / "LOCK").write_text(json.dumps(body), encoding="ascii")
    return body


def lock_of(root: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((root / "LOCK").read_bytes())
    return body


def assert_refused(root: Path, words: str) -> None:
    """Check that a writer is refused in so many words, early and late, and leaves everything as it is."""
    before = files_of(root)
    for attempt in (open_lock, require_unlocked):
        with pytest.raises(IndexLocked, match=re.escape(words)) as caught:
            attempt(root)
        assert "--break-lock" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert files_of(root) == before


def open_lock(root: Path, *, break_lock: bool = False) -> None:
    """Take the lock, see that it is ours, and leave it."""
    with hold(Layout(root), doing="compacting", break_lock=break_lock):
        assert lock_of(root)["process"] == os.getpid()
        assert lock_of(root)["doing"] == "compacting"
    assert not (root / "LOCK").exists()
