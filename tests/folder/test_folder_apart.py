"""Hits that lie apart, against the definition in plain Python and geodesics by Vincenty's formula."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from msclip_search import store
from msclip_search.errors import IndexDamaged, QueryError
from msclip_search.geometry import centres, footprint
from msclip_search.search.above import Ranking
from msclip_search.search.apart import Thinning, best_apart, check_distance, thin
from msclip_search.store import open_writer
from tests.folder.making import MODEL, NONE_DELETED, located, record, units

Place = tuple[float, float]
NOWHERE = (math.nan, math.nan)


def vincenty(one: Place, other: Place) -> float:
    """Return the geodesic between longitude, latitude and another on WGS 84, metres (Vincenty 1975, inverse)."""
    a, f = 6_378_137.0, 1 / 298.257223563
    b, turn = a * (1 - f), math.radians(other[0] - one[0])
    u, v = (math.atan((1 - f) * math.tan(math.radians(place[1]))) for place in (one, other))
    arc = turn
    for _ in range(200):
        sine = math.hypot(
            math.cos(v) * math.sin(arc), math.cos(u) * math.sin(v) - math.sin(u) * math.cos(v) * math.cos(arc)
        )
        if sine == 0:
            return 0.0
        cosine = math.sin(u) * math.sin(v) + math.cos(u) * math.cos(v) * math.cos(arc)
        sigma = math.atan2(sine, cosine)
        alpha = math.cos(u) * math.cos(v) * math.sin(arc) / sine
        rest = 1 - alpha**2
        middle = cosine - 2 * math.sin(u) * math.sin(v) / rest if rest > 1e-15 else 0.0
        c = f / 16 * rest * (4 + f * (4 - 3 * rest))
        before = arc
        arc = turn + (1 - c) * f * alpha * (sigma + c * sine * (middle + c * cosine * (2 * middle**2 - 1)))
        if abs(arc - before) < 1e-13:
            break
    squared = rest * (a**2 - b**2) / b**2
    big = 1 + squared / 16384 * (4096 + squared * (squared * (320 - 175 * squared) - 768))
    small = squared / 1024 * (256 + squared * (squared * (74 - 47 * squared) - 128))
    delta = (
        small
        * sine
        * (
            middle
            + small / 4 * (cosine * (2 * middle**2 - 1) - small / 6 * middle * (4 * sine**2 - 3) * (4 * middle**2 - 3))
        )
    )
    return b * big * (sigma - delta)


def points(places: Sequence[Place]) -> list[bytes | None]:
    return [None if math.isnan(x) else shapely.to_wkb(shapely.Point(x, y)) for x, y in places]


def thinned(places: Sequence[Place], metres: float) -> list[int]:
    return list(Thinning(metres).keep(centres(points(places))).tolist())


def degrees(positions: NDArray[np.float64]) -> list[Place]:
    """Longitude and latitude of positions on the ellipsoid."""
    squeezed = (1 - 1 / 298.257223563) ** 2
    return [
        (math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, squeezed * math.hypot(x, y))))
        for x, y, z in positions.tolist()
    ]


@pytest.mark.parametrize("latitude", [-89.99, -60.0, -7.0, 0.0, 33.0, 46.53, 80.0, 89.9999])
@pytest.mark.parametrize("metres", [20.0, 500.0, 2560.0, 50_000.0, 1_000_000.0])
def test_the_distance_is_the_geodesic_to_two_in_a_hundred_thousand(latitude: float, metres: float) -> None:
    for longitude in (-180.0, 7.98, 179.99999):
        for bearing in range(0, 360, 45):
            here = (longitude, latitude)
            there = _walk(here, bearing, metres)
            way = vincenty(here, there)
            assert way == pytest.approx(metres, rel=0.01)
            assert thinned([here, there], way * (1 - 2e-5)) == [0, 1]
            assert thinned([here, there], way * (1 + 2e-5)) == [0]


def _walk(start: Place, bearing: float, metres: float) -> Place:
    """Go so far on a sphere."""
    arc, way, south = metres / 6_371_008.8, math.radians(bearing), math.radians(start[1])
    north = math.asin(math.sin(south) * math.cos(arc) + math.cos(south) * math.sin(arc) * math.cos(way))
    turn = math.atan2(
        math.sin(way) * math.sin(arc) * math.cos(south), math.cos(arc) - math.sin(south) * math.sin(north)
    )
    return (start[0] + math.degrees(turn) + 180) % 360 - 180, math.degrees(north)


def test_across_the_globe_the_distance_is_off_by_less_than_half_a_percent() -> None:
    draws = np.random.default_rng(3)
    for _ in range(300):
        here, there = ((draws.uniform(-180, 180), math.degrees(math.asin(draws.uniform(-1, 1)))) for _ in range(2))
        way = vincenty(here, there)
        if way > 15_000_000:
            continue
        assert thinned([here, there], way * 0.996) == [0, 1]
        assert thinned([here, there], way * 1.004) == [0]


# Places in clumps, on the antimeridian, around the poles, and at one spot several times.
near_zero = st.floats(-0.02, 0.02)
clumps = st.sampled_from([(0.0, 0.0), (180.0, -17.0), (-180.0, 60.0), (10.0, 89.99), (-170.0, -89.99), (7.98, 46.53)])
spots = st.one_of(
    st.builds(lambda at, x, y: (at[0] + x, max(min(at[1] + y, 90.0), -90.0)), clumps, near_zero, near_zero),
    st.builds(lambda x, y: (x, y), st.floats(-180, 180), st.sampled_from([89.999, 90.0, -90.0, -89.995])),
    st.sampled_from([(7.98, 46.53), (180.0, 0.0), (-180.0, 0.0)]),
    st.just(NOWHERE),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(spots, max_size=40), st.sampled_from([5.0, 300.0, 700.0, 3000.0, 2e6]))
def test_what_is_kept_is_the_greedy_choice(places: list[Place], metres: float) -> None:
    # Distances as the geodesic, of which pairs near to the limit are not asked about.
    kept: list[int] = []
    for number, place in enumerate(places):
        ways = [vincenty(place, places[other]) for other in kept if NOWHERE not in (place, places[other])]
        if any(abs(way / metres - 1) < (1e-5 if metres < 1e6 else 1e-3) for way in ways):
            return
        if all(way >= metres for way in ways):
            kept.append(number)
    assert thinned(places, metres) == kept


@settings(max_examples=40, deadline=None)
@given(st.lists(spots, max_size=60), st.integers(1, 20), st.integers(1, 60))
def test_going_on_is_the_same_as_all_at_once(places: list[Place], most: int, cut: int) -> None:
    positions = centres(points(places))
    whole = Thinning(700).keep(positions).tolist()
    assert Thinning(700).keep(positions, most=most).tolist() == whole[:most]
    by_parts = Thinning(700)
    assert [*by_parts.keep(positions[:cut]), *(cut + by_parts.keep(positions[cut:]))] == whole


def test_the_middle_of_an_outline_is_where_its_area_is() -> None:
    across = footprint([179.99, -179.97, -179.97, 179.99], [-17.0, -17.0, -16.96, -16.96])
    around = footprint([0.0, 90.0, 180.0, -90.0], [89.9] * 4)
    plain = footprint([7.97, 7.99, 7.99, 7.97], [46.52, 46.52, 46.54, 46.54])
    holed = shapely.box(0, 0, 4e-2, 2e-2).difference(shapely.box(2e-2, 0.5e-2, 3.9e-2, 1.5e-2))
    assert across
    assert around
    assert plain
    assert shapely.from_wkb(across.wkb).geom_type == "MultiPolygon"
    line = shapely.LineString([(10, 50), (10, 50.02)])
    shapes = [across.wkb, around.wkb, plain.wkb, *map(shapely.to_wkb, (holed, holed.reverse(), line)), None]
    found = centres(shapes)
    assert np.isnan(found[-1]).all()
    middles = degrees(found[:-1])
    flat = (holed.centroid.x, holed.centroid.y)
    want = [(-179.99, -16.98), (0.0, 90.0), (7.98, 46.53), flat, flat, (10, 50.01)]
    for middle, place in zip(middles, want, strict=True):
        assert vincenty(middle, place) < 1.0, (middle, place)
    np.testing.assert_array_equal(centres([]), np.empty((0, 3)))
    with pytest.raises(ValueError, match="an outline is none"):
        centres([b"no outline"])


def dates_and_neighbours(root: Path, *, bare: int = 0) -> store.Snapshot:
    """Index three dates of each of 40 squares in a row, 0.1° apart, in two segments, and some tiles without a place."""
    writer = open_writer(root, model=MODEL, kind="flat")
    where = [(0.1 * (number % 40) + 178, 10.0) for number in range(120)]
    records = [located(number, west=west, south=south) for number, (west, south) in enumerate(where)]
    records += [record(1000 + number) for number in range(bare)]
    vectors = units(len(records), seed=3)
    for part in (slice(0, 70), slice(70, None)):
        writer.commit(records[part], vectors[part], delete=NONE_DELETED)
    return store.open_snapshot(root)


def shuffled(count: int) -> Ranking:
    order = np.random.default_rng(8).permutation(count)
    return Ranking(order, np.linspace(1, 0, count, dtype=np.float32))


def greedy(ranking: Ranking, metres: float) -> list[int]:
    """Thin squares of `dates_and_neighbours` out by hand."""
    kept: list[int] = []
    for row in ranking.rows.tolist():
        place = (0.1 * (row % 40) + 178.05, 10.05)
        if row >= 120 or all(
            other >= 120 or vincenty(place, (0.1 * (other % 40) + 178.05, 10.05)) >= metres for other in kept
        ):
            kept.append(row)
    return kept


@pytest.mark.parametrize("metres", [1.0, 10_000.0, 25_000.0])
def test_a_ranking_is_thinned_whatever_segments_its_rows_are_in(tmp_path: Path, metres: float) -> None:
    snapshot = dates_and_neighbours(tmp_path / "idx", bare=2)
    ranking = shuffled(122)
    want = greedy(ranking, metres)
    found = thin(snapshot, ranking, metres)
    assert found.ranking.rows.tolist() == want
    assert found.unplaced == 2
    assert found.warnings() == ["2 hits have no coordinates and are kept, wherever they lie."]
    score = dict(zip(ranking.rows.tolist(), ranking.scores.tolist(), strict=True))
    assert found.ranking.scores.tolist() == [score[row] for row in want]
    by_place = ranking.at(np.argsort(ranking.rows % 40, kind="stable"))  # the best are dates of few places
    for ordered in (ranking, by_place):
        want = greedy(ordered, metres)
        for most in (1, 3, 10, 200):
            assert thin(snapshot, ordered, metres, most=most).ranking.rows.tolist() == want[:most]


def test_it_goes_on_until_there_are_enough_or_nothing_is_left(tmp_path: Path) -> None:
    snapshot = dates_and_neighbours(tmp_path / "idx")
    ranking = shuffled(120)
    asked: list[int] = []

    def best(count: int) -> Ranking:
        asked.append(count)
        return ranking.at(slice(count))

    def whole() -> Ranking:
        asked.append(120)
        return ranking

    def found(k: int, bound: float = -np.inf) -> list[int]:
        asked.clear()
        least = np.float32(bound)
        kept = best_apart(snapshot, best, lambda: whole().down_to(least), k=k, metres=25_000, among=120, bound=least)
        return list(kept.ranking.rows.tolist())

    want = greedy(ranking, 25_000)
    assert 10 < len(want) < 30
    assert found(2) == want[:2]
    assert asked == [8]
    assert found(7) == want[:7]
    assert asked in ([28], [28, 112])
    assert found(len(want)) == want
    assert found(25) == want
    assert asked == [100, 120]
    # Below the bound nothing is looked for.
    half = greedy(ranking.at(slice(60)), 25_000)
    assert found(20, float(ranking.scores[59])) == half
    assert asked == [80]


def test_a_damaged_outline_is_the_index_s_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = dates_and_neighbours(tmp_path / "idx")
    monkeypatch.setattr("msclip_search.search.apart.stream", lambda *_: iter([_Outlines()]))
    with pytest.raises(IndexDamaged, match="is damaged: an outline is none"):
        thin(snapshot, shuffled(3), 500)


class _Outlines:
    def column(self, _name: str) -> "_Outlines":
        return self

    def to_pylist(self) -> list[bytes]:
        return [b"none"] * 3


@pytest.mark.parametrize("metres", [0.0, -1.0, math.nan, math.inf])
def test_a_distance_is_above_zero(metres: float) -> None:
    with pytest.raises(QueryError, match="kept apart by a distance above 0 m"):
        check_distance(metres)
