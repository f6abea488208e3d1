"""Tables that come with other people's data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from msclip_search.errors import ArchiveError


def read_table(path: Path, columns: Sequence[str], *, optional: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Read columns of a Parquet file, a dictionary a row.

    Parameters
    ----------
    path
        The file.
    columns
        Those it must have.
    optional
        Those that are read where it has them.

    Raises
    ------
    ArchiveError
        It is not there, is no Parquet file, or lacks a column.
    """
    try:
        with pq.ParquetFile(path) as file:
            have = file.schema_arrow.names
            if missing := [name for name in columns if name not in have]:
                raise ArchiveError(f"{path} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}.")
            rows: list[dict[str, Any]] = file.read(
                columns=[*columns, *(name for name in optional if name in have)]
            ).to_pylist()
            return rows
    except (OSError, pa.ArrowException) as error:
        raise ArchiveError(f"The table {path} cannot be read: {str(error).rstrip('.')}.") from error
