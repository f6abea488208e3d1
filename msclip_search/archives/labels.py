"""Labels of tiles: from the name of their folder, or from a table."""

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msclip_search.errors import ArchiveError

_BETWEEN = ";"


@dataclass(frozen=True, slots=True)
class ParentLabels:
    """The folder that a file lies in names its label."""

    def of(self, source: str) -> tuple[str, ...]:
        """Return the name of the folder."""
        return (Path(source).parent.name,)


@dataclass(frozen=True, slots=True)
class TableLabels:
    """A table gives each file its labels."""

    path: Path
    table: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Absolute path to labels."""

    def of(self, source: str) -> tuple[str, ...]:
        """Return the labels of the file's row; none without a row."""
        return self.table.get(source, ())


def read_labels(path: Path) -> TableLabels:
    """Read a CSV with the columns `file` and `label`, several labels joined by ";".

    Paths are relative to the table. Other columns are passed over.

    Raises
    ------
    ArchiveError
        The table cannot be read, lacks a column or has too many values in a row, or gives one file two rows.
    """
    table: dict[str, tuple[str, ...]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, strict=True)
            if missing := {"file", "label"} - set(rows.fieldnames or ()):
                raise ArchiveError(
                    f"{path} lacks the column{'s' * (len(missing) > 1)} {' and '.join(sorted(missing))}: "
                    "its first line is to be file,label."
                )
            for row in rows:
                where = f"{path}, line {rows.line_num}"
                if None in row:
                    raise ArchiveError(f"{where}: more values than columns. A value with a comma in it needs quotes.")
                if not (name := (row["file"] or "").strip()):
                    raise ArchiveError(f"{where}: no file is named.")
                source = os.path.abspath(path.parent / name)  # noqa: PTH100 - keeps links
                if source in table:
                    raise ArchiveError(
                        f"{where}: {name} stands there twice. Several labels go into one row, joined by '{_BETWEEN}'."
                    )
                words = [word.strip() for word in (row["label"] or "").split(_BETWEEN)]
                table[source] = tuple(dict.fromkeys(word for word in words if word))
    except OSError as error:
        raise ArchiveError(f"The labels {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ArchiveError(f"The labels {path} are not UTF-8 text: save them as CSV UTF-8.") from error
    except csv.Error as error:
        raise ArchiveError(f"The labels {path} are no CSV: {error}.") from error
    return TableLabels(path, table)
