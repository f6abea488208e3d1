"""BigEarthNet: the eleven real patches, and both versions' layouts on made files."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.enums import Resampling

from msclip_search.archives import Reading
from msclip_search.bands import LAYOUTS
from msclip_search.datasets import data_set
from msclip_search.errors import ArchiveError
from tests.datasets.making import RGB, TEN, labels_of, tiles_of, write_first_version, write_patch

BEN = data_set("bigearthnet")
MOSAIC = "Land principally occupied by agriculture, with significant areas of natural vegetation"
SHRUB = "Transitional woodland, shrub"
# Read off the JSON beside the bands, and brought to the 19 classes by hand.
EXPECTED = {
    "S2A_MSIL2A_20170617T113321_36_85": {"Arable land", "Pastures"},
    "S2A_MSIL2A_20170617T113321_4_55": {"Pastures"},
    "S2A_MSIL2A_20171221T112501_56_35": {"Complex cultivation patterns", MOSAIC, "Broad-leaved forest", SHRUB},
    "S2A_MSIL2A_20180510T94033_19_86": {"Coniferous forest", "Inland wetlands"},
    "S2B_MSIL2A_20170914T093029_32_39": {"Arable land", MOSAIC, "Broad-leaved forest"},
    "S2B_MSIL2A_20170924T093019_43_47": {"Coniferous forest", SHRUB},
    "S2B_MSIL2A_20170924T93021_41_29": {"Broad-leaved forest", "Mixed forest"},
    "S2B_MSIL2A_20170927T094019_66_56": {MOSAIC, "Broad-leaved forest", "Mixed forest", SHRUB},
    "S2B_MSIL2A_20180421T114349_41_4": {"Arable land", "Pastures", "Broad-leaved forest"},
    "S2B_MSIL2A_20180421T114349_47_56": {"Arable land", "Pastures"},
    "S2B_MSIL2A_20180502T093039_43_14": {"Complex cultivation patterns", MOSAIC, "Broad-leaved forest", SHRUB},
}
ONE, TWO, THREE, FOUR = (f"S2A_MSIL2A_20170617T113321_{number}_1" for number in range(4))
LABELS = {
    ONE: ["Vineyards", "Airports"],
    TWO: ["Sea and ocean", "Continuous urban fabric"],
    THREE: ["Airports", "Bare rock"],
    FOUR: ["Pastures"],
}


def test_real_patches_are_labelled(shared: Path) -> None:
    root = shared / "data" / "bigearthnet_tiny"
    labelled = BEN.open(root, reading=TEN)
    assert labelled.notes == ()
    found = {name.split("/")[1]: labels for name, labels in labels_of(labelled).items()}
    assert {name: set(labels) for name, labels in found.items()} == EXPECTED
    order = [each.name for each in labelled.classes]
    for name, labels in found.items():
        assert list(labels) == sorted(labels, key=order.index)
        # Names of CORINE that are classes as well stay as they are.
        said = json.loads((root / "patches" / name / f"{name}_labels_metadata.json").read_text())["labels"]
        assert set(said) & set(order) == set(labels) & set(said)
        assert len(labels) == len(said)
    assert BEN.open(root / "patches", reading=TEN).archive.count() == 11


def test_real_patches_are_what_gdal_makes_of_them(shared: Path) -> None:
    tiles = tiles_of(BEN.open(shared / "data" / "bigearthnet_tiny", reading=TEN))
    assert len(tiles) == 11
    for source, tile in tiles.items():
        folder = Path(source)
        assert tile.pixels.shape == (10, 120, 120)
        for pixels, band in zip(tile.pixels, LAYOUTS["ten"], strict=True):
            with rasterio.open(folder / f"{folder.name}_{band}.tif") as dataset:
                expected = dataset.read(1, out_shape=(120, 120), resampling=Resampling.bilinear)
            np.testing.assert_array_equal(pixels, expected)
        assert tile.record.level == BEN.level


def test_an_rgb_model_gets_red_green_and_blue(shared: Path) -> None:
    for source, tile in tiles_of(BEN.open(shared / "data" / "bigearthnet_tiny", reading=RGB)).items():
        folder = Path(source)
        with rasterio.open(folder / f"{folder.name}_B04.tif") as dataset:
            np.testing.assert_array_equal(tile.pixels[0], dataset.read(1))


def test_a_model_that_wants_cirrus_cannot_be_measured(shared: Path) -> None:
    with pytest.raises(ArchiveError, match=r"^BigEarthNet lacks B10, which the model needs"):
        BEN.open(shared / "data" / "bigearthnet_tiny", reading=Reading(want=LAYOUTS["l1c"]))


def test_patches_without_a_class_are_left_out_and_counted(tmp_path: Path) -> None:
    write_first_version(tmp_path / "BigEarthNet-v1.0", LABELS)
    labelled = BEN.open(tmp_path, reading=TEN)
    assert labels_of(labelled) == {
        f"BigEarthNet-v1.0/{ONE}": ("Permanent crops",),
        f"BigEarthNet-v1.0/{TWO}": ("Urban fabric", "Marine waters"),
        f"BigEarthNet-v1.0/{FOUR}": ("Pastures",),
    }
    assert labelled.notes == ("Left out: 1 patch with no label among the 19 classes.",)


def test_lists_of_snow_and_clouds_are_honoured(tmp_path: Path) -> None:
    write_first_version(tmp_path, LABELS)
    (tmp_path / "patches_with_seasonal_snow.csv").write_text(f"{ONE}\n")
    (tmp_path / "patches_with_cloud_and_shadow.csv").write_text(f"{FOUR}\nelsewhere\n")
    labelled = BEN.open(tmp_path, reading=TEN)
    assert [Path(item.source).name for item in labelled.archive.items()] == [TWO]
    assert set(labelled.notes) == {
        "Left out: 1 patch under seasonal snow.",
        "Left out: 1 patch under clouds or their shadows.",
        "Left out: 1 patch with no label among the 19 classes.",
    }


@pytest.mark.parametrize("name", ["test.csv", "bigearthnet-test.csv"])
def test_splits_of_the_first_version_are_lists(tmp_path: Path, name: str) -> None:
    write_first_version(tmp_path, LABELS)
    (tmp_path / name).write_text(f"{FOUR},S1A_IW_x\n{ONE},S1A_IW_y\nnot_here,S1A_IW_z\nnor_here,S1A_IW_z\n")
    labelled = BEN.open(tmp_path, reading=TEN, split="test")
    assert [Path(item.source).name for item in labelled.archive.items()] == [ONE, FOUR]
    assert labelled.notes == ("Left out: 2 patches not in this folder.",)
    with pytest.raises(ArchiveError, match=r"holds no val\.csv, which names the patches of the split validation\."):
        BEN.open(tmp_path, reading=TEN, split="validation")


def test_labels_that_are_none_are_refused(tmp_path: Path) -> None:
    write_first_version(tmp_path, {ONE: ["Lawn"]})
    with pytest.raises(ArchiveError, match=r"has the label 'Lawn', which is no land cover of BigEarthNet\.$"):
        BEN.open(tmp_path, reading=TEN)
    for text in ("{", "{}", "[]", '{"labels": 3}'):
        (tmp_path / ONE / f"{ONE}_labels_metadata.json").write_text(text)
        with pytest.raises(ArchiveError, match=r"^The labels .* cannot be read"):
            BEN.open(tmp_path, reading=TEN)


def write_second_version(root: Path, **columns: list[object]) -> None:
    """Write made patches in the layout of version 2, and a table of four rows, of which one has no patch."""
    tile = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
    names = [f"{tile}_{number}_57" for number in range(4)]
    for number, name in enumerate(names[:3], 1):
        write_patch(root / "BigEarthNet-S2" / tile / name, number)
    table = {
        "patch_id": names,
        "labels": [["Pastures"], ["Arable land", "Inland waters"], ["Mixed forest"], ["Pastures"]],
        "split": ["train", "validation", "test", "test"],
        "country": ["Austria"] * 4,
    }
    pq.write_table(pa.table(table | columns), root / "metadata.parquet")


def test_the_second_version_is_read_by_its_table(tmp_path: Path) -> None:
    write_second_version(tmp_path)
    labelled = BEN.open(tmp_path, reading=TEN)
    tiles = tiles_of(labelled)
    assert [labelled.labels.of(source) for source in tiles] == [
        ("Pastures",),
        ("Arable land", "Inland waters"),
        ("Mixed forest",),
    ]
    for number, tile in enumerate(tiles.values(), 1):
        assert tile.pixels.shape == (10, 48, 48)
        assert (tile.pixels == number).all()
        assert (tile.record.level, tile.record.mgrs_tile) == ("L2A", "33UUP")
    assert labelled.notes == ("Left out: 1 patch not in this folder.",)
    for split, label in {"train": "Pastures", "validation": "Arable land", "test": "Mixed forest"}.items():
        (labels,) = labels_of(BEN.open(tmp_path, reading=TEN, split=split)).values()
        assert labels[0] == label


def test_the_second_version_says_what_lies_under_snow_and_clouds(tmp_path: Path) -> None:
    write_second_version(
        tmp_path,
        contains_seasonal_snow=[True, False, False, False],
        contains_cloud_or_shadow=[False, False, True, False],
    )
    labelled = BEN.open(tmp_path, reading=TEN)
    assert list(labels_of(labelled).values()) == [("Arable land", "Inland waters")]
    assert len(labelled.notes) == 3


def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    write_patch(tmp_path / "tile" / "patch")
    (tmp_path / "metadata.parquet").write_bytes(b"no table")
    with pytest.raises(ArchiveError, match=r"^The table .*metadata\.parquet cannot be read: "):
        BEN.open(tmp_path, reading=TEN)
    pq.write_table(pa.table({"patch_id": ["patch"]}), tmp_path / "metadata.parquet")
    with pytest.raises(ArchiveError, match=r"metadata\.parquet lacks the columns labels, split\.$"):
        BEN.open(tmp_path, reading=TEN)


def test_a_patch_without_labels_is_counted_wherever_it_stands(tmp_path: Path) -> None:
    write_first_version(tmp_path, {name: LABELS[name] for name in (ONE, TWO)})
    (tmp_path / ONE / f"{ONE}_labels_metadata.json").unlink()
    labelled = BEN.open(tmp_path, reading=TEN)
    assert labelled.notes == ("Left out: 1 patch without a file of labels.",)
    assert labelled.archive.count() == 1
