"""Rows that conditions in SQL are about, and what is said of those that are refused."""

import datetime as dt
import random
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from msclip_search.catalog import SCHEMA
from msclip_search.errors import QueryError
from msclip_search.filters.sql import SqlCondition

Row = dict[str, Any]


Truth = bool | None


Rule = Callable[[Row], Truth]


NOW = dt.datetime.now(dt.UTC)


def made_rows(count: int, *, seed: int) -> list[Row]:
    """Rows of a sidecar as Python has them, many values missing."""
    rng = random.Random(seed)

    def some(value: object) -> object:
        return None if rng.random() < 0.25 else value

    rows = []
    for number in range(count):
        west, south = rng.uniform(-180, 180), rng.uniform(-90, 90)
        moment = dt.datetime(2016, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=rng.randrange(10 * 365 * 86_400))
        rows.append(
            dict.fromkeys(SCHEMA.names)
            | {
                "tile_id": f"{rng.getrandbits(64):016x}",
                "source": f"/archive/{number}.tif",
                "window": {"x": rng.randrange(0, 10_000, 224), "y": 0, "width": 224, "height": 224},
                "geometry": some(rng.randbytes(rng.randrange(5, 100))),
                "bbox": some({"xmin": west, "ymin": south, "xmax": west + 0.1, "ymax": south + 0.1}),
                "datetime": some(moment),
                "cloud": some(float(np.float32(rng.choice([0, 10, rng.uniform(0, 100)])))),
                "snow": some(float(rng.randrange(0, 101))),
                "nodata": some(0.0),
                "level": some(rng.choice(["L1C", "L2A"])),
                "baseline": some(rng.choice(["02.04", "04.00", "05.09", "N9999"])),
                "mgrs_tile": some(rng.choice(["32TMT", "32TLT", "33UUP", "01KAB", "é%_x"])),
                "labels": rng.sample(["Forest", "Industrial", "Sea, ocean", "it's"], rng.randrange(0, 4)),
                "caption": some(rng.choice(["A lake.", "FOREST and river", "100% cloud", ""])),
                "offset": some(-1000.0),
                "fingerprint": "1",
                "vector_xxh64": rng.getrandbits(64),
            }
        )
    return rows


def table_of(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def refusal(text: str) -> str:
    """Tell what is said against a condition: one line, soon."""
    start = time.monotonic()
    with pytest.raises(QueryError) as refused:
        SqlCondition(text)
    assert time.monotonic() - start < 10
    said = str(refused.value)
    assert "\n" not in said
    assert len(said) < 600
    assert re.search(r"[.…]$", said), said
    return said
