"""EuroSAT: the real tiles, and what the cirrus band tells of their order."""

import csv
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from msclip_search.archives import Reading
from msclip_search.bands import BANDS, LAYOUTS
from msclip_search.datasets import data_set
from msclip_search.errors import ArchiveError
from tests.archives.painting import by_rasterio
from tests.datasets.making import RGB, TEN, labels_of, names_of, tiles_of, write_chip_of, write_picture_of

MS = data_set("eurosat-ms")
# Positions of the ten bands, counted by hand from the order on disk that the data's own README gives.
IN_EUROSAT = [1, 2, 3, 4, 5, 6, 7, 12, 10, 11]
NINTH = [LAYOUTS["eurosat"].index(band) for band in BANDS]


@pytest.fixture(scope="module")
def real(shared: Path) -> Path:
    return shared / "data" / "eurosat_ms"


def copy(real: Path, to: Path, *, order: list[int] | None = None, count: int = 4, classes: int = 10) -> Path:
    """Copy some tiles of each class, their bands in another order."""
    for folder in sorted(path for path in real.iterdir() if path.is_dir())[:classes]:
        for path in sorted(folder.glob("*.tif"))[:count]:
            pixels = by_rasterio(path)
            write_chip_of(to / folder.name / path.name, pixels if order is None else pixels[order])
    return to


def test_real_tiles_are_read_and_labelled(real: Path) -> None:
    labelled = MS.open(real, reading=TEN)
    assert labelled.notes == ("B8A stands last: the cirrus band is the darkest in 30 of 30 files looked at.",)
    assert names_of(labelled.classes) == sorted(path.name for path in real.iterdir() if path.is_dir())
    rows = {row["file"]: row for row in csv.DictReader((real / "index.csv").read_text().splitlines())}
    tiles = tiles_of(labelled)
    assert len(tiles) == len(rows) == 375
    for source, tile in tiles.items():
        path = Path(source)
        assert labelled.labels.of(source) == (rows[f"{path.parent.name}/{path.name}"]["label"],)
        np.testing.assert_array_equal(tile.pixels, by_rasterio(path)[IN_EUROSAT])


def test_an_rgb_model_gets_red_green_and_blue(real: Path) -> None:
    labelled = MS.open(real, reading=RGB)
    source = next(iter(labelled.archive.items())).source
    np.testing.assert_array_equal(
        next(iter(labelled.archive.items())).read()[0].pixels, by_rasterio(Path(source))[[3, 2, 1]]
    )


def test_the_ninth_band_is_recognised(real: Path, tmp_path: Path) -> None:
    labelled = MS.open(copy(real, tmp_path, order=NINTH), reading=TEN)
    assert labelled.notes == ("B8A stands ninth: the cirrus band is the darkest in 30 of 30 files looked at.",)
    for source, tile in tiles_of(labelled).items():
        path = Path(source)
        np.testing.assert_array_equal(tile.pixels, by_rasterio(real / path.parent.name / path.name)[IN_EUROSAT])


def test_two_orders_in_one_folder_are_refused(real: Path, tmp_path: Path) -> None:
    copy(real, tmp_path, classes=9)
    shutil.rmtree(tmp_path / "Forest")
    copy(real, tmp_path, order=NINTH, classes=2)
    with pytest.raises(ArchiveError, match=r"mixes two orders of bands: .* of 27 files looked at\..* --bands eurosat"):
        MS.open(tmp_path, reading=TEN)


def test_an_order_that_the_pixels_do_not_tell_is_refused(real: Path, tmp_path: Path) -> None:
    order = list(reversed(range(13)))
    with pytest.raises(ArchiveError, match=r"is unclear: .* shows in 0 of 30 files looked at\. Say which with --bands"):
        MS.open(copy(real, tmp_path, order=order), reading=TEN)


def test_what_the_user_says_of_the_order_is_taken(real: Path, tmp_path: Path) -> None:
    said = replace(TEN, layout=tuple(reversed(LAYOUTS["eurosat"])))
    labelled = MS.open(copy(real, tmp_path, order=list(reversed(range(13))), count=1), reading=said)
    assert labelled.notes == ()
    for source, tile in tiles_of(labelled).items():
        path = Path(source)
        np.testing.assert_array_equal(tile.pixels, by_rasterio(real / path.parent.name / path.name)[IN_EUROSAT])


def test_a_tile_dark_for_a_reason_of_its_own_does_not_vote(real: Path, tmp_path: Path) -> None:
    copy(real, tmp_path, count=3)
    for path in (tmp_path / "SeaLake").glob("*.tif"):
        pixels = by_rasterio(path)
        pixels[11] = 0  # B12 over water
        pixels[10] = pixels[9] - 1  # B11 hardly darker than cirrus
        write_chip_of(path, pixels)
    notes = MS.open(tmp_path, reading=TEN).notes
    assert notes == ("B8A stands last: the cirrus band is the darkest in 27 of 30 files looked at.",)


def test_a_damaged_file_does_not_vote(real: Path, tmp_path: Path) -> None:
    copy(real, tmp_path, count=1)
    (tmp_path / "River" / "River_1.tif").write_bytes(b"II*\0 nothing")
    assert "9 of 9 files" in MS.open(tmp_path, reading=TEN).notes[0]


def test_files_of_twelve_bands_are_not_guessed_at(real: Path, tmp_path: Path) -> None:
    order = [LAYOUTS["eurosat"].index(band) for band in LAYOUTS["l2a"]]
    labelled = MS.open(copy(real, tmp_path, order=order, count=1), reading=TEN)
    assert labelled.notes == ()
    for source, tile in tiles_of(labelled).items():
        path = Path(source)
        np.testing.assert_array_equal(tile.pixels, by_rasterio(real / path.parent.name / path.name)[IN_EUROSAT])


def test_splits_are_folders_around_the_classes(real: Path, tmp_path: Path) -> None:
    copy(real, tmp_path / "train", count=2, classes=2)
    copy(real, tmp_path / "val", count=1, classes=2)
    assert MS.open(tmp_path, reading=TEN).archive.count() == 6
    assert MS.open(tmp_path, reading=TEN, split="train").archive.count() == 4
    part = MS.open(tmp_path, reading=TEN, split="validation")
    assert labels_of(part) == {"AnnualCrop/AnnualCrop_1.tif": ("AnnualCrop",), "Forest/Forest_1.tif": ("Forest",)}
    with pytest.raises(ArchiveError, match=r"has no folder for the split test; it has train, val\.$"):
        MS.open(tmp_path, reading=TEN, split="test")
    with pytest.raises(ArchiveError, match=r"has no folder for the split test\. .*Expected:"):
        MS.open(tmp_path / "train", reading=TEN, split="test")


def test_unpacked_folders_and_other_spellings_are_found(real: Path, tmp_path: Path) -> None:
    copy(real, tmp_path / "ds" / "tif", count=1)
    (tmp_path / "ds" / "tif" / "SeaLake").rename(tmp_path / "ds" / "tif" / "sea_lake")
    (tmp_path / "ds" / "tif" / "Forest").rename(tmp_path / "ds" / "tif" / "Lawn")
    (tmp_path / "ds" / "tif" / ".hidden").mkdir()
    labelled = MS.open(tmp_path, reading=TEN)
    assert labels_of(labelled)["sea_lake/SeaLake_1.tif"] == ("SeaLake",)
    assert len(labelled.classes) == 10
    assert labelled.notes[:2] == (
        "No folder here for 1 of 10 classes: Forest.",
        "Left out, as no classes of EuroSAT (multispectral): Lawn.",
    )


def test_pictures_are_read_and_labelled(tmp_path: Path) -> None:
    """Made files: the layout of the pictures as published."""
    names = names_of(MS.classes)
    for number, name in enumerate(names, 1):
        write_picture_of(tmp_path / "2750" / name / f"{name}_1.jpg", 10 * number)
    labelled = data_set("eurosat-rgb").open(tmp_path, reading=RGB)
    assert Counter(label for labels in labels_of(labelled).values() for label in labels) == Counter(names)
    for source, tile in tiles_of(labelled).items():
        assert tile.pixels.dtype == np.uint8
        np.testing.assert_allclose(
            tile.pixels.astype(float), 10 + 10 * names.index(labelled.labels.of(source)[0]), atol=1
        )


def test_the_offset_that_the_user_gives_is_used(real: Path) -> None:
    reading = Reading(want=("B02",), offset=-100)
    item = next(iter(MS.open(real, reading=reading).archive.items()))
    stored = by_rasterio(Path(item.source))[1].astype(int)
    np.testing.assert_array_equal(item.read()[0].pixels[0], np.maximum(stored - 100, 1))
