"""A sheet of simulated tiles to look at: true and false colour side by side, one tile of each scene."""

from collections.abc import Sequence

from msclip_search.pictures import Picture, enlarge, false_colour, sheet, true_colour
from msclip_search.simulation.request import OFFSET, Simulation
from msclip_search.simulation.simulator import SimulatedTile, simulate

MOST = 60
"""Tiles on a sheet."""
_COLUMNS = 4
_SIDE = 128
"""Pixels that a small tile is enlarged to."""


def contact_sheet(simulation: Simulation, count: int) -> Picture:
    """Draw tiles of an archive, those of different scenes first.

    Parameters
    ----------
    simulation
        What the archive was asked for.
    count
        Its places.

    Returns
    -------
    NDArray[np.uint8]
        (height, width, 3).
    """
    tiles = [tile for number in range(min(count, 6 * MOST)) for tile in simulate(simulation, number)]
    chosen = _various(tiles)[:MOST]
    chosen.sort(key=lambda tile: (tile.scene, tile.number, tile.turn))
    return sheet([(_pictures(tile), _text(tile)) for tile in chosen], columns=min(_COLUMNS, len(chosen)))


def _various(tiles: Sequence[SimulatedTile]) -> list[SimulatedTile]:
    """Order tiles so that each scene comes once before any comes twice; the dates of a place stay together."""
    places: dict[tuple[str, int], list[SimulatedTile]] = {}
    for tile in tiles:
        places.setdefault((tile.scene, tile.number), []).append(tile)
    seen: dict[str, int] = {}
    rounds: list[tuple[int, list[SimulatedTile]]] = []
    for (scene, _), series in places.items():
        rounds.append((seen.get(scene, 0), series))
        seen[scene] = seen.get(scene, 0) + 1
    return [tile for _, series in sorted(rounds, key=lambda entry: entry[0]) for tile in series]


def _pictures(tile: SimulatedTile) -> tuple[Picture, Picture]:
    valid = tile.pixels.astype("float32") - (OFFSET if tile.offset else 0)
    times = max(1, _SIDE // tile.pixels.shape[1])
    return enlarge(true_colour(valid, tile.bands), times), enlarge(false_colour(valid, tile.bands), times)


def _text(tile: SimulatedTile) -> str:
    event = f" after {tile.event}" if tile.event else ""
    return f"{tile.scene}{event}, {tile.place.name}, {tile.datetime:%b %Y}"
