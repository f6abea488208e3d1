"""ForestNet: what took the place of forest in Indonesia, 1999 to 2016, on pictures of Landsat 8."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from msclip_search.archives import ChipArchive, Reading, TableLabels
from msclip_search.archives.sources import name_source
from msclip_search.bands import LAYOUTS
from msclip_search.datasets.base import SPLITS, DataSet, LabelClass, LabelledArchive
from msclip_search.errors import ArchiveError

_TABLES = {"train": "train.csv", "validation": "val.csv", "test": "test.csv"}
_PICTURE = Path("images", "visible", "composite.png")
_COLUMNS = ("example_path", "merged_label")


def open_forestnet(data: DataSet, root: Path, reading: Reading, split: str | None) -> LabelledArchive:
    """Find the pictures that the tables of the splits name."""
    tables = [root / _TABLES[each] for each in SPLITS if split in {None, each} and (root / _TABLES[each]).is_file()]
    if not tables:
        wanted = _TABLES[split] if split else ", ".join(_TABLES.values())
        raise data.absent(f"{root} lacks the tables of its pictures: {wanted}.")
    known = {each.name for each in data.classes}
    named = {path: label for table in tables for path, label in _rows(table, root, known)}
    here = {path: label for path, label in named.items() if path.is_file()}
    if not here:
        raise data.absent(f"{root} holds none of the {len(named):,} pictures that its tables name.")
    gone = len(named) - len(here)
    return LabelledArchive(
        archive=ChipArchive(tuple(here), reading),
        labels=TableLabels(root, {name_source(path): (label,) for path, label in here.items()}),
        classes=data.classes,
        notes=(f"Left out: {gone:,} picture{'s' * (gone > 1)} not in this folder.",) if gone else (),
    )


def _rows(table: Path, root: Path, known: set[str]) -> Iterator[tuple[Path, str]]:
    """Yield the pictures of a table with their labels."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if missing := set(_COLUMNS) - set(rows.fieldnames or ()):
                raise ArchiveError(f"{table} lacks {' and '.join(sorted(missing))}.")
            for row in rows:
                folder, label = (row[name] or "" for name in _COLUMNS)
                if label not in known:
                    raise ArchiveError(f"{table}, line {rows.line_num}: '{label}' is no class of ForestNet.")
                yield Path(os.path.abspath(root / folder / _PICTURE)), label  # noqa: PTH100 - keeps links
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArchiveError(f"The table {table} cannot be read ({error}).") from error


FORESTNET = DataSet(
    name="forestnet",
    title="ForestNet",
    # The four merged drivers, in the words of the published evaluation.
    classes=tuple(
        LabelClass(name=name, words=name)
        for name in ("Plantation", "Grassland shrubland", "Smallholder agriculture", "Other")
    ),
    bands=LAYOUTS["rgb"],
    level=None,
    several_labels=False,
    source="https://stanfordmlgroup.github.io/projects/forestnet/",
    licence="CC-BY-4.0",
    citation=(
        "Irvin, Sheng, Ramachandran, Johnson-Yu, Zhou, Story, Rustowicz, Elsworth, Austin, Ng: ForestNet: Classifying "
        "Drivers of Deforestation in Indonesia using Deep Learning on Satellite Imagery, 2020, arXiv:2011.05479"
    ),
    layout="""\
train.csv, val.csv, test.csv with the columns example_path and merged_label,
and EXAMPLE_PATH/images/visible/composite.png
(layout as this program expects it; not tried on the original files)""",
    opener=open_forestnet,
)
