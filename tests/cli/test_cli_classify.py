"""`msclip-search classify`: what is refused before anything is embedded, and what could not be read."""

import re
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
