"""`remove` and `compact` as a user meets them."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.terminal import answered_on_a_terminal
from tests.folder.making import files_of


@pytest.fixture
def copy(index: Path, tmp_path: Path) -> Path:
    """Copy the index of twelve tiles, to spoil it."""
    return Path(shutil.copytree(index, tmp_path / "idx"))


def found(run: Run, index: Path) -> dict[str, float]:
    done = run("query", "a lake", "-k", 100, "--index", index, "--format", "json")
    assert done.exit_code == 0, done.output
    return {hit["tile_id"]: hit["score"] for hit in json.loads(done.stdout)["results"][0]["hits"]}


def test_tiles_are_removed_and_their_rows_dropped(run: Run, copy: Path) -> None:
    before = found(run, copy)
    gone = sorted(before)[:4]
    condition = f"tile_id IN ({', '.join(map(repr, gone))})"
    done = run("remove", "--index", copy, "--where", condition, "--yes")
    assert (done.exit_code, done.stdout) == (0, "Removed 4 tiles; 8 left. `msclip-search compact` drops the rows.\n")
    after = {tile: score for tile, score in before.items() if tile not in gone}
    assert found(run, copy) == after
    done = run("compact", "--index", copy)
    assert done.exit_code == 0, done.output
    assert "8 tiles, 1 segment folded into 1, 4 deleted rows dropped" in done.stdout
    assert "stay for an hour" in done.stdout
    assert found(run, copy) == after
    assert "is sound" in run("verify", "--index", copy).output
    assert run("compact", "--index", copy).stdout == "Nothing to do: 8 tiles in 1 segment, no row deleted.\n"


def test_a_dry_run_shows_what_would_go_and_leaves_it(run: Run, copy: Path) -> None:
    before = files_of(copy)
    done = run("remove", "--index", copy, "--datetime", "2023", "--dry-run")
    assert done.exit_code == 0
    assert done.stdout == "Would remove 12 tiles; 0 would be left.\n"
    lines = done.stderr.splitlines()
    assert lines[0].startswith("from 2023-01-01")
    assert len([line for line in lines if line.endswith(".tif")]) == 5
    assert lines[-1].strip() == "… and 7 more"
    assert files_of(copy) == before


@pytest.mark.parametrize("options", [[], ["--yes"], ["--dry-run"]])
def test_without_a_filter_nothing_is_removed(run: Run, copy: Path, options: list[str]) -> None:
    done = run("remove", "--index", copy, *options)
    assert done.exit_code == 2
    assert "Say which tiles to remove" in done.stderr
    assert len(found(run, copy)) == 12


def test_where_nobody_can_be_asked_yes_has_to_be_said(run: Run, copy: Path) -> None:
    done = run("remove", "--index", copy, "--datetime", "2023")
    assert done.exit_code == 2
    assert "give --yes" in done.stderr
    assert len(found(run, copy)) == 12


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, 0), ("n", 1, 12), ("", 1, 12)])
def test_a_person_is_asked(run: Run, copy: Path, answer: str, code: int, left: int) -> None:
    command = [sys.executable, "-m", "msclip_search.cli.app", "remove", "--index", str(copy), "--datetime", "2023"]
    got, shown = answered_on_a_terminal(command, answer)
    assert "Remove 12 tiles, and keep 0? [y/N]" in shown
    assert "… and 7 more" in shown
    assert ("Nothing was removed." in shown) == bool(left)
    assert got == code
    assert len(found(run, copy)) == left


def test_no_index_and_nothing_that_fits(run: Run, copy: Path, tmp_path: Path) -> None:
    for options in (["remove", "--datetime", "2023", "--yes"], ["compact"]):
        done = run(*options, "--index", tmp_path / "none")
        assert (done.exit_code, done.stderr.count("There is no index at")) == (1, 1)
    done = run("remove", "--index", copy, "--label", "nowhere", "--yes")
    assert (done.exit_code, done.stdout) == (0, "Nothing to remove: the index keeps its 12 tiles.\n")
    done = run("remove", "--index", copy, "--where", "cluod > 3", "--yes")
    assert done.exit_code == 1
    assert "cloud" in done.stderr
