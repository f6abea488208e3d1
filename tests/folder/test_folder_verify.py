"""What `verify` finds, and what opening finds already."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import xxhash

from msclip_search import IndexDamaged, IndexMissing, SearchIndex, catalog, verify
from msclip_search.store import open_writer
from tests.folder.making import MODEL, NONE_DELETED, StoredTile, make_index, newest_body, record, stored_tiles, units
from tests.folder.test_folder_store import ann_files

FILES = (
    "segments/000001/tiles.parquet",
    "segments/000001/vectors.npy",
    "segments/000002/tiles.parquet",
    "segments/000002/vectors.npy",
    "deleted/000001-000003.npy",
    "ann/000001/index.faiss",
    "ann/000001/rows.npy",
    "ann/000001/sample.npy",
)
"""Every kind of file that a manifest names."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make an index of two segments, with deleted rows and an ANN index."""
    writer = make_index(tmp_path / "idx", 40, 30)
    writer.commit([], units(0), delete=np.array([3, 17]))
    writer.commit_ann(ann_files(writer.snapshot, content=b"what FAISS would write" * 20))
    return tmp_path / "idx"


def reseal(root: Path, change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
    """Write the newest manifest anew, with the sizes and checksums of the files as they are now."""
    path = max((root / "manifests").glob("0*.json"))
    body = newest_body(root)
    del body["checksum"]
    change(body)
    entries = [file for segment in body["segments"] for file in (*segment["files"], segment["deleted"]) if file]
    for entry in [*entries, *(body["ann"]["files"] if body["ann"] else ())]:
        content = (root / entry["path"]).read_bytes()
        entry |= {"size": len(content), "xxh64": xxhash.xxh64_hexdigest(content)}
    head = json.dumps(body, indent=1).removesuffix("\n}").encode()
    path.write_bytes(head + f',\n "checksum": "{xxhash.xxh64_hexdigest(head)}"\n}}\n'.encode())


def test_a_sound_index_has_no_problems(root: Path) -> None:
    said: list[int] = []
    read: list[int] = []
    found = verify(root, start=said.append, advance=read.append)
    assert found.problems == ()
    assert (found.files, found.rows) == (len(FILES), 70)
    assert found.size == sum((root / name).stat().st_size for name in FILES)
    assert said == [found.size]
    assert sum(read) == found.size
    reseal(root)
    assert verify(root).problems == ()


def test_every_file_is_named_in_this_test(root: Path) -> None:
    body = newest_body(root)
    named = [file["path"] for segment in body["segments"] for file in (*segment["files"], segment["deleted"]) if file]
    assert sorted([*named, *(file["path"] for file in body["ann"]["files"])]) == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_wherever_it_is(root: Path, name: str) -> None:
    content = (root / name).read_bytes()
    for place in (0, len(content) // 2, len(content) - 1):
        altered = bytearray(content)
        altered[place] ^= 0x10
        (root / name).write_bytes(altered)
        problems = verify(root).problems
        assert problems == (f"{name} has been altered: its checksum is not the one it was written with.",)
    (root / name).write_bytes(content)
    assert verify(root).problems == ()


@pytest.mark.parametrize("name", FILES)
def test_a_missing_or_truncated_file_is_found_at_opening_and_by_verify(root: Path, name: str) -> None:
    content = (root / name).read_bytes()
    for changed in (content[:-1], content + b"\0", b""):
        (root / name).write_bytes(changed)
        with pytest.raises(IndexDamaged, match=f"The file {name} of the index .* has {len(changed):,} bytes where"):
            SearchIndex.open(root)
        assert verify(root).problems == (f"{name} has {len(changed):,} bytes where {len(content):,} were written.",)
    (root / name).unlink()
    with pytest.raises(IndexDamaged, match=f"lacks {name} .No such file or directory.. Restore it from a copy"):
        SearchIndex.open(root)
    assert verify(root).problems == (f"{name} cannot be read: No such file or directory.",)


def test_all_problems_are_named(root: Path) -> None:
    for name in FILES:
        (root / name).unlink()
    assert len(verify(root).problems) == len(FILES)


def test_swapped_vectors_are_found_though_every_checksum_fits(root: Path) -> None:
    path = root / "segments" / "000002" / "vectors.npy"
    vectors = np.load(path)
    vectors[[4, 9]] = vectors[[9, 4]]
    np.save(path, vectors)
    reseal(root)
    SearchIndex.open(root)
    problems = ("segments/000002/vectors.npy: 2 vectors are not their tiles', the first in row 4.",)
    assert verify(root).problems == problems


def test_vectors_that_are_no_directions_are_found(root: Path) -> None:
    folder = root / "segments" / "000001"
    vectors = np.load(folder / "vectors.npy")
    vectors[5] *= np.float16(1.5)
    vectors[6] = np.nan
    np.save(folder / "vectors.npy", vectors)
    table = pq.read_table(folder / "tiles.parquet")
    at = table.schema.get_field_index("vector_xxh64")
    table = table.set_column(at, table.schema.field(at), [catalog.row_hashes(vectors)])
    pq.write_table(table, folder / "tiles.parquet")
    reseal(root)
    assert verify(root).problems == (
        "segments/000001/vectors.npy: 2 vectors have not the length 1, the first in row 5.",
    )


def test_tiles_that_stand_twice_are_found_unless_they_are_deleted(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 5)
    writer.commit([record(number) for number in (3, 4, 5)], units(3), delete=np.array([3, 4]))
    assert verify(root).problems == ()
    writer.commit([record(number) for number in (0, 5)], units(2), delete=NONE_DELETED)
    assert verify(root).problems == ("2 tiles stand in the index twice.",)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda body: body["segments"][0].update(rows=39),
            "segments/000001: The vectors .*000001/vectors.npy are float16 .40, 64. where float16 .39, 64. are wanted.",
        ),
        (
            lambda body: body["segments"][0].update(deleted_rows=1),
            "segments/000001: The bitmap .* marks 2 rows where 1 are deleted.",
        ),
        (lambda body: body["ann"].update(rows=60), r"The list .*rows\.npy is not one of 60 rows."),
    ],
)
def test_a_manifest_that_says_otherwise_than_the_files_is_found(
    root: Path, change: Callable[[dict[str, Any]], None], problem: str
) -> None:
    reseal(root, change)
    assert re.fullmatch(problem, verify(root).problems[0])


def test_sidecars_of_other_rows_or_columns_are_found(root: Path) -> None:
    path = root / "segments" / "000001" / "tiles.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    reseal(root)
    (found,) = verify(root).problems
    assert found.startswith("segments/000001: The sidecar ")
    assert found.endswith("has 39 rows where 40 were written.")
    pq.write_table(table.drop_columns(["vector_xxh64"]), path)
    reseal(root)
    (found,) = verify(root).problems
    assert "is damaged" in found
    path.write_bytes(b"no parquet")
    reseal(root)
    (found,) = verify(root).problems
    assert "is damaged" in found


def test_an_ann_index_whose_list_or_sample_is_none_is_found(root: Path) -> None:
    folder = root / "ann" / "000001"
    runs = np.load(folder / "rows.npy")
    twice = runs.copy()
    twice[1, 1] = 0  # where the run before it begins too
    for array, sentence in ((twice, "holds 3 rows twice"), (runs[:, :2], "is not one of 68 rows")):
        np.save(folder / "rows.npy", array)
        reseal(root)
        (found,) = verify(root).problems
        assert sentence in found
    np.save(folder / "rows.npy", runs)
    np.save(folder / "sample.npy", units(5, dimension=63))
    reseal(root)
    (found,) = verify(root).problems
    assert "has not 68 vectors of 64 numbers" in found


def test_there_has_to_be_something_to_verify(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing):
        verify(tmp_path / "none")
    open_writer(tmp_path / "idx", model=MODEL, kind="auto")
    with pytest.raises(IndexMissing, match="no commit yet"):
        verify(tmp_path / "idx")


def rows(tiles: list[StoredTile]) -> list[int]:
    return [tile.row for tile in tiles]


def test_an_index_that_is_copied_is_the_same(root: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(root, tmp_path / "elsewhere" / "copy")
    assert verify(copy).problems == ()
    assert rows(stored_tiles(copy)) == rows(stored_tiles(root))
    assert make_index(copy, 2, first=100).manifest.rows == 72
