"""`msclip-search simulate` as a person types it."""

import csv
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msclip_search import Simulation, simulate
from msclip_search.errors import StorageError
from msclip_search.pictures import false_colour, true_colour
from tests.cli.conftest import Run
from tests.cli.terminal import shown_on_a_terminal

PROGRAM = [sys.executable, "-m", "msclip_search"]


def test_a_run_says_what_it_made_and_what_comes_next(run: Run, tmp_path: Path) -> None:
    result = run("simulate", tmp_path / "tiles", "--count", 5, "--size", 32, "--seed", 7)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    table = tmp_path / "tiles" / "tiles.csv"
    assert f"5 simulated tiles are in {tmp_path / 'tiles'}, what they show in {table}." in result.stderr
    command = re.search(r"Next: msclip-search (.*)", result.stderr)
    assert command
    indexed = run(*command[1].split(), "--model", "untrained", "--index", tmp_path / "idx")
    assert indexed.exit_code == 0, indexed.output
    assert "5 embedded" in indexed.output


def test_what_comes_next_removes_the_offset(run: Run, tmp_path: Path) -> None:
    result = run("simulate", tmp_path / "tiles", "--count", 1, "--size", 32, "--offset")
    assert result.stderr.rstrip().endswith("tiles.csv --offset -1000")


def test_quiet_is_quiet(run: Run, tmp_path: Path) -> None:
    result = run("simulate", tmp_path / "tiles", "--count", 1, "--size", 32, "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_options_reach_the_tiles(run: Run, tmp_path: Path) -> None:
    options = ["--level", "L1C", "--offset", "--scenes", "open sea, lake", "--series", 2, "--event", "flood"]
    run("simulate", tmp_path / "tiles", "--count", 6, "--size", 32, "--seed", 9, "--cloudy", 0, *options)
    with (tmp_path / "tiles" / "tiles.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    asked = Simulation(
        seed=9, size=32, level="L1C", offset=True, scenes=("open sea", "lake"), series=2, event="flood", cloudy=0
    )
    assert [(row["scene"], row["label"], row["event"]) for row in rows] == [
        (tile.scene, ";".join(tile.tags), tile.event or "") for number in range(6) for tile in simulate(asked, number)
    ]
    assert {row["scene"] for row in rows} == {"open sea", "lake"}
    assert {row["offset"] for row in rows} == {"1000"}


def test_the_sheet_shows_the_tiles_in_both_colours(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    result = run("simulate", tmp_path / "tiles", "--count", 1, "--size", 64, "--seed", 3, "--sheet", path)
    assert f"The sheet is {path}." in result.stderr
    sheet = np.asarray(Image.open(path))
    tile = simulate(Simulation(seed=3, size=64), 0)[0]
    pixels = tile.pixels.astype(np.float32)
    twice = [
        np.kron(render(pixels, tile.bands), np.ones((2, 2, 1), np.uint8)) for render in (true_colour, false_colour)
    ]
    beside = np.lib.stride_tricks.sliding_window_view(sheet, (128, 128, 3))[:, :, 0]
    for picture in twice:
        assert (beside == picture).all(axis=(2, 3, 4)).any()


@pytest.mark.parametrize("name", ["sheet.jpg", "sheet", "png", "sheet.png.gz"])
def test_a_sheet_is_a_png(run: Run, tmp_path: Path, name: str) -> None:
    done = run("simulate", tmp_path / "tiles", "--count", 0, "--sheet", tmp_path / "no" / name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "does not end in .png." in re.sub(r"[│\s]+", " ", done.stderr)
    assert list(tmp_path.iterdir()) == []
    assert run("simulate", tmp_path / "tiles", "--count", 1, "--size", 32, "--sheet", tmp_path / "S.PNG").exit_code == 0


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (StorageError("The disk is full."), (1, "Error: The disk is full.")),
        (MemoryError(), (1, "Error: MemoryError")),
        (KeyboardInterrupt(), (130, "Interrupted.")),
    ],
)
def test_tiles_are_complete_where_their_sheet_fails(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, end: tuple[int, str]
) -> None:
    def draw(*_: object) -> None:
        raise error

    monkeypatch.setattr("msclip_search.simulation.contact_sheet", draw)
    tiles = tmp_path / "tiles"
    done = run("simulate", tiles, "--count", 2, "--size", 32, "--sheet", tmp_path / "sheet.png")
    first, second = done.stderr.splitlines()
    assert first == f"The 2 simulated tiles in {tiles} are complete, but the sheet was not drawn."
    assert done.exit_code == end[0]
    assert second.startswith(end[1])
    assert len(list(tiles.rglob("*.tif"))) == 2
    assert not (tmp_path / "sheet.png").exists()


def test_a_sheet_may_lie_among_the_tiles_but_not_nowhere(run: Run, tmp_path: Path) -> None:
    options = ("simulate", tmp_path / "tiles", "--count", 1, "--size", 32, "--sheet")
    refused = run(*options, tmp_path / "no" / "sheet.png")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == f"Error: There is no folder {tmp_path / 'no'}: make it, or name another file.\n"
    assert not (tmp_path / "tiles").exists()
    assert run(*options, tmp_path / "tiles" / "sheet.png").exit_code == 0
    assert (tmp_path / "tiles" / "sheet.png").is_file()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--scenes", "conifer forrest"], "There is no scene 'conifer forrest'. Did you mean 'conifer forest'"),
        (["--scenes", "conifer forrest"], "There are: .*sand dunes.*conifer forest"),
        (["--count", "0"], "From 1 to 1,000,000 places can be simulated at a time, not 0."),
        (["--size", "16"], "A tile has from 32 to 512 pixels a side, not 16."),
        (["--size", "513"], "A tile has from 32 to 512 pixels a side, not 513."),
        (["--seed", "-1"], "A seed is 0 or more, not -1."),
        (["--series", "65"], "A series has from 1 to 64 dates, not 65."),
        (["--event", "flood"], "An event happens between two dates: ask for a series of 2 or more."),
        (["--cloudy", "1.5"], "The share of clouded tiles lies between 0 and 1, not at 1.5."),
        (["--place", "200,10"], "A place is a longitude from -180 to 180 and a latitude from -78 to 78, not 200,10."),
    ],
)
def test_wrong_requests_are_one_sentence_and_write_nothing(
    run: Run, tmp_path: Path, options: list[str], said: str
) -> None:
    result = run("simulate", tmp_path / "tiles", *options)
    assert result.exit_code == 1
    assert re.search(re.escape(said).replace(r"\.\*", ".*"), result.stderr), result.stderr
    assert not (tmp_path / "tiles").exists()


@pytest.mark.parametrize("place", ["Munich", "11.6", "11,6,48"])
def test_a_place_is_two_numbers(run: Run, tmp_path: Path, place: str) -> None:
    result = run("simulate", tmp_path / "tiles", "--place", place)
    assert result.exit_code == 2
    assert "LON,LAT" in result.stderr


def test_a_folder_that_holds_something_needs_a_word(run: Run, tmp_path: Path) -> None:
    options = ("simulate", tmp_path / "tiles", "--count", 1, "--size", 32)
    assert run(*options).exit_code == 0
    refused = run(*options)
    assert refused.exit_code == 1
    assert "is not empty (it holds an earlier simulation): name another, or give --overwrite" in refused.stderr
    assert run(*options, "--overwrite").exit_code == 0


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_ctrl_c_finishes_what_is_begun(tmp_path: Path) -> None:
    tiles = tmp_path / "tiles"
    running = subprocess.Popen(
        [*PROGRAM, "simulate", str(tiles), "--count", "100000"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    table = tiles / "tiles.csv"
    end = time.monotonic() + 60
    while not (table.exists() and table.stat().st_size > 20_000) and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    done = re.search(r"Interrupted after ([\d,]+) of 100,000 tiles; those in .* are complete\.", said)
    assert done, said
    assert "Traceback" not in said
    with table.open(encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    assert len(names) == int(done[1].replace(",", ""))
    assert {str(path.relative_to(tiles)) for path in tiles.rglob("*.tif")} == set(names)


def test_a_terminal_shows_how_far_it_is(tmp_path: Path) -> None:
    command = [*PROGRAM, "simulate", str(tmp_path / "tiles"), "--count", "300"]
    shown = shown_on_a_terminal(command, columns=100)
    assert b"Simulating" in shown
    assert re.search(rb"\d+/300", shown)
    assert b"tiles/s" in shown


AS_NOBODY = """
import os, sys
from msclip_search.cli.app import app
for path, code in ((sys.argv[1], 0), (sys.argv[1], 1)):  # the second fails, so that all that speaks is loaded
    try:
        app(["simulate", path, "--count", "1", "--quiet"])
    except SystemExit as done:
        assert done.code == code
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
app(["simulate", sys.argv[2], "--count", "1"])
"""


def test_no_permission_is_one_sentence() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "locked").mkdir()
        (folder / "locked").chmod(0o555)
        paths = [str(folder / part) for part in ("free", "locked/tiles")]
        done = subprocess.run([sys.executable, "-c", AS_NOBODY, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.search(rf"Error: No permission: making {re.escape(paths[1])} is refused .*\n$", done.stderr), done.stderr
