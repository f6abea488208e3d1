"""What of the sidecars is read to select rows, and what is passed over."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import shapely

from msclip_search.catalog import Sidecar
from msclip_search.filters import Filter, select
from msclip_search.store import Snapshot
from tests.filters.comparing import assert_same
from tests.filters.making import (
    YEAR,
    made_index,
    made_tiles,
    regroup,
)
from tests.folder.making import located, record


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, tuple[str, ...]]]:
    """Note each row group that is read, and its columns."""
    asked: list[tuple[int, tuple[str, ...]]] = []
    batches = Sidecar.batches

    def watched(self: Sidecar, group: Any, columns: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:  # noqa: ANN401
        asked.append((group.number, tuple(columns)))
        return batches(self, group, columns)

    monkeypatch.setattr(Sidecar, "batches", watched)
    return asked


@pytest.fixture
def ordered(tmp_path: Path) -> Snapshot:
    """160 tiles from west to east, a day and half a percent of cloud each, in ten row groups."""
    tiles = [
        located(n, west=float(n), south=46, side=0.5) for n in range(160)
    ]  # fmt: skip
    tiles = [
        record(n, footprint=tile.footprint, datetime=YEAR + dt.timedelta(days=n), cloud=n / 2, nodata=100 - n / 2)
        for n, tile in enumerate(tiles)
    ]
    snapshot = made_index(tmp_path / "idx", tiles)
    regroup(snapshot)
    return snapshot


SKIPPING = [
    (Filter(bbox=(17, 45, 39.7, 47)), [1, 2], [("bbox",)]),
    (Filter(bbox=(17.2, 45, 39.7, 47)), [1, 1, 2], [("bbox",), ("geometry",)]),
    (Filter(bbox=(150, 45, 2.7, 47)), [0, 9], [("bbox",)]),
    (Filter(intersects=shapely.box(17, 45, 20, 47)), [1, 1], [("bbox",), ("geometry",)]),
    (Filter(near=(50.25, 46.25), radius=1000), [3, 3], [("bbox",), ("geometry",)]),
    (Filter(start=YEAR + dt.timedelta(days=130)), [8, 9], [("datetime",)]),
    (Filter(end=YEAR + dt.timedelta(days=15)), [0], [("datetime",)]),
    (Filter(max_cloud=7.5), [0], [("cloud",)]),
    (Filter(max_cloud=8), [0, 1], [("cloud",)]),
    (Filter(max_nodata=25), [9], [("nodata",)]),
    (Filter(max_nodata=25, max_cloud=25), [], []),
    (Filter(bbox=(-60, 45, -1, 47)), [], []),
    (Filter(bbox=(0, 47, 180, 50)), [], []),
]


@pytest.mark.parametrize(
    ("wanted", "groups", "columns"), SKIPPING, ids=lambda it: ",".join(it.echo()) if isinstance(it, Filter) else ""
)
def test_only_row_groups_and_columns_that_may_decide_are_read(
    ordered: Snapshot,
    read: list[tuple[int, tuple[str, ...]]],
    wanted: Filter,
    groups: list[int],
    columns: list[tuple[str, ...]],
) -> None:
    assert_same(ordered, wanted)
    assert [group for group, _ in read] == groups
    assert sorted({names for _, names in read}) == columns


def test_row_groups_of_deleted_rows_are_not_read(tmp_path: Path, read: list[tuple[int, tuple[str, ...]]]) -> None:
    snapshot = made_index(
        tmp_path / "idx", made_tiles(64, 1), made_tiles(20, 2), delete=[*range(16, 48), *range(64, 84)]
    )
    regroup(snapshot)
    select(snapshot, Filter(labels=("Sea",)))
    assert read == [(0, ("labels",)), (3, ("labels",))]


def test_a_group_with_a_null_is_read_so_that_it_can_be_counted(
    tmp_path: Path, read: list[tuple[int, tuple[str, ...]]]
) -> None:
    tiles = [record(n, cloud=None if n == 20 else 90.0) for n in range(48)]
    snapshot = made_index(tmp_path / "idx", tiles)
    regroup(snapshot)
    assert select(snapshot, Filter(max_cloud=10)).unknown == {"cloud": 1}
    assert read == [(1, ("cloud",))]
