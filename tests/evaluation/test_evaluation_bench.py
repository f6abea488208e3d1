"""A data set from its folder to a report, on real tiles and on made ones."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from msclip_search import QueryError, SearchIndex
from msclip_search.datasets import data_set
from msclip_search.evaluation import bench, evaluate, of_classes, read_hashes
from tests.made import make_archive

EUROSAT = (
    "AnnualCrop", "Forest", "HerbaceousVegetation", "Highway", "Industrial", "Pasture", "PermanentCrop", "Residential",
    "River", "SeaLake",
)  # fmt: skip


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two classes of six tiles each, a folder a class."""
    root = tmp_path / "data"
    paths = make_archive(tmp_path / "made", 12)
    for number, path in enumerate(paths):
        target = root / ("meadow" if number % 2 else "town") / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return root


def test_the_second_time_nothing_is_embedded(folders: Path, tmp_path: Path) -> None:
    runs = [
        bench(data_set("folder"), folders, cache=tmp_path / "cache", model="untrained", templates=name)
        for name in ("msclip", "clip", None)
    ]
    assert [run.run.embedded for run in runs] == [12, 0, 0]
    assert len({run.index for run in runs}) == 1
    assert len({run.report.data_fingerprint for run in runs}) == 1
    assert len({run.report.templates_fingerprint for run in runs}) == 3
    with SearchIndex.open(runs[0].index) as index:
        by_hand = evaluate(index, of_classes([("meadow", "meadow"), ("town", "town")]), templates="msclip")
    assert runs[0].report.retrieval.standard == by_hand.standard
    assert json.loads(runs[0].report.to_json())["retrieval"]["standard"]["value"] == by_hand.standard.value


def test_other_tiles_are_other_embeddings(folders: Path, tmp_path: Path) -> None:
    one = bench(data_set("folder"), folders, cache=tmp_path / "cache", model="untrained")
    copy = shutil.copytree(folders, tmp_path / "copy")
    other = bench(data_set("folder"), copy, cache=tmp_path / "cache", model="untrained")
    assert one.index != other.index
    assert (one.report.data, other.report.data) == (str(folders), str(copy))
    assert one.report.data_fingerprint == other.report.data_fingerprint  # the same tiles with the same labels
    (copy / "town").rename(copy / "city")
    third = bench(data_set("folder"), copy, cache=tmp_path / "third", model="untrained")
    assert third.report.data_fingerprint != one.report.data_fingerprint


def test_tiles_seen_in_training_are_counted(folders: Path, tmp_path: Path) -> None:
    paths = sorted(folders.rglob("*.tif"))
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    listed = tmp_path / "seen.txt"
    listed.write_text("\n" + "".join(f" {value}\t{path}\n" for value, path in zip(hashes[:5], paths, strict=False)))
    seen = read_hashes(listed)
    assert seen == frozenset(hashes[:5])
    found = bench(data_set("folder"), folders, cache=tmp_path / "cache", model="untrained", seen=seen)
    assert found.report.seen == 5
    assert bench(data_set("folder"), folders, cache=tmp_path / "cache", model="untrained").report.seen is None


def test_the_list_that_came_with_the_weights_is_taken(shared: Path, tmp_path: Path) -> None:
    found = bench(data_set("eurosat-ms"), shared / "data" / "eurosat_ms", cache=tmp_path)
    assert (found.report.seen, found.report.retrieval.tiles) == (375, 375)


def test_tiles_that_are_gone_count_no_more(folders: Path, tmp_path: Path) -> None:
    bench(data_set("folder"), folders, cache=tmp_path / "cache", model="untrained")
    for path in sorted(folders.rglob("*.tif"))[:3]:
        path.unlink()
    again = bench(data_set("folder"), folders, cache=tmp_path / "cache", model="untrained")
    fresh = bench(data_set("folder"), folders, cache=tmp_path / "fresh", model="untrained")
    assert again.report.retrieval == fresh.report.retrieval
    assert again.report.retrieval.tiles == 9
    assert any(note.startswith("3 kept embeddings were of files that are gone") for note in again.notes)


def test_what_is_lost_on_the_way_is_said(folders: Path, tmp_path: Path) -> None:
    shutil.copy(next((folders / "town").glob("*.tif")), folders / "meadow" / "copy.tif")
    (folders / "town" / "broken.tif").write_bytes(b"II*\0")
    notes = bench(data_set("folder"), folders, cache=tmp_path / "cache", model="untrained").notes
    assert any("hold the same tile as another file" in note for note in notes)
    assert any(note.startswith("1 could not be read") and "broken.tif" in note for note in notes)
    asked = bench(data_set("folder"), folders, cache=tmp_path / "cache", model="untrained", kind="ivfpq").notes
    assert any(note.startswith("What IVF-PQ costs was not measured") for note in asked)


def test_one_class_is_refused_before_anything_is_embedded(tmp_path: Path) -> None:
    make_archive(tmp_path / "data" / "only", 3)
    with pytest.raises(QueryError, match="two at least"):
        bench(data_set("folder"), tmp_path / "data", cache=tmp_path / "cache", model="untrained")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(("content", "said"), [("abc\n", "line 1: this is no sha256"), (f"{'0' * 64}\nx", "line 2")])
def test_a_list_of_hashes_may_be_wrong(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "seen.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(QueryError, match=said):
        read_hashes(path)
    with pytest.raises(QueryError, match="cannot be read: No such file"):
        read_hashes(tmp_path / "none.txt")


def test_real_tiles_of_eurosat(shared: Path, tmp_path: Path) -> None:
    found = bench(data_set("eurosat-ms"), shared / "data" / "eurosat_ms", cache=tmp_path, model="untrained")
    scores = found.report.retrieval.scores
    assert tuple(score.name for score in scores) == EUROSAT
    counted = [len(list((shared / "data" / "eurosat_ms" / name).glob("*.tif"))) for name in EUROSAT]
    assert [score.relevant for score in scores] == counted
    told = found.report.classification
    assert told
    assert (told.tiles, told.several_labels, told.left_out) == (375, False, 0)
    assert told.confusion
    assert [sum(row) for row in told.confusion] == counted
    # Random weights: no better than guessing, give or take.
    assert told.accuracy.low < 0.13
    assert any("B8A stands last" in note for note in found.notes)


def test_real_patches_of_bigearthnet(shared: Path, tmp_path: Path) -> None:
    found = bench(
        data_set("bigearthnet"), shared / "data" / "bigearthnet_tiny" / "patches", cache=tmp_path, model="untrained"
    )
    told = found.report.classification
    assert told
    assert told.several_labels
    assert found.report.retrieval.tiles == told.tiles + told.left_out == 11
    assert len(found.report.retrieval.scores) == 19
    assert np.isfinite(found.report.retrieval.standard.value)
    assert found.report.retrieval.unanswerable
