"""`msclip-search query --all`, `--apart`, `--min-percentile` and `--min-score`."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from msclip_search import SearchIndex
from msclip_search.cli import everything
from tests.cli.conftest import Run
from tests.cli.terminal import shown_on_a_terminal
from tests.folder.making import make_index

PROGRAM = (sys.executable, "-m", "msclip_search")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12,000 tiles without pixels: two pages."""
    root = tmp_path_factory.mktemp("large") / "idx"
    make_index(root, 12_000)
    return root


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_everything_comes_in_the_order_of_an_exact_search(run: Run, large: Path, tmp_path: Path) -> None:
    with SearchIndex.open(large) as opened:
        whole = opened.search("a lake", k=12_000, exact=True)
    ask = ("query", "a lake", "--all", "--index", large)
    done = run(*ask, "--format", "csv")
    assert (done.exit_code, done.stderr) == (0, "")
    rows = rows_of(done.stdout)
    assert [row["tile_id"] for row in rows] == whole.tiles["tile_id"].to_pylist()
    assert [int(row["rank"]) for row in rows] == list(range(1, 12_001))
    assert [float(row["score"]) for row in rows] == whole.scores.tolist()
    for name in ("hits.csv", "hits.geojson", "hits.json", "hits.parquet"):
        path = tmp_path / name
        done = run(*ask, "--min-percentile", "99.9", "--output", path)
        assert (done.exit_code, done.output) == (0, "")
        few = int((whole.percentiles >= 99.9).sum())
        ids = whole.tiles["tile_id"].to_pylist()[:few]
        if name == "hits.csv":
            found = [row["tile_id"] for row in rows_of(path.read_text())]
        elif name == "hits.geojson":
            found = [feature["id"] for feature in json.loads(path.read_text())["features"]]
        elif name == "hits.json":
            (result,) = json.loads(path.read_text())["results"]
            assert result["query"] == {"text": "a lake", "top_k": None}
            found = [hit["tile_id"] for hit in result["hits"]]
        else:
            found = pq.read_table(path)["tile_id"].to_pylist()
        assert found == ids, name
        assert 5 < few < 20
    assert len(list(tmp_path.iterdir())) == 4


def test_several_queries_follow_one_another(run: Run, large: Path) -> None:
    done = run("query", "a lake", "a forest", "--all", "--min-score", 0.2, "--index", large, "--format", "json")
    body = json.loads(done.stdout)
    with SearchIndex.open(large) as opened:
        for result, text in zip(body["results"], ("a lake", "a forest"), strict=True):
            whole = opened.search(text, k=12_000, min_score=0.2)
            assert result["query"]["text"] == text
            assert result["hits"] == [hit.to_dict() for hit in whole]
            assert 0 < len(whole) < 12_000


def test_the_same_bytes_as_the_best_so_many(run: Run, index: Path) -> None:
    for form in ("csv", "geojson", "table"):
        every = run("query", "a lake", "x", "--all", "--index", index, "--format", form)
        best = run("query", "a lake", "x", "-k", 12, "--index", index, "--format", form)
        assert (every.exit_code, every.stderr) == (0, "")
        assert every.stdout == best.stdout, form


def test_a_table_is_refused_where_nobody_would_read_it(run: Run, large: Path, tmp_path: Path) -> None:
    ask = ("query", "a lake", "--all", "--index", large)
    for more in ((), ("--format", "table", "--output", tmp_path / "x.txt")):
        done = run(*ask, *more)
        assert (done.exit_code, done.stdout) == (2, "")
        said = " ".join(done.stderr.replace("│", " ").split())
        assert "12,000 tiles fit, and a table has 10,000 lines at most: give --output FILE.geojson" in said
    assert list(tmp_path.iterdir()) == []
    assert everything.LONGEST_TABLE == 10_000
    short = run(*ask, "--min-percentile", 99.95)
    assert short.exit_code == 0
    assert short.stdout.splitlines()[0].endswith("of 12,000 tiles")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("-k", 10), "--top-k asks for the best few and --all for every tile: give one."),
        (("--gallery", "g.html"), "--gallery is for the best few: give --top-k instead."),
        (("--chips", "out"), "--chips is for the best few: give --top-k instead."),
        (("--relevant", "Forest"), "--relevant is for the best few: give --top-k instead."),
    ],
)
def test_what_does_not_go_with_all_is_a_sentence(  # noqa: PLR0917 - fixtures
    run: Run, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[object, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("query", "x", "--all", "--index", index, *more)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


def test_hits_apart(run: Run, index: Path) -> None:
    # The tiles of the archive stand in a row.
    ask = ("query", "x", "--index", index, "--format", "json")
    with SearchIndex.open(index) as opened:
        for metres in (1.0, 400.0, 1e6):
            (result,) = json.loads(run(*ask, "--apart", f"{metres}m").stdout)["results"]
            want = opened.search("x", apart=metres)
            assert result["hits"] == [hit.to_dict() for hit in want]
    assert len(want) == 1
    (every,) = json.loads(run(*ask, "--all", "--apart", "1000km").stdout)["results"]
    assert [hit["rank"] for hit in every["hits"]] == [1]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--apart", "500"), "A distance is a number above 0 with its unit, km or m"),
        (("--apart", "0m"), "A distance is a number above 0 with its unit, km or m"),
        (("--min-percentile", "101"), "The lowest percentile is between 0 and 100, got 101."),
        (("--min-score", "-2"), "The lowest score is a cosine, between -1 and 1, got -2."),
    ],
)
def test_limits_that_are_none_are_said_before_the_index_is_opened(
    run: Run, tmp_path: Path, option: tuple[str, str], said: str
) -> None:
    for every in ((), ("--all",)):
        done = run("query", "x", "--index", tmp_path / "none", *option, *every)
        assert (done.exit_code, done.stdout) == (1, "")
        assert said in done.stderr


def test_a_reader_that_leaves_ends_it_quietly(large: Path) -> None:
    ask = " ".join((*PROGRAM, "query", "lake", "--all", "--format", "{}", "--index", str(large)))
    for form in ("csv", "geojson", "json"):
        done = subprocess.run(
            ["bash", "-c", f"{ask.format(form)} | head -c 100 | wc -c; echo ${{PIPESTATUS[0]}}"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ["100", "0"]
        assert done.stderr == ""


def test_ctrl_c_leaves_nothing_half_done(large: Path, tmp_path: Path) -> None:
    path = tmp_path / "hits.json"
    path.write_text("old")
    many = ["a lake"] * 200
    for number in (signal.SIGINT, signal.SIGTERM):
        command = [*PROGRAM, "query", *many, "--all", "--index", str(large), "--output", str(path)]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
            until = time.monotonic() + 30
            while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < until:
                time.sleep(0.01)
            os.kill(running.pid, number)
            code = running.wait(20)
            assert running.stderr
            said = running.stderr.read().decode()
            # Where Python has forgotten an interrupt, it says so before.
            assert (code, said.splitlines()[-1]) == (128 + number, "Interrupted."), said
        assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_progress_is_shown_on_a_terminal(large: Path, tmp_path: Path) -> None:
    command = [*PROGRAM, "query", "lake", "forest", "--all", "--index", str(large), "-o", str(tmp_path / "hits.csv")]
    shown = shown_on_a_terminal(command, columns=120)
    assert b"Scoring" in shown
    assert b"Writing" in shown
    assert b"12000/12000" in shown.replace(b",", b"")
    assert len((tmp_path / "hits.csv").read_text().splitlines()) == 24_001
    assert shown_on_a_terminal([*command, "--quiet"], columns=120) == b""
