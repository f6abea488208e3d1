"""Parquet files with embeddings in them, whoever wrote them: columns by batches, in the types that we keep.

Row numbers count from 0, as DuckDB's `file_row_number` does.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from msclip_search.catalog.kinds import wanted_type
from msclip_search.catalog.lists import vectors_of
from msclip_search.catalog.sidecar import text_hashes
from msclip_search.errors import ArchiveError

ABOUT = b"msclip"
"""Key of the file's metadata under which an export says which model made its vectors."""

_NUMBERS = 4 << 20  # of embeddings in a batch: 16 MiB as float32
_BUFFER = 1 << 20
_DEGREES = {("OGC", "CRS84"), ("EPSG", "4326")}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows in a row."""

    start: int
    """Number of the first."""
    rows: int
    values: Mapping[str, list[Any]]
    """Plain values by our names of the columns, one a row, None where there is none."""
    vectors: NDArray[np.floating] | None
    """(rows, dimension), as stored; None where they were not asked for."""


@dataclass(frozen=True)
class EmbeddingFile:
    """An open Parquet file. What its methods read and cannot be read raises ArchiveError."""

    path: Path
    file: pq.ParquetFile = field(repr=False)

    @property
    def rows(self) -> int:
        """How many it has."""
        return int(self.file.metadata.num_rows)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of its columns."""
        return tuple(self.file.schema_arrow.names)

    @cached_property
    def about(self) -> Mapping[str, Any] | None:
        """What an export of ours says of its vectors; None of anybody else's file."""
        raw = (self.file.schema_arrow.metadata or {}).get(ABOUT)
        try:
            said = json.loads(raw) if raw else None
        except ValueError:
            return None
        return said if isinstance(said, dict) else None

    def projected(self, column: str) -> str | None:
        """Name the coordinate system of a geometry if its metadata names one that is not longitude and latitude."""
        raw = (self.file.schema_arrow.metadata or {}).get(b"geo", b"null")
        try:
            crs = json.loads(raw)["columns"][column]["crs"]
            named = crs["id"]["authority"], str(crs["id"]["code"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return None if named in _DEGREES else ":".join(named)

    def dimension(self, column: str) -> int:
        """Say how many numbers the first vector has."""
        kind = self.file.schema_arrow.field(column).type
        if pa.types.is_fixed_size_list(kind):
            return int(kind.list_size)
        for batch in self._batches([column], 1):
            return int(vectors_of(batch.column(0), self.path, column, 0).shape[1])
        return 0

    def hashes(self, column: str) -> NDArray[np.uint64]:
        """Hash the text of each row: XXH64 of its UTF-8.

        Raises
        ------
        ArchiveError
            A row has none.
        """
        found, start = [np.empty(0, dtype=np.uint64)], 0
        for batch in self._batches([column], 65_536):
            texts = self._typed(batch.column(0), "tile_id", column)
            if texts.null_count:
                row = start + int(np.flatnonzero(texts.is_null().to_numpy(zero_copy_only=False))[0])
                raise ArchiveError(f"Row {row:,} of {self.path} (counted from 0) has no {column}: every tile has one.")
            with _plain(self.path, column):
                found.append(text_hashes(texts))
            start += batch.num_rows
        return np.concatenate(found)

    def pieces(self, columns: Mapping[str, str], embedding: str | None, *, dimension: int) -> Iterator[Piece]:
        """Stream rows.

        Parameters
        ----------
        columns
            Our name of each column to their name of it.
        embedding
            Their name of the column of vectors; None where they lie elsewhere.
        dimension
            Numbers a vector, by which a batch is as long as memory should allow.
        """
        theirs = list(dict.fromkeys([*columns.values(), *([embedding] if embedding else [])]))
        start = 0
        for batch in self._batches(theirs, max(256, min(16_384, _NUMBERS // dimension))):
            vectors = None
            if embedding:
                vectors = vectors_of(batch.column(embedding), self.path, embedding, start)
            values = {ours: self._listed(batch.column(name), ours, name) for ours, name in columns.items()}
            yield Piece(start, batch.num_rows, values, vectors)
            start += batch.num_rows

    def _batches(self, columns: list[str], size: int) -> Iterator[pa.RecordBatch]:
        with _readable(self.path):
            for batch in self.file.iter_batches(size, columns=columns):
                if batch.num_rows:
                    yield batch

    def _listed(self, column: pa.Array, ours: str, name: str) -> list[Any]:
        typed = self._typed(column, ours, name)
        with _plain(self.path, name):
            values: list[Any] = typed.to_pylist()
            return values

    def _typed(self, column: pa.Array, ours: str, name: str) -> pa.Array:
        """Return a column in a type whose values are plain ones of ours."""
        if isinstance(column, pa.ExtensionArray):
            column = column.storage
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        wanted, kind = wanted_type(ours, column.type)
        if kind is None:
            raise ArchiveError(
                f"The column {name} of {self.path} holds {column.type} where {ours} is {wanted}: name another with "
                f"--column {ours}=NAME, or none with --column {ours}=."
            )
        try:
            return column if column.type == kind else column.cast(kind, safe=not pa.types.is_timestamp(kind))
        except pa.ArrowException as error:
            raise ArchiveError(f"The column {name} of {self.path} cannot be taken as {ours}: {error}.") from error


@contextmanager
def open_embeddings(path: Path) -> Iterator[EmbeddingFile]:
    """Open a Parquet file.

    Raises
    ------
    ArchiveError
        It is not there, is empty, or no Parquet file, or truncated.
    """
    with _readable(path):
        if path.is_dir():
            raise ArchiveError(f"{path} is a folder where a Parquet file is wanted.")
        if path.stat().st_size == 0:
            raise ArchiveError(f"{path} is empty (0 bytes): copying or downloading it was cut short.")
        file = pq.ParquetFile(
            path, buffer_size=_BUFFER, pre_buffer=False
        )  # by pages: a row group may be the whole file
    with file:
        yield EmbeddingFile(path, file)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say in a sentence that a file cannot be read."""
    try:
        yield
    except FileNotFoundError as error:
        raise ArchiveError(f"There is no file {path}.") from error
    except PermissionError as error:
        raise ArchiveError(f"No permission to read {path}.") from error
    except (pa.ArrowException, OSError) as error:
        said = (str(error).splitlines() or [""])[0].rstrip(".")
        raise ArchiveError(f"{path} is no Parquet file, or it is truncated or damaged ({said}).") from error


@contextmanager
def _plain(path: Path, name: str) -> Iterator[None]:
    """Say that a column holds what Python cannot: a date after the year 9999, a text that is no UTF-8."""
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise ArchiveError(f"The column {name} of {path} holds a value that cannot be read ({error}).") from error
