"""`msclip-search index`."""

import csv
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from msclip_search import SearchIndex
from tests.cli.conftest import Run
from tests.made import make_archive

PROGRAM = [sys.executable, "-m", "msclip_search"]


def test_says_what_it_did(run: Run, archive: Path, tmp_path: Path) -> None:
    done = run("index", archive, "--model", "untrained", "--index", tmp_path / "idx")
    assert done.exit_code == 0
    assert "12 embedded · 12 in the index" in done.stdout
    assert "exact scan. 12 tiles: IVF-PQ needs at least 9,984 to train" in done.stdout
    assert "reading" in done.stdout
    assert "skipped" not in done.stdout
    assert f'msclip-search query "flooded farmland" --index {tmp_path / "idx"}' in done.stderr


def test_a_second_run_embeds_nothing_and_needs_no_model_name(run: Run, archive: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(archive, tmp_path / "copy")
    run("index", copy, "--model", "untrained", "--index", tmp_path / "idx")
    again = run("index", copy, "--index", tmp_path / "idx")
    assert again.exit_code == 0
    assert "0 embedded · 12 unchanged · 12 in the index" in again.stdout
    make_archive(copy, 3, first=100)
    more = run("index", copy, "--index", tmp_path / "idx")
    assert "3 embedded · 12 unchanged · 15 in the index" in more.stdout


def test_quiet_says_nothing(run: Run, archive: Path, tmp_path: Path) -> None:
    done = run("index", archive, "--model", "untrained", "--index", tmp_path / "idx", "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


def test_what_cannot_be_read_is_listed_and_strict_fails(run: Run, archive: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(archive, tmp_path / "tiles")
    (folder / "bad.tif").write_bytes(b"II*\0 nothing more")
    (folder / "none.tif").write_bytes(b"")
    done = run("index", folder, "--model", "untrained", "--index", tmp_path / "idx")
    assert done.exit_code == 0
    assert f"2, listed with reasons in {tmp_path / 'idx' / 'failures.csv'}" in done.stdout
    assert f"{folder / 'none.tif'}: is empty (0 bytes)" in done.stdout
    with (tmp_path / "idx" / "failures.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["source"] for row in rows] == [str(folder / "bad.tif"), str(folder / "none.tif")]
    strict = run("index", folder, "--index", tmp_path / "idx", "--strict")
    assert strict.exit_code == 1
    assert "12 unchanged" in strict.stdout


def test_names_that_look_like_markup_are_printed_as_they_are(run: Run, archive: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(archive, tmp_path / "tiles")
    for name in ("scene[red].tif", "x[bold].tif"):
        (folder / name).write_bytes(b"")
    (folder / "y[").mkdir()
    (folder / "y[" / "b].tif").write_bytes(b"")
    done = run("index", folder, "--model", "untrained", "--index", tmp_path / "idx")
    assert done.exit_code == 0, done.output
    for name in ("scene[red].tif", "x[bold].tif", "y[/b].tif"):
        assert f"{folder / name}: is empty (0 bytes)" in done.stdout


def test_a_corrected_order_of_bands_is_no_duplicate(run: Run, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(1, 5000, (13, 32, 32), dtype=np.uint16)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "x.npy", pixels)
    index = tmp_path / "idx"
    run("index", tmp_path / "a", "--bands", "l1c", "--model", "untrained", "--index", index)
    done = run("index", tmp_path / "b", "--bands", "eurosat", "--index", index)
    assert "1 embedded · 1 replaced · 1 in the index" in done.stdout
    fresh = tmp_path / "fresh"
    run("index", tmp_path / "b", "--bands", "eurosat", "--model", "untrained", "--index", fresh)
    with SearchIndex.open(index) as one, SearchIndex.open(fresh) as other:
        assert one.search("x")[0].to_dict() == other.search("x")[0].to_dict()


def test_the_kind_of_search_is_remembered(run: Run, archive: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx"
    run("index", archive, "--kind", "flat", "--model", "untrained", "--index", index)
    assert "flat was asked for" in run("index", archive, "--index", index).stdout
    assert "flat was asked for" in run("info", "--index", index).stdout
    assert "needs at least 9,984" in run("index", archive, "--kind", "auto", "--index", index).stdout


def test_bands_and_labels(run: Run, shared: Path, tmp_path: Path) -> None:
    tiles = shared / "data" / "eurosat_ms" / "River"
    unknown = run("index", tiles, "--model", "untrained", "--index", tmp_path / "idx")
    assert unknown.exit_code == 1
    assert "13 bands" in unknown.stderr
    assert "--bands eurosat" in unknown.stderr
    done = run(
        "index",
        tiles,
        "--bands",
        "eurosat",
        "--label-from",
        "parent",
        "--model",
        "untrained",
        "--index",
        tmp_path / "idx",
    )
    assert done.exit_code == 0, done.output
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search("a river", k=3)
    assert [hit.labels for hit in hits] == [("River",)] * 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "There is no nowhere: give a folder of tiles"),
        (["{empty}"], "holds no tiles: looked for .tif, .tiff, .npy, .npz; found no files at all."),
        (["{archive}", "--model", "clap"], "untrained"),
        (["{archive}", "--bands", "B02,B99"], "'B99' is no band of Sentinel-2"),
        (["{archive}", "--labels", "none.csv"], "The labels none.csv cannot be read"),
        (["{archive}", "--weights", "none.pt", "--model", "llama3-ms-clip-base"], "none.pt"),
        (["{archive}", "--index", "{archive}"], "is not empty and no msclip-search index"),
    ],
)
def test_errors_are_a_sentence(run: Run, archive: Path, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    (tmp_path / "empty").mkdir()
    filled = [word.format(archive=archive, empty=tmp_path / "empty") for word in arguments]
    extra = [] if "--index" in filled else ["--index", str(tmp_path / "idx")]
    done = run("index", *filled, *extra, *([] if "--model" in filled else ["--model", "untrained"]))
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_verbose_adds_the_traceback(run: Run, tmp_path: Path) -> None:
    done = run("index", tmp_path / "nowhere", "--model", "untrained", "--index", tmp_path / "idx", "--verbose")
    assert done.exit_code == 1
    assert "ArchiveError" in done.stderr


def test_usage_errors_exit_with_two(run: Run, archive: Path) -> None:
    assert run("index").exit_code == 2
    assert run("index", archive, "--kind", "hnsw").exit_code == 2
    assert run("index", archive, "--nonsense").exit_code == 2


def test_ctrl_c_commits_what_is_done(tmp_path: Path) -> None:
    total = 6000
    (tmp_path / "tiles").mkdir()
    for number in range(total):
        tile = np.random.default_rng(number).integers(1, 5000, (10, 8, 8), dtype=np.uint16)
        np.save(tmp_path / "tiles" / f"{number:05d}.npy", tile)
    index = tmp_path / "idx"
    command = [*PROGRAM, "index", str(tmp_path / "tiles"), "--model", "untrained", "--index", str(index)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (index / "failures.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    out, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "Stopped; what was done is kept." in out
    with SearchIndex.open(index) as opened:
        kept = len(opened)
    assert 0 < kept < total
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"{total - kept:,} embedded · {kept:,} unchanged · {total:,} in the index" in done.stdout


# Loads everything as it is, then becomes somebody else: root is refused nothing, and nobody may not read the program.
AS_NOBODY = """
import os, sys
from msclip_search.cli.app import app
tiles, free, locked = sys.argv[1:]
command = ["index", tiles, "--model", "untrained", "--quiet", "--index"]
for path, code in ((free, 0), (tiles, 1)):  # the second fails, so that what prints an error is loaded too
    try:
        app([*command, path])
    except SystemExit as done:
        assert done.code == code
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
app([*command, locked])
"""


def test_no_permission_is_a_sentence() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        make_archive(folder / "tiles", 2)
        (folder / "locked").mkdir()
        (folder / "locked").chmod(0o555)
        paths = [str(folder / part) for part in ("tiles", "free", "locked/idx")]
        done = subprocess.run([sys.executable, "-c", AS_NOBODY, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"Error: No permission: making {paths[2]}")
