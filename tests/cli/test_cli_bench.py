"""`bench`, `classify` and `query --relevant` as a person types them."""

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from msclip_search import SearchIndex
from msclip_search.cli.bench_data import DATA
from msclip_search.datasets import DATASETS
from msclip_search.evaluation import evaluate, read_questions
from msclip_search.indexes import Plan
from msclip_search.ingest.ann import build_ann
from msclip_search.store import open_writer
from tests.cli.conftest import Run
from tests.evaluation.planting import plant
from tests.folder.making import MODEL
from tests.made import make_archive

WORDS = ["forest", "river", "lake"]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "idx"
    random = np.random.default_rng(1)
    plant(folder, [[WORDS[number]] for number in random.integers(0, 3, 200)], towards=WORDS, noise=2.0)
    return folder


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "queries.yaml"
    path.write_text(
        "queries:\n  - {text: forest, relevant: forest}\n  - {text: water, relevant: [river, lake]}\n"
        "  - {text: a town, relevant: town}\n",
        encoding="utf-8",
    )
    return path


def test_a_run_prints_both_means_and_what_is_missing(run: Run, labelled: Path, queries: Path) -> None:
    done = run("bench", "run", "--index", labelled, "--queries", queries)
    assert done.exit_code == 0, done.output
    with SearchIndex.open(labelled) as index:
        found = evaluate(index, read_questions(queries))
    mean = next(line for line in done.stdout.splitlines() if line.startswith("mean"))
    for interval in (found.standard, found.torchmetrics):
        assert f"{100 * interval.value:.1f} ({100 * interval.low:.1f}-{100 * interval.high:.1f})" in mean
    assert "AP@100 standard" in done.stdout
    assert "AP@100 torchmetrics" in done.stdout
    assert "Left out, because no tile is a right answer: a town." in done.stdout
    assert "Labels that no tile has: town." in done.stdout


def test_results_are_written_and_compared(run: Run, labelled: Path, queries: Path, tmp_path: Path) -> None:
    results = tmp_path / "mine.json"
    done = run("bench", "run", "--index", labelled, "--queries", queries, "--output", results)
    assert re.search(r"mAP@100 0\.\d{4} \(standard\), 0\.\d{4} \(torchmetrics\); written to", done.stderr)
    body = json.loads(results.read_text(encoding="utf-8"))
    assert body["format"] == 1
    assert body["model"] == "untrained"
    assert len(body["data_fingerprint"]) == len(body["model_fingerprint"]) == 64
    assert {"msclip-search", "numpy"} <= set(body["versions"])
    assert body["retrieval"]["scores"][2]["standard"]["value"] is None
    assert [body[name] for name in ("seed", "templates", "templates_fingerprint", "seen")] == [0, None, None, None]
    other = tmp_path / "eurosat.json"
    other.write_text(json.dumps({**body, "data": "eurosat-ms", "model": "mine"}), encoding="utf-8")
    shown = run("bench", "compare", results, other)
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    header = [line for line in lines if "mAP quoted" in line][1]  # of the table of eurosat-ms
    quoted = next(line for line in lines if line.startswith("Llama3-MS-CLIP (10 bands)"))
    assert quoted.split()[3:] == ["67.9", "-", "-", "63.0", "100", "-", "-"]
    assert quoted.index("63.0") + 4 == header.index("mAP quoted") + len("mAP quoted")  # in that column, not another
    mine = next(line for line in lines if line.startswith("mine"))
    assert f"{100 * body['retrieval']['standard']['value']:.1f}" in mine
    assert mine.split()[-3:] == ["100", "200", "none"]
    assert "arXiv:2503.15969" in shown.stdout
    deeper = tmp_path / "deeper.json"
    run("bench", "run", "--index", labelled, "--queries", queries, "--depth", 10, "--output", deeper)
    assert "different depths k" in run("bench", "compare", results, deeper).stdout
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps({**body, "data_fingerprint": "0" * 64}), encoding="utf-8")
    assert "not of the same tiles" in run("bench", "compare", results, changed).stdout
    changed.write_text(json.dumps({**body, "format": 99}), encoding="utf-8")
    assert "holds no results of a benchmark" in run("bench", "compare", changed).stderr


def test_the_same_run_twice_is_the_same(run: Run, labelled: Path, queries: Path) -> None:
    bodies = []
    for _ in range(2):
        body = json.loads(run("bench", "run", "--index", labelled, "--queries", queries, "--format", "json").stdout)
        bodies.append({**body, "created": None})
    assert bodies[0] == bodies[1]


def test_csv_and_markdown_have_a_row_a_query(run: Run, labelled: Path, queries: Path) -> None:
    rows = list(
        csv.DictReader(
            io.StringIO(run("bench", "run", "--index", labelled, "--queries", queries, "--format", "csv").stdout)
        )
    )
    assert [row["query"] for row in rows] == ["forest", "water", "a town"]
    assert float(rows[0]["ap_standard_low"]) <= float(rows[0]["ap_standard"]) <= float(rows[0]["ap_standard_high"])
    assert rows[2]["ap_standard"] == ""
    text = run("bench", "run", "--index", labelled, "--queries", queries, "--format", "markdown").stdout
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 3 + 1
    assert {line.count("|") for line in table} == {8}


@pytest.mark.parametrize(
    ("content", "said"),
    [("queries: [a]", "query 1 has no text"), ("queries: [", "line 1, column"), ("[]", "is to have a list 'queries'")],
)
def test_wrong_files_of_queries(run: Run, labelled: Path, tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "queries.yaml"
    path.write_text(content, encoding="utf-8")
    done = run("bench", "run", "--index", labelled, "--queries", path)
    assert done.exit_code == 1
    assert said in done.stderr


def test_results_that_are_none(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}", encoding="utf-8")
    assert "holds no results of a benchmark" in run("bench", "compare", path).stderr
    assert "cannot be read" in run("bench", "compare", tmp_path / "none.json").stderr


def test_a_query_can_be_judged(run: Run, labelled: Path) -> None:
    done = run("query", "forest", "--index", labelled, "--top-k", 100, "--relevant", "forest")
    with SearchIndex.open(labelled) as index:
        hits = index.search("forest", k=100)
        total = sum(names == ["forest"] for names in index.tiles(["labels"])["labels"].to_pylist())
    right = [hit.labels == ("forest",) for hit in hits]
    sums = sum(sum(right[:rank]) / rank for rank in range(1, 101) if right[rank - 1])
    assert f"{sum(right)} of 100 hits are forest, of {total} tiles that are." in done.stdout
    assert f"AP@100 {100 * sums / min(total, 100):.1f} % (standard)" in done.stdout
    none = run("query", "forest", "--index", labelled, "--relevant", "town")
    assert "no tile of the index has the label town" in none.stderr


def test_classes_are_the_nearest_words(run: Run, labelled: Path) -> None:
    done = run("classify", "--index", labelled, "--classes", "forest, river,lake", "--format", "csv")
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    with SearchIndex.open(labelled) as index:
        cosines = index.scores(index.encode(WORDS)).astype(np.float64)
    shares = np.exp(100 * cosines)
    shares /= shares.sum(axis=1, keepdims=True)
    assert [row["class"] for row in rows] == [WORDS[number] for number in cosines.argmax(axis=1)]
    for number, word in enumerate(WORDS):
        assert [float(row[word]) for row in rows] == pytest.approx(list(shares[:, number]), abs=1e-4)


def test_tiles_can_be_classified_without_an_index(run: Run, archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "tiles.geojson"
    names = tmp_path / "classes.txt"
    names.write_text("a forest\n# a comment\na river\n", encoding="utf-8")
    done = run("classify", archive, "--classes-file", names, "--model", "untrained", "--output", output)
    assert done.exit_code == 0, done.output
    features = json.loads(output.read_text(encoding="utf-8"))["features"]
    assert len(features) == 12
    for feature in features:
        probabilities = feature["properties"]["probabilities"]
        assert set(probabilities) == {"a forest", "a river"}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert feature["properties"]["class"] == max(probabilities, key=probabilities.get)
        assert feature["geometry"]["type"] == "Polygon"
    shown = run("classify", archive, "--classes-file", names, "--model", "untrained")
    assert "12 tiles: " in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (["--classes", "a,b"], (2, "Give tiles, or an index")),
        (["TILES", "--index", "idx", "--classes", "a,b"], (2, "Give tiles, or an index")),
        (["TILES"], (2, "Give --classes or --classes-file")),
        (["TILES", "--classes", "a,b", "--output", "x.pdf"], (2, "does not end in")),
        (["--index", "IDX", "--classes", "a"], (1, "give two at least")),
        (["--index", "IDX", "--classes", "a,b,a"], (1, "named twice: a")),
    ],
)
def test_what_classify_refuses(
    run: Run, archive: Path, labelled: Path, arguments: list[str], refused: tuple[int, str]
) -> None:
    known = {"TILES": str(archive), "IDX": str(labelled)}
    done = run("classify", *(known.get(word, word) for word in arguments))
    assert done.exit_code == refused[0]
    assert refused[1] in re.sub(r"[│\s]+", " ", done.stderr)


def test_every_data_set_has_a_command() -> None:
    assert set(DATA) == set(DATASETS)


def test_the_cost_of_the_ann_index_is_said(run: Run, queries: Path, tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    random = np.random.default_rng(2)
    labels = [[WORDS[number]] for number in random.integers(0, 3, 11_000)]
    plant(tmp_path / "idx", labels, towards=WORDS, noise=4.0)
    coarse = Plan("ivfpq", "for tests", factory="IVF64,PQ8", nlist=64, nprobe=1, training_rows=9984)
    build_ann(open_writer(tmp_path / "idx", model=MODEL), coarse, progress=lambda *_: None)
    shown = run("bench", "run", "--index", tmp_path / "idx", "--queries", queries).stdout
    with SearchIndex.open(tmp_path / "idx") as index:
        found = evaluate(index, read_questions(queries))
    through, exact = found.mean("ann_standard"), found.mean("standard")
    assert (
        f"Through IVF-PQ mAP@100 is {100 * through:.1f} (standard, loss {100 * (exact - through):+.2f} points)" in shown
    )
    assert "ANN recall" in shown
    plain = run("bench", "run", "--index", tmp_path / "idx", "--queries", queries, "--exact").stdout
    assert "ANN" not in plain


def test_files_that_could_not_be_written_are_refused_first(run: Run, labelled: Path, queries: Path) -> None:
    for option in (("--output", "nowhere/x.json"), ("--plot", "nowhere/x.png")):
        done = run("bench", "run", "--index", labelled, "--queries", queries, *option)
        assert done.exit_code == 1
        assert "There is no folder nowhere" in done.stderr
        early = run("bench", "folder", "--root", "absent", *option)
        assert "There is no folder nowhere" in early.stderr
    wrong = run("bench", "run", "--index", labelled, "--queries", queries, "--plot", "x.jpg")
    assert wrong.exit_code == 2


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_ctrl_c_keeps_what_is_embedded(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_archive(tmp_path / "data" / name, 1500, first=1500 * (name == "two"))
    command = [sys.executable, "-m", "msclip_search", "bench", "folder", "--root", str(tmp_path / "data")]
    command += ["--model", "untrained", "--cache", str(tmp_path / "cache")]
    here, there = pty.openpty()  # the bar on a terminal tells when the first tiles are read
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=there, env=os.environ | {"TERM": "xterm"})
    os.close(there)
    shown, sent = b"", False
    while True:
        try:
            piece = os.read(here, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if not sent and b"/3000" in shown:
            running.send_signal(signal.SIGINT)
            sent = True
    os.close(here)
    assert running.wait(60) == 130, shown[-600:]
    assert re.search(rb"Interrupted: [\d,]+ of 3,000 tiles are embedded, and kept in", shown)


def test_a_table_is_not_for_files(run: Run, labelled: Path, queries: Path, tmp_path: Path) -> None:
    asked = ("bench", "run", "--index", labelled, "--queries", queries)
    for form, name in (("table", "x.json"), ("csv", "x.json"), ("markdown", "x.csv")):
        assert run(*asked, "--format", form, "--output", tmp_path / name).exit_code == 2
        assert not (tmp_path / name).exists()
    assert run(*asked, "--format", "csv", "--output", tmp_path / "x.txt").exit_code == 0
