"""Whatever happens to an archive between runs, and however they end, the index becomes what a fresh one would be.

Beside that it keeps what is no longer in the archive: an index outlives it.
"""

import contextlib
import functools
import itertools
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msclip_search import Pace, Report, SearchIndex, verify
from tests.folder.making import Counting, embed, index_folder, pixels_of, stored_tiles

NAMES = ("a", "b", "c", "d/a", "d/e", "f")
SEEDS = 9

names = st.sampled_from(NAMES)
actions = st.one_of(
    st.tuples(st.just("write"), names, st.integers(0, SEEDS - 1)),
    st.tuples(st.just("rename"), names, names),
    st.tuples(st.just("swap"), names, names),
    st.tuples(st.just("copy"), names, names),
    st.tuples(st.sampled_from(["touch", "remove", "corrupt"]), names, st.none()),
    st.tuples(st.just("move"), st.just(""), st.none()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What happens to the archive, and how it is indexed then."""

    changes: list[tuple[str, str, str | int | None]]
    commit_tiles: int
    batch: int
    offset: int | None
    """Of the stored values: another one is another way of reading."""
    broken_off: int | None
    """After so many tiles."""
    by_flag: bool
    """Broken off by a flag, or by an exception."""

    @property
    def pace(self) -> Pace:
        return Pace(threads=1, ahead=3, commit_tiles=self.commit_tiles)


runs = st.builds(
    Run,
    changes=st.lists(actions, min_size=1, max_size=5),
    commit_tiles=st.integers(1, 4),
    batch=st.integers(1, 3),
    offset=st.sampled_from([None, None, None, -50]),
    broken_off=st.none() | st.integers(0, 6),
    by_flag=st.booleans(),
)
WHOLE = Run(changes=[], commit_tiles=100, batch=2, offset=None, broken_off=None, by_flag=True)


@dataclass(slots=True)
class World:
    """An archive that changes, and what is in it."""

    folder: Path
    clock: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    moves: int = 0

    @property
    def archive(self) -> Path:
        return self.folder / f"archive{self.moves}"

    def path(self, name: str) -> Path:
        return self.archive / f"{name}.npy"

    def do(self, action: tuple[str, str, str | int | None]) -> None:
        kind, name, other = action
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "write" and isinstance(other, int):
            np.save(path, pixels_of(other))
            self.tick(path)
        elif kind == "move":
            before = self.archive
            self.moves += 1
            before.rename(self.archive)
        elif not path.exists():
            return
        elif kind == "touch":
            self.tick(path)
        elif kind == "remove":
            path.unlink()
        elif kind == "corrupt":
            path.write_bytes(b"no array")
            self.tick(path)
        elif isinstance(other, str) and other != name:
            self.between(kind, path, self.path(other))

    def between(self, kind: str, path: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if kind == "copy":
            target.write_bytes(path.read_bytes())
            self.tick(target)
        elif kind == "rename" or not target.exists():
            path.rename(target)
        else:
            aside = self.folder / "aside"
            path.rename(aside)
            target.rename(path)
            aside.rename(target)

    def tick(self, path: Path) -> None:
        """Give a file a time of change of its own: clocks of file systems are too coarse for tests."""
        moment = next(self.clock) * 10**9
        os.utime(path, ns=(moment, moment))

    def contents(self) -> dict[str, int]:
        """Seed of each readable file, by its path."""
        seeds = {pixels_of(seed).tobytes(): seed for seed in range(SEEDS)}
        readable = {}
        for path in self.archive.rglob("*.npy"):
            if path.stat().st_size > 100:
                readable[str(path)] = seeds[np.load(path).tobytes()]
        return readable


@dataclass(frozen=True, slots=True)
class Held:
    """A tile of the index."""

    source: str
    seed: int
    offset: int | None
    tile_id: str


def held_by(root: Path) -> list[Held]:
    """Live rows; each vector is that of one of the contents, to the bit."""
    if not any((root / "manifests").glob("0*.json")):
        return []
    vectors = {read(seed, offset): (seed, offset) for seed in range(SEEDS) for offset in (None, -50)}
    return [
        Held(tile.columns["source"], *vectors[tile.vector.tobytes()], tile.columns["tile_id"])
        for tile in stored_tiles(root)
    ]


@functools.cache
def read(seed: int, offset: int | None) -> bytes:
    """Return the bytes of the vector that a content has, read in a way."""
    return embed((pixels_of(seed).astype(np.int32) + (offset or 0)).astype(np.uint16)).tobytes()


def run_to_its_end(world: World, root: Path, run: Run) -> None:
    """Index everything, and compare with what has to come of it."""
    before, readable = held_by(root), world.contents()
    encoder = Counting(batch=run.batch)
    report = index_folder(world.archive, root, encoder, pace=run.pace, offset=run.offset)
    after = held_by(root)
    assert len({held.tile_id for held in after}) == len(after) == report.tiles
    assert len({held.seed for held in after}) == len(after)
    # Everything readable is there, once; and what was there before and has not been overwritten.
    outlived = {held.seed for held in before if held.source not in readable}
    assert {held.seed for held in after} == set(readable.values()) | outlived
    for held in after:
        assert held.seed == readable.get(held.source, held.seed)
        if held.seed in readable.values():
            assert held.source in readable
            assert held.offset == run.offset
    # Nothing is embedded that was known, and read in the same way.
    known = {held.seed for held in before if held.offset == run.offset}
    assert encoder.tiles == report.embedded == len(set(readable.values()) - known)
    assert report.done == report.total
    assert verify(root).problems == ()


def run_broken_off(world: World, root: Path, run: Run, after: int) -> None:
    """Index until so many tiles are done, and make sure that nothing is lost."""
    stop, before, readable = threading.Event(), held_by(root), world.contents()

    done = False

    def progress(_: str, report: Report) -> None:
        nonlocal done
        if report.done >= after and not done:
            done = True
            if not run.by_flag:
                raise KeyboardInterrupt
            stop.set()

    with contextlib.suppress(KeyboardInterrupt):
        index_folder(
            world.archive,
            root,
            Counting(batch=run.batch),
            pace=run.pace,
            offset=run.offset,
            stop=stop,
            progress=progress,
        )
    now = held_by(root)
    assert len({held.seed for held in now}) == len(now)
    assert {held.seed for held in now} <= {held.seed for held in before} | set(readable.values())
    assert {held.seed for held in now} >= {held.seed for held in before if held.source not in readable}
    if now:
        assert verify(root).problems == ()


def scores_of(root: Path) -> dict[str, float]:
    with SearchIndex.open(root) as index:
        return {hit.tile_id: hit.score for hit in index.search("flooded farmland", k=1000)}


@given(history=st.lists(runs, min_size=1, max_size=4))
@settings(max_examples=900, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_index_ends_as_a_fresh_one_would(history: list[Run]) -> None:
    with tempfile.TemporaryDirectory() as name:
        world, root = World(Path(name)), Path(name) / "idx"
        for number, seed in enumerate((0, 1, 1, 2)):
            world.do(("write", NAMES[number], seed))
        for run in history:
            for change in run.changes:
                world.do(change)
            if not world.contents():
                world.do(("write", "a", 0))
            if run.broken_off is None:
                run_to_its_end(world, root, run)
            else:
                run_broken_off(world, root, run, run.broken_off)
        run_to_its_end(world, root, WHOLE)
        index_folder(world.archive, Path(name) / "fresh")
        ours, fresh = scores_of(root), scores_of(Path(name) / "fresh")
        assert {tile_id: ours[tile_id] for tile_id in fresh} == fresh
        number = len(list((root / "manifests").iterdir()))
        run_to_its_end(world, root, WHOLE)
        assert len(list((root / "manifests").iterdir())) == number
