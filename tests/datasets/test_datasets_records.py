"""The records: counts that the publications give, words of the published evaluation, and how they are named."""

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from msclip_search.bands import BANDS
from msclip_search.datasets import DATASETS, DataSet, data_set
from msclip_search.datasets.base import in_words
from msclip_search.datasets.corine import DROPPED, GROUPS, to_classes
from msclip_search.errors import ArchiveError, MsclipError
from tests.datasets.making import RGB, TEN

COUNTS = {
    "eurosat-ms": 10,
    "eurosat-rgb": 10,
    "bigearthnet": 19,
    "meter-ml": 7,  # six sources and none
    "meter-ml-naip": 7,
    "forestnet": 4,
    "resisc45": 45,
    "aid": 30,
    "folder": 0,
}
EACH = pytest.mark.parametrize("record", DATASETS.values(), ids=DATASETS)


def test_classes_are_as_many_as_published() -> None:
    assert {name: len(record.classes) for name, record in DATASETS.items()} == COUNTS


@EACH
def test_a_record_says_what_it_must(record: DataSet) -> None:
    assert DATASETS[record.name] is record is data_set(record.name)
    assert (
        len({each.name for each in record.classes})
        == len({each.words for each in record.classes})
        == len(record.classes)
    )
    assert set(record.bands) <= set(BANDS)
    assert record.level in {None, "L1C", "L2A"}
    assert record.layout
    assert all(len(line) < 118 for line in record.layout.splitlines())
    if record.name != "folder":
        assert record.source.startswith("https://")
        assert record.licence
        assert record.citation


@EACH
def test_what_was_never_tried_is_said(record: DataSet) -> None:
    assert ("not tried on the original files" in record.layout) == (record.name not in {"eurosat-ms", "folder"})


def test_records_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        DATASETS["aid"].name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        DATASETS["other"] = DATASETS["aid"]  # type: ignore[index]


def test_prompts_say_what_the_published_evaluation_says(shared: Path) -> None:
    golden = json.loads((shared / "golden" / "llama3_ms_clip_parity.json").read_text())
    words = {each.words for each in DATASETS["eurosat-ms"].classes}
    assert {each["name"] for each in golden["classes"]} <= words


def test_names_become_words() -> None:
    assert in_words("HerbaceousVegetation") == "herbaceous vegetation"
    assert in_words("golf_course") == "golf course"
    assert in_words("open-pit mine") == "open pit mine"
    assert in_words("Sea/Lake") == "sea lake"
    assert in_words("BareLand") == "bare land"


def test_an_unknown_name_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(
        MsclipError, match=r"^There is no data set 'EuroSAT'\. Did you mean eurosat-ms or eurosat-rgb\? "
    ):
        data_set("EuroSAT")
    with pytest.raises(MsclipError, match=r"'q'\. There are eurosat-ms, .*, folder\.$"):
        data_set("q")


@EACH
def test_a_missing_folder_says_where_the_data_set_is_had_and_what_is_expected(record: DataSet, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as refused:
        record.open(tmp_path / "nowhere", reading=RGB)
    said = str(refused.value)
    assert said.startswith(f"There is no folder {tmp_path / 'nowhere'}.")
    assert record.source in said
    assert record.licence in said
    assert said.endswith(record.layout.splitlines()[-1])


@EACH
def test_an_empty_folder_says_so_too(record: DataSet, tmp_path: Path) -> None:
    for split in (None, "test"):
        with pytest.raises(ArchiveError, match=r"(?s) (holds|lacks|has) .*Expected:"):
            record.open(tmp_path, reading=RGB, split=split)


@EACH
def test_a_split_that_is_none_is_refused(record: DataSet, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"has no split 'val'; there are train, validation, test\.$"):
        record.open(tmp_path, reading=RGB, split="val")


def test_a_model_of_ten_bands_cannot_be_measured_on_pictures(tmp_path: Path) -> None:
    for name in ("eurosat-rgb", "meter-ml-naip", "forestnet", "resisc45", "aid"):
        with pytest.raises(ArchiveError, match=r" lacks B05, .*: no such model can be measured on it\.$"):
            data_set(name).open(tmp_path, reading=TEN)


def test_the_43_names_are_in_a_class_or_dropped() -> None:
    names = [name for group in GROUPS.values() for name in group]
    assert len(GROUPS) == 19
    assert len(names) == len(set(names)) == 32
    assert len(set(DROPPED)) == 11
    assert not set(DROPPED) & set(names)
    assert {to_classes([name]) for name in names} == {(group,) for group in GROUPS}
    assert all(to_classes([name]) == () for name in DROPPED)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("Continuous urban fabric", "Urban fabric"),
        ("Rice fields", "Arable land"),
        ("Annual crops associated with permanent crops", "Permanent crops"),
        ("Sparsely vegetated areas", "Natural grassland and sparsely vegetated areas"),
        ("Sclerophyllous vegetation", "Moors, heathland and sclerophyllous vegetation"),
        ("Peatbogs", "Inland wetlands"),
        ("Salines", "Coastal wetlands"),
        ("Water courses", "Inland waters"),
        ("Estuaries", "Marine waters"),
        ("Marine waters", "Marine waters"),
    ],
)
def test_names_of_corine_belong_to_classes(name: str, group: str) -> None:
    assert to_classes([name]) == (group,)


def test_classes_come_once_and_in_their_order() -> None:
    assert to_classes(["Sea and ocean", "Airports", "Estuaries", "Vineyards"]) == ("Permanent crops", "Marine waters")
    with pytest.raises(KeyError):
        to_classes(["Lawn"])
