"""Compacting changes how an index lies on the disk, and nothing that is found in it."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from msclip_search import (
    IndexConflict,
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    SearchIndex,
    StorageError,
    compact_index,
    remove_tiles,
    verify,
)
from msclip_search.filters import Filter
from msclip_search.indexes import Plan
from msclip_search.maintenance import compaction
from msclip_search.store import newest_or_raise, open_snapshot, open_writer, plan_folds
from msclip_search.store.durable import FileEntry, checksum
from msclip_search.store.folding import Fold
from tests.folder.making import (
    MODEL,
    NONE_DELETED,
    QUICK_PLAN,
    age,
    files_of,
    layout_of,
    make_index,
    newest_body,
    record,
    stored_tiles,
    units,
)


def delete(root: Path, rows: list[int]) -> None:
    writer = open_writer(root, model=MODEL)
    writer.commit([], units(0), delete=np.array(rows, dtype=np.int64))


def contents(root: Path) -> list[tuple[dict[str, object], bytes]]:
    """Read what is kept of each live tile, in the order of rows."""
    return [(tile.columns, tile.vector.tobytes()) for tile in stored_tiles(root)]


def found(root: Path) -> list[tuple[str, float, float]]:
    with SearchIndex.open(root) as index:
        return [(hit.tile_id, hit.score, hit.percentile) for hit in index.search("a lake", k=100_000)]


def segments(root: Path) -> list[tuple[int, int, int]]:
    return [(entry["number"], entry["rows"], entry["deleted_rows"]) for entry in newest_body(root)["segments"]]


def test_all_is_found_as_before_in_one_segment(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 50, 1, 700, 3)
    delete(tmp_path / "idx", [0, 7, 49, 50, 51, 400, 753])
    kept, ranked = contents(tmp_path / "idx"), found(tmp_path / "idx")
    assert len(kept) == 747
    done = compact_index(tmp_path / "idx")
    assert (done.tiles, done.dropped, done.segments_before, done.segments) == (747, 7, 4, 1)
    assert done.changed
    assert not done.interrupted
    assert done.size == sum(file.size for file in newest_or_raise(tmp_path / "idx").files)
    assert segments(tmp_path / "idx") == [(5, 747, 0)]
    assert contents(tmp_path / "idx") == kept
    assert found(tmp_path / "idx") == ranked
    assert not verify(tmp_path / "idx").problems


def test_again_there_is_nothing_to_do(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 5, 5)
    compact_index(tmp_path / "idx")
    before = files_of(tmp_path / "idx")
    done = compact_index(tmp_path / "idx")
    assert not done.changed
    assert (done.tiles, done.segments, done.dropped) == (10, 1, 0)
    assert files_of(tmp_path / "idx") == before


@pytest.mark.parametrize("rows", [[], [2], list(range(6))])
def test_an_index_without_tiles_folds_to_no_segment(tmp_path: Path, rows: list[int]) -> None:
    make_index(tmp_path / "idx", 2, 4)
    delete(tmp_path / "idx", list(range(6)))
    assert compact_index(tmp_path / "idx").segments == 0
    assert found(tmp_path / "idx") == []
    assert not verify(tmp_path / "idx").problems
    writer = open_writer(tmp_path / "idx", model=MODEL)
    writer.commit([record(n) for n in rows], units(len(rows)), delete=NONE_DELETED)
    assert [int(tile.columns["tile_id"], 16) for tile in stored_tiles(tmp_path / "idx")] == rows


def test_full_segments_stay_and_large_ones_are_cut(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 3, 3, 10, 2, 10, 4, 9)
    delete(tmp_path / "idx", [19])  # in the second of ten
    plan = plan_folds(open_snapshot(tmp_path / "idx"), most=10)
    kept = [part.number if not isinstance(part, Fold) else part.rows.tolist() for part in plan]
    live = [row for row in range(16, 41) if row != 19]
    assert kept == [[0, 1, 2, 3, 4, 5], 3, live[:10], live[10:20], live[20:]]


def test_one_segment_alone_stays_unless_rows_of_it_are_deleted(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 10, 4, 10)
    assert [part.number for part in plan_folds(open_snapshot(tmp_path / "idx"), most=10)] == [1, 2, 3]  # type: ignore[union-attr]
    delete(tmp_path / "idx", [11])
    plan = plan_folds(open_snapshot(tmp_path / "idx"), most=10)
    assert [isinstance(part, Fold) for part in plan] == [False, True, False]


def test_row_groups_are_filled_and_columns_of_later_versions_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("msclip_search.catalog.folding.ROW_GROUP", 64)
    make_index(tmp_path / "idx", 40, 40, 70)
    delete(tmp_path / "idx", [3, 100])
    path = layout_of(tmp_path / "idx").sidecar(2)
    more = pq.read_table(path).append_column("snr", pa.array(np.arange(40.0)))
    rewrite(tmp_path / "idx", path, more)
    kept = [{"snr": None} | columns for columns, _ in contents(tmp_path / "idx")]
    compact_index(tmp_path / "idx")
    assert [columns for columns, _ in contents(tmp_path / "idx")] == kept
    assert [columns["snr"] for columns in kept[39:79]] == list(range(40))
    folded = pq.ParquetFile(layout_of(tmp_path / "idx").sidecar(4))
    assert [folded.metadata.row_group(at).num_rows for at in range(folded.num_row_groups)] == [64, 64, 20]
    assert b"geo" in folded.schema_arrow.metadata


def rewrite(root: Path, path: Path, table: pa.Table) -> None:
    """Put another content into a file in force, as if it had been written so."""
    pq.write_table(table, path)
    name = path.relative_to(root).as_posix()
    manifest = newest_or_raise(root)
    altered = [
        replace(
            segment,
            files=tuple(
                FileEntry(name, path.stat().st_size, checksum(path)) if file.path == name else file
                for file in segment.files
            ),
        )
        for segment in manifest.segments
    ]
    layout = layout_of(root)
    layout.manifest(manifest.number).write_bytes(replace(manifest, segments=tuple(altered)).to_json())


def test_altered_files_are_not_copied(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 20, 20)
    path = layout_of(tmp_path / "idx").vectors(2)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    before = files_of(tmp_path / "idx")
    with pytest.raises(IndexDamaged, match=r"segments/000002/vectors\.npy .* has been altered"):
        compact_index(tmp_path / "idx")
    assert files_of(tmp_path / "idx") == before


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Plan an ANN index that is trained in a second."""
    monkeypatch.setattr(compaction, "plan_for", lambda _: QUICK_PLAN)
    return QUICK_PLAN


def test_the_ann_index_is_built_anew_in_the_same_manifest(tmp_path: Path, quick: Plan) -> None:
    make_index(tmp_path / "idx", 6000, 5000)
    delete(tmp_path / "idx", list(range(100, 200)))
    number = newest_or_raise(tmp_path / "idx").number
    stages: list[str] = []
    done = compact_index(tmp_path / "idx", progress=lambda stage, _done, _total: stages.append(stage))
    after = newest_or_raise(tmp_path / "idx")
    assert (after.number, after.parent, done.segments) == (number + 1, number, 1)
    assert after.ann is not None
    assert (after.ann.rows, after.ann.generation, after.ann.factory) == (10_900, 1, quick.factory)
    assert list(dict.fromkeys(stages)) == ["checking", "folding", "training IVF-PQ", "filling IVF-PQ", "writing IVF-PQ"]
    assert not verify(tmp_path / "idx").problems
    vectors = np.stack([tile.vector for tile in stored_tiles(tmp_path / "idx")]).astype(np.float64)
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search_vectors(vectors[[5, 10_000]], k=1)
    for hit, row in zip(hits, (5, 10_000), strict=True):
        assert hit[0].tile_id == stored_tiles(tmp_path / "idx")[row].columns["tile_id"]
        assert hit[0].score == pytest.approx(vectors[row] @ vectors[row], abs=1e-3)
    assert not compact_index(tmp_path / "idx").changed
    delete(tmp_path / "idx", [0])
    assert compact_index(tmp_path / "idx").changed
    assert newest_or_raise(tmp_path / "idx").ann.rows == 10_899  # type: ignore[union-attr]


@pytest.mark.parametrize("stage", ["checking", "folding", "training IVF-PQ", "filling IVF-PQ", "writing IVF-PQ"])
def test_stopped_anywhere_the_index_is_as_it_was(tmp_path: Path, quick: Plan, stage: str) -> None:
    assert quick
    make_index(tmp_path / "idx", 5000, 5000)
    before, stop = files_of(tmp_path / "idx"), threading.Event()

    def press(now: str, _done: int, _total: int) -> None:
        if now == stage:
            stop.set()

    done = compact_index(tmp_path / "idx", stop=stop, progress=press)
    left = files_of(tmp_path / "idx")
    if stage == "writing IVF-PQ":  # it is nearly over: it comes to its end
        assert done.changed
        assert not done.interrupted
        assert segments(tmp_path / "idx") == [(3, 10_000, 0)]
        return
    assert done.interrupted
    assert not done.changed
    assert left == before
    assert not list((tmp_path / "idx" / "segments").glob("*3"))


def test_another_commit_meanwhile_wins(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 5, 5)

    def barge_in(stage: str, done: int, total: int) -> None:
        if stage == "folding" and done == total:
            open_writer(tmp_path / "idx", model=MODEL).commit([record(99)], units(1), delete=NONE_DELETED)

    with pytest.raises(IndexConflict):
        compact_index(tmp_path / "idx", progress=barge_in)
    assert segments(tmp_path / "idx") == [(1, 5, 0), (2, 5, 0), (4, 1, 0)]
    assert not verify(tmp_path / "idx").problems
    assert compact_index(tmp_path / "idx").segments == 1


def test_a_full_disk_leaves_the_index_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_index(tmp_path / "idx", 5, 5)
    before = files_of(tmp_path / "idx")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.lib.format.write_array_header_1_0", full)
    with pytest.raises(StorageError, match="No space left"):
        compact_index(tmp_path / "idx")
    assert files_of(tmp_path / "idx") == before


def test_an_open_reader_goes_on_and_the_old_files_go_after_a_time_of_grace(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 30, 30)
    with SearchIndex.open(tmp_path / "idx") as reader:
        remove_tiles(tmp_path / "idx", within=Filter(where="tile_id > '00000000000000000000000000000010'"))
        compact_index(tmp_path / "idx")
        assert len(reader.search("a lake", k=100)) == 60
        age(tmp_path / "idx", 4000)
        done = compact_index(tmp_path / "idx")
        assert not done.changed
        assert layout_of(tmp_path / "idx").segment_numbers() == [3]
        with pytest.raises(IndexOutdated, match=r"has gone on since it was opened.*: open it again"):
            reader.search("a lake", k=100)
    assert len(stored_tiles(tmp_path / "idx")) == 17


def test_a_file_that_is_missing_from_what_is_in_force_is_damage(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 3)
    with SearchIndex.open(tmp_path / "idx") as reader:
        layout_of(tmp_path / "idx").sidecar(1).unlink()
        with pytest.raises(IndexDamaged, match=r"lacks segments/000001/tiles\.parquet"):
            reader.search("a lake")


def test_where_there_is_no_index_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing):
        compact_index(tmp_path / "none")
    assert not (tmp_path / "none").exists()
