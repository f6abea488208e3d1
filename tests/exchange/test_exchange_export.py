"""What an export holds, read by other libraries, against the index read by its documented layout alone."""

import json
import threading
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from msclip_search import IndexDamaged, IndexMissing, QueryError, StorageError, catalog, export_index
from msclip_search.filters import Filter
from tests.exchange.making import lived_in
from tests.folder.making import MODEL, files_of, make_index, stored_tiles


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "idx"
    lived_in(root)
    return root


def read(path: Path) -> list[dict[str, Any]]:
    """Read an export with plain pyarrow."""
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def test_live_rows_come_out_in_order_with_their_vectors(index: Path, tmp_path: Path) -> None:
    done = export_index(index, tmp_path / "out.parquet")
    tiles = stored_tiles(index)
    assert done.rows == len(tiles) == 58
    assert done.files == (tmp_path / "out.parquet",)
    assert done.size == (tmp_path / "out.parquet").stat().st_size
    rows = read(tmp_path / "out.parquet")
    for row, tile in zip(rows, tiles, strict=True):
        vector = np.array(row.pop("embedding"), dtype=np.float32)
        np.testing.assert_array_equal(vector, tile.vector.astype(np.float32))
        assert row == tile.columns


def test_the_file_says_what_it_is(index: Path, tmp_path: Path) -> None:
    export_index(index, tmp_path / "out.parquet")
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert schema.field("embedding").type == pa.list_(pa.float32(), 64)
    about = json.loads(schema.metadata[b"msclip"])
    assert (about["model"], about["fingerprint"], about["dimension"]) == ("untrained", MODEL["fingerprint"], 64)
    assert about["rows"] == 58
    geo = json.loads(schema.metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["encoding"] == "WKB"


def test_duckdb_and_polars_read_the_vectors(index: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    export_index(index, path)
    stored = np.stack([tile.vector for tile in stored_tiles(index)]).astype(np.float32)
    with duckdb.connect() as connection:
        lists = connection.execute("SELECT embedding FROM read_parquet(?)", [str(path)]).fetchall()
        labelled = "SELECT count(*) FROM read_parquet(?) WHERE list_contains(labels, 'Forest')"
        assert connection.execute(labelled, [str(path)]).fetchall() == [(18,)]
    np.testing.assert_array_equal(np.array([row[0] for row in lists], dtype=np.float32), stored)
    frame = pl.read_parquet(path)
    assert frame.schema["embedding"] == pl.Array(pl.Float32, 64)
    np.testing.assert_array_equal(frame["embedding"].to_numpy(), stored)


def test_a_pair_is_the_vectors_and_the_table_of_all_else(index: Path, tmp_path: Path) -> None:
    done = export_index(index, tmp_path / "out.npy")
    assert done.files == (tmp_path / "out.npy", tmp_path / "out.parquet")
    tiles = stored_tiles(index)
    vectors = np.load(tmp_path / "out.npy")
    assert vectors.dtype == np.float16
    np.testing.assert_array_equal(vectors, np.stack([tile.vector for tile in tiles]))
    assert read(tmp_path / "out.parquet") == [tile.columns for tile in tiles]


@pytest.mark.parametrize("name", ["out.parquet", "out.npy"])
def test_a_filter_chooses_rows(index: Path, tmp_path: Path, name: str) -> None:
    done = export_index(index, tmp_path / name, within=Filter(bbox=(8, 40, 9, 50)))
    wanted = [
        tile
        for tile in stored_tiles(index)
        if (box := tile.columns["bbox"]) and box["xmin"] <= 9 and box["xmax"] >= 8 and 40 <= box["ymin"] <= 50
    ]
    assert 0 < done.rows == len(wanted) < 58
    rows = read(tmp_path / "out.parquet")
    assert [row["tile_id"] for row in rows] == [tile.columns["tile_id"] for tile in wanted]
    vectors = np.load(tmp_path / "out.npy") if name == "out.npy" else np.array([row["embedding"] for row in rows])
    np.testing.assert_array_equal(vectors.astype(np.float16), np.stack([tile.vector for tile in wanted]))


def test_nothing_that_fits_is_an_empty_file(index: Path, tmp_path: Path) -> None:
    done = export_index(index, tmp_path / "out.npy", within=Filter(labels=("nowhere",)))
    assert done.rows == 0
    assert np.load(tmp_path / "out.npy").shape == (0, 64)
    assert read(tmp_path / "out.parquet") == []


def test_rows_go_out_by_groups_whatever_comes_in(index: Path, tmp_path: Path) -> None:
    """Groups are whole, though a filter leaves ten rows of each batch, and the rest comes last."""
    batch = pa.RecordBatch.from_pylist(
        [{**tile.columns, "tile_id": f"{number}"} for number, tile in enumerate(stored_tiles(index)[:50])],
        catalog.SCHEMA,
    )
    keep = np.arange(50) % 5 == 0
    vectors = np.arange(20, dtype=np.float32).reshape(10, 2)
    path = tmp_path / "out.parquet"
    with catalog.ExportWriter(path, dimension=2, about={}) as writer:
        writer.rows_at_once = 16
        for _ in range(5):
            writer.write(batch, keep, vectors)
    with pq.ParquetFile(path) as file:
        assert [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)] == [16, 16, 16, 2]
        assert file.read()["tile_id"].to_pylist() == [f"{number}" for number in range(0, 50, 5)] * 5
        assert file.read()["embedding"].to_pylist() == vectors.tolist() * 5


def test_progress_counts_the_rows(index: Path, tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    export_index(index, tmp_path / "out.parquet", progress=lambda *what: said.append(what))
    assert said[0] == ("exporting", 0, 58)
    assert said[-1] == ("exporting", 58, 58)


@pytest.mark.parametrize("name", ["out.parquet", "out.npy"])
def test_a_stopped_export_leaves_what_was_there(index: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"older")
    stop = threading.Event()
    stop.set()
    done = export_index(index, tmp_path / name, overwrite=True, stop=stop)
    assert (done.interrupted, done.rows, done.files) == (True, 0, ())
    assert files_of(tmp_path) == {name: b"older"}


def test_a_damaged_index_leaves_no_half_file(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 20, 20)
    broken = tmp_path / "idx" / "segments" / "000002" / "tiles.parquet"
    content = broken.read_bytes()
    broken.write_bytes(content[:100] + bytes(200) + content[300:])
    (tmp_path / "out").mkdir()
    with pytest.raises(IndexDamaged, match=r"The sidecar .* is damaged"):
        export_index(tmp_path / "idx", tmp_path / "out" / "out.parquet")
    assert files_of(tmp_path / "out") == {}


def test_files_that_are_there_stay_unless_told(index: Path, tmp_path: Path) -> None:
    (tmp_path / "out.parquet").write_bytes(b"mine")
    for name in ("out.parquet", "out.npy"):
        with pytest.raises(StorageError, match=r"out\.parquet is there already: name another file, or .*--overwrite"):
            export_index(index, tmp_path / name)
    assert files_of(tmp_path) == {"out.parquet": b"mine"}
    assert export_index(index, tmp_path / "out.parquet", overwrite=True).rows == 58
    assert len(read(tmp_path / "out.parquet")) == 58


def test_the_index_itself_is_never_written_over(index: Path) -> None:
    before = files_of(index)
    for name in ("segments/000001/tiles.parquet", "new.parquet"):
        with pytest.raises(StorageError, match="lies in the index"):
            export_index(index, index / name, overwrite=True)
    assert files_of(index) == before


def test_what_cannot_be_written_is_said_first(index: Path, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match=r"out\.txt does not end in \.parquet, \.geoparquet, \.npy"):
        export_index(index, tmp_path / "out.txt")
    with pytest.raises(QueryError, match=r"out\.npy ends as npy does, and the format is parquet"):
        export_index(index, tmp_path / "out.npy", form="parquet")
    with pytest.raises(StorageError, match="There is no folder"):
        export_index(index, tmp_path / "nowhere" / "out.parquet")
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(StorageError, match="is a folder: name a file"):
        export_index(index, tmp_path / "folder.parquet", overwrite=True)
    with pytest.raises(IndexMissing):
        export_index(tmp_path / "none", tmp_path / "out.parquet")
