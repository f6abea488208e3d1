"""Segments, deletion bitmaps, generations of the ANN index, sweeping: what a commit writes and what is read back."""

import errno
import os
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import xxhash

from msclip_search import IndexConflict, IndexDamaged, IndexFolderError, SearchIndex, StorageError, verify
from msclip_search.store import (
    AnnFiles,
    Layout,
    Snapshot,
    covered,
    newest_or_raise,
    open_snapshot,
    open_writer,
    positions,
    read_sample,
    sample_rows,
    succession,
    sweep,
    to_runs,
)
from msclip_search.store import writer as writing
from tests.folder.making import (
    ENCODER,
    MODEL,
    NONE_DELETED,
    age,
    files_of,
    make_index,
    newest_body,
    record,
    stored_tiles,
    units,
)


def rows_of(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(numbers, dtype=np.int64)


def full(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Every row of the sidecars, deleted ones included, read whole with nothing of ours."""
    paths = [snapshot.layout.sidecar(segment.number) for segment in snapshot.manifest.segments]
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def test_the_folder_lies_as_it_is_documented(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    make_index(root, 3, 2).commit([record(5)], units(1), delete=rows_of(1))
    assert sorted(files_of(root)) == [
        "LATEST",
        "deleted/000001-000003.npy",
        "manifests/000001.json",
        "manifests/000002.json",
        "manifests/000003.json",
        "segments/000001/tiles.parquet",
        "segments/000001/vectors.npy",
        "segments/000002/tiles.parquet",
        "segments/000002/vectors.npy",
        "segments/000003/tiles.parquet",
        "segments/000003/vectors.npy",
    ]
    assert (root / "ann").is_dir()
    body = newest_body(root)
    for entry in [file for segment in body["segments"] for file in (*segment["files"], segment["deleted"]) if file]:
        content = (root / entry["path"]).read_bytes()
        assert (entry["size"], entry["xxh64"]) == (len(content), xxhash.xxh64_hexdigest(content))
    assert [segment["rows"] for segment in body["segments"]] == [3, 2, 1]
    assert body["model"] == {
        "fingerprint": ENCODER.fingerprint,
        "weights": ENCODER.weights and ENCODER.weights.to_dict(),
        "spec": ENCODER.spec.to_dict(),
    }
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", body["created"])
    assert re.fullmatch(r"msclip-search \d+\.\d+\.\d+", body["software"])


def test_vectors_are_kept_to_the_bit_as_float16_and_mapped(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    make_index(root, 30, 1, 40)
    expected = np.concatenate([units(30, seed=0), units(1, seed=1), units(40, seed=2)])
    on_disk = [np.load(root / "segments" / f"00000{number}" / "vectors.npy") for number in (1, 2, 3)]
    np.testing.assert_array_equal(np.concatenate(on_disk), expected)
    assert {array.dtype.str for array in on_disk} == {"<f2"}
    snapshot = open_snapshot(root)
    assert isinstance(snapshot.stored(snapshot.manifest.segments[0]), np.memmap)
    np.testing.assert_array_equal(snapshot.vectors.take(np.arange(71)), expected.astype(np.float32))
    lengths = np.linalg.norm(expected.astype(np.float64), axis=1)
    assert abs(lengths - 1).max() < 1e-3


def test_each_vector_has_an_independent_hash_in_the_sidecar(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 20)
    for tile in stored_tiles(tmp_path / "idx"):
        assert tile.columns["vector_xxh64"] == xxhash.xxh64(tile.vector.astype("<f2").tobytes()).intdigest()


def test_rows_are_read_in_any_order_across_segments(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 7, 1, 20, 3)
    snapshot = open_snapshot(tmp_path / "idx")
    whole = full(snapshot)
    draws = np.random.default_rng(3)
    for count in (1, 2, 31, 100):
        rows = draws.integers(0, 31, count)
        assert snapshot.take(rows).to_pylist() == [whole[row] for row in rows]
    assert snapshot.take(np.arange(31)[::-1].copy()).to_pylist() == whole[::-1]
    assert snapshot.take(NONE_DELETED).num_rows == 0
    assert snapshot.take(NONE_DELETED).schema.equals(snapshot.take(rows_of(3)).schema)


def test_columns_stream_with_their_row_numbers(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 4, 3)
    snapshot = open_snapshot(tmp_path / "idx")
    streamed = [(start, batch.to_pydict()) for start, batch in snapshot.columns(["source", "tile_id"])]
    assert [start for start, _ in streamed] == [0, 4]
    assert [list(columns) for _, columns in streamed] == [["source", "tile_id"]] * 2
    assert [name for _, columns in streamed for name in columns["source"]] == [f"/tiles/{n}.tif" for n in range(7)]


def test_origins_are_those_of_the_row(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "idx", model=MODEL, kind="auto")
    for first in (0, 5):
        records = [record(number, labels=("a", f"label {number}")) for number in range(first, first + 5)]
        writer.commit(records, units(5, seed=first), delete=NONE_DELETED)
    snapshot = open_snapshot(tmp_path / "idx")
    for row in (0, 7, 3, 9, 4):
        origin = snapshot.origin(row)
        assert (origin.source, origin.fingerprint) == (f"/tiles/{row}.tif", f"1-{row} as-is")
        assert origin.labels == ("a", f"label {row}")


def test_an_index_that_was_made_anew_at_its_place_is_not_mistaken_for_the_old(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    make_index(root, 5)
    assert open_snapshot(root).origin(2).source == "/tiles/2.tif"
    root.rename(tmp_path / "away")
    make_index(root, 5, first=100)
    assert open_snapshot(root).origin(2).source == "/tiles/102.tif"


def test_a_bitmap_made_by_hand_deletes(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    make_index(root, 21).commit([record(21)], units(1, seed=9), delete=rows_of(20))
    body = newest_body(root)
    assert body["segments"][0]["deleted"]["path"] == "deleted/000001-000002.npy"
    bits = np.load(root / "deleted" / "000001-000002.npy")
    assert (bits.dtype.str, bits.tolist()) == ("|u1", [0, 0, 0b0001_0000])  # row 20: byte 2, bit 4
    # The same, by hand: rows 0, 9 and 20.
    path = root / "deleted" / "000001-000002.npy"
    np.save(path, np.array([0b0000_0001, 0b0000_0010, 0b0001_0000], dtype=np.uint8))
    manifest = newest_or_raise(root)
    assert manifest.segments[0].deleted is not None
    with pytest.raises(IndexDamaged, match="marks 3 rows where 1 are deleted"):
        _ = open_snapshot(root).live
    text = (root / "manifests" / "000002.json").read_bytes()
    old = manifest.segments[0].deleted
    for before, after in (
        (b'"deleted_rows": 1', b'"deleted_rows": 3'),
        (old.xxh64.encode(), xxhash.xxh64_hexdigest(path.read_bytes()).encode()),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    head = text.rpartition(b',\n "checksum"')[0]
    seal = f',\n "checksum": "{xxhash.xxh64_hexdigest(head)}"\n}}\n'.encode()
    (root / "manifests" / "000002.json").write_bytes(head + seal)
    snapshot = open_snapshot(root)
    assert snapshot.live is not None
    assert np.flatnonzero(~snapshot.live).tolist() == [0, 9, 20]
    assert snapshot.live_rows.tolist() == [row for row in range(22) if row not in {0, 9, 20}]
    assert verify(root).problems == ()
    with SearchIndex.open(root) as index:
        assert len(index) == 19
        found = {hit.tile_id for hit in index.search_vectors(units(1), k=100)[0]}
    assert found == {f"{row:032x}" for row in range(22) if row not in {0, 9, 20}}


@pytest.mark.parametrize(
    "bits",
    [np.zeros(3, np.uint8), np.zeros(2, np.int8), np.zeros((2, 1), np.uint8), np.zeros(1, np.uint8)],
)
def test_a_bitmap_of_another_shape_is_damage(tmp_path: Path, bits: np.ndarray[Any, np.dtype[Any]]) -> None:
    make_index(tmp_path / "idx", 12).commit([], units(0), delete=rows_of(3))
    np.save(tmp_path / "idx" / "deleted" / "000001-000002.npy", bits)
    snapshot = make_snapshot_without_sizes(tmp_path / "idx")
    with pytest.raises(IndexDamaged, match="is not one of 12 rows"):
        _ = snapshot.live


def make_snapshot_without_sizes(root: Path) -> Snapshot:
    from msclip_search.store import take_snapshot

    return take_snapshot(Layout(root), newest_or_raise(root))


def test_deletions_add_up_from_commit_to_commit(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 9, 9, 9)
    gone: set[int] = set()
    for delete in ([0, 8], [9], [8, 10, 26], [0]):
        manifest = writer.commit([], units(0), delete=rows_of(*delete))
        gone |= set(delete)
        assert (manifest.rows, manifest.deleted_rows, manifest.tiles) == (27, len(gone), 27 - len(gone))
        assert [tile.row for tile in stored_tiles(root)] == [row for row in range(27) if row not in gone]
    paths = [segment.deleted and segment.deleted.path for segment in manifest.segments]
    assert paths == ["deleted/000001-000004.npy", "deleted/000002-000006.npy", "deleted/000003-000006.npy"]
    assert verify(root).problems == ()


def test_rows_that_are_not_there_cannot_be_deleted(tmp_path: Path) -> None:
    writer = make_index(tmp_path / "idx", 4)
    before = files_of(tmp_path / "idx")
    with pytest.raises(IndexError):
        writer.commit([record(9)], units(1), delete=rows_of(4))
    assert files_of(tmp_path / "idx") == before


@pytest.mark.parametrize("vectors", [units(2), units(1).astype(np.float32), units(1, dimension=63), units(1)[0]])
def test_vectors_that_do_not_fit_are_refused(tmp_path: Path, vectors: np.ndarray[Any, np.dtype[Any]]) -> None:
    writer = open_writer(tmp_path / "idx", model=MODEL, kind="auto")
    with pytest.raises(ValueError, match=r"Vectors are float16 \(1, 64\), not"):
        writer.commit([record(1)], vectors, delete=NONE_DELETED)


def test_numbers_of_segments_and_generations_are_never_given_twice(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 2, 2)
    writer.commit_ann(ann_files(writer.snapshot))
    writer.drop_ann()
    # A later version drops what is wholly deleted from its manifest, and sweeps it.
    writer.manifest = succession.publish(
        writer.layout, replace(writer.manifest, number=5, parent=4, segments=writer.manifest.segments[:1])
    )
    age(root, 7200)
    sweep(writer.layout, writer.manifest)
    assert sorted(path.name for path in (root / "segments").iterdir()) == ["000001"]
    assert list((root / "ann").iterdir()) == []
    manifest = make_index(root, 1, first=9).manifest
    assert [entry.number for entry in manifest.segments] == [1, 3]
    writer = open_writer(root, model=MODEL, kind="auto")
    manifest = writer.commit_ann(ann_files(writer.snapshot))
    assert manifest.ann is not None
    assert manifest.ann.generation == 2
    assert (manifest.last_segment, manifest.last_generation) == (3, 2)


def ann_files(snapshot: Snapshot, *, content: bytes = b"no FAISS index") -> AnnFiles:
    rows = snapshot.live_rows

    def save(path: Path) -> None:
        path.write_bytes(content)

    return AnnFiles(
        kind="ivfpq",
        factory="IVF1,PQ1",
        nlist=1,
        nprobe=1,
        runs=to_runs(snapshot, rows),
        sample=snapshot.vectors.take(sample_rows(rows)).astype(np.float16),
        save=save,
    )


def test_a_generation_is_written_and_found_again(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 5, 5)
    writer.commit([record(10)], units(1, seed=7), delete=rows_of(2, 5, 6))
    manifest = writer.commit_ann(ann_files(writer.snapshot))
    assert manifest.ann is not None
    assert [file.path for file in manifest.ann.files] == [
        f"ann/000001/{n}" for n in ("index.faiss", "rows.npy", "sample.npy")
    ]
    assert np.load(root / "ann" / "000001" / "rows.npy").tolist() == [[1, 0, 2], [1, 3, 2], [2, 2, 3], [3, 0, 1]]
    snapshot = open_snapshot(root)
    assert positions(snapshot).tolist() == [0, 1, 3, 4, 7, 8, 9, 10]
    assert covered(snapshot) == 8
    np.testing.assert_array_equal(read_sample(snapshot), snapshot.vectors.take(positions(snapshot)))
    # What comes later is not in it; what is deleted later is not covered.
    make_index(root, 3, first=20).commit([], units(0), delete=rows_of(0, 12))
    snapshot = open_snapshot(root)
    assert positions(snapshot).tolist() == [0, 1, 3, 4, 7, 8, 9, 10]
    assert covered(snapshot) == 7


def test_positions_outlive_segments_that_go(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 3, 2, 4)
    writer.commit_ann(ann_files(writer.snapshot))
    kept = (writer.manifest.segments[2], writer.manifest.segments[0])
    succession.publish(writer.layout, replace(writer.manifest, number=5, parent=4, segments=kept))
    assert positions(open_snapshot(root)).tolist() == [4, 5, 6, -1, -1, 0, 1, 2, 3]


@pytest.mark.parametrize("seed", range(5))
def test_runs_are_the_rows(tmp_path: Path, seed: int) -> None:
    draws = np.random.default_rng(seed)
    counts = [int(count) for count in draws.integers(1, 9, 6)]
    writer = make_index(tmp_path / "idx", *counts)
    chosen = np.flatnonzero(draws.random(sum(counts)) < 0.7)
    runs = to_runs(writer.snapshot, chosen)
    starts = np.concatenate([[0], np.cumsum(counts)])
    spelt = [int(starts[segment - 1]) + first + at for segment, first, length in runs.tolist() for at in range(length)]
    assert spelt == chosen.tolist()
    assert to_runs(writer.snapshot, NONE_DELETED).shape == (0, 3)


@pytest.mark.parametrize(
    "runs",
    [
        [[1, 1, 4], [2, 0, 6]],  # beyond its segment's end
        [[1, -1, 4], [2, 0, 6]],
        [[1, 0, 11], [2, 0, -1]],
        [[1, 0, 5]],
        [1, 0, 10],
        [[1, 0, 5, 0], [2, 0, 5, 0]],
    ],
)
def test_a_list_of_positions_that_is_none_is_damage(tmp_path: Path, runs: list[Any]) -> None:
    writer = make_index(tmp_path / "idx", 4, 6)
    writer.commit_ann(ann_files(writer.snapshot))
    np.save(tmp_path / "idx" / "ann" / "000001" / "rows.npy", np.array(runs, dtype=np.int64))
    with pytest.raises(IndexDamaged, match=r"rows\.npy"):
        positions(make_snapshot_without_sizes(tmp_path / "idx"))


def test_the_sample_is_drawn_evenly_and_always_the_same() -> None:
    rows = np.arange(0, 60_000, 2)
    drawn = sample_rows(rows)
    assert len(drawn) == len(set(drawn.tolist())) == 8192
    assert (np.diff(drawn) > 0).all()
    np.testing.assert_array_equal(drawn, sample_rows(rows))
    assert set(drawn.tolist()) <= set(rows.tolist())
    # Of a tenth of the rows comes a tenth of the sample, ± five standard deviations.
    shares = np.histogram(drawn, bins=10, range=(0, 60_000))[0]
    assert abs(shares - 819.2).max() < 5 * np.sqrt(819.2)
    np.testing.assert_array_equal(sample_rows(np.arange(8192)), np.arange(8192))


def test_kind_and_model_are_recorded_where_they_have_changed(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    make_index(root, 3)
    assert open_writer(root, model=MODEL, kind="auto").record().number == 1
    moved = MODEL | {"weights": {"path": "/elsewhere"}}
    manifest = open_writer(root, model=moved, kind="flat").record()
    assert (manifest.number, manifest.kind, manifest.model["weights"]) == (2, "flat", {"path": "/elsewhere"})
    assert manifest.segments == newest_or_raise(root).segments
    assert open_writer(root, model=moved, kind="flat").record().number == 2
    assert make_index(root, 1, first=3).manifest.model == MODEL


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(IndexFolderError, match="is not empty and no msclip-search index"):
        open_writer(tmp_path / "mine", model=MODEL, kind="auto")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    with pytest.raises(IndexFolderError, match=r"thesis\.txt is a file, not a folder"):
        open_writer(tmp_path / "mine" / "thesis.txt", model=MODEL, kind="auto")
    with pytest.raises(StorageError):
        open_writer(tmp_path / "mine" / "thesis.txt" / "idx", model=MODEL, kind="auto")
    (tmp_path / "half" / "manifests").mkdir(parents=True)
    (tmp_path / "half" / "segments").touch()
    with pytest.raises(IndexFolderError, match="segments is a file where the index has a folder"):
        open_writer(tmp_path / "half", model=MODEL, kind="auto")


def test_an_empty_folder_and_one_cut_short_at_its_making_become_an_index(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert make_index(tmp_path / "empty", 1).manifest.number == 1
    (tmp_path / "deep" / "er" / "manifests").mkdir(parents=True)
    assert make_index(tmp_path / "deep" / "er", 1).manifest.number == 1


def test_nothing_is_appended_to_an_index_that_lacks_a_file(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 3)
    (tmp_path / "idx" / "segments" / "000001" / "vectors.npy").unlink()
    with pytest.raises(IndexDamaged, match=r"lacks segments/000001/vectors\.npy"):
        open_writer(tmp_path / "idx", model=MODEL, kind="auto")


def test_a_commit_that_fails_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 4)
    before = files_of(root)
    synced = os.fsync
    for fails_at in range(1, 9):
        calls = 0

        def fsync(descriptor: int) -> None:
            nonlocal calls
            calls += 1
            if calls == fails_at:  # noqa: B023 - called within this round
                raise OSError(errno.ENOSPC, "No space left on device")
            synced(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(StorageError, match=r"^The disk is full: writing .* run the same command again"):
            writer.commit([record(7)], units(1), delete=rows_of(2))
        monkeypatch.setattr(os, "fsync", synced)
        if fails_at < 8:
            assert files_of(root) == before, fails_at
            assert writer.manifest.number == 1
    # The eighth is that of the manifests' folder: by then the commit is in force, and stands.
    assert calls == 8
    assert writer.manifest.number == newest_or_raise(root).number == 2
    assert verify(root).problems == ()
    writer.commit([record(8)], units(1), delete=rows_of(3))
    assert [tile.columns["tile_id"][-1] for tile in stored_tiles(root)] == ["0", "1", "7", "8"]


def test_a_commit_that_is_broken_off_is_made_once_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 4)
    create, sync = succession.publish, os.fsync

    def before(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "publish", before)
    content = files_of(root)
    with pytest.raises(KeyboardInterrupt):
        writer.commit([record(7)], units(1), delete=rows_of(2))
    assert files_of(root) == content
    assert writer.manifest.number == 1

    def after(*arguments: Any) -> None:  # noqa: ANN401
        create(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "publish", after)
    with pytest.raises(KeyboardInterrupt):
        writer.commit([record(7)], units(1), delete=rows_of(2))
    monkeypatch.setattr(writing, "publish", create)
    monkeypatch.setattr(os, "fsync", sync)
    assert writer.manifest == newest_or_raise(root)
    assert writer.manifest.number == 2
    assert writer.commit([record(8)], units(1), delete=NONE_DELETED).number == 3
    assert [tile.columns["tile_id"][-1] for tile in stored_tiles(root)] == ["0", "1", "3", "7", "8"]
    assert verify(root).problems == ()


def test_folders_that_cannot_be_synchronised_are_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = os.fsync

    def fsync(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112
            raise OSError(errno.EINVAL, "Invalid argument")
        synced(descriptor)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("tells folders from files by /proc")
    monkeypatch.setattr(os, "fsync", fsync)
    make_index(tmp_path / "idx", 2)
    assert verify(tmp_path / "idx").problems == ()


def test_what_a_commit_names_is_on_the_disk_before_its_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("tells what is synchronised by /proc")
    root = tmp_path / "idx"
    writer = make_index(root, 4)
    events: list[str] = []
    synced, link = os.fsync, os.link

    def fsync(descriptor: int) -> None:
        events.append(Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(root).as_posix())
        synced(descriptor)

    def linked(source: Path, target: Path) -> None:
        events.append("LINK")
        link(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", linked)
    writer.commit([record(7)], units(1), delete=rows_of(2))
    assert re.sub(r"\.\d+\.[0-9a-f]{8}$", "", events.pop(6)) == "manifests/.000002.json"
    assert events == [
        "deleted/000001-000002.npy",
        "segments/000002/tiles.parquet",
        "segments/000002/vectors.npy",
        "segments/000002",
        "segments",
        "deleted",
        "LINK",
        "manifests",
    ]


def test_sweeping_removes_what_nobody_names_and_only_after_the_grace(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 4, 4)
    writer.commit([], units(0), delete=rows_of(1))
    writer.commit([], units(0), delete=rows_of(2, 6))
    writer.commit_ann(ann_files(writer.snapshot))
    writer.commit_ann(ann_files(writer.snapshot))
    left = (".LATEST.9", "manifests/.000009.json.1.ab", "segments/000009/tiles.parquet", "deleted/000001-000009.npy")
    for name in left:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    everything = files_of(root)
    assert sweep(writer.layout, writer.manifest) == []
    assert files_of(root) == everything
    age(root, 3500)
    assert sweep(writer.layout, writer.manifest) == []
    age(root, 200)
    removed = sweep(writer.layout, writer.manifest)
    named = {file.path for file in writer.manifest.files}
    assert set(files_of(root)) == {"LATEST", "manifests/000006.json", *named}
    assert {path.relative_to(root).as_posix() for path in removed} == {
        *(f"manifests/{number:06d}.json" for number in range(1, 6)),
        ".LATEST.9",
        "manifests/.000009.json.1.ab",
        "segments/000009",
        "deleted/000001-000003.npy",
        "deleted/000001-000009.npy",
        "ann/000001",
    }
    assert verify(root).problems == ()
    assert sweep(writer.layout, writer.manifest) == []


def test_the_grace_begins_when_a_manifest_is_superseded(tmp_path: Path) -> None:
    # A reader may have opened a manifest of last year the moment before the next one came.
    root = tmp_path / "idx"
    writer = make_index(root, 4)
    writer.commit_ann(ann_files(writer.snapshot))
    age(root, 365 * 86_400)
    reader = open_snapshot(root)
    writer.commit_ann(ann_files(writer.snapshot, content=b"another"))
    removed = sweep(writer.layout, writer.manifest)
    assert [path.name for path in removed] == ["000001.json"]
    assert positions(reader).tolist() == [0, 1, 2, 3]
    assert (root / "ann" / "000001" / "index.faiss").read_bytes() == b"no FAISS index"
    age(root, 7200)
    sweep(writer.layout, writer.manifest)
    assert not (root / "ann" / "000001").exists()


def test_manifests_of_others_and_unfinished_ones_keep_what_they_name(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    ours = make_index(root, 4)
    theirs = open_writer(root, model=MODEL, kind="auto")
    theirs.commit([record(9)], units(1), delete=rows_of(0))
    (root / "manifests" / "000003.json").write_bytes(b"{")
    age(root, 7200)
    assert sweep(ours.layout, ours.manifest) == []
    assert verify(root).problems == ()
    # One that cannot be understood might name anything.
    (root / "manifests" / "000003.json").write_bytes(b'{"format": "other"}')
    (root / "segments" / "000009").mkdir()
    age(root, 7200)
    assert sweep(ours.layout, ours.manifest) == []
    (root / "manifests" / "000003.json").unlink()
    assert [path.name for path in sweep(theirs.layout, theirs.manifest)] == ["000001.json", "000009"]


def test_what_cannot_be_removed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 4, 4)
    age(root, 7200)

    def refuse(_path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert sweep(writer.layout, writer.manifest) == []
    monkeypatch.undo()
    assert [path.name for path in sweep(writer.layout, writer.manifest)] == ["000001.json"]


def test_two_who_delete_at_the_same_time(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    make_index(root, 4)
    writers = [open_writer(root, model=MODEL, kind="auto") for _ in range(4)]
    start, lost = threading.Barrier(4), []

    def delete(row: int) -> None:
        start.wait()
        try:
            writers[row].commit([], units(0), delete=rows_of(row))
        except IndexConflict as error:
            lost.append(error)

    threads = [threading.Thread(target=delete, args=(row,)) for row in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lost) == 3
    assert newest_or_raise(root).deleted_rows == 1
    assert verify(root).problems == ()
    assert len(list((root / "deleted").iterdir())) == 1
