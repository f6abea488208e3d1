"""EuroSAT: 27,000 tiles of 64 × 64 px over Europe in ten classes, with thirteen bands or as pictures."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from msclip_search.archives import Reading
from msclip_search.archives.paths import TILES, find
from msclip_search.bands import BANDS, LAYOUTS, band_name
from msclip_search.datasets.base import DataSet, LabelledArchive, plain_classes
from msclip_search.datasets.folders import find_class_folders, label_folders, open_class_folders
from msclip_search.errors import ArchiveError, TileError
from msclip_search.raster import read_raster

_CLASSES = plain_classes(  # in the words of the published evaluation
    "AnnualCrop Forest HerbaceousVegetation Highway Industrial Pasture PermanentCrop Residential River SeaLake"
)
_CITATION = (
    "Helber, Bischke, Dengel, Borth: EuroSAT: A Novel Dataset and Deep Learning Benchmark for Land Use and Land Cover "
    "Classification, IEEE Journal of Selected Topics in Applied Earth Observations and Remote Sensing 12(7), 2019"
)
_SAMPLE = 3
"""Files of each class that are looked at."""
_DARKER = 2
"""By how much the cirrus band is darker than its neighbour in the other order. Over land it is a hundred times."""
_CIRRUS = {name: LAYOUTS[name].index("B10") for name in ("eurosat", "l1c")}
_SAID = {"eurosat": "B8A stands last", "l1c": "B8A stands ninth"}
_WAY_OUT = "Say which with --bands eurosat (B8A last) or --bands l1c (B8A ninth)."


def open_eurosat_ms(data: DataSet, root: Path, reading: Reading, split: str | None) -> LabelledArchive:
    """Open the tiles of thirteen bands, once the cirrus band has told in which of two orders they stand."""
    folders = find_class_folders(data, root, split)
    if reading.layout is not None:
        return label_folders(data, folders, reading)
    orders = [_order(path) for folder in folders.names for path in _sample(folder)]
    votes = [order for order in orders if order is not None]
    if not votes:  # files that name their bands, or have another number of them
        return label_folders(data, folders, reading)
    name = _winner(root, votes)
    labelled = label_folders(data, folders, replace(reading, layout=LAYOUTS[name]))
    note = f"{_SAID[name]}: the cirrus band is the darkest in {votes.count(name)} of {len(votes)} files looked at."
    return replace(labelled, notes=(*labelled.notes, note))


def _winner(root: Path, votes: Sequence[str]) -> str:
    """Return the order that most files have and none contradicts."""
    counts = {name: votes.count(name) for name in _CIRRUS}
    if all(counts.values()):
        raise ArchiveError(
            f"{root} mixes two orders of bands: by the cirrus band, the darkest of all, B8A stands last in "
            f"{counts['eurosat']} and ninth in {counts['l1c']} of {len(votes)} files looked at. Keep them in folders "
            f"apart. {_WAY_OUT}"
        )
    name = max(counts, key=counts.__getitem__)
    if 2 * counts[name] <= len(votes):
        raise ArchiveError(
            f"The order of the thirteen bands in {root} is unclear: the cirrus band, which should be the darkest of "
            f"all, shows in {counts[name]} of {len(votes)} files looked at. {_WAY_OUT}"
        )
    return name


def _order(path: Path) -> str | None:
    """Name the order of a file's bands, "" where its pixels do not tell; None where it need not be guessed."""
    try:
        raster = read_raster(path)
    except TileError:
        return None  # it fails in its turn
    if len(raster.pixels) != len(BANDS) or any(map(band_name, raster.descriptions)):
        return None
    means = np.nan_to_num(raster.pixels.astype(np.float64)).mean(axis=(1, 2))
    darkest = int(means.argmin())
    for name, place in _CIRRUS.items():
        others = [means[other] for other in _CIRRUS.values() if other != place]
        if darkest == place and _DARKER * means[place] < min(others):
            return name
    return ""


def _sample(folder: Path) -> list[Path]:
    """Return the first, middle and last file of a folder."""
    paths = [found.path for found in find((folder,), suffixes=TILES) if not found.trouble]
    places = {round(share * (len(paths) - 1)) for share in np.linspace(0, 1, _SAMPLE)} if paths else set()
    return [paths[place] for place in sorted(places)]


EUROSAT_MS = DataSet(
    name="eurosat-ms",
    title="EuroSAT (multispectral)",
    classes=_CLASSES,
    bands=BANDS,
    level="L1C",
    several_labels=False,
    source="https://doi.org/10.5281/zenodo.7711810",
    licence="MIT",
    citation=_CITATION,
    layout="""\
one folder a class: AnnualCrop/AnnualCrop_1.tif, Forest/Forest_1.tif, …, of thirteen bands
(it has no split of its own; folders train, validation and test around the classes are understood)""",
    opener=open_eurosat_ms,
)
EUROSAT_RGB = DataSet(
    name="eurosat-rgb",
    title="EuroSAT (RGB)",
    classes=_CLASSES,
    bands=LAYOUTS["rgb"],
    level="L1C",
    several_labels=False,
    source="https://doi.org/10.5281/zenodo.7711810",
    licence="MIT",
    citation=_CITATION,
    layout="""\
one folder a class: AnnualCrop/AnnualCrop_1.jpg, Forest/Forest_1.jpg, …
(it has no split of its own; folders train, validation and test around the classes are understood;
layout as published, not tried on the original files)""",
    opener=open_class_folders,
)
