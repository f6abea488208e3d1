"""The sidecar's columns, and records as rows of them.

GeoParquet 1.1 (geoparquet.org, specification of 2024): geometry as WKB in OGC:CRS84, and beside it a box a row, by
whose statistics a reader passes over row groups. The box holds the planar bounds, −180 to 180 for a tile across the
antimeridian, so that passing over never loses one.
"""

import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from msclip_search.geometry import Footprint, planar_bounds
from msclip_search.tile import TileRecord, Window

_PERCENT = pa.float32()

SCHEMA = pa.schema(
    [
        pa.field("tile_id", pa.string(), nullable=False),
        pa.field("cell_id", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field(
            "window",
            pa.struct([(name, pa.int32()) for name in ("x", "y", "width", "height")]),
            nullable=False,
        ),
        pa.field("geometry", pa.binary()),
        pa.field("bbox", pa.struct([(name, pa.float64()) for name in ("xmin", "ymin", "xmax", "ymax")])),
        pa.field("crs", pa.string()),
        pa.field("datetime", pa.timestamp("us", tz="UTC")),
        pa.field("cloud", _PERCENT),
        pa.field("shadow", _PERCENT),
        pa.field("snow", _PERCENT),
        pa.field("nodata", _PERCENT),
        pa.field("platform", pa.string()),
        pa.field("level", pa.string()),
        pa.field("baseline", pa.string()),
        pa.field("offset", pa.float32()),
        pa.field("offset_source", pa.string()),
        pa.field("product_id", pa.string()),
        pa.field("mgrs_tile", pa.string()),
        pa.field("labels", pa.list_(pa.string()), nullable=False),
        pa.field("caption", pa.string()),
        pa.field("fingerprint", pa.string(), nullable=False),
        pa.field("vector_xxh64", pa.uint64(), nullable=False),
    ]
)
"""Columns of `tiles.parquet`, in order. Percent are of 0 to 100."""


def row_hashes(vectors: NDArray[np.float16]) -> NDArray[np.uint64]:
    """Hash each stored vector: XXH64 of its little-endian bytes.

    Parameters
    ----------
    vectors
        (rows, dimension), float16.
    """
    stored = np.ascontiguousarray(vectors).astype("<f2", copy=False)
    return np.fromiter((xxhash.xxh64_intdigest(row) for row in stored), dtype=np.uint64, count=len(stored))


def to_table(records: Sequence[TileRecord], hashes: NDArray[np.uint64]) -> pa.Table:
    """Lay records out in columns.

    Parameters
    ----------
    records
        One a tile, in the order of the vectors.
    hashes
        Hash of each vector, see `row_hashes`.

    Returns
    -------
    pyarrow.Table
        With `SCHEMA`, GeoParquet's metadata included.
    """
    outlines = [record.footprint for record in records]
    special = {
        "window": _windows([record.window for record in records]),
        "geometry": pa.array([outline.wkb if outline else None for outline in outlines], pa.binary()),
        "bbox": _boxes(outlines),
        "vector_xxh64": pa.array(hashes, pa.uint64()),
    }
    columns = [
        special[field.name]
        if field.name in special
        else pa.array([getattr(r, field.name) for r in records], field.type)
        for field in SCHEMA
    ]
    return with_geo(pa.table(columns, schema=SCHEMA))


def _windows(windows: Sequence[Window]) -> pa.StructArray:
    """Lay windows out by their numbers: a dictionary a row would take most of the time that all columns take."""
    field = SCHEMA.field("window").type
    sides = [pa.array([getattr(window, part.name) for window in windows], part.type) for part in field]
    return pa.StructArray.from_arrays(sides, fields=list(field))


def _boxes(outlines: Sequence[Footprint | None]) -> pa.StructArray:
    """Lay the boxes of outlines out; null where there is none."""
    sides = planar_bounds(outlines).T if outlines else np.empty((4, 0))
    missing = pa.array([outline is None for outline in outlines], pa.bool_())
    arrays = [pa.array(np.ascontiguousarray(side), mask=np.isnan(side)) for side in sides]
    return pa.StructArray.from_arrays(arrays, fields=list(SCHEMA.field("bbox").type), mask=missing)


def with_geo(table: pa.Table) -> pa.Table:
    """Add the metadata by which GeoPandas, QGIS and DuckDB know the geometry."""
    column: dict[str, object] = {
        "encoding": "WKB",
        "geometry_types": ["Polygon", "MultiPolygon"],
        "orientation": "counterclockwise",
        "covering": {"bbox": {name: ["bbox", name] for name in ("xmin", "ymin", "xmax", "ymax")}},
    }
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    metadata = {**(table.schema.metadata or {}), b"geo": json.dumps(geo).encode()}
    return table.replace_schema_metadata(metadata)
