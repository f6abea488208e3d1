"""Data sets made of numbers, in the layouts that no file here shows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

from msclip_search.archives import Reading
from msclip_search.bands import LAYOUTS
from msclip_search.datasets import LabelledArchive
from msclip_search.tile import Tile
from tests.archives.painting import write_picture, write_tiff

TEN = Reading(want=LAYOUTS["ten"])
RGB = Reading(want=LAYOUTS["rgb"])
SIDE = 48
COARSE = {"B01": 60, "B09": 60} | dict.fromkeys(("B05", "B06", "B07", "B8A", "B11", "B12"), 20)


def write_picture_of(path: Path, number: int, driver: str = "JPEG") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_picture(path, np.full((3, 16, 16), number, np.uint8), driver)


def write_chip_of(path: Path, pixels: NDArray[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_tiff(path, pixels)


def write_patch(folder: Path, number: int = 1) -> Path:
    """Write a patch of 48 px with a file a band; every value is the number."""
    folder.mkdir(parents=True)
    for band in LAYOUTS["l2a"]:
        metres = COARSE.get(band, 10)
        side = SIDE * 10 // metres
        place = rasterio.Affine(metres, 0, 600_000, 0, -metres, 5_300_000)
        write_tiff(folder / f"{folder.name}_{band}.tif", np.full((1, side, side), number, np.uint16), transform=place)
    return folder


def write_first_version(root: Path, labels: Mapping[str, Sequence[str]]) -> None:
    """Write patches of BigEarthNet's version 1: name to CORINE names."""
    for number, (name, names) in enumerate(labels.items(), 1):
        folder = write_patch(root / name, number)
        said = {"labels": list(names), "acquisition_date": "2017-06-17 11:33:21"}
        (folder / f"{name}_labels_metadata.json").write_text(json.dumps(said))


def tiles_of(labelled: LabelledArchive) -> dict[str, Tile]:
    """Read everything, by source."""
    found = {item.source: item.read()[0] for item in labelled.archive.items()}
    assert len(found) == labelled.archive.count()
    return found


def labels_of(labelled: LabelledArchive) -> dict[str, tuple[str, ...]]:
    """Return the labels of everything, by the last two parts of its source."""
    sources = [item.source for item in labelled.archive.items()]
    assert len(sources) == labelled.archive.count()
    return {"/".join(Path(source).parts[-2:]): labelled.labels.of(source) for source in sources}


def names_of(classes: Iterable[Any]) -> list[str]:
    return [each.name for each in classes]
