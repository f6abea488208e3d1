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


@dataclass(frozen=True, slots=True, eq=False)
class RealExamples:
    """Labelled tiles."""

    whole: NDArray[np.float32]
    """(tiles, numbers): see `models.nano.descriptor`."""
    cells: NDArray[np.float16]
    """(tiles, cell numbers, rows, columns): see `models.nano.cells`."""
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
            self.whole[numbers],
            self.cells[numbers],
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


def read_eurosat(folder: Path, *, told: Callable[[int, int], None] | None = None) -> RealExamples:
    """Read and describe tiles in folders of EuroSAT's classes.

    Parameters
    ----------
    folder
        Holds a folder a class, of GeoTIFFs with thirteen bands.
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
    opened = data_set("eurosat-ms").open(folder, reading=reading)
    total = opened.archive.count()
    home = os.path.abspath(folder)  # noqa: PTH100 - keeps links, as archives do
    names = list(CLASSES)
    whole: list[NDArray[np.float32]] = []
    cells: list[NDArray[np.float16]] = []
    labels, sources, hashes = [], [], []
    with torch.inference_mode():
        for done, item in enumerate(opened.archive.items(), start=1):
            try:
                (tile,) = item.read()
                content = Path(item.source).read_bytes()
            except (MsclipError, OSError) as error:
                raise TrainingError(f"{item.source} {error}. Mend or remove it, and begin again.") from error
            found = describe(torch.from_numpy(tile.pixels.astype(np.float32) / SPEC.deviation[0])[None])
            if cells and found.cells.shape[1:] != cells[0].shape:
                raise TrainingError(f"{item.source} has another size than those before it: all must have the same.")
            whole.append(found.whole.numpy()[0])
            cells.append(found.cells.numpy()[0].astype(np.float16))
            labels.append(names.index(opened.labels.of(item.source)[0]))
            sources.append(os.path.relpath(item.source, home))
            hashes.append(hashlib.sha256(content).hexdigest())
            if told:
                told(done, total)
    return RealExamples(np.stack(whole), np.stack(cells), np.array(labels), tuple(sources), tuple(hashes))
