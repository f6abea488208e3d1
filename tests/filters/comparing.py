"""Selections compared with what plain Python finds."""

import numpy as np
import shapely

from msclip_search.filters import Filter, select
from msclip_search.store import Snapshot
from tests.filters.making import (
    expected,
    rows_of,
    slow_distance,
)


def assert_same(snapshot: Snapshot, wanted: Filter) -> int:
    """Compare with plain Python; where distances differ, with more points along the outline, 50 m left in doubt."""
    found = select(snapshot, wanted)
    assert found.mask.shape == (snapshot.manifest.rows,)
    assert found.mask.dtype == np.bool_
    assert found.matched == found.mask.sum()
    rows, lacking = expected(snapshot.layout.root, wanted)
    differ = set(np.flatnonzero(found.mask).tolist()) ^ set(rows)
    if differ and wanted.near and wanted.radius:
        for number, _, row in rows_of(snapshot.layout.root):
            if number in differ:
                distance = slow_distance(shapely.from_wkb(row["geometry"]), *wanted.near, steps=400)
                agrees = found.mask[number] == (distance <= wanted.radius)
                assert agrees or abs(distance - wanted.radius) < 50, wanted
        return len(rows)
    assert not differ, wanted
    assert found.unknown == lacking, wanted
    return len(rows)
