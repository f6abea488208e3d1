"""Real tiles with labels: a class says which captions are true, which are not, and leaves others open."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msclip_search.archives import Reading
from msclip_search.datasets import data_set
from msclip_search.errors import MsclipError, TrainingError
from msclip_search.models.nano.spec import SPEC
from msclip_search.simulation.vocabulary import GROUPS, WORDS

CLASSES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        "AnnualCrop": (("cropland",), ()),
        "Forest": (("forest",), ()),
        "HerbaceousVegetation": ((), ("herbaceous vegetation",)),
        "Highway": (("highway",), ()),
        "Industrial": (("industrial area",), ()),
        "Pasture": (("pasture",), ()),
        "PermanentCrop": ((), ("permanent crops",)),
        "Residential": (("residential area",), ()),
        "River": (("river",), ()),
        "SeaLake": ((), ("sea or lake",)),
    }
)
"""EuroSAT's classes: tags and general terms of the vocabulary that say the same."""
VIEWS = 6
"""Ways in which a tile is seen: whole, and windows of it."""
_LEAST = 0.7
"""Side of a window over that of the tile."""


@dataclass(frozen=True, slots=True, eq=False)
class RealExamples:
    """Labelled tiles."""

    descriptions: NDArray[np.float32]
    """(tiles, views, numbers); the first view is the whole tile."""
    labels: NDArray[np.int64]
    """(tiles,): places in `CLASSES`."""
    sources: tuple[str, ...]
    """Paths below the data set's folder."""
    hashes: tuple[str, ...]
    """SHA-256 of each file."""

    def __len__(self) -> int:
        return len(self.sources)

    def chosen(self, places: NDArray[Any]) -> "RealExamples":
        """Return some of the tiles."""
        numbers = np.arange(len(self))[places]
        return RealExamples(
            self.descriptions[numbers],
            self.labels[numbers],
            tuple(self.sources[number] for number in numbers),
            tuple(self.hashes[number] for number in numbers),
        )


def true_of_classes() -> tuple[frozenset[str], ...]:
    """Return, for each class, the captions that it makes true; those of all classes together are known."""
    return tuple(
        frozenset(
            [phrase for tag in tags for phrase in (*WORDS[tag].phrases, tag)]
            + [phrase for group in groups for phrase in GROUPS[group].phrases]
        )
        for tags, groups in CLASSES.values()
    )


def read_eurosat(folder: Path, *, seed: int = 0, told: Callable[[int, int], None] | None = None) -> RealExamples:
    """Read and describe tiles in folders of EuroSAT's classes.

    Parameters
    ----------
    folder
        Holds a folder a class, of GeoTIFFs with thirteen bands.
    seed
        Of the windows.
    told
        Told how many tiles are done, and how many there are.

    Raises
    ------
    TrainingError
        A file cannot be read.
    ArchiveError
        There are no such folders.
    """
    import torch

    from msclip_search.models.nano.descriptor import describe

    reading = Reading(want=SPEC.bands, substitutes=SPEC.substitutes)
    found = data_set("eurosat-ms").open(folder, reading=reading)
    total = found.archive.count()
    home = os.path.abspath(folder)  # noqa: PTH100 - keeps links, as archives do
    names = list(CLASSES)
    rows, labels, sources, hashes = [], [], [], []
    with torch.inference_mode():
        for done, item in enumerate(found.archive.items(), start=1):
            try:
                (tile,) = item.read()
                content = Path(item.source).read_bytes()
            except (MsclipError, OSError) as error:
                raise TrainingError(f"{item.source} {error}. Mend or remove it, and begin again.") from error
            sha256 = hashlib.sha256(content).hexdigest()
            random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, int(sha256[:15], 16)))))
            views = _views(tile.pixels.astype(np.float32) / SPEC.deviation[0], random)
            rows.append(np.concatenate([describe(torch.from_numpy(view)[None]).numpy() for view in views]))
            labels.append(names.index(found.labels.of(item.source)[0]))
            sources.append(os.path.relpath(item.source, home))
            hashes.append(sha256)
            if told:
                told(done, total)
    return RealExamples(np.stack(rows), np.array(labels), tuple(sources), tuple(hashes))


def _views(pixels: NDArray[np.float32], random: np.random.Generator) -> list[NDArray[np.float32]]:
    """Return a tile and windows of it."""
    height, width = pixels.shape[1:]
    views = [pixels]
    for _ in range(VIEWS - 1):
        share = _LEAST + (1 - _LEAST) * random.random()
        rows, columns = int(share * height), int(share * width)
        top, left = int(random.integers(0, height - rows + 1)), int(random.integers(0, width - columns + 1))
        views.append(np.ascontiguousarray(pixels[:, top : top + rows, left : left + columns]))
    return views
