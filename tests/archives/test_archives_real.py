"""Real tiles against rasterio, and against the places that are listed beside them."""

import csv
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform_bounds

from msclip_search.archives import ChipArchive, Reading
from msclip_search.bands import LAYOUTS
from msclip_search.errors import BandsError, TileError
from tests.archives.painting import PICTURES, READING, TEN, by_rasterio, read

# Positions of the ten bands, counted by hand from the order on disk that the data's own README gives.
IN_L2A = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11]
IN_L1C = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12]
IN_EUROSAT = [1, 2, 3, 4, 5, 6, 7, 12, 10, 11]


def chips(folder: Path, count: int) -> list[Path]:
    paths = sorted(folder.rglob("*.tif"))
    assert len(paths) == count
    return paths


def test_l2a_chips_are_read_as_they_are(shared: Path) -> None:
    for path in chips(shared / "data" / "terramesh_examples" / "S2L2A", 5):
        tile = read(path)
        np.testing.assert_array_equal(tile.pixels, by_rasterio(path)[IN_L2A])
        assert tile.pixels.dtype == np.int16
        with rasterio.open(path) as dataset:
            assert tile.record.crs == dataset.crs.to_string()
            assert tile.record.footprint
            expected = transform_bounds(dataset.crs, "OGC:CRS84", *dataset.bounds)
            assert tile.record.footprint.bbox == pytest.approx(expected, abs=1e-6)
        assert tile.record.nodata == 0


def test_l1c_chips_are_read_with_their_layout_only(shared: Path) -> None:
    for path in chips(shared / "data" / "terramesh_examples" / "S2L1C", 5):
        tile = read(path, Reading(want=TEN, layout=LAYOUTS["l1c"]))
        np.testing.assert_array_equal(tile.pixels, by_rasterio(path)[IN_L1C])
        with pytest.raises(BandsError, match=r"^has 13 bands that it does not name"):
            read(path)


def test_both_levels_of_a_chip_cover_the_same_ground(shared: Path) -> None:
    folder = shared / "data" / "terramesh_examples"
    for path in chips(folder / "S2L2A", 5):
        l1c = read(folder / "S2L1C" / path.name, Reading(want=TEN, layout=LAYOUTS["l1c"]))
        l2a = read(path)
        assert l1c.record.cell_id == l2a.record.cell_id
        assert l1c.record.tile_id != l2a.record.tile_id
        # The same ground in the same band looks alike, and unlike in another: a band out of place shows.
        both = np.corrcoef(np.concatenate([l2a.pixels, l1c.pixels]).reshape(20, -1))[:10, 10:]
        assert both.diagonal().min() > 0.8


def test_rgb_chips_are_pictures(shared: Path) -> None:
    for path in chips(shared / "data" / "terramesh_examples" / "S2RGB", 5):
        tile = read(path, PICTURES)
        np.testing.assert_array_equal(tile.pixels, by_rasterio(path))
        assert tile.record.datetime
        # Red of the picture follows B04, its blue B02.
        reflectance = read(path.parents[1] / "S2L2A" / path.name, PICTURES).pixels
        both = np.corrcoef(np.concatenate([tile.pixels, reflectance]).reshape(6, -1))[:3, 3:]
        assert (both.argmax(axis=1) == [0, 1, 2]).all()
        with pytest.raises(BandsError, match=r"^lacks B05"):
            read(path)


def test_land_cover_is_no_tile(shared: Path) -> None:
    for path in chips(shared / "data" / "terramesh_examples" / "LULC", 5):
        for reading in (READING, PICTURES):
            with pytest.raises(TileError, match=r"^has bands of 8 bits and is no picture"):
                read(path, reading)


def test_eurosat_is_read_with_its_layout_where_it_lies(shared: Path) -> None:
    folder = shared / "data" / "eurosat_ms"
    places = {row["file"]: row for row in csv.DictReader((folder / "index.csv").read_text().splitlines())}
    reading = Reading(want=LAYOUTS["eurosat"], layout=LAYOUTS["eurosat"])
    items = list(ChipArchive((folder,), reading).items())
    assert len(items) == len(places) == 375
    ids = set()
    for item in items:
        path = Path(item.source)
        (tile,) = item.read()
        np.testing.assert_array_equal(tile.pixels, by_rasterio(path))
        place = places[f"{path.parent.name}/{path.name}"]
        listed = [float(place[name]) for name in ("minlon", "minlat", "maxlon", "maxlat")]
        assert tile.record.footprint
        # Listed to five digits: within one of the last.
        assert tile.record.footprint.bbox == pytest.approx(listed, abs=1.01e-5)
        assert tile.record.crs == place["crs"]
        ids.add(tile.record.tile_id)
    assert len(ids) == 375


def test_the_eurosat_layout_is_the_order_on_disk(shared: Path) -> None:
    """What bands look like tells them: cirrus is dark everywhere, and B8A is a near twin of B08."""
    for path in chips(shared / "data" / "eurosat_ms", 375)[::5]:
        pixels = by_rasterio(path).astype(np.float64)
        bands = LAYOUTS["eurosat"]
        means = dict(zip(bands, pixels.mean(axis=(1, 2)), strict=True))
        assert min(means, key=lambda band: means[band]) == "B10"
        tile = read(path, Reading(want=TEN, layout=bands))
        np.testing.assert_array_equal(tile.pixels, by_rasterio(path)[IN_EUROSAT])
        with pytest.raises(BandsError, match=r"^has 13 bands that it does not name"):
            read(path)


def test_b8a_follows_the_near_infrared_in_eurosat(shared: Path) -> None:
    bands = LAYOUTS["eurosat"]
    forest = np.stack([by_rasterio(path) for path in sorted((shared / "data" / "eurosat_ms" / "Forest").glob("*.tif"))])
    means = dict(zip(bands, forest.astype(np.float64).mean(axis=(0, 2, 3)), strict=True))
    # Over forest the near infrared towers over water vapour (B09) and the short waves (B11, B12).
    assert means["B8A"] > 2 * max(means["B09"], means["B11"], means["B12"], means["B04"])
    assert 0.9 < means["B8A"] / means["B08"] < 1.3
