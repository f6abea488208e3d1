"""`msclip-search info --columns`."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from msclip_search.cli import columns
from msclip_search.raster import write_chip
from msclip_search.search.columns import describe_columns
from msclip_search.store import open_snapshot
from tests.cli.conftest import Run
from tests.made import BANDS, CRS, made_pixels


@pytest.fixture
def labelled(run: Run, tmp_path: Path) -> Path:
    """Thirteen tiles under labels of markup and length, two of them of one."""
    for number in range(13):
        folder = tmp_path / "tiles" / (f"[red]{number:02d}" if number else "[red]01")
        folder.mkdir(parents=True, exist_ok=True)
        name = f"S2A_MSIL2A_202306{number + 1:02d}T103031_N0509_R108_T32TMT_20230608T170800_7.tif"
        write_chip(folder / name, made_pixels(number), bands=BANDS, crs=CRS, west=6e5 + 320 * number, north=5.3e6)
    done = run(
        "index", tmp_path / "tiles", "--model", "untrained", "--index", tmp_path / "idx", "--label-from", "parent"
    )
    assert done.exit_code == 0, done.output
    return tmp_path / "idx"


def cells(stdout: str) -> dict[str, list[str]]:
    """Split the lines of a table at two spaces or more."""
    rows = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in stdout.splitlines()]
    return {row[0]: row[1:] for row in rows}


def test_columns_are_listed_with_what_they_hold(run: Run, labelled: Path) -> None:
    done = run("info", "--columns", "--index", labelled)
    assert done.exit_code == 0
    rows = cells(done.stdout)
    assert rows["column"] == ["type", "tiles", "values"]
    assert rows["level"] == ["text", "13", "L2A 13"]
    assert rows["datetime"] == ["date", "13", "2023-06-01 10:30:31 to 2023-06-13 10:30:31"]
    assert rows["cloud"] == ["number, %", "0"]
    assert rows["nodata"] == ["number, %", "13", "0"]
    assert rows['"offset"'] == ["number", "0"]
    assert rows['"window".width'] == ["whole number", "13", "32"]
    assert rows["product_id"] == ["text", "13", "13 values"]
    assert rows["tile_id"] == ["text", "13", "13 values"]
    assert rows["geometry"] == ["outline", "13"]
    assert rows["vector_xxh64"] == ["whole number", "13"]
    assert rows["labels"][:2] == ["list of text", "13"]
    named = ["[red]01 2", *(f"[red]{number:02d} 1" for number in range(2, 13))]
    assert rows["labels"][2] == " · ".join(named)
    assert done.stderr == "Ask by them: --where \"cloud < 10 AND level = 'L2A'\". Dates are in UTC.\n"
    assert run("info", "--columns", "--index", labelled, "--quiet").stderr == ""


def test_json_says_what_the_library_says(run: Run, labelled: Path) -> None:
    told = json.loads(run("info", "--columns", "--format", "json", "--index", labelled).stdout)
    library = [column.to_dict() for column in describe_columns(open_snapshot(labelled))]
    assert told == {"tiles": 13, "columns": json.loads(json.dumps(library))}
    by_name = {column["name"]: column for column in told["columns"]}
    assert by_name["level"] == {
        "name": "level", "sql": "level", "type": "text", "unit": None, "tiles": 13, "least": "L2A",
        "greatest": "L2A", "distinct": 1, "values": [{"value": "L2A", "tiles": 13}],
    }  # fmt: skip
    assert by_name["datetime"]["least"] == "2023-06-01T10:30:31Z"


@pytest.mark.parametrize("width", [80, 120])
def test_every_column_fits_a_terminal(labelled: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(columns, "out", lambda: Console(file=shown, width=width, markup=False, highlight=False))
    columns.print_columns(labelled, "table")
    lines = shown.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in shown.getvalue()
    assert {line.split()[0] for line in lines if line[0] != " "} == {
        "column", *(column.sql for column in describe_columns(open_snapshot(labelled)))
    }  # fmt: skip


def test_an_index_that_is_missing_is_said(run: Run, tmp_path: Path) -> None:
    done = run("info", "--columns", "--index", tmp_path / "none")
    assert done.exit_code == 1
    assert "There is no index" in done.stderr
