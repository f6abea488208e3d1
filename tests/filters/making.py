"""Tiles all over the globe, indexes of them in small row groups, and what fits a filter by plain Python."""

import dataclasses
import datetime as dt
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from msclip_search.filters import Filter
from msclip_search.geometry import footprint
from msclip_search.store import Snapshot, open_snapshot, open_writer
from msclip_search.tile import TileRecord
from tests.folder.making import MODEL, NONE_DELETED, record, units

GROUP = 16
YEAR = dt.datetime(2023, 1, 1, tzinfo=dt.UTC)
Row = dict[str, Any]

_A, _F = 6_378_137.0, 1 / 298.257223563
_B = _A * (1 - _F)


def made_tiles(count: int, seed: int) -> list[TileRecord]:
    """Draw tiles in a few clusters: the Alps, either side of the antimeridian, both poles; some know little."""
    draw = random.Random(seed)
    centres = [(7.5, 46.5), (8.5, 47.0), (180.0, -17.0), (-179.9, 66.0), (0.0, 0.0), (25.0, 89.97), (100.0, -89.5)]
    tiles = []
    for number in range(count):
        longitude, latitude = centres[(number // 24 + draw.randrange(2)) % len(centres)]
        side = draw.choice([0.02, 0.1, 0.5])
        outline = None
        if draw.random() > 0.1:
            x, y = longitude + draw.gauss(0, 0.6), latitude + draw.gauss(0, 0.4)
            turned = [(x + way * side + 180) % 360 - 180 for way in (0, 1, 1, 0)]
            south = max(-90.0, min(y, 90.0 - side))
            outline = footprint(turned, [south, south, south + side, south + side])
            if latitude > 80 and draw.random() < 0.3:  # around the pole
                turned = [(draw.uniform(0, 40) + way * 90 + 180) % 360 - 180 for way in range(4)]
                outline = footprint(turned, [89.9] * 4)
        moment = YEAR + dt.timedelta(days=number, seconds=draw.randrange(86_400), microseconds=draw.randrange(10**6))
        tiles.append(
            record(
                number,
                footprint=outline,
                datetime=None if draw.random() < 0.1 else moment,
                cloud=None if draw.random() < 0.2 else draw.choice([0.0, 0.1, 10.0, draw.uniform(0, 100)]),
                nodata=None if draw.random() < 0.1 else draw.choice([0.0, draw.uniform(0, 100)]),
                level=draw.choice([None, "L1C", "L2A"]),
                labels=tuple(draw.sample(["Forest", "Industrial", "Sea", ""], draw.randrange(3))),
            )
        )
    return tiles


def made_index(root: Path, *segments: Sequence[TileRecord], delete: Sequence[int] = ()) -> Snapshot:
    """Commit segments of tiles, and delete rows."""
    writer = open_writer(root, model=MODEL)
    for at, tiles in enumerate(segments):
        writer.commit(tiles, units(len(tiles), seed=at), delete=NONE_DELETED)
    if len(delete):
        writer.commit([], units(0), delete=np.array(delete, np.int64))
    return open_snapshot(root)


def regroup(
    snapshot: Snapshot, *, size: int = GROUP, change: Callable[[pa.Table], pa.Table] | None = None, **options: object
) -> None:
    """Write the sidecars again, in small row groups, or as another program might have."""
    for segment in snapshot.manifest.segments:
        path = snapshot.layout.sidecar(segment.number)
        table = pq.read_table(path)
        pq.write_table(change(table) if change else table, path, row_group_size=size, **options)


def rows_of(root: Path) -> Iterator[tuple[int, bool, Row]]:
    """Read all rows of an index by its documented layout: (row number, whether it is live, columns)."""
    newest = max((root / "manifests").glob("0*.json"))
    first = 0
    for segment in json.loads(newest.read_bytes())["segments"]:
        rows = pq.read_table(root / "segments" / f"{segment['number']:06d}" / "tiles.parquet").to_pylist()
        gone = np.zeros(len(rows), dtype=bool)
        if segment["deleted"]:
            bits = np.load(root / segment["deleted"]["path"])
            gone = np.unpackbits(bits, bitorder="little")[: len(rows)].astype(bool)
        for at, row in enumerate(rows):
            yield first + at, not gone[at], row
        first += len(rows)


def expected(root: Path, wanted: Filter) -> tuple[list[int], dict[str, int]]:
    """Evaluate a filter row by row, with SQL's three values: rows that fit, and what the others lack."""
    fits, lacking = [], Counter[str]()
    for number, live, row in rows_of(root):
        unknown: set[str] = set()
        for name, value in _values(row, wanted) if live else [("", False)]:
            if value is False:
                break
            unknown |= {name} if value is None else set()
        else:
            lacking.update(unknown)
            if not unknown:
                fits.append(number)
    return fits, dict(lacking)


def _values(row: Row, wanted: Filter) -> Iterator[tuple[str, bool | None]]:
    outline = shapely.from_wkb(row["geometry"]) if row["geometry"] else None
    if wanted.bbox is not None:
        west, south, east, north = wanted.bbox
        spans = [(west, east)] if west <= east else [(west, 180), (-180, east)]
        boxes = [shapely.Polygon([(w, south), (e, south), (e, north), (w, north)]) for w, e in spans]
        yield "coordinates", None if outline is None else any(not outline.disjoint(box) for box in boxes)
    if wanted.intersects is not None:
        yield "coordinates", None if outline is None else not outline.disjoint(wanted.intersects)
    if wanted.start:
        yield "date", None if row["datetime"] is None else row["datetime"] >= wanted.start
    if wanted.end:
        yield "date", None if row["datetime"] is None else row["datetime"] <= wanted.end
    for name, limit in (("cloud", wanted.max_cloud), ("nodata", wanted.max_nodata)):
        if limit is not None:
            yield name, None if row[name] is None else row[name] <= float(np.float32(limit))
    if wanted.levels:
        yield "level", None if row["level"] is None else row["level"] in wanted.levels
    if wanted.labels:
        yield "labels", bool(set(row["labels"]) & set(wanted.labels))
    if wanted.near is not None and wanted.radius is not None:
        yield "coordinates", None if outline is None else slow_distance(outline, *wanted.near) <= wanted.radius


def slow_distance(outline: Any, longitude: float, latitude: float, *, steps: int = 20) -> float:  # noqa: ANN401
    """Metres to the nearest of many points along an outline, by Vincenty's formula; 0 inside."""
    if outline.intersects(shapely.Point(longitude, latitude)):
        return 0.0
    nearest = math.inf
    for part in shapely.get_parts(outline):
        for (x0, y0), (x1, y1) in zip(part.exterior.coords, part.exterior.coords[1:], strict=False):
            count = max(steps, math.ceil(2 * abs(x1 - x0)))
            for step in range(count + 1):
                share = step / count
                point = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
                nearest = min(nearest, vincenty(longitude, latitude, *point))
    return nearest


def vincenty(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Metres on WGS 84 (T. Vincenty, Direct and inverse solutions of geodesics, Survey Review 1975)."""
    u1, u2 = (math.atan((1 - _F) * math.tan(math.radians(lat))) for lat in (lat1, lat2))
    span = math.radians((lon2 - lon1 + 180) % 360 - 180)
    lamb = span
    for _ in range(1000):
        x = math.cos(u2) * math.sin(lamb)
        y = math.cos(u1) * math.sin(u2) - math.sin(u1) * math.cos(u2) * math.cos(lamb)
        sin_s = math.hypot(x, y)
        if sin_s == 0:
            return 0.0
        cos_s = math.sin(u1) * math.sin(u2) + math.cos(u1) * math.cos(u2) * math.cos(lamb)
        sigma = math.atan2(sin_s, cos_s)
        sin_a = math.cos(u1) * math.cos(u2) * math.sin(lamb) / sin_s
        cos2_a = 1 - sin_a**2
        cos_m = cos_s - 2 * math.sin(u1) * math.sin(u2) / cos2_a if cos2_a > 1e-15 else 0.0
        c = _F / 16 * cos2_a * (4 + _F * (4 - 3 * cos2_a))
        bent = sigma + c * sin_s * (cos_m + c * cos_s * (2 * cos_m**2 - 1))
        before, lamb = lamb, span + (1 - c) * _F * sin_a * bent
        if abs(lamb - before) < 1e-13:
            break
    k = cos2_a * (_A**2 - _B**2) / _B**2
    a = 1 + k / 16384 * (4096 + k * (k * (320 - 175 * k) - 768))
    b = k / 1024 * (256 + k * (k * (74 - 47 * k) - 128))
    third = b / 6 * cos_m * (4 * sin_s**2 - 3) * (4 * cos_m**2 - 3)
    return _B * a * (sigma - b * sin_s * (cos_m + b / 4 * (cos_s * (2 * cos_m**2 - 1) - third)))


def drawn_filter(draw: random.Random) -> Filter:
    """Draw a filter of any of the clauses, near where tiles are."""
    centre = draw.choice([(7.5, 46.5), (8.5, 47.0), (180.0, -17.0), (-179.9, 66.0), (0.0, 0.0), (25.0, 89.97)])
    x, y = centre[0] + draw.gauss(0, 0.3), max(-90.0, min(centre[1] + draw.gauss(0, 0.2), 90.0))
    reach = draw.choice([0.05, 0.4, 2.0, 60.0])
    west, east = ((edge + 180) % 360 - 180 for edge in (x - reach, x + reach))
    south, north = max(-90.0, y - reach), min(90.0, y + reach)
    ring = [(max(-180.0, min(180.0, x + reach * dx)), max(-90.0, min(90.0, y + reach * dy))) for dx, dy in
            ((0, -1), (1, 0), (0.2, 0.2), (0, 1), (-1, 0))]  # fmt: skip
    area = shapely.Polygon(ring)
    start = YEAR + dt.timedelta(days=draw.randrange(250))
    clauses: dict[str, dict[str, Any]] = {
        "bbox": {"bbox": (west, south, east, north)},
        "intersects": {"intersects": area if area.is_valid and area.area else shapely.Point(ring[4])},
        "near": {"near": ((x + 180) % 360 - 180, y), "radius": draw.choice([500.0, 20e3, 90e3, 3000e3])},
        "start": {"start": start},
        "end": {"end": start + dt.timedelta(days=draw.randrange(80))},
        "cloud": {"max_cloud": draw.choice([0.0, 0.1, 10, 70])},
        "nodata": {"max_nodata": draw.choice([0, 30.5])},
        "levels": {"levels": draw.choice([("L2A",), ("L1C", "L2A")])},
        "labels": {"labels": draw.choice([("Forest",), ("Sea", "Industrial"), ("nowhere",)])},
    }
    names = draw.sample(sorted(clauses), draw.choice([1, 1, 2, 3, 4]))
    found = Filter()
    for name in names:
        found = dataclasses.replace(found, **clauses[name])
    return found
