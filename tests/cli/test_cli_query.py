"""`msclip-search query`, and what it prints for machines."""

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from msclip_search import Hits, SearchIndex
from msclip_search.cli import render
from tests.cli.conftest import Run


@pytest.fixture(scope="module")
def expected(index: Path) -> Hits:
    """Ask the library."""
    with SearchIndex.open(index) as opened:
        return opened.search("flooded farmland", k=5)


def test_table(run: Run, index: Path, expected: Hits) -> None:
    done = run("query", "flooded farmland", "-k", 5, "--index", index)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "flooded farmland  5 of 12 tiles"
    assert lines[1].split() == ["rank", "score", "percentile", "tile", "place", "date"]
    for line, hit in zip(lines[2:7], expected, strict=True):
        rank, score, percentile, tile, *place, date = line.split()
        assert int(rank) == hit.rank
        assert float(score) == pytest.approx(hit.score, abs=5e-5)
        assert float(percentile) == pytest.approx(hit.percentile, abs=5e-3)
        assert tile.endswith(Path(hit.source).name)
        assert hit.bbox
        west, south, east, north = hit.bbox
        assert place[1::2] == ["N", "E"]
        assert float(place[0].rstrip("°")) == pytest.approx((south + north) / 2, abs=1e-3)
        assert float(place[2].rstrip("°")) == pytest.approx((west + east) / 2, abs=1e-3)
        assert date == "2023-06-01"


def test_json(run: Run, index: Path, expected: Hits) -> None:
    done = run("query", "flooded farmland", "x", "--top-k", 5, "--index", index, "--format", "json")
    body = json.loads(done.stdout)
    assert list(body) == ["index", "model", "results"]
    assert (body["index"], body["model"]) == (str(index), "untrained")
    assert [result["query"]["text"] for result in body["results"]] == ["flooded farmland", "x"]
    first = body["results"][0]
    assert first["query"] == {"text": "flooded farmland", "top_k": 5}
    assert first["searched"] == 12
    fields = "rank score percentile tile_id source window bbox datetime cloud nodata labels"
    assert all(" ".join(hit) == fields for hit in first["hits"])
    assert first["hits"] == [hit.to_dict() for hit in expected]
    assert first["hits"][0]["datetime"] == "2023-06-01T00:00:00Z"
    assert first["hits"][0]["window"] == [0, 0, 32, 32]


def test_csv(run: Run, index: Path, expected: Hits) -> None:
    done = run("query", "flooded farmland", "--top-k", 5, "--index", index, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["tile_id"] for row in rows] == [hit.tile_id for hit in expected]
    assert [float(row["score"]) for row in rows] == [hit.score for hit in expected]
    boxes = [tuple(float(row[edge]) for edge in ("west", "south", "east", "north")) for row in rows]
    assert boxes == [hit.bbox for hit in expected]
    assert {row["query"] for row in rows} == {"flooded farmland"}


def test_geojson(run: Run, index: Path, expected: Hits) -> None:
    done = run("query", "flooded farmland", "--top-k", 5, "--index", index, "--format", "geojson")
    body = json.loads(done.stdout)
    assert body["type"] == "FeatureCollection"
    assert [feature["id"] for feature in body["features"]] == [hit.tile_id for hit in expected]
    assert body["features"] == json.loads(json.dumps(expected.to_geojson()["features"]))


def test_parquet_into_a_file(run: Run, index: Path, expected: Hits, tmp_path: Path) -> None:
    file = tmp_path / "hits.parquet"
    done = run("query", "flooded farmland", "--top-k", 5, "--index", index, "--output", file)
    assert (done.exit_code, done.stdout) == (0, "")
    table = pq.read_table(file)
    assert table.column("tile_id").to_pylist() == [hit.tile_id for hit in expected]
    assert table.column("score").to_pylist() == [hit.score for hit in expected]
    assert json.loads(table.schema.metadata[b"geo"])["primary_column"] == "geometry"
    assert list(tmp_path.iterdir()) == [file]


def test_output_takes_its_format_from_its_name(run: Run, index: Path, tmp_path: Path) -> None:
    run("query", "x", "--index", index, "--output", tmp_path / "hits.json")
    assert json.loads((tmp_path / "hits.json").read_text())["model"] == "untrained"
    unknown = run("query", "x", "--index", index, "--output", tmp_path / "hits.xlsx")
    assert unknown.exit_code == 2
    nowhere = run("query", "x", "--index", index, "--output", tmp_path / "no" / "hits.json")
    assert nowhere.exit_code == 1
    assert nowhere.stderr.startswith(f"Error: There is no folder {tmp_path / 'no'}: make it")


def test_output_keeps_links_and_devices(run: Run, index: Path, tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    run("query", "x", "--index", index, "--output", tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["model"] == "untrained"
    done = run("query", "x", "--index", index, "--format", "json", "--output", "/dev/null")
    assert done.exit_code == 0
    assert Path("/dev/null").is_char_device()


def test_more_asked_for_than_there_are(run: Run, index: Path) -> None:
    done = run("query", "x", "--top-k", 1000, "--index", index, "--format", "json")
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["results"][0]["hits"]) == 12


def test_queries_from_files(run: Run, index: Path, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("# comment\nharbour\n\n  open-pit mine \n", encoding="utf-8")
    (tmp_path / "q.yaml").write_text("queries:\n  - glacier\n  - {text: salt pan, relevant: Salt}\n", encoding="utf-8")
    for name, texts in {"q.txt": ["x", "harbour", "open-pit mine"], "q.yaml": ["x", "glacier", "salt pan"]}.items():
        done = run("query", "x", "--queries-file", tmp_path / name, "--index", index, "--format", "json")
        assert [result["query"]["text"] for result in json.loads(done.stdout)["results"]] == texts


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("queries: [a, b", "line 1, column"),
        ("questions: [a]", "is to have a list 'queries'"),
        ("queries: [a, {txt: b}]", "query 2 has no text"),
        ("queries: []", "holds no queries"),
    ],
)
def test_bad_queries_files(run: Run, index: Path, tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "q.yaml").write_text(content, encoding="utf-8")
    done = run("query", "--queries-file", tmp_path / "q.yaml", "--index", index)
    assert done.exit_code == 1
    assert sentence in done.stderr


def test_the_index_comes_from_option_environment_or_folder(
    run: Run, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    missing = run("query", "x")
    assert missing.exit_code == 1
    assert missing.stderr == (
        "Error: There is no index at msclip-index: make one with `msclip-search index ARCHIVE --index msclip-index`.\n"
    )
    assert run("query", "x", env={"MSCLIP_INDEX": str(index)}).exit_code == 0
    (tmp_path / "msclip-index").symlink_to(index)
    assert run("query", "x").exit_code == 0


def test_templates_by_name_or_file(run: Run, index: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("# mine\n\na tile of {}.\n{} from above\n", encoding="utf-8")
    for given in ("msclip", "clip", str(own)):
        done = run("query", "harbour", "--templates", given, "--index", index, "--format", "json")
        assert done.exit_code == 0, done.output
        with SearchIndex.open(index) as opened:
            expected = opened.search("harbour", templates=given)
        assert json.loads(done.stdout)["results"][0]["hits"] == [hit.to_dict() for hit in expected]


def test_wrong_templates_are_said_before_the_index_is_opened(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("a tile of {}.\nfrom above\n", encoding="utf-8")
    done = run("query", "harbour", "--templates", own, "--index", tmp_path / "nowhere")
    assert (done.exit_code, done.stdout) == (1, "")
    said = f"Error: {own}, line 2: a template has one {{}} where the text goes; this one has none.\n"
    assert done.stderr == said


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["query"], 2, "Give a text"),
        (["query", "x", "--top-k", "0"], 2, "top-k"),
        (["query", "  "], 1, "The query is empty"),
        (["query", "x", "--model", "llama3-ms-clip-base"], 1, "was made with the model untrained, not with llama3"),
        (["query", "x", "--templates", "none"], 1, "There are clip, msclip, or a .txt file of your own"),
    ],
)
def test_errors(run: Run, index: Path, arguments: list[str], code: int, sentence: str) -> None:
    done = run(*arguments, "--index", index)
    assert done.exit_code == code
    assert done.stdout == ""
    assert sentence in done.stderr


def test_a_reader_that_leaves_early_is_no_error(index: Path) -> None:
    command = f"{sys.executable} -m msclip_search query x y z --index {index} -k 12 --format json | head -c 10"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert done.stdout == '{\n  "index'
    assert done.stderr == ""


def test_a_text_that_is_cut_is_warned_of(run: Run, shared: Path, published_weights: Path, tmp_path: Path) -> None:
    tile = shared / "data" / "terramesh_examples" / "S2L2A" / "637U_59R_1_3.tif"
    model = ("--model", "llama3-ms-clip-base", "--weights", published_weights)
    made = run("index", tile, *model, "--index", tmp_path / "idx")
    assert made.exit_code == 0, made.output
    done = run("query", "lake " * 80, "--index", tmp_path / "idx", "--format", "json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["results"][0]["searched"] == 1
    assert 'cut at word 76, "lake"' in done.stderr
    other = tmp_path / "other.pt"
    other.write_bytes(b"no weights")
    wrong = run("query", "lake", "--index", tmp_path / "idx", "--weights", other)
    assert wrong.exit_code == 1
    assert str(other) in wrong.stderr


@pytest.mark.parametrize("labels", [(), ("Höfe", "湖"), ("x" * 300,), ("two\nlines",)])
def test_lines_laid_out_by_hand_are_richs(
    expected: Hits, labels: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles = expected.tiles
    at = tiles.schema.get_field_index("labels")
    column = pa.array([list(labels) if row % 2 else [] for row in range(tiles.num_rows)], tiles.schema.field(at).type)
    hits = replace(expected, tiles=tiles.set_column(at, tiles.schema.field(at), column))
    shown = render._plain([hits], {}).decode()
    monkeypatch.setattr(render, "_lines", lambda *_: None)
    wanted = render._plain([hits], {}).decode()
    assert [line.rstrip() for line in shown.splitlines()] == [line.rstrip() for line in wanted.splitlines()]
    assert len(shown.splitlines()) >= len(hits) + 3
