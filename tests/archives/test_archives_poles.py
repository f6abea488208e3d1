import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from msclip_search.geometry import footprint
from tests.archives.ground import SIDE, outline, parts


@pytest.mark.parametrize("pixel", [100.0, 1000.0])
@pytest.mark.parametrize(("crs", "sign"), [("EPSG:3413", 1), ("EPSG:3031", -1)])
def test_a_tile_over_a_pole_reaches_around_it(tmp_path: Path, crs: str, sign: int, pixel: float) -> None:
    half = pixel * SIDE / 2
    found = outline(tmp_path, crs, (pixel, 0, -half, 0, -pixel, half))
    (shape,) = parts(found)
    edge = min(abs(y) for _, y in shape.exterior.coords if abs(y) < 90)  # the corners are furthest from the pole
    # True scale lies at 70° and 71°.
    assert (90 - edge) * 111_694 == pytest.approx(half * math.sqrt(2), rel=0.04)
    assert found.bbox == pytest.approx((-180, edge, 180, 90) if sign > 0 else (-180, -90, 180, -edge))
    for longitude in range(-175, 180, 10):
        assert shape.contains(shapely.Point(longitude, sign * (90 - (90 - edge) / 10)))
        assert not shape.contains(shapely.Point(longitude, sign * (edge - 0.001)))
    # A quarter of the way round lies the middle of an edge, nearer to the pole than a corner by the root of 2.
    middle = -45 if sign > 0 else 0
    across = [y for x, y in shape.exterior.coords if abs(math.remainder(x - middle, 90)) < 1 and abs(y) < 90]
    assert across
    assert np.abs(np.abs(across) - (90 - (90 - edge) / math.sqrt(2))).max() < 0.02 * (90 - edge)


@settings(deadline=None)  # the machine may be busy
@given(
    sign=st.sampled_from([1, -1]),
    start=st.floats(-180, 180),
    steps=st.lists(st.floats(1, 100), min_size=4, max_size=12).map(lambda steps: 360 * np.cumsum(steps) / sum(steps)),
    latitude=st.floats(80, 89.99),
    backwards=st.booleans(),
)
def test_any_ring_around_a_pole_is_one_polygon(
    sign: int, start: float, steps: NDArray[np.float64], latitude: float, *, backwards: bool
) -> None:
    assume(np.diff(steps, prepend=0).max() < 179)
    turned = (start + steps[:: -1 if backwards else 1] + 180) % 360 - 180
    found = footprint(turned, np.full(len(turned), sign * latitude))
    assert found is not None
    (shape,) = parts(found)
    south, north = sorted((sign * 90, sign * latitude))
    assert found.bbox == pytest.approx((-180, south, 180, north))
    assert shape.area == pytest.approx(360 * (90 - latitude), rel=1e-6)


@pytest.mark.parametrize(
    ("crs", "east", "north", "longitude"),
    [("EPSG:3413", 100_000, -100_000, 0), ("EPSG:3031", 100_000, 100_000, 45), ("EPSG:3413", -100_000, -100_000, -90)],
)
def test_a_polar_tile_beside_the_pole_is_a_plain_one(
    tmp_path: Path, crs: str, east: float, north: float, longitude: float
) -> None:
    found = outline(tmp_path, crs, (10, 0, east, 0, -10, north))
    assert found.shape.geom_type == "Polygon"
    parts(found)
    assert found.bbox[0] == pytest.approx(longitude, abs=0.1)
    assert found.bbox[2] == pytest.approx(longitude, abs=0.1)
    assert abs(found.bbox[1]) == pytest.approx(90 - math.hypot(east, north) / 111_694, abs=0.06)


def test_a_polar_tile_across_the_antimeridian_is_split(tmp_path: Path) -> None:
    # In EPSG:3413 the antimeridian runs towards the upper left: x = y < 0 turned by 45°, so x = −y.
    found = outline(tmp_path, "EPSG:3413", (10, 0, -1_000_080, 0, -10, 1_000_080))
    assert len(parts(found)) == 2
    west, south, east, north = found.bbox
    assert west > 179.9
    assert east < -179.9
    assert 76 < south < north < 78
