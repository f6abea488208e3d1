"""BigEarthNet: patches of 1.2 km over ten countries of Europe with the land cover of CORINE, in both versions.

Version 1 is a folder a patch with a JSON of its labels inside; version 2 keeps all labels in `metadata.parquet`, and
its patches in a folder a tile.
"""

import csv
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from msclip_search import catalog
from msclip_search.archives import PatchArchive, Reading, TableLabels
from msclip_search.archives.sources import name_source
from msclip_search.bands import LAYOUTS
from msclip_search.datasets.base import DataSet, LabelClass, LabelledArchive, split_of
from msclip_search.datasets.corine import GROUPS, to_classes
from msclip_search.datasets.folders import subfolders
from msclip_search.errors import ArchiveError

_METADATA = "metadata.parquet"
_PATCHES = "BigEarthNet-S2"
_LABELS = "labels_metadata.json"
_LISTS = {
    "contains_seasonal_snow": "patches_with_seasonal_snow.csv",
    "contains_cloud_or_shadow": "patches_with_cloud_and_shadow.csv",
}
"""Columns of version 2, and lists of version 1, that say the same."""
_WHY = {"contains_seasonal_snow": "under seasonal snow", "contains_cloud_or_shadow": "under clouds or their shadows"}
_GONE, _BARE = "not in this folder", "with no label among the 19 classes"
_NO_LABELS = "without a file of labels"
_SPLIT_FILES = {"train": "train", "validation": "val", "test": "test"}
_DEPTH = 2


@dataclass(frozen=True, slots=True)
class _Patch:
    """A patch that a list or table names."""

    folder: Path
    labels: tuple[str, ...]
    """Of the 19 classes."""


def open_bigearthnet(data: DataSet, root: Path, reading: Reading, split: str | None) -> LabelledArchive:
    """Find the patches and their labels. Those under snow or clouds are left out, as in its publications."""
    left: Counter[str] = Counter()
    if (root / _METADATA).is_file():
        table, patches = root / _METADATA, list(_second_version(root, split, left))
    else:
        table, patches = root, list(_first_version(data, root, split, left))
    if not patches:
        raise data.absent(f"{root} holds no patches with labels{f' of the split {split}' if split else ''}.")
    patches.sort(key=lambda patch: patch.folder)
    return LabelledArchive(
        archive=PatchArchive(tuple(patch.folder for patch in patches), reading),
        labels=TableLabels(table, {name_source(patch.folder): patch.labels for patch in patches}),
        classes=data.classes,
        notes=tuple(f"Left out: {count:,} patch{'es' * (count > 1)} {why}." for why, count in left.items()),
    )


def _first_version(data: DataSet, root: Path, split: str | None, left: Counter[str]) -> Iterator[_Patch]:
    home = _home(root)
    if home is None:
        raise data.absent(f"{root} holds neither {_METADATA} nor folders with {_LABELS}.")
    unfit = {why: _listed(root, name) or set() for why, name in _LISTS.items()}
    here = {folder.name: folder for folder in subfolders(home)}
    for name in _chosen(data, root, split, here, left):
        if why := next((why for why, names in unfit.items() if name in names), None):
            left[_WHY[why]] += 1
        elif labels := _labels_of(here[name]):
            yield _Patch(here[name], labels)
        else:
            left[_BARE] += 1


def _chosen(
    data: DataSet, root: Path, split: str | None, here: Mapping[str, Path], left: Counter[str]
) -> Collection[str]:
    """Name the patches of a split that are here; of no split, those that have labels inside."""
    if split is None:
        known = [name for name, folder in here.items() if _json_of(folder)]
        if bare := sum(any(here[name].glob(f"{name}_B*.tif")) for name in here.keys() - set(known)):
            left[_NO_LABELS] += bare
        return known
    file = f"{_SPLIT_FILES[split]}.csv"
    listed = _listed(root, file) or _listed(root, f"bigearthnet-{file}")
    if listed is None:
        raise data.absent(f"{root} holds no {file}, which names the patches of the split {split}.")
    if gone := len(listed - here.keys()):
        left[_GONE] += gone
    return listed & here.keys()


def _second_version(root: Path, split: str | None, left: Counter[str]) -> Iterator[_Patch]:
    home = root / _PATCHES if (root / _PATCHES).is_dir() else root
    here = {patch.name: patch for tile in subfolders(home) for patch in subfolders(tile)}
    for row in catalog.read_table(root / _METADATA, ("patch_id", "labels", "split"), optional=tuple(_LISTS)):
        if split is not None and split_of(row["split"]) != split:
            continue
        if row["patch_id"] not in here:
            left[_GONE] += 1
        elif why := next((why for why in _LISTS if row.get(why)), None):
            left[_WHY[why]] += 1
        elif labels := _classes(row["labels"] or (), root / _METADATA):
            yield _Patch(here[row["patch_id"]], labels)
        else:
            left[_BARE] += 1


def _home(root: Path, depth: int = _DEPTH) -> Path | None:
    """Return the folder that holds patches: this one, or one inside it."""
    inside = subfolders(root)
    if any(_json_of(folder) for folder in inside):
        return root
    return next((home for folder in inside if (home := _home(folder, depth - 1))), None) if depth else None


def _json_of(folder: Path) -> Path | None:
    """Return the labels of a patch of version 1; None where there are none."""
    path = folder / f"{folder.name}_{_LABELS}"
    return path if path.is_file() else None


def _labels_of(folder: Path) -> tuple[str, ...]:
    path = _json_of(folder)
    if path is None:
        return ()
    try:
        return _classes(json.loads(path.read_text(encoding="utf-8"))["labels"], path)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ArchiveError(f"The labels {path} cannot be read ({error}): unpack the patch again.") from error


def _classes(names: Iterable[str], path: Path) -> tuple[str, ...]:
    try:
        return to_classes(names)
    except KeyError as error:
        raise ArchiveError(f"{path} has the label {error}, which is no land cover of BigEarthNet.") from error


def _listed(root: Path, name: str) -> set[str] | None:
    """Return the patches that a list names, in the first column; None where there is no such list."""
    path = root / name
    if not path.is_file():
        return None
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return {row[0].strip() for row in csv.reader(file) if row and row[0].strip()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArchiveError(f"The list {path} cannot be read ({error}).") from error


BIGEARTHNET = DataSet(
    name="bigearthnet",
    title="BigEarthNet",
    classes=tuple(LabelClass(name=name, words=name) for name in GROUPS),  # the published evaluation's words
    bands=LAYOUTS["l2a"],
    level="L2A",
    several_labels=True,
    source="https://bigearth.net",
    licence="CDLA-Permissive-1.0",
    citation=(
        "Sumbul, de Wall, Kreuziger, Marcelino, Costa, Benevides, Caetano, Demir, Markl: BigEarthNet-MM, IEEE "
        "Geoscience and Remote Sensing Magazine 9(3), 2021, arXiv:2105.07921; version 2: Clasen, Hackel, Burgert, "
        "Sumbul, Demir, Markl: reBEN, 2024, arXiv:2407.03653"
    ),
    layout="""\
version 1: a folder a patch, PATCH/PATCH_B01.tif … PATCH_B12.tif and PATCH/PATCH_labels_metadata.json;
beside them, for a split, train.csv, val.csv or test.csv with a patch a line, and, if they are to be left out,
patches_with_seasonal_snow.csv and patches_with_cloud_and_shadow.csv
version 2: metadata.parquet and BigEarthNet-S2/TILE/PATCH/PATCH_B01.tif …
(version 2 and the lists: layout as published, not tried on the original files)""",
    opener=open_bigearthnet,
)
