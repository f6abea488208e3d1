"""Tiles without a product are named by their content."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from msclip_search.archives import Reading
from msclip_search.archives.ids import content_id
from msclip_search.raster import Raster, read_raster
from tests.archives.painting import (
    HEIGHT,
    PACKED,
    TEN,
    TILED,
    WIDTH,
    painted,
    read,
    write_tiff,
)


def test_one_content_id_is_pinned() -> None:
    raster = Raster(
        pixels=painted(TEN),
        descriptions=TEN,
        nodata=0.0,
        crs="EPSG:32632",
        bounds=(600_000.0, 5_299_760.0, 600_400.0, 5_300_000.0),
    )
    # Changing it makes every tile of every index another one.
    assert content_id(raster) == "1c0a6881c853c4a487eafed9fc46f4df"
    bare = painted(TEN, "float32")
    for pixels in (bare, bare.astype(">f4"), np.asfortranarray(bare)):
        assert content_id(Raster(pixels=pixels)) == "fd0f4bde452cb4888a31ebbc2d24b5cd"


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_copies_in_other_forms_keep_their_id(tmp_path: Path, dtype: str) -> None:
    copies = [{}, {"interleave": "pixel"}, *PACKED[2:], {"interleave": "band", **TILED}]
    ids = {
        read(write_tiff(tmp_path / f"{number}.tif", painted(TEN, dtype), **options)).record.tile_id
        for number, options in enumerate(copies)
    }
    assert len(ids) == 1
    said = Reading(want=("B03",), layout=TEN, offset=-1000)
    assert {read(tmp_path / "0.tif", said).record.tile_id} == ids
    assert read(tmp_path / "0.tif").record.tile_id == content_id(read_raster(tmp_path / "0.tif"))


def test_arrays_of_one_content_have_one_id(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", painted(TEN))
    np.save(tmp_path / "b.npy", np.asfortranarray(painted(TEN)).astype(">u2"))
    np.save(tmp_path / "c.npy", np.moveaxis(painted(TEN), 0, -1))
    np.savez_compressed(tmp_path / "d.npz", x=painted(TEN))
    assert len({read(path).record.tile_id for path in tmp_path.iterdir()}) == 1


def test_other_contents_have_other_ids(tmp_path: Path) -> None:
    pixels = painted(TEN)
    one = painted(TEN)
    one[7, 11, 13] += 1
    made = [
        write_tiff(tmp_path / "a.tif", pixels),
        write_tiff(tmp_path / "one.tif", one),
        write_tiff(tmp_path / "type.tif", pixels.astype(np.int16)),
        write_tiff(tmp_path / "crs.tif", pixels, crs="EPSG:32633"),
        write_tiff(tmp_path / "none.tif", pixels, crs=None),
        write_tiff(tmp_path / "east.tif", pixels, transform=rasterio.Affine(10, 0, 600_010, 0, -10, 5_300_000)),
        write_tiff(tmp_path / "size.tif", pixels, transform=rasterio.Affine(20, 0, 600_000, 0, -10, 5_300_000)),
        write_tiff(tmp_path / "shape.tif", pixels.reshape(10, WIDTH, HEIGHT)),
        write_tiff(tmp_path / "names.tif", pixels, descriptions=TEN),
        write_tiff(tmp_path / "turned.tif", pixels, descriptions=TEN[::-1]),
        write_tiff(tmp_path / "nodata.tif", pixels, nodata=0),
        write_tiff(tmp_path / "mask.tif", pixels, mask=np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) > 7),
        write_tiff(tmp_path / "mask2.tif", pixels, mask=np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) > 8),
    ]
    assert len({read(path).record.tile_id for path in made}) == len(made)


def test_a_file_whose_names_are_put_right_is_another_tile(tmp_path: Path) -> None:
    # Its embedding must not be taken over from before.
    path = write_tiff(tmp_path / "a.tif", painted(TEN), descriptions=TEN[::-1])
    wrong = read(path).record
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = TEN
    assert read(path).record.tile_id != wrong.tile_id
    np.testing.assert_array_equal(read(path).pixels, painted(TEN))
