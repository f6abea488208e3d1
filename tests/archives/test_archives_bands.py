import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msclip_search.bands import BANDS, LAYOUTS, SETTLED, band_name, choose_bands, name_bands, parse_layout
from msclip_search.errors import BandsError, MsclipError

TEN = LAYOUTS["ten"]
# Written out, so that an edit of the module's own expressions shows.
L1C = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"]
EUROSAT = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B10", "B11", "B12", "B8A"]
L2A = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"]


def test_the_layouts_are_what_everybody_writes() -> None:
    assert {name: list(bands) for name, bands in LAYOUTS.items()} == {
        "l1c": L1C,
        "l2a": L2A,
        "ten": ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"],
        "eurosat": EUROSAT,
        "rgb": ["B04", "B03", "B02"],
    }
    assert list(BANDS) == L1C
    assert {count: list(bands) for count, bands in SETTLED.items()} == {10: list(TEN), 12: L2A}


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("B4", "B04"),
        ("B04", "B04"),
        ("b04", "B04"),
        (" B04 ", "B04"),
        ("b8a", "B8A"),
        ("B8A", "B8A"),
        ("B08A", "B8A"),
        ("B8", "B08"),
        ("B1", "B01"),
        ("B10", "B10"),
        ("B12", "B12"),
        ("T32UQD_20230601T102030_B8A_20m", "B8A"),
        ("T31TDH_20151206T105423_B04.jp2", "B04"),
        ("B02_10m", "B02"),
        ("B11, central wavelength 1610 nm", "B11"),
        ("Band B05 (red edge)", "B05"),
        ("S2B_MSIL2A_20230601_B03", "B03"),
        ("red", "B04"),
        ("NIR", "B08"),
        (" nir ", "B08"),
        ("nir08", "B8A"),
        ("nir09", "B09"),
        ("coastal", "B01"),
        ("rededge1", "B05"),
        ("rededge071", "B05"),
        ("rededge2", "B06"),
        ("rededge078", "B07"),
        ("cirrus", "B10"),
        ("swir16", "B11"),
        ("swir22", "B12"),
    ],
)
def test_a_description_names_its_band(text: str, band: str) -> None:
    assert band_name(text) == band


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        *(f"Band {number}" for number in range(1, 14)),
        "Band_4",
        "band4",
        "band 8A",
        "4",
        "B0",
        "B00",
        "B13",
        "B004",
        "B8B",
        "B88",
        "SB4",
        "B4x",
        "S2B",
        "31UB4",
        "B02 B03",
        "B04, B4 or B8A",
        "SCL",
        "bands",
        "rededge",
        "swir",
        "infrared",
        "lyr.1",
    ],
)
def test_other_texts_name_none(text: str | None) -> None:
    assert band_name(text) is None


def test_a_band_that_is_named_twice_over_is_still_one() -> None:
    assert band_name("B4 (B04)") == "B04"


@pytest.mark.parametrize(
    ("text", "bands"),
    [
        ("eurosat", EUROSAT),
        (" L1C ", L1C),
        ("l2a", L2A),
        ("rgb", ["B04", "B03", "B02"]),
        ("B02,B03,B04", ["B02", "B03", "B04"]),
        ("b4, b3 b8a,", ["B04", "B03", "B8A"]),
        ("red,green,nir", ["B04", "B03", "B08"]),
    ],
)
def test_the_user_names_a_layout_or_a_list(text: str, bands: list[str]) -> None:
    assert parse_layout(text) == tuple(bands)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("B02,B99", "'B99' is no band of Sentinel-2 and no layout"),
        ("landsat", "'landsat' is no band"),
        ("Band 4", "'Band' is no band"),
        ("", "'' is no band"),
        (",", "'' is no band"),
        ("B02,B03,B2", r"name B02 twice: B02,B03,B02\."),
    ],
)
def test_a_wrong_layout_is_refused_with_what_there_is(text: str, said: str) -> None:
    with pytest.raises(MsclipError, match=said) as refused:
        parse_layout(text)
    if "no band" in said:
        assert "B8A" in str(refused.value)
        assert "eurosat" in str(refused.value)


@pytest.mark.parametrize(("count", "bands"), [(10, list(TEN)), (12, L2A)])
def test_ten_and_twelve_bands_are_settled(count: int, bands: list[str]) -> None:
    assert name_bands(count).bands == tuple(bands)
    assert name_bands(count, descriptions=[None] * count).bands == tuple(bands)


@pytest.mark.parametrize("descriptions", [[f"Band {n}" for n in range(1, 11)], ["bands"] * 10, [""] * 10])
def test_descriptions_that_name_nothing_do_not_count(descriptions: list[str]) -> None:
    assert name_bands(10, descriptions=descriptions).bands == TEN
    shuffled = TEN[::-1]
    assert name_bands(10, descriptions=descriptions, layout=shuffled).bands == shuffled


def test_thirteen_bands_are_never_guessed() -> None:
    with pytest.raises(BandsError) as refused:
        name_bands(13, descriptions=[f"Band {number}" for number in range(1, 14)])
    assert str(refused.value) == (
        "has 13 bands that it does not name, and two orders are in use: give --bands l1c "
        "(B8A ninth, after B08) or --bands eurosat (B8A last)"
    )
    # What the message says of the layouts is so.
    assert (LAYOUTS["l1c"].index("B8A"), LAYOUTS["l1c"].index("B08")) == (8, 7)
    assert LAYOUTS["eurosat"][-1] == "B8A"


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9, 11, 14])
def test_other_numbers_of_bands_are_not_guessed(count: int) -> None:
    with pytest.raises(BandsError, match=rf"^has {count} bands? that it does not name: say which with --bands"):
        name_bands(count)


def test_one_band_is_not_called_bands() -> None:
    with pytest.raises(BandsError, match=r"^has 1 band that"):
        name_bands(1)


@pytest.mark.parametrize("layout", ["l1c", "eurosat"])
def test_the_user_decides_where_the_file_is_silent(layout: str) -> None:
    naming = name_bands(13, layout=LAYOUTS[layout])
    assert naming.bands == LAYOUTS[layout]
    assert not naming.overruled


@pytest.mark.parametrize(("count", "named"), [(10, 13), (13, 10), (12, 3)])
def test_a_layout_of_another_length_is_refused(count: int, named: int) -> None:
    with pytest.raises(BandsError, match=f"^has {count} bands where --bands names {named}$"):
        name_bands(count, layout=BANDS[:named])


def test_the_file_is_believed_before_the_user() -> None:
    own = (*TEN[5:], *TEN[:5])
    assert name_bands(10, descriptions=own, layout=own).overruled is False
    naming = name_bands(10, descriptions=own, layout=TEN)
    assert naming.bands == own
    assert naming.overruled


def test_the_user_names_what_the_file_leaves_open() -> None:
    own = ["B04", None, "a mask", "B8A"]
    layout = ("B04", "B03", "B02", "B8A")
    assert name_bands(4, descriptions=own, layout=layout).bands == layout
    assert not name_bands(4, descriptions=own, layout=layout).overruled
    assert name_bands(4, descriptions=own).bands == ("B04", None, None, "B8A")
    for contrary in (("B03", "B04", "B02", "B8A"), ("B04", "B03", "B02")):
        naming = name_bands(4, descriptions=own, layout=contrary)
        assert naming.bands == ("B04", None, None, "B8A")
        assert naming.overruled


def test_a_file_that_names_a_band_twice_is_refused() -> None:
    with pytest.raises(BandsError, match=r"^describes two of its bands as B04$"):
        name_bands(3, descriptions=["B04", "red", "B02"])


@pytest.mark.parametrize("count", [1, 3, 10, 12, 13])
@pytest.mark.parametrize("form", ["b{}", "B{}", "stack_b{}"])
def test_bands_that_are_only_numbered_are_not_taken_for_names(count: int, form: str) -> None:
    descriptions = [form.format(place) for place in range(1, count + 1)]
    with pytest.raises(BandsError, match=rf"^calls its bands {descriptions[0]} to {descriptions[-1]}, .* --bands$"):
        name_bands(count, descriptions=descriptions)
    layout = LAYOUTS["eurosat"][:count]
    naming = name_bands(count, descriptions=descriptions, layout=layout)
    assert naming.bands == layout
    assert not naming.overruled


@pytest.mark.parametrize(
    "descriptions",
    [
        ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12"],
        ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "B10", "B11", "B12", "B8A"],
        ["B2", "B3", "B4"],
        ["B4", "B3", "B2", "B1"],
        ["B01", "B02", "B03", "B04"],
    ],
)
def test_names_that_do_not_merely_count_are_names(descriptions: list[str]) -> None:
    assert name_bands(len(descriptions), descriptions=descriptions).bands == tuple(map(band_name, descriptions))


@settings(deadline=None)  # the machine may be busy
@given(st.permutations(BANDS), st.lists(st.sampled_from(BANDS), min_size=1, max_size=13, unique=True))
def test_choosing_puts_shuffled_bands_in_the_models_order(have: list[str], want: list[str]) -> None:
    choice = choose_bands(have, want=want)
    assert [have[position] for position in choice.positions] == want
    assert choice.substituted == ()


def test_choosing_passes_over_what_is_no_band() -> None:
    assert choose_bands([None, "B03", None, "B02"], want=("B02", "B03")).positions == (3, 1)


def test_missing_bands_are_all_named() -> None:
    have = ("B02", None, "B03")
    with pytest.raises(BandsError) as refused:
        choose_bands(have, want=("B02", "B04", "B8A"))
    assert str(refused.value) == "lacks B04, B8A, which the model needs (it has B02, B03)"
    with pytest.raises(BandsError, match=r"it has no band of Sentinel-2"):
        choose_bands([None], want=("B02",))


def test_a_substitute_is_taken_where_it_is_permitted_and_needed() -> None:
    substitutes = (("B08", "B8A"),)
    without = choose_bands(("B8A", "B02"), want=("B02", "B08", "B8A"), substitutes=substitutes)
    assert without.positions == (1, 0, 0)
    assert without.substituted == (("B08", "B8A"),)
    both = choose_bands(("B8A", "B08"), want=("B08",), substitutes=substitutes)
    assert both.positions == (1,)
    assert both.substituted == ()
    with pytest.raises(BandsError, match=r"^lacks B8A,"):
        choose_bands(("B08",), want=("B8A",), substitutes=substitutes)
    with pytest.raises(BandsError, match=r"^lacks B08,"):
        choose_bands(("B02",), want=("B08",), substitutes=substitutes)
