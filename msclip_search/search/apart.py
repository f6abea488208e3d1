"""Hits that lie apart: of those nearer to one another than a distance, only the best stays.

A tile lies where its middle is: two dates of one place are 0 m apart, and neighbours in a grid as far as the grid's
step, however their outlines touch. The distance is the straight line through the earth between two middles on the
WGS 84 ellipsoid, bent to an arc of the earth's mean radius. It differs from the geodesic by less than 2 in 100,000 up
to 1,000 km, by 0.4 % at most up to 15,000 km, and by 2 % on the other side of the globe.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search import store
from msclip_search.errors import IndexDamaged, QueryError
from msclip_search.geometry import centres
from msclip_search.search.above import Ranking
from msclip_search.search.gathering import stream

_RADIUS = 6_371_008.8
"""Mean radius of the earth, metres."""
_SMALLEST_CELL = 10.0
"""Metres: the number of a cell then has 63 bits at most."""
_ORIGIN = 6.4e6  # metres: no tile lies beyond
_BITS = 21  # of a cell's number along one axis
_FIRST = 4
"""How many times as many tiles as are wanted are looked at first, and how many times more then each time."""
_MOST = 1 << 20
"""Tiles whose middles are held at a time: 25 MB."""
_DEEPEST = 1 << 14
"""Tiles that an index is asked for at most; to rank more, all are ranked."""


def check_distance(metres: float) -> None:
    """Refuse a distance that keeps nothing apart."""
    if not 0 < metres < math.inf:
        raise QueryError(f"Hits are kept apart by a distance above 0 m, got {metres:g}.")


class Thinning:
    """Keeps what is far enough from everything that was kept before.

    Positions are filed by cubes as wide as the distance, so that only those in the cubes around have to be looked at.
    """

    def __init__(self, metres: float) -> None:
        """Take the distance."""
        self._chord = 2 * _RADIUS * math.sin(min(metres / (2 * _RADIUS), math.pi / 2))
        self._side = max(self._chord * (1 + 1e-9), _SMALLEST_CELL)
        self._cells: dict[int, list[list[float]]] = {}
        steps = [
            (abs(x) + abs(y) + abs(z), (((x << _BITS) + y) << _BITS) + z)
            for x in (-1, 0, 1)
            for y in (-1, 0, 1)
            for z in (-1, 0, 1)
        ]
        self._around = [step for _, step in sorted(steps)]  # the nearest first: most of what is passed over, by them

    def keep(self, positions: NDArray[np.float64], *, most: int | None = None) -> NDArray[np.int64]:
        """Go on, best first, and say which are kept.

        Parameters
        ----------
        positions
            x, y, z in metres, (tiles, 3); NaN of a tile that lies nowhere: it is kept.
        most
            How many to keep; None: all that can be.

        Returns
        -------
        numpy.ndarray
            Their places, (kept,), rising.
        """
        nowhere = np.isnan(positions[:, 0])
        steps = np.floor((np.where(nowhere[:, np.newaxis], 0.0, positions) + _ORIGIN) / self._side).astype(np.int64)
        numbers = (((steps[:, 0] << _BITS) + steps[:, 1]) << _BITS) + steps[:, 2]
        kept: list[int] = []
        for place, (number, position, lost) in enumerate(
            zip(numbers.tolist(), positions.tolist(), nowhere.tolist(), strict=True)
        ):
            if len(kept) == most:
                break
            if lost:
                kept.append(place)
            elif not self._crowded(number, position):
                self._cells.setdefault(number, []).append(position)
                kept.append(place)
        return np.array(kept, dtype=np.int64)

    def _crowded(self, number: int, position: list[float]) -> bool:
        """Tell whether something kept is nearer than the distance."""
        for step in self._around:
            for other in self._cells.get(number + step, ()):
                if math.dist(position, other) < self._chord:
                    return True
        return False


@dataclass(frozen=True, slots=True, eq=False)
class Thinned:
    """What is left of a ranking."""

    ranking: Ranking
    unplaced: int
    """Tiles among them without coordinates."""

    def warnings(self) -> list[str]:
        """Say what is not known, a sentence each."""
        if not self.unplaced:
            return []
        return [
            "1 hit has no coordinates and is kept, wherever it lies."
            if self.unplaced == 1
            else f"{self.unplaced:,} hits have no coordinates and are kept, wherever they lie."
        ]


def thin(snapshot: store.Snapshot, ranking: Ranking, metres: float, *, most: int | None = None) -> Thinned:
    """Keep, best first, the tiles of a ranking that are far enough from all that were kept before.

    Parameters
    ----------
    snapshot
        The index.
    ranking
        What to thin out.
    metres
        The least distance between the middles of two hits, above 0.
    most
        How many to keep; None: all that can be.

    Raises
    ------
    IndexDamaged, StorageError
        Outlines cannot be read.
    """
    thinning, kept, lost, count = Thinning(metres), [], 0, 0
    start, size = 0, _MOST if most is None else min(_FIRST * most, _MOST)
    while start < len(ranking) and (most is None or count < most):
        part = ranking.at(slice(start, start + size))
        positions = _positions(snapshot, part.rows)
        places = thinning.keep(positions, most=None if most is None else most - count)
        kept.append(places + start)
        lost += int(np.count_nonzero(np.isnan(positions[places, 0])))
        count += len(places)
        start, size = start + size, min(_FIRST * size, _MOST)
    return Thinned(ranking.at(np.concatenate([np.empty(0, dtype=np.int64), *kept])), lost)


def best_apart(
    snapshot: store.Snapshot,
    best: Callable[[int], Ranking],
    whole: Callable[[], Ranking],
    *,
    k: int,
    metres: float,
    among: int,
    bound: np.float32,
) -> Thinned:
    """Find the k best tiles that lie apart, whatever it takes: as many come back as there are, up to k.

    Parameters
    ----------
    snapshot
        The index.
    best
        Ranks the best so many tiles.
    whole
        Ranks all tiles that reach the bound.
    k
        How many to find.
    metres
        The least distance between the middles of two hits, above 0.
    among
        How many tiles may be found at all.
    bound
        The lowest score that counts; −inf: any.
    """
    deep = _FIRST * k
    while deep <= min(among, _DEEPEST):
        ranked = best(deep)
        reached = ranked.down_to(bound)
        thinned = thin(snapshot, reached, metres, most=k)
        if len(thinned.ranking) == k or len(reached) < len(ranked):
            return thinned
        deep *= _FIRST
    return thin(snapshot, whole(), metres, most=k)


def _positions(snapshot: store.Snapshot, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Find the middles of tiles, (tiles, 3) in metres, in the order asked for."""
    order = np.argsort(rows, kind="stable")
    found, at = np.empty((len(rows), 3)), 0
    for part in stream(snapshot, rows[order], ["geometry"]):
        outlines = part.column("geometry").to_pylist()
        try:
            found[order[at : at + len(outlines)]] = centres(outlines)
        except ValueError as error:
            raise IndexDamaged(f"A sidecar of the index {snapshot.layout.root} is damaged: {error}.") from error
        at += len(outlines)
    return found
