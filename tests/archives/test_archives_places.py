"""Where a file lies, by its own tags or by what lies beside it: always as GDAL says."""

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from msclip_search.raster import geokeys, read_raster
from tests.archives.painting import write_tiff

PIXELS = np.arange(12 * 16 * 16, dtype=np.uint16).reshape(12, 16, 16)
UTM = Affine(10, 0, 600_000, 0, -10, 5_300_000)
DEGREES = Affine(1e-4, 0, 10.5, 0, -1e-4, 47.25)
SYSTEMS = {
    "EPSG:32632": UTM,
    "EPSG:32760": UTM,
    "EPSG:3857": UTM,
    "EPSG:3031": UTM,
    "EPSG:2263": UTM,  # feet
    "EPSG:7415": UTM,  # with heights
    "EPSG:4326": DEGREES,
    "EPSG:4979": DEGREES,
    "+proj=laea +lat_0=52 +lon_0=10 +datum=WGS84": UTM,  # without a code
    'LOCAL_CS["here",UNIT["metre",1]]': UTM,  # nowhere on the ground
}
WORLD_FILE = "20\n0\n0\n-20\n500010\n3999990\n"
PAM = "<PAMDataset>{}</PAMDataset>"
BESIDE = {
    ".tif.aux.xml": PAM.format("<SRS>EPSG:32633</SRS>"),
    " moved.tif.aux.xml": PAM.format("<GeoTransform>5e5, 20, 0, 4e6, 0, -20</GeoTransform>"),
    " empty.tif.aux.xml": PAM.format('<PAMRasterBand band="1"><NoDataValue>9</NoDataValue></PAMRasterBand>'),
    " tagged.tif.aux.xml": PAM.format('<Metadata><MDI key="datetime">2022-02-02</MDI></Metadata>'),
    ".tfw": WORLD_FILE,
    ".wld": WORLD_FILE,
    ".xml": "<metadata/>",
}


def assert_as_gdal_says(path: Path) -> None:
    """Compare what was read of a file with what rasterio alone reads."""
    found = read_raster(path)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(found.pixels, dataset.read(), strict=True)
        assert (found.descriptions, found.nodata) == (dataset.descriptions, dataset.nodata)
        assert dict(found.tags) == dataset.tags()
        on_the_ground = dataset.crs and (dataset.crs.is_projected or dataset.crs.is_geographic)
        if not on_the_ground or dataset.transform.is_identity:
            assert (found.crs, found.transform, found.bounds, found.footprint) == (None,) * 4
            return
        assert (found.crs, found.transform) == (dataset.crs.to_string(), dataset.transform[:6])
        if dataset.transform.is_rectilinear:
            assert found.bounds == tuple(dataset.bounds)


def asked() -> int:
    """How often GDAL was asked, by a file's own tags, where the file lies."""
    counts = geokeys._ask.cache_info()
    return counts.hits + counts.misses


@pytest.mark.parametrize(
    "options", [{}, {"ENDIANNESS": "BIG"}, {"BIGTIFF": "YES"}, {"GEOTIFF_VERSION": "1.1"}], ids=str
)
@pytest.mark.parametrize("crs", SYSTEMS)
def test_a_file_lies_where_gdal_says(tmp_path: Path, crs: str, options: Mapping[str, str]) -> None:
    path = write_tiff(tmp_path / "a.tif", PIXELS, crs=crs, transform=SYSTEMS[crs], **options)
    before = asked()
    assert_as_gdal_says(path)
    assert asked() == before + 1


@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:4326"])
@pytest.mark.parametrize(
    "transform",
    [
        Affine(10.00570688714736, 0, 624602.23484, 0, -9.994, 4877286.033637),
        Affine(10, 3, 600_000, 2, -10, 5_300_000),
        Affine(10, 0, 600_000, 0, 10, 5_300_000),
        Affine(-10, 0, 600_000, 0, -10, 5_300_000),
        None,
    ],
)
def test_a_file_whose_pixels_lie_otherwise_lies_where_gdal_says(
    tmp_path: Path, crs: str, transform: Affine | None
) -> None:
    assert_as_gdal_says(write_tiff(tmp_path / "a.tif", PIXELS, crs=crs, transform=transform))


def test_pixels_that_are_points_lie_where_gdal_says(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", PIXELS, crs="EPSG:32632", transform=UTM)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(AREA_OR_POINT="Point")
    assert read_raster(path).tags["AREA_OR_POINT"] == "Point"
    assert_as_gdal_says(path)


@pytest.mark.parametrize("crs", ["EPSG:32632", None])
@pytest.mark.parametrize("ending", BESIDE)
def test_what_lies_beside_a_file_counts_as_in_gdal(tmp_path: Path, ending: str, crs: str | None) -> None:
    name = ending.partition(".")[0]
    path = write_tiff(tmp_path / f"a{name}.tif", PIXELS, crs=crs, transform=UTM if crs else None)
    (tmp_path / f"a{ending}").write_text(BESIDE[ending])
    assert_as_gdal_says(path)


@pytest.mark.parametrize("ending", [".tif.msk", ".tif.MSK"])
def test_a_mask_beside_a_file_counts(tmp_path: Path, ending: str) -> None:
    path = write_tiff(tmp_path / "a.tif", PIXELS, crs="EPSG:32632", transform=UTM)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as dataset:
        shown = np.arange(dataset.width * dataset.height).reshape(dataset.height, dataset.width) % 3 > 0
        dataset.write_mask(shown)
    (tmp_path / "a.tif.msk").rename(tmp_path / f"a{ending}")
    masked = read_raster(path).masked
    assert masked is not None
    np.testing.assert_array_equal(masked, ~shown)


@pytest.mark.parametrize("ending", [".aux", ".AUX", ".tif.aux", ".tif.AUX"])
def test_an_aux_file_of_imagine_beside_a_file_counts(tmp_path: Path, ending: str) -> None:
    path = write_tiff(tmp_path / "a.tif", PIXELS, crs="EPSG:32632", transform=UTM)
    with rasterio.open(
        tmp_path / "made.img",
        "w",
        driver="HFA",
        count=12,
        width=16,
        height=16,
        dtype="uint16",
        nodata=11,
        transform=UTM,
    ) as made:
        made.write(np.ones((12, 16, 16), np.uint16))
    (tmp_path / "made.img").rename(tmp_path / f"a{ending}")
    with rasterio.open(path) as dataset:
        assert read_raster(path).nodata == dataset.nodata


def test_files_that_say_the_same_are_asked_about_once(tmp_path: Path) -> None:
    geokeys._ask.cache_clear()
    for number in range(5):
        moved = Affine(10, 0, 600_000 + number, 0, -10, 5_300_000)
        path = write_tiff(tmp_path / f"{number}.tif", PIXELS, crs="EPSG:32633", transform=moved)
        transform = read_raster(path).transform
        assert transform
        assert transform[2] == 600_000 + number
    counts = geokeys._ask.cache_info()
    assert (counts.misses, counts.hits) == (1, 4)


def place_of(tag: int, whole: bytes) -> int:
    """Where the values of a tag lie in a file."""
    start = struct.unpack_from("<I", whole, 4)[0]
    entries = struct.iter_unpack("<HHII", whole[start + 2 : start + 2 + 12 * struct.unpack_from("<H", whole, start)[0]])
    return int(next(place for number, _, _, place in entries if number == tag))


@pytest.mark.parametrize(("tag", "at"), [(33_922, 0), (33_922, 1), (33_922, 2), (33_550, 0), (33_550, 1), (33_550, 2)])
@pytest.mark.parametrize("value", [3.5, -7.0, 0.0, float("nan"), float("inf")])
def test_other_numbers_of_a_place_mean_what_gdal_says(tmp_path: Path, tag: int, at: int, value: float) -> None:
    path = write_tiff(tmp_path / "a.tif", PIXELS, crs="EPSG:32632", transform=UTM)
    changed = bytearray(path.read_bytes())
    struct.pack_into("<d", changed, place_of(tag, bytes(changed)) + 8 * at, value)
    path.write_bytes(changed)
    with rasterio.open(path) as dataset:
        said = dataset.transform
    useless = said.is_identity or said.is_degenerate
    np.testing.assert_array_equal(read_raster(path).transform or (), () if useless else said[:6])


def test_damaged_keys_are_left_to_gdal(tmp_path: Path) -> None:
    whole = write_tiff(tmp_path / "a.tif", PIXELS, crs="EPSG:32632", transform=UTM).read_bytes()
    keys = place_of(34_735, whole)
    for place in range(keys, keys + 32):
        damaged = bytearray(whole)
        damaged[place] ^= 0x41
        path = tmp_path / f"{place}.tif"
        path.write_bytes(damaged)
        assert_as_gdal_says(path)
