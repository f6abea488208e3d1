"""`msclip-search classify`: what is refused before anything is embedded, and what could not be read."""

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run

NOTHING = "no-such-folder"
"""An archive and index that would be complained of, if they were looked at."""


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        ([NOTHING, "--classes", "a"], (1, "Classes are told from one another: give two at least.")),
        ([NOTHING, "--classes", ""], (1, "Classes are told from one another: give two at least.")),
        ([NOTHING, "--classes", "a,b, a"], (1, "Classes are named twice: a.")),
        ([NOTHING, "--classes", "a,,b,"], (1, "A class has a name in words, and one of these has none.")),
        ([NOTHING, "--classes", "a,b", "--templates", "clop"], (1, "There are no templates 'clop'.")),
        (["--index", NOTHING, "--classes", "a,b", "--templates", "clop"], (1, "There are no templates 'clop'.")),
        (["--index", NOTHING, "--classes", "a,b", "--bands", "l2a"], (2, "leave them away with --index")),
        (["--index", NOTHING, "--classes", "a,b", "--offset", "0"], (2, "leave them away with --index")),
        ([NOTHING, "--classes", "a,b", "--format", "csv", "--output", "x.geojson"], (2, "x.geojson ends as geojson")),
        ([NOTHING, "--classes", "a,b", "--format", "geojson", "--output", "x.CSV"], (2, "x.CSV ends as csv does")),
        ([NOTHING, "--classes", "a,b", "--format", "table", "--output", "x.csv"], (2, "A table is not for files")),
        ([NOTHING, "--classes", "a,b", "--output", "no/x.csv"], (1, "There is no folder no: make it, or name another")),
    ],
)
def test_what_is_wrong_is_said_before_tiles_are_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], refused: tuple[int, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("classify", *arguments)
    assert (done.exit_code, done.stdout) == (refused[0], "")
    assert refused[1] in re.sub(r"[│\s]+", " ", done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_a_format_may_be_said_of_a_file_of_any_name(run: Run, index: Path, tmp_path: Path) -> None:
    for name in ("tiles.txt", "tiles.csv"):
        options = ("--index", index, "--classes", "a,b", "--format", "csv", "--output", tmp_path / name)
        assert run("classify", *options).exit_code == 0
        assert len((tmp_path / name).read_text(encoding="utf-8").splitlines()) == 13


@pytest.fixture
def spoilt(archive: Path, tmp_path: Path) -> Path:
    """Make an archive of four tiles and seven files that are none."""
    folder = tmp_path / "tiles"
    folder.mkdir()
    for path in sorted(archive.iterdir())[:4]:
        shutil.copy(path, folder)
    for number in range(7):
        (folder / f"a{number}.tif").write_bytes(b"no TIFF")
    return folder


def test_files_that_cannot_be_read_are_named_and_strict_makes_them_an_error(run: Run, spoilt: Path) -> None:
    ask = ("classify", spoilt, "--classes", "a,b", "--model", "untrained", "--format", "csv")
    done = run(*ask)
    assert done.exit_code == 0
    head, *named, rest = done.stderr.splitlines()
    assert head == "7 of 11 files could not be read:"
    assert len(named) == 5
    assert all(re.fullmatch(rf"  {re.escape(str(spoilt))}/a\d\.tif: \w.*", line) for line in named)
    assert rest == "  … and 2 more"
    assert len(done.stdout.splitlines()) == 1 + 4
    strict = run(*ask, "--strict")
    assert (strict.exit_code, strict.stdout, strict.stderr) == (1, done.stdout, done.stderr)
    quiet = run(*ask, "--strict", "--quiet")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (1, done.stdout, "")


def test_strict_says_nothing_where_all_could_be_read(run: Run, archive: Path) -> None:
    done = run("classify", archive, "--classes", "a,b", "--model", "untrained", "--strict")
    assert (done.exit_code, done.stderr) == (0, "")


def test_where_no_file_can_be_read_the_first_is_named_and_no_list_that_is_gone(run: Run, spoilt: Path) -> None:
    for path in spoilt.glob("tile_*"):
        path.unlink()
    done = run("classify", spoilt, "--classes", "a,b", "--model", "untrained")
    assert (done.exit_code, done.stdout) == (1, "")
    said = rf"Error: None of the 7 files could be read\. The first: {re.escape(str(spoilt))}/a\d\.tif [^\n]*\.\n"
    assert re.fullmatch(said, done.stderr)
    assert "failures.csv" not in done.stderr
    none = run("classify", spoilt / "none", "--classes", "a,b", "--model", "untrained")
    assert none.exit_code == 1
    assert f"{spoilt}{os.sep}none" in none.stderr
