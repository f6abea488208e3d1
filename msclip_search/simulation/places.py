"""Where on earth, when, and where the sun stands."""

import datetime as dt
import functools
import math
from dataclasses import dataclass
from datetime import UTC

import numpy as np

from msclip_search.raster import to_utm


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere that is well inland, or on a coast."""

    name: str
    longitude: float
    latitude: float
    """Degrees."""
    climate: str
    shore: bool = False
    """Whether the sea is near."""

    @property
    def epsg(self) -> int:
        """Code of the UTM zone."""
        zone = int((self.longitude + 180) // 6) % 60 + 1  # 180° east is 180° west
        return (32600 if self.latitude >= 0 else 32700) + zone


PLACES = (
    Place("Svalbard", 16.0, 78.4, "arctic", shore=True),
    Place("Nunavut", -95.0, 68.0, "arctic"),
    Place("Taymyr", 98.0, 73.0, "arctic"),
    Place("West Greenland", -51.0, 68.5, "arctic", shore=True),
    Place("Iceland", -18.5, 64.5, "arctic", shore=True),
    Place("Finnish Lapland", 26.0, 67.3, "boreal"),
    Place("Dalarna", 14.5, 61.2, "boreal"),
    Place("Quebec", -73.0, 50.5, "boreal"),
    Place("Alberta", -114.0, 55.5, "boreal"),
    Place("Komi", 54.0, 62.0, "boreal"),
    Place("Yakutia", 126.0, 62.0, "boreal"),
    Place("Bavaria", 11.7, 48.6, "temperate"),
    Place("Picardy", 2.8, 49.8, "temperate"),
    Place("Devon", -3.8, 50.8, "temperate", shore=True),
    Place("Jutland", 9.2, 56.2, "temperate", shore=True),
    Place("Wisconsin", -90.0, 44.0, "temperate"),
    Place("Hokkaido", 142.8, 43.3, "temperate"),
    Place("Canterbury", 171.8, -43.7, "temperate", shore=True),
    Place("Los Lagos", -72.8, -40.6, "temperate", shore=True),
    Place("Great Hungarian Plain", 20.5, 47.0, "continental"),
    Place("Dobruja", 27.8, 44.6, "continental"),
    Place("Poltava", 34.5, 49.5, "continental"),
    Place("Kostanay", 63.5, 53.0, "continental"),
    Place("Saskatchewan", -106.5, 51.5, "continental"),
    Place("Kansas", -99.5, 38.3, "continental"),
    Place("Heilongjiang", 127.0, 47.0, "continental"),
    Place("Valais", 7.6, 46.3, "alpine"),
    Place("Tyrol", 11.3, 47.1, "alpine"),
    Place("Khumbu", 86.8, 27.9, "alpine"),
    Place("Karakoram", 76.0, 35.7, "alpine"),
    Place("Colorado Rockies", -106.5, 39.2, "alpine"),
    Place("Southern Alps", 170.3, -43.5, "alpine"),
    Place("Santa Cruz", -72.9, -49.5, "alpine"),
    Place("La Mancha", -3.2, 39.2, "mediterranean"),
    Place("Andalusia", -4.6, 37.5, "mediterranean"),
    Place("Apulia", 16.9, 40.9, "mediterranean", shore=True),
    Place("Peloponnese", 22.3, 37.4, "mediterranean"),
    Place("Central Valley", -120.2, 36.9, "mediterranean"),
    Place("Western Cape", 19.0, -33.6, "mediterranean", shore=True),
    Place("Wheatbelt", 117.5, -32.0, "mediterranean"),
    Place("Tafilalt", -4.3, 31.4, "arid"),
    Place("Western Desert", 28.9, 25.5, "arid"),
    Place("Najran", 45.5, 18.8, "arid"),
    Place("Kyzylkum", 63.5, 41.8, "arid"),
    Place("Arizona", -112.5, 32.9, "arid"),
    Place("Atacama", -69.0, -23.5, "arid"),
    Place("Namib", 15.5, -24.5, "arid"),
    Place("Simpson Desert", 137.5, -25.5, "arid"),
    Place("Sikasso", -6.0, 11.5, "savanna"),
    Place("Serengeti", 34.8, -2.4, "savanna"),
    Place("Hwange", 26.8, -18.8, "savanna"),
    Place("Cerrado", -47.5, -14.5, "savanna"),
    Place("Kimberley", 127.0, -17.0, "savanna"),
    Place("West Bengal", 88.0, 23.2, "monsoon"),
    Place("Mekong Delta", 105.7, 10.1, "monsoon", shore=True),
    Place("Chao Phraya", 100.3, 14.6, "monsoon"),
    Place("Jiangsu", 119.8, 33.2, "monsoon", shore=True),
    Place("Luzon", 120.8, 15.6, "monsoon", shore=True),
    Place("Para", -51.0, -4.5, "tropical"),
    Place("Rondonia", -62.8, -10.3, "tropical"),
    Place("Gabon", 11.6, -0.8, "tropical"),
    Place("Riau", 101.6, 0.6, "tropical"),
    Place("Sabah", 117.3, 5.3, "tropical"),
    Place("Morobe", 146.5, -6.6, "tropical"),
    Place("Finnmark", 25.5, 70.3, "arctic", shore=True),
    Place("Bothnian Coast", 22.0, 63.2, "boreal", shore=True),
    Place("White Sea", 36.5, 65.0, "boreal", shore=True),
    Place("Crimea", 33.5, 45.3, "continental", shore=True),
    Place("Provence", 6.2, 43.1, "mediterranean", shore=True),
    Place("Sinai", 33.7, 28.1, "arid", shore=True),
    Place("Skeleton Coast", 14.4, -22.9, "arid", shore=True),
    Place("Oman", 58.6, 20.6, "arid", shore=True),
    Place("Kenya Coast", 39.8, -3.6, "savanna", shore=True),
    Place("Arnhem Land", 133.5, -12.0, "savanna", shore=True),
    Place("Sundarbans", 89.2, 21.8, "monsoon", shore=True),
    Place("Amapa", -50.2, 1.5, "tropical", shore=True),
    Place("Sulawesi", 123.9, 0.9, "tropical", shore=True),
    Place("Ogooue Delta", 9.0, -0.9, "tropical", shore=True),
)
"""Towns are not hit and borders not kept: a place is a climate with coordinates."""


_NEAR = 1.0
"""Degrees within which the shore of a place counts as near."""
_AROUND = 30_000.0
"""Metres from a place within which tiles are put."""


def near(longitude: float, latitude: float) -> Place:
    """Return a place at these coordinates, with the climate of the nearest one of the list."""

    def away(place: Place) -> float:
        east = ((place.longitude - longitude + 180) % 360 - 180) * math.cos(math.radians(latitude))
        return math.hypot(east, 2 * (abs(place.latitude) - abs(latitude)))

    nearest = min(PLACES, key=away)
    return Place(nearest.name, longitude, latitude, nearest.climate, shore=nearest.shore and away(nearest) < _NEAR)


@functools.lru_cache(maxsize=128)
def _centre(place: Place) -> tuple[float, float]:
    """Return east and north of a place in its zone, metres, on the grid of 10 m."""
    east, north = to_utm(place.longitude, place.latitude, place.epsg)
    return round(east, -1), round(north, -1)


def spot(place: Place, east: float, south: float) -> tuple[int, float, float]:
    """Return the upper left corner of a tile somewhere around a place: EPSG code, west, north.

    Parameters
    ----------
    place
        Where.
    east, south
        0 to 1: how far across the square around it.
    """
    west, north = _centre(place)
    return (
        place.epsg,
        west + round((2 * east - 1) * _AROUND, -1),
        north - round((2 * south - 1) * _AROUND, -1),
    )


def cell(place: Place, number: int, size: int) -> tuple[int, float, float]:
    """Return the upper left corner of the `number`th tile of a region: squares around squares, edge to edge."""
    ring = (math.isqrt(number) + 1) // 2
    column, row = 0, 0
    if ring:
        along = number - (2 * ring - 1) ** 2
        side, at = divmod(along, 2 * ring)
        column, row = ((ring, at + 1 - ring), (ring - at - 1, ring), (-ring, ring - at - 1), (at + 1 - ring, -ring))[
            side
        ]
    west, north = _centre(place)
    return place.epsg, west + column * size * 10.0, north - row * size * 10.0


@dataclass(frozen=True, slots=True)
class Sun:
    """Where the sun stands."""

    elevation: float
    azimuth: float
    """Radians; the azimuth clockwise from north."""


_DECLINATION = ((-0.399912, 0.070257), (-0.006758, 0.000907), (-0.002697, 0.00148))
"""Radians of cosine and sine for once, twice and three times the angle of the year, beside the constant."""
_HOUR = 10.5
"""Local solar time of Sentinel-2's passes, hours."""
LOWEST = math.radians(14)
"""Elevation of the sun below which no tile is simulated."""


def sun(latitude: float, day: int) -> Sun:
    """Return where the sun stands at half past ten, local solar time.

    Declination after Spencer (1971), Search 2(5), which is right to some hundredths of a degree.

    Parameters
    ----------
    latitude
        Degrees.
    day
        Of the year, from 1.
    """
    phi = math.radians(latitude)
    year = 2 * math.pi * (day - 1) / 365
    declination = 0.006918
    for times, (cosine, sine) in enumerate(_DECLINATION, start=1):
        declination += cosine * math.cos(times * year) + sine * math.sin(times * year)
    hour = math.radians(15 * (_HOUR - 12))
    height = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(hour)
    south = math.sin(phi) * math.cos(declination) * math.cos(hour) - math.cos(phi) * math.sin(declination)
    west = math.cos(declination) * math.sin(hour)
    return Sun(math.asin(height), math.pi + math.atan2(west, south))


_FIRST, _YEARS = 2017, 8
"""First year of any date, and how many there are."""


@functools.lru_cache(maxsize=128)
def _bright_days(latitude: float) -> tuple[int, ...]:
    return tuple(day for day in range(1, 366) if sun(latitude, day).elevation > LOWEST)


def dates(random: np.random.Generator, place: Place, count: int) -> list[dt.datetime]:
    """Draw dates in order, apart from one another, on which the sun stands high enough; UTC."""
    days = _bright_days(place.latitude)
    years = min(math.ceil(count / 4), _YEARS)
    year = _FIRST + int(float(random.random()) * (_YEARS + 1 - years))
    span = years * len(days)
    found: list[dt.datetime] = []
    for number in range(count):
        at = (number + float(random.random()) * 0.8) / (count - 0.2) * span  # up to the last day
        first = dt.datetime(year + int(at) // len(days), 1, 1, tzinfo=UTC)
        found.append(first + dt.timedelta(days=days[int(at) % len(days)] - 1))
    hour = _HOUR - place.longitude / 15 + 0.4 * (float(random.random()) - 0.5)
    return [
        (day + dt.timedelta(hours=hour)).replace(microsecond=0) + dt.timedelta(seconds=7 * (day.toordinal() % 8))
        for day in found
    ]


def phase(latitude: float, day: int) -> float:
    """Return the time of the year, 0 to 1, as the northern hemisphere counts it."""
    return (day / 365 + (0.5 if latitude < 0 else 0.0)) % 1.0


def season(latitude: float, day: int) -> str:
    """Name the season outside the tropics; inside them the wet or the dry one."""
    when = phase(latitude, day)
    if abs(latitude) < 23.5:
        return "the wet season" if 0.35 < when < 0.8 else "the dry season"
    return ("winter", "spring", "summer", "autumn", "winter")[int((when + 1 / 12) * 4)]
