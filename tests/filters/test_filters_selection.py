"""Every filter against plain Python, row by row; what is read, and what is not."""

import datetime as dt
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from msclip_search import IndexDamaged, StorageError
from msclip_search.filters import Filter, select
from msclip_search.store import Snapshot
from tests.filters.comparing import assert_same
from tests.filters.making import (
    GROUP,
    YEAR,
    drawn_filter,
    made_index,
    made_tiles,
    regroup,
    rows_of,
)
from tests.folder.making import located, record

FLOATS = pa.struct([(name, pa.float32()) for name in ("xmin", "ymin", "xmax", "ymax")])


def foreign(table: pa.Table) -> pa.Table:
    """Change types as other writers have them."""
    for name, kind in (
        ("datetime", pa.timestamp("ns", "UTC")),
        ("cloud", pa.float64()),
        ("geometry", pa.large_binary()),
        ("level", pa.dictionary(pa.int32(), pa.string())),
        ("labels", pa.large_list(pa.large_string())),
    ):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table.column(name).cast(kind))
    return table


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """300 tiles in three segments, of which some are deleted, one row group wholly."""
    tiles = made_tiles(300, seed=3)
    gone = [*range(130, 150), 3, 77, 299, *range(200, 206)]
    snapshot = made_index(
        tmp_path_factory.mktemp("whole") / "idx", tiles[:120], tiles[120:125], tiles[125:], delete=gone
    )
    regroup(snapshot)
    return snapshot


@pytest.fixture(scope="module", params=["without statistics", "foreign types", "one row group"])
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """100 tiles as other programs, or versions, may have written them."""
    tiles = made_tiles(100, seed=8)
    snapshot = made_index(tmp_path_factory.mktemp("other") / "idx", tiles[:60], tiles[60:], delete=[0, 61])
    if request.param == "without statistics":
        regroup(snapshot, write_statistics=False)
    elif request.param == "foreign types":
        regroup(snapshot, change=foreign)
    return snapshot


@pytest.mark.parametrize("seed", range(60))
def test_filters_of_any_clauses_find_what_plain_python_finds(whole: Snapshot, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(3):
        assert_same(whole, drawn_filter(draw))


@pytest.mark.parametrize("seed", range(8))
def test_sidecars_of_other_programs_are_read_rightly(other: Snapshot, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(2):
        assert_same(other, drawn_filter(draw))


ALONE = [
    Filter(bbox=(6, 45, 9, 48)),
    Filter(bbox=(179, -18, -179, -16)),
    Filter(bbox=(-180, -90, 180, 90)),
    Filter(bbox=(-180, 89.9, 180, 90)),
    Filter(bbox=(7.5, 46.5, 7.5, 46.5)),
    Filter(bbox=(7.5, 40, 7.5, 50)),
    Filter(intersects=shapely.box(6, 46, 8, 47)),
    Filter(intersects=shapely.LineString([(-180, 66), (8, 46.5), (180, -17)])),
    Filter(intersects=shapely.MultiPolygon([shapely.box(179, -18, 180, -16), shapely.box(-180, -18, -179, -16)])),
    Filter(intersects=shapely.MultiPoint([(x / 10, 46.5) for x in range(60, 150)])),
    Filter(intersects=shapely.GeometryCollection([shapely.Point(7.5, 46.5), shapely.box(179, -18, 180, -16)])),
    Filter(near=(7.5, 46.5), radius=50e3),
    Filter(near=(-180, -17), radius=60e3),
    Filter(near=(180, -17), radius=60e3),
    Filter(near=(12, 90), radius=30e3),
    Filter(near=(-170, 89.95), radius=15e3),
    Filter(near=(0, 0), radius=19_000e3),
    Filter(start=YEAR + dt.timedelta(days=100)),
    Filter(end=YEAR + dt.timedelta(days=100)),
    Filter(max_cloud=0.1),
    Filter(max_cloud=100),
    Filter(max_nodata=0),
    Filter(levels=("L2A",)),
    Filter(labels=("Forest",)),
]


@pytest.mark.parametrize("wanted", ALONE, ids=lambda wanted: ", ".join(wanted.echo()))
def test_each_clause_alone(whole: Snapshot, wanted: Filter) -> None:
    assert assert_same(whole, wanted) > 0


def test_the_empty_filter_finds_the_live_rows_and_reads_nothing(
    whole: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pq, "ParquetFile", None)
    found = select(whole, Filter())
    assert whole.live is not None
    np.testing.assert_array_equal(found.mask, whole.live)
    assert found.mask is not whole.live
    assert (found.matched, found.unknown, found.warnings()) == (271, {}, [])


def test_an_index_without_rows(tmp_path: Path) -> None:
    found = select(made_index(tmp_path / "idx", made_tiles(5, 1), delete=range(5)), Filter(max_cloud=5))
    assert (found.mask.tolist(), found.matched, found.unknown) == ([False] * 5, 0, {})


def test_both_ends_of_an_interval_and_a_limit_are_included(tmp_path: Path) -> None:
    moments = [YEAR + dt.timedelta(microseconds=n) for n in range(5)]
    tiles = [record(n, datetime=moment, cloud=0.1 * n) for n, moment in enumerate(moments)]
    snapshot = made_index(tmp_path / "idx", tiles)
    zone = dt.timezone(dt.timedelta(hours=5))
    wanted = Filter(start=moments[1].astimezone(zone), end=moments[3].astimezone(zone), max_cloud=0.3)
    assert select(snapshot, wanted).mask.tolist() == [False, True, True, True, False]
    assert select(snapshot, Filter(max_cloud=0.1)).matched == 2


def test_tiles_that_touch_a_border_are_found(tmp_path: Path) -> None:
    snapshot = made_index(tmp_path / "idx", [located(n, west=n, south=10, side=1) for n in range(5)])
    touching = [False, True, True, True, False]
    assert select(snapshot, Filter(bbox=(2, 10, 3, 11))).mask.tolist() == touching
    assert select(snapshot, Filter(intersects=shapely.box(2, 11, 3, 12))).mask.tolist() == touching
    assert select(snapshot, Filter(bbox=(2.5, 11, 2.5, 11))).mask.tolist() == [False, False, True, False, False]


def test_outlines_that_are_not_boxes_are_compared_exactly(tmp_path: Path) -> None:
    snapshot = made_index(tmp_path / "idx", [located(n, west=n, south=n, side=0.5) for n in range(10)])
    triangle = shapely.Polygon([(0, 0.7), (9, 9.7), (0, 9.7)])
    assert select(snapshot, Filter(bbox=triangle.bounds)).matched == 9
    assert select(snapshot, Filter(intersects=triangle)).matched == 0


def test_what_is_unknown_is_counted_where_nothing_else_fails(tmp_path: Path) -> None:
    tiles = [
        located(0, west=7, south=46),
        record(1, cloud=5.0),
        record(2, cloud=50.0),
        record(3),
    ]
    found = select(made_index(tmp_path / "idx", tiles), Filter(bbox=(6, 45, 9, 48), max_cloud=10))
    assert found.matched == 0
    assert found.unknown == {"coordinates": 2, "cloud": 2}
    assert found.warnings() == [
        "2 tiles have no share of cloud and are left out.",
        "2 tiles have no coordinates and are left out.",
    ]


def test_batches_are_small_however_large_the_row_group(monkeypatch: pytest.MonkeyPatch, whole: Snapshot) -> None:
    monkeypatch.setattr("msclip_search.catalog.groups._BATCH", 7)
    monkeypatch.setattr("msclip_search.filters.distance._MANY", 3)
    draw = random.Random(1)
    for _ in range(12):
        assert_same(whole, drawn_filter(draw))
    assert GROUP > 7


class EvenNumbers:
    """A condition that needs no SQL: the tile's number is even."""

    columns = ("source", "cloud")

    def __init__(self) -> None:
        self.asked: list[str] = []

    def holds(self, rows: pa.Table) -> Any:  # noqa: ANN401
        assert rows.column_names == ["source", "cloud"]
        sources = rows.column("source").to_pylist()
        self.asked += sources
        return np.array([int(Path(source).stem) % 2 == 0 for source in sources])


def test_a_condition_is_asked_about_the_rows_that_are_left(whole: Snapshot) -> None:
    plain, condition = Filter(bbox=(6, 45, 9, 48), max_cloud=50), EvenNumbers()
    found = select(whole, Filter(bbox=plain.bbox, max_cloud=50, where="even"), condition=condition)
    sources = {number: row["source"] for number, _, row in rows_of(whole.layout.root)}
    before = np.flatnonzero(select(whole, plain).mask).tolist()
    assert np.flatnonzero(found.mask).tolist() == [row for row in before if int(Path(sources[row]).stem) % 2 == 0]
    assert {sources[row] for row in before} <= set(condition.asked)
    assert len(condition.asked) < 271 / 2
    assert sum(found.unknown.values()) < sum(select(whole, plain).unknown.values())


def test_a_condition_alone(whole: Snapshot) -> None:
    condition = EvenNumbers()
    found = select(whole, Filter(where="even"), condition=condition)
    assert whole.live is not None
    assert found.mask.tolist() == [live and row % 2 == 0 for row, live in enumerate(whole.live.tolist())]
    assert len(condition.asked) == 271


def test_a_condition_and_its_text_go_together(whole: Snapshot) -> None:
    for wanted, condition in ((Filter(where="even"), None), (Filter(), EvenNumbers())):
        with pytest.raises(ValueError, match="go together"):
            select(whole, wanted, condition=condition)


def test_damage_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = made_index(tmp_path / "idx", [located(n, west=7, south=46) for n in range(9)])
    path = snapshot.layout.sidecar(1)
    sound = path.read_bytes()
    wanted = Filter(bbox=(7.05, 45, 8, 47))
    assert select(snapshot, wanted).matched == 9
    table = pq.read_table(path)
    at = table.schema.get_field_index("geometry")
    for changed, sentence in (
        (table.slice(1), "has 8 rows where 9 were written"),
        (table.drop_columns(["bbox"]), "is damaged"),
        (table.set_column(at, "geometry", pa.array([b"\1\2"] * 9)), "holds an outline that is none"),
    ):
        pq.write_table(changed, path)
        with pytest.raises(IndexDamaged, match=sentence):
            select(snapshot, wanted)
    path.write_bytes(sound[:100])
    with pytest.raises(IndexDamaged, match=r"tiles\.parquet is damaged"):
        select(snapshot, wanted)
    path.unlink()
    with pytest.raises(IndexDamaged, match=r"lacks segments/000001/tiles\.parquet"):
        select(snapshot, wanted)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pq, "ParquetFile", refuse)
    with pytest.raises(StorageError, match="No permission"):
        select(snapshot, wanted)


def test_what_a_condition_raises_is_not_called_damage(whole: Snapshot) -> None:
    class Broken(EvenNumbers):
        def holds(self, rows: pa.Table) -> Any:  # noqa: ANN401
            raise KeyError(rows.num_rows)

    with pytest.raises(KeyError):
        select(whole, Filter(where="broken"), condition=Broken())


@pytest.mark.parametrize(
    ("wanted", "loaded"),
    [
        ("Filter()", set()),
        ("Filter(max_cloud=5, labels=('Sea',))", set()),
        ("Filter(bbox=(-180, -90, 180, 90))", set()),
        ("Filter(bbox=(7, 46, 8, 47.1))", {"shapely"}),
        ("Filter(near=(7.5, 46.5), radius=5e4)", {"shapely", "rasterio"}),
    ],
)
def test_heavy_libraries_are_loaded_where_needed_alone(whole: Snapshot, wanted: str, loaded: set[str]) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom msclip_search.store import open_snapshot\n"
        "from msclip_search.store.layout import Layout\nfrom msclip_search.store.snapshot import take_snapshot\n"
        "from msclip_search.store import newest_or_raise\n"
        f"from msclip_search.filters import Filter, select\nroot = Path({str(whole.layout.root)!r})\n"
        f"select(take_snapshot(Layout(root), newest_or_raise(root)), {wanted})\n"
        "print(' '.join({'shapely', 'rasterio', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == loaded
