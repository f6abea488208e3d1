"""Examples out of the simulator, kept in shards on disk, so that a run that was interrupted goes on where it stood.

Half of the tiles are varied before they are described, band by band and as a whole, by a little more than instruments
and atmospheres do: what is learnt must not hang on the simulator's own ways.
"""

import hashlib
import importlib.metadata
import itertools
import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from msclip_search.disk import disk_errors
from msclip_search.errors import TrainingError
from msclip_search.models.nano.file import VERSION
from msclip_search.models.nano.spec import SPEC
from msclip_search.simulation import SimulatedTile, Simulation, simulate
from msclip_search.simulation.pool import workers
from msclip_search.simulation.scenes import SCENES
from msclip_search.simulation.vocabulary import WORDS
from msclip_search.training.examples import MAIN, TRUE, Examples

TAGS = tuple(WORDS)
"""In the order of `Examples.tags`."""
SHARD = 100
"""Tiles of a shard: what is lost of them when a run is killed, and waited for when it is stopped."""
_VERSION = 3
"""Of what is done here: shards of another one are made again."""
_LEVELS = ("L2A", "L1C")
_GAINS, _GAIN = 0.04, 0.08
"""Deviation of each band's brightness, and of that of all together, as logarithms."""
_VEIL = 30.0
"""Deviation of what is added to all bands, in units of reflectance × 10000."""

Told = Callable[[int, int], None]
"""Told how many tiles are there, and how many there will be."""


@dataclass(frozen=True, slots=True)
class Request:
    """Tiles of one size and seed."""

    seed: int
    size: int
    count: int
    varied: bool
    """Whether half of them are varied: not so for validation."""

    def shards(self) -> list["Shard"]:
        """Divide them."""
        return [Shard(self, range(start, min(start + SHARD, self.count))) for start in range(0, self.count, SHARD)]


@dataclass(frozen=True, slots=True)
class Shard:
    """Some of the tiles of a request."""

    request: Request
    numbers: range

    @property
    def name(self) -> str:
        """Of its file: another request, vocabulary, description or version of the package has other files."""
        asked = self.request
        least = {tag: word.least for tag, word in WORDS.items()}
        versions = [_VERSION, VERSION, importlib.metadata.version("msclip-search"), np.__version__]
        made = json.dumps([versions, asked.varied, SHARD, _GAINS, _GAIN, _VEIL, least])
        digest = hashlib.sha256(made.encode()).hexdigest()[:12]
        return f"{asked.size}-{asked.seed}-{digest}-{self.numbers.start:06d}-{len(self.numbers)}.npz"


def gather(
    requests: list[Request],
    folder: Path,
    *,
    stop: threading.Event | None = None,
    told: Told | None = None,
    processes: int | None = None,
) -> list[Examples] | None:
    """Simulate and describe tiles, or read them where that has been done.

    Parameters
    ----------
    requests
        What to simulate.
    folder
        Of the shards; made where there is none.
    stop
        When set, what has been begun is finished.
    told
        Told how far it is.
    processes
        How many work at it; None is one a core, 1 is this one.

    Returns
    -------
    list of Examples, or None
        Of each request; None where it was stopped.

    Raises
    ------
    StorageError
        The disk is full, or refuses permission.
    """
    with disk_errors("making", folder):
        folder.mkdir(parents=True, exist_ok=True)
    shards = [shard for request in requests for shard in request.shards()]
    missing = [shard for shard in shards if not (folder / shard.name).exists()]
    total = sum(len(shard.numbers) for shard in shards)
    done = total - sum(len(shard.numbers) for shard in missing)
    if told:
        told(done, total)
    for shard, content in _made(missing, processes, stop):
        path = folder / shard.name
        with disk_errors("writing", path):
            _write(path, content)
        done += len(shard.numbers)
        if told:
            told(done, total)
    if stop and stop.is_set():
        return None
    return [Examples.joined([_read(folder / shard.name) for shard in request.shards()]) for request in requests]


def _made(shards: list[Shard], processes: int | None, stop: threading.Event | None) -> Iterator[tuple[Shard, Examples]]:
    wanted = iter(shards)
    number = min(processes or os.cpu_count() or 1, len(shards))
    if number < 2:
        for shard in wanted:
            if stop and stop.is_set():
                return
            yield shard, make(shard)
        return
    with workers(number) as pool:
        pending = deque((shard, pool.submit(make, shard)) for shard in itertools.islice(wanted, number + 1))
        while pending:
            shard, future = pending.popleft()
            yield shard, future.result()
            if not (stop and stop.is_set()):
                pending += [(shard, pool.submit(make, shard)) for shard in itertools.islice(wanted, 1)]


def make(shard: Shard) -> Examples:
    """Simulate and describe the tiles of a shard."""
    import torch

    from msclip_search.models.nano.descriptor import describe

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # there is a process a core
    whole, cells, tags, sources = [], [], [], []
    with torch.inference_mode():
        for number in shard.numbers:
            tile, pixels = _simulated(shard.request, number)
            found = describe(torch.from_numpy(pixels).div_(SPEC.deviation[0])[None])
            whole.append(found.whole.numpy()[0])
            cells.append(found.cells.numpy()[0].astype(np.float16))
            tags.append(_held(tile))
            sources.append(
                f"simulated tile {number} of seed {shard.request.seed} ({shard.request.size} px, {tile.scene})"
            )
    torch.set_num_threads(threads)
    return Examples(np.stack(whole), np.stack(cells), np.stack(tags), np.array(sources))


def _simulated(request: Request, number: int) -> tuple[SimulatedTile, NDArray[np.float32]]:
    """Simulate a tile; returns it, and its pixels as they are learnt from."""
    level = _LEVELS[number % len(_LEVELS)]
    (tile,) = simulate(Simulation(seed=request.seed, size=request.size, level=level), number)
    pixels = tile.pixels[[tile.bands.index(band) for band in SPEC.bands]].astype(np.float32)
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((request.seed, number, 99))))
    return tile, varied(pixels, random) if request.varied and random.random() < 0.5 else pixels


def varied(pixels: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Change the brightness of each band and of all, and add a veil: (bands, height, width), reflectance × 10000."""
    gains = np.exp(_GAINS * random.standard_normal(len(pixels)) + _GAIN * random.standard_normal())
    changed = pixels * gains[:, None, None] + _VEIL * random.standard_normal()
    lit: NDArray[np.float32] = np.maximum(changed, 1).astype(np.float32)  # 0 in all bands would be no data
    return lit


def _held(tile: SimulatedTile) -> NDArray[np.uint8]:
    """Tell what each tag is to a tile, which is about its scene or, where that does not show, its largest part."""
    mainly = {tag for tag in SCENES[tile.scene].tags if tag in tile.tags} or {*tile.tags[:1]}
    return np.array([MAIN if tag in mainly else TRUE if tag in tile.tags else 0 for tag in TAGS], np.uint8)


def _write(path: Path, examples: Examples) -> None:
    """Write a shard whole or not at all."""
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez(file, whole=examples.whole, cells=examples.cells, tags=examples.tags, sources=examples.sources)
    partial.replace(path)


def _read(path: Path) -> Examples:
    try:
        with disk_errors("reading", path), path.open("rb") as file, np.load(file) as arrays:
            return Examples(arrays["whole"], arrays["cells"], arrays["tags"], arrays["sources"])
    except (ValueError, KeyError, EOFError, BadZipFile) as error:
        raise TrainingError(f"{path} is damaged ({error}): remove it, and it will be made again.") from error
