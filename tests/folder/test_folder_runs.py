"""A run as a whole: its model, its commits, its progress, its IVF-PQ, and the call from Python."""

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msclip_search import (
    ArchiveError,
    IndexConflict,
    IndexFolderError,
    ModelError,
    ModelMismatch,
    MsclipError,
    Pace,
    Report,
    SearchIndex,
    index_tiles,
    indexes,
    models,
    verify,
)
from msclip_search.errors import QueryError
from msclip_search.indexes import Kind, Plan
from msclip_search.ingest import ann
from msclip_search.models.base import Embeddings, Pixels
from msclip_search.store import newest_or_raise
from tests.folder.indexing import counts, sources, tifs
from tests.folder.making import (
    ENCODER,
    QUICK_PLAN,
    Counting,
    files_of,
    index_folder,
    make_index,
    newest_body,
    stored_tiles,
    write_arrays,
    write_tile,
)


class Renamed(Counting):
    """The untrained model under another name."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = replace(self.spec, name="other")


class Reweighted(Counting):
    """The untrained model with other weights."""

    def __init__(self) -> None:
        super().__init__()
        assert self.weights
        self.weights = replace(self.weights, path="/w/new.pt", sha256="0" * 64, origin="file")
        self.fingerprint = self.spec.fingerprint("0" * 64)


def test_another_model_is_refused(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    before = files_of(root)
    write_tile(archive / "new.tif", 60)
    with pytest.raises(ModelMismatch, match=r"was made with the model untrained, not with other, .* --model untrained"):
        index_folder(archive, root, Renamed())
    with pytest.raises(ModelMismatch, match=r"with untrained too, but with other weights .* now with /w/new\.pt"):
        index_folder(archive, root, Reweighted())
    assert files_of(root) == before


def test_weights_that_have_moved_are_put_on_record(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    encoder = Counting()
    assert encoder.weights
    encoder.weights = replace(encoder.weights, path="/new/place.pt", mtime_ns=5)
    index_folder(archive, root, encoder)
    assert newest_body(root)["model"]["weights"]["path"] == "/new/place.pt"
    assert len(stored_tiles(root)) == 6


@pytest.mark.parametrize("commit_tiles", [1, 4, 9, 100])
def test_commits_come_by_count(tmp_path: Path, root: Path, commit_tiles: int) -> None:
    paths = write_arrays(tmp_path / "tiles", range(9))
    index_folder(tmp_path / "tiles", root, Counting(batch=1), pace=Pace(commit_tiles=commit_tiles, threads=1))
    rows = [segment["rows"] for segment in newest_body(root)["segments"]]
    # Up to three batches, here of one tile, can come back at once: so many tiles go with a commit at most.
    assert sum(rows) == 9
    assert max(rows) < commit_tiles + 3
    assert min(rows[:-1], default=commit_tiles) >= commit_tiles
    assert [tile.columns["source"] for tile in stored_tiles(root)] == list(map(str, paths))


def test_commits_come_by_time(tmp_path: Path, root: Path) -> None:
    write_arrays(tmp_path / "tiles", range(6))
    index_folder(tmp_path / "tiles", root, Counting(batch=1), pace=Pace(commit_seconds=0, threads=1))
    # Up to three batches of one tile may be ready at once, and go into one commit: six tiles make two commits at least.
    assert len(newest_body(root)["segments"]) >= 2
    write_arrays(tmp_path / "tiles", range(6, 12))
    index_folder(tmp_path / "tiles", root, Counting(batch=1), pace=Pace(commit_seconds=1e9, threads=1))
    assert newest_body(root)["segments"][-1]["rows"] == 6


def test_a_pace_that_would_stand_still_is_refused() -> None:
    for wrong in (
        {"threads": 0},
        {"ahead": 0},
        {"commit_tiles": 0},
        {"commit_seconds": -1},
        {"commit_seconds": float("nan")},
    ):
        with pytest.raises(ValueError, match="A run needs a thread"):
            Pace(**wrong)


class Losing(Counting):
    """While it encodes, another process commits to the same index."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def encode_tiles(self, pixels: Pixels) -> Embeddings:
        make_index(self.root, 1, first=10**6)
        return super().encode_tiles(pixels)


def test_whoever_comes_second_is_told_and_loses_his_last_commit_alone(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    write_tile(archive / "new.tif", 60)
    with pytest.raises(IndexConflict, match="run the same command again"):
        index_folder(archive, root, Losing(root))
    assert verify(root).problems == ()
    assert len(stored_tiles(root)) == 7
    assert counts(index_folder(archive, root)) == {"embedded": 1, "unchanged": 6}
    assert len(stored_tiles(root)) == 8


def test_progress_is_told_and_ends_with_everything_done(archive: Path, root: Path) -> None:
    told: list[tuple[str, int, int]] = []
    index_folder(archive, root, progress=lambda stage, report: told.append((stage, report.done, report.total)))
    assert {stage for stage, _, _ in told} == {"indexing"}
    assert {total for _, _, total in told} == {6}
    done = [count for _, count, _ in told]
    assert done == sorted(done)
    assert done[-1] == 6


@pytest.fixture
def quick_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build a smaller IVF-PQ than would be built, in less time."""

    def choose(kind: Kind, *, rows: int, dimension: int) -> Plan:
        plan = indexes.choose(kind, rows=rows, dimension=dimension)
        return QUICK_PLAN if plan.kind == "ivfpq" else plan

    monkeypatch.setattr(ann, "choose", choose)


def test_a_kind_that_there_is_not_is_refused_before_anything_is_made(archive: Path, root: Path) -> None:
    with pytest.raises(QueryError, match="Searches use auto, ivfpq, flat, not hnsw"):
        index_tiles(archive, index=root, model="untrained", kind="hnsw")  # type: ignore[arg-type]
    assert not root.exists()


@pytest.mark.usefixtures("quick_plan")
def test_ivf_pq_is_built_when_there_are_enough_tiles_and_dropped_on_request(tmp_path: Path, root: Path) -> None:
    make_index(root, 10_000)
    write_arrays(tmp_path / "tiles", [1, 2])
    stages: list[str] = []
    report = index_folder(tmp_path / "tiles", root, progress=lambda stage, _: stages.append(stage))
    assert (report.kind, report.tiles, report.embedded) == ("ivfpq", 10_002, 2)
    assert report.reason.startswith("10,002 tiles: ")
    assert report.ann_seconds > 0
    assert list(dict.fromkeys(stages)) == ["indexing", "training IVF-PQ", "filling IVF-PQ", "writing IVF-PQ"]
    assert verify(root).problems == ()
    again = index_folder(tmp_path / "tiles", root)
    assert (again.kind, again.ann_seconds) == ("ivfpq", 0)
    with SearchIndex.open(root) as index:
        assert (index.info().kind, index.info().reason) == (report.kind, report.reason)
        assert index.info().scanned == 0
    flat = index_folder(tmp_path / "tiles", root, kind="flat")
    assert (flat.kind, flat.reason.startswith("10,002 tiles: flat was asked for")) == ("flat", True)
    with SearchIndex.open(root) as index:
        assert (index.info().kind, index.info().reason) == ("flat", flat.reason)


def test_the_wish_for_an_exact_scan_is_kept_though_nothing_else_changes(tmp_path: Path, root: Path) -> None:
    write_arrays(tmp_path / "tiles", [1, 2])
    index_folder(tmp_path / "tiles", root)
    assert index_folder(tmp_path / "tiles", root, kind="flat").reason.startswith("2 tiles: flat was asked for")
    assert newest_body(root)["kind"] == "flat"
    number = newest_or_raise(root).number
    index_folder(tmp_path / "tiles", root, kind="flat")
    # Who says nothing keeps to it.
    assert index_folder(tmp_path / "tiles", root).reason.startswith("2 tiles: flat was asked for")
    assert newest_or_raise(root).number == number
    assert index_folder(tmp_path / "tiles", root, kind="auto").reason.startswith("2 tiles: IVF-PQ needs at least")


@pytest.mark.usefixtures("quick_plan")
def test_stopping_while_ivf_pq_is_built_gives_it_up(tmp_path: Path, root: Path) -> None:
    make_index(root, 10_000)
    write_arrays(tmp_path / "tiles", [1, 2])
    stop = threading.Event()

    def progress(stage: str, _: Report) -> None:
        if stage == "training IVF-PQ":
            stop.set()

    report = index_folder(tmp_path / "tiles", root, stop=stop, progress=progress)
    assert (report.interrupted, report.kind, report.tiles) == (True, "flat", 10_002)
    assert "IVF-PQ is not built yet" in report.reason
    assert list((root / "ann").iterdir()) == []
    assert index_folder(tmp_path / "tiles", root).kind == "ivfpq"


def test_the_call_from_python(archive: Path, tmp_path: Path) -> None:
    files = tifs(archive)
    report = index_tiles(str(archive), index=str(tmp_path / "a"), model="untrained", label_from="parent")
    assert counts(report) == {"embedded": 6}
    assert {tuple(tile.columns["labels"]) for tile in stored_tiles(tmp_path / "a")} == {("f0",), ("f1",)}
    assert counts(index_tiles([*files[:2], str(files[5])], index=tmp_path / "b", model="untrained")) == {"embedded": 3}
    assert counts(index_tiles(archive, index=tmp_path / "b")) == {"embedded": 3, "unchanged": 3}
    (tmp_path / "l.csv").write_text(f"file,label\n{files[0]},lake;ice\n")
    assert counts(index_tiles(archive, index=tmp_path / "b", labels=tmp_path / "l.csv")) == {
        "taken_over": 1,
        "replaced": 1,
        "unchanged": 5,
    }
    assert counts(index_tiles(archive, index=tmp_path / "b", offset=-100, bands="ten")) == {
        "embedded": 6,
        "replaced": 6,
    }
    with SearchIndex.open(tmp_path / "b") as index:
        assert [hit.labels for hit in index.search("x", k=6) if hit.source == str(files[0])] == [("lake", "ice")]


@dataclass(frozen=True, slots=True)
class Said:
    """An error, and what it says."""

    error: type[Exception]
    sentence: str


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"index": "{tmp}/none"}, Said(ModelError, "needs to be loaded")),
        (
            {"model": "llama3-ms-clip-base"},
            Said(ModelMismatch, "made with the model untrained, not with llama3-ms-clip-base"),
        ),
        ({"model": "untrained", "index": "{tmp}/tiles"}, Said(IndexFolderError, "is not empty and no msclip-search")),
        ({"archive": "{tmp}/none"}, Said(ArchiveError, "There is no")),
        ({"label_from": "grandparent"}, Said(ArchiveError, "'parent'.* not from 'grandparent'")),
        ({"label_from": "parent", "labels": "x.csv"}, Said(ArchiveError, "give one of the two")),
        ({"labels": "{tmp}/none.csv"}, Said(ArchiveError, "cannot be read")),
        ({"bands": "B99"}, Said(MsclipError, "is no band")),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], said: Said
) -> None:
    index_tiles(archive, index=tmp_path / "idx", model="untrained")

    def refuse(name: str, **_: object) -> None:
        raise ModelError(f"{name} needs to be loaded")

    monkeypatch.setattr(models, "load", refuse)
    filled = {name: value.format(tmp=tmp_path) for name, value in arguments.items()}
    where = filled.pop("archive", str(archive))
    with pytest.raises(said.error, match=said.sentence):
        index_tiles(where, **{"index": tmp_path / "idx", **filled})


def test_the_encoder_of_the_test_is_the_model(archive: Path, root: Path, tmp_path: Path) -> None:
    index_folder(archive, root, Counting())
    index_tiles(archive, index=tmp_path / "other", model="untrained")
    ours, theirs = stored_tiles(root), stored_tiles(tmp_path / "other")
    assert sources(ours) == sources(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one.vector, other.vector)
    assert ENCODER.fingerprint == newest_or_raise(root).model["fingerprint"]
