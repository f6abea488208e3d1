"""Reading ahead, batches and commits: in order, in bounded memory, and stopped at any moment."""

import gc
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from msclip_search import Pace, Report, verify
from msclip_search.archives import Item
from msclip_search.errors import ModelError, TileError
from msclip_search.ingest import ingest
from msclip_search.ingest.encoding import Batcher, Encoded, Entry
from msclip_search.ingest.known import RowMap
from msclip_search.ingest.readahead import read_ahead
from msclip_search.models.base import Embeddings, Pixels
from msclip_search.store import durable, succession
from msclip_search.tile import Tile
from tests.folder.making import (
    Counting,
    assert_right,
    embed,
    index_folder,
    pixels_of,
    record,
    stored_tiles,
    write_arrays,
)


class Memory:
    """Counts the arrays of pixels that are alive."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self._lock = threading.Lock()

    def watch(self, pixels: NDArray[Any]) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        weakref.finalize(pixels, self._gone)

    def _gone(self) -> None:
        with self._lock:
            self.now -= 1


@dataclass(frozen=True, slots=True)
class MadeItem:
    """A tile out of nothing, of the size that its number says."""

    number: int
    size: int = 8
    memory: Memory | None = None

    @property
    def source(self) -> str:
        return f"/made/{self.number:05d}.tif"

    @property
    def fingerprint(self) -> str:
        return f"1-{self.number} as-is"

    def read(self) -> Sequence[Tile]:
        pixels = pixels_of(self.number, size=self.size)
        if self.memory:
            self.memory.watch(pixels)
        return [Tile(pixels, record(self.number, source=self.source, fingerprint=self.fingerprint))]


@dataclass(frozen=True, slots=True)
class MadeArchive:
    """An archive out of nothing, as long as is wished."""

    made: Sequence[Item]

    def count(self) -> int:
        return len(self.made)

    def items(self) -> Iterator[Item]:
        return iter(self.made)


class Slow(Counting):
    """Takes its time, so that whatever can pile up does, and notes how much is in its hands."""

    def encode_tiles(self, pixels: Pixels) -> Embeddings:
        time.sleep(0.002)
        return super().encode_tiles(pixels)


@given(
    steps=st.lists(st.dictionaries(st.integers(0, 30), st.integers(0, 10**6), max_size=8), max_size=40),
    asked=st.lists(st.integers(0, 40), min_size=1),
)
@settings(max_examples=60, deadline=None)
def test_a_map_of_rows_is_a_dictionary(steps: list[dict[int, int]], asked: list[int]) -> None:
    rows, oracle = RowMap(), dict[int, int]()
    for step in steps:
        keys = [2**64 - 1 - key for key in step]
        rows.add(keys, np.array(list(step.values()), dtype=np.int64))
        oracle |= dict(zip(keys, step.values(), strict=True))
    for key in asked:
        assert rows.get(2**64 - 1 - key) == oracle.get(2**64 - 1 - key, -1)


def test_of_equal_keys_added_together_the_last_counts() -> None:
    rows = RowMap()
    rows.add([5, 7, 5], np.array([1, 2, 3]))
    assert (rows.get(5), rows.get(7), rows.get(6)) == (3, 2, -1)


def test_items_come_back_in_order_and_no_further_ahead_than_allowed() -> None:
    pulled, handed = 0, 0
    furthest = 0

    def items() -> Iterator[Item]:
        nonlocal pulled
        for number in range(60):
            pulled += 1
            yield MadeItem(number)

    for outcome in read_ahead(items(), threads=4, depth=7, stopped=lambda: False):
        furthest = max(furthest, pulled - handed)
        assert outcome.source == f"/made/{handed:05d}.tif"
        np.testing.assert_array_equal(outcome.tiles[0].pixels, pixels_of(handed))
        handed += 1
        time.sleep(0.001)
    assert handed == 60
    assert furthest <= 7


@dataclass(frozen=True, slots=True)
class BrokenItem(MadeItem):
    """An item that fails in its own way."""

    error: Exception | None = None

    def read(self) -> Sequence[Tile]:
        assert self.error
        raise self.error


def test_whatever_a_file_does_is_its_own_failure() -> None:
    errors = [TileError("is truncated"), ValueError("odd"), MemoryError(), RecursionError("deep"), None]
    items = [BrokenItem(n, error=error) if error else MadeItem(n) for n, error in enumerate(errors)]
    outcomes = list(read_ahead(items, threads=2, depth=3, stopped=lambda: False))
    assert [outcome.failure for outcome in outcomes] == [
        "is truncated",
        "cannot be read (ValueError: odd)",
        "cannot be read (MemoryError: )",
        "cannot be read (RecursionError: deep)",
        None,
    ]
    assert [len(outcome.tiles) for outcome in outcomes] == [0, 0, 0, 0, 1]


def test_reading_stops_when_it_is_told_to() -> None:
    stop = threading.Event()
    seen = 0
    for _ in read_ahead((MadeItem(n) for n in range(10**9)), threads=2, depth=5, stopped=stop.is_set):
        seen += 1
        if seen == 20:
            stop.set()
    assert seen == 20


def batches_of(batcher: Batcher, sizes: Sequence[int]) -> list[Encoded]:
    found: list[Encoded] = []
    for number, size in enumerate(sizes):
        tile = MadeItem(number, size).read()[0]
        found += batcher.add(Entry(number, tile.record), tile)
    return found + list(batcher.finish())


@given(sizes=st.lists(st.sampled_from([8, 9, 10, 12, 16]), max_size=60), batch=st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_every_tile_gets_its_own_vector_whatever_the_mixture(sizes: list[int], batch: int) -> None:
    encoder = Counting(batch=batch, concurrency=2)
    batcher = Batcher(encoder)
    found = batches_of(batcher, sizes)
    batcher.close()
    vectors = {entry.order: vector for part in found for entry, vector in zip(part.entries, part.vectors, strict=True)}
    assert sorted(vectors) == list(range(len(sizes)))
    assert encoder.tiles == len(sizes)
    for number, size in enumerate(sizes):
        np.testing.assert_array_equal(vectors[number], embed(pixels_of(number, size=size)))
    assert all(shape[0] <= batch for shape in encoder.shapes)


def test_full_batches_are_full() -> None:
    encoder = Counting(batch=8)
    batches_of(Batcher(encoder), [8, 16] * 40)
    assert sorted(shape[0] for shape in encoder.shapes) == [8] * 10


def test_a_batch_that_becomes_smaller_is_followed() -> None:
    class Shrinking(Counting):
        def encode_tiles(self, pixels: Pixels) -> Embeddings:
            self.batch = 2
            return super().encode_tiles(pixels)

    encoder = Shrinking(batch=8)
    batcher = Batcher(encoder)
    found: list[Encoded] = []
    for number in range(30):
        tile = MadeItem(number).read()[0]
        found += batcher.add(Entry(number, tile.record), tile)
        time.sleep(0.002)
    found += batcher.finish()
    assert encoder.tiles == 30
    assert encoder.shapes[0][0] == 8
    assert {shape[0] for shape in encoder.shapes[3:]} <= {1, 2}


@pytest.mark.parametrize("shapes", [1, 3, 40])
def test_memory_is_bounded_however_many_tiles_and_shapes(tmp_path: Path, shapes: int) -> None:
    memory = Memory()
    batch, concurrency, ahead = 8, 2, 6
    archive = MadeArchive([MadeItem(number, 8 + number % shapes, memory) for number in range(400)])
    encoder = Slow(batch=batch, concurrency=concurrency)
    gc.disable()  # what is alive is held by somebody, not waiting for the collector
    try:
        ingest(archive, tmp_path / "idx", encoder, pace=Pace(threads=2, ahead=ahead))
    finally:
        gc.enable()
    # Read ahead, waiting for a batch to be full, in batches under way, and the one in hand.
    assert memory.most <= ahead + 2 * batch + (concurrency + 2) * batch + 1
    assert memory.now == 0
    assert len(stored_tiles(tmp_path / "idx")) == 400


def test_pixels_are_let_go_of_long_before_the_commit(tmp_path: Path) -> None:
    memory = Memory()
    alive: list[int] = []
    archive = MadeArchive([MadeItem(number, memory=memory) for number in range(600)])

    def progress(_: str, report: Report) -> None:
        if report.embedded == 512:
            alive.append(memory.now)

    ingest(archive, tmp_path / "idx", Counting(batch=16), pace=Pace(threads=1, ahead=4), progress=progress)
    assert alive
    assert max(alive) <= 4 + 5 * 16
    assert len(stored_tiles(tmp_path / "idx")) == 600


def test_pixels_are_in_memory_once_while_they_are_encoded(tmp_path: Path) -> None:
    memory = Memory()
    alive: list[int] = []

    class Watching(Counting):
        def encode_tiles(self, pixels: Pixels) -> Embeddings:
            time.sleep(0.1)  # by then the main thread waits for this batch, with the last tile in its hands at most
            alive.append(memory.now)
            return super().encode_tiles(pixels)

    ingest(MadeArchive([MadeItem(number, memory=memory) for number in range(40)]), tmp_path / "idx", Watching(batch=40))
    assert alive
    assert max(alive) <= 2


def test_an_encoder_that_gives_up_ends_the_run_and_earlier_commits_stand(tmp_path: Path) -> None:
    class Tired(Counting):
        def encode_tiles(self, pixels: Pixels) -> Embeddings:
            if self.tiles >= 40:
                raise ModelError("The device has too little memory for a single tile.")
            return super().encode_tiles(pixels)

    paths = write_arrays(tmp_path / "tiles", range(100))
    with pytest.raises(ModelError, match="too little memory"):
        index_folder(tmp_path / "tiles", tmp_path / "idx", Tired(batch=4), pace=Pace(commit_tiles=8))
    assert len(stored_tiles(tmp_path / "idx")) == 40  # all that could be embedded
    assert verify(tmp_path / "idx").problems == ()
    index_folder(tmp_path / "tiles", tmp_path / "idx")
    assert_right(tmp_path / "idx", paths)


@pytest.mark.parametrize("at", [0, 1, 37, 99])
def test_stopping_commits_what_is_done(tmp_path: Path, at: int) -> None:
    paths = write_arrays(tmp_path / "tiles", range(100))
    root, stop = tmp_path / "idx", threading.Event()
    encoder = Counting(batch=4)

    def progress(_: str, report: Report) -> None:
        if report.done >= at:
            stop.set()

    report = index_folder(tmp_path / "tiles", root, encoder, stop=stop, progress=progress, pace=Pace(threads=1))
    assert report.interrupted
    kept = [Path(tile.columns["source"]) for tile in stored_tiles(root)] if report.tiles else []
    assert len(kept) == report.embedded == report.tiles == encoder.tiles
    assert at - 4 <= len(kept) <= 100
    assert kept == paths[: len(kept)]
    again = Counting()
    report = index_folder(tmp_path / "tiles", root, again)
    assert (report.interrupted, again.tiles) == (False, 100 - len(kept))
    assert_right(root, paths)


def test_stopping_is_heard_while_nothing_has_changed(tmp_path: Path) -> None:
    write_arrays(tmp_path / "tiles", range(50))
    index_folder(tmp_path / "tiles", tmp_path / "idx")
    stop = threading.Event()

    def progress(_: str, report: Report) -> None:
        if report.unchanged == 10:
            stop.set()

    report = index_folder(tmp_path / "tiles", tmp_path / "idx", stop=stop, progress=progress)
    assert (report.interrupted, report.unchanged) == (True, 10)


def test_a_failure_and_a_stop_are_no_unreadable_archive(tmp_path: Path) -> None:
    (tmp_path / "tiles").mkdir()
    for number in range(9):
        (tmp_path / "tiles" / f"{number}.npy").write_bytes(b"x")
    stop = threading.Event()

    def progress(_: str, report: Report) -> None:
        if report.failed == 3:
            stop.set()

    report = index_folder(tmp_path / "tiles", tmp_path / "idx", stop=stop, progress=progress)
    assert report.interrupted
    assert report.failed < 9


@pytest.mark.parametrize("at", [1, 30, 77])
def test_a_keyboard_interrupt_commits_what_is_done(tmp_path: Path, at: int) -> None:
    paths = write_arrays(tmp_path / "tiles", range(100))
    root, pressed = tmp_path / "idx", threading.Event()

    def progress(_: str, report: Report) -> None:
        if report.done >= at and not pressed.is_set():
            pressed.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_folder(tmp_path / "tiles", root, Counting(batch=1), progress=progress, pace=Pace(commit_tiles=20))
    kept = stored_tiles(root)
    assert at <= len(kept) < 100
    assert verify(root).problems == ()
    encoder = Counting()
    index_folder(tmp_path / "tiles", root, encoder)
    assert encoder.tiles == 100 - len(kept)
    assert_right(root, paths)


def test_the_second_interrupt_ends_at_once(tmp_path: Path) -> None:
    write_arrays(tmp_path / "tiles", range(30))
    stop = threading.Event()

    def progress(_: str, report: Report) -> None:
        if report.done >= 15 and not stop.is_set():
            stop.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_folder(
            tmp_path / "tiles",
            tmp_path / "idx",
            Counting(batch=1),
            stop=stop,
            progress=progress,
            pace=Pace(commit_tiles=10),
        )
    assert len(stored_tiles(tmp_path / "idx")) in {10, 11, 12}
    assert verify(tmp_path / "idx").problems == ()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at", [1, 3])
def test_an_interrupt_in_the_middle_of_a_commit_commits_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, at: int
) -> None:
    paths = write_arrays(tmp_path / "tiles", range(30))
    root = tmp_path / "idx"
    create, calls = durable.create_exclusively, 0

    def interrupted(path: Path, content: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == at and moment == "before":
            raise KeyboardInterrupt
        create(path, content)
        if calls == at and moment == "after":
            raise KeyboardInterrupt

    monkeypatch.setattr(succession, "create_exclusively", interrupted)
    with pytest.raises(KeyboardInterrupt):
        index_folder(tmp_path / "tiles", root, Counting(batch=1), pace=Pace(commit_tiles=5, threads=1))
    # What was ready is committed once: either the broken commit stands, or the one that follows it has its tiles.
    kept = [Path(tile.columns["source"]) for tile in stored_tiles(root)]
    assert 5 * at <= len(kept) < 30
    assert kept == paths[: len(kept)]
    assert verify(root).problems == ()
    encoder = Counting()
    index_folder(tmp_path / "tiles", root, encoder)
    assert encoder.tiles == 30 - len(kept)
    assert_right(root, paths)
    assert list((root / "deleted").iterdir()) == []
