"""Products that are processed again in an archive that changes: the index ends as a fresh one would."""

import itertools
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msclip_search import Pace, Report, verify
from tests.folder.making import Counting, index_folder, stored_tiles
from tests.folder.test_folder_reprocessed import MIDDLE, NEW, OLD, Chip, newest_of, sources_of

CHIPS = [
    Chip(cell=cell, baseline=baseline, generated=generated, gap=gap)
    for cell in (0, 1)
    for baseline, generated, gap in (
        ("0214", "20170101T000000", False),
        ("0500", "20230101T000000", False),
        ("0500", "20230202T000000", False),
        ("0500", "20230303T000000", True),
        ("0510", "20230404T000000", False),
        ("9999", "20230505T000000", False),
    )
]
NAMES = "abcdef"


@dataclass(slots=True)
class World:
    """Files whose tags name their products, so that a file may come to hold another's."""

    folder: Path
    holds: dict[str, Chip] = field(default_factory=dict)
    clock: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.tif"

    def write(self, name: str, chip: Chip) -> None:
        self.holds[name] = chip
        chip.write(self.path(name), PRODUCT_URI=f"{chip.product}.SAFE")
        self.touch(name)

    def touch(self, name: str) -> None:
        moment = next(self.clock) * 10**9
        os.utime(self.path(name), ns=(moment, moment))

    def check(self, root: Path) -> None:
        """Compare the whole index with what the rule says of the files."""
        tiles = stored_tiles(root)
        wanted = newest_of(list(self.holds.values()))
        assert sorted((tile.columns["product_id"], tile.columns["cell_id"]) for tile in tiles) == sorted(
            (chip.product, f"EPSG:32632/{400_000 + 80 * chip.cell},4999920,{400_080 + 80 * chip.cell},5000000")
            for chip in wanted
        )
        for source in sources_of(root):
            assert self.holds[Path(source).stem] in wanted
        assert verify(root).problems == ()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "a")


ONE_BY_ONE = Pace(threads=1, ahead=1, commit_tiles=1)
OTHER_PLACE = Chip(cell=5)


@pytest.mark.parametrize("pace", [ONE_BY_ONE, Pace(threads=1)])
@pytest.mark.parametrize(("older", "newer"), [("a", "b"), ("b", "a")])
def test_an_older_one_comes_back_when_the_file_of_the_newer_holds_another_place(
    world: World, tmp_path: Path, older: str, newer: str, pace: Pace
) -> None:
    world.write(older, OLD)
    world.write(newer, NEW)
    index_folder(world.folder, tmp_path / "idx")
    world.check(tmp_path / "idx")
    world.write(newer, OTHER_PLACE)
    report = index_folder(world.folder, tmp_path / "idx", pace=pace)
    assert (report.embedded, report.replaced, report.superseded, report.done) == (2, 1, 0, 2)
    world.check(tmp_path / "idx")


def unlink(path: Path) -> None:
    path.unlink()


def corrupt(path: Path) -> None:
    path.write_bytes(b"no tile")


def touch(path: Path) -> None:
    os.utime(path, (5, 5))


@pytest.mark.parametrize("happens", [unlink, corrupt, touch])
@pytest.mark.parametrize(("older", "newer"), [("a", "b"), ("b", "a")])
def test_a_newer_one_stands_whose_file_is_gone_or_broken_or_touched(
    world: World, tmp_path: Path, older: str, newer: str, happens: Callable[[Path], None]
) -> None:
    world.write(newer, NEW)
    index_folder(world.folder, tmp_path / "idx")
    world.write(older, OLD)
    happens(world.path(newer))
    report = index_folder(world.folder, tmp_path / "idx")
    assert (report.superseded, report.failed, report.embedded, report.tiles) == (1, int(happens is corrupt), 0, 1)
    assert report.done == report.total
    assert [tile.columns["product_id"] for tile in stored_tiles(tmp_path / "idx")] == [NEW.product]


def test_a_file_may_come_to_hold_an_older_one(world: World, tmp_path: Path) -> None:
    world.write("a", NEW)
    index_folder(world.folder, tmp_path / "idx")
    world.write("a", OLD)
    report = index_folder(world.folder, tmp_path / "idx")
    assert (report.embedded, report.replaced, report.superseded) == (1, 1, 0)
    world.check(tmp_path / "idx")


def test_a_broken_off_run_has_lost_nothing(world: World, tmp_path: Path) -> None:
    for name, chip in zip("abc", (MIDDLE, NEW, OLD), strict=True):
        world.write(name, chip)
    for after in range(4):
        stop, root = threading.Event(), tmp_path / f"i{after}"

        def progress(_: str, report: Report, stop: threading.Event = stop, after: int = after) -> None:
            if report.done >= after:
                stop.set()

        index_folder(world.folder, root, Counting(batch=1), pace=ONE_BY_ONE, stop=stop, progress=progress)
        index_folder(world.folder, root)
        world.check(root)


actions = st.one_of(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(CHIPS)),
    st.tuples(st.sampled_from(NAMES), st.none()),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)),
)


@dataclass(frozen=True, slots=True)
class Run:
    """What happens to the archive, and how it is indexed then."""

    changes: list[tuple[str, Chip | str | None]]
    commit_tiles: int
    batch: int
    broken_off: int | None


runs = st.builds(
    Run,
    st.lists(actions, min_size=1, max_size=6),
    st.sampled_from([1, 2, 3, 100]),
    st.integers(1, 3),
    st.none() | st.integers(0, 5),
)


@given(history=st.lists(runs, min_size=1, max_size=4))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_index_ends_as_a_fresh_one_would(history: list[Run]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world, root = World(Path(folder) / "a"), Path(folder) / "idx"
        world.write("a", CHIPS[1])
        for run in history:
            for name, other in run.changes:
                if isinstance(other, Chip):
                    world.write(name, other)
                elif other is None and name in world.holds:
                    world.touch(name)
                elif other in world.holds and name in world.holds and isinstance(other, str):
                    one, two = world.holds[name], world.holds[other]
                    world.write(name, two)
                    world.write(other, one)
            stop = threading.Event()

            def progress(_: str, report: Report, stop: threading.Event = stop, run: Run = run) -> None:
                if run.broken_off is not None and report.done >= run.broken_off:
                    stop.set()

            pace = Pace(threads=1, ahead=2, commit_tiles=run.commit_tiles)
            encoder = Counting(batch=run.batch)
            report = index_folder(world.folder, root, encoder, pace=pace, stop=stop, progress=progress)
            if not report.interrupted:
                assert report.done == report.total
                world.check(root)
        index_folder(world.folder, root)
        world.check(root)
        index_folder(world.folder, Path(folder) / "fresh")
        world.check(Path(folder) / "fresh")
