"""Which files an import takes, of which model, and which damage and trouble it tells: a sentence each."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from msclip_search import (
    ArchiveError,
    IndexDamaged,
    IndexFolderError,
    IndexLocked,
    IndexMissing,
    ModelError,
    ModelMismatch,
    QueryError,
    Question,
    SearchIndex,
    export_index,
    import_vectors,
    store,
)
from msclip_search.exchange import importing
from msclip_search.filters import Filter
from tests.exchange.making import lived_in, plain_table, unit_vectors, write
from tests.folder.making import files_of, make_index, newest_body, stored_tiles, write_arrays

NOBODY = 65_534
AS_SOMEBODY = """
import os, sys
from pathlib import Path
from msclip_search import ArchiveError, import_vectors

try:
    import_vectors(sys.argv[1], index=sys.argv[2], model="m")
except ArchiveError:
    pass  # all that an import needs is loaded, while it can be had
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
for path in sys.argv[3:]:
    try:
        import_vectors(path, index=sys.argv[2], model="m")
    except Exception as error:
        print(type(error).__name__, error)
""".replace("NOBODY", str(NOBODY))


def stored(root: Path) -> dict[str, np.ndarray]:
    return {tile.columns["tile_id"]: tile.vector for tile in stored_tiles(root)}


def change_cell(path: Path, column: str, row: int, value: Any) -> None:  # noqa: ANN401
    """Change one value of a Parquet file, and nothing else: its metadata stays."""
    table = pq.read_table(path)
    values = table[column].to_pylist()
    values[row] = value
    at = table.schema.get_field_index(column)
    pq.write_table(table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type)), path)


def test_every_file_says_its_model_or_the_user_does(tmp_path: Path) -> None:
    lived_in(tmp_path / "idx")
    export_index(tmp_path / "idx", tmp_path / "e.parquet")
    foreign = write(tmp_path / "foreign.parquet", plain_table(unit_vectors(3, dimension=64)))
    for paths in ([tmp_path / "e.parquet", foreign], [foreign, tmp_path / "e.parquet"]):
        with pytest.raises(ModelError, match=r"made the vectors of .*foreign\.parquet: .*e\.parquet says untrained\."):
            import_vectors(paths, index=tmp_path / "back")
    assert not (tmp_path / "back").exists()
    assert import_vectors(paths, index=tmp_path / "back", model="untrained").added == 61


def test_another_model_than_that_of_the_index_is_not_to_be_renamed(tmp_path: Path) -> None:
    path = write(tmp_path / "v.parquet", plain_table(unit_vectors(3)))
    import_vectors(path, index=tmp_path / "idx", model="m")
    with pytest.raises(ModelMismatch, match=r"made with the model m, not with n, .*: name another index") as refused:
        import_vectors(path, index=tmp_path / "idx", model="n")
    assert "--model" not in str(refused.value)


def test_the_array_that_is_named_is_the_one_that_is_taken(tmp_path: Path) -> None:
    inside, beside = unit_vectors(4, seed=1), unit_vectors(4, seed=2)
    table = write(tmp_path / "v.parquet", plain_table(inside))
    np.save(tmp_path / "v.npy", beside)
    for paths in ([tmp_path / "v.npy"], [table, tmp_path / "v.npy"], [tmp_path / "v.npy", table]):
        with pytest.raises(
            ArchiveError, match=r"v\.npy is named, and .*v\.parquet beside it has vectors of its own in"
        ):
            import_vectors(paths, index=tmp_path / "no", model="m")
    assert not (tmp_path / "no").exists()
    import_vectors(tmp_path / "v.npy", index=tmp_path / "array", model="m", columns={"embedding": ""})
    np.testing.assert_array_equal(list(stored(tmp_path / "array").values()), beside.astype(np.float16))
    import_vectors(table, index=tmp_path / "table", model="m")
    np.testing.assert_array_equal(list(stored(tmp_path / "table").values()), inside.astype(np.float16))
    (tmp_path / "v.npy").unlink()
    with pytest.raises(ArchiveError, match=r"There is no file .*v\.npy"):
        import_vectors(tmp_path / "v.npy", index=tmp_path / "no", model="m")


def test_both_endings_of_tables_are_known_everywhere(tmp_path: Path) -> None:
    lived_in(tmp_path / "idx")
    (tmp_path / "in").mkdir()
    export_index(tmp_path / "idx", tmp_path / "in" / "out.geoparquet")
    write(tmp_path / "in" / "OTHER.PARQUET", plain_table(unit_vectors(3, dimension=64)))
    (tmp_path / "in" / "notes.txt").write_text("none", encoding="utf-8")
    assert import_vectors(tmp_path / "in", index=tmp_path / "back", model="untrained").added == 61
    export_index(tmp_path / "idx", tmp_path / "pair.npy")
    (tmp_path / "pair.parquet").rename(tmp_path / "pair.geoparquet")
    for number, name in enumerate(("pair.npy", "pair.geoparquet")):
        assert import_vectors(tmp_path / name, index=tmp_path / f"{number}").added == 58


@pytest.mark.parametrize("name", ["out.parquet", "out.npy"])
@pytest.mark.parametrize("within", [None, Filter(where="source > '/'")], ids=["all", "filtered"])
def test_a_damaged_vector_is_not_exported(tmp_path: Path, name: str, within: Filter | None) -> None:
    make_index(tmp_path / "idx", 20, 20)
    path = tmp_path / "idx" / "segments" / "000002" / "vectors.npy"
    content = bytearray(path.read_bytes())
    content[-64 * 2 * 3 - 1] ^= 1  # the last byte but 3 · 64 numbers: in row 16, a bit that hardly changes a length
    path.write_bytes(content)
    (tmp_path / "out").mkdir()
    with pytest.raises(IndexDamaged, match=r"in row 16 of .*000002.vectors\.npy .* not the one that was written"):
        export_index(tmp_path / "idx", tmp_path / "out" / name, within=within)
    assert files_of(tmp_path / "out") == {}


@pytest.mark.parametrize("row", [7, 57])
def test_an_export_that_was_damaged_is_not_imported(tmp_path: Path, row: int) -> None:
    lived_in(tmp_path / "idx")
    path = tmp_path / "out.parquet"
    export_index(tmp_path / "idx", path)
    vector = np.array(pq.read_table(path)["embedding"][row].as_py(), dtype=np.float16)
    vector[5] = np.nextafter(vector[5], np.float16(2))
    change_cell(path, "embedding", row, vector.astype(np.float32).tolist())
    with pytest.raises(ArchiveError, match=rf"Row {row} of .*out\.parquet .* has another vector than was exported"):
        import_vectors(path, index=tmp_path / "back")
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["vector_xxh64"]), path)  # the way out that is told
    assert import_vectors(path, index=tmp_path / "back").added == 58
    assert list(stored(tmp_path / "back").values())[row].tolist() == vector.tolist()
    other = write(path, plain_table(unit_vectors(3), vector_xxh64=[1, 2, 3]))  # no export of ours: it says nothing
    assert import_vectors(other, index=tmp_path / "foreign", model="m").added == 3


def test_only_an_export_says_how_its_tiles_were_read(tmp_path: Path) -> None:
    table = plain_table(unit_vectors(2, dimension=64), fingerprint=["1-1 offset=abc", "red"])
    foreign = write(tmp_path / "v.parquet", table)
    import_vectors(foreign, index=tmp_path / "idx", model="untrained")
    status = foreign.stat()
    for tile in stored_tiles(tmp_path / "idx"):
        assert tile.columns["fingerprint"] == f"{status.st_size}-{status.st_mtime_ns} imported"
    with pytest.raises(ArchiveError, match="is no export of msclip-search, and of others no fingerprint is taken"):
        import_vectors(foreign, index=tmp_path / "idx", model="untrained", columns={"fingerprint": "fingerprint"})


@pytest.mark.parametrize("way", ["offset=abc", "offset=nan", "offset=1.5", "bands=red.,B99x", "bands="])
def test_treatments_that_say_nothing_leave_files_as_examples(tmp_path: Path, way: str) -> None:
    about = {"model": "untrained"}
    table = plain_table(unit_vectors(2, dimension=64), fingerprint=[f"1-1 {way}"] * 2)
    path = write(tmp_path / "v.parquet", table.replace_schema_metadata({b"msclip": json.dumps(about).encode()}))
    import_vectors(path, index=tmp_path / "idx")
    assert {tile.columns["fingerprint"] for tile in stored_tiles(tmp_path / "idx")} == {f"1-1 {way}"}
    (tile,) = write_arrays(tmp_path, [1])  # which does not name its bands
    with SearchIndex.open(tmp_path / "idx") as index:
        assert len(index.search(Question().like(tile), k=2)) == 2


def test_the_lock_and_the_folder_are_told_before_files_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    with pytest.raises(IndexFolderError, match="is not empty and no msclip-search index"):
        import_vectors(tmp_path / "none.parquet", index=tmp_path / "other", model="m")
    make_index(tmp_path / "idx", 3)
    with store.hold(store.Layout(tmp_path / "idx"), doing="importing"):
        with pytest.raises(IndexLocked, match="is in use"):
            import_vectors(tmp_path / "none.parquet", index=tmp_path / "idx", model="m")
        with pytest.raises(ArchiveError, match="There is no file"):
            import_vectors(tmp_path / "none.parquet", index=tmp_path / "idx", model="m", break_lock=True)


def test_a_kind_that_there_is_not(tmp_path: Path) -> None:
    path = write(tmp_path / "v.parquet", plain_table(unit_vectors(3)))
    with pytest.raises(QueryError, match="Searches use auto, ivfpq, flat, not bogus"):
        import_vectors(path, index=tmp_path / "idx", model="m", kind="bogus")  # type: ignore[arg-type]
    assert not (tmp_path / "idx").exists()


def test_what_was_read_before_a_fault_is_kept(tmp_path: Path) -> None:
    """The first two files are read whole, and wait for a commit when the third turns out to be broken."""
    vectors = unit_vectors(1500)
    spoilt = vectors[1000:].copy()
    spoilt[400] = np.nan
    for at, part in ((0, vectors[:500]), (500, vectors[500:1000]), (1000, spoilt)):
        write(tmp_path / f"{at:04}.parquet", plain_table(part, first=at))
    (tmp_path / "in").mkdir()
    for path in sorted(tmp_path.glob("*.parquet")):
        path.rename(tmp_path / "in" / path.name)
    with pytest.raises(ArchiveError, match=r"Row 400 of .*1000\.parquet .*\. 1,000 rows before it are in the index\."):
        import_vectors(tmp_path / "in", index=tmp_path / "idx", model="m")
    kept = stored(tmp_path / "idx")
    assert list(kept) == [f"tile {number}" for number in range(1000)]
    np.testing.assert_array_equal(list(kept.values()), vectors[:1000].astype(np.float16))
    write(tmp_path / "in" / "1000.parquet", plain_table(vectors[1000:], first=1000))
    done = import_vectors(tmp_path / "in", index=tmp_path / "idx", model="m")
    assert (done.added, done.unchanged) == (500, 1000)


def test_commits_come_after_a_while_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_SECONDS", 0.0)
    paths = [write(tmp_path / f"{at}.parquet", plain_table(unit_vectors(5, seed=at), first=at)) for at in (0, 5, 10)]
    import_vectors(paths, index=tmp_path / "idx", model="m")
    assert [segment["rows"] for segment in newest_body(tmp_path / "idx")["segments"]] == [5, 5, 5]


def test_an_import_that_failed_at_once_leaves_a_folder_that_says_so(tmp_path: Path) -> None:
    vectors = unit_vectors(500)
    vectors[400] = 0
    with pytest.raises(ArchiveError, match=r"Row 400 of .* has a vector of zeros, which has no direction\.$"):
        import_vectors(write(tmp_path / "v.parquet", plain_table(vectors)), index=tmp_path / "idx", model="m")
    with pytest.raises(IndexMissing, match="holds no commit yet: run `msclip-search index` or `import` to its end"):
        SearchIndex.open(tmp_path / "idx")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that other users may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(os.name == "nt", reason="there, permissions are another thing")
def test_files_that_may_not_be_read(open_folder: Path) -> None:
    whole = write(open_folder / "whole.parquet", plain_table(unit_vectors(3)))
    hidden, shut = open_folder / "hidden", open_folder / "shut.parquet"
    hidden.mkdir()
    for path in (hidden / "v.parquet", hidden / "v.npy", shut):
        shutil.copy(whole, path)
    (open_folder / "pair.npy").write_bytes(b"x")
    write(open_folder / "pair.parquet", pa.table({"tile_id": ["a"]}))
    hidden.chmod(0)
    for path in (shut, open_folder / "pair.npy"):
        path.chmod(0)
    named = [hidden / "v.parquet", hidden / "v.npy", hidden, open_folder / "pair.npy"]
    command = [sys.executable, "-c", AS_SOMEBODY, str(whole), str(open_folder / "idx"), *map(str, [*named, shut])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=open_folder)
    wanted = [f"ArchiveError {path} may not be read: permission denied." for path in named]
    assert done.stdout.splitlines() == [*wanted, f"ArchiveError No permission to read {shut}."]
