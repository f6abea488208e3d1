"""Simulated archives on disk: what is in them, and what becomes of them when something goes wrong."""

import csv
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio

from msclip_search import (
    SearchIndex,
    Simulation,
    SimulationError,
    StorageError,
    index_tiles,
    simulate,
    simulate_archive,
)
from msclip_search.bands import LAYOUTS
from msclip_search.catalog import read_masks
from msclip_search.raster import to_degrees

SMALL = Simulation(seed=11, size=32)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "tiles.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_files_hold_what_the_tiles_are(tmp_path: Path) -> None:
    simulation = Simulation(seed=3, size=40, level="L1C", offset=True, series=2)
    made = simulate_archive(simulation, tmp_path / "tiles", count=3, processes=1)
    assert (made.tiles, made.interrupted) == (6, False)
    rows = rows_of(made.folder)
    tiles = [tile for number in range(3) for tile in simulate(simulation, number)]
    assert len(rows) == 6
    for row, tile in zip(rows, tiles, strict=True):
        with rasterio.open(made.folder / row["file"]) as dataset:
            assert dataset.descriptions == (*LAYOUTS["l1c"], "SCL")
            np.testing.assert_array_equal(dataset.read()[:-1], tile.pixels)
            np.testing.assert_array_equal(dataset.read(14), tile.classes)
            assert dataset.transform[:6] == (10, 0, tile.west, 0, -10, tile.north)
            assert dataset.crs.to_epsg() == tile.epsg
        masks = read_masks(made.folder / "masks.parquet", row["file"])
        assert masks.keys() == tile.masks.keys()
        for tag, mask in tile.masks.items():
            np.testing.assert_array_equal(masks[tag], mask)
        assert row["label"].split(";") == [*tile.tags] or (row["label"], tile.tags) == ("", ())
        assert row["caption"].split(" | ") == list(tile.captions)
        assert float(row["cloud"]) == pytest.approx(100 * np.isin(tile.classes, (8, 9, 10)).mean(), abs=0.06)
        middle = to_degrees([tile.west + 200], [tile.north - 200], tile.epsg)
        assert (float(row["longitude"]), float(row["latitude"])) == pytest.approx(
            (middle[0][0], middle[1][0]), abs=1e-5
        )
    asked = json.loads((made.folder / "simulation.json").read_text(encoding="utf-8"))
    assert (asked["count"], asked["seed"], asked["level"], asked["versions"]["numpy"]) == (3, 3, "L1C", np.__version__)


def test_any_number_of_processes_writes_the_same_bytes(tmp_path: Path) -> None:
    simulate_archive(SMALL, tmp_path / "one", count=40, processes=1)
    simulate_archive(SMALL, tmp_path / "three", count=40, processes=3)
    assert contents(tmp_path / "one") == contents(tmp_path / "three")
    assert len(contents(tmp_path / "one")) == 43


def test_an_index_takes_everything_from_it(tmp_path: Path) -> None:
    simulate_archive(SMALL, tmp_path / "tiles", count=24, processes=1)
    rows = {str(tmp_path / "tiles" / row["file"]): row for row in rows_of(tmp_path / "tiles")}
    index_tiles(tmp_path / "tiles", index=tmp_path / "idx", model="untrained", labels=tmp_path / "tiles/tiles.csv")
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search("a lake", k=100)
    assert {hit.source for hit in hits} == set(rows)
    for hit in hits:
        row = rows[hit.source]
        assert ";".join(hit.labels) == row["label"]
        assert hit.datetime
        assert hit.datetime.isoformat().replace("+00:00", "Z") == row["datetime"]
        assert hit.cloud == pytest.approx(float(row["cloud"]), abs=0.06)
        assert hit.bbox
        assert hit.bbox[0] < float(row["longitude"]) < hit.bbox[2]
        assert hit.bbox[1] < float(row["latitude"]) < hit.bbox[3]


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StorageError, match=r"is not empty \(it holds mine\.txt, among others\).*--overwrite"):
        simulate_archive(SMALL, tmp_path, count=1, processes=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_overwriting_replaces_an_earlier_simulation_and_nothing_else(tmp_path: Path) -> None:
    simulate_archive(SMALL, tmp_path / "tiles", count=20, processes=1)
    others = [tmp_path / "tiles" / name for name in ("mine.txt", "000/mine.tif", "000/sim.tif", "100/deep.txt")]
    for other in others:
        other.parent.mkdir(exist_ok=True)
        other.write_text("mine")
    with pytest.raises(StorageError, match="an earlier simulation"):
        simulate_archive(SMALL, tmp_path / "tiles", count=2, processes=1)
    assert len(list((tmp_path / "tiles/000").glob("sim0*.tif"))) == 20
    simulate_archive(SMALL, tmp_path / "tiles", count=2, processes=1, overwrite=True)
    assert len(list((tmp_path / "tiles/000").glob("sim0*.tif"))) == len(rows_of(tmp_path / "tiles")) == 2
    assert all(other.read_text() == "mine" for other in others)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "tiles").write_text("")
    with pytest.raises(StorageError, match="is a file: name a folder"):
        simulate_archive(SMALL, tmp_path / "tiles", count=1, processes=1)


@pytest.mark.parametrize("count", [0, -1, 1_000_001])
def test_the_count_has_limits(tmp_path: Path, count: int) -> None:
    with pytest.raises(SimulationError, match=r"From 1 to 1,000,000 places .* not "):
        simulate_archive(SMALL, tmp_path / "tiles", count=count)
    assert not (tmp_path / "tiles").exists()


@pytest.mark.parametrize("processes", [1, 2])
def test_a_full_disk_is_one_sentence(small_disk: Path, processes: int) -> None:
    with pytest.raises(StorageError) as caught:
        simulate_archive(SMALL, small_disk / "tiles", count=200, processes=processes)
    assert re.fullmatch(
        r"The disk is full: writing .*/tiles/.* failed \(No space left on device\)\. Make room and run the same "
        r"command again\.",
        str(caught.value),
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_stopping_keeps_what_is_done(tmp_path: Path, processes: int) -> None:
    stop, told = threading.Event(), []

    def progress(done: int) -> None:
        told.append(done)
        stop.set()

    made = simulate_archive(SMALL, tmp_path, count=400, processes=processes, stop=stop, progress=progress)
    assert made.interrupted
    assert 0 < made.tiles == told[-1] < 400
    names = [row["file"] for row in rows_of(tmp_path)]
    assert len(names) == made.tiles
    on_disk = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.tif")}
    assert on_disk == set(names)
    assert read_masks(tmp_path / "masks.parquet", names[-1])


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_workers_go_when_their_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "from msclip_search import Simulation, simulate_archive\n"
        "if __name__ == '__main__':\n"
        f"    simulate_archive(Simulation(size=64), {str(tmp_path / 'tiles')!r}, count=100_000, processes=2)\n"
    )
    script = tmp_path / "run.py"
    script.write_text(code, encoding="utf-8")
    running = subprocess.Popen([sys.executable, str(script)], start_new_session=True)
    try:
        wait_for(lambda: any((tmp_path / "tiles").glob("000/*.tif")))
        running.send_signal(signal.SIGKILL)
        running.wait(10)
        wait_for(lambda: not alive(running.pid))
    finally:
        for pid in alive(running.pid):
            os.kill(pid, signal.SIGKILL)


def alive(session: int) -> list[int]:
    """List the processes of a session."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,sess=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(pid) for pid, of, state in rows if int(of) == session and not state.startswith("Z")]


def wait_for(condition: object, seconds: float = 60) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
