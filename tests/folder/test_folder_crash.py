"""Killed at any moment, an index is readable and right, and the next run brings it to its end."""

import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search import IndexMissing, SearchIndex, verify
from msclip_search.store import newest_or_raise, open_writer
from tests.folder.making import (
    ENCODER,
    MODEL,
    StoredTile,
    embed,
    index_folder,
    make_index,
    pixels_of,
    record,
    stored_tiles,
    units,
    write_arrays,
)

OLD, CHANGED, NEW = range(40), range(1000, 1030), range(100, 140)
QUERY = "flooded farmland"

# A run as a user starts one, with commits and batches so small that there are many moments in which to die.
CHILD = """
import os, sys
from msclip_search import Pace, index_tiles
from msclip_search.models import untrained
untrained._BATCH = 2
if sys.argv[3] == "no links":
    def refuse(*paths): raise PermissionError(1, "Operation not permitted")
    os.link = refuse
from msclip_search.ingest import ingest  # all that takes long is loaded now
import msclip_search.archives, pyarrow.parquet
print("ready", flush=True)
sys.stdin.readline()
index_tiles(sys.argv[1], index=sys.argv[2], model="untrained", pace=Pace(threads=2, commit_tiles=3))
print("done", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """An archive, the index of what it was, and what has to come of it."""

    archive: Path
    before: Path
    vectors: dict[str, NDArray[np.float16]]
    """Of everything that the archive ever held, by tile_id."""
    old: set[str]
    final: set[str]
    scores: dict[str, float]
    """Of an index that was made without interruption."""


def scores_of(root: Path) -> dict[str, float]:
    with SearchIndex.open(root) as index:
        return {hit.tile_id: hit.score for hit in index.search(QUERY, k=10_000)}


def known(tiles: list[StoredTile]) -> dict[str, NDArray[np.float16]]:
    return {tile.columns["tile_id"]: tile.vector for tile in tiles}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Make forty tiles and index them; then most of them change, the others move, and as many come."""
    folder = tmp_path_factory.mktemp("scene")
    archive = folder / "tiles"
    files = write_arrays(archive, OLD)
    index_folder(archive, folder / "before")
    for path, seed in zip(files, CHANGED, strict=False):
        np.save(path, pixels_of(seed))
    for path in files[30:]:
        path.rename(archive / f"moved_{path.name}")
    write_arrays(archive, NEW)
    shutil.copytree(folder / "before", folder / "whole")
    index_folder(archive, folder / "whole")
    old, final = known(stored_tiles(folder / "before")), known(stored_tiles(folder / "whole"))
    embedded = {embed(pixels_of(seed)).tobytes() for seed in (*OLD, *CHANGED, *NEW)}
    assert {vector.tobytes() for vector in (old | final).values()} == embedded
    assert len(final) == len(OLD) + len(NEW)
    return Scene(archive, folder / "before", old | final, set(old), set(final), scores_of(folder / "whole"))


def start(scene: Scene, root: Path, links: str) -> subprocess.Popen[str]:
    """Start a run that waits for its signal to begin."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(scene.archive), str(root), links],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    return child


def go(child: subprocess.Popen[str]) -> None:
    assert child.stdin
    child.stdin.write("go\n")
    child.stdin.flush()


def check(scene: Scene, root: Path, *, fresh: bool) -> set[str] | None:
    """Make sure that an index is whole and right, and return what it holds; None before its first commit."""
    try:
        index = SearchIndex.open(root)
    except IndexMissing:
        assert fresh, "an index that was there is gone"
        return None
    assert verify(root).problems == ()
    stored = known(stored_tiles(root))
    assert len(stored) == len(stored_tiles(root)) == len(index)
    for tile_id, vector in stored.items():
        np.testing.assert_array_equal(vector, scene.vectors[tile_id])
    query = ENCODER.encode_texts([QUERY])[0].astype(np.float64)
    oracle = {tile_id: float(vector.astype(np.float64) @ query) for tile_id, vector in stored.items()}
    with index:
        hits = index.search(QUERY, k=10_000)
    assert {hit.tile_id: hit.score for hit in hits} == pytest.approx(oracle, abs=1e-6)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    return set(stored)


def finish(scene: Scene, root: Path) -> None:
    """Bring an index to its end, and compare it with one that was never interrupted."""
    index_folder(scene.archive, root)
    assert check(scene, root, fresh=False) == scene.final
    assert scores_of(root) == scene.scores
    again = index_folder(scene.archive, root)
    assert (again.embedded, again.unchanged) == (0, len(scene.final))


@pytest.fixture(scope="module")
def usual_seconds(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long an uninterrupted run takes."""
    child = start(scene, tmp_path_factory.mktemp("usual") / "idx", "links")
    begun = time.monotonic()
    go(child)
    assert child.stdout
    assert child.stdout.readline() == "done\n"
    seconds = time.monotonic() - begun
    child.communicate()
    return seconds


@pytest.mark.parametrize("links", ["links", "no links"])
@pytest.mark.parametrize("beginning", ["nothing", "an index"])
def test_killed_at_random_moments(
    scene: Scene, usual_seconds: float, tmp_path: Path, beginning: str, links: str
) -> None:
    kills = 5
    draws = random.Random(f"{beginning} {links}")
    # One in each part of the time that a run takes, in random order.
    moments = [(part + draws.random()) / kills * usual_seconds for part in range(kills)]
    draws.shuffle(moments)
    root, died, held, haste = tmp_path / "idx", 0, 0, 1.0
    for moment in moments:
        if not held and beginning == "an index":
            shutil.copytree(scene.before, root)
            held = newest_or_raise(root).number
        child = start(scene, root, links)
        go(child)
        time.sleep(moment * haste)
        child.kill()
        out, errors = child.communicate()
        assert "Traceback" not in errors
        holds = check(scene, root, fresh=not held)
        if holds is not None:
            assert holds <= scene.old | scene.final
            assert newest_or_raise(root).number >= held, "a commit is gone"
            held = newest_or_raise(root).number
            # What was not overwritten is there still.
            assert beginning == "nothing" or holds >= scene.old & scene.final
        if "done" in out:
            assert holds == scene.final
            root.rename(tmp_path / f"done{moment}")
            held = 0
            haste *= 0.6  # the machine has become faster
        died += "done" not in out
    assert died
    if root.exists():
        finish(scene, root)


def test_ctrl_c_at_random_moments_commits_what_is_done(scene: Scene, usual_seconds: float, tmp_path: Path) -> None:
    draws = random.Random(7)
    root, stopped, haste = tmp_path / "idx", 0, 1.0
    for attempt in range(6):
        if not root.exists():
            shutil.copytree(scene.before, root)
            held = newest_or_raise(root).number
        child = start(scene, root, "links")
        go(child)
        time.sleep(draws.uniform(0.1, 0.6) * usual_seconds * haste)
        child.send_signal(signal.SIGINT)
        out, errors = child.communicate(timeout=60)
        holds = check(scene, root, fresh=False)
        assert newest_or_raise(root).number >= held
        held = newest_or_raise(root).number
        if "done" in out:
            assert holds == scene.final
            root.rename(tmp_path / f"done{attempt}")
            haste *= 0.6  # the machine has become faster
        else:
            stopped += 1
            assert errors.strip().endswith("KeyboardInterrupt")
            assert child.returncode == -signal.SIGINT
    assert stopped
    if root.exists():
        finish(scene, root)


# A commit that ends in the middle, with nothing done on the way out, where it is told to.
DYING = """
import os, sys
from pathlib import Path
import numpy as np
from msclip_search.store import open_writer
from tests.folder.making import MODEL, record, units
writer = open_writer(Path(sys.argv[1]), model=MODEL)
kind, left = sys.argv[2], int(sys.argv[3])
call = getattr(os, kind)
def dying(*arguments):
    global left
    left -= 1
    if left == 0:
        os._exit(9)
    return call(*arguments)
setattr(os, kind, dying)
writer.commit([record(7)], units(1, seed=7), delete=np.array([2, 5]))
"""


@pytest.mark.parametrize(
    ("kind", "calls", "stands"),
    [*(("fsync", calls, False) for calls in range(1, 8)), ("link", 1, False), ("fsync", 8, True), ("replace", 1, True)],
)
def test_a_commit_that_dies_at_any_step_stands_or_never_was(
    tmp_path: Path, kind: str, calls: int, *, stands: bool
) -> None:
    root = tmp_path / "idx"
    make_index(root, 6).commit([], units(0), delete=np.array([1]))
    command = [sys.executable, "-c", DYING, str(root), kind, str(calls)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    expected = [0, 3, 4, 7] if stands else [0, 2, 3, 4, 5]
    assert [int(tile.columns["tile_id"], 16) for tile in stored_tiles(root)] == expected
    assert newest_or_raise(root).number == 2 + stands
    assert verify(root).problems == ()
    with SearchIndex.open(root) as index:
        assert len(index.search(QUERY, k=10)) == len(expected)
    # Whoever comes next is not hindered by what was left behind.
    writer = open_writer(root, model=MODEL)
    writer.commit([record(8)], units(1, seed=8), delete=np.array([4]))
    after = [int(tile.columns["tile_id"], 16) for tile in stored_tiles(root)]
    assert after == [number for number in expected if number != 4] + [8]
    assert verify(root).problems == ()
