"""Texts, examples and negatives on the command line: each option is heard, by the library's word."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from msclip_search import Filter, Question, SearchIndex, index_tiles
from msclip_search.evaluation import Relevance, judge
from tests.cli.conftest import Run
from tests.made import make_archive


def results(run: Run, index: Path, *arguments: object) -> list[dict[str, Any]]:
    done = run("query", *arguments, "-k", 12, "--index", index, "--format", "json")
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)["results"]
    return found


def library(index: Path, *questions: Question) -> list[dict[str, Any]]:
    with SearchIndex.open(index) as opened:
        return [hits.to_dict() for hits in opened.search_many(questions, k=12)]


@pytest.fixture(scope="module")
def names(index: Path) -> list[str]:
    with SearchIndex.open(index) as opened:
        found: list[str] = opened.tiles(["tile_id"])["tile_id"].to_pylist()
    return found


def test_every_option_is_a_part(run: Run, index: Path, archive: Path, names: list[str]) -> None:
    path = sorted(archive.glob("*.tif"))[4]
    expected = (
        Question("harbour").plus("ships", 0.5).plus("a quay").minus("clouds", 2).like(path).unlike(names[2], 0.25)
    )
    options = ("--like", path, "--unlike", f"{names[2]}:0.25", "--minus", "clouds:2")
    more = ("--plus", "ships:0.5", "--plus", "a quay")
    (found,) = results(run, index, "harbour", *options, *more)
    assert [found] == library(index, expected)
    assert found["query"]["text"] == str(expected)
    assert len(found["query"]["parts"]) == 6


def test_parts_are_added_to_each_text(run: Run, index: Path, tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("a dam\n", encoding="utf-8")
    found = results(run, index, "harbour", "a lake", "--queries-file", tmp_path / "more.txt", "--minus", "clouds")
    assert found == library(index, *(Question(text).minus("clouds") for text in ("harbour", "a lake", "a dam")))


def test_examples_alone_are_one_query(run: Run, index: Path, names: list[str]) -> None:
    assert results(run, index, "--like", names[3], "--like", f"{names[4]}:2") == library(
        index, Question().like(names[3]).like(names[4], 2)
    )
    assert results(run, index, "--minus", "clouds") == library(index, Question().minus("clouds"))


def test_texts_alone_have_no_parts(run: Run, index: Path) -> None:
    (found,) = results(run, index, "scale 1:2")
    assert found["query"] == {"text": "scale 1:2", "top_k": 12}


def test_templates_are_put_around_every_text(run: Run, index: Path) -> None:
    with SearchIndex.open(index) as opened:
        expected = opened.search(Question("a lake").minus("clouds"), k=12, templates="clip").to_dict()
    assert results(run, index, "a lake", "--minus", "clouds", "--templates", "clip") == [expected]


def test_a_place_west_of_greenwich_is_no_option(run: Run, index: Path) -> None:
    done = run("query", "--like", "-7.98,46.53", "--index", index)
    assert done.exit_code == 1
    assert "covers 7.98° W 46.53° N. The nearest is about" in done.stderr


def test_it_is_said_which_tile_an_example_is(
    run: Run, index: Path, archive: Path, tmp_path: Path, names: list[str]
) -> None:
    (new,) = make_archive(tmp_path, 1, first=500)
    path = min(archive.glob("*.tif"))
    done = run("query", "x", "y", "--like", path, "--like", new, "--unlike", f"{names[1]}:0.5", "--index", index)
    assert done.exit_code == 0, done.output
    with SearchIndex.open(index) as opened:
        (tile_id,) = (hit.tile_id for hit in opened.search("x", k=12) if hit.source == str(path))
    assert done.stderr.splitlines() == [
        f"{path} is tile {tile_id} of the index.",
        f"{new} is not in the index, and was embedded.",
    ]
    assert f"x + like {path} + like {new} − 0.5 like {names[1]} 10 of 12 tiles" in " ".join(done.stdout.split())
    quiet = run("query", "x", "--like", path, "--index", index, "--quiet")
    assert not quiet.stderr


def test_a_file_is_not_called_embedded_for_its_weight(run: Run, index: Path, names: list[str]) -> None:
    done = run("query", "--like", f"{names[0]}:3", "--index", index, "--format", "csv")
    assert not done.stderr
    assert {row["query"] for row in csv.DictReader(io.StringIO(done.stdout))} == {f"3 like {names[0]}"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("a lake", "--minus", "a lake"), 'The parts of "a lake − a lake" cancel to nothing'),
        (("a lake", "--minus", "clouds:-1"), "weights are above 0"),
        (("a lake", "--plus", "ships:0"), "weight of 'ships' is 0"),
        (("a lake", "--plus", "ships:nan"), "weight of 'ships' is nan"),
        (("a lake", "--like", "tile.tif:inf"), "weight of 'tile.tif' is inf"),
        (("a lake", "--plus", ":2"), "The query is empty"),
        (("a lake", "--like", ""), "The example is empty"),
        (("a lake", "--like", "nowhere.tif"), "The example nowhere.tif is no file, no tile of the index"),
        (("a lake", "--like", "46.5,97.9"), "longitude comes first"),
    ],
)
def test_what_is_no_question_is_a_sentence(run: Run, index: Path, options: tuple[str, ...], sentence: str) -> None:
    done = run("query", *options, "--index", index)
    assert done.exit_code == 1, done.output
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_nothing_asked_names_the_ways_to_ask(run: Run, index: Path) -> None:
    done = run("query", "--index", index)
    assert done.exit_code == 2
    assert "or an example with --like" in " ".join(done.stderr.replace("│", " ").split())


def test_geojson_names_the_parts_of_a_query(run: Run, index: Path, names: list[str]) -> None:
    ask = ("query", "harbour", "a lake", "--like", f"{names[3][:12]}:0.5", "--minus", "clouds", "--index", index)
    parts = [
        {"text": "clouds", "weight": -1.0},
        {"like": names[3][:12], "tile_id": names[3], "weight": 0.5},
    ]
    for form in (("-k", 3), ("-k", 12), ("--all",)):
        body = json.loads(run(*ask, *form, "--format", "geojson").stdout)
        assert body["queries"] == [
            {
                "text": f"{text} − clouds + 0.5 like {names[3][:12]}",
                "parts": [{"text": text, "weight": 1.0}, *parts],
            }
            for text in ("harbour", "a lake")
        ]
        asked = dict.fromkeys(feature["properties"]["query"] for feature in body["features"])
        assert list(asked) == [query["text"] for query in body["queries"]]
    plain = json.loads(run("query", "harbour", "--index", index, "--format", "geojson").stdout)
    assert list(plain) == ["type", "index", "model", "features"]


@pytest.mark.parametrize("form", ["json", "geojson"])
def test_machines_are_told_the_filter(run: Run, index: Path, form: str) -> None:
    done = run("query", "x", "--index", index, "--format", form, "--max-nodata", 50, "--datetime", "2023")
    body = json.loads(done.stdout)
    assert body["filter"] == ["from 2023-01-01 to 2023-12-31", "nodata at most 50 %"]
    assert "filter" not in json.loads(run("query", "x", "--index", index, "--format", form).stdout)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty tiles, every third a lake, every fifth a town."""
    folder = tmp_path_factory.mktemp("labelled")
    paths = make_archive(folder / "tiles", 30)
    lines = [
        f"tiles/{path.name},{';'.join(['lake'] * (number % 3 == 0) + ['town'] * (number % 5 == 0)) or 'field'}"
        for number, path in enumerate(paths)
    ]
    (folder / "labels.csv").write_text("\n".join(["file,label", *lines]), encoding="utf-8")
    index_tiles(folder / "tiles", index=folder / "idx", model="untrained", labels=folder / "labels.csv")
    return folder / "idx"


@pytest.mark.parametrize(("k", "label"), [(3, "town"), (10, "town"), (3, "field")])
def test_precision_within_a_filter_counts_the_tiles_that_fit(run: Run, labelled: Path, k: int, label: str) -> None:
    with SearchIndex.open(labelled) as opened:
        hits = opened.search("a lake", k=k, within=Filter(labels=("lake",)))
        fit = [row for row in opened.tiles(["labels"]).to_pylist() if "lake" in row["labels"]]
        judged = judge(opened, hits, Relevance(any=(label,)), within=opened.select(Filter(labels=("lake",))))
    right = [label in hit.labels for hit in hits]
    relevant = sum(label in row["labels"] for row in fit)
    assert (len(fit), relevant) == (10, 2 if label == "town" else 0)
    precisions = [sum(right[: at + 1]) / (at + 1) for at in range(len(right)) if right[at]]
    assert (judged.right, judged.relevant) == (sum(right), relevant)
    if relevant:
        assert judged.standard == pytest.approx(sum(precisions) / min(relevant, k))
    done = run("query", "a lake", "-k", k, "--index", labelled, "--label", "lake", "--relevant", label)
    assert done.exit_code == 0, done.output
    line = done.stdout.splitlines()[-1]
    assert f"{sum(right)} of {min(k, 10)} hits are {label}, of {relevant} selected tiles that are." in line
    assert "Traceback" not in done.output
