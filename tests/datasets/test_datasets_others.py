"""Data sets of which no file is here, on files made in the layout that their records name."""

from pathlib import Path

import numpy as np
import pytest

from msclip_search.bands import LAYOUTS
from msclip_search.datasets import data_set
from msclip_search.errors import ArchiveError
from tests.archives.painting import painted
from tests.datasets.making import RGB, TEN, labels_of, names_of, tiles_of, write_chip_of, write_picture_of

FOREST = data_set("forestnet")


@pytest.mark.parametrize(
    ("name", "folder", "label"),
    [
        ("resisc45", "baseball_diamond", "baseball_diamond"),
        ("aid", "BareLand", "BareLand"),
        ("aid", "bare land", "BareLand"),
        ("meter-ml-naip", "test/CAFOs", "CAFOs"),
        ("meter-ml-naip", "coal mines", "Mines"),
    ],
)
def test_pictures_in_a_folder_a_class(tmp_path: Path, name: str, folder: str, label: str) -> None:
    path = write_picture_of(tmp_path / folder / "1.png", 77, "PNG")
    labelled = data_set(name).open(tmp_path, reading=RGB)
    (tile,) = tiles_of(labelled).values()
    assert (tile.pixels == 77).all()
    assert labelled.labels.of(str(path)) == (label,)
    assert labelled.labels.of(str(tmp_path / "2.png")) == ()
    assert labelled.classes == data_set(name).classes


def test_meter_ml_has_twelve_bands_in_order(tmp_path: Path) -> None:
    stored = painted(LAYOUTS["l2a"])
    write_chip_of(tmp_path / "test" / "WWTreatment" / "1.tif", stored)
    labelled = data_set("meter-ml").open(tmp_path, reading=TEN, split="test")
    (tile,) = tiles_of(labelled).values()
    np.testing.assert_array_equal(tile.pixels, painted(LAYOUTS["ten"]))
    assert list(labels_of(labelled).values()) == [("WWTreatment",)]


def write_forestnet(root: Path, *, table: str = "test.csv") -> None:
    for name, label, number in (("a", "Plantation", 10), ("b", "Other", 20)):
        write_picture_of(root / "examples" / name / "images" / "visible" / "composite.png", number, "PNG")
        write_picture_of(root / "examples" / name / "images" / "visible" / "2014.png", 99, "PNG")
        with (root / table).open("a") as file:
            if not file.tell():
                file.write("label,merged_label,latitude,longitude,year,example_path\n")
            file.write(f"Mining,{label},0,100,2014,examples/{name}\n")


def test_forestnet_is_what_its_tables_name(tmp_path: Path) -> None:
    write_forestnet(tmp_path)
    with (tmp_path / "val.csv").open("w") as file:
        file.write("label,merged_label,latitude,longitude,year,example_path\nMining,Other,0,100,2014,examples/gone\n")
    labelled = FOREST.open(tmp_path, reading=RGB)
    assert [int(tile.pixels[0, 0, 0]) for tile in tiles_of(labelled).values()] == [10, 20]
    assert [labelled.labels.of(item.source) for item in labelled.archive.items()] == [("Plantation",), ("Other",)]
    assert labelled.notes == ("Left out: 1 picture not in this folder.",)
    assert FOREST.open(tmp_path, reading=RGB, split="test").notes == ()
    with pytest.raises(ArchiveError, match=r"lacks the tables of its pictures: train\.csv\."):
        FOREST.open(tmp_path, reading=RGB, split="train")
    with pytest.raises(ArchiveError, match=r"holds none of the 1 pictures that its tables name\."):
        FOREST.open(tmp_path, reading=RGB, split="validation")


def test_a_table_of_forestnet_is_checked(tmp_path: Path) -> None:
    write_forestnet(tmp_path)
    table = tmp_path / "test.csv"
    good = table.read_text()
    table.write_text(good.replace("Plantation", "Lawn"))
    with pytest.raises(ArchiveError, match=r"test\.csv, line 2: 'Lawn' is no class of ForestNet\.$"):
        FOREST.open(tmp_path, reading=RGB)
    table.write_text(good.replace("merged_label", "merged"))
    with pytest.raises(ArchiveError, match=r"test\.csv lacks merged_label\.$"):
        FOREST.open(tmp_path, reading=RGB)
    table.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ArchiveError, match=r"^The table .* cannot be read"):
        FOREST.open(tmp_path, reading=RGB)


def test_a_folder_of_ones_own_names_its_classes(tmp_path: Path) -> None:
    write_chip_of(tmp_path / "open_pit_mine" / "1.tif", painted(LAYOUTS["ten"]))
    write_chip_of(tmp_path / "RiceField" / "deep" / "2.tif", painted(LAYOUTS["ten"]))
    labelled = data_set("folder").open(tmp_path, reading=TEN)
    assert [(each.name, each.words) for each in labelled.classes] == [
        ("RiceField", "rice field"),
        ("open_pit_mine", "open pit mine"),
    ]
    assert labels_of(labelled) == {"deep/2.tif": ("RiceField",), "open_pit_mine/1.tif": ("open_pit_mine",)}
    with pytest.raises(ArchiveError, match=r"has no folder for the split test\."):
        data_set("folder").open(tmp_path, reading=TEN, split="test")


def test_a_folder_of_ones_own_may_have_splits(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for name in ("lake", "mine"):
            write_chip_of(tmp_path / split / name / "1.tif", painted(LAYOUTS["ten"]))
    labelled = data_set("folder").open(tmp_path, reading=TEN)
    assert labelled.archive.count() == 4
    assert names_of(labelled.classes) == ["lake", "mine"]
    assert labels_of(data_set("folder").open(tmp_path, reading=TEN, split="test")) == {
        "lake/1.tif": ("lake",),
        "mine/1.tif": ("mine",),
    }
