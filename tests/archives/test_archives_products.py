"""Which product a chip was cut out of: its own name says it, or its tags, or the folders above."""

import datetime as dt
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msclip_search.archives import product_in
from msclip_search.archives.names import facts_of_name, facts_of_source
from tests.archives.painting import TEN, painted, read, write_tiff

NAME = "S2A_MSIL2A_20230608T103031_N0509_R108_T32TMT_20230608T170800"
OTHER = "S2B_MSIL2A_20230613T103629_N0510_R108_T32TMT_20230613T150000"


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


SENSED = utc(2023, 6, 8, 10, 30, 31)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (NAME, True),
        (f"{NAME}.SAFE", True),
        (f"{NAME}_clip_12.tif", True),
        (f"{NAME}-3-7.npy", True),
        (f"012_{NAME}.zip", True),
        (f"{NAME}__{NAME}.tif", True),
        (f"{NAME}__{OTHER}.tif", False),
        (f"{NAME}0.tif", False),
        (f"X{NAME}.tif", False),
        (NAME.lower(), False),
        (NAME[:-1], False),
        (NAME.rpartition("_")[0], False),
        (NAME.replace("_N0509", ""), False),
        (NAME.replace("_R108", ""), False),
        (NAME.replace("32TMT", "32AMT"), False),
        (NAME.replace("0608T103031", "0631T103031"), False),
        (NAME.replace("S2A", "S1A"), False),
        ("S2A_OPER_PRD_MSIL1C_PDMC_20160806T182319_R108_V20160806T103022_20160806T103022.SAFE", False),
        ("", False),
    ],
)
def test_a_product_is_known_by_its_full_name(text: str, *, found: bool) -> None:
    name = product_in(text)
    assert (name is not None) == found
    if name:
        assert (name.text, name.sensed, name.generated) == (NAME, SENSED, "20230608T170800")


@pytest.mark.parametrize(
    ("path", "tags"),
    [
        (f"{NAME}_7.tif", {}),
        (f"{NAME}_7.tif", {"PRODUCT_URI": f"{OTHER}.SAFE"}),
        (f"{OTHER}.SAFE/{NAME}_7.tif", {}),
        (f"{NAME}.SAFE/7.tif", {}),
        (f"{NAME}.SAFE/chips/00/7.tif", {}),
        (f"{OTHER}.SAFE/{NAME}/7.tif", {}),
        (f"{OTHER}.SAFE/7.tif", {"PRODUCT_URI": f"{NAME}.SAFE"}),
        ("7.tif", {"PRODUCT_URI_2A": f"{NAME}.SAFE"}),
        ("7.tif", {"s2:product_uri": f"{NAME}.SAFE", "product_id": OTHER}),
        ("7.tif", {"PRODUCT_ID": NAME}),
        (f"{NAME}.SAFE/S2A_MSIL2A_20230608T103031_N0509_R108_T32TMT_7.tif", {}),
        (f"{NAME}.SAFE/T32TMT_20230608T103031_7.tif", {}),
        (f"{NAME}.SAFE/chip_20230608.tif", {}),
        (f"{NAME}.SAFE/7.tif", {"datetime": "2023-06-08T10:30:31Z"}),
        (f"{OTHER}.SAFE/chip_20230608.tif", {"PRODUCT_URI": NAME}),
        (f"{NAME}.SAFE/chip_20230608.tif", {"PRODUCT_URI": OTHER}),
        (f"{NAME}.SAFE/7.tif", {"TIFFTAG_DATETIME": "2024:01:01 00:00:00"}),
    ],
)
def test_the_nearest_name_says_everything(path: str, tags: dict[str, str]) -> None:
    facts = facts_of_source(Path("/archive") / path, tags)
    assert (facts.product, facts.datetime) == (NAME, SENSED)
    assert facts.named == facts_of_name(NAME)


@pytest.mark.parametrize(
    ("path", "tags"),
    [
        (f"{NAME}.SAFE/S2B_MSIL2A_20230608T103031_7.tif", {}),
        (f"{NAME}.SAFE/S2A_MSIL1C_20230608T103031_7.tif", {}),
        (f"{NAME}.SAFE/S2A_MSIL2A_20230608T103031_N0510_7.tif", {}),
        (f"{NAME}.SAFE/S2A_MSIL2A_20230608T103031_T32TNT_7.tif", {}),
        (f"{NAME}.SAFE/chip_20230609.tif", {}),
        (f"{NAME}.SAFE/7.tif", {"datetime": "2023-06-09"}),
        (f"{NAME}.SAFE/{NAME}__{OTHER}.tif", {}),
        ("7.tif", {"PRODUCT_URI_1C": f"{NAME}.SAFE"}),
        ("7.tif", {"SOURCE": NAME}),
        (f"{NAME[:-16]}.SAFE/7.tif", {}),
        (f"{NAME}__{OTHER}/7.tif", {}),
        ("chip_20230608.tif", {"PRODUCT_URI": OTHER}),
    ],
)
def test_a_product_that_contradicts_the_file_is_not_believed(path: str, tags: dict[str, str]) -> None:
    facts = facts_of_source(Path("/archive") / path, tags)
    assert facts.product is None
    own = facts_of_name(Path(path).name)
    assert facts.named == own
    assert facts.datetime == (utc(2023, 6, 9) if "datetime" in tags else own.datetime)


def test_a_name_of_two_products_says_nothing() -> None:
    facts = facts_of_source(Path(f"/archive/{NAME}__{OTHER}.tif"), {})
    assert (facts.named, facts.datetime, facts.product) == (facts_of_name(""), None, None)


def test_tags_say_the_time_more_exactly() -> None:
    facts = facts_of_source(Path(f"/archive/{NAME}_7.tif"), {"datetime": "2023-06-08T10:36:24.031Z"})
    assert (facts.datetime, facts.product) == (utc(2023, 6, 8, 10, 36, 24, 31_000), NAME)


@settings(deadline=None)  # the machine may be busy
@given(before=st.text(max_size=8), after=st.text(max_size=8))
def test_a_name_is_found_among_any_letters(before: str, after: str) -> None:
    name = product_in(f"{before}_{NAME}.{after}")
    assert name is None or name.text == NAME
    assert name is not None or "S2" in before + after


@pytest.mark.parametrize("place", [f"{NAME}_7.tif", f"{NAME}.SAFE/7.tif", "tagged.tif"])
def test_a_product_fills_the_record(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    tags = {"PRODUCT_URI": f"{NAME}.SAFE"} if place == "tagged.tif" else None
    record = read(write_tiff(path, painted(TEN), tags=tags)).record
    assert (record.product_id, record.datetime, record.platform) == (NAME, SENSED, "Sentinel-2A")
    assert (record.level, record.baseline, record.mgrs_tile) == ("L2A", "05.09", "32TMT")


def test_a_chip_of_no_product_has_none(tmp_path: Path) -> None:
    assert read(write_tiff(tmp_path / "a_20200101.tif", painted(TEN))).record.product_id is None
