"""Where the sun stands, against another almanac; seasons and dates against the calendar; grids against PROJ."""

import datetime as dt
import itertools
import math

import numpy as np
import pytest
from rasterio.warp import transform

from msclip_search.simulation import places
from msclip_search.simulation.places import PLACES, Place
from msclip_search.simulation.scenes import SCENES
from msclip_search.simulation.scenes.registry import CLIMATES

SHORES = [place for place in PLACES if place.shore]
FAR_EAST, FAR_WEST = Place("Chukotka", 178.9, 67, "arctic"), Place("Wrangel", -179.4, 71, "arctic")


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def declination(day: int) -> float:
    """Return the sun's declination by its ecliptic longitude: Astronomical Almanac, after Michalsky 1988."""
    days = (dt.date(2021, 1, 1) - dt.date(2000, 1, 1)).days + day - 1 + 10.5 / 24 - 0.5
    anomaly = math.radians(357.528 + 0.9856003 * days)
    longitude = 280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)
    return math.asin(math.sin(math.radians(23.439)) * math.sin(math.radians(longitude)))


def standing(elevation: float, azimuth: float) -> tuple[float, float, float]:
    """Return a direction as east, north and up."""
    level = math.cos(elevation)
    return level * math.sin(azimuth), level * math.cos(azimuth), math.sin(elevation)


@pytest.mark.parametrize("latitude", [-78, -49.5, -23.4, -2, 0, 12, 31, 48.6, 62, 78])
def test_the_sun_stands_where_the_almanac_puts_it(latitude: float) -> None:
    # The direction to the sun in the frame of the equator, turned to the horizon of the place.
    tilt = math.radians(90 - latitude)
    for day in range(1, 366, 4):
        delta, hour = declination(day), math.radians(15 * (10.5 - 12))
        meridian, east, pole = (
            math.cos(delta) * math.cos(hour),
            -math.cos(delta) * math.sin(hour),
            math.sin(delta),
        )
        north = -math.cos(tilt) * meridian + math.sin(tilt) * pole
        up = math.sin(tilt) * meridian + math.cos(tilt) * pole
        got = places.sun(latitude, day)
        apart = math.dist(standing(got.elevation, got.azimuth), (east, north, up))
        assert math.degrees(apart) < 0.5, day


def test_facts_of_the_year() -> None:
    # At the equinoxes the sun rises in the east and climbs the equator's great circle.
    for day in (79, 266):
        for latitude in (-60, -20, 0, 35, 70):
            height = math.asin(math.cos(math.radians(latitude)) * math.cos(math.radians(22.5)))
            assert places.sun(latitude, day).elevation == pytest.approx(height, abs=math.radians(0.7))
        assert math.degrees(places.sun(0, day).azimuth) == pytest.approx(90, abs=1.5)
    # Highest at the June solstice north of the tropics, at the December one south of them.
    assert max(range(1, 366), key=lambda day: places.sun(50, day).elevation) == pytest.approx(172, abs=2)
    assert max(range(1, 366), key=lambda day: places.sun(-50, day).elevation) == pytest.approx(355, abs=2)
    # In the forenoon the sun stands in the southeast of the north, in the northeast of the south.
    for day in range(1, 366, 10):
        assert math.pi / 2 < places.sun(40, day).azimuth < math.pi
        assert 0 < places.sun(-40, day).azimuth < math.pi / 2


MONTHS = ("winter", "winter", *["spring"] * 3, *["summer"] * 3, *["autumn"] * 3, "winter")


@pytest.mark.parametrize(("latitude", "shift"), [(50.0, 0), (24.0, 0), (70.0, 0), (-24.0, 6), (-43.7, 6)])
def test_seasons_are_those_of_the_months(latitude: float, shift: int) -> None:
    for day in range(1, 366):
        date = dt.date(2021, 1, 1) + dt.timedelta(days=day - 1)
        if 4 <= date.day <= 27:  # months are not all alike
            assert places.season(latitude, day) == MONTHS[(date.month - 1 + shift) % 12], date


def test_the_tropics_are_wet_in_their_summer() -> None:
    for latitude in (5.0, 12.0, 23.0):
        assert places.season(latitude, 220) == places.season(-latitude, 37) == "the wet season"
        assert places.season(latitude, 15) == places.season(-latitude, 200) == "the dry season"


def test_the_south_is_half_a_year_off() -> None:
    for day in range(1, 366):
        apart = (places.phase(-30, day) - places.phase(30, day)) % 1.0
        assert apart == pytest.approx(0.5)
        assert 0 <= places.phase(30, day) < 1
    assert places.phase(45, 91) == pytest.approx(0.25, abs=0.002)


@pytest.mark.parametrize("count", [1, 2, 4, 5, 13, 64])
def test_dates_come_in_order_by_day_and_in_the_sun(count: int) -> None:
    for number, place in enumerate((*PLACES[::3], FAR_EAST, FAR_WEST)):
        found = places.dates(generator(number), place, count)
        assert {when.year for when in found} <= set(range(2016, 2026))  # 2016: west of Greenwich, the day before
        assert len(found) == count
        assert 2016 < found[0].year < 2026
        for earlier, later in itertools.pairwise(found):
            assert later - earlier > dt.timedelta(days=1)
        if count <= 4:
            assert found[-1] - found[0] < dt.timedelta(days=366)
        for when in found:
            assert when.tzinfo is dt.UTC
            there = when + dt.timedelta(hours=place.longitude / 15)  # mean solar time
            assert abs(there.hour + there.minute / 60 - 10.5) < 0.25
            sun = places.sun(place.latitude, there.timetuple().tm_yday)
            assert math.degrees(sun.elevation) > 13.9, (place.name, when)


@pytest.mark.parametrize("count", [1, 3])
def test_dates_reach_over_the_whole_bright_year(count: int) -> None:
    place = Place("", 10, 40, "temperate")
    found = [when for seed in range(300) for when in places.dates(generator(seed), place, count)]
    months = [when.month for when in found]
    for month in range(1, 13):
        assert months.count(month) / len(months) == pytest.approx(1 / 12, abs=0.05)
    svalbard = [places.dates(generator(seed), PLACES[0], count)[0].month for seed in range(100)]
    assert set(svalbard) <= set(range(3, 11))


@pytest.mark.parametrize("size", [32, 64, 224])
def test_tiles_of_a_region_fill_squares_edge_to_edge(size: int) -> None:
    place = PLACES[11]
    corners = [places.cell(place, number, size) for number in range(15**2)]
    assert {epsg for epsg, _, _ in corners} == {place.epsg}
    _, west, north = corners[0]
    cells = [((x - west) / (10 * size), (north - y) / (10 * size)) for _, x, y in corners]
    for ring in range(8):
        square = [(float(x), float(y)) for x in range(-ring, ring + 1) for y in range(-ring, ring + 1)]
        assert sorted(cells[: (2 * ring + 1) ** 2]) == sorted(square)
    for (x, y), (there, below) in itertools.pairwise(cells):
        assert abs(x - there) + abs(y - below) <= 2  # the next is never far


def test_spots_lie_around_their_place_on_the_grid_of_10_m() -> None:
    random = generator(3)
    for place in PLACES:
        (x,), (y,) = transform("OGC:CRS84", f"EPSG:{place.epsg}", [place.longitude], [place.latitude])
        for east, south in [(0.0, 0.0), (1.0, 1.0), *random.random((5, 2)).tolist()]:
            epsg, west, north = places.spot(place, east, south)
            assert epsg == place.epsg
            assert west % 10 == north % 10 == 0
            assert west - x == pytest.approx((2 * east - 1) * 30_000, abs=10)
            assert y - north == pytest.approx((2 * south - 1) * 30_000, abs=10)


@pytest.mark.parametrize("longitude", [-180, -179.9, -174.1, -123.4, -6, -0.1, 0, 5.9, 6, 177.9, 179.9, 180])
@pytest.mark.parametrize("latitude", [-33.0, 0.0, 61.0])
def test_the_zone_is_the_one_whose_meridian_is_near(longitude: float, latitude: float) -> None:
    place = Place("", longitude, latitude, "temperate")
    # A point 500 km east of nowhere lies on the zone's central meridian, by the definition of UTM.
    north = 10_000_000.0 if latitude < 0 else 0.0
    (meridian,), (equator,) = transform(f"EPSG:{place.epsg}", "OGC:CRS84", [500_000.0], [north])
    assert equator == pytest.approx(0, abs=1e-6)
    assert abs((meridian - longitude + 180) % 360 - 180) <= 3 + 1e-9


def test_places_are_known_once_in_a_known_climate() -> None:
    assert len({place.name for place in PLACES}) == len(PLACES) > 50
    for place in PLACES:
        assert place.climate in CLIMATES
        assert abs(place.latitude) < 79
        assert abs(place.longitude) <= 180
    for climate in CLIMATES:
        assert sum(place.climate == climate for place in PLACES) >= 3


def test_marine_scenes_need_a_shore() -> None:
    for name in ("open sea", "sandy coast", "rocky coast", "mangrove coast"):
        scene = SCENES[name]
        for place in PLACES:
            assert not scene.found(place.climate, shore=False), name
            assert scene.found(place.climate, shore=True) == (place.climate in scene.climates)
        assert any(scene.found(place.climate, shore=place.shore) for place in SHORES)


@pytest.mark.parametrize(
    ("longitude", "latitude", "climate", "shore"),
    [
        (11.5, 48.5, "temperate", False),
        (-60.0, -8.0, "tropical", False),
        (27.0, 25.0, "arid", False),
        (-3.8, 50.9, "temperate", True),
        (89.1, 21.9, "monsoon", True),
        (-179.9, 66.0, "boreal", False),
        (100.0, 74.0, "arctic", False),
    ],
)
def test_a_region_takes_the_climate_of_what_is_near(
    longitude: float, latitude: float, climate: str, *, shore: bool
) -> None:
    got = places.near(longitude, latitude)
    assert (got.longitude, got.latitude) == (longitude, latitude)
    assert got.shore == shore
    assert got.climate == climate


def test_each_listed_place_is_nearest_to_itself() -> None:
    for place in PLACES:
        got = places.near(place.longitude, place.latitude)
        assert (got.name, got.climate, got.shore) == (place.name, place.climate, place.shore)
