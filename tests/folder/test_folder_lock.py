"""One writer at a time: who comes second is told by whom, and a lock that nobody holds any more is in nobody's way."""

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from msclip_search import ArchiveError, IndexLocked, ModelError, StorageError, index_tiles, verify
from msclip_search.store import Layout, hold, lock, newest_or_raise, open_writer, require_unlocked, sweep, writing
from msclip_search.store.lock import _set_aside
from tests.folder.locking import assert_refused, leave_lock, lock_of, open_lock, run_index
from tests.folder.making import (
    MODEL,
    NONE_DELETED,
    age,
    index_folder,
    make_index,
    record,
    units,
    write_arrays,
)


@pytest.fixture
def tiles(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "tiles", range(8))
    return tmp_path / "tiles"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make an index of three tiles."""
    make_index(tmp_path / "idx", 3)
    return tmp_path / "idx"


def test_the_lock_says_who_and_since_when(root: Path) -> None:
    before = time.time()
    with hold(Layout(root), doing="importing"):
        body = lock_of(root)
        assert (body["host"], body["process"], body["doing"]) == (socket.gethostname(), os.getpid(), "importing")
        since = time.strftime("%Y-%m-%d %H:%M", time.gmtime(before))
        assert body["since"][:16].replace("T", " ") in {since, time.strftime("%Y-%m-%d %H:%M", time.gmtime())}
        assert_refused(
            root,
            f"{root} is in use: process {os.getpid()} on host {socket.gethostname()} has been importing since "
            f"{body['since'][:19].replace('T', ' ')} UTC. Wait until it is done, or give --break-lock",
        )
    assert not (root / "LOCK").exists()
    open_lock(root)


def test_who_will_be_refused_does_not_load_a_model_first(root: Path, tiles: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "none.safetensors"
    with hold(Layout(root), doing="indexing"), pytest.raises(IndexLocked):
        index_tiles(tiles, index=root, weights=wrong)
    with hold(Layout(root), doing="indexing"), pytest.raises(ModelError, match="leave --weights out"):
        index_tiles(tiles, index=root, weights=wrong, break_lock=True)
    with pytest.raises(ModelError, match="leave --weights out"):
        index_tiles(tiles, index=root, weights=wrong)


@pytest.fixture
def idle() -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that does nothing."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        yield child
        child.kill()


def test_a_number_that_was_given_anew_is_another_process(root: Path, idle: subprocess.Popen[bytes]) -> None:
    with hold(Layout(root), doing="indexing"):
        own = lock_of(root)
    leave_lock(root, process=idle.pid)  # when it started is not known
    assert_refused(root, f"process {idle.pid} on host")
    if own["start"] is None:
        pytest.skip("this system does not say when a process started")
    leave_lock(root, process=idle.pid, start=own["start"])
    open_lock(root)
    # In a container everything may be process 1: a lock that names us, and that we do not hold, is a dead one's.
    for began in (None, own["start"], "another start"):
        leave_lock(root, process=os.getpid(), start=began, token=own["token"])
        open_lock(root)


def test_the_lock_of_another_host_stands_until_it_is_broken(tiles: Path, tmp_path: Path) -> None:
    root = tmp_path / "idx"
    index_folder(tiles, root)
    write_arrays(tiles, [100])
    leave_lock(root, host="elsewhere.example")
    words = f"process {1 << 30} on host elsewhere.example has been removing since 2026-03-01 09:05:07 UTC."
    assert_refused(root, words)
    assert run_index(tiles, root).returncode == 1
    done = run_index(tiles, root, "--break-lock")
    assert done.returncode == 0, done.stderr
    assert "1 embedded · 8 unchanged · 9 in the index" in done.stdout
    taken = f"is taken from process {1 << 30} on host elsewhere.example."
    assert taken in done.stderr
    assert not list(root.glob("*LOCK*"))


SOUND = {"host": "a", "process": 1, "start": None, "since": "2026-03-01", "doing": "indexing", "token": "t"}
ODD: tuple[dict[str, object], ...] = (
    {"process": 0},
    {"process": -1},
    {"process": True},
    {"process": 10**30},
    {"process": "1"},
    {"start": []},
    {"host": "a\u001b[2J"},
    {"host": None},
    {"since": "long ago"},
    {"doing": 3},
)
UNFINISHED = (b"", b'{"host": "a', b"\xff\x00\x13", b"[" * 4000)


def test_a_lock_that_says_little_is_sound(root: Path) -> None:
    (root / "LOCK").write_text(json.dumps(SOUND), encoding="ascii")
    assert_refused(root, "process 1 on host a has been indexing since 2026-03-01 00:00:00. Wait")


@pytest.mark.parametrize(
    "content", [b"[]", b"null", b"7" * 100_000, *(json.dumps(SOUND | odd).encode() for odd in ODD)]
)
def test_a_damaged_lock_is_held_by_somebody_unknown(root: Path, content: bytes) -> None:
    (root / "LOCK").write_bytes(content)
    assert_refused(root, "an unknown process holds its lock, LOCK, which cannot be read")
    open_lock(root, break_lock=True)


@pytest.mark.parametrize("content", UNFINISHED)
def test_a_lock_that_was_never_finished_is_taken_over(
    root: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    (root / "LOCK").write_bytes(content)
    require_unlocked(root)
    with hold(Layout(root), doing="indexing"):
        assert lock_of(root)["doing"] == "indexing"
    assert not (root / "LOCK").exists()


def test_a_lock_that_is_being_filled_is_waited_for(root: Path) -> None:
    (root / "LOCK").write_bytes(b'{"host": "a')
    filling = threading.Timer(0.3, (root / "LOCK").write_text, [json.dumps(SOUND)])
    filling.start()
    with (
        pytest.raises(IndexLocked, match="process 1 on host a has been indexing"),
        hold(Layout(root), doing="removing"),
    ):
        pass
    filling.join()


def test_a_broken_lock_is_not_removed_by_who_held_it(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = hold(Layout(root), doing="indexing"), hold(Layout(root), doing="removing", break_lock=True)
    first.__enter__()
    second.__enter__()
    assert [entry.levelno for entry in caplog.records] == [logging.WARNING]
    first.__exit__(None, None, None)
    assert lock_of(root)["doing"] == "removing"
    assert_refused(root, "has been removing")
    second.__exit__(None, None, None)
    assert not list(root.glob("*LOCK*"))


def test_threads_of_one_process_are_writers_too(root: Path) -> None:
    begin, end = threading.Barrier(6), threading.Barrier(6)
    outcomes: list[str] = []

    def attempt() -> None:
        begin.wait()
        try:
            with writing(root, model=MODEL, doing="indexing"):
                outcomes.append("held")
                end.wait()
        except IndexLocked:
            outcomes.append("refused")
            end.wait()

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["held", *["refused"] * 5]
    assert not list(root.glob("*LOCK*"))


def test_a_lock_that_came_between_stays(root: Path) -> None:
    seen = json.dumps(leave_lock(root)).encode()
    came = leave_lock(root, doing="importing")
    _set_aside(Layout(root), seen, "mine")
    assert lock_of(root) == came
    _set_aside(Layout(root), (root / "LOCK").read_bytes(), "mine")
    _set_aside(Layout(root), seen, "mine")  # another has been faster
    assert not list(root.glob("*LOCK*"))


def test_of_two_that_find_a_dead_ones_lock_one_takes_it(root: Path) -> None:
    begin, end = threading.Barrier(2), threading.Barrier(2)
    outcomes: list[str] = []

    def attempt() -> None:
        begin.wait(60)
        try:
            with hold(Layout(root), doing="indexing"):
                outcomes.append("held")
                end.wait(60)
        except IndexLocked:
            outcomes.append("refused")
            end.wait(60)

    for _ in range(100):
        leave_lock(root)
        outcomes.clear()
        threads = [threading.Thread(target=attempt) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(outcomes) == ["held", "refused"]
        assert not list(root.glob("*LOCK*"))


def test_the_lock_goes_with_success_and_with_failure(root: Path, tiles: Path, tmp_path: Path) -> None:
    seen: list[bool] = []
    index_folder(tiles, root, progress=lambda *_: seen.append((root / "LOCK").exists()))
    assert seen
    assert all(seen)
    assert not list(root.glob("*LOCK*"))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.tif").write_bytes(b"II*")
    with pytest.raises(ArchiveError, match=r"a\.tif is no GeoTIFF, PNG or JPEG"):
        index_folder(tmp_path / "bad", root)
    assert not list(root.glob("*LOCK*"))

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        index_folder(tiles, root, progress=broken)
    assert not list(root.glob("*LOCK*"))


def test_the_sweep_leaves_the_lock_and_takes_its_drafts(root: Path) -> None:
    leave_lock(root, host="elsewhere")
    draft = root / ".LOCK.12.abcdef"
    draft.write_bytes(b"")
    current = newest_or_raise(root)
    assert sweep(Layout(root), current) == []
    age(root, 100 * 24 * 3600)
    assert sweep(Layout(root), current) == [draft]
    assert (root / "LOCK").exists()
    assert verify(root).problems == ()


def test_a_folder_that_cannot_be_written_is_an_error_of_the_disk(root: Path) -> None:
    (root / "LOCK").mkdir()
    with pytest.raises(IndexLocked, match="an unknown process"):
        open_lock(root)
    with pytest.raises(StorageError, match=r"^Writing .*/LOCK failed: "):
        open_lock(root, break_lock=True)
    with pytest.raises(StorageError, match=r"^Writing .*/idx/nowhere/LOCK failed: No such file"):
        open_lock(root / "nowhere")


def test_writing_makes_the_folder_and_gives_its_writer(tmp_path: Path) -> None:
    with writing(tmp_path / "new", model=MODEL, kind="flat", doing="importing") as writer:
        assert lock_of(tmp_path / "new")["doing"] == "importing"
        writer.commit([record(1)], units(1), delete=NONE_DELETED)
    assert newest_or_raise(tmp_path / "new").kind == "flat"
    assert open_writer(tmp_path / "new", model=MODEL).manifest.tiles == 1
