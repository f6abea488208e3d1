import datetime as dt
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msclip_search.archives.names import NameFacts, facts_of_name, parse_time, sensing_time
from tests.archives.painting import TEN, painted, read, write_tiff


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        (
            "S2A_MSIL2A_20220413T150759_N0400_R025_T33XWJ_20220414T082126.SAFE",
            NameFacts(utc(2022, 4, 13, 15, 7, 59), "Sentinel-2A", "L2A", "04.00", "33XWJ"),
        ),
        (
            "S2D_MSIL1C_20310102T030405_N0999_R001_T01CCV_20310102T060000_3_7.tif",
            NameFacts(utc(2031, 1, 2, 3, 4, 5), "Sentinel-2D", "L1C", "09.99", "01CCV"),
        ),
        (
            "S2A_MSIL1C_20200717T221941_R029_T01LAC_20200717T234135.tif",
            NameFacts(utc(2020, 7, 17, 22, 19, 41), "Sentinel-2A", "L1C", None, "01LAC"),
        ),
        (
            "S2B_MSIL2A_20171219T095409_27_62.npy",
            NameFacts(utc(2017, 12, 19, 9, 54, 9), "Sentinel-2B", "L2A"),
        ),
        (
            "S2B_MSIL2A_20170924T93021_41_29",
            NameFacts(utc(2017, 9, 24, 9, 30, 21), "Sentinel-2B", "L2A"),
        ),
        (
            "esa_S2B_MSIL2A_20210122T133229_N0214_R081_T22HBD_20210122T155500_x.tif",
            NameFacts(utc(2021, 1, 22, 13, 32, 29), "Sentinel-2B", "L2A", "02.14", "22HBD"),
        ),
        (
            "S2A_MSIL2A_20230230T101010_N0509_R025_T32UQD.tif",
            NameFacts(None, "Sentinel-2A", "L2A", "05.09", "32UQD"),
        ),
        ("T32UQD_20230601T102030_B04.tif", NameFacts(utc(2023, 6, 1, 10, 20, 30))),
        ("chip_2023-06-01_7.png", NameFacts(utc(2023, 6, 1))),
        ("20230601.tif", NameFacts(utc(2023, 6, 1))),
        ("20230601T999999.tif", NameFacts(utc(2023, 6, 1))),
        ("tile_20230230_20240229.tif", NameFacts(utc(2024, 2, 29))),
        ("tile_20230229.tif", NameFacts()),
        ("tile_2023-02-30.tif", NameFacts()),
        ("tile_20231301.tif", NameFacts()),
        ("tile_20091231.tif", NameFacts()),
        ("tile_20500101.tif", NameFacts()),
        ("tile_120230601.tif", NameFacts()),
        ("tile_202306011.tif", NameFacts()),
        ("SeaLake_2674.tif", NameFacts()),
        ("637U_59R_1_3.tif", NameFacts()),
        ("", NameFacts()),
    ],
)
def test_a_name_tells_what_it_tells(name: str, facts: NameFacts) -> None:
    assert facts_of_name(name) == facts


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2021-07-23T13:22:41.000000000", utc(2021, 7, 23, 13, 22, 41)),
        ("2021-07-23T13:22:41.123456789", utc(2021, 7, 23, 13, 22, 41, 123456)),
        ("2021-07-23T13:22:41Z", utc(2021, 7, 23, 13, 22, 41)),
        ("2021-07-23T13:22:41.5+02:00", utc(2021, 7, 23, 11, 22, 41, 500_000)),
        ("2021-07-23T01:00:00+02:00", utc(2021, 7, 22, 23)),
        ("2021-07-23 13:22:41", utc(2021, 7, 23, 13, 22, 41)),
        ("2021-07-23 13:22:41 UTC", utc(2021, 7, 23, 13, 22, 41)),
        (" 2021-07-23 ", utc(2021, 7, 23)),
        ("20210723T132241", utc(2021, 7, 23, 13, 22, 41)),
        ("2021:07:23 13:22:41", utc(2021, 7, 23, 13, 22, 41)),
        ("2021:07:23", utc(2021, 7, 23)),
        ("2024-02-29", utc(2024, 2, 29)),
        ("2021-02-29", None),
        ("2021-13-01", None),
        ("0000:00:00 00:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("yesterday", None),
        ("2021", None),
        ("", None),
    ],
)
def test_times_are_read_in_the_styles_of_iso_and_tiff(text: str, time: dt.datetime | None) -> None:
    assert parse_time(text) == time
    assert time is None or parse_time(text).utcoffset() == dt.timedelta(0)  # type: ignore[union-attr]


@settings(deadline=None)  # the machine may be busy
@given(st.datetimes(timezones=st.sampled_from([UTC, dt.timezone(dt.timedelta(hours=5, minutes=30))])))
def test_any_time_survives_its_iso_form(time: dt.datetime) -> None:
    read_back = parse_time(time.isoformat())
    assert read_back == time or (read_back is None and time.year in {1, 9999})


@settings(deadline=None)  # the machine may be busy
@given(st.text(max_size=30))
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = parse_time(text)
    assert found is None or found.tzinfo is UTC
    facts_of_name(text)


def test_tags_come_before_the_name_and_tiffs_own_date_last() -> None:
    name = "tile_20230601.tif"
    made = {"TIFFTAG_DATETIME": "2019:01:01 00:00:00"}
    assert sensing_time({"datetime": "2020-01-02", **made}, name) == utc(2020, 1, 2)
    assert sensing_time({"Acquisition_Date": "2020-01-02", **made}, name) == utc(2020, 1, 2)
    assert sensing_time({"acquired": "no time", "date": "2020-01-03"}, name) == utc(2020, 1, 3)
    assert sensing_time({"datetime": "2020-02-30", **made}, name) == utc(2023, 6, 1)
    assert sensing_time(made, name) == utc(2023, 6, 1)
    assert sensing_time(made, "tile.tif") == utc(2019, 1, 1)
    assert sensing_time({"other": "2020-01-02"}, "tile.tif") is None


def test_a_product_name_fills_the_record(tmp_path: Path) -> None:
    name = "S2D_MSIL2A_20310102T030405_N0601_R001_T32TMT_20310102T060000_12.tif"
    record = read(write_tiff(tmp_path / name, painted(TEN))).record
    assert (record.platform, record.level, record.baseline, record.mgrs_tile) == (
        "Sentinel-2D",
        "L2A",
        "06.01",
        "32TMT",
    )
    assert record.datetime == utc(2031, 1, 2, 3, 4, 5)


def test_tags_of_a_file_fill_the_record(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a_20200101.tif", painted(TEN), tags={"datetime": "2021-07-23T13:22:41.000000000"})
    record = read(path).record
    assert record.datetime == utc(2021, 7, 23, 13, 22, 41)
    assert (record.platform, record.level, record.baseline, record.mgrs_tile) == (None, None, None, None)


def test_tiffs_own_date_fills_the_record(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(TEN), tags={"TIFFTAG_DATETIME": "2019:03:04 05:06:07"})
    assert read(path).record.datetime == utc(2019, 3, 4, 5, 6, 7)


def test_only_the_files_own_name_is_asked(tmp_path: Path) -> None:
    folder = tmp_path / "S2A_MSIL2A_20210102T030405"
    folder.mkdir()
    record = read(write_tiff(folder / "a.tif", painted(TEN))).record
    assert (record.datetime, record.platform, record.level) == (None, None, None)
