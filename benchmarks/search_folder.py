"""The index folder that `benchmarks.search` measures: generated vectors, and sidecars that filters can bite on.

The rows are those of an archive that grew for years: products of 400 tiles, sorted by time, each somewhere on land or
sea between 60° S and 75° N, tiles of 640 m side by side, each with a share of cloud of its own.
"""

import datetime as dt
import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msclip_search.filters import Filter
from msclip_search.geometry import footprint
from msclip_search.indexes import choose
from msclip_search.ingest.ann import build_ann
from msclip_search.models import load
from msclip_search.pairing import describe_model
from msclip_search.store import open_writer
from msclip_search.tile import TileRecord, Window

SEGMENT = 100_000
PIXELS, TILES_A_SIDE = 64, 20
PRODUCT = TILES_A_SIDE**2
FIRST, DAYS = dt.datetime(2016, 1, 1, tzinfo=dt.UTC), 3_650
DEGREES = 0.64 / 111.32
"""Side of a tile, in degrees of latitude."""
NOTHING = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Question:
    """A filter of the command line, and how it is written in SQL for others."""

    name: str
    within: Filter | None
    sql: str | None


def records(numbers: Sequence[int], *, rows: int, seed: int) -> Iterator[TileRecord]:
    """Make the records of tiles by their numbers, of an archive of so many rows."""
    clouds = shares_of_cloud(max(rows, max(numbers, default=0) + 1), seed)
    for number in numbers:
        product, place = divmod(number, PRODUCT)
        west, south = corner(product, place, seed=seed)
        sensed = moment(product, rows=rows)
        product_id = f"S2A_MSIL2A_{sensed:%Y%m%dT%H%M%S}_N0509_R008_T32TMT_{product:08d}"
        east, north = west + DEGREES, south + DEGREES
        yield TileRecord(
            tile_id=f"{number:032x}",
            cell_id=f"{product % 997:016x}-{place:04d}",
            source=f"/archive/{sensed:%Y/%m}/{product_id}.SAFE",
            window=Window(PIXELS * (place % TILES_A_SIDE), PIXELS * (place // TILES_A_SIDE), PIXELS, PIXELS),
            footprint=footprint([west, east, east, west], [south, south, north, north]),
            crs="EPSG:32632",
            datetime=sensed,
            cloud=round(float(clouds[number]), 2),
            nodata=0.0,
            platform="Sentinel-2A",
            level="L2A",
            baseline="05.09",
            offset=-1000.0,
            offset_source="product",
            product_id=product_id,
            mgrs_tile="32TMT",
            fingerprint=f"{number:x}-{product:x} as-is",
        )


def shares_of_cloud(rows: int, seed: int) -> NDArray[np.float64]:
    """Draw percents of cloud, uniform: (rows,)."""
    return np.random.default_rng([seed, 1]).uniform(0, 100, rows)


def moment(product: int, *, rows: int) -> dt.datetime:
    """Say when a product was sensed: evenly through ten years."""
    return FIRST + dt.timedelta(days=DAYS * product / (rows / PRODUCT))


@functools.lru_cache(maxsize=4_096)
def _south_west(product: int, *, seed: int) -> tuple[float, float]:
    """Say where a product lies: longitude, latitude in degrees."""
    rng = np.random.default_rng([seed, 2, product])
    return float(rng.uniform(-179, 178)), float(rng.uniform(-60, 75))


def corner(product: int, place: int, *, seed: int) -> tuple[float, float]:
    """Say where the south-west corner of a tile lies: longitude, latitude in degrees."""
    west, south = _south_west(product, seed=seed)
    return west + DEGREES * (place % TILES_A_SIDE), south + DEGREES * (place // TILES_A_SIDE)


def questions(rows: int, seed: int) -> list[Question]:
    """All tiles; a tenth by cloud, strewn over all; a hundredth by date, in one piece; a ten-thousandth by place."""
    begun, ended = FIRST + dt.timedelta(days=0.5 * DAYS), FIRST + dt.timedelta(days=0.51 * DAYS, seconds=-1)
    wanted = min(max(rows // 10_000, 1), PRODUCT)
    high = max(int(math.sqrt(wanted)), 1)
    west, south = corner(rows // PRODUCT // 2, 0, seed=seed)
    inner = DEGREES / 4  # of the first tile: a box that touched the next row of tiles would meet it
    box = (
        west + inner,
        south + inner,
        west + DEGREES * (wanted // high) - inner,
        south + DEGREES * high - inner,
    )
    return [
        Question("all", None, None),
        Question("10 %", Filter(max_cloud=10), "cloud <= 10"),
        Question(
            "1 %",
            Filter(start=begun, end=ended),
            f"sensed >= timestamp '{begun:%Y-%m-%d %H:%M:%S}' and sensed <= timestamp '{ended:%Y-%m-%d %H:%M:%S}'",
        ),
        Question(
            "0.01 %",
            Filter(bbox=box),
            f"east >= {box[0]!r} and west <= {box[2]!r} and north >= {box[1]!r} and south <= {box[3]!r}",
        ),
    ]


def make_folder(root: Path, vectors: NDArray[np.float16], *, seed: int) -> None:
    """Commit vectors in segments, and build the ANN index over them as `index` would."""
    rows, dimension = vectors.shape
    writer = open_writer(root, model=describe_model(load("s2-nano")))
    for start in range(0, rows, SEGMENT):
        numbers = range(start, min(start + SEGMENT, rows))
        part = np.ascontiguousarray(vectors[start : start + SEGMENT])
        writer.commit(list(records(numbers, rows=rows, seed=seed)), part, delete=NOTHING)
    plan = choose("auto", rows=rows, dimension=dimension)
    if plan.kind == "ivfpq":
        build_ann(writer, plan, progress=_silent)


def _silent(_stage: str, _done: int = 0, _all: int = 0) -> None:
    """Report nothing."""
