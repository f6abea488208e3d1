"""An index that has lived, and files of vectors as other programs write them."""

import datetime as dt
import json
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from msclip_search.geometry import footprint
from msclip_search.store import Writer, open_writer
from tests.folder.making import MODEL, NONE_DELETED, located, record, units

DIMENSION = 16
PRODUCT = "S2B_MSIL2A_20230302T101839_N0509_R065_T33UUS_20230302T165059"


def lived_in(root: Path) -> Writer:
    """Make an index of three segments, some rows deleted, with all kinds of columns: 58 tiles."""
    writer = open_writer(root, model=MODEL)
    first = [
        replace(
            located(number, west=7 + number / 10, south=46),
            cell_id=f"cell {number}",
            datetime=dt.datetime(2023, 6, 1, 10, 20, number, 123_456, tzinfo=UTC),
            cloud=number / 3,
            nodata=0.1,
            platform="Sentinel-2A",
            level="L2A",
            baseline="05.09",
            offset=-1000.0,
            offset_source="user",
            product_id=PRODUCT,
            mgrs_tile="33UUS",
            labels=("Forest", "Lake; deep"),
            caption="a lake",
        )
        for number in range(20)
    ]
    writer.commit(first, units(20, seed=1), delete=NONE_DELETED)
    second = [located(number, west=179.95, south=number) for number in range(20, 40)]
    second[5] = replace(second[5], footprint=footprint([10, 100, -170, -80], [89, 88, 89, 87]))  # around a pole
    writer.commit(second, units(20, seed=2), delete=np.array([3, 19]))
    third = [record(number) for number in range(40, 61)]
    writer.commit(third, units(21, seed=3), delete=np.array([20]))
    return writer


def unit_vectors(count: int, *, seed: int = 0, dimension: int = DIMENSION) -> NDArray[np.float32]:
    """Draw vectors of length 1 as float32."""
    drawn = np.random.default_rng(seed).normal(size=(count, dimension))
    unit: NDArray[np.float32] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return unit


def plain_table(vectors: NDArray[Any], *, first: int = 0, **columns: Any) -> pa.Table:  # noqa: ANN401
    """Lay vectors out in a table whose names are "tile 0", "tile 1" and so on."""
    names = [f"tile {number}" for number in range(first, first + len(vectors))]
    return pa.table({"tile_id": names, "embedding": list(vectors)} | columns)


def write(path: Path, table: pa.Table) -> Path:
    """Write a table as Parquet."""
    pq.write_table(table, path)
    return path


def square(west: float, south: float, side: float = 0.02) -> shapely.Polygon:
    """Draw a fragment's outline, clockwise, east perhaps past the antimeridian."""
    east = (west + side + 180) % 360 - 180
    return shapely.Polygon([(west, south), (west, south + side), (east, south + side), (east, south)])


def major_tom_table(vectors: NDArray[Any], **changes: Any) -> pa.Table:  # noqa: ANN401
    """Make a table with the columns and types of Major TOM's published embeddings, as GeoPandas writes them."""
    count = len(vectors)
    outlines = [square(10 + number / 10, 50) for number in range(count)]
    columns: dict[str, Any] = {
        "unique_id": pa.array([f"{number:064x}" for number in range(count)]),
        "embedding": pa.array(list(vectors.astype(np.float32)), pa.list_(pa.float32())),
        "timestamp": pa.array(["20230302T101839"] * count),
        "product_id": pa.array([PRODUCT] * count),
        "grid_cell": pa.array([f"571U_{number}R" for number in range(count)]),
        "grid_row_u": pa.array([571] * count, pa.int16()),
        "grid_col_r": pa.array(list(range(count)), pa.int16()),
        "geometry": pa.array(shapely.to_wkb(outlines).tolist(), pa.binary()),
        "centre_lat": pa.array([50.01] * count, pa.float32()),
        "centre_lon": pa.array([10.0] * count, pa.float32()),
        "utm_footprint": pa.array(["POLYGON ((0 0, 1 0, 1 1, 0 0))"] * count),
        "utm_crs": pa.array(["EPSG:32633"] * count),
        "pixel_bbox": pa.array([[211, 422, 435, 646]] * count, pa.list_(pa.int64())),
    }
    geo = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB", "crs": None}}}
    table = pa.table({name: changes.get(name, column) for name, column in columns.items()})
    return table.replace_schema_metadata({b"geo": json.dumps(geo).encode()})
