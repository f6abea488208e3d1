"""Writers in processes of their own: refused, killed, interrupted, and racing each other without a lock."""

import contextlib
import json
import logging
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from msclip_search import SearchIndex, verify
from tests.folder.locking import PROGRAM, ROOT, assert_refused, lock_of, run_index
from tests.folder.making import assert_right, files_of, index_folder, make_index, stored_tiles, write_arrays

Start = Callable[..., subprocess.Popen[str]]

# Indexes, and stops with the lock in its hands until it is told to go on.
PAUSED = """
import sys
from msclip_search import index_tiles
def wait(stage, report):
    if report.embedded and not told:
        told.append(stage)
        print(stage, flush=True)
        sys.stdin.readline()
told = []
index_tiles(sys.argv[1], index=sys.argv[2], model="untrained", progress=wait)
"""


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python in a process of its own, and wait for the first line that it prints."""
    with contextlib.ExitStack() as stack:

        def begin(code: str, *arguments: object) -> subprocess.Popen[str]:
            pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
            command = [sys.executable, "-c", code, *map(str, arguments)]
            child = stack.enter_context(subprocess.Popen(command, cwd=ROOT, text=True, **pipes))
            stack.callback(child.kill)
            assert child.stdout
            assert child.stdout.readline(), child.communicate()[1]
            return child

        yield begin


@pytest.fixture
def tiles(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "tiles", range(8))
    return tmp_path / "tiles"


def test_while_one_process_indexes_another_is_refused_and_readers_are_not(
    tiles: Path, tmp_path: Path, start: Start
) -> None:
    root = tmp_path / "idx"
    index_folder(tiles, root)
    write_arrays(tiles, range(100, 104))
    child = start(PAUSED, tiles, root)
    before = files_of(root)
    second = run_index(tiles, root)
    assert (second.returncode, second.stdout) == (1, "")
    assert re.fullmatch(
        rf"Error: {root} is in use: process {child.pid} on host {socket.gethostname()} has been indexing since "
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. Wait until it is done, or give --break-lock if that process is surely "
        r"gone\.\n",
        second.stderr,
    )
    assert files_of(root) == before
    assert verify(root).problems == ()
    with SearchIndex.open(root) as index:
        assert len(index.search("a lake", k=100)) == 8
    assert child.communicate("go\n", timeout=60)[1] == ""
    assert not (root / "LOCK").exists()
    done = run_index(tiles, root)
    assert "0 embedded · 12 unchanged · 12 in the index" in done.stdout, done.stderr


@pytest.mark.parametrize("reaped", [True, False])
def test_the_lock_of_a_killed_process_is_taken_over(
    tiles: Path, tmp_path: Path, start: Start, caplog: pytest.LogCaptureFixture, *, reaped: bool
) -> None:
    root = tmp_path / "idx"
    child = start(PAUSED, tiles, root)
    assert_refused(root, f"process {child.pid} on host")
    child.send_signal(signal.SIGKILL)
    # Until its parent asks, a process that has ended is still listed.
    os.waitid(os.P_PID, child.pid, os.WEXITED | (0 if reaped else os.WNOWAIT))
    assert lock_of(root)["process"] == child.pid
    with caplog.at_level(logging.INFO, logger="msclip_search"):
        assert index_folder(tiles, root).embedded == 8
    taken = [entry for entry in caplog.records if "taken over" in entry.getMessage()]
    assert [entry.levelno for entry in taken] == [logging.INFO]
    assert str(child.pid) in taken[0].getMessage()
    assert not list(root.glob("*LOCK*"))


FORKS = """
import os, sys
from pathlib import Path
from msclip_search import IndexLocked
from msclip_search.store import Layout, hold
layout = Layout(Path(sys.argv[1]))
with hold(layout, doing="indexing"):
    child = os.fork()
    if not child:
        try:
            with hold(layout, doing="removing"):
                os._exit(1)
        except IndexLocked:
            sys.exit(7)  # leaves the parent's `hold` as well
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert layout.lock.exists()
assert not layout.lock.exists()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are POSIX")
def test_a_child_is_refused_and_leaves_the_lock_to_its_parent(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    make_index(root, 3)
    done = subprocess.run([sys.executable, "-c", FORKS, root], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_the_lock_goes_with_ctrl_c(tiles: Path, tmp_path: Path, start: Start) -> None:
    root = tmp_path / "idx"
    child = start(PAUSED, tiles, root)
    assert lock_of(root)["process"] == child.pid
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=60)[1].strip().endswith("KeyboardInterrupt")
    assert not list(root.glob("*LOCK*"))
    # The program itself stops in order, and says so.
    write_arrays(tiles, range(100, 3000))
    command = [*PROGRAM, "index", str(tiles), "--index", str(root)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        until = time.monotonic() + 60
        while not (root / "LOCK").exists() and time.monotonic() < until:
            time.sleep(0.01)
        assert lock_of(root)["process"] == running.pid
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
        assert running.returncode == 130
    assert not list(root.glob("*LOCK*"))


# Opens the index when it is told to, and commits at the moment that it is told; says what came of it.
RACER = """
import os, sys, time
from pathlib import Path
import numpy as np
from msclip_search import IndexConflict
from msclip_search.store import open_writer
from tests.folder.making import MODEL, record, units
root, first, links = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if links == "no links":
    def refuse(*paths): raise PermissionError(1, "Operation not permitted")
    os.link = refuse
print("ready", flush=True)
for number in range(first, first + 1000):
    if not sys.stdin.readline():
        break
    writer = open_writer(root, model=MODEL)
    oldest = int(writer.snapshot.live_rows[0])
    [gone] = writer.snapshot.take(np.array([oldest])).column("tile_id").to_pylist()
    print("open", flush=True)
    moment = float(sys.stdin.readline())
    while time.time() < moment:
        pass
    try:
        writer.commit([record(number)], units(1, seed=number), delete=np.array([oldest]))
        print("committed", number, int(gone, 16), flush=True)
    except IndexConflict as error:
        print("conflict", error, flush=True)
"""


def tell(child: subprocess.Popen[str], line: str) -> None:
    assert child.stdin
    child.stdin.write(f"{line}\n")
    child.stdin.flush()


def hear(child: subprocess.Popen[str]) -> list[str]:
    assert child.stdout
    line = child.stdout.readline()
    assert line, child.communicate()[1]
    return line.split()


@pytest.mark.parametrize(("links", "rounds"), [("links", 40), ("no links", 12)])
def test_of_two_writers_that_commit_at_one_moment_one_does(
    tmp_path: Path, start: Start, links: str, rounds: int
) -> None:
    root = tmp_path / "idx"
    make_index(root, 3)
    children = [start(RACER, root, first, links) for first in (1000, 2000)]
    expected, wins, draws = {0, 1, 2}, set(), random.Random(links)
    for _ in range(rounds):
        for child in children:
            tell(child, "open")
        assert [hear(child) for child in children] == [["open"]] * 2
        moment = time.time() + 0.01
        for child in children:  # a commit takes some ten milliseconds: they meet in every part of it
            tell(child, str(moment + draws.choice([0, 0.001, 0.004, 0.01]) * draws.random()))
        heard = [hear(child) for child in children]
        assert sorted(words[0] for words in heard) == ["committed", "conflict"]
        [number, gone] = next(map(int, words[1:]) for words in heard if words[0] == "committed")
        assert gone in expected
        expected = expected - {gone} | {number}
        wins.add(number // 1000)
        conflict = " ".join(next(words for words in heard if words[0] == "conflict"))
        assert "nother process" in conflict
    assert wins == {1, 2}
    assert {int(tile.columns["tile_id"], 16) for tile in stored_tiles(root)} == expected
    assert len(stored_tiles(root)) == 3
    bodies = [json.loads(path.read_bytes()) for path in sorted((root / "manifests").iterdir())]
    assert [body["number"] for body in bodies] == list(range(1, rounds + 2))
    assert [body["parent"] for body in bodies] == list(range(rounds + 1))
    assert verify(root).problems == ()
    # Nothing is left of those that lost.
    assert len(list((root / "segments").iterdir())) == rounds + 1
    assert not list(root.glob("*LOCK*"))


# Breaks the lock of the other again and again, as nobody should.
BREAKER = """
import sys
from msclip_search import IndexConflict, IndexLocked, Pace, index_tiles
from msclip_search.models import untrained
import msclip_search.ingest, msclip_search.archives, pyarrow.parquet
untrained._BATCH = 2
print("ready", flush=True)
sys.stdin.readline()
while True:
    try:
        pace = Pace(threads=1, commit_tiles=2)
        index_tiles(sys.argv[1], index=sys.argv[2], model="untrained", pace=pace, break_lock=True)
        break
    except (IndexConflict, IndexLocked) as error:
        print(type(error).__name__, flush=True)
print("done", flush=True)
"""


def test_two_runs_that_break_each_others_lock_lose_nothing(tmp_path: Path, start: Start) -> None:
    root = tmp_path / "idx"
    paths = [write_arrays(tmp_path / name, range(first, first + 40)) for name, first in (("a", 0), ("b", 100))]
    children = [start(BREAKER, tmp_path / name, root) for name in ("a", "b")]
    for child in children:
        tell(child, "go")
    heard = [child.communicate(timeout=120) for child in children]
    assert [errors.count("Traceback") for _, errors in heard] == [0, 0], heard
    words = [out.split() for out, _ in heard]
    assert [said[-1] for said in words] == ["done", "done"]
    assert "IndexConflict" in {word for said in words for word in said}
    assert_right(root, [path for of in paths for path in of])
    assert verify(root).problems == ()
    numbers = [int(path.stem) for path in (root / "manifests").glob("*.json")]
    assert sorted(numbers) == list(range(1, max(numbers) + 1))
