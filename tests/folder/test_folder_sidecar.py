"""Rows of a sidecar: taken, picked, and refused where the file is none."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from msclip_search import IndexDamaged, StorageError, catalog
from msclip_search.catalog import sidecar
from msclip_search.store import open_snapshot
from tests.folder.making import make_index, record


def many_groups(path: Path, count: int, group: int) -> list[dict[str, Any]]:
    table = catalog.to_table([record(n, labels=(f"l{n}",)) for n in range(count)], np.arange(count, dtype=np.uint64))
    pq.write_table(table, path, row_group_size=group)
    assert pq.ParquetFile(path).num_row_groups == -(-count // group)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def test_rows_are_taken_in_any_order_across_row_groups(tmp_path: Path) -> None:
    whole = many_groups(tmp_path / "t.parquet", 103, 10)
    draws = np.random.default_rng(5)
    for rows in (
        np.arange(103),
        np.arange(103)[::-1],
        draws.integers(0, 103, 300),
        np.array([99]),
        np.array([10, 9, 10]),
    ):
        assert catalog.take(tmp_path / "t.parquet", rows).to_pylist() == [whole[row] for row in rows]


def test_taken_rows_come_from_their_row_groups_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many_groups(tmp_path / "t.parquet", 103, 10)
    asked: list[list[int]] = []
    read = pq.ParquetFile.read_row_groups

    def watched(self: Any, groups: list[int], *more: Any, **named: Any) -> Any:  # noqa: ANN401
        asked.append(groups)
        return read(self, groups, *more, **named)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", watched)
    catalog.take(tmp_path / "t.parquet", np.array([57, 3, 51, 102]))
    assert asked == [[0, 5, 10]]


def test_row_groups_are_of_a_size_that_can_be_passed_over() -> None:
    table = pa.concat_tables([catalog.to_table([record(1)] * 1000, np.zeros(1000, np.uint64))] * 40)
    file = pq.ParquetFile(pa.BufferReader(catalog.to_bytes(table)))
    assert [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)] == [8_192] * 4 + [7_232]


@pytest.mark.parametrize("rows", [[103], [5, 200], [-1]])
def test_rows_beyond_the_end_are_damage(tmp_path: Path, rows: list[int]) -> None:
    many_groups(tmp_path / "t.parquet", 103, 10)
    with pytest.raises(IndexDamaged, match=r"t\.parquet is damaged"):
        catalog.take(tmp_path / "t.parquet", np.array(rows))


def test_a_sidecar_that_is_none_is_damage(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 50)
    path = tmp_path / "idx" / "segments" / "000001" / "tiles.parquet"
    whole = path.read_bytes()
    contents = [
        b"",
        b"PAR1",
        whole[:-1],
        whole[: len(whole) // 2],
        b"x" * len(whole),
        whole[:4] + b"\xff" * 200 + whole[204:],
    ]
    snapshot = open_snapshot(tmp_path / "idx")
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(IndexDamaged, match=r"tiles\.parquet is damaged \(.+\)"):
            snapshot.take(np.arange(50))
        with pytest.raises(IndexDamaged, match=r"tiles\.parquet is damaged \(.+\)"):
            list(snapshot.columns(catalog.SCHEMA.names))
    for table, sentence in (
        (pq.read_table(pa.BufferReader(whole)).slice(0, 49), "has 49 rows where 50 were written"),
        (pq.read_table(pa.BufferReader(whole)).drop_columns(["source"]), "is damaged"),
    ):
        pq.write_table(table, path)
        with pytest.raises(IndexDamaged, match=sentence):
            list(snapshot.columns(["tile_id", "source"]))
    with pytest.raises(IndexDamaged, match="is damaged"):
        snapshot.take(np.arange(3))
    path.unlink()
    for attempt in (
        lambda: snapshot.take(np.arange(50)),
        lambda: list(snapshot.columns(["source"])),
        lambda: snapshot.origin(3),
    ):
        with pytest.raises(IndexDamaged, match=r"lacks segments/000001/tiles\.parquet .* Restore it from a copy"):
            attempt()


def test_a_sidecar_that_may_not_be_read_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_index(tmp_path / "idx", 5)
    snapshot = open_snapshot(tmp_path / "idx")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pq, "ParquetFile", refuse)
    with pytest.raises(StorageError, match=r"^No permission: reading .*tiles\.parquet is refused"):
        snapshot.take(np.arange(5))
    monkeypatch.setattr(np, "load", refuse)
    with pytest.raises(StorageError, match=r"^No permission: reading .*vectors\.npy is refused"):
        _ = snapshot.vectors


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("rows", [[], [4], [0, 4, 2, 2, 1]])
def test_rows_are_picked_as_arrow_takes_them(monkeypatch: pytest.MonkeyPatch, few: int, rows: list[int]) -> None:
    monkeypatch.setattr(sidecar, "_FEW", few)
    table = pa.concat_tables([pa.table({"a": [1, 2, None], "b": [["x"], [], ["y", "z"]]}, metadata={"k": "v"})] * 2)
    wanted = table.take(pa.array(rows, pa.int64()))
    found = catalog.pick(table, np.array(rows, np.int64))
    assert found.equals(wanted, check_metadata=True)


@pytest.mark.parametrize("row", [-1, 3])
def test_rows_that_are_not_there_are_refused(row: int) -> None:
    with pytest.raises(IndexError):
        catalog.pick(pa.table({"a": [1, 2, 3]}), np.array([0, row]))
