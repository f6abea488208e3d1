"""An archive of simulated tiles on disk, made by all cores.

::

    tiles/
      000/sim000000_S2A_MSIL2A_20190714T103021.tif    bands by name, SCL as the last one; a folder a thousand places
      tiles.csv                                       a row a tile: file, label (tags), scene, caption, place, date, …
      masks.parquet                                   where each tag holds, pixel by pixel: see `catalog.read_masks`
      simulation.json                                 what was asked for, and with which versions

The same request writes the same pixels, whatever the number of processes.
"""

import csv
import importlib.metadata
import itertools
import json
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from msclip_search.catalog import MaskWriter, PackedMask, pack_mask
from msclip_search.classification import NAME, shares
from msclip_search.disk import disk_errors
from msclip_search.errors import SimulationError, StorageError
from msclip_search.raster import encode_chip, to_degrees
from msclip_search.simulation.pool import workers
from msclip_search.simulation.request import Simulation
from msclip_search.simulation.simulator import SimulatedTile, simulate

TABLE, MASKS, REQUEST = "tiles.csv", "masks.parquet", "simulation.json"
MOST = 1_000_000
"""Places of one archive."""
_BUNCH = 16
"""Places that a process makes at a time."""
_OURS = re.compile(r"sim\d{6}[_-].*\.tif")
_COLUMNS = (
    "file", "label", "scene", "caption", "place", "longitude", "latitude", "datetime", "season", "level", "offset",
    "cloud", "shadow", "snow", "number", "turn", "event",
)  # fmt: skip

Progress = Callable[[int], None]
"""Told how many tiles are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedArchive:
    """What `simulate_archive` made."""

    folder: Path
    tiles: int
    """GeoTIFFs written."""
    interrupted: bool
    """Whether it was stopped before all were made; what was made is complete."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A tile that has been written: its row of the table, and its masks."""

    row: dict[str, object]
    masks: tuple[PackedMask, ...]


def simulate_archive(
    simulation: Simulation,
    folder: str | os.PathLike[str],
    *,
    count: int,
    overwrite: bool = False,
    processes: int | None = None,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
) -> SimulatedArchive:
    """Simulate places and write their tiles.

    Parameters
    ----------
    simulation
        What the tiles are to be.
    folder
        Where to; made where there is none.
    count
        Places; a series has that many tiles times its dates.
    overwrite
        Whether an earlier simulation in the folder is replaced. Other files in it are left alone.
    processes
        How many work at it; None is one a core, 1 is this one. A script that asks for more needs the usual
        `if __name__ == "__main__":`.
    stop
        When set, what has been begun is finished, and the tables are closed.
    progress
        Told how many tiles are done.

    Raises
    ------
    SimulationError
        The request makes no sense.
    StorageError
        The folder is not empty, or the disk is full or refuses permission.

    Examples
    --------
    >>> simulate_archive(Simulation(seed=7, size=64), "tiles", count=200)  # doctest: +SKIP
    """
    if not 1 <= count <= MOST:
        raise SimulationError(f"From 1 to {MOST:,} places can be simulated at a time, not {count:,}.")
    root = Path(folder)
    _prepare(root, overwrite=overwrite)
    _write(root / REQUEST, _request(simulation, count))
    bunches = [range(start, min(start + _BUNCH, count)) for start in range(0, count, _BUNCH)]
    done = 0
    with disk_errors("writing", root / TABLE), (root / TABLE).open("w", newline="", encoding="utf-8") as table:
        rows = csv.DictWriter(table, _COLUMNS)
        rows.writeheader()
        with MaskWriter(root / MASKS) as masks:
            for made in _make(simulation, root, bunches, processes=processes, stop=stop):
                rows.writerows(tile.row for tile in made)
                masks.write(mask for tile in made for mask in tile.masks)
                done += len(made)
                if progress:
                    progress(done)
    return SimulatedArchive(folder=root, tiles=done, interrupted=done < count * simulation.series)


def _prepare(root: Path, *, overwrite: bool) -> None:
    """Make the folder, or empty it of an earlier simulation."""
    with disk_errors("making", root):
        if root.exists() and not root.is_dir():
            raise StorageError(f"{root} is a file: name a folder for the tiles.")
        root.mkdir(parents=True, exist_ok=True)
        present = sorted(root.iterdir())
    if present and not overwrite:
        earlier = "an earlier simulation" if (root / REQUEST).exists() else f"{present[0].name}, among others"
        raise StorageError(
            f"The folder {root} is not empty (it holds {earlier}): name another, or give --overwrite to replace an "
            "earlier simulation."
        )
    with disk_errors("emptying", root):
        for name in (TABLE, MASKS, REQUEST):
            (root / name).unlink(missing_ok=True)
        for inside in present:
            if not (inside.is_dir() and re.fullmatch(r"\d{3}", inside.name)):
                continue
            for path in inside.iterdir():
                if _OURS.fullmatch(path.name):
                    path.unlink()
            if not any(inside.iterdir()):
                inside.rmdir()


def _request(simulation: Simulation, count: int) -> bytes:
    versions = {name: importlib.metadata.version(name) for name in ("msclip-search", "numpy")}
    return (json.dumps({"count": count, **asdict(simulation), "versions": versions}, indent=2) + "\n").encode()


def _make(
    simulation: Simulation,
    root: Path,
    bunches: Sequence[range],
    *,
    processes: int | None,
    stop: threading.Event | None,
) -> Iterator[list[_Made]]:
    """Make bunches of tiles, in order."""
    wanted = iter(bunches)
    number = min(processes or os.cpu_count() or 1, len(bunches))
    if number == 1:
        for bunch in wanted:
            if stop and stop.is_set():
                return
            yield _bunch(simulation, root, bunch)
        return
    with workers(number) as pool:
        begun = [pool.submit(_bunch, simulation, root, bunch) for bunch in itertools.islice(wanted, 2 * number)]
        pending = deque(begun)
        while pending:
            yield pending.popleft().result()
            if not (stop and stop.is_set()):
                pending += [pool.submit(_bunch, simulation, root, bunch) for bunch in itertools.islice(wanted, 1)]


def _bunch(simulation: Simulation, root: Path, numbers: range) -> list[_Made]:
    """Simulate some places and write their tiles."""
    return [_save(simulation, root, tile) for number in numbers for tile in simulate(simulation, number)]


def _save(simulation: Simulation, root: Path, tile: SimulatedTile) -> _Made:
    name = file_name(tile, series=simulation.series)
    classes = tile.classes[None].astype(tile.pixels.dtype)
    content = encode_chip(
        np.concatenate([tile.pixels, classes]),
        bands=(*tile.bands, NAME),
        crs=f"EPSG:{tile.epsg}",
        west=tile.west,
        north=tile.north,
        tags={"simulated_by": "msclip-search", "scene": tile.scene, "seed": str(simulation.seed)},
    )
    _write(root / name, content)
    of = shares(tile.classes, empty=np.zeros(tile.classes.shape, np.bool_))
    size = simulation.size
    longitude, latitude = to_degrees([tile.west + 5 * size], [tile.north - 5 * size], tile.epsg)
    row = {
        "file": name,
        "label": ";".join(tile.tags),
        "scene": tile.scene,
        "caption": " | ".join(tile.captions),
        "place": tile.place.name,
        "longitude": f"{longitude[0]:.5f}",
        "latitude": f"{latitude[0]:.5f}",
        "datetime": tile.datetime.isoformat().replace("+00:00", "Z"),
        "season": tile.season,
        "level": tile.level,
        "offset": tile.offset,
        "cloud": f"{of.cloud:.1f}",
        "shadow": f"{of.shadow:.1f}",
        "snow": f"{of.snow:.1f}",
        "number": tile.number,
        "turn": tile.turn,
        "event": tile.event or "",
    }
    return _Made(row, tuple(pack_mask(name, tag, mask) for tag, mask in tile.masks.items()))


def file_name(tile: SimulatedTile, *, series: int) -> str:
    """Name a tile's file, relative to the archive: platform, level and time as products have them."""
    turn = f"-{tile.turn:02d}" if series > 1 else ""
    baseline = "_N0510" if tile.offset else ""
    when = f"{tile.datetime:%Y%m%dT%H%M%S}"
    return f"{tile.number // 1000:03d}/sim{tile.number:06d}{turn}_{tile.platform}_MSI{tile.level}_{when}{baseline}.tif"


def _write(path: Path, content: bytes) -> None:
    with disk_errors("writing", path):
        try:
            path.write_bytes(content)
        except FileNotFoundError:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
